#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-io: images, options and errors, and what qemu-io has not."""

import base64
import json
import os
import re
import subprocess
import time

from image import ENGINES, PEER, SIZE, TOOL, Place, Skip, check, check_equal, main, need_peer, note


def test_read_only():
    with Place() as place:
        place.make("image")
        before = place.bytes_of("image")
        for command in ("write 0 4k", "write -z 0 4k", "discard 0 4k", "truncate 1M", "aio_write 0 4k"):
            place.io("image", command, options=("-r",), code=0 if command.startswith("aio") else 1)
            check_equal(place.bytes_of("image"), before, command)
        place.io("image", "read 0 4k", "close", "open -r image", "read 0 1", "reopen -w", "write -P 1 0 1", "reopen -r",
                 "read -P 1 0 1", options=("-r",))


def test_usage():
    with Place() as place:
        place.make("image")
        for words, code in ((("-x", "image"), 2), (("image", "b"), 2), (("-c",), 2), (("-t", "bogus", "image"), 2),
                            (("--create", "x", "image"), 2), (("-s", "image"), 2), (("-f", "qed", "image"), 2),
                            (("-o", "nothing=1", "image"), 2), (("nope",), 1), (("--create", "1M", "image"), 1),
                            (("--image-opts", "filename"), 2), ((".",), 1)):
            _, out, errors = place.run(TOOL, *words, code=code)
            check_equal(out, "", words)
            check(re.fullmatch(r"qrt-io: [^\n]+\n", errors), "%s: one line: %r" % (words, errors))
        check(place.run(TOOL, "--help", code=0)[1].startswith("Usage: qrt-io"), "help")
        check(re.fullmatch(r"qrt-io \d+\.\d+\.\d+\n", place.run(TOOL, "--version", code=0)[1]), "version")
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([TOOL, "-c", "length", place.file("image")], stdout=full, stderr=subprocess.PIPE,
                                  timeout=60, check=False)
        check_equal(done.returncode, 1, "what could not be printed is a failure")


def test_words():
    """Errors say what is to be given here, not what the library calls it."""
    with Place() as place:
        place.make("image")
        for words, wanted in ((("-i", "libaio", "image"), "-n, cache=none"), (("-i", "memory"), "--size"),
                              (("-n", "--create", "1000", "new"), "-n, cache=none"), (("--size", "1M", "image"), "--create"),
                              (("-i", "memory", "--size", "1M", "image"), "image"), (("-c", "open"), "give a path"),
                              (("-r", "-i", "memory", "--size", "1M"), "-r"),
                              (("bench", "--area", "1G", "image"), "%d bytes" % SIZE)):
            _, out, errors = place.run(TOOL, *words, code=1)
            check_equal(out, "", words)
            check(re.fullmatch(r"qrt-io: [^\n]+\n", errors) and wanted in errors, "%s: %r" % (words, errors))
        check(not os.path.exists(place.file("new")), "what could not be opened is not made")
        with subprocess.Popen([TOOL, "-c", "sleep 20000", place.file("image")]) as holder:
            try:
                wait_for_lock(place, True)
                check("-U" in place.run(TOOL, "-r", "-c", "length", "image", code=1)[2], "a locked image")
            finally:
                holder.kill()
        lines = place.run(TOOL, "-o", "help", code=0)[1].splitlines()
        check_equal(len([line for line in lines if re.match(r"(throttle|fault)\.[a-z-]+ +\w+.*: \w+", line)]), 11, lines)
        check("-o help" in place.run(TOOL, "-o", "nothing=1", "image", code=2)[2], "an unknown key")
        memory = ("-i", "memory", "--size", "1M")
        check_equal(place.io(None, "info", options=memory).splitlines()[2], "engine: memory", "info")


def test_engines():
    with Place() as place:
        for engine in ENGINES:
            for cache in ("none", "writeback"):
                place.make("image")
                code, out, errors = place.run(TOOL, "--json", "--engine", engine, "-t", cache, "-c", "info", "image")
                if code != 0:
                    check(re.fullmatch(r"qrt-io: [^\n]+\n", errors), "one line: %r" % errors)
                    note("%s, cache %s: %s" % (engine, cache, errors))
                    continue
                check_equal(json.loads(out)["engine"], engine, "engine")
                place.io("image", "write -P 5 4k 64k", "aio_write -P 6 1M 8k", "aio_write -P 7 2M 4k", "aio_flush",
                         "discard 3M 4k", "write -z 4M 64k", "flush", options=("--engine", engine, "-t", cache))
                data = place.bytes_of("image")
                for offset, length, byte in ((4096, 65536, 5), (1 << 20, 8192, 6), (2 << 20, 4096, 7), (4 << 20, 65536, 0)):
                    check_equal(data[offset:offset + length], bytes([byte]) * length, "%s at %d" % (engine, offset))
        check_equal(place.io(None, "length", "read -P 0 0 1M", "write -P 1 0 4k", "read -P 1 0 4k",
                             options=("--engine", "memory", "--size", "1M")).splitlines()[0], "1 MiB", "memory")


def test_many_at_once():
    """More than the depth has room for."""
    with Place() as place:
        place.make("image")
        for engine in ("threads", "io_uring"):
            out = place.io("image", *["aio_write -q -P %d %dk 4k" % (i + 1, 4 * i) for i in range(200)], "aio_flush",
                           options=("--engine", engine, "--depth", "16"))
            check_equal(out, "", engine)
            check_equal(place.bytes_of("image")[:200 * 4096], b"".join(bytes([i + 1]) * 4096 for i in range(200)), engine)


def test_block_device():
    with Place() as place:
        place.make("image")
        code, device, errors = place.run("losetup", "--find", "--show", "image")
        if code != 0:
            raise Skip("no loop device may be had here: " + errors.strip())
        device = device.strip()
        try:
            for options in (("--engine", "threads"), ("-n",)):
                info, *ended, length = place.json(device, "info", "write -f -P 5 4k 64k", "write -z 8k 4k", "read -P 0 8k 4k",
                                                  "read -P 5 12k 4k", "flush", "length", options=options)
                check_equal((info["block_device"], length["bytes"]), (True, SIZE), "what it is")
                check(all(e["good"] for e in ended), ended)
            place.io(device, "truncate 1M", code=1)
        finally:
            place.run("losetup", "--detach", device, code=0)


def test_created_files():
    with Place() as place:
        check_equal(place.io("new", "length", "write -P 1 0 4k", "map", "reopen -r", "read -P 1 0 4k",
                             options=("--create", "1M")).splitlines()[0], "1 MiB", "length")
        check_equal(len(place.bytes_of("new")), 1 << 20, "its length")
        check_equal(place.json("new", "map"), [
            {"command": "map", "offset": 0, "length": 4096, "allocated": True},
            {"command": "map", "offset": 4096, "length": (1 << 20) - 4096, "allocated": False}], "holes are told")
        check_equal(place.io(None, "open -n --  new", "length", "close", "open -o filename=new,engine=threads", "length"),
                    "1 MiB\n1 MiB\n", "open")
        check_equal(place.io("filename=new,read-only=on", "length", options=("--image-opts",)), "1 MiB\n", "--image-opts")


# ---- other formats ----

# What qemu-img makes, and the name that we have for it.
FORMATS = [("qcow2", ()), ("qcow", ()), ("qed", ()), ("vmdk", ()), ("vmdk", ("subformat=monolithicFlat",)), ("vdi", ()),
           ("vhdx", ()), ("vpc", ()), ("vpc", ("subformat=fixed",)), ("parallels", ()),
           ("luks", ("key-secret=s", "iter-time=10"))]


def make_format(place, form, options):
    words = [word for option in options for word in ("-o", option)]
    if form == "luks":
        words += ["--object", "secret,id=s,data=x"]
    place.run("rm", "-f", "foreign", code=0)
    # To make keys it measures the CPU, which fails now and then where that is busy.
    for _ in range(10 if form == "luks" else 1):
        code, _, errors = place.run("qemu-img", "create", "-q", "-f", form, *words, "foreign", "4M")
        if "CPU usage" not in errors:
            break
    check_equal(code, 0, errors)


def test_other_formats():
    need_peer()
    with Place() as place:
        for form, options in FORMATS:
            make_format(place, form, options)
            before = place.bytes_of("foreign")
            words = ("-c", "write 0 64k", "foreign")
            name = {"qcow": "qcow2"}.get(form, form)
            # Such an image may be read.
            reading = () if name == "qcow2" else ("-r",)
            for refused in (words, (*reading, *words), ("-c", "open foreign", "-c", "write 0 64k"), ("-o", "file.driver=file", *words),
                            ("--image-opts", "-c", "write 0 64k", "filename=foreign"),
                            ("bench", "--kind", "randwrite", "--write", "--seconds", "0.1", "foreign")):
                _, out, errors = place.run(TOOL, *refused, code=1)
                check_equal((out, place.bytes_of("foreign") == before), ("", True), "%s %s" % (form, refused))
                check("looks like a %s image" % name in errors and "-f raw" in errors, errors)
                check(re.match(r"qrt-io: [^\n]+\n", errors), errors)
            place.io("foreign", "write -P 5 16 16", "read -P 5 16 16", options=("-f", "raw"))
            place.io(None, "open -f raw foreign", "read -P 5 16 16")
            place.io("driver=raw,filename=foreign", "read -P 5 16 16", options=("--image-opts",))
            check_equal(place.bytes_of("foreign"), before[:16] + b"\5" * 16 + before[32:], form)


def test_raw_stays_raw():
    """What is open is not lost by what is written to it; anything short, empty or strange is no other format."""
    with Place() as place:
        with open(place.file("magic"), "wb") as file:
            file.write(b"QFI\xfb" + bytes(508))
        place.make("image")
        place.io("image", "write -s magic 0 512", "reopen -r", "read 0 512")
        check("qcow2" in place.run(TOOL, "-c", "length", "image", code=1)[2], "now it looks like one")
        for name, content in (("empty", b""), ("short", b"QFI"), ("late", bytes(512) + b"QFI\xfb" + bytes(508)),
                              ("inside", b"x" * 1000 + b"conectix" + b"y" * 1000)):
            with open(place.file(name), "wb") as file:
                file.write(content)
            check_equal(place.json(name, "length")[0]["bytes"], len(content), name)
        place.run(TOOL, "bench", "--format", "raw", "--kind", "randwrite", "--write", "--seconds", "0.05", "--rounds", "1",
                  "--cache", "writeback", "image", code=0)


# ---- locks ----


def test_locks_are_qemus():
    need_peer()
    with Place() as place:
        place.make("image")
        for first, second in ((TOOL, PEER), (PEER, TOOL), (TOOL, TOOL)):
            with subprocess.Popen([first, "-f", "raw", "-c", "length", "-c", "sleep 20000", place.file("image")],
                                  stdout=subprocess.PIPE, text=True) as holder:
                try:
                    wait_for_lock(place, True)
                    code, _, errors = place.run(second, "-f", "raw", "-c", "length", "image")
                    check_equal(code, 1, "%s beside %s: %s" % (second, first, errors))
                finally:
                    holder.kill()
            wait_for_lock(place, False)


def wait_for_lock(place, is_locked):
    """qemu-io does not print before its end."""
    inode, deadline = os.stat(place.file("image")).st_ino, time.monotonic() + 30
    while time.monotonic() < deadline:
        with open("/proc/locks", encoding="utf-8") as file:
            if bool(re.search(r"OFDLCK .*:%d \d+ " % inode, file.read())) == is_locked:
                return
        time.sleep(0.02)
    raise AssertionError("the image is not %s" % ("locked" if is_locked else "free"))


# ---- what qemu-io has not ----


def test_deadlines_and_cancel():
    slow = ("-o", "fault.delay=1000,fault.delay-min=1500ms,fault.delay-max=1500ms")
    with Place() as place:
        place.make("image")
        for engine in ("threads", "io_uring"):
            options = ("--engine", engine, *slow)
            late, = place.json("image", "read --deadline 20ms 0 4k", options=options, code=1)
            check_equal((late["good"], late["error"]), (False, "Timer expired"), "deadline")
            check(20e6 <= late["ns"] < 1300e6, "it ended when it was to: %d ns" % late["ns"])
            in_time, = place.json("image", "read --deadline 20s 0 4k", options=options)
            check(in_time["good"] and in_time["ns"] >= 1500e6, in_time)
            ended = place.json("image", "aio_read 0 4k", "aio_read 4k 4k", "cancel 1", "aio_flush", options=options)
            check_equal([(e["number"], e["good"]) for e in ended], [(1, False), (2, True)], "one was cancelled")
            check("cancel" in ended[0]["detail"], ended[0])
            ended = place.json("image", "aio_read 0 4k", "aio_write 4k 4k", "cancel all", options=options)
            check_equal([e["good"] for e in ended], [False, False], "all were cancelled")
            place.io("image", "aio_read 0 4k", "aio_flush", "cancel", options=("--engine", engine), code=1)


def test_priorities():
    with Place() as place:
        place.make("image")
        ended = place.json("image", *["aio_read --priority low %dk 4k" % (4 * i) for i in range(8)],
                           "aio_read --priority urgent 0 4k", "aio_flush", "statistics",
                           options=("-n", "--engine", "threads", "--workers", "1", "-o",
                                    "fault.delay=1000,fault.delay-min=20ms,fault.delay-max=20ms"))
        check_equal(sorted(e["priority"] for e in ended[:-1]), ["low"] * 8 + ["urgent"], "priorities")
        check_equal((ended[-1]["low"]["done"], ended[-1]["urgent"]["done"]), (8, 1), "statistics")


def test_throttles():
    with Place() as place:
        place.make("image")
        ended = place.json("image", *["aio_read %dk 4k" % (4 * i) for i in range(30)], "aio_flush",
                           options=("-o", "throttle.requests=100"))
        check(all(e["good"] for e in ended) and len(ended) == 30, "all are done")
        # A tenth of a second's worth goes at once, the others one by one.
        check(max(e["ns"] for e in ended) >= 150e6, "the last one waits: %d ns" % max(e["ns"] for e in ended))


def test_faults():
    with Place() as place:
        place.make("image")
        failed, = place.json("image", "write 0 4k", options=("-o", "fault.error=1000,fault.seed=1"), code=1)
        check_equal((failed["errno"], failed["good"]), (5, False), "an error")
        place.io("image", "write -P 1 0 64k", "flush", "write -P 2 0 64k", "cut_power", "sleep 1",
                 options=("-o", "fault.power=on,fault.seed=3"))
        check(set(place.bytes_of("image")[:65536]) <= {1, 2}, "what was flushed, or what was written")
        place.io("image", "cut_power", code=1)


def test_json():
    with Place() as place:
        place.make("image")
        info, length, read, wrong, alloc = place.json("image", "info", "length", "read -v 5 7", "read -P 1 0 9",
                                                      "alloc 0 4k", code=1)
        check_equal((info["command"], info["bytes"], length["bytes"]), ("info", SIZE, SIZE), "sizes")
        check_equal(base64.b64decode(read["base64"]), place.bytes_of("image")[5:12], "what was read")
        check_equal((wrong["good"], wrong["other_at"]), (False, 0), "what was not the pattern")
        check_equal((alloc["allocated"], alloc["length"]), (4096, 4096), "what is allocated")


def test_standard_input():
    with Place() as place:
        place.make("image")
        code, out, errors = place.run(TOOL, "image", given="# words\nlength\n\nfoo\nread -P 1 'x' 4k\nlength\nquit\nlength\n")
        check_equal((code, out, len(errors.splitlines())), (1, "8 MiB\n8 MiB\n", 2), "lines")
        check_equal(place.run(TOOL, "image", given="length")[:2], (0, "8 MiB\n"), "a line without an end")
        check_equal(place.run(TOOL, "image", given="aio_read -C 0 4k\n")[1].split(",")[0], "4096", "the end waits")


main([
    ("read only is read only", test_read_only),
    ("wrong usage is told in one line", test_usage),
    ("errors are in the user's words", test_words),
    ("every engine reads and writes, direct and cached", test_engines),
    ("more requests than there is room for", test_many_at_once),
    ("a block device is one, too", test_block_device),
    ("files are made, opened by options, and their holes told", test_created_files),
    ("an image of another format is opened as raw bytes only where that was said", test_other_formats),
    ("what is open as raw bytes stays so", test_raw_stays_raw),
    ("an image is locked for and by QEMU", test_locks_are_qemus),
    ("a deadline and a cancel end a request of a stuck device", test_deadlines_and_cancel),
    ("priorities are taken", test_priorities),
    ("a throttle holds requests back", test_throttles),
    ("faults and lost power", test_faults),
    ("JSON has the same", test_json),
    ("lines of standard input", test_standard_input),
])
