#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The guest agent beside a real server; a file stands for the device's memory."""

import json
import os
import signal
import time

from tool import (BUILD, PATIENCE, TOOL, Peer, Place, Server, Skip, check, check_equal, main, read_text, stop, wait_asleep,
                  wait_for)

AGENT = os.path.join(BUILD, "guest", "agent", "qrt-guest-agent")
VALUES = {"qrt.cpu", "qrt.cpus", "qrt.tasks", "qrt.memory", "qrt.irqs", "qrt.uptime", "qrt.interval", "qrt.kernel", "qrt.agent"}


class Guest:
    """A server of two, a client in the guest's place, and how to start agents."""

    def __init__(self, place, host=0, own=1):
        self.place, self.own = place, own
        self.server = Server(place, "--no-keep", "--file", "mem", "--size", "4M", "--layout", "s,id=%d" % host,
                             "s1,id=%d,name=vm1" % own)
        self.vm = Peer(place.file("s1"))

    def call(self, *words):
        return self.place.start(AGENT, "--memory", "mem", "--slot", str(self.own), "--socket", self.place.file("agent"), "--keep",
                                self.place.file("kept"), "--wait", "0", "--interval", "50", *words)

    def state(self):
        """(name, beat), (None, 0)."""
        said = next(client for client in self.place.ls()["clients"] if client["id"] == self.own)["state"]
        return (said["name"], said["beat"]) if said else (None, 0)

    def wait_state(self, state):
        wait_for("the state " + state, lambda: self.state()[0] == state)

    def say(self, state):
        check_equal(self.call("say", state).wait(PATIENCE), 0, "say " + state)

    def ask(self, wait):
        """The host pings it, and waits until it has taken that."""
        return self.place.start(TOOL, "send", "s", "--to", str(self.own), "--type", "1", "--wait", str(wait), "12345678", stderr=-3)

    def values(self):
        slots = json.loads(self.place.expect("dump", "s", "--json"))["slots"]
        return {value["name"] for slot in slots for value in slot["values"] if slot["slot"] == self.own}


def an_agent_says_what_it_is_told():
    with Place() as place:
        guest = Guest(place)
        check_equal(guest.state(), (None, 0), "before there is an agent")
        agent = guest.call("--state", "booting", "run")
        guest.wait_state("booting")
        for state in ("ready", "rebooting", "halting", "ready"):
            guest.say(state)
            guest.wait_state(state)
        beat = guest.state()[1]
        wait_for("beats", lambda: guest.state()[1] > beat + 3)
        wait_for("values", lambda: VALUES <= guest.values())
        counts = {client["id"]: client["values"] for client in place.ls()["clients"]}
        check_equal(counts[1], len(guest.values()), "the number of its values")
        agent.send_signal(signal.SIGTERM)
        check_equal(agent.wait(PATIENCE), 0, "exit code")
        check_equal(guest.state()[0], "none", "after it ended")
        check(not os.path.exists(place.file("agent")), "its socket is gone")


def without_a_running_agent_it_says_it_itself():
    with Place() as place:
        guest = Guest(place)
        guest.say("halting")
        guest.wait_state("halting")


def an_agent_that_stands_still_holds_up_nobody():
    """Its queue is full: the word is said all the same."""
    with Place() as place:
        guest = Guest(place)
        agent = guest.call("run")
        guest.wait_state("ready")
        stop(agent)
        for _ in range(14):
            guest.say("rebooting")
        check_equal(guest.state()[0], "rebooting", "the word")


def an_earlier_life_is_not_believed():
    with Place() as place:
        guest = Guest(place)
        agent = guest.call("run")
        guest.wait_state("ready")
        stop(agent)
        guest.vm.close()
        place.wait_ids([])
        guest.vm = Peer(place.file("s1"))
        check_equal(guest.state(), (None, 0), "in the new life")
        agent.send_signal(signal.SIGCONT)
        guest.wait_state("ready")  # the same agent in the new life: it looks which one it is


def beats(guest, count=3):
    before = guest.state()[1]
    wait_for("beats", lambda: guest.state()[1] > before + count)


def one_that_is_started_anew_goes_on():
    """Killed, or ended by a signal: it says what was said last in this boot, whatever a first one would say."""
    with Place() as place:
        guest = Guest(place)
        agent = guest.call("--state", "booting", "run")
        guest.wait_state("booting")
        for end, state in ((signal.SIGKILL, "ready"), (signal.SIGTERM, "ready"), (signal.SIGKILL, "halting")):
            guest.say(state)
            guest.wait_state(state)
            agent.send_signal(end)
            agent.wait(PATIENCE)
            seen = guest.state()
            agent = guest.call("--state", "booting", "run")
            wait_for("the one that is started anew", lambda seen=seen: guest.state()[1] > seen[1])
            check_equal(guest.state()[0], state, "what it says first")
            beats(guest)
            check_equal(guest.state()[0], state, "and later")


def what_was_said_without_an_agent_is_kept():
    with Place() as place:
        guest = Guest(place)
        guest.say("ready")
        guest.call("--state", "booting", "run")
        beats(guest)
        check_equal(guest.state()[0], "ready", "what the agent says")


def another_boot_begins_anew():
    with Place() as place:
        guest = Guest(place)
        for kept in ("00000000-0000-0000-0000-000000000000 ready\n", "ready\n", "", "x" * 4096):
            with open(place.file("kept"), "w", encoding="ascii") as file:
                file.write(kept)
            agent = guest.call("--state", "booting", "run")
            guest.wait_state("booting")
            agent.send_signal(signal.SIGTERM)
            check_equal(agent.wait(PATIENCE), 0, "exit code")


def policies(agent):
    """(policy, priority) of the agent's threads."""
    return sorted((os.sched_getscheduler(tid), os.sched_getparam(tid).sched_priority)
                  for tid in map(int, os.listdir("/proc/%d/task" % agent.pid)))


def may_be_real_time():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def its_beat_is_real_time():
    """A thread of its own, and that alone; its memory is locked."""
    if not may_be_real_time():
        raise Skip("needs the right to be real-time")
    for words, priority in (((), 1), (("--priority", "7"), 7), (("--priority", "0"), 0)):
        with Place() as place:
            guest = Guest(place)
            agent = guest.call(*words, "run")
            beats(guest)
            wanted = [(os.SCHED_OTHER, 0)] * 2 + [(os.SCHED_FIFO, priority) if priority else (os.SCHED_OTHER, 0)]
            wait_for("threads %s with %s" % (wanted, words), lambda agent=agent, wanted=wanted: policies(agent) == wanted)
            check("VmLck:\t       0 kB" not in read_text("/proc/%d/status" % agent.pid), "nothing is locked")


def interrupts_end_its_wait():
    """Of a driver's file, for which a FIFO stands: while it has an end it is waited for, and nothing else is."""
    with Place() as place:
        guest = Guest(place)
        os.mkfifo(place.file("uio"))
        uio = os.open(place.file("uio"), os.O_RDWR)
        agent = guest.call("--interval", "60000", "--uio", "uio", "run")
        guest.wait_state("ready")
        wait_asleep(agent)
        question = guest.ask(PATIENCE)
        time.sleep(0.7)
        check_equal(question.poll(), None, "without an interrupt it is not looked")
        os.write(uio, bytes(4))
        check_equal(question.wait(PATIENCE), 0, "with one")
        os.close(uio)
        check_equal(guest.ask(PATIENCE).wait(PATIENCE), 0, "without a driver it looks by itself")


def without_interrupts_it_looks_by_itself():
    with Place() as place:
        guest = Guest(place)
        guest.call("--interval", "60000", "--uio", "nowhere", "run")
        guest.wait_state("ready")
        check_equal(guest.ask(PATIENCE).wait(PATIENCE), 0, "a question")


def a_guest_has_the_id_0():
    """Where the host has another one. Nobody is two."""
    with Place() as place:
        guest = Guest(place, host=7, own=0)
        check_equal(guest.call("run").wait(PATIENCE), 1, "the host's id")
        guest.call("--host", "7", "run")
        guest.wait_state("ready")
        wait_for("values", lambda: VALUES <= guest.values())
        check_equal(guest.ask(PATIENCE).wait(PATIENCE), 0, "a question of the host's")
        guest.say("halting")
        guest.wait_state("halting")


def two_agents_are_one_too_many():
    with Place() as place:
        guest = Guest(place)
        guest.call("run")
        guest.wait_state("ready")
        check_equal(guest.call("run").wait(PATIENCE), 1, "exit code")


def what_cannot_be_is_refused():
    with Place() as place:
        with open(place.file("zeros"), "wb") as file:
            file.write(bytes(65536))
        for words, code in ((["--interval", "5", "run"], 2), (["say", "sleeping"], 2), (["dance"], 2), ([], 2), (["--slot", "x", "run"], 2), (["--priority", "100", "run"], 2), (["--host", "4096", "run"], 2),
                            (["--memory", "zeros", "--wait", "0", "run"], 1),
                            (["--memory", "nothing", "--slot", "1", "run"], 1), (["--help"], 0), (["--version"], 0)):
            check_equal(place.start(AGENT, *words, stdout=-3, stderr=-3).wait(PATIENCE), code, words)
        begin = time.monotonic()
        check_equal(place.start(AGENT, "--memory", "zeros", "--slot", "1", "--wait", "1", "run", stderr=-3).wait(PATIENCE), 1,
                    "without a layout")
        check(time.monotonic() - begin >= 0.9, "it waits for a layout")


main([("an agent says what it is told", an_agent_says_what_it_is_told),
      ("without a running agent it says it itself", without_a_running_agent_it_says_it_itself),
      ("an agent that stands still holds up nobody", an_agent_that_stands_still_holds_up_nobody),
      ("an earlier life is not believed", an_earlier_life_is_not_believed),
      ("one that is started anew goes on", one_that_is_started_anew_goes_on),
      ("what was said without an agent is kept", what_was_said_without_an_agent_is_kept),
      ("another boot begins anew", another_boot_begins_anew),
      ("its beat is real-time", its_beat_is_real_time),
      ("interrupts end its wait", interrupts_end_its_wait),
      ("without interrupts it looks by itself", without_interrupts_it_looks_by_itself),
      ("a guest has the id 0", a_guest_has_the_id_0),
      ("two agents are one too many", two_agents_are_one_too_many),
      ("what cannot be is refused", what_cannot_be_is_refused)])
