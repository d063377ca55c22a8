#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-io beside qemu-io: the same script prints the same, ends the same, and writes the same."""

import os
import re

from image import HERE, PEER, SIZE, TOOL, Place, check, check_equal, main, need_peer, without_times

# Good or failed, these print the same and end the same way.
SAME = [
    ("write 0 4k",),
    ("write -P 0xab 4k 64k", "read -P 0xab 4k 64k", "read -P 0xac 4k 4k", "read 0 512"),
    ("read -v 1000 100", "readv -v 0 16 32", "read -qv 0 16"),
    ("read -C 0 4k", "write -C -z 0 4k", "discard -C 0 4k", "readv -C 0 512 512", "aio_read -C 0 512 512", "aio_flush"),
    ("read -P 0x1 -s 512 -l 512 0 4k", "read -P 0 -l 512 0 4k", "read -q -P 3 0 4k"),
    ("write -P 9 0 4k", "read -P 9 -s 512 -l 1k 0 8k", "read -P 9 -s 4k 0 8k"),
    ("write -z 0 64k", "write -zu 64k 64k", "write -zf 0 64k", "write -f 0 4k", "read -P 0 64k 64k"),
    ("writev 0 512 1k", "writev -P 7 3 5 1", "readv -P 7 3 6", "readv 1 2 3 4"),
    ("aio_write -P 4 0 4k", "aio_flush", "aio_read -P 5 0 4k"),
    ("aio_write -z 0 4k", "aio_flush", "aio_read -qP 0 0 1k 3k"),
    ("read 8M 4k", "read 9M 0", "write 8M 512", "discard 9M 4k", "write -z 9M 4k", "readv 9M 1", "writev 9M 1", "length"),
    ("aio_read 9M 4k", "aio_flush", "aio_write 9M 4k"),
    ("discard 0 64k", "discard 100 1000", "discard 0 0", "flush", "write 0 0", "read 0 0"),
    ("length", "map", "alloc 0 1M", "alloc 0", "alloc 9M", "alloc 7M 2M", "alloc 1 100"),
    ("truncate 9M", "length", "truncate 8704k", "length", "read -P 0 8M 512k", "truncate 4M", "length"),
    ("write 0x10 1.5k", "write 0 0x200", "write 5 1b", "write 0 1K", "read 0 0.5M"),
    ("truncate -m off 9M", "truncate -m falloc 10M", "length", "read -P 0 8M 2M", "truncate -m full 10M", "truncate -m full 10753k",
     "length", "read -P 0 10M 513k", "write -P 1 10752k 1k", "truncate -m off 1M", "length"),
    ("read -p 0 4k", "w -P 6 0 1k", "r -P 6 0 1k", "a 0 4k", "t 9M", "l"),
    ("aio_write -P 1 0 4k", "aio_flush", "aio_write -P 2 0 1k 1k", "aio_flush", "aio_write -fP 3 4k 1k", "aio_write -zuq 8k 4k",
     "aio_flush", "read -P 2 0 2k", "read -P 1 2k 2k", "read -P 3 4k 1k", "read -P 0 8k 4k"),
    ("sleep 5", "quit", "length"),
    ("r 0 4k", "w 0 4k", "l", "d 0 4k", "f", "c"),
    ("",),
    ("   ",),
]
# What qemu-io has and this has not; the manual says why.
ABSENT = {"break", "remove_break", "resume", "wait_break", "zone_append", "zone_close", "zone_finish", "zone_open", "zone_report",
          "zone_reset"}
ABSENT_LETTERS = {"read": "ab", "write": "bcn", "aio_read": "i", "aio_write": "i", "open": "s"}
ABSENT_OPTIONS = {"--object", "--trace", "--snapshot", "--copy-on-read"}
MANUAL = os.path.join(HERE, "..", "..", "..", "libqrt-block", "doc", "qrt-io.1")
# Both refuse; the words are our own.
WRONG = [
    "foo", "length;", "write 0", "write 0 4k 5", "write x 4k", "write 0 x", "write -x 0 4k", "write 0 -1",
    "read -P 256 0 4k", "read -s 512 0 4k", "read -P 1 -s 512 -l 5k 0 4k", "write -z -P 1 0 4k", "write -u 0 4k",
    "write -s nope 0 32", "write 0 1E", "write 0 9E", "read 0 2G", "write 0 1kb", "writev -z 0 4k",
    "aio_write -z 0 4k 4k", "sleep x", "sleep", "truncate x", "truncate", "alloc", "alloc x", "open other",
    "map 1", "length 5", "discard 0", "sigraise x", "write -b 0 512", "write -c 0 64k", "read -b 0 512",
    "truncate -m falloc 1M", "truncate -m x 9M", "truncate -m metadata 9M", "truncate -m",
    "break write_aio x", "remove_break x", "resume x", "reopen -x", "reopen -r -w", "writev 0", "readv x 1",
]


def run_both(place, commands, options=()):
    words = [word for command in commands for word in ("-c", command)]
    return [place.run(program, *options, *words, place.make(name))
            for program, name in ((PEER, "theirs"), (TOOL, "ours"))]


def test_same_as_qemu_io():
    need_peer()
    with Place() as place:
        for commands in SAME:
            (code, out, _), (our_code, our_out, our_errors) = run_both(place, commands, ("-f", "raw"))
            check_equal(without_times(our_out), without_times(out), commands)
            check_equal((our_code, our_errors), (code, ""), commands)
            place.run("qemu-img", "compare", "-f", "raw", "-F", "raw", "theirs", "ours", code=0)


def commands_of(place, program):
    """{name: letters}"""
    out = place.run(program, "-c", "help", code=0)[1]
    return {name: set("".join(re.findall(r"\[-(\w+)\]", rest))) for name, rest in re.findall(r"^(\w+)(.*) -- ", out, re.M)}


def test_names():
    need_peer()
    with Place() as place, open(MANUAL, encoding="utf-8") as manual:
        theirs, ours, text = commands_of(place, PEER), commands_of(place, TOOL), manual.read().replace("\\", "")
        check(len(theirs) > 20, theirs)
        check_equal(set(theirs) - set(ours) - ABSENT, set(), "commands")
        check_equal([name for name in ABSENT if name not in text], [], "the manual tells of those")
        for name in set(theirs) & set(ours):
            check_equal(theirs[name] - ours[name] - set(ABSENT_LETTERS.get(name, "")), set(), "letters of " + name)
        short = ["help " + letter for letter in "abcdefghijklmnopqrstuvwxyz"]
        known = [[command for command in short if place.run(program, "-c", command)[0] == 0] for program in (PEER, TOOL)]
        check(len(known[0]) > 5 and set(known[0]) <= set(known[1]), "short names: %s" % known)
        options = [set(re.findall(r"(?<![\w-])--[a-z-]+", place.run(program, "--help", code=0)[1])) for program in (PEER, TOOL)]
        check_equal(options[0] - options[1] - ABSENT_OPTIONS, set(), "options")


def test_same_end():
    need_peer()
    with Place() as place:
        for commands in (("abort",), ("sigraise 15",), ("write -P 5 0 4k", "sigraise 9"), ("quit",), ("foo", "quit")):
            (code, _, _), (our_code, _, _) = run_both(place, commands, ("-f", "raw"))
            check_equal(our_code, code, commands)
            check_equal(place.bytes_of("ours"), place.bytes_of("theirs"), commands)


def test_same_in_other_modes():
    """Also at odd places, where direct I/O reads and writes what is around them."""
    need_peer()
    script = ("write -P 1 0 64k", "writev -P 2 64k 4k 8k", "write -z 0 4k", "read -P 0 0 4k", "readv -P 2 64k 12k", "flush",
              "read 1 511", "write -P 1 1 511", "write -P 2 4095 2", "write -P 3 10000 3000001", "read -P 3 10000 3000001",
              "write -z 7 100", "write -z 20001 200001", "writev -P 4 65000 3 5000 7", "discard 100000 3", "read -P 0 7 100")
    with Place() as place:
        for options in (("-n",), ("-t", "directsync"), ("-t", "writethrough"), ("-t", "unsafe"), ("-n", "-m"), ("-n", "-k"),
                        ("-i", "threads"), ("-d", "ignore"), ("-C",)):
            (code, out, _), (our_code, our_out, errors) = run_both(place, script, ("-f", "raw", *options))
            check_equal((our_code, without_times(our_out), errors), (code, without_times(out), ""), options)
            check_equal(place.bytes_of("ours"), place.bytes_of("theirs"), options)


def test_zeroes_give_their_space_back():
    need_peer()
    with Place() as place:
        for command in ("write -z 0 8M", "write -zu 0 8M", "aio_write -zu 0 8M"):
            for options in ((), ("-d", "ignore")):
                run_both(place, (command, "aio_flush", "flush"), ("-f", "raw", *options))
                space, ours = (os.stat(place.file(name)).st_blocks * 512 < SIZE // 2 for name in ("theirs", "ours"))
                check_equal(ours, space, "a hole, after %s with %s" % (command, options))


def test_pattern_from_a_file():
    need_peer()
    with Place() as place:
        with open(place.file("pattern"), "w", encoding="utf-8") as file:
            file.write("hello world")
        commands = ("write -s pattern 3 100", "read -v 0 112")
        (_, out, _), (_, our_out, _) = run_both(place, commands, ("-f", "raw"))
        check_equal(without_times(our_out), without_times(out), "what was written")


def test_what_is_wrong():
    need_peer()
    with Place() as place:
        for command in WRONG:
            (code, _, _), (our_code, out, errors) = run_both(place, (command,), ("-f", "raw"))
            check_equal((our_code, out), (code, ""), command)
            check(re.fullmatch(r"qrt-io: [^\n]+\n", errors), "%s: one line: %r" % (command, errors))
            check_equal(place.bytes_of("ours"), place.bytes_of("theirs"), command)


def test_later_commands_run():
    need_peer()
    with Place() as place:
        commands = ("foo", "read 9M 1", "write -P 3 0 512", "read -P 3 0 512")
        (code, out, _), (our_code, our_out, _) = run_both(place, commands, ("-f", "raw"))
        check_equal((our_code, without_times(our_out)), (code, without_times(out)), "after a failure")
        check_equal(our_code, 1, "the failure is told in the end")


main([
    ("the same script prints the same, ends the same and writes the same as with qemu-io", test_same_as_qemu_io),
    ("all names that qemu-io has are here, or in the manual", test_names),
    ("who crashes or is ended by a signal ends as qemu-io does", test_same_end),
    ("so it does with other caches, engines and buffers", test_same_in_other_modes),
    ("zeroes give their space back where qemu-io's do", test_zeroes_give_their_space_back),
    ("a pattern comes from a file as with qemu-io", test_pattern_from_a_file),
    ("what is wrong is refused in one line, and changes nothing", test_what_is_wrong),
    ("commands after one that failed run, and the failure is told", test_later_commands_run),
])
