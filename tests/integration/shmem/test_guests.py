#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linux guests in an unmodified QEMU: ids, rings both ways, memory, leave and rejoin."""

from guest import ear_of, Guest, talk, Watcher
from tool import Place, Server, check, check_equal, main, wait_for

LIVES = 4096  # in the memory: who is there


def check_lives(guest, ids):
    """What a guest sees of who is there."""
    for number in range(8):
        wait_for("life %d as guest %d sees it" % (number, guest.id),
                 lambda number=number: (guest.number("get %d" % (LIVES + 4 * number)) != 0) == (number in ids))


def test_two_guests_know_and_ring_each_other():
    with Place() as place:
        Server(place, "s,vectors=2", "--layout=peers=8")
        with Watcher(place.file("s"), 2) as watcher:
            first = Guest(place, "one")
            place.wait_ids([0, 1])
            second = Guest(place, "two")
            place.wait_ids([0, 1, 2])
            check_equal((first.begin().id, second.begin().id), (1, 2), "ids")
            check_equal({client["pid"]: client["id"] for client in place.ls()["clients"]}[second.process.pid], 2, "in ls")
            check_lives(first, [0, 1, 2])
            check_lives(second, [0, 1, 2])
            talk(first, second, watcher, 1000)
            place.expect("ring", "s", "2:1")
            wait_for("a ring from the host", lambda: watcher.word(ear_of(2, 1)))
            first.tell("ring 0 1")
            wait_for("a ring to the host", lambda: watcher.count(1) == 1)
            rejoin(place, watcher, first, second)


def rejoin(place, watcher, first, second):
    """The first one ends; a new one has the next id that was not given yet."""
    first.end()
    place.wait_ids([0, 2])
    check_lives(second, [0, 2])
    second.tell("ring 1 0")
    check_equal(second.number("id"), 2, "who rings one that is not there goes on")
    third = Guest(place, "three")
    place.wait_ids([0, 2, 4])
    check_equal(third.begin().id, 4, "the new one's id: the host's ring was 3")
    check_lives(second, [0, 2, 4])
    check_lives(third, [0, 2, 4])
    talk(third, second, watcher, 2000)
    check(watcher.knows() == {2: 2, 4: 2}, "what the host's peer knows: %s" % watcher.knows())
    third.end()
    second.end()


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
