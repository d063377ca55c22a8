# SPDX-License-Identifier: MIT
"""tests/soak/block_guard.c under strace: threads and memory that come or go while requests do."""

import os
import re
import shutil
import subprocess

ENGINES = ("memory", "threads", "threads-direct", "libaio", "io_uring", "io_uring-direct", "io_uring-one-thread")
CALLS = ("clone", "clone3", "fork", "vfork", "exit", "exit_group", "mmap", "munmap", "mremap", "brk", "prctl")
MARK = re.compile(r'prctl\(PR_SET_NAME, "qrt-(begin|end)"')


class NoStrace(Exception):
    """It is not here, or may not trace."""


class Wrong(Exception):
    """What the library promises not to do."""


def command_of(folder):
    """The words before the program; what it does is written to the log."""
    if not shutil.which("strace"):
        raise NoStrace("no strace here")
    log = os.path.join(folder, "strace.log")
    words = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=" + ",".join(CALLS), "-e", "signal=none", "-o", log]
    done = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise NoStrace("strace: " + done.stderr.strip())
    return words, log


def calls_between_marks(lines):
    """Those that are no marks; None: there were no marks."""
    inside, found = None, None
    for line in lines:
        mark = MARK.search(line)
        if mark:
            inside = mark.group(1) == "begin"
            found = [] if found is None else found
        elif inside and "prctl(" not in line:
            found.append(line.strip())
    return None if inside or inside is None else found


def run(build, engine, count, seconds, folder, patience):
    """What it printed. Its skip, too."""
    words, log = command_of(folder)
    program = os.path.join(build, "tests", "soak", "block_guard")
    done = subprocess.run([*words, program, engine, str(count), str(seconds)], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=patience, check=False)
    if done.returncode:
        raise Wrong(f"{engine}: {(done.stderr or done.stdout).strip()}")
    if "# SKIP" in done.stdout:
        return done.stdout
    with open(log, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if not any("clone" in line for line in lines) and engine != "memory":
        raise Wrong(f"{engine}: strace has not seen its workers start")
    calls = calls_between_marks(lines)
    if calls is None:
        raise Wrong(f"{engine}: strace has not seen where it began and ended")
    if calls:
        raise Wrong(f"{engine}: {len(calls)} calls, the first: {calls[0]}")
    return done.stdout
