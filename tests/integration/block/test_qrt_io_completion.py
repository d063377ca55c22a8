#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The completion of qrt-io for bash: what a Tab offers."""

import os
import re
import shutil
import subprocess

from image import HERE, TOOL, Place, Skip, check_equal, main

SCRIPT = os.path.join(HERE, "..", "..", "..", "libqrt-block", "completion", "qrt-io")
ASK = '. "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _qrt_io; [ ${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "${COMPREPLY[@]}"'
OFFERS = [  # what stands there, and what is offered; behind the last '=' of the word, which ends one for bash
    ("be", "bench"),
    ("--eng", "--engine"),
    ("--engine io", "io_uring"),
    ("-t n", "none"),
    ("-c aio_", "aio_flush aio_read aio_write"),
    ("-o fault.d", "fault.delay= fault.delay-min= fault.delay-max="),
    ("-o filename=x,eng", "x,engine="),
    ("bench --k", "--kind"),
    ("bench --kind rand", "randread randwrite"),
    ("bench --engine threads,l", "threads,libaio"),
    ("bench --cmd", ""),
]


def offer(place, line):
    if not shutil.which("bash"):
        raise Skip("no bash here")
    _, out, errors = place.run("bash", "--norc", "-c", ASK, "bash", SCRIPT, "qrt-io " + line)
    check_equal(errors, "", line)
    return out.split()


def test_offers():
    with Place() as place:
        for line, wanted in OFFERS:
            check_equal(offer(place, line), wanted.split(), line)


def test_nothing_is_missing():
    """What help says is what a Tab offers."""
    with Place() as place:
        for command in ("", "bench "):
            text = subprocess.run([TOOL, *command.split(), "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
            check_equal(sorted(offer(place, command + "--")), sorted(set(re.findall(r"(?<!-)--[a-z-]+", text)) | {"--help"} -
                        ({"--write"} if not command else set())), command)
        commands = re.findall(r"^(\w+) .*--", place.run(TOOL, "-c", "help", code=0)[1], re.M)
        check_equal(offer(place, "-c "), commands, "commands")


main([("what a Tab offers", test_offers), ("all that help knows", test_nothing_is_missing)])
