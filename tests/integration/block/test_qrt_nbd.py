#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nbdkit with the plugin, and qrt-nbd: what NBD clients of others see and do."""

import json
import os
import re
import shutil
import subprocess
import time

from image import SIZE, TOOL, Place, Skip, check, check_equal, is_listening, main

FOLDER = os.path.join(os.environ["QRT_BUILD"], "libqrt-block", "nbdkit")
WRAPPER = os.path.join(FOLDER, "qrt-nbd")
PLUGIN = os.path.join(FOLDER, "nbdkit-qrt-plugin.so")


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip("no %s here" % program)


class Export:
    """qrt-nbd, serving."""

    def __init__(self, place, *words):
        need("nbdkit")
        self.path = place.file("socket")
        self.uri = "nbd+unix:///?socket=" + self.path
        self.process = subprocess.Popen([WRAPPER, "--socket", self.path, *words], cwd=place.path,
                                        env={**os.environ, "QRT_NBD_PLUGIN": PLUGIN})

    def __enter__(self):
        deadline = time.monotonic() + 30
        while not is_listening(self.path):
            check(self.process.poll() is None and time.monotonic() < deadline, "it does not serve")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)


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


def test_holes():
    need("nbdinfo")
    with Place() as place:
        place.io("image", "write 1M 64k", options=("--create", "4M"))
        with Export(place, "image") as export:
            found = json.loads(place.run("nbdinfo", "--map", "--json", export.uri, code=0)[1])
        check_equal([(e["offset"], e["length"], e["type"]) for e in found],
                    [(0, 1 << 20, 3), (1 << 20, 65536, 0), ((1 << 20) + 65536, (3 << 20) - 65536, 3)], "data and holes")


def test_copies():
    need("nbdcopy")
    with Place() as place:
        place.make("image")
        for words in (("engine=threads",), ("engine=io_uring", "cache=none"), ("engine=libaio", "cache=none"),
                      ("deadline=20s",), ("queues=1",)):
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


def test_other_formats():
    need("nbdkit", "qemu-img", "qemu-io")
    with Place() as place:
        place.run("qemu-img", "create", "-q", "-f", "qcow2", "foreign", "4M", code=0)
        done = subprocess.run([WRAPPER, "--socket", "s", "foreign"], cwd=place.path, capture_output=True, text=True,
                              timeout=60, check=False, env={**os.environ, "QRT_NBD_PLUGIN": PLUGIN})
        check(done.returncode != 0 and "looks like a qcow2 image" in done.stderr, done.stderr)
        with Export(place, "foreign", "format=raw") as export:
            place.run("qemu-io", "-r", "-f", "raw", "-c", "read 0 4k", export.uri, code=0)


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
        for words in (("engine=x", "image"), ("nope",), ("nothing=1", "image"), ("queues=0", "image")):
            done = subprocess.run([WRAPPER, "--socket", "s", *words], cwd=place.path, capture_output=True, text=True,
                                  timeout=60, check=False, env={**os.environ, "QRT_NBD_PLUGIN": PLUGIN})
            check(done.returncode != 0 and re.match(r"nbdkit: error: [^\n]+\n", done.stderr), done.stderr)


main([
    ("nbdinfo sees what it can", test_what_it_offers),
    ("holes are told", test_holes),
    ("nbdcopy copies out of it and into it, by every engine", test_copies),
    ("QEMU writes to it, and is locked out of the image", test_qemu_as_client),
    ("a deadline ends a request of a stuck device", test_deadline),
    ("an image of another format is served as raw bytes only where that was said", test_other_formats),
    ("wrong usage is told in one line", test_usage),
])
