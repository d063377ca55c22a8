# SPDX-License-Identifier: MIT
"""The guest of diskguest.S: its disk before, what has to be on it afterwards, and a QEMU to run it."""

import os
import pathlib
import shutil
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
SECTOR = 512
SECTORS, FIRST, NOTE = 64, 64, 1
BLOCKS_MAX = 64
SIZE = 4 << 20
EXIT_GOOD = 1
WORDS = SECTORS * SECTOR // 4


class NoCompiler(Exception):
    """Says what is missing."""


def assemble(folder, blocks):
    """The boot sector's bytes."""
    words = ["cc", f"-DBLOCKS={blocks}", "-m32", "-nostdlib", "-static", "-no-pie", "-Wl,-Ttext=0x7c00", "-Wl,--oformat=binary",
             "-Wl,-melf_i386", "-Wl,--build-id=none", "-Wl,-estart", "-o", str(folder / "boot"), str(HERE / "diskguest.S")]
    if os.uname().machine != "x86_64" or not shutil.which("cc"):
        raise NoCompiler("needs a compiler for x86")
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise NoCompiler("the guest cannot be assembled: " + done.stdout.strip().split("\n")[-1])
    code = (folder / "boot").read_bytes()
    assert len(code) == SECTOR, len(code)
    return code


def make_disk(folder, blocks):
    """A fresh one, of which so many blocks are used (at most BLOCKS_MAX); returns its path."""
    path = folder / "disk.raw"
    with open(path, "wb") as file:
        file.write(assemble(folder, blocks))
        file.truncate(SIZE)
    return path


def block_of(number, turn):
    """The bytes of a block after that pass."""
    first = turn * 0x9E3779B1 + number * 0x85EBCA6B
    return struct.pack("<%dI" % WORDS, *((first + at * 0x01000193) & 0xFFFFFFFF for at in range(WORDS)))


def passes_on(path):
    with open(path, "rb") as file:
        file.seek(NOTE * SECTOR)
        return struct.unpack("<I", file.read(4))[0]


def wrong_blocks(path, blocks):
    """Those that are not what the last pass wrote; none of them, if the disk is as it has to be."""
    turn = passes_on(path)
    with open(path, "rb") as file:
        file.seek(FIRST * SECTOR)
        return [number for number in range(blocks) if file.read(SECTORS * SECTOR) != block_of(number, turn)]


def qemu_arguments(disk, serial, monitor):
    """Two vCPUs; `serial` and `monitor` are sockets that QEMU listens at."""
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "pc", "-smp", "2", "-m", "32",
            "-accel", "tcg,thread=multi", "-display", "none", "-name", "guest=disk,debug-threads=on",
            "-drive", f"file={disk},format=raw,if=virtio,aio=threads,cache=writeback",
            "-serial", f"unix:{serial},server=on,wait=off", "-device", "isa-debug-exit,iobase=0x501,iosize=1",
            "-qmp", f"unix:{monitor},server=on,wait=off"]
