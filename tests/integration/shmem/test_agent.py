#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The guest agent beside a real server; a file stands for the device's memory."""

import json
import os
import signal
import time

from tool import BUILD, PATIENCE, Peer, Place, Server, check, check_equal, main, wait_for

AGENT = os.path.join(BUILD, "guest", "agent", "qrt-guest-agent")
VALUES = {"qrt.cpu", "qrt.tasks", "qrt.memory", "qrt.irqs", "qrt.uptime", "qrt.interval", "qrt.kernel", "qrt.agent"}


class Guest:
    """A server of two, a client in the guest's place, and how to start agents."""

    def __init__(self, place):
        self.place = place
        self.server = Server(place, "--no-keep", "--file", "mem", "--size", "2M", "--layout", "s,id=0", "s1,id=1,name=vm1")
        self.vm = Peer(place.file("s1"))

    def call(self, *words):
        return self.place.start(AGENT, "--memory", "mem", "--slot", "1", "--socket", self.place.file("agent"), "--wait", "0",
                                "--interval", "50", *words)

    def state(self):
        """(name, beat), (None, 0)."""
        said = next(client for client in self.place.ls()["clients"] if client["id"] == 1)["state"]
        return (said["name"], said["beat"]) if said else (None, 0)

    def wait_state(self, state):
        wait_for("the state " + state, lambda: self.state()[0] == state)

    def say(self, state):
        check_equal(self.call("say", state).wait(PATIENCE), 0, "say " + state)

    def values(self):
        slots = json.loads(self.place.expect("dump", "s", "--json"))["slots"]
        return {value["name"] for slot in slots for value in slot["values"] if slot["slot"] == 1}


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
        agent.send_signal(signal.SIGTERM)
        check_equal(agent.wait(PATIENCE), 0, "exit code")
        check_equal(guest.state()[0], "none", "after it ended")
        check(not os.path.exists(place.file("agent")), "its socket is gone")


def without_a_running_agent_it_says_it_itself():
    with Place() as place:
        guest = Guest(place)
        guest.say("halting")
        guest.wait_state("halting")


def an_earlier_life_is_not_believed():
    with Place() as place:
        guest = Guest(place)
        agent = guest.call("run")
        guest.wait_state("ready")
        agent.send_signal(signal.SIGSTOP)
        guest.vm.close()
        place.wait_ids([])
        guest.vm = Peer(place.file("s1"))
        check_equal(guest.state(), (None, 0), "in the new life")
        agent.send_signal(signal.SIGCONT)
        guest.wait_state("ready")  # the same agent in the new life: it looks which one it is


def two_agents_are_one_too_many():
    with Place() as place:
        guest = Guest(place)
        guest.call("run")
        guest.wait_state("ready")
        check_equal(guest.call("run").wait(PATIENCE), 1, "exit code")


def what_cannot_be_is_refused():
    with Place() as place:
        for words, code in ((["--interval", "5", "run"], 2), (["say", "sleeping"], 2), (["dance"], 2), ([], 2), (["--slot", "x", "run"], 2),
                            (["--memory", "nothing", "--slot", "1", "run"], 1), (["--help"], 0), (["--version"], 0)):
            check_equal(place.start(AGENT, *words, stdout=-3, stderr=-3).wait(PATIENCE), code, words)
        with open(place.file("zeros"), "wb") as file:
            file.write(bytes(65536))
        begin = time.monotonic()
        check_equal(place.start(AGENT, "--memory", "zeros", "--slot", "1", "--wait", "1", "run", stderr=-3).wait(PATIENCE), 1,
                    "without a layout")
        check(time.monotonic() - begin >= 0.9, "it waits for a layout")


main([("an agent says what it is told", an_agent_says_what_it_is_told),
      ("without a running agent it says it itself", without_a_running_agent_it_says_it_itself),
      ("an earlier life is not believed", an_earlier_life_is_not_believed),
      ("two agents are one too many", two_agents_are_one_too_many),
      ("what cannot be is refused", what_cannot_be_is_refused)])
