#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-shmem serve, started while the one before is just ending, and killed while it begins: the last one serves. With an
argument so many of each; a soak has more."""

import os
import random
import signal
import socket
import sys
import threading
import time

from tool import PATIENCE, Peer, Place, Server, check, check_equal, main, note

TIMES = 12
FILE = ("s", "sb,id=2", "--file", "memory", "--size", "64K", "--layout=peers=4,values=0,ring=1K")


# ---- a holder that ends ----


class Ending:
    """A holder that holds nothing, hangs up when it hears `when`, and ends after so many times."""

    def __init__(self, place, when, times=1):
        self.path, self.when, self.times = place.file("s.hold"), when, times
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.settimeout(PATIENCE)
        self.listener.bind(self.path)
        self.listener.listen(4)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.times:
            server, _ = self.listener.accept()
            server.settimeout(PATIENCE)
            self.listen_to(server)
            self.times -= 1
            if not self.times:
                os.unlink(self.path)
                self.listener.close()
            server.close()

    def listen_to(self, server):
        heard = b""
        while heard != self.when:
            heard, fds, _, _ = socket.recv_fds(server, 100, 2)
            for fd in fds:
                os.close(fd)
            if heard == b"T":
                server.send(b".yes")


def test_a_holder_that_just_ends_is_followed_by_another():
    for when in (b"", b"T", b"Pshape", b"Precord"):
        with Place() as place:
            ending = Ending(place, when)
            server = Server(place, "s", "--layout")
            ending.thread.join()
            check_equal((ending.times, server.said()), (0, ""), "what it said")
            check_equal(len(place.holders()), 1, "a holder")
            with Peer(place.file("s")) as peer:
                server.end(signal.SIGKILL)
                Server(place, "s")
                check(not peer.look().is_ended, "it holds")


def test_a_server_without_standard_input_has_a_holder():
    with Place() as place:
        server = Server(place, "s", wrapper=("bash", "-c", "exec \"$@\" <&-", "bash"))
        with Peer(place.file("s")) as peer:
            server.end(signal.SIGKILL)
            server = Server(place, "s")
            check(not peer.look().is_ended, "it holds")
            check_equal(server.said(), "", "what it said")


def test_who_never_has_a_turn_says_so():
    with Place() as place:
        ending = Ending(place, b"Precord", 5)
        code, _, errors = place.call("serve", "s")
        ending.thread.join()
        check_equal((code, errors), (1, "qrt-shmem: s: it was not ready to take over before its turn was over, 5 times: others "
                                     "begin there, too, or this host has no time for it\n"), "what it said")
        check_equal((place.sockets(), place.holders()), ([], []), "nothing is left")


# ---- real ones ----


def test_one_is_started_while_the_one_before_ends():
    with Place() as place:
        server = Server(place, *FILE)
        for i in range(TIMES):
            with Peer(place.file("s")):
                following = Server(place, *FILE, is_awaited=False)
                time.sleep(random.random() * 0.03 * (i % 4))
                server.process.send_signal(signal.SIGTERM)
                following.await_ready()
                check_equal(server.wait(), 0, "the one before: " + server.said())
                check_equal(following.said(), "", "the next one")
                check_equal(place.ls()["pid"], following.pid, "who serves")
                server = following


def test_one_is_killed_while_it_begins():
    """At any moment, the first of a file or not; the next one is started at once, or a little later."""
    with Place() as place:
        for i in range(TIMES):
            for _ in range(3):
                beginning = Server(place, *FILE, is_awaited=False)
                time.sleep(random.random() * 0.04)
                beginning.end(signal.SIGKILL)
                os.close(beginning.ready)
            if i % 2:
                time.sleep(0.2)
            server = Server(place, *FILE)
            check_equal(server.said(), "", "the next one")
            with Peer(place.file("s")):
                check_equal(place.ls()["pid"], server.pid, "who serves")
            if i % 3 == 0:
                check_equal((server.end(), server.said()), (0, ""), "the end")
                check_equal((place.sockets(), place.holders()), ([], []), "nothing is left")
            else:
                server.end(signal.SIGKILL)
        note("%d servers were killed while they began" % (3 * TIMES))


if len(sys.argv) > 1 and sys.argv[1].isdigit():
    TIMES = int(sys.argv.pop(1))
main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
