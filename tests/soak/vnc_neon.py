#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vnc_mutate for aarch64, whose kernel is NEON's, by qemu-user: vnc_neon.py MUTATIONS SEED; prints TAP.

It needs clang, and beside it Debian's binutils-aarch64-linux-gnu, libc6-dev-arm64-cross, libgcc-12-dev-arm64-cross and
qemu-user. gcc's own cross compiler is not there together with gcc-multilib."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
TARGET = "aarch64-linux-gnu"
NEEDED = ("clang", TARGET + "-ld")
EMULATORS = ("qemu-aarch64", "qemu-aarch64-static")
LIBC = "/usr/%s/include" % TARGET
NOUNS = ("bits", "differ", "error", "kernel", "rectangles", "thread")
OTHER_MACHINES = ("kernels_x86", "kernels_other", "kernel_sse2", "kernel_avx2", "kernel_avx512")


def sources():
    library = os.path.join(TOP, "libqrt-vnc", "src")
    names = [os.path.splitext(os.path.basename(path))[0] for path in glob.glob(os.path.join(library, "*.c"))]
    found = [os.path.join(library, name + ".c") for name in names if name.startswith(NOUNS) and name not in OTHER_MACHINES]
    found += [os.path.join(TOP, "common", name + ".c") for name in ("message", "struct", "thread")]
    return found + [os.path.join(TOP, "tests", "vncmodel.c"), os.path.join(TOP, "tests", "soak", "vnc_mutate.c")]


def build(program):
    folders = [os.path.join(TOP, *parts) for parts in (("libqrt-vnc", "include"), ("libqrt-vnc", "src"), ("common",), ("tests",))]
    subprocess.run(["clang", "--target=" + TARGET, "-std=gnu17", "-O2", "-D_GNU_SOURCE", "-static", "-pthread",
                    *("-I" + folder for folder in folders), *sources(), "-o", program], timeout=300, check=True)


def main():
    emulator = next(filter(None, map(shutil.which, EMULATORS)), None)
    if not emulator or not all(map(shutil.which, NEEDED)) or not os.path.isdir(LIBC):
        print("1..0 # SKIP a compiler for %s and qemu-user are not both here" % TARGET)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "vnc_mutate")
        build(program)
        return subprocess.run([emulator, program, *sys.argv[1:]], stdin=subprocess.DEVNULL, timeout=7200, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
