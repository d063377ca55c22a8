# SPDX-License-Identifier: MIT
"""A network of the benchmark's own: this process and all that it starts are in a name space without a
name. It ends with the last of them, and the taps in it: nothing is left to be cleaned up."""

import ctypes
import os
import subprocess

from benchlib import BenchError
from loads import LIBC

CLONE_NEWNET = 0x40000000


def enter():
    if LIBC.unshare(CLONE_NEWNET):
        raise BenchError("no network of its own here: %s" % os.strerror(ctypes.get_errno()))


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20, check=False)
    if done.returncode:
        raise BenchError("ip %s: %s" % (" ".join(words), done.stderr.strip() or "code %d" % done.returncode))


class Tap:
    """A device that QEMU takes by its name, with the host's address on it and the guest's known."""

    def __init__(self, name, address, length=30):
        self.name, self.address, self.length = name, address, length

    def make(self):
        ip("tuntap", "add", "dev", self.name, "mode", "tap")
        ip("addr", "add", "%s/%d" % (self.address, self.length), "dev", self.name)
        self.silence()
        ip("link", "set", self.name, "up")

    def silence(self):
        """No packets but the ones that are measured."""
        switch = "/proc/sys/net/ipv6/conf/%s/disable_ipv6" % self.name
        if os.path.exists(switch):
            with open(switch, "w", encoding="ascii") as file:
                file.write("1")

    def know(self, address, mac):
        ip("neigh", "replace", address, "lladdr", mac, "nud", "permanent", "dev", self.name)

    def arguments(self, mac):
        """QEMU's."""
        return ["-netdev", "tap,id=net,ifname=%s,script=no,downscript=no" % self.name,
                "-device", "virtio-net-pci,netdev=net,romfile=,mac=%s" % mac]
