#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-shmem: servers with real QEMUs, who may, and what is said of bad input."""

import json
import os
import re
import signal
import socket
import subprocess

from tool import (PUBLISHER, TOOL, Peer, Place, Server, check, check_equal, is_alive, is_rung, main, need_root,
                  wait_for)

SETPRIV = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def check_one_line(errors, what):
    check(re.fullmatch(r"qrt-shmem: [^\n]+\n", errors), "%s: one line: %r" % (what, errors))


def read_events(place):
    """Those whose lines are whole."""
    with open(place.file("events"), encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def wait_events(place, count):
    wait_for("%d events" % count, lambda: len(read_events(place)) >= count)
    return read_events(place)


# ---- QEMU ----


def test_qemus_join_and_leave():
    with Place() as place:
        Server(place, "s,vectors=2,name=vm", "--events", "events")
        first, second = place.qemu(), place.qemu()
        place.wait_ids([0, 1])
        clients = place.ls()["clients"]
        check_equal({client["pid"] for client in clients}, {first.pid, second.pid}, "their processes")
        check_equal([(c["name"], c["vectors"]) for c in clients], [("vm", 2)] * 2, "names and vectors")
        wait_for("all are told all", lambda: all(c["told"] == 7 for c in place.ls()["clients"]))
        text = place.expect("ls", "s")
        check(re.search(r"^ *0 +vm +2 +\d+ +\d+ +- +- +- +7 +-$", text, re.M), text)
        check("2 clients with 4 vectors" in text, text)
        gone = next(c["id"] for c in clients if c["pid"] == first.pid)
        first.kill()
        place.wait_ids([1 - gone])
        events = wait_events(place, 3)
        check_equal([e["event"] for e in events], ["joined", "joined", "left"], "events")
        check_equal((events[2]["id"], events[2]["name"], events[2]["pid"], events[2]["reason"]),
                    (gone, "vm", first.pid, "by-itself"), "who left")


def test_a_ring_reaches_qemu():
    with Place() as place:
        Server(place, "s,vectors=2")
        qemu = place.qemu()
        place.wait_ids([0])
        with Peer(place.file("s"), 2) as peer:
            wait_for("QEMU's vectors", lambda: peer.knows() == {0: 2})
            fd = peer.vectors[0][1]
            os.kill(qemu.pid, signal.SIGSTOP)
            place.expect("ring", "s", "0:1", "--count", "3")
            check(is_rung(fd), "the doorbell is rung while QEMU stands still")
            check(not is_rung(peer.vectors[0][0]), "and the other one is not")
            os.kill(qemu.pid, signal.SIGCONT)
            wait_for("QEMU takes the ring", lambda: not is_rung(fd))
            place.expect("ring", "s", str(peer.id), "--count", "3")
            check_equal(peer.count(), 3, "rings of the own vector")


# ---- who may ----


def test_ids_and_names_are_bound_to_sockets():
    with Place() as place:
        Server(place, "s,name=any", "sb,id=3,name=bound,vectors=4", "--events", "events", "--lowest-ids")
        with Peer(place.file("sb"), 4) as bound, Peer(place.file("s")) as other:
            check_equal((bound.id, other.id), (3, 0), "ids")
            refused = socket.socket(socket.AF_UNIX)
            refused.connect(place.file("sb"))
            check_equal(refused.recv(8), b"", "the id is in use")
            refused.close()
            check_equal([(c["id"], c["name"]) for c in place.ls()["clients"]], [(3, "bound"), (0, "any")], "names")
        wait_for("the event", lambda: any(e.get("reason") == "in-use" for e in read_events(place)))


def test_permissions_and_lists():
    need_root()
    with Place() as place:
        os.chmod(place.path, 0o755)
        Server(place, "s", "sg,mode=0666,uid=0", "so,owner=65534,group=65534,mode=0600", "--events", "events")
        check_equal([os.stat(place.file(name)).st_mode & 0o777 for name in ("s", "sg", "so", "s.ctl", "s.hold")],
                    [0o600, 0o666, 0o600, 0o600, 0o600], "modes")
        with Peer(place.file("s")) as peer:
            place.expect("ring", "so", str(peer.id), wrapper=SETPRIV)
            check_equal(peer.count(), 1, "who owns the socket may")
        for command in (("ring", "s", "0"), ("send", "s", "x"), ("recv", "s"), ("dump", "s"), ("ls", "s")):
            code, _, errors = place.call(*command, wrapper=SETPRIV)
            check_equal(code, 1, command[0])
            check("Permission denied" in errors, errors)
            check_one_line(errors, command[0])
        code, _, errors = place.call("ring", "sg", "0", wrapper=SETPRIV)
        check(code == 1 and "may not take this user" in errors, errors)
        code, _, errors = place.call("serve", "sx", wrapper=SETPRIV)
        check(code == 1 and "Permission denied" in errors, errors)
        code, _, errors = place.call("serve", "sx", "--no-keep", wrapper=SETPRIV)
        check(code == 1 and "Permission denied" in errors, errors)
        refused = wait_for("the event", lambda: [e for e in read_events(place) if e["event"] == "refused"])
        check_equal([(e["uid"], e["reason"], e["socket"]) for e in refused], [(65534, "not-listed", "sg")], "refused")


# ---- memory ----


def test_memory_and_what_lies_in_it():
    with Place() as place:
        with open(place.file("file"), "wb") as file:
            file.truncate(1 << 20)
        server = Server(place, "s", "--file", "file", "--layout=peers=4,values=8,ring=1K")
        publisher = place.start(PUBLISHER, "s", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        check_equal(publisher.stdout.readline(), "ready\n", "the publisher")
        report = place.ls()
        check_equal(report["memory"], {"bytes": 1 << 20, "file": "file"}, "memory")
        check_equal([report["layout"][key] for key in ("peers", "values", "ring_bytes")], [4, 8, 1024], "layout")
        state = report["clients"][0]["state"]
        check_equal((state["name"], state["beat"], state["polls"]), ("booting", 5, True), "state")
        slot = json.loads(place.expect("dump", "s", "--json"))["slots"][0]
        check_equal([(v["name"], v["type"], v.get("numbers", v.get("text", v.get("base64")))) for v in slot["values"]],
                    [("counts", "u64", [7, str(2 ** 64 - 1)]), ("level", "i64", [-3]), ("load", "double", [0.5]),
                     ("greeting", "text", "hello"), ("key", "bytes", "Af8=")], "values")
        text = place.expect("dump", "s")
        check("value 3 greeting: text hello (change 1)" in text and "state booting, beat 5, polls" in text, text)
        raw = place.expect("dump", "s", "--offset", "0", "--length", "16")
        check(raw.startswith("00000000  71 72 6c 61 79 70 75 74  "), raw)
        publisher.stdin.close()
        publisher.wait()
        place.wait_ids([])
        check_equal(server.end(), 0, "the end")
        check(os.path.getsize(place.file("file")) == 1 << 20, "the file stays")
        code, _, errors = place.call("serve", "s", "--file", TOOL, "--layout")
        check_equal(code, 2, errors)


def test_a_file_of_somebody_is_not_overwritten():
    with Place() as place:
        with open(place.file("file"), "wb") as file:
            file.write(b"letters" * 1000 + bytes((1 << 20) - 7000))
        code, _, errors = place.call("serve", "s", "--file", "file", "--layout=peers=1,values=0,ring=1K")
        check(code == 1 and "would be overwritten" in errors, errors)
        check_equal((place.sockets(), place.holders()), ([], []), "nothing is left")
        check(open(place.file("file"), "rb").read(7) == b"letters", "the file is as it was")
        Server(place, "s", "--file", "file")
        check("|lettersletterslet|" not in place.expect("dump", "s"), "")
        check("|lettersletters" in place.expect("dump", "s"), "without a layout the bytes are shown")


def test_more_than_there_is_of_ram_is_refused():
    """The kernel would kill whatever it finds; should the tool let it, the limit of a file's size ends the tool."""
    size = 1
    while size < 2 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        size *= 2
    with Place() as place:
        code, _, errors = place.call("serve", "s", "--size", str(size), "--populate",
                                     wrapper=("prlimit", "--fsize=1073741824"))
        check(code == 1 and "bytes of RAM are free" in errors, (code, errors))
        check_one_line(errors, "serve")


# ---- bad input ----


BAD = [  # arguments, code, a part of what is said
    ((), 2, "no command"),
    (("fly",), 2, "unknown command"),
    (("serve",), 2, "give a socket's path"),
    (("serve", "s,speed=1"), 2, "no key 'speed'"),
    (("serve", "s,vectors=0"), 2, "1 to 1024"),
    (("serve", "s,vectors"), 2, "1 to 1024"),
    (("serve", "s,id=65536"), 2, "0 to 65535"),
    (("serve", "s,mode=rw"), 2, "octal"),
    (("serve", "s,owner=no.such.user"), 2, "user's name"),
    (("serve", "s,name=" + 64 * "x"), 2, "63"),
    (("serve", 108 * "s"), 2, "at most 107"),
    (("serve", 103 * "s"), 2, "at most 102"),
    (("serve", "s", "s"), 2, "twice"),
    (("serve", "s,id=1", "sb,id=1"), 2, "id 1"),
    (("serve", "s,id=16", "--layout"), 2, "slots 0 to 15"),
    (("serve", "s", "--size", "3M"), 2, "power of two"),
    (("serve", "s", "--size", "many"), 2, "number of bytes"),
    (("serve", "s", "--size"), 2, "--size"),
    (("serve", "s", "--size", "1M", "--layout"), 2, "--size 2097152"),
    (("serve", "s", "--layout=ring=3K"), 2, "power of two"),
    (("serve", "s", "--layout=peers=5000"), 2, "4096"),
    (("serve", "s", "--layout=colour=1"), 2, "peers=, values= and ring="),
    (("serve", "s", "--new-layout"), 2, "give --layout"),
    (("serve", "s", "--layout", "--peers", "17"), 2, "1 to 16"),
    (("serve", "s", "--hugetlb=3M"), 2, "2M or 1G"),
    (("serve", "s", "--hugetlb=1G"), 2, "--size 1073741824"),
    (("serve", "s", "--file", "f", "--hugetlb"), 2, "one of them"),
    (("serve", "s", "--nodes", "0-"), 2, "NUMA nodes"),
    (("serve", "s", "--stall", "soon"), 2, "seconds"),
    (("serve", "s", "--fast"), 2, "Unknown option --fast"),
    (("serve", "s", "--events", "no/where"), 1, "cannot be written"),
    (("serve", "no/where"), 1, "No such file"),
    (("serve", "no/where", "--no-keep"), 1, "No such file"),
    (("ls",), 2, "first socket"),
    (("ls", "s", "t"), 2, "too many"),
    (("ls", "s", "--watch", "0"), 2, "seconds"),
    (("ls", "s"), 1, "s.ctl"),
    (("ring", "s"), 2, "a peer"),
    (("ring", "s", "one"), 2, "0 to 65535"),
    (("ring", "s", "1:x"), 2, "0 to 1023"),
    (("ring", "s", "1"), 1, "no ivshmem server"),
    (("send", "s"), 2, "one text"),
    (("send", "s", "x", "--type", "70000"), 2, "65535"),
    (("send", "s", "x"), 1, "no ivshmem server"),
    (("recv", "s", "--count", "0"), 2, "whole number"),
    (("recv", "s"), 1, "no ivshmem server"),
    (("dump", "s", "--length", "0"), 2, "number of bytes"),
    (("dump", "s"), 1, "no ivshmem server"),
    (("bench", "--cpus", "0"), 2, "--cpus 0: give two CPUs"),
    (("bench", "--cpus", "0,1000"), 1, "CPU 1000"),
    (("bench", "--rounds", "0"), 2, "1 to 1000"),
]


def test_bad_input_is_refused_in_one_line():
    with Place() as place:
        for arguments, code, part in BAD:
            have, _, errors = place.call(*arguments)
            check_equal(have, code, "%s: %s" % (arguments, errors))
            check(part in errors, "%s: %s" % (arguments, errors))
            check_one_line(errors, arguments)
        check_equal((place.sockets(), place.holders()), ([], []), "nothing is left")


def test_help_and_version():
    with Place() as place:
        check(re.fullmatch(r"qrt-shmem \d+\.\d+\.\d+\n", place.expect("--version")), "version")
        text = place.expect("--help")
        for command in "serve ls ring send recv dump bench".split():
            check("  " + command in text, command)
            check(place.expect(command, "--help").startswith("Usage: qrt-shmem %s " % command), command)


def test_what_a_server_has_not_is_said():
    with Place() as place:
        Server(place, "s,vectors=2")
        with Peer(place.file("s")) as peer:
            for arguments, part in ((("ring", "s", "9"), "no peer 9"), (("ring", "s", "%d:2" % peer.id), "0 to 1"),
                                    (("send", "s", "x"), "--layout"), (("recv", "s"), "--layout"),
                                    (("dump", "s", "--offset", "8M"), "4194304 bytes")):
                code, _, errors = place.call(*arguments)
                check(code == 1 and part in errors, errors)
                check_one_line(errors, arguments)


def test_a_socket_in_use_stays_its_owners():
    with Place() as place:
        with socket.socket(socket.AF_UNIX) as foreign:
            foreign.bind(place.file("s"))
            foreign.listen(1)
            code, _, errors = place.call("serve", "s")
            check(code == 1 and "something is there already" in errors, errors)
            check_one_line(errors, "serve")
        check_equal((place.sockets(), place.holders()), (["s"], []), "what is left")
        Server(place, "s")  # nobody listens there any more
        os.mkdir(place.file("d"))
        code, _, errors = place.call("serve", "d")
        check(code == 1 and "d: " in errors, errors)


def test_sigterm_leaves_nothing():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with Place() as place:
            server = Server(place, "s", "sb,id=5", "--layout")
            holder, = place.holders()
            with Peer(place.file("s")) as peer:
                check_equal(server.end(number), 0, server.said())
                check_equal(server.said(), "", "what it said")
                wait_for("the client's end", lambda peer=peer: peer.look().is_ended)
            wait_for("the holder's end", lambda holder=holder: not is_alive(holder))
            check_equal(place.sockets(), [], "files")


def test_bench_has_all_rounds():
    with Place() as place:
        figures = json.loads(place.expect("bench", "--rounds", "2", "--seconds", "0.01", "--json"))["figures"]
        names = [figure["name"] for figure in figures]
        check(names[0] == "doorbell" and names[-2:] == ["join-64", "leave-64"], names)
        for figure in figures:
            for side in (figure["ours"], *figure["peers"], *(peer["ratio"] for peer in figure["peers"])):
                check(len(side["rounds"]) == 2 and all(value > 0 for value in side["rounds"]), figure)
        check(place.expect("bench", "--rounds", "1", "--seconds", "0.01").count("\n") > 3, "the table")


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
