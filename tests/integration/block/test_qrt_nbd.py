#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nbdkit with the plugin, and qrt-nbd: what NBD clients of others see and do."""

import json
import os
import re
import subprocess
import time

from image import SIZE, TOOL, Place, Skip, check, check_equal, main
from nbd_export import PLUGIN, WRAPPER, Export, client_library, need, start_and_fail

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "..")


def test_what_it_offers():
    need("nbdinfo")
    with Place() as place:
        place.make("image")
        with Export(place, "image") as export:
            info = json.loads(place.run("nbdinfo", "--no-content", "--json", export.uri, code=0)[1])["exports"][0]
        check_equal(info["export-size"], SIZE, "size")
        for what in ("can_multi_conn", "can_flush", "can_fua", "can_trim", "can_zero"):
            check_equal(info[what], True, what)
        check_equal(info["is_read_only"], False, "it can be written to")
        with Export(place, "--read-only", "image") as export:
            info = json.loads(place.run("nbdinfo", "--no-content", "--json", export.uri, code=0)[1])["exports"][0]
        check_equal(info["is_read_only"], True, "read only")
        with Export(place, "image", "discard=ignore") as export:
            info = json.loads(place.run("nbdinfo", "--no-content", "--json", export.uri, code=0)[1])["exports"][0]
        check_equal(info["can_trim"], False, "trim")


def test_holes():
    need("nbdinfo")
    with Place() as place:
        place.io("image", "write 1M 64k", options=("--create", "4M"))
        with Export(place, "image") as export:
            found = json.loads(place.run("nbdinfo", "--map", "--json", export.uri, code=0)[1])
        check_equal([(e["offset"], e["length"], e["type"]) for e in found],
                    [(0, 1 << 20, 3), (1 << 20, 65536, 0), ((1 << 20) + 65536, (3 << 20) - 65536, 3)], "data and holes")


def test_zeroes():
    """Their space is given back, but for who asks for the contrary."""
    nbd = client_library()
    with Place() as place:
        place.make("image")
        before = os.stat(place.file("image")).st_blocks
        with Export(place, "image") as export:
            client = export.connect()
            client.zero(1 << 20, 0, nbd.CMD_FLAG_NO_HOLE)
            client.flush()
            check(os.stat(place.file("image")).st_blocks >= before, "the space is kept")
            client.zero(1 << 20, 1 << 20)
            client.flush()
            check(os.stat(place.file("image")).st_blocks <= before - 1024, "the space is free")
            check_equal(client.pread(2 << 20, 0), bytes(2 << 20), "zeroes")
            client.shutdown()


def test_copies():
    need("nbdcopy")
    with Place() as place:
        place.make("image")
        for words in ((), ("cache=none",), ("engine=threads",), ("engine=io_uring", "cache=none"),
                      ("engine=libaio", "cache=none"), ("deadline=20s",), ("queues=1",), ("priority=urgent",)):
            with Export(place, "image", *words) as export:
                place.run("nbdcopy", export.uri, "out", code=0)
            check_equal(place.bytes_of("out"), place.bytes_of("image"), words)
            place.run("truncate", "-s", "0", "in", code=0)
            place.run("truncate", "-s", str(SIZE), "in", code=0)
            with Export(place, "in", *words) as export:
                place.run("nbdcopy", "--flush", "image", export.uri, code=0)
            check_equal(place.bytes_of("in"), place.bytes_of("image"), words)


def test_qemu_as_client():
    need("qemu-io", "qemu-img")
    with Place() as place:
        place.make("image")
        with Export(place, "image") as export:
            place.run("qemu-io", "-f", "raw", "-c", "write -P 1 5 1000", "-c", "write -fP 2 1M 64k", "-c", "write -zu 2M 64k",
                      "-c", "discard 3M 64k", "-c", "flush", "-c", "read -P 1 5 1000", "-c", "read -P 0 2M 64k",
                      "nbd+unix:///?socket=socket", code=0)
            code, _, errors = place.run(TOOL, "-c", "write 0 4k", "image")
            check(code == 1 and "another process" in errors, "it is locked: %s" % errors)
        data = place.bytes_of("image")
        check_equal((data[5:1005], data[1 << 20:(1 << 20) + 65536], data[2 << 20:(2 << 20) + 65536]),
                    (b"\1" * 1000, b"\2" * 65536, bytes(65536)), "what was written")


def test_deadline():
    need("qemu-io")
    with Place() as place:
        place.make("image")
        slow = ("fault.delay=1000", "fault.delay-min=600ms", "fault.delay-max=600ms")
        with Export(place, "image", "deadline=50ms", *slow) as export:
            begin = time.monotonic()
            code, out, _ = place.run("qemu-io", "-r", "-f", "raw", *["-c", "read 0 4k"] * 8, export.uri)
            check_equal((code, out.count("read failed")), (1, 8), "each ends with an error, also where no room is left")
            check(time.monotonic() - begin < 4, "and sooner than the device: %g s" % (time.monotonic() - begin))
            client = export.connect()
            client.pwrite(b"a" * 4096, 4096)  # the device takes longer, and has it then
            check_equal(place.bytes_of("image")[4096:8192], b"a" * 4096, "a write ends when it is over")
            client.shutdown()


def test_other_formats():
    need("nbdkit", "qemu-img", "qemu-io")
    with Place() as place:
        place.run("qemu-img", "create", "-q", "-f", "qcow2", "foreign", "4M", code=0)
        errors = start_and_fail(place, "foreign")
        check("looks like a qcow2 image" in errors, errors)
        with Export(place, "foreign", "format=raw") as export:
            place.run("qemu-io", "-r", "-f", "raw", "-c", "read 0 4k", export.uri, code=0)


# Each kind of request, long ones, many at the same time, and two connections.
SCRIPT = """
h.set_strict_mode(0)
h.connect_unix(path)
size, most = h.get_size(), 32 << 20
assert size == 64 << 20, size
data = os.urandom(most)
h.pwrite(data, most, nbd.CMD_FLAG_FUA)
assert h.pread(most, most) == data
assert h.pread(12288, most + 4096) == data[4096:16384]
h.zero(1 << 20, most)
h.trim(1 << 20, most + (1 << 20))
assert h.pread(1 << 20, most) == bytes(1 << 20)
h.flush()
parts = [nbd.Buffer.from_bytearray(bytearray(data[i * 65536:(i + 1) * 65536])) for i in range(128)]
cookies = {h.aio_pwrite(part, i * 65536) for i, part in enumerate(parts)}
while cookies:
    h.poll(-1)
    cookies -= {cookie for cookie in list(cookies) if h.aio_command_completed(cookie)}
other = nbd.NBD()
other.connect_unix(path)
assert other.pread(128 * 65536, 0) == data[:128 * 65536]
for wrong in (lambda: h.pread(0, 0), lambda: h.pread(4096, size), lambda: h.pwrite(bytes(4096), size - 512),
              lambda: h.pread(4096, 1 << 63)):
    try:
        wrong()
    except nbd.Error as error:
        assert error.errnum in (errno.EINVAL, errno.ENOSPC), error
    else:
        raise AssertionError("what is past the end was taken")
h.shutdown()
other.shutdown()
print("good")
"""


def test_nbdsh():
    need("nbdsh")
    for words in ((), ("cache=none",), ("engine=threads", "cache=none"), ("engine=io_uring",), ("deadline=50s",)):
        with Place() as place:
            place.run("truncate", "-s", "64M", "image", code=0)
            with Export(place, "image", *words) as export:
                place.run("nbdsh", "-c", "import errno, os\npath = %r" % export.path, "-c", SCRIPT, code=0, patience=200)
                check_equal(export.errors(), [], words)


def test_fio_verifies():
    need("fio")
    if "nbd" not in subprocess.run(["fio", "--enghelp"], capture_output=True, text=True, timeout=60, check=True).stdout.split():
        raise Skip("this fio has no engine nbd")
    for words in ((), ("engine=threads",), ("engine=io_uring", "cache=none"), ("priority=low", "cache=writethrough")):
        with Place() as place:
            place.run("truncate", "-s", "16M", "image", code=0)
            with Export(place, "image", *words) as export:
                out = place.run("fio", "--name=verify", "--ioengine=nbd", "--uri=" + export.uri, "--rw=randwrite",
                                "--bsrange=4k-64k", "--size=16M", "--iodepth=32", "--verify=crc32c", "--do_verify=1",
                                "--verify_fatal=1", "--randseed=7", "--output-format=json", code=0, patience=200)[1]
                job = json.loads(out[out.index("{"):])["jobs"][0]
                check_equal((job["error"], job["write"]["io_kbytes"], job["read"]["io_kbytes"]), (0, 16384, 16384), words)
                check_equal(export.errors(), [], words)


def test_throttle():
    with Place() as place:
        place.make("image")
        with Export(place, "image", "throttle.bytes=4M") as export:
            client = export.connect()
            begin = time.monotonic()
            for i in range(5):
                client.pread(1 << 20, i << 20)
            took = time.monotonic() - begin
            check(took > 0.6, "5 MiB of 4 MiB a second came in %g s" % took)
            client.shutdown()


def test_bench():
    """In short: too few rounds to meet a goal, but each figure is there."""
    need("fio", "nbdkit", "qemu-nbd")
    with Place() as place:
        code, out, errors = place.run(os.path.join(TOP, "tests", "bench", "nbd"), "--rounds", "1", "--seconds", "0.2",
                                      "--size", "4", "--directory", place.path, "--output", place.file("result"),
                                      "--engines", "io_uring", patience=300)
        check_equal((code, errors), (1, ""), "no goal is met by one round: %s" % out)
        with open(place.file("result"), encoding="utf-8") as file:
            figures = {one["name"]: one for one in json.load(file)["figures"]}
        for name in ("%s_%d_over_%s" % (kind, depth, peer) for kind in ("read", "write") for depth in (1, 32)
                     for peer in ("file", "qemu")):
            check(figures[name]["value"] > 0 and figures[name]["goal"] and not figures[name]["met"], name)
        check("read_1_over_io_uring" in figures and figures["read_32_p99"]["value"] > 0, "the rest")


def test_usage():
    with Place() as place:
        place.make("image")
        for words in ((), ("--port", "0", "image"), ("--socket",), ("--x", "image"), ("image", "b"),
                      ("--socket", "s", "--port", "1", "image")):
            _, out, errors = place.run(WRAPPER, *words, code=2)
            check_equal(out, "", words)
            check(re.fullmatch(r"qrt-nbd: [^\n]+\n", errors), "%s: one line: %r" % (words, errors))
        check(place.run(WRAPPER, "--help", code=0)[1].startswith("Usage: qrt-nbd"), "help")
        need("nbdkit")
        with open(place.file("there"), "wb"):
            errors = place.run("env", "QRT_NBD_PLUGIN=" + PLUGIN, WRAPPER, "--socket", "there", "image", code=1)[2]
        check(re.fullmatch(r"qrt-nbd: [^\n]*there[^\n]*remove it\n", errors), errors)
        for words in (("engine=x", "image"), ("nope",), ("nothing=1", "image"), ("queues=0", "image")):
            errors = start_and_fail(place, *words)
            check(re.fullmatch(r"nbdkit: error: [^\n]+\n", errors), "%s: %s" % (words, errors))


main([
    ("nbdinfo sees what it can", test_what_it_offers),
    ("holes are told", test_holes),
    ("zeroes become holes, where that is wanted", test_zeroes),
    ("nbdcopy copies out of it and into it, by every engine", test_copies),
    ("QEMU writes to it, and is locked out of the image", test_qemu_as_client),
    ("nbdsh: each kind of request, long ones, many at once, two connections", test_nbdsh),
    ("fio finds what it wrote", test_fio_verifies),
    ("an export can be throttled", test_throttle),
    ("the bench measures each figure that has a goal", test_bench),
    ("a deadline ends reads of a stuck device, and no writes", test_deadline),
    ("an image of another format is served as raw bytes only where that was said", test_other_formats),
    ("wrong usage is told in one line", test_usage),
])
