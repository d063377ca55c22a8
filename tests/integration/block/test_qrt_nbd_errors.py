#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What goes wrong while qrt-nbd serves: a line that says what, an error for the client, and nothing lost."""

import errno
import os
import re
import subprocess
import sys

from image import SIZE, Place, Skip, check, check_equal, main
from nbd_export import Export, client_library, start_and_fail, wait_for

MIB = 1 << 20


def refuse(wanted, call, *words):
    """The call fails with that."""
    try:
        call(*words)
    except client_library().Error as error:
        check_equal(error.errnum, wanted, error.string)
    else:
        raise AssertionError("it was not refused")


def only_error(export, text):
    """The one line of this request; the answer may be sooner than the line."""
    lines = wait_for("a line that says %r" % text, export.errors)
    check(len(lines) == 1 and re.search(text, lines[0]), "%r in one line: %s" % (text, lines))


class Small:
    """A filesystem of some bytes."""

    def __init__(self, place, size):
        self.path, self.name = place.file("small"), "small/image"
        os.mkdir(self.path)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % size, "qrt-test", self.path], capture_output=True,
                              text=True, timeout=60, check=False)
        if done.returncode:
            raise Skip("no filesystem can be mounted here: %s" % done.stderr.strip())

    def change(self, how):
        subprocess.run(["mount", "-o", "remount," + how, self.path], timeout=60, check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], timeout=60, check=True)


def test_full_disk():
    for words in ((), ("engine=threads",), ("engine=io_uring",)):
        with Place() as place, Small(place, 2 * MIB) as small:
            place.run("truncate", "-s", "8M", small.name, code=0)
            with Export(place, small.name, *words) as export:
                client = export.connect()
                client.pwrite(b"a" * MIB, 0)
                refuse(errno.ENOSPC, client.pwrite, b"b" * (4 * MIB), MIB)
                only_error(export, "writing 4194304 bytes at offset 1048576: the filesystem is full")
                check_equal(client.pread(MIB, 0), b"a" * MIB, "what was there before")
                small.change("size=16m")
                client.pwrite(b"c" * (4 * MIB), MIB)
                client.flush()
                client.shutdown()
                only_error(export, "the filesystem is full")
            check_equal(place.bytes_of(small.name), b"a" * MIB + b"c" * (4 * MIB) + bytes(3 * MIB), "all that was written")


def test_read_only():
    with Place() as place:
        place.make("image")
        with Export(place, "--read-only", "image") as export:
            client = export.connect()
            check(client.is_read_only(), "it says so")
            refuse(errno.EPERM, client.pwrite, bytes(512), 0)
            refuse(errno.EPERM, client.zero, 512, 0)
            refuse(errno.EPERM, client.trim, 512, 0)
            check_equal(client.pread(512, 0), place.bytes_of("image")[:512], "it can be read")
            client.shutdown()
        place.make("other")
        check_equal(place.bytes_of("image"), place.bytes_of("other"), "nothing was written")


def test_read_only_filesystem():
    with Place() as place, Small(place, 16 * MIB) as small:
        place.make(small.name)
        small.change("ro")
        check(re.fullmatch(r"nbdkit: error: [^\n]*small/image: [^\n]*[Rr]ead-only[^\n]*\n", start_and_fail(place, small.name)),
              "it says what is in the way")
        with Export(place, "--read-only", small.name) as export:
            client = export.connect()
            check_equal(client.pread(MIB, 0), place.bytes_of(small.name)[:MIB], "it can be read")
            client.shutdown()


def test_no_image():
    with Place() as place:
        place.make("image")
        os.mkdir(place.file("folder"))
        for name, text in (("nothing", "nothing: No such file"), ("folder", "folder: ")):
            errors = start_and_fail(place, name)
            check(re.fullmatch(r"nbdkit: error: [^\n]+\n", errors) and text in errors, errors)
        with Export(place, "image") as export:
            errors = start_and_fail(place, "image")
            check(re.fullmatch(r"nbdkit: error: [^\n]*another process[^\n]*\n", errors), errors)
            check_equal(export.errors(), [], "the first one does not mind")


def test_removed():
    """It is there until the last one has let go of it."""
    with Place() as place:
        place.make("image")
        wanted = place.bytes_of("image")
        with Export(place, "image") as export:
            os.unlink(place.file("image"))
            client = export.connect()
            client.pwrite(b"x" * MIB, MIB)
            client.flush()
            check_equal(client.pread(3 * MIB, 0), wanted[:MIB] + b"x" * MIB + wanted[2 * MIB:3 * MIB], "it goes on")
            client.shutdown()
            check_equal(export.errors(), [], "and says nothing")


def test_truncated():
    for words in ((), ("engine=threads",), ("engine=io_uring",)):
        with Place() as place:
            place.make("image")
            wanted = place.bytes_of("image")
            with Export(place, "image", *words) as export:
                client = export.connect()
                os.truncate(place.file("image"), SIZE // 2)
                refuse(errno.EIO, client.pread, MIB, SIZE // 2 + MIB)
                only_error(export, "reading 1048576 bytes at offset %d: the file is shorter" % (SIZE // 2 + MIB))
                check_equal(client.pread(SIZE // 2, 0), wanted[:SIZE // 2], "what is left")
                client.pwrite(b"y" * 4096, SIZE - 4096)
                check_equal(client.pread(8192, SIZE - 8192), bytes(4096) + b"y" * 4096, "it grows again")
                client.shutdown()
                only_error(export, "the file is shorter")


def test_device_fails():
    with Place() as place:
        place.make("image")
        with Export(place, "image", "fault.error=1000") as export:
            client = export.connect()
            refuse(errno.EIO, client.flush)
            only_error(export, "flush: Input/output error")
            refuse(errno.EIO, client.pread, 4096, 0)
            refuse(errno.EIO, client.pwrite, bytes(4096), 0)
            wait_for("a line of each", lambda: len(export.errors()) == 3)
            client.shutdown()


def test_alignment():
    nbd = client_library()
    with Place() as place:
        place.make("image")
        with Export(place, "image", "cache=none") as export:
            client = export.connect()
            if client.get_block_size(nbd.SIZE_MINIMUM) <= 1:
                raise Skip("no direct I/O on this filesystem")
            wanted = place.bytes_of("image")
            check_equal(client.pread(100, 1), wanted[1:101], "an odd place")
            client.pwrite(b"x" * 5000, 3)
            client.zero(4000, 9001)
            wanted = wanted[:3] + b"x" * 5000 + wanted[5003:9001] + bytes(4000) + wanted[13001:]
            check_equal(client.pread(16384, 0), wanted[:16384], "what is around it stays")
            client.shutdown()
            check_equal(export.errors(), [], "nothing is wrong")
        check_equal(place.bytes_of("image"), wanted, "nor in the image")


# Says how many writes of 64 KiB were answered, and goes on until it is killed.
WRITER = """
import sys, nbd
client = nbd.NBD()
client.connect_unix(sys.argv[1])
for number in range(1 << 20):
    client.pwrite(bytes([number % 251 + 1]) * 65536, number % 128 * 65536)
    print(number, flush=True)
"""


def start_writer(place, export):
    client_library()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, export.path], stdout=subprocess.PIPE, text=True, cwd=place.path,
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for line in writer.stdout:
        if int(line) == 40:
            break
    return writer


def last_answer(writer):
    """After it has ended."""
    numbers = writer.stdout.read().split()
    writer.stdout.close()
    return int(numbers[-1]) if numbers else 40


def check_answered(last, read):
    """What was answered is there; of what came behind it, the next one may be."""
    for place in range(128):
        number = last - (last - place) % 128
        if number < 0 or (last + 1) % 128 == place:
            continue
        check_equal(read(65536, place * 65536), bytes([number % 251 + 1]) * 65536, "write %d of %d" % (number, last))


def held_by(process):
    return [len(os.listdir("/proc/%d/%s" % (process.pid, what))) for what in ("fd", "task")]


def end_writer(writer):
    writer.kill()
    writer.wait()
    return last_answer(writer)


def test_client_dies():
    """In the middle of it: with a request on its way, or with half of one sent."""
    with Place() as place:
        place.run("truncate", "-s", "%d" % SIZE, "image", code=0)
        with Export(place, "image") as export:
            before = held_by(export.process)

            def is_quiet():
                return all(now <= then for now, then in zip(held_by(export.process), before))
            for writer in [start_writer(place, export) for _ in range(4)]:
                end_writer(writer)
            half = export.connect()
            half.aio_pwrite(client_library().Buffer.from_bytearray(bytearray(SIZE)), 0)
            del half
            wait_for("their descriptors and threads are gone", is_quiet)
            last = end_writer(start_writer(place, export))
            client = export.connect()
            check_answered(last, client.pread)
            client.shutdown()
            wait_for("so are those of the last ones", is_quiet)
            check_equal(export.errors(), [], "no request failed")


def test_server_dies():
    """What was answered is in the image, and nobody is locked out of it."""
    with Place() as place:
        place.run("truncate", "-s", "%d" % SIZE, "image", code=0)
        with Export(place, "image") as export:
            writer = start_writer(place, export)
            export.kill()
            check(writer.wait(60) != 0, "its client is told")
            last = last_answer(writer)
        with Export(place, "image") as export:
            client = export.connect()
            check_answered(last, client.pread)
            client.shutdown()


main([
    ("a full disk: the client is told, and what was written is there", test_full_disk),
    ("a read-only export takes no writes", test_read_only),
    ("an image on a read-only filesystem can be read only", test_read_only_filesystem),
    ("an image that is not there, or another's, is one line", test_no_image),
    ("an image that is removed stays as long as it is served", test_removed),
    ("a file that becomes shorter is an error where it ends", test_truncated),
    ("a device that fails is a line and an error for each request", test_device_fails),
    ("who ignores the least length is served", test_alignment),
    ("a client that dies leaves nothing behind, and takes nothing with it", test_client_dies),
    ("a server that dies has kept what it answered", test_server_dies),
])
