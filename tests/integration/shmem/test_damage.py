#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that write over the layout's header, or change a file's length: this server and the next one know better."""

import mmap
import os
import signal
import subprocess

from tool import TOOL, Peer, Place, Server, check, check_equal, main, wait_for

PAGE = 4096
HEADER = 48  # bytes of struct qrt_shmem_header
LAYOUT = "--layout=peers=4,values=8,ring=4K"
SIZES = {"peers": 4, "values": 8, "ring_bytes": 4096}


def read_header(peer):
    with mmap.mmap(peer.memory, PAGE) as memory:
        return memory[:HEADER]


def write_header(peer, content):
    with mmap.mmap(peer.memory, PAGE) as memory:
        memory[:len(content)] = content


def make_header(peer):
    """One that is sound in itself, of another layout: of a memory that the client has made for that."""
    with Place() as other:
        Server(other, "s", "--layout=peers=2,values=4,ring=1K")
        with Peer(other.file("s")) as guest:
            content = read_header(guest)
    check(content != read_header(peer), "it is another one")
    return content


def check_layout(place):
    layout = place.ls("sa")["layout"]
    check_equal({name: layout[name] for name in SIZES}, SIZES, "the layout")


def is_reading(place, pid):
    return any(client["pid"] == pid and client["state"] and client["state"].get("name") == "ready"
               for client in place.ls("sa")["clients"])


def check_messages(place):
    """Programs that attach now find what there was."""
    receiver = place.start(TOOL, "recv", "sb", "--count", "1", "--timeout", "20", stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    wait_for("it reads", lambda: is_reading(place, receiver.pid))
    place.expect("send", "sc", "--to", "2", "--wait", "10", "hello")
    out, errors = receiver.communicate(timeout=30)
    check_equal((receiver.returncode, errors), (0, ""), "recv")
    check("hello" in out, out)
    place.expect("dump", "sb")


SERVE = ("sa,id=1", "sb,id=2", "sc,id=3")


def check_next(place, server, *options):
    """The same command goes on, and one that asks for another layout does not."""
    server.end(signal.SIGKILL)
    code, _, errors = place.call("serve", *SERVE, *options[1:], "--layout=peers=4,values=4,ring=4K")
    check(code == 1 and "a layout of 4 peers, 8 values and 4096 bytes of a ring" in errors, errors)
    return Server(place, *SERVE, *options)


def endure(damage, *options):
    with Place() as place:
        server = Server(place, *SERVE, *options)
        with Peer(place.file("sa")) as guest:
            before = read_header(guest)
            damage(guest)
            server = check_next(place, server, *options)
            check_equal(place.ids("sa"), [1], "the client is still there")
            check(read_header(guest) == before, "the header is what it was")
            check_layout(place)
            check_messages(place)
            check(not guest.look().is_ended, "the client notices nothing")
        check_equal(server.end(), 0, "the end")


def test_a_header_of_noise_is_written_again():
    endure(lambda guest: write_header(guest, b"\xa5" * PAGE), LAYOUT)


def test_a_header_of_another_layout_is_not_believed():
    endure(lambda guest: write_header(guest, make_header(guest)), LAYOUT)


def test_a_server_that_runs_does_not_read_it():
    """Its clients come and go by the layout that it made, and the header comes back with them."""
    with Place() as place:
        Server(place, *SERVE, LAYOUT)
        with Peer(place.file("sa")) as guest:
            before = read_header(guest)
            write_header(guest, make_header(guest))
            check_layout(place)
            write_header(guest, b"\xa5" * PAGE)
            with Peer(place.file("sb")):
                place.wait_ids([1, 2], "sa")
            place.wait_ids([1], "sa")
            check(read_header(guest) == before, "the header is what it was")
            check_messages(place)


def cut(guest):
    os.ftruncate(guest.memory, 0)


def lengthen(guest):
    os.ftruncate(guest.memory, 64 << 20)


def test_a_file_is_as_long_again_as_it_was():
    for damage in (cut, lengthen):
        with Place() as place:
            server = Server(place, *SERVE, "--file", "memory", "--size", "1M", LAYOUT)
            with Peer(place.file("sa")) as guest:
                before = read_header(guest)
                damage(guest)
                server = check_next(place, server, LAYOUT, "--file", "memory")
                check_equal(os.stat(place.file("memory")).st_size, 1 << 20, "its length")
                check(read_header(guest) == before, "the header is what it was")
                check_layout(place)
                check_messages(place)
            check_equal(server.end(), 0, "the end")


def test_a_file_that_is_cut_short_does_not_end_the_server():
    with Place() as place:
        server = Server(place, *SERVE, "--file", "memory", "--size", "1M", LAYOUT)
        with Peer(place.file("sa")) as guest:
            cut(guest)
            check_layout(place)
            check_equal(os.stat(place.file("memory")).st_size, 1 << 20, "its length after ls")
            cut(guest)
            with Peer(place.file("sb")):
                place.wait_ids([1, 2], "sa")
                check(all(client["life"] for client in place.ls("sa")["clients"]), "each has a life")
            cut(guest)
        place.wait_ids([], "sa")
        check_messages(place)
        check_equal((server.end(), server.said()), (0, ""), "the end")


def test_a_file_without_a_layout_is_as_long_again():
    with Place() as place:
        server = Server(place, "s", "--file", "memory", "--size", "1M")
        with Peer(place.file("s")) as guest:
            cut(guest)
            server.end(signal.SIGKILL)
            server = Server(place, "s", "--file", "memory", "--size", "1M")
            check_equal(os.stat(place.file("memory")).st_size, 1 << 20, "its length")
            check_equal(place.ls()["memory"]["bytes"], 1 << 20, "what it says")
            check(not guest.look().is_ended, "the client notices nothing")


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
