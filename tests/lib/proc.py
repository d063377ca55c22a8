# SPDX-License-Identifier: MIT
"""Processes and threads as /proc shows them. A thread's id does where a process's does."""

import os


def read_text(path):
    """None where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def name_of(pid):
    """Empty where there is no such process."""
    return (read_text("/proc/%d/comm" % pid) or "").rstrip("\n")


def read_stat(pid):
    """The words of /proc/PID/stat from the state on, None where there is no such process."""
    text = read_text("/proc/%d/stat" % pid)
    return text.rpartition(")")[2].split() if text else None


def is_alive(pid):
    stat = read_stat(pid)
    return stat is not None and stat[0] not in "ZX"


def start_of(pid):
    """When it started, in the kernel's ticks: with it an id is unique. None where there is none."""
    stat = read_stat(pid)
    return int(stat[19]) if stat else None


def children_of(pid):
    found = []
    for entry in os.listdir("/proc"):
        stat = read_stat(int(entry)) if entry.isdigit() else None
        if stat and int(stat[1]) == pid:
            found.append(int(entry))
    return found


def is_listening(path):
    """At a socket of the file system: the file is there a moment before."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        return any(line.endswith(" " + path + "\n") and line.split()[3] == "00010000" for line in file)


def signals_of(pid, word):
    """The signals in a line of /proc/PID/status: ShdPnd, SigIgn, SigCgt of the process, SigBlk of the
    thread."""
    for line in (read_text("/proc/%d/status" % pid) or "").splitlines():
        if line.startswith(word + ":"):
            mask = int(line.split()[1], 16)
            return {number for number in range(1, 65) if mask >> (number - 1) & 1}
    return set()
