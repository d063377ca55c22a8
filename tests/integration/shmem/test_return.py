#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Peers that come back by the id of their socket, beside an unmodified QEMU: it lives, and its rings reach them. The
device's registers are used by QEMU's own test protocol, in place of a guest."""

import os
import re
import signal
import socket
import time

from tool import QEMU, Peer, Place, Server, check, check_equal, main, need_qemu, wait_for

TIMES = 50
BAR0 = 0xe0000000
BOUND = 5


class Machine:
    """A QEMU whose device can ring. What it freed is overwritten at once, so that to use it shows."""

    def __init__(self, place, path="s", vectors=2, wrapper=()):
        need_qemu()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(place.file("qtest"))
        self.listener.listen(1)
        self.process = place.start(
            *wrapper, QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-m", "32", "-accel", "tcg", "-S", "-qtest",
            "unix:" + place.file("qtest"), "-qtest-log", "none", "-chardev", "socket,path=%s,id=c" % path, "-device",
            "ivshmem-doorbell,chardev=c,vectors=%d,addr=4,id=shmem" % vectors, "-monitor",
            "unix:%s,server=on,wait=off" % place.file("monitor"), stderr=-1,
            env=dict(os.environ, MALLOC_PERTURB_="165"))
        self.listener.settimeout(30)
        self.socket, _ = self.listener.accept()
        self.listener.close()
        self.lines = self.socket.makefile("r")
        self.config(0x10, BAR0)
        self.config(0x04, 2)

    def tell(self, words):
        self.check_alive()
        self.socket.sendall((words + "\n").encode())
        answer = self.lines.readline().split()
        if not answer:
            self.process.wait()
            self.check_alive()
        check_equal(answer[:1], ["OK"], words)
        return answer[1:]

    def config(self, at, value):
        """Of the device in slot 4 of bus 0."""
        self.tell("outl 0xcf8 %#x" % (0x80002000 | at))
        self.tell("outl 0xcfc %#x" % value)

    def ring(self, number, vector):
        self.tell("writel %#x %#x" % (BAR0 + 12, number << 16 | vector))

    def id(self):
        return int(self.tell("readl %#x" % (BAR0 + 8))[0], 16)

    def check_alive(self):
        if self.process.poll() is not None:
            raise AssertionError("QEMU ended with %d: %s" % (self.process.returncode, self.process.stderr.read()))

    def close(self):
        self.check_alive()
        self.lines.close()
        self.socket.close()
        self.process.kill()
        check_equal(self.process.communicate()[1], "", "what QEMU said")


def wait_told(place):
    wait_for("all are told all", lambda: all(client["is_greeted"] and not client["waiting"]
                                             for client in place.ls()["clients"]))


def meet(machine, peer):
    """Rings both ways: on each vector of the peer, and QEMU takes what it is rung."""
    for vector in range(2):
        machine.ring(BOUND, vector)
        wait_for("a ring of vector %d" % vector, lambda vector=vector: peer.count(vector))
    os.write(peer.vectors[machine.id()][0], (1).to_bytes(8, "little"))


def come_and_go(place, machine, times, blow=lambda: None):
    """Comes, is rung by QEMU, goes, is rung again."""
    for _ in range(times):
        peer = Peer(place.file("sb"), 2)
        check_equal(peer.id, BOUND, "the socket's id")
        wait_for("it knows QEMU", lambda peer=peer: machine.id() in peer.knows())
        wait_told(place)
        meet(machine, peer)
        peer.close()
        machine.ring(BOUND, 0)  # nobody is there
        wait_for("it left", lambda: BOUND not in place.ids())
        blow()


ARGUMENTS = ("s,vectors=2", "sb,id=%d,vectors=2" % BOUND)


def test_a_peer_comes_back_again_and_again():
    with Place() as place:
        Server(place, *ARGUMENTS)
        machine = Machine(place)
        come_and_go(place, machine, TIMES)
        check_equal(place.ls()["absent"], [{"id": BOUND, "name": "", "vectors": 2, "socket": 1}], "absent")
        check(re.search(r"^ *5 +2 +- +- +absent +- +- +- +-$", place.expect("ls", "s"), re.M), place.expect("ls", "s"))
        check_equal(place.ls()["statistics"]["absent"], 1, "how many are")
        machine.close()


def test_while_servers_are_killed_and_replaced():
    """Before it comes back, and, without a word, while it is just coming."""
    with Place() as place:
        servers = [Server(place, *ARGUMENTS)]
        machine = Machine(place)

        def blow():
            before = servers[-1]
            if len(servers) % 2:
                before.end(signal.SIGKILL)
            servers.append(Server(place, *ARGUMENTS))
            before.wait()
        come_and_go(place, machine, 10, blow)
        for i in range(10):
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(place.file("sb"))
            time.sleep(0.0005 * i)
            servers[-1].end(signal.SIGKILL)
            peer.close()
            servers.append(Server(place, *ARGUMENTS))
        come_and_go(place, machine, 3)
        machine.close()


def test_commands_of_this_library_come_back_too():
    with Place() as place:
        Server(place, *ARGUMENTS, "--layout=peers=8")
        machine = Machine(place)
        for _ in range(10):
            place.expect("send", "sb", "--wait", "0.1", "hello")
            place.expect("ring", "sb", str(machine.id()))
        machine.close()


def test_ids_of_the_servers_choice_wait():
    with Place() as place:
        server = Server(place, "s,vectors=2", "--layout=peers=4")
        machine = Machine(place)
        for number in (1, 2, 3):
            with Peer(place.file("s"), 2) as peer:
                check_equal(peer.id, number, "its id")
                wait_told(place)
            place.wait_ids([0])
        for _ in range(2):
            code, _, errors = place.call("ring", "s", "0")
            check_equal((code, errors.count("\n")), (1, 1), errors)
        check_equal(server.said(), "qrt-shmem: s: no id is free for who connects: 3 that left wait until the clients that "
                    "know this are gone; have more ids (--layout=peers=), or sockets with an id=\n", "what it said")
        statistics = place.ls()["statistics"]
        check_equal((statistics["ids_waiting"], statistics["no_id"]), (3, 2), "statistics")
        machine.close()
        place.wait_ids([])
        with Peer(place.file("s"), 2) as peer:
            check_equal(peer.id, 0, "they wait for nobody any more")


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
