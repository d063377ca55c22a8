# SPDX-License-Identifier: MIT
"""The demo guest with files added, and what its agent says, as it lies in the memory that it shares with its launcher."""

import gzip
import mmap
import os
import struct

AGENT = os.path.join("guest", "agent", "qrt-guest-agent")  # in a build folder
READY, REBOOTING = 2, 3
MEMORY = 1 << 20
SLOT = 2 * 4096 + 64

# How the guest's first process begins, on its console.
BEGIN = """#!/bin/sh
PATH=/bin; export PATH
/bin/busybox mkdir -p /proc /sys /dev /tmp /run
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
"""


def archive(files):
    """A cpio archive (newc) of (name, mode, content)."""
    out = b""
    for inode, (name, mode, content) in enumerate([*files, ("TRAILER!!!", 0, b"")], 1):
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return out


def make_image(base, build, init, path, more=()):
    """What the guest boots from: all of `base`, the build's agent (another one where that is not static, as a sanitizer's),
    /agent-init, for the kernel's rdinit=, and `more`: (name, content) each. Linux takes archives one after the other."""
    with open(base, "rb") as file:
        image = file.read()
    with open(os.environ.get("QRT_GUEST_AGENT", os.path.join(build, AGENT)), "rb") as file:
        agent = file.read()
    files = [("agent-init", 0o100755, init.encode()), ("bin/qrt-guest-agent", 0o100755, agent),
             *((name, 0o100755, content) for name, content in more)]
    with open(path, "wb") as file:
        file.write(image + bytes(-len(image) % 4) + gzip.compress(archive(files), 1))
    os.chmod(path, 0o644)


def find_memory(launcher):
    """The path of what a launcher shares with its guest."""
    folder = "/proc/%d/fd" % launcher
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.readlink(path).startswith("/memfd:qrt-shmem") and os.stat(path).st_size == MEMORY:
            return path
    raise FileNotFoundError("the launcher (pid %d) has no shared memory" % launcher)


class Slot:
    """What the guest says, seen without the launcher: it shows when it was said."""

    def __init__(self, launcher):
        with open(find_memory(launcher), "rb") as file:
            self.memory = mmap.mmap(file.fileno(), MEMORY, prot=mmap.PROT_READ)

    def read(self):
        """The guest's state: a number, 0 for none."""
        turn, = struct.unpack_from("<I", self.memory, SLOT)
        return struct.unpack_from("<4I", self.memory, SLOT + 8 + (turn & 1) * 24)[1] if turn else 0
