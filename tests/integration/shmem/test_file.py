#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-shmem serve over a file that has a layout already: what is there stays, unless it is asked for that it goes."""

import json
import os
import re
import signal
import subprocess

from tool import PUBLISHER, Peer, Place, Server, check, check_equal, main, wait_for

SIZES = {"peers": 4, "values": 8, "ring_bytes": 4096}
LAYOUT = "--layout=peers=4,values=8,ring=4K"
OTHER = "--layout=peers=2,values=4,ring=1K"
FILE = ("--file", "memory")
SERVE = ("sa,id=0", "sb,id=1", *FILE)
PLAIN = 3  # the slot of who has the file, and no server
HEADER = 48


def publish(place, *arguments):
    publisher = place.start(PUBLISHER, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    check_equal(publisher.stdout.readline(), "ready\n", "the publisher")
    return publisher


def values(place, slot):
    slots = {one["slot"]: one for one in json.loads(place.expect("dump", "sb", "--json"))["slots"]}
    return {value["name"]: value for value in slots.get(slot, {"values": ()})["values"]}


def content(place):
    with open(place.file("memory"), "rb") as file:
        return file.read()


def check_counts(place, publisher, count):
    """Who writes there still does so for others."""
    publisher.stdin.write("x")
    publisher.stdin.flush()
    wait_for("it is read", lambda: values(place, PLAIN).get("read", {}).get("numbers") == [count])
    check_equal(values(place, PLAIN)["greeting"]["text"], "hello", "what was said before")


def check_sizes(place, **sizes):
    layout = place.ls("sa")["layout"]
    check_equal({name: layout[name] for name in sizes}, sizes, "the layout")


def end_with_the_host(place, server):
    """Neither server nor holder say anything more."""
    server.end(signal.SIGKILL)
    for pid in place.holders():
        os.kill(pid, signal.SIGKILL)
    wait_for("the holder's end", lambda: not place.holders())
    for name in place.sockets():
        os.unlink(place.file(name))


def refuse(place, *arguments):
    code, out, errors = place.call("serve", *SERVE, *arguments)
    check_equal((code, out), (1, ""), errors)
    check(re.fullmatch(r"qrt-shmem: [^\n]+\n", errors), errors)
    check_equal((place.sockets(), place.holders()), ([], []), "nothing is left")
    return errors


# ---- what is kept ----


def test_a_layout_is_kept_for_who_has_the_file():
    with Place() as place:
        server = Server(place, *SERVE, "--size", "1M", LAYOUT)
        publisher = publish(place, "memory", str(PLAIN))
        check_counts(place, publisher, 1)
        before = content(place)[:HEADER]
        check_equal(server.end(), 0, server.said())
        server = Server(place, *SERVE, LAYOUT)
        check_counts(place, publisher, 2)
        end_with_the_host(place, server)
        server = Server(place, *SERVE, LAYOUT)
        check_counts(place, publisher, 3)
        check_sizes(place, **SIZES)
        check_equal((content(place)[:HEADER], server.said()), (before, ""), "the header")


def test_slots_of_who_is_gone_are_cleaned():
    with Place() as place:
        server = Server(place, *SERVE, "--size", "1M", LAYOUT)
        publish(place, "sa")
        plain = publish(place, "memory", str(PLAIN))
        check_equal(values(place, 0)["greeting"]["text"], "hello", "what a peer says")
        end_with_the_host(place, server)
        check(content(place)[4096:4100] != bytes(4), "its life is there still")
        server = Server(place, *SERVE, LAYOUT)
        check_equal(values(place, 0), {}, "what it said")
        check_equal(content(place)[4096:4100], bytes(4), "its life")
        check_counts(place, plain, 1)
        with Peer(place.file("sa")) as peer:
            check_equal(peer.id, 0, "the next one of its socket")
            wait_for("it lives", lambda: content(place)[4096:4100] != bytes(4))
        check_equal((server.end(), server.said()), (0, ""), "the end")


def test_a_file_that_is_longer_now_is_kept():
    with Place() as place:
        Server(place, *SERVE, "--size", "1M", LAYOUT).end()
        before = content(place)[:HEADER]
        Server(place, *SERVE, "--size", "2M", LAYOUT)
        check_equal((content(place)[:HEADER], os.path.getsize(place.file("memory"))), (before, 2 << 20), "the file")


# ---- what is refused ----


def test_another_layout_is_refused_and_changes_nothing():
    with Place() as place:
        Server(place, *SERVE, "--size", "1M", LAYOUT).end()
        before = content(place)
        for more in ((), ("--size", "4M")):
            errors = refuse(place, OTHER, *more)
            check("memory: it has a layout of 4 peers, 8 values and 4096 bytes of a ring: give "
                  "--layout=peers=4,values=8,ring=4096, or --new-layout" in errors, errors)
            check(content(place) == before, "the file is what it was")
        Server(place, *SERVE, "--layout=peers=4,values=8,ring=4096").end()  # as it was said
        Server(place, *SERVE, OTHER, "--new-layout")
        check_sizes(place, peers=2, values=4, ring_bytes=1024)


def test_a_layout_is_made_anew_where_that_is_asked_for():
    with Place() as place:
        Server(place, *SERVE, "--size", "1M", LAYOUT).end()
        publish(place, "memory", str(PLAIN))
        before = content(place)
        server = Server(place, *SERVE, LAYOUT, "--new-layout")
        check_equal(values(place, PLAIN), {}, "what was said")
        check(content(place)[:HEADER] != before[:HEADER], "it is another one")
        made = content(place)[:HEADER]
        with Peer(place.file("sa")) as peer:
            server.end(signal.SIGKILL)
            server = Server(place, *SERVE, LAYOUT, "--new-layout")
            check(content(place)[:HEADER] == made, "that of clients who are there stays")
            check(not peer.look().is_ended, "they notice nothing")
        check_equal((server.end(), server.said()), (0, ""), "the end")


def damage(place, at, octets):
    with open(place.file("memory"), "r+b") as file:
        file.seek(at)
        file.write(octets)


def test_a_damaged_layout_is_refused():
    with Place() as place:
        Server(place, *SERVE, "--size", "1M", LAYOUT).end()
        damage(place, 20, b"\xff")
        before = content(place)
        errors = refuse(place, LAYOUT)
        check("memory: its layout is damaged" in errors and "--new-layout" in errors, errors)
        check(content(place) == before, "the file is what it was")
        Server(place, *SERVE, LAYOUT, "--new-layout").end()
        os.truncate(place.file("memory"), 32768)
        errors = refuse(place, "--layout=peers=2,values=0,ring=1K")
        check("does not fit into it" in errors, errors)
        Server(place, *SERVE, "--layout=peers=2,values=0,ring=1K", "--new-layout")
        check_sizes(place, peers=2, values=0, ring_bytes=1024)


def test_a_content_that_is_no_layout_is_refused_wherever_it_lies():
    with Place() as place:
        with open(place.file("memory"), "wb") as file:
            file.truncate(1 << 20)
        damage(place, 20000, b"letters")
        before = content(place)
        for more in ((), ("--new-layout",), ("--size", "2M")):
            check("would be overwritten" in refuse(place, LAYOUT, *more), "refused")
            check(content(place) == before, "the file is what it was")


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
