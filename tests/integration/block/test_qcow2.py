#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images of qcow2 that QEMU's tools made: byte for byte what they read, by qrt-io and over NBD."""

import base64
import os
import random
import shutil
import subprocess

from image import ENGINES, PEER, TOOL, Place, Skip, check, check_equal, main, need_peer

MIB = 1 << 20
SIZE = 6 * MIB + 512 * 3
WRAPPER = os.path.join(os.environ["QRT_BUILD"], "libqrt-block", "nbdkit", "qrt-nbd")
PLUGIN = os.path.join(os.environ["QRT_BUILD"], "libqrt-block", "nbdkit", "nbdkit-qrt-plugin.so")
# What qemu-img makes images with: pairs of what differs, each at least once.
KINDS = [
    ("cluster_size=512",), ("cluster_size=512", "compat=0.10"), ("cluster_size=4k", "refcount_bits=1"),
    ("cluster_size=64k", "compat=0.10"), ("cluster_size=64k", "lazy_refcounts=on"), ("cluster_size=2M",),
    ("cluster_size=1M", "compat=0.10"), ("cluster_size=16k", "extended_l2=on"), ("cluster_size=2M", "extended_l2=on"),
    ("preallocation=metadata",), ("preallocation=full", "cluster_size=4k"), ("preallocation=falloc", "refcount_bits=64"),
    ("compression_type=zstd",), ("compression_type=zstd", "cluster_size=2M"), ("cluster_size=128k", "extended_l2=on",
                                                                              "compression_type=zstd"),
]


def make(place, name, options=(), size=SIZE, backing=None):
    words = [word for option in options for word in ("-o", option)]
    if backing:
        words += ["-b", backing[0], "-F", backing[1]]
    place.run("qemu-img", "create", "-q", "-f", "qcow2", *words, name, str(size), code=0)


def noise(place, chance):
    """Half of it can be compressed."""
    with open(place.file("noise"), "wb") as file:
        file.write(b"".join(chance.randbytes(512) + bytes([chance.randrange(256)]) * 512 for _ in range(300)))


def some_place(chance, size, unit):
    offset = chance.randrange(size // unit) * unit
    length = min(unit * (1 + chance.randrange(max(1, 300000 // unit))), size - offset)
    return offset, length


def scribble(place, name, chance, cluster, size=SIZE, count=25):
    """Writes, zeroes, discards and compressed clusters, here and there."""
    words = []
    for _ in range(count):
        offset, length = some_place(chance, size, 512)
        what = chance.randrange(7)
        if what == 0:
            words += ["-c", "write -z %d %d" % (offset, length)]
        elif what == 1:
            words += ["-c", "discard %d %d" % (offset, length)]
        elif what < 4:
            offset = offset // cluster * cluster
            words += ["-c", "write -c -s noise %d %d" % (offset, min(cluster, size - offset))]
        else:
            words += ["-c", "write -s noise %d %d" % (offset, length)]
    # A compressed cluster is written where none is yet: that some of these are refused is as it should be.
    place.run(PEER, "-f", "qcow2", "-t", "unsafe", "-d", "unmap", *words, name)


def reference(place, name):
    place.run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", "-S", "0", name, "reference", code=0)
    return place.bytes_of("reference")


def read(place, name, *commands, options=()):
    """[(offset, bytes)] of the commands, in the order in which they are done."""
    lines = place.json(name, *commands, options=("-r", "-o", "backing=on", *options))
    return [(line["offset"], base64.b64decode(line["base64"])) for line in lines if "base64" in line]


def compare(place, name, chance, options=(), count=40):
    """All of it at once, and many pieces at the same time."""
    wanted = reference(place, name)
    size = len(wanted)
    found = read(place, name, "read -v 0 %d" % size, options=options)
    check_equal(len(found), 1, "all was read")
    check(found[0][1] == wanted, "%s %s: other bytes than qemu-img's" % (name, options))
    commands = ["aio_read -v --priority %s %d %d" % (chance.choice(("urgent", "normal", "low")),
                                                     *some_place(chance, size, 512)) for _ in range(count)]
    found = read(place, name, *commands, "aio_flush", options=options)
    check_equal(len(found), count, "each came back")
    for offset, data in found:
        check(data == wanted[offset:offset + len(data)], "%s %s: other bytes at %d" % (name, options, offset))


def cluster_of(options):
    text = dict(option.split("=") for option in options).get("cluster_size", "64k")
    return int(text.rstrip("kM")) << {"k": 10, "M": 20}.get(text[-1], 0)


def has_zstd(place):
    make(place, "probe", ("compression_type=zstd",))
    return "zstd" not in place.run(TOOL, "-r", "-c", "length", "probe")[2]


def test_all_kinds():
    need_peer()
    chance = random.Random(1)
    with Place() as place:
        noise(place, chance)
        zstd = has_zstd(place)
        for options in KINDS:
            if "compression_type=zstd" in options and not zstd:
                continue
            make(place, "image", options)
            scribble(place, "image", chance, cluster_of(options))
            compare(place, "image", chance)
            os.unlink(place.file("image"))


def test_all_engines():
    need_peer()
    chance = random.Random(2)
    with Place() as place:
        noise(place, chance)
        make(place, "image", size=6 * MIB)
        scribble(place, "image", chance, 65536, 6 * MIB, 60)
        # Where QEMU leaves the file with an odd length, it is read by the page cache.
        os.truncate(place.file("image"), (os.path.getsize(place.file("image")) + 65535) // 65536 * 65536)
        for engine in ENGINES:
            for mode in ("none", "writeback"):
                if (engine, mode) == ("libaio", "writeback"):
                    continue
                compare(place, "image", chance, ("-i", engine, "-t", mode))
        compare(place, "image", chance, ("-o", "fault.delay=200,fault.delay-max=2ms,fault.short=200,fault.reorder=200"))
        compare(place, "image", chance, ("--depth", "2"))


def test_converted():
    need_peer()
    chance = random.Random(3)
    with Place() as place:
        with open(place.file("raw"), "wb") as file:
            for _ in range(48):
                file.write(chance.choice((bytes(65536), chance.randbytes(65536), b"text " * 13107 + b".")))
        for number, options in enumerate(((), ("-c",), ("-c", "-o", "cluster_size=4k"), ("-c", "-o", "cluster_size=2M"))):
            name = "image%d" % number
            place.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, "raw", name, code=0)
            check(reference(place, name) == place.bytes_of("raw"), "the peer is right")
            compare(place, name, chance)


def test_chains():
    need_peer()
    chance = random.Random(4)
    with Place() as place:
        noise(place, chance)
        place.make("base.raw", 3 * MIB)
        os.mkdir(place.file("below"))
        make(place, "below/first", ("cluster_size=4k",), 5 * MIB, ("../base.raw", "raw"))
        scribble(place, "below/first", chance, 4096, 5 * MIB)
        make(place, "second", ("cluster_size=2M", "extended_l2=on"), SIZE, ("below/first", "qcow2"))
        scribble(place, "second", chance, 2 * MIB)
        make(place, "third", ("cluster_size=512",), 4 * MIB, (place.file("second"), "qcow2"))
        scribble(place, "third", chance, 512, 4 * MIB)
        for name in ("below/first", "second", "third"):
            compare(place, name, chance)
        check_equal(place.json("third", "info", options=("-r", "-o", "backing=on"))[0]["layers"], 4, "files")
        code, out, errors = place.run(TOOL, "-r", "-c", "read 0 4k", "third")
        check_equal((code, out), (1, ""), "unasked")
        check("backing=on" in errors and "second" in errors, errors)


def test_snapshots_and_marks():
    """What is kept besides does not count; an image that was not closed is read."""
    need_peer()
    chance = random.Random(5)
    with Place() as place:
        noise(place, chance)
        make(place, "image", ("lazy_refcounts=on",))
        scribble(place, "image", chance, 65536)
        place.run("qemu-img", "snapshot", "-c", "one", "image", code=0)
        scribble(place, "image", chance, 65536)
        place.run("qemu-img", "bitmap", "--add", "image", "marks", code=0)
        compare(place, "image", chance)
        before = read(place, "image", "read -v 0 1M")
        place.run(PEER, "-f", "qcow2", "-c", "write -P 9 0 64k", "-c", "abort", "image")
        after = read(place, "image", "read -v 0 1M")
        check_equal(after[0][1], b"\x09" * 65536 + before[0][1][65536:], "dirty")
        with open(place.file("image"), "r+b") as file:
            file.seek(79)
            file.write(b"\x02")
        check("corrupt" in place.json("image", "info", options=("-r",))[0]["reason"], "that it is marked is said")


def test_refusals():
    need_peer()
    with Place() as place:
        make(place, "image")
        for words, said in (((), "-r (read-only=on)"), (("-f", "qcow2"), "-r (read-only=on)"),
                            (("-f", "qcow2", "--create", "1M"), "only raw")):
            code, out, errors = place.run(TOOL, *words, "-c", "length", "image")
            check_equal((code, out, errors.count("\n")), (1, "", 1), words)
            check(said in errors, errors)
        check("write failed" in place.run(TOOL, "-r", "-c", "write 0 4k", "image", code=1)[1], "it is not written")
        place.run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file=data,data_file_raw=on", "external", "1M", code=0)
        check("another file" in place.run(TOOL, "-r", "-c", "length", "external", code=1)[2], "external data")
        place.run("qemu-img", "create", "-q", "-f", "qcow2", "--object", "secret,id=s,data=x", "-o",
                  "encrypt.format=aes,encrypt.key-secret=s", "secret", "1M", code=0)
        check("encrypted" in place.run(TOOL, "-r", "-c", "length", "secret", code=1)[2], "encrypted")
        place.run("qemu-img", "create", "-q", "-f", "qcow", "old", "1M", code=0)
        check("version 1" in place.run(TOOL, "-r", "-c", "length", "old", code=1)[2], "version 1")
        check(place.io("image", "length", options=("-f", "raw")) != "", "as raw bytes")


def test_over_nbd():
    need_peer()
    if not os.path.exists(PLUGIN) or not shutil.which("nbdkit"):
        raise Skip("no nbdkit here")
    chance = random.Random(6)
    with Place() as place:
        noise(place, chance)
        place.make("base", MIB)
        make(place, "image", (), 6 * MIB, ("base", "raw"))
        scribble(place, "image", chance, 65536, 6 * MIB, 60)
        reference(place, "image")
        done = subprocess.run(["nbdkit", "-U", "-", PLUGIN, "image", "read-only=on", "backing=on", "--run",
                               'qemu-img compare -f raw -F raw "$uri" reference && qemu-img map -f raw --output=json "$uri"'],
                              cwd=place.path, capture_output=True, text=True, timeout=120, check=False)
        check_equal(done.returncode, 0, done.stderr + done.stdout)
        check('"zero": true' in done.stdout, "holes are told")
        done = subprocess.run([WRAPPER, "--socket", "s", "image"], cwd=place.path, capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, "QRT_NBD_PLUGIN": PLUGIN})
        check(done.returncode != 0 and "looks like a qcow2 image" in done.stderr, done.stderr)


def test_names_of_raw():
    """QEMU writes the name of a driver as the format, if that is what a snapshot was taken of."""
    need_peer()
    with Place() as place:
        place.make("base", MIB)
        make(place, "image", (), MIB, ("base", "raw"))
        raw = place.bytes_of("image")
        mark = b"\xe2\x79\x2a\xca\0\0\0"  # the header's extension for it, and the first bytes of its length
        check_equal(raw.count(mark + b"\3raw" + bytes(5)), 1, "where it says so")
        for name in (b"qrt", b"file", b"raw", b"vdi", b"rawx"):
            with open(place.file("image"), "wb") as file:
                file.write(raw.replace(mark + b"\3raw" + bytes(5), mark + bytes([len(name)]) + name.ljust(8, b"\0")))
            if name in (b"vdi", b"rawx"):
                out = place.run(TOOL, "-r", "-o", "backing=on", "-c", "length", "image", code=1)[2]
                check("of the format '%s'" % name.decode() in out, out)
            else:
                check_equal(read(place, "image", "read -v 4096 8192"), [(4096, place.bytes_of("base")[4096:12288])], name)


if __name__ == "__main__":
    main([
        ("all kinds of images read as QEMU reads them", test_all_kinds),
        ("by all engines, past the page cache or not, with faults", test_all_engines),
        ("images that were converted, and compressed", test_converted),
        ("chains of backing files", test_chains),
        ("snapshots, marks and unclean ends", test_snapshots_and_marks),
        ("what is refused, and why", test_refusals),
        ("a raw backing file by the names of QEMU's drivers", test_names_of_raw),
        ("over NBD", test_over_nbd),
    ])
