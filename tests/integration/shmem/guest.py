# SPDX-License-Identifier: MIT
"""Linux guests in Debian's QEMU with an ivshmem-doorbell device, and no driver: what is to be done they are told on
their consoles. An interrupt is a store to an address: each guest lets its own come into the shared memory, where all
see them."""

import mmap
import os
import struct

from tool import QEMU, Peer, check, check_equal, need_qemu, wait_for

from demoguest import BEGIN, IMAGE, Console, make_guest  # tool.py says where

PATIENCE = 120  # seconds, for a boot
EARS = 3 << 20  # in the memory, behind any layout: for each peer a line, in which each vector has a word
WORDS = EARS + (64 << 10)  # for each peer a line for what it writes
HEARD = 0x51e7

INIT = BEGIN + """stty -echo
for device in /sys/bus/pci/devices/*; do
	[ "$(cat $device/vendor) $(cat $device/device)" = "0x1af4 0x1110" ] && break
done
bar() { sed -n "$1p" $device/resource | cut -d' ' -f1; }
registers=$(bar 1) table=$(bar 2) memory=$(bar 3)
config() { printf "\\\\x$2" | dd of=$device/config bs=1 seek=$1 conv=notrunc 2>/dev/null; }
id() { devmem $((registers + 8)) 32; }
ring() { devmem $((registers + 12)) 32 $(($1 << 16 | $2)); }
get() { devmem $((memory + $1)) 32; }
put() { devmem $((memory + $1)) 32 $2; }
entry() { devmem $((table + $1)) 32 $2; }
hear() { entry $(($1 * 16)) $((memory + $2)); entry $(($1 * 16 + 4)) 0; entry $(($1 * 16 + 8)) $3; entry $(($1 * 16 + 12)) 0; }
echo 1 >$device/enable
config 4 07
config $((0x40 + 3)) 80
echo "GUEST waits"
while read -r line; do
	echo "= $(eval "$line")"
done
"""


class Watcher(Peer):
    """A client of the host's, which has the memory before its eyes."""

    def __init__(self, path, vectors):
        super().__init__(path, vectors)
        self.bytes = mmap.mmap(self.memory, os.fstat(self.memory).st_size)

    def word(self, at):
        return struct.unpack_from("<I", self.bytes, at)[0]

    def clear(self, at):
        struct.pack_into("<I", self.bytes, at, 0)

    def close(self):
        self.bytes.close()
        super().close()


def ear_of(number, vector=0):
    return EARS + number * 64 + vector * 4


class Guest:
    """One that has booted, and hears."""

    def __init__(self, place, name, path="s", vectors=2, device=(), more=()):
        need_qemu()
        if not os.path.exists(place.file("initramfs")):
            make_guest(place, INIT, more)
        self.process = place.start(
            QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-m", "128", "-accel", "tcg", "-no-reboot", "-serial",
            "unix:%s,server=on,wait=off" % place.file(name), "-kernel", os.path.join(IMAGE, "vmlinuz"), "-initrd",
            place.file("initramfs"), "-append", "console=ttyS0 panic=-1 quiet rdinit=/agent-init",
            *(device or ["-chardev", "socket,path=%s,id=c" % path, "-device",
                         "ivshmem-doorbell,chardev=c,vectors=%d" % vectors]), stderr=-1)
        self.console, self.told, self.vectors = Console(place, name), 0, vectors

    def boot(self):
        wait_for("a guest that has booted", lambda: "GUEST waits" in self.console.text, PATIENCE)
        return self

    def begin(self):
        """Once it has booted: its id."""
        self.boot()
        self.id = self.number("id")
        for vector in range(self.vectors):
            self.tell("hear %d %d %d" % (vector, ear_of(self.id, vector), HEARD))
        return self

    def tell(self, command):
        """What it answers."""
        self.told += 1
        self.console.tell(command)

        def look():
            if self.process.poll() is not None:
                raise AssertionError("QEMU ended with %d: %s" % (self.process.returncode, self.process.stderr.read()))
            answers = [line for line in self.console.text.split("\n")[:-1] if line.startswith("= ")]
            return answers[self.told - 1:self.told]
        return wait_for("the guest's answer to " + command, look, PATIENCE)[0][2:]

    def number(self, command):
        return int(self.tell(command), 16)

    def ring(self, other, watcher, vector=0):
        """Rings another guest, whose interrupt is seen."""
        at = ear_of(other.id, vector)
        watcher.clear(at)
        self.tell("ring %d %d" % (other.id, vector))
        wait_for("guest %d hears guest %d" % (other.id, self.id), lambda: watcher.word(at) == HEARD)

    def show(self, other, number):
        """Writes a word that another guest reads."""
        at = WORDS + self.id * 64
        self.tell("put %d %d" % (at, number))
        check_equal(other.number("get %d" % at), number, "what guest %d reads" % other.id)

    def end(self):
        """It is ended from outside, and said nothing before."""
        self.process.kill()
        check_equal(self.process.communicate()[1], "", "what QEMU said")


def talk(first, second, watcher, number):
    """Both ways, on each vector, and through the memory."""
    for vector in range(2):
        first.ring(second, watcher, vector)
        second.ring(first, watcher, vector)
    first.show(second, number)
    second.show(first, number + 1)
