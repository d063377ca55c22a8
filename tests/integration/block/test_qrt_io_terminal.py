#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-io on a terminal: lines are edited, and ^C ends a command."""

import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import time

from image import TOOL, Place, Skip, check, check_equal, main

PROMPT = "qrt-io> "
PATIENCE = 60
UP, CONTROL_A, CONTROL_C, CONTROL_D, TAB = "\x1b[A", "\x01", "\x03", "\x04", "\t"
ESCAPES = re.compile(r"\x1b(\[[?\d;]*[A-Za-z]|[()=>].?)")


def has_editor():
    return "libedit" in subprocess.run(["ldd", TOOL], capture_output=True, text=True, timeout=60, check=True).stdout


def need_editor():
    if not has_editor():
        raise Skip("this build has no libedit")


class Terminal:
    """qrt-io with a terminal of its own, which is the one that ^C comes from."""

    def __init__(self, place, *words, stdout=None, **environment):
        self.ours, theirs = pty.openpty()
        self.modes = termios.tcgetattr(theirs)
        self.said = ""
        self.tool = subprocess.Popen(["setsid", "--ctty", "--wait", TOOL, *words], cwd=place.path, stdin=theirs,
                                     stdout=stdout or theirs, stderr=theirs,
                                     env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "HOME": place.path, **environment})
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.ours)
        self.tool.kill()
        self.tool.wait()

    def wait(self, text):
        """What is said until then, and no more than that is taken."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.said:
            left = max(0, deadline - time.monotonic())
            check(select.select([self.ours], [], [], left)[0], "%r came, not %r" % (self.said, text))
            self.said = ESCAPES.sub("", self.said + os.read(self.ours, 4096).decode())
        before, self.said = self.said.split(text, 1)
        return before

    def type(self, text):
        os.write(self.ours, text.encode())

    def run(self, line, said):
        """A line at the prompt, up to the next one."""
        self.type(line)
        self.wait(said)
        self.wait(PROMPT)

    def end(self, line="quit\r"):
        self.type(line)
        try:
            return self.tool.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "it goes on: %r" % (self.said + os.read(self.ours, 4096).decode())


def wait_for(what, look):
    deadline = time.monotonic() + PATIENCE
    while not look():
        check(time.monotonic() < deadline, "not within %d s: %s" % (PATIENCE, what))
        time.sleep(0.02)


def is_blocked(pid, number):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        return bool(int(re.search(r"^SigBlk:\s*(\w+)", status.read(), re.M).group(1), 16) >> (number - 1) & 1)


def test_asked():
    with Place() as place:
        place.make("image")
        with Terminal(place, "-o", "fault.delay=1000,fault.delay-min=300ms,fault.delay-max=300ms", "image") as terminal:
            terminal.wait(PROMPT)
            terminal.run("length\r", "8 MiB\r\n")
            terminal.run("aio_read 0 4k\r", "ops/sec)\r\n")  # though nothing was typed
            check_equal(terminal.end(), 0, "exit code")
        with open(place.file("out"), "wb") as out, Terminal(place, "image", stdout=out) as terminal:
            check_equal(terminal.end("length\rquit\r"), 0, "exit code")
        check_equal(place.bytes_of("out"), b"8 MiB\n", "a file is not asked")


def test_edited():
    need_editor()
    with Place() as place:
        place.make("image")
        with Terminal(place, "image") as terminal:
            terminal.wait(PROMPT)
            terminal.run("gth" + CONTROL_A + "len\r", "8 MiB\r\n")
            terminal.run(UP + "\r", "8 MiB\r\n")
            terminal.run("read -P 1 0 1k\r", "verification failed at offset 0")
            terminal.run(UP + UP + "\r", "8 MiB\r\n")
            terminal.run("  # \u00e4 \u20ac" + UP + "\r", "8 MiB\r\n")
            check_equal(terminal.end(CONTROL_D), 1, "one failed")


def test_completed():
    need_editor()
    with Place() as place:
        place.make("image")
        with Terminal(place, "image") as terminal:
            terminal.wait(PROMPT)
            terminal.run("le" + TAB + "\r", "8 MiB\r\n")
            terminal.type("r" + TAB)
            terminal.type(TAB)
            terminal.wait("read  readv  reopen\r\n")
            terminal.run("ad" + TAB + TAB, "read  readv\r\n")
            terminal.run(CONTROL_C, "^C\r\n")
            terminal.run("help trunc" + TAB + "\r", "truncate [-m off | falloc | full] off -- ")
            terminal.run("x" + TAB + "\r", "there is no command 'x'")
            check_equal(terminal.end(CONTROL_D), 1, "one failed")


def test_told_while_typing():
    need_editor()
    with Place() as place:
        place.make("image")
        with Terminal(place, "-o", "fault.delay=1000,fault.delay-min=1s,fault.delay-max=1s", "image") as terminal:
            terminal.wait(PROMPT)
            terminal.run("aio_read 0 4k\r", "\r\n")
            terminal.type("leng")
            terminal.wait("read 4096/4096 bytes at offset 0\r\n")
            terminal.wait(PROMPT + "leng")
            terminal.run("th\r", "8 MiB\r\n")
            check_equal(terminal.end(), 0, "exit code")


def test_commands_end():
    """By ^C: those that wait, and not the program."""
    slow = "fault.delay=1000,fault.delay-min=2s,fault.delay-max=2s"
    with Place() as place:
        place.make("image")
        with Terminal(place, "-o", slow, "image") as terminal:
            terminal.wait(PROMPT)
            for line, said in (("sleep 86400000", "\r\n"), ("read 0 4k", "read failed: Operation canceled"),
                               ("flush", "flush failed: Operation canceled")):
                terminal.type(line + "\r")
                terminal.wait("\r\n")
                terminal.run(CONTROL_C, said)
            begin = time.monotonic()
            terminal.run("aio_read 0 4k\r", "\r\n")
            terminal.type("aio_flush\r")
            terminal.wait("\r\n")
            terminal.run(CONTROL_C, "requests are on their way still")
            if time.monotonic() - begin < 1.5:
                terminal.run("cancel all\r", "readv failed: Operation canceled")
            check_equal(terminal.end(), 1, "some failed")
        check_equal(place.bytes_of("image")[:4], bytes((0, 7, 14, 21)), "nothing was written")


def test_long_output_ends():
    with Place() as place:
        place.run("truncate", "-s", "64M", "image", code=0)
        with Terminal(place, "image") as terminal:
            terminal.wait(PROMPT)
            terminal.type("read -v 0 64M\r")
            terminal.wait("00000100:")
            terminal.type(CONTROL_C)
            read = len(terminal.wait(PROMPT))
            check(read < 16 << 20, "it went on for %d bytes" % read)
            check_equal(terminal.end(), 0, "exit code")


def test_history_file():
    need_editor()
    with Place() as place:
        place.make("image")
        with Terminal(place, "image", QRT_IO_HISTORY=place.file("history")) as terminal:
            terminal.wait(PROMPT)
            terminal.run("length\r", "8 MiB\r\n")
            terminal.run(" map\r", "allocated")
            check_equal(terminal.end(), 0, "exit code")
        check_equal(stat.S_IMODE(os.stat(place.file("history")).st_mode), 0o600, "it is nobody else's")
        with Terminal(place, "image", QRT_IO_HISTORY=place.file("history")) as terminal:
            terminal.wait(PROMPT)
            terminal.run(UP + UP + "\r", "8 MiB\r\n")
            check_equal(terminal.end(), 0, "exit code")
        with open(place.file("other"), "wb") as other:
            other.write(b"something else\nthat somebody needs\n")
        with Terminal(place, "image", QRT_IO_HISTORY=place.file("other")) as terminal:
            terminal.wait("stays as it is")
            terminal.wait(PROMPT)
            check_equal(terminal.end("length\rquit\r"), 0, "exit code")
        check_equal(place.bytes_of("other"), b"something else\nthat somebody needs\n", "what is no history")
        check_equal(sorted(os.listdir(place.path)), ["history", "image", "other"], "nothing else is left")


def test_terminal_stays():
    """Its modes are as they were, and ^C ends who waits at the end."""
    with Place() as place:
        place.make("image")
        with Terminal(place, "-o", "fault.delay=1000,fault.delay-min=600s,fault.delay-max=600s", "image") as terminal:
            terminal.wait(PROMPT)
            terminal.type("aio_write 0 4k\r")
            terminal.wait(PROMPT)
            terminal.type("quit\r")
            terminal.wait("\r\n")
            wait_for("the terminal as it was", lambda: termios.tcgetattr(terminal.ours) == terminal.modes)
            # Before that it has ^C as it was.
            wait_for("^C that ends it", lambda: not is_blocked(terminal.tool.pid, signal.SIGINT))
            check_equal(terminal.end(CONTROL_C), -signal.SIGINT, "ended by ^C")


main([
    ("a terminal is asked, and told what is done meanwhile", test_asked),
    ("a line is edited, and those before it come back", test_edited),
    ("Tab knows the commands", test_completed),
    ("what is done is told above a line that is typed", test_told_while_typing),
    ("^C ends a command that waits, and not the program", test_commands_end),
    ("^C ends output that nobody wants", test_long_output_ends),
    ("lines are kept in a file where that is asked for", test_history_file),
    ("the terminal is as it was, and ^C ends the program again", test_terminal_stays),
])
