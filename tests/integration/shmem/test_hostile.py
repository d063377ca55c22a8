#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A peer that writes all over the shared memory: server, tools and other peers go on, and believe nothing wrong."""

import json
import os
import re
import subprocess

from tool import BUILD, PATIENCE, Peer, Place, Server, check, check_equal, main, note, wait_for

FOLDER = os.path.join(BUILD, "tests", "integration")
WITNESS, SCRIBBLER = os.path.join(FOLDER, "shmem", "shmem_witness"), os.path.join(FOLDER, "shmem_scribbler")
SECONDS = 3
LAYOUT = "--layout=peers=8,values=64,ring=16K"
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

# What may be done with such a memory; what it says of one that is damaged just then.
COMMANDS = [("ls", "s", "--json"), ("ls", "s"), ("dump", "s", "--json"), ("dump", "s"), ("dump", "s", "--offset", "0"),
            ("recv", "s", "--json", "--all", "--old", "--timeout", "0.3"), ("recv", "s", "--timeout", "0.2"),
            ("send", "s", "--wait", "0.1", "hello")]
REFUSED = re.compile(r"qrt-shmem: s: the layout in this memory is [^\n]*\n|qrt-shmem: s: there is no layout [^\n]*\n")


def check_numbers(what, path=""):
    """None is below zero but those of a value; each fits into 64 bits."""
    if isinstance(what, dict):
        for name, part in what.items():
            check_numbers(part, path + "." + name)
    elif isinstance(what, list):
        for part in what:
            check_numbers(part, path + "[]")
    elif isinstance(what, (int, float)) and not path.endswith(".numbers[]"):
        check(0 <= what < 1 << 63, "%s: %r" % (path, what))


def use(place, arguments):
    """A command that ends by itself, in a word of its own where it cannot do what it should."""
    code, out, errors = place.call(*arguments)
    check(code in (0, 1), "%s: code %d: %s" % (arguments, code, errors))
    check("Sanitizer" not in errors and "runtime error" not in errors, errors)
    if arguments[0] == "ls":
        check_equal((code, errors), (0, ""), "ls")
    elif code:
        check(REFUSED.fullmatch(errors), "%s: %s" % (arguments, errors))
    for line in out.splitlines() if "--json" in arguments else ():
        check_numbers(json.loads(line))
    return code


class Witness:
    def __init__(self, place, *arguments):
        self.process = place.start(WITNESS, *arguments, **PIPES)
        self.said = self.process.stdout.readline().split()
        check(self.said, "%s does not begin: %s" % (arguments, self.process.poll()))

    def calm(self):
        """It stays, and writes no more."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        check_equal(self.process.stdout.readline(), "calm\n", "a witness")

    def end(self):
        out, errors = self.process.communicate(timeout=2 * PATIENCE)
        check_equal((self.process.returncode, errors), (0, ""), "a witness's end")
        return [int(word) for word in out.split()]


def start_scribbler(place, slot, memory, spared, seed):
    """As a guest does it: by the memory that a client gets."""
    process = place.start(SCRIBBLER, "/dev/fd/%d" % memory, str(slot), str(SECONDS), str(seed), *spared, pass_fds=[memory],
                          **{**PIPES, "stdin": subprocess.DEVNULL})
    check_equal(process.stdout.readline(), "writing\n", "the scribbler")
    return process


def endure(seed):
    with Place() as place:
        server = Server(place, "s,id=7", "sg", LAYOUT)  # commands have an id of their own: it may come back
        writer = Witness(place, "write", "sg")
        slot, *spared = writer.said
        reader = Witness(place, "read", "sg", slot)
        with Peer(place.file("sg")) as guest:
            scribbler = start_scribbler(place, guest.id, guest.memory, spared, seed)
            refused = 0
            while scribbler.poll() is None:
                refused += sum(use(place, arguments) for arguments in COMMANDS)
            note("%s writes, seed %d; %d commands were refused" % (scribbler.stdout.read().strip(), seed, refused))
            before = reader.end()
            note("of what is read meanwhile %d were right, %d refused, %d wrong" % tuple(before))
            check(before[0] > 0 and before[2] == 0, before)
            after(place, server, slot, writer, guest)


def after(place, server, slot, writer, guest):
    """When it is over."""
    wait_for("the others are gone", lambda: set(place.ids()) == {int(slot), guest.id})
    with Peer(place.file("sg")) as newcomer:
        wait_for("it is told of all", lambda: set(newcomer.knows()) == {int(slot), guest.id})
        wait_for("all are told of it", lambda: newcomer.id in guest.knows())
    for arguments in COMMANDS:
        check_equal(use(place, arguments), 0, arguments)
    writer.calm()
    right, _, wrong = Witness(place, "read", "sg", slot).end()
    check(right >= 32 and wrong == 0, "what is read when it is over: %d right, %d wrong" % (right, wrong))
    writer.end()
    check_equal((server.end(), server.said()), (0, ""), "the server")


def test_one_that_writes_everywhere_harms_itself_alone():
    for seed in (1, 2):
        endure(seed)


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
