# SPDX-License-Identifier: MIT
"""QEMU with -rt, as ./dev qemu makes it."""
import os
import pathlib
import re
import struct
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TOP / "tests/integration/preload"), str(TOP / "tests/lib")]

# pylint: disable=wrong-import-position
import qemu_vm
from taplib import Skip, environment

SERIES = os.environ.get("QRT_TEST_QEMU_SERIES", "7.2")
FOLDER = TOP / "build/qemu" / SERIES
BUILD = FOLDER / "build"
QEMU = BUILD / "qemu-system-x86_64"
BIG_LOCK = {"7.2": "qemu_global_mutex"}.get(SERIES, "bql")
AS_NOBODY = ("-runas", "nobody") if SERIES == "7.2" else ("-run-with", "user=nobody")
KIND_OFFSET, KIND_INHERITS = 16, 0x20  # of glibc's mutex: PTHREAD_PRIO_INHERIT << 5


def need_qemu():
    if not QEMU.exists():
        raise Skip(f"there is no QEMU {SERIES} with -rt: ./dev qemu --tests {SERIES} builds it")


def as_options(plan):
    return [word for line in plan for word in ("-rt", line)]


class Vm(qemu_vm.Vm):
    """The plan as options, one each."""

    def command(self, plan):
        need_qemu()
        return [str(QEMU), *as_options(plan)]

    def environment(self, plan, variables):
        return environment(None, preload=False, **variables)

    def lines(self):
        """What QEMU said, but for warnings about how this host is set up, and that it has few CPUs."""
        host = re.compile(r"warning: -rt: (the kernel takes|where a real-time vCPU spins|real-time vCPUs can take every CPU|"
                          r"vcpu 0 and vcpu 1 share CPU)")
        return [line for line in self.errors.read_text().splitlines() if not host.search(line)]

    def big_lock_inherits(self):
        symbols = subprocess.run(["nm", str(QEMU)], check=True, capture_output=True, text=True).stdout
        offset = int(re.search(rf"^([0-9a-f]+) . {BIG_LOCK}$", symbols, re.M).group(1), 16)
        maps = pathlib.Path(f"/proc/{self.pid}/maps").read_text()
        base = int(re.search(rf"^([0-9a-f]+)-.* {re.escape(str(QEMU))}$", maps, re.M).group(1), 16)
        with open(f"/proc/{self.pid}/mem", "rb") as memory:
            memory.seek(base + offset + KIND_OFFSET)
            return bool(struct.unpack("i", memory.read(4))[0] & KIND_INHERITS)


def run(*arguments, **options):
    """(exit code, output, lines of errors) of a QEMU that ends by itself."""
    need_qemu()
    done = subprocess.run([str(QEMU), "-nodefaults", "-display", "none", "-machine", "none", *arguments],
                          env=environment(None, preload=False), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False, **options)
    return done.returncode, done.stdout, done.stderr.splitlines()
