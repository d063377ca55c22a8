#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nothing is allocated and no thread comes or goes once a device is open, as the kernel sees it."""

import os
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "launcher")]

import blockguard  # noqa: E402 (the modules are beside this file and in ../../lib)
from tap import Skip, check_equal, main, note  # noqa: E402

COUNT = 20000
REST_S = 1
TRACE = """10 clone3({flags=CLONE_VM}, 88) = 11
10 prctl(PR_SET_NAME, "qrt-begin") = 0
11 exit(0) = ?
10 brk(NULL) = 0x1
10 prctl(PR_SET_NAME, "qrt-end") = 0
10 exit_group(0) = ?""".splitlines()


def test_what_is_looked_for():
    """What a trace has between the marks, and that it has them."""
    check_equal(blockguard.calls_between_marks(TRACE), ["11 exit(0) = ?", "10 brk(NULL) = 0x1"], "calls")
    check_equal(blockguard.calls_between_marks(TRACE[:2] + TRACE[4:]), [], "no calls")
    check_equal(blockguard.calls_between_marks(TRACE[:4]), None, "no end")
    check_equal(blockguard.calls_between_marks(TRACE[2:4]), None, "no marks")


def test_engines():
    with tempfile.TemporaryDirectory(prefix="qrt-guard-") as folder:
        for engine in blockguard.ENGINES:
            try:
                for line in blockguard.run(os.environ["QRT_BUILD"], engine, COUNT, REST_S, folder, 120).splitlines()[1:]:
                    note(line.lstrip("# "))
            except blockguard.NoStrace as error:
                raise Skip(str(error)) from None


main([("what a trace tells", test_what_is_looked_for), ("every engine, at work and at rest", test_engines)])
