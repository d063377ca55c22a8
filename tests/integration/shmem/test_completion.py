#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The completion of qrt-shmem for bash: what a Tab offers."""

import os
import shutil
import subprocess

from tool import HERE, Skip, check_equal, main

SCRIPT = os.path.join(HERE, "..", "..", "..", "libqrt-shmem", "completion", "qrt-shmem")
ASK = '. "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _qrt_shmem; [ ${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "${COMPREPLY[@]}"'
OFFERS = [  # what stands there, and what is offered; behind the last '=' of the word, which ends one for bash
    ("", "serve ls ring send recv dump bench --help --version"),
    ("serve --hold", "--hold-seconds"),
    ("serve /tmp/s,ve", "/tmp/s,vectors="),
    ("serve s,id=1,n", "1,name="),
    ("serve s,owner=roo", "root"),
    ("serve --layout=r", "ring="),
    ("serve --hugetlb=", "2M 1G"),
    ("send --t", "--to --type"),
    ("ls --watch 1", "1 10"),
    ("bench --x", ""),
]


def offer(line):
    if not shutil.which("bash"):
        raise Skip("no bash here")
    done = subprocess.run(["bash", "--norc", "-c", ASK, "bash", SCRIPT, "qrt-shmem " + line], capture_output=True,
                          text=True, timeout=60, check=False)
    check_equal(done.stderr, "", line)
    return done.stdout.split()


def test_offers():
    for line, wanted in OFFERS:
        check_equal(offer(line), wanted.split(), line)


def test_every_command_has_help():
    for command in offer("")[:-2]:
        check_equal(offer(command + " --he"), ["--help"], command)


main([("what a Tab offers", test_offers), ("every command has help", test_every_command_has_help)])
