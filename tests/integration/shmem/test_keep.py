#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-shmem serve: servers that are killed, replaced and stopped, over clients that notice nothing."""

import array
import os
import signal
import socket
import time

from tool import (TOOL, Peer, Place, Server, check, check_equal, is_alive, is_rung, main, name_of, wait_for)

FIRST_FD = 3  # of sd_listen_fds(3)


def facts(place):
    return sorted((client["id"], client["pid"]) for client in place.ls()["clients"])


def told(place):
    return {client["id"]: client["told"] for client in place.ls()["clients"]}


def wait_greeted(place):
    """One whose greeting is cut in the middle of a message is dropped."""
    wait_for("all are greeted", lambda: all(client["is_greeted"] for client in place.ls()["clients"]))


# ---- a holder ----


def test_a_killed_server_is_followed_by_the_next():
    """Two QEMUs and a peer stay; a third QEMU is announced to each; and while no server is there, doorbells go on."""
    with Place() as place:
        server = Server(place, "s,vectors=2", "--layout")
        place.qemu()
        second = place.qemu()
        place.wait_ids([0, 1])
        with Peer(place.file("s"), 2) as peer:
            wait_for("the peer knows both", lambda: peer.knows() == {0: 2, 1: 2})
            wait_greeted(place)
            before = facts(place)
            server.end(signal.SIGKILL)
            code, _, errors = place.call("ls", "s")
            check(code == 1 and "its holder keeps its clients" in errors, errors)
            number = next(number for number, pid in before if pid == second.pid)
            os.kill(second.pid, signal.SIGSTOP)
            os.write(peer.vectors[number][0], (1).to_bytes(8, "little"))
            check(is_rung(peer.vectors[number][0]), "rung")
            os.kill(second.pid, signal.SIGCONT)
            wait_for("QEMU takes a ring", lambda: not is_rung(peer.vectors[number][0]))
            server = Server(place, "s,vectors=2", "--layout")
            check_equal((facts(place), server.said()), (before, ""), "the same clients with the same ids")
            check_equal(place.ls()["statistics"]["generation"], 2, "generation")
            counts = told(place)
            place.qemu()
            place.wait_ids([0, 1, 2, 3])
            wait_for("each is told of the third", lambda: all(told(place)[number] == counts[number] + 2
                                                              for number in counts))
            check_equal(peer.knows(), {0: 2, 1: 2, 3: 2}, "the peer knows all three")
            second.kill()
            wait_for("the peer knows that one left", lambda: number not in peer.knows())
            check(not peer.is_ended, "and is still there")


def test_killed_again_and_again():
    with Place() as place:
        server = Server(place, "s,vectors=3")
        with Peer(place.file("s"), 3) as first:
            peers = []
            for _ in range(10):
                peers.append(Peer(place.file("s"), 3))
                wait_greeted(place)
                server.end(signal.SIGKILL)
                server = Server(place, "s,vectors=3")
                wait_for("the first one knows all", lambda: first.knows() == {peer.id: 3 for peer in peers})
            check_equal(len(place.holders()), 1, "one holder")
            for peer in peers:
                others = {other.id: 3 for other in [first, *peers] if other is not peer}
                wait_for("each knows all", lambda peer=peer, others=others: peer.knows() == others)
            for peer in peers:
                peer.close()
            wait_for("the first one is alone", lambda: first.knows() == {})


def test_who_connects_while_there_is_no_server_is_let_in():
    with Place() as place:
        server = Server(place, "s")
        server.end(signal.SIGKILL)
        waiting = place.qemu(vectors=1)
        time.sleep(0.2)
        check(is_alive(waiting.pid), "it waits")
        Server(place, "s")
        place.wait_ids([0])


def test_a_running_server_leaves():
    with Place() as place:
        first = Server(place, "s")
        with Peer(place.file("s")) as peer:
            wait_greeted(place)
            second = Server(place, "s")
            check_equal(first.wait(), 0, "its exit code")
            check_equal(first.said(), "qrt-shmem: s: another server has taken over; this one leaves\n", "what it said")
            check_equal(facts(place), [(peer.id, os.getpid())], "clients")
            check_equal(second.said(), "", "what the next one said")
            check(not peer.look().is_ended, "the peer is still there")


def test_a_server_that_stands_still_is_replaced_and_harms_nobody():
    with Place() as place:
        first = Server(place, "s")
        with Peer(place.file("s")) as peer:
            wait_greeted(place)
            os.kill(first.pid, signal.SIGSTOP)
            Server(place, "s")
            check_equal(facts(place), [(peer.id, os.getpid())], "clients")
            os.kill(first.pid, signal.SIGTERM)
            os.kill(first.pid, signal.SIGCONT)
            check_equal(first.wait(), 0, "it leaves")
            check_equal(facts(place), [(peer.id, os.getpid())], "and takes nothing along")
            check(not peer.look().is_ended, "the peer is still there")
            check_equal(place.sockets(), ["s", "s.ctl", "s.hold"], "files")


def test_the_holder_ends_by_itself():
    with Place() as place:
        server = Server(place, "s", "sb", "--hold-seconds", "0.5")
        holder, = place.holders()
        check_equal(name_of(holder), "qrt-shmem-hold", "its name")
        with Peer(place.file("s")) as peer:
            server.end(signal.SIGKILL)
            wait_for("the client's end", lambda: peer.look().is_ended)
        wait_for("the holder's end", lambda: not is_alive(holder))
        check_equal(place.sockets(), [], "files")


def test_without_a_holder_all_ends_with_the_server():
    with Place() as place:
        server = Server(place, "s", "--no-keep")
        check_equal((place.holders(), place.sockets()), ([], ["s", "s.ctl"]), "no holder")
        check_equal(place.ls()["kept_by"], "none", "kept by")
        with Peer(place.file("s")) as peer:
            code, _, errors = place.call("serve", "s", "--no-keep")
            check(code == 1 and "something is there already" in errors, errors)
            server.end(signal.SIGKILL)
            wait_for("the client's end", lambda: peer.look().is_ended)
        server = Server(place, "s", "--no-keep")  # over what was left behind
        check_equal((server.end(), place.sockets()), (0, []), "the end")


def test_a_holder_that_is_gone_is_said():
    with Place() as place:
        server = Server(place, "s")
        holder, = place.holders()
        with Peer(place.file("s")) as peer:
            os.kill(holder, signal.SIGKILL)
            wait_for("it is said", lambda: "the holder is gone" in server.said())
            check_equal(facts(place), [(peer.id, os.getpid())], "clients stay")
        check_equal((server.end(), place.sockets()), (0, ["s.hold"]), "the end")


def test_a_holder_that_stands_still_holds_nobody_up():
    """What it cannot be told it is told later: the next server has it all."""
    with Place() as place:
        server = Server(place, "s,vectors=64")
        holder, = place.holders()
        peers, seconds = [], []
        for number in range(2):  # without it standing still, and with
            if number:
                os.kill(holder, signal.SIGSTOP)
            begin = time.monotonic()
            for _ in range(20):
                with Peer(place.file("s"), 64):
                    pass
            peers += [Peer(place.file("s"), 64) for _ in range(5)]
            seconds.append(time.monotonic() - begin)
        check(seconds[1] < 10 + 3 * seconds[0], "nobody waits for it: %s" % seconds)
        wait_greeted(place)
        before = facts(place)
        check_equal([number for number, _ in before], [peer.id for peer in peers], "who is there")
        os.kill(holder, signal.SIGCONT)
        fds = "/proc/%d/fd" % holder
        wait_for("all is held", lambda: len(os.listdir(fds)) > 10 * 65 and len(os.listdir(fds)) < 10 * 65 + 20)
        server.end(signal.SIGKILL)
        server = Server(place, "s,vectors=64")
        check_equal(facts(place), before, "the next server has them")
        with Peer(place.file("s"), 64) as newcomer:
            wait_for("it knows them", lambda: newcomer.knows() == {peer.id: 64 for peer in peers})
        check(not any(peer.look().is_ended for peer in peers), "they are still there")
        for peer in peers:
            peer.close()
        check_equal((server.end(), server.said()), (0, ""), "the end")


def test_a_server_ends_beside_a_holder_that_stands_still():
    with Place() as place:
        server = Server(place, "s", "--hold-seconds", "1")
        holder, = place.holders()
        with Peer(place.file("s")) as peer:
            wait_greeted(place)
            os.kill(holder, signal.SIGSTOP)
            begin = time.monotonic()
            check_equal(server.end(), 0, "its exit code")
            check(time.monotonic() - begin < 10, "it does not wait for it")
            wait_for("the client's end", lambda: peer.look().is_ended)
            os.kill(holder, signal.SIGCONT)
        wait_for("the holder's end", lambda: not is_alive(holder))


# ---- systemd ----


class Manager:
    """As much of systemd as a service notices: its store of descriptors, and its sockets."""

    def __init__(self, place):
        self.place, self.store, self.said = place, [], ""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(place.file("notify"))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(place.file("s"))
        self.listener.listen(8)

    def start(self):
        """The service, with what it stored and the socket."""
        fds = [fd for _, fd in self.store] + [self.listener.fileno()]
        names = [name for name, _ in self.store] + ["unit.socket"]
        script = "; ".join("exec %d<&%d" % (FIRST_FD + i, 100 + i) for i in range(len(fds)))
        for i, fd in enumerate(fds):
            os.dup2(fd, 100 + i)
        process = self.place.start(
            "bash", "-c", script + "; export LISTEN_PID=$$; exec \"$@\"", "bash", TOOL, "serve", "s,vectors=2,id=4",
            env=dict(os.environ, NOTIFY_SOCKET=self.place.file("notify"), LISTEN_FDS=str(len(fds)),
                     LISTEN_FDNAMES=":".join(names)), pass_fds=range(100, 100 + len(fds)))
        for i in range(len(fds)):
            os.close(100 + i)
        self.said = ""
        wait_for("READY=1", lambda: "READY=1" in self.hear())
        return process

    def hear(self):
        self.socket.setblocking(False)
        while True:
            try:
                text, parts, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(4))
            except BlockingIOError:
                return self.said
            self.obey(dict(line.split("=", 1) for line in text.decode().splitlines()), parts)
            self.said += text.decode() + "\n"

    def is_stored(self, name, fd):
        """systemd stores no descriptor twice."""
        return any(one == name and os.path.sameopenfile(fd, other) for one, other in self.store)

    def obey(self, words, parts):
        if words.get("FDSTOREREMOVE") == "1":
            for name, fd in [one for one in self.store if one[0] == words["FDNAME"]]:
                os.close(fd)
                self.store.remove((name, fd))
        if words.get("FDSTORE") == "1":
            fd = array.array("i", parts[0][2])[0]
            if self.is_stored(words["FDNAME"], fd):
                os.close(fd)
            else:
                self.store.append((words["FDNAME"], fd))

    def close(self):
        for fd in [fd for _, fd in self.store]:
            os.close(fd)
        self.socket.close()
        self.listener.close()


def test_systemd_keeps_clients_and_sockets():
    with Place() as place:
        manager = Manager(place)
        service = manager.start()
        check_equal((place.ls()["kept_by"], place.ls()["sockets"][0]["is_activated"], place.holders()),
                    ("systemd", True, []), "kept by systemd")
        with Peer(place.file("s"), 2) as peer:
            check_equal(peer.id, 4, "the activated socket has its keys")
            wait_greeted(place)
            for number in (signal.SIGKILL, signal.SIGTERM):
                service.send_signal(number)
                check_equal(service.wait(timeout=30), -signal.SIGKILL if number == signal.SIGKILL else 0, "its end")
                manager.hear()
                service = manager.start()
                check_equal(facts(place), [(peer.id, os.getpid())], "clients")
                check(not peer.look().is_ended, "the peer is still there")
        place.wait_ids([])
        wait_for("of the client only eventfds are stored", lambda: manager.hear() and
                 sorted(name for name, _ in manager.store if name[0] != "v") == ["memory", "record", "shape"])
        service.terminate()
        service.wait(timeout=30)
        check("STOPPING=1" in manager.hear(), "it says that it stops")
        check(os.path.exists(place.file("s")), "the unit's socket is the unit's")
        manager.close()


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
