#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers that are replaced and killed one after another under two Linux guests, which notice nothing. With an argument
so many of each; a soak has a hundred."""

import signal
import sys

from guest import Guest, talk, Watcher
from tool import Peer, Place, Server, check, check_equal, main, note, wait_for

TIMES = 3
NEWCOMERS = 3  # every so many blows somebody joins, and leaves
ARGUMENTS = ("s,vectors=2",)


class House:
    """Two guests, a peer of the host's, and the server of the moment."""

    def __init__(self, place):
        self.place, self.blows, self.server = place, 0, Server(place, *ARGUMENTS)
        self.watcher = Watcher(place.file("s"), 2)
        self.guests = [Guest(place, name) for name in ("one", "two")]
        place.wait_ids([0, 1, 2])
        for guest in self.guests:
            guest.begin()
        self.clients = self.list_clients()

    def list_clients(self):
        return sorted((client["id"], client["pid"]) for client in self.place.ls()["clients"])

    def wait_told(self):
        """Who is in the middle of being told something may have to hear it again from the next server."""
        wait_for("all are told all", lambda: all(client["is_greeted"] and not client["waiting"]
                                                 for client in self.place.ls()["clients"]))

    def replace(self):
        before, self.server = self.server, Server(self.place, *ARGUMENTS)
        check_equal(before.wait(), 0, "the server before: " + before.said())

    def kill(self):
        self.server.end(signal.SIGKILL)
        talk_once(self)  # while there is no server
        self.server = Server(self.place, *ARGUMENTS)

    def welcome(self):
        """All that were there before are told of a newcomer, and that it left."""
        told = {client["id"]: client["told"] for client in self.place.ls()["clients"]}
        with Peer(self.place.file("s"), 2) as newcomer:
            wait_for("it knows all", lambda: newcomer.knows() == {0: 2, 1: 2, 2: 2})
            wait_for("the host's peer knows it", lambda: newcomer.id in self.watcher.knows())
            self.wait_more(told, 2)
            self.guests[0].tell("ring %d 1" % newcomer.id)
            wait_for("it hears a guest", lambda: newcomer.count(1))
        wait_for("the host's peer knows that it left", lambda: newcomer.id not in self.watcher.knows())
        self.wait_more(told, 3)

    def wait_more(self, told, count):
        """So many messages more for each."""
        def look():
            now = {client["id"]: client["told"] for client in self.place.ls()["clients"]}
            return all(now[number] == before + count for number, before in told.items())
        wait_for("%d messages for each" % count, look)

    def check_blow(self):
        self.blows += 1
        check_equal(self.list_clients(), self.clients, "clients after blow %d" % self.blows)
        check_equal(self.place.ls()["statistics"]["generation"], self.blows + 1, "servers")
        talk(*self.guests, self.watcher, self.blows * 2)
        if self.blows % NEWCOMERS == 0:
            self.welcome()
        self.wait_told()

    def end(self):
        for guest, number in zip(self.guests, (1, 2)):
            check_equal(guest.number("id"), number, "a guest's id")
            guest.end()
        check_equal(self.watcher.knows().keys() - {1, 2}, set(), "who else is there")
        check(not self.watcher.is_ended, "the host's peer is still there")
        self.watcher.close()


def talk_once(house):
    first, second = house.guests
    first.ring(second, house.watcher)
    second.ring(first, house.watcher)


def last(times):
    with Place() as place:
        house = House(place)
        house.wait_told()
        for _ in range(times):
            house.replace()
            house.check_blow()
            house.kill()
            house.check_blow()
        house.end()
        note("%d servers were replaced, and %d killed" % (times, times))


def test_guests_do_not_notice_that_servers_come_and_go():
    last(TIMES)


if len(sys.argv) > 1 and sys.argv[1].isdigit():
    TIMES = int(sys.argv.pop(1))
main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
