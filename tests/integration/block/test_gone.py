#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A device that goes away while it is used: one clear error for each request, and the end comes as usual."""

import os
import re
import subprocess

from image import ENGINES, TOOL, Place, Skip, check, check_equal, main, note

import fusefile  # of ../../lib, as image.py has it

SIZE = 1 << 20
HELD = SIZE // 2
GONE = "the device, or the server of its filesystem, is gone"
PATIENCE = 120


def talk(path, file, *options):
    """What qrt-io says, and its exit code; the server dies while one request waits for it."""
    words = [TOOL, *options, path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            process.stdin.write("write -P 1 0 64k\nread -P 1 0 64k\naio_read %d 4k\n" % HELD)
            process.stdin.flush()
            file.wait_held()
            file.kill()
            out = process.communicate("aio_flush\nread 128k 4k\nwrite 0 4k\nwrite -f 4k 4k\nflush\n", timeout=PATIENCE)[0]
        finally:
            process.kill()
    return process.returncode, out


def check_said(out, what):
    """Four that move bytes, and a flush, which a kernel may end well where nothing is left to be written."""
    failed = [line for line in out.splitlines() if "failed: " in line]
    note("%s: %s" % (what, "; ".join(sorted(set(failed)))))
    for command, count in (("readv", 1), ("read", 1), ("write", 2)):
        lines = [line for line in failed if line.startswith(command + " failed: ")]
        check_equal(len(lines), count, "%s: %s: %s" % (what, command, out))
        for line in lines:
            check(GONE in line or "the device or filesystem failed" in line, line)
    check(any(GONE in line for line in failed), out)
    check(re.search(r"wrote 65536/65536.*read 65536/65536", out, re.S), out)


def run_over(place, engine, cache):
    what, options = "%s, %s" % (engine, cache), ("-f", "raw", "--engine", engine, "-t", cache)
    folder = place.file("%s-%s" % (engine, cache))
    os.mkdir(folder)
    with fusefile.FuseFile(folder, SIZE, HELD) as file:
        code, _, errors = place.run(TOOL, *options, "-c", "info", file.path)
        if code:
            note("%s: not here: %s" % (what, errors.strip()))
            return
        code, out = talk(file.path, file, *options)
    check_equal(code, 1, out)
    check_said(out, what)


def test_server_dies():
    try:
        fusefile.leave_mounts()
        with Place() as place:
            for engine in ENGINES:
                for cache in ("none", "writeback"):
                    run_over(place, engine, cache)
    except fusefile.Absent as why:
        raise Skip(str(why)) from None


def losetup(*words):
    done = subprocess.run(["losetup", *words], capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise Skip("losetup: %s" % done.stderr.strip())
    return done.stdout.strip()


def test_block_device_loses_its_end():
    """A block device that fails: a loop device whose file was cut."""
    with Place() as place:
        place.make("file")
        device = losetup("--find", "--show", place.file("file"))
        try:
            os.truncate(place.file("file"), 1 << 20)
            for engine in ENGINES:
                out = place.io(device, "read 4M 4k", "read 0 4k", options=("--engine", engine, "-n", "-f", "raw"), code=1)
                check_equal(len(re.findall(r"^read failed: .*the device or filesystem failed$", out, re.M)), 1, out)
                check("read 4096/4096 bytes at offset 0" in out, out)
        finally:
            losetup("--detach", device)


if __name__ == "__main__":
    main([
        ("a filesystem whose server dies ends every request once", test_server_dies),
        ("a block device that fails says so, and goes on", test_block_device_loses_its_end),
    ])
