#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The headers for guests compile for other machines, 32 bit ones too, and what lies in the memory is the same there."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.append(os.path.join(TOP, "tests", "integration", "launcher"))

# pylint: disable=wrong-import-position
from tap import Skip, check_equal, main

TARGETS = ["i386-linux-gnu", "arm-linux-gnueabihf", "aarch64-linux-gnu", "riscv64-linux-gnu"]
LANGUAGES = [("c", "c99"), ("c++", "c++11")]
HEADERS = ["shmem_layout", "shmem_value", "shmem_ring", "shmem_agent", "shmem_guest"]

# Sizes and places, in bytes, as qrt_shmem_layout(3) has them.
SAME = """#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>
#define SAME(name, is, wanted) typedef char name[(is) == (wanted) ? 1 : -1]
SAME(header, sizeof(struct qrt_shmem_header), 48);
SAME(header_check, offsetof(struct qrt_shmem_header, check), 40);
SAME(state, sizeof(struct qrt_shmem_state), 16);
SAME(state_copy, sizeof(struct qrt_shmem_state_copy), 24);
SAME(message, sizeof(struct qrt_shmem_message), 24);
SAME(value_type, offsetof(struct qrt_shmem_value, type), 40);
SAME(value_data, offsetof(struct qrt_shmem_value, is), 48);
"""


def compile_for(target, language, standard, text):
    """Against this machine's libc: its headers look at the target, and want one file that others have. Headers of a C++
    library are none of this machine's to give, where some for 32 bits are installed by halves neither."""
    if not shutil.which("clang"):
        raise Skip("no clang here")
    with tempfile.TemporaryDirectory(prefix="qrt-headers-") as folder:
        os.mkdir(os.path.join(folder, "gnu"))
        with open(os.path.join(folder, "gnu", "stubs-32.h"), "wb"):
            pass
        plain = ["-nostdinc++"] if language == "c++" else []
        done = subprocess.run(["clang", "--target=" + target, "-fsyntax-only", "-x", language, "-std=" + standard, *plain, "-Wall",
                               "-Wextra", "-Werror", "-Wno-unused-function", "-I", folder, "-I",
                               os.path.join(TOP, "libqrt-shmem", "include"), "-I",
                               "/usr/include/%s-linux-gnu" % platform.machine(), "-"],
                              input=text, capture_output=True, text=True, timeout=100, check=False)
    check_equal((done.returncode, done.stderr), (0, ""), "for %s as %s" % (target, standard))


def each_header(target):
    for language, standard in LANGUAGES:
        for header in HEADERS:
            compile_for(target, language, standard, "#include <qrt/%s.h>\n" % header)


def each_place():
    for target in TARGETS:
        compile_for(target, "c", "c99", SAME)


main([*(("headers for guests compile for " + target, lambda target=target: each_header(target)) for target in TARGETS),
      ("what lies in the memory is the same on each", each_place)])
