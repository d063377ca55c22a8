#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs of 32 and of 64 bits in one memory: what each writes lies at the same place, and the other one reads it."""

import errno
import json
import os
import subprocess

from tool import BUILD, PATIENCE, Place, Server, Skip, check, check_equal, main

HERE = os.path.dirname(os.path.realpath(__file__))
INCLUDE = os.path.join(HERE, "..", "..", "..", "libqrt-shmem", "include")
NATIVE = os.path.join(BUILD, "tests", "integration", "shmem", "shmem_sides")
MESSAGES = 20000
VALUES, RING = 20, 4096  # of sides.c
LAYOUT = "--layout=peers=3,values=%d,ring=%d" % (VALUES, RING)


def is_32_bit_possible(place):
    """Whether there is a compiler, and a kernel, for it."""
    done = subprocess.run(["cc", "-m32", "-x", "c", "-", "-o", place.file("nothing")], input="#include <stdio.h>\n"
                          "int main(void) { return 0; }\n", capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise Skip("cc -m32 makes no programs here (gcc-multilib): " + done.stderr.strip().splitlines()[0])
    try:
        check_equal(subprocess.run([place.file("nothing")], timeout=PATIENCE, check=False).returncode, 0, "a program of 32 bits")
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        raise Skip("this kernel runs no programs of 32 bits") from error


def make_other(place):
    """sides.c for 32 bits."""
    is_32_bit_possible(place)
    program = place.file("sides32")
    done = subprocess.run(["cc", "-m32", "-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-I", INCLUDE,
                           os.path.join(HERE, "sides.c"), "-o", program], capture_output=True, text=True, timeout=100,
                          check=False)
    check_equal((done.returncode, done.stderr), (0, ""), "compiling for 32 bits")
    return program


def run(place, *arguments):
    done = subprocess.run(arguments, cwd=place.path, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    check_equal((done.returncode, done.stderr), (0, ""), "%s: %s" % (arguments, done.stdout))
    return done.stdout


def content(place, name):
    with open(place.file(name), "rb") as file:
        return file.read()


def test_all_lies_at_the_same_place():
    with Place() as place:
        other = make_other(place)
        here, there = (run(place, program, "places").splitlines() for program in (NATIVE, other))
        check_equal((here[0], there[0]), ("pointer 8", "pointer 4"), "pointers")
        check_equal(there[1:], here[1:], "all else")
        check(len(here) > 40, "there is something")


def test_what_is_written_is_the_same():
    with Place() as place:
        other = make_other(place)
        run(place, NATIVE, "write", "wide")
        run(place, other, "write", "narrow")
        wide, narrow = content(place, "wide"), content(place, "narrow")
        different = [at for at, (a, b) in enumerate(zip(wide, narrow)) if a != b]
        check_equal((len(narrow), different[:5]), (len(wide), []), "bytes that differ")
        check(len(set(wide)) == 256, "there is something")


def converse(place, file, programs):
    sides = [place.start(program, "talk", file, str(own), str(1 - own), str(MESSAGES), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE) for own, program in enumerate(programs)]
    for side in sides:
        check_equal(side.stdout.readline(), "ready\n", "it writes")
    for side in sides:
        side.stdin.write("begin\n")
        side.stdin.flush()
    for side in sides:
        out, _ = side.communicate(timeout=4 * PATIENCE)
        check_equal((side.returncode, out), (0, "good\n"), "what it says")


def test_they_talk():
    with Place() as place:
        other = make_other(place)
        for programs in ((NATIVE, other), (other, NATIVE), (other, other)):
            run(place, programs[0], "write", "memory")
            converse(place, "memory", programs)


def test_a_server_shows_what_32_bits_wrote():
    """Over the same file: slot 1 is that of a program that has no server."""
    with Place() as place:
        other = make_other(place)
        with open(place.file("memory"), "wb") as file:
            file.truncate(1 << 20)
        Server(place, "s,id=0", "--file", "memory", LAYOUT)
        run(place, other, "guest", "memory", "1")
        slots = {slot["slot"]: slot for slot in json.loads(place.expect("dump", "s", "--json"))["slots"]}
        check_equal([(value["name"], value.get("numbers", value.get("text"))) for value in slots[1]["values"]],
                    [("large", [str(2 ** 64 - 2)]), ("small", [1e-300]), ("word", "mot")], "values")


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
