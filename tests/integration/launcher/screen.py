# SPDX-License-Identifier: MIT
"""A terminal that tmux plays."""

import re
import shutil
import subprocess

from tap import Skip, check, check_equal
from vm import LAUNCHER, PATIENCE, wait_for


def need_tmux():
    if not shutil.which("tmux"):
        raise Skip("no tmux")


class Screen:
    """A shell in a terminal of tmux's."""

    def __init__(self, place, width=80, height=24):
        need_tmux()
        self.socket = place.file("tmux")
        self.environment = dict(place.environment, TERM="xterm", LC_ALL="C.UTF-8")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), "env", "PS1=ready> ", "sh", "-i")
        self.wait("ready>")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server", check=False)

    def tmux(self, *arguments, **options):
        done = subprocess.run(["tmux", "-S", self.socket, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        if options.get("check", True):
            check_equal(done.returncode, 0, "tmux %s: %s" % (arguments, done.stderr))
        return done.stdout

    def lines(self):
        return self.tmux("capture-pane", "-p").split("\n")[:-1]

    def text(self):
        return "\n".join(self.lines())

    def wait(self, *words):
        """The first screen that has all of them."""
        try:
            return wait_for(words, lambda: (lambda text: text if all(word in text for word in words) else None)(self.text()))
        except AssertionError as error:
            raise AssertionError("%s; the screen:\n%s" % (error, self.text())) from None

    def wait_row(self, place, text):
        """Until the thread's row has it: what keys do next starts from there."""
        wait_for("%s: %s" % (place, text),
                 lambda: any(line.startswith(place + " ") and text in line for line in self.lines()))

    def wait_without(self, word):
        return wait_for("no " + word, lambda: word not in self.text())

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)
        self.press("Enter")

    def resize(self, width, height):
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def is_cursor_shown(self):
        return self.tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def is_alternate(self):
        return self.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def chosen(self):
        """The first word of the line that is reversed."""
        for line in self.tmux("capture-pane", "-p", "-e").split("\n"):
            if re.search(r"\x1b\[(\d+;)*7m", line):
                return re.sub(r"\x1b\[[\d;]*m", "", line).split()[0]
        return None

    def stty(self, file):
        self.type("stty -a >%s; echo saved-%s" % (file, "it"))
        self.wait("saved-it")
        self.type("clear")
        self.wait_without("saved-it")
        with open(file, encoding="ascii") as saved:
            return saved.read()

    def top(self, *arguments):
        self.type(" ".join([LAUNCHER, "top", *arguments]) + "; echo ended-with-$?")

    def wait_left(self, word):
        """Until the shell has its terminal back as it was."""
        self.wait(word)
        check(self.is_cursor_shown(), "the cursor is hidden")
        check(not self.is_alternate(), "the other screen is shown")
