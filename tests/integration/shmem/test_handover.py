#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A handover from server to server is all or nothing: where the next one cannot go on, the one before does."""

import os
import signal
import socket
import time

from tool import Peer, Place, Server, check, check_equal, is_alive, is_readable, main, wait_for

GOES_ON = "qrt-shmem: s: another server could not take over; this one goes on\n"


class Heir:
    """As much of a next server as a holder notices: it was given everything, of which it keeps the record."""

    def __init__(self, place):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(30)
        self.socket.connect(place.file("s.hold"))
        self.socket.send(b"T")
        self.names, self.record = [], None
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, 100, 2)
            if data == b"Krecord":
                self.record = fds.pop()
            for fd in fds:
                os.close(fd)
            if data[:1] != b"K":
                break
            self.names.append(data[1:].decode())
        check_equal(data[:1], b".", "the end of what there is")

    def put(self, name):
        with open("/dev/null", "rb") as file:
            socket.send_fds(self.socket, [b"P" + name], [file.fileno()])

    def take_over(self):
        socket.send_fds(self.socket, [b"Precord"], [self.record])
        check_equal(self.socket.recv(10), b"Y", "the holder's word")

    def close(self):
        self.socket.close()
        if self.record is not None:
            os.close(self.record)


def check_as_before(place, server, peer):
    check(is_alive(server.pid) and not peer.look().is_ended, "all is as it was")
    with Peer(place.file("s")) as other:
        wait_for("who was there knows who comes", lambda: other.id in peer.knows())
    check_equal(place.ls()["pid"], server.pid, "who serves")
    check_equal(place.sockets(), ["s", "s.ctl", "s.hold"], "files")


def refuse(place, *arguments, wrapper=()):
    """What a next server says that cannot go on."""
    code, out, errors = place.call("serve", *arguments, wrapper=wrapper)
    check_equal((code, out), (1, ""), errors)
    check(errors.endswith("qrt-shmem: nothing was taken over: a server that is there goes on, and without one its clients wait "
                          "for the next, for as long as --hold-seconds was then\n") or "no holder" in errors, errors)
    return errors


def test_one_that_cannot_go_on_changes_nothing():
    with Place() as place:
        server = Server(place, "s", "--layout=peers=16")
        with Peer(place.file("s")) as peer:
            check("ids are 0 to 15" in refuse(place, "s", "sx", "sy,id=20"), "an id that is none")
            check_as_before(place, server, peer)
            check("no holder" in refuse(place, "s", wrapper=("prlimit", "--nofile=8:8")), "without descriptors")
            check_as_before(place, server, peer)
            check_equal(server.said(), 2 * GOES_ON, "what it said")
            following = Server(place, "s")
            check_equal((server.wait(), following.said()), (0, ""), "one that can")
            check_equal(place.ls()["pid"], following.pid, "who serves")


def test_one_that_goes_away_leaves_nothing():
    with Place() as place:
        server = Server(place, "s")
        with Peer(place.file("s")) as peer:
            heir = Heir(place)
            before = sorted(heir.names)
            heir.put(b"l.0")
            heir.put(b"memory")
            waiting = socket.socket(socket.AF_UNIX)
            waiting.connect(place.file("s"))
            check(not is_readable(waiting, 0.5), "nobody is served meanwhile")
            check_equal(place.ls()["pid"], server.pid, "but who asks is answered")
            heir.close()
            check(is_readable(waiting, 30), "then it is")
            waiting.close()
            wait_for("who was there alone", lambda: place.ids() == [peer.id])
            heir = Heir(place)
            check_equal(sorted(heir.names), before, "what there is")
            heir.close()
            wait_for("it goes on", lambda: server.said() == 2 * GOES_ON)
            check_as_before(place, server, peer)


def test_one_that_hangs_is_not_waited_for():
    with Place() as place:
        server = Server(place, "s")
        with Peer(place.file("s")) as peer:
            heir = Heir(place)
            wait_for("it goes on", lambda: server.said() == GOES_ON)
            check_as_before(place, server, peer)
            check_equal(heir.socket.recv(10), b"", "the heir's time is over")
            heir.close()
            check_as_before(place, server, peer)


def test_one_that_needs_long_has_its_turn_where_nobody_stands_still():
    """It is taken away by somebody else alone."""
    with Place() as place:
        server = Server(place, "s")
        with Peer(place.file("s")) as peer:
            server.end(signal.SIGKILL)
            slow = Heir(place)
            check(not is_readable(slow.socket, 11), "it has time")
            slow.take_over()
            slow.close()
            slow = Heir(place)
            check(not is_readable(slow.socket, 11), "it has time again")
            server = Server(place, "s")
            check_equal((slow.socket.recv(10), server.said()), (b"", ""), "somebody else is quicker")
            slow.close()
            check_as_before(place, server, peer)


def test_who_is_to_end_ends_when_that_is_decided():
    with Place() as place:
        server = Server(place, "s")
        with Peer(place.file("s")) as peer:
            heir = Heir(place)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            check(is_alive(server.pid) and not peer.look().is_ended, "it is another one's, maybe")
            heir.close()
            check_equal(server.wait(), 0, "it is not")
            wait_for("the end", lambda: peer.look().is_ended)
        check_equal(place.sockets(), [], "files")


def test_one_that_was_killed_before_it_said_so():
    with Place() as place:
        server = Server(place, "s")
        with Peer(place.file("s")) as peer:
            for i in range(20):
                following = place.start(*server.process.args[:2], "s", stderr=-3)
                time.sleep(0.002 * i)
                following.kill()
                following.wait()
            wait_for("one that serves", lambda: place.call("ls", "s")[0] == 0 or Server(place, "s"))
            check(not peer.look().is_ended, "the peer is still there")
            with Peer(place.file("s")) as other:
                wait_for("it knows who comes", lambda: other.id in peer.knows())


# ---- other options ----


def test_what_clients_have_is_not_asked_for_otherwise():
    with Place() as place:
        server = Server(place, "s", "--layout=peers=8")
        with Peer(place.file("s")) as peer:
            for option, said in (("--size=8M", "--size: the memory"), ("--layout=peers=4", "--layout: the memory"),
                                 ("--file=memory", "--file: the memory"), ("--hugetlb", "--hugetlb: the memory"),
                                 ("--peers=4", "another number of peers")):
                errors = refuse(place, "s", option)
                check(said in errors, errors)
            check("with a layout of 8 peers, 64 values and 65536 bytes of a ring" in refuse(place, "s", "--size=8M"), "what is")
            check_as_before(place, server, peer)
            check_equal(Server(place, "s", "--layout=peers=8", "--size=4M", "--peers=8").said(), "", "the same")
            check_equal(Server(place, "s").said(), "", "what is not asked for")


def test_sockets_may_change():
    with Place() as place:
        Server(place, "s,vectors=2", "sa,id=7,name=a", "sb,id=9,vectors=2,name=b,mode=0666", "sc")
        with Peer(place.file("s"), 2) as peer, Peer(place.file("sa")) as a, Peer(place.file("sb"), 2) as b:
            with Peer(place.file("sc")) as c:
                following = Server(place, "s,vectors=1", "sd,id=11", "sb,id=9,vectors=2,name=beta", "sa,id=8,name=a")
                check_equal(following.said(), "qrt-shmem: s: 3 clients of the server before, whose socket, id or vectors are not "
                            "asked for like that now, stay as they are until they leave\n", "what it said")
                check_equal([(client["id"], client["name"], client["vectors"]) for client in place.ls()["clients"]],
                            [(peer.id, "", 2), (7, "a", 1), (9, "beta", 2), (c.id, "", 1)], "clients")
                check_equal([client["socket"] for client in place.ls()["clients"]], [0, 3, 2, 0xffffffff], "sockets")
                check(not os.path.exists(place.file("sc")), "a socket that is not asked for is gone")
                check_equal(os.stat(place.file("sb")).st_mode & 0o777, 0o600, "permissions")
            with Peer(place.file("s")) as newcomer:
                check_equal(len(newcomer.look().vectors[newcomer.id]), 1, "vectors of who comes now")
            with Peer(place.file("sd")) as newcomer:
                check_equal(newcomer.id, 11, "a new socket's id")
            a.close_connection()
            wait_for("it left", lambda: 7 not in place.ids())
            wait_for("who was there knows, as its id is no socket's", lambda: 7 not in peer.knows())
            with Peer(place.file("sa")) as newcomer:
                check_equal(newcomer.id, 8, "the socket's new id")
            b.close_connection()
            wait_for("it left", lambda: 9 not in place.ids())
            check(9 in peer.knows(), "who has the socket's id is absent")


def test_the_time_to_wait_is_the_last_ones():
    with Place() as place:
        Server(place, "s")
        holder, = place.holders()
        Server(place, "s", "--hold-seconds", "0.3").end(signal.SIGKILL)
        wait_for("the holder's end", lambda: not is_alive(holder))


# ---- a file ----


def check_refused_file(place, *arguments):
    code, _, errors = place.call("serve", "t", "--file", "memory", "--layout", "--hold-seconds", "0.2", *arguments)
    check_equal((code, errors), (1, "qrt-shmem: memory: claiming it: it is the memory of another server, or of who waits for "
                                 "the next one\n"), "a second server")


def test_a_file_in_use_is_nobody_elses():
    with Place() as place:
        server = Server(place, "s", "--file", "memory", "--layout=peers=4")
        with Peer(place.file("s")) as peer:
            with open(place.file("memory"), "rb") as file:
                before = file.read()
            check_refused_file(place)
            check_refused_file(place, "--no-keep", "--size", "8M")
            server.end(signal.SIGKILL)
            check_refused_file(place)
            server = Server(place, "s", "--file", "memory")
            server = Server(place, "s", "--file", "memory")
            check_refused_file(place)
            with open(place.file("memory"), "rb") as file:
                check(file.read() == before, "its content")
            check(not peer.look().is_ended, "the peer is still there")
            check_equal((server.end(), server.said()), (0, ""), "the end")
            # The peer has its memory still, which is no claim.
            Server(place, "t", "--file", "memory", "--layout=peers=8", "--new-layout")


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
