#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-shmem send and recv: messages between processes, and which are lost."""

import json
import os
import signal
import subprocess

from tool import Place, Server, check, check_equal, main, wait_for, TOOL


class Receiver:
    """`recv --json`, which has begun to read."""

    def __init__(self, place, *arguments, output=subprocess.PIPE):
        self.place = place
        self.process = place.start(TOOL, "recv", "s", "--json", *arguments, stdout=output,
                                   stderr=subprocess.PIPE)
        self.id = wait_for("the receiver", self.find)["id"]

    def find(self):
        """It says that it is ready once it reads."""
        for client in self.place.ls()["clients"]:
            if client["pid"] == self.process.pid and client["state"] and client["state"]["name"] == "ready":
                return client
        return None

    def end(self):
        out, errors = self.process.communicate(timeout=30)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], errors


def test_a_message_comes_to_all():
    with Place() as place:
        Server(place, "s", "--layout")
        first, second = Receiver(place, "--count", "1"), Receiver(place, "--count", "1")
        place.expect("send", "s", "--type", "7", "hello, you")
        for receiver in (first, second):
            code, messages, errors = receiver.end()
            check_equal((code, errors), (0, ""), "recv")
            check_equal([(m["text"], m["type"], m["to"], m["number"]) for m in messages], [("hello, you", 7, None, 0)],
                        "the message")


def start_sender(place, *arguments):
    """It stays as long as its standard input does, and so do its messages."""
    return place.start(TOOL, "send", "s", *arguments, "-", stdin=subprocess.PIPE)


def say(sender, *lines):
    sender.stdin.write("".join(line + "\n" for line in lines))
    sender.stdin.flush()


def test_a_message_for_one_is_for_that_one():
    with Place() as place:
        Server(place, "s", "--layout")
        wanted, other = Receiver(place, "--count", "1"), Receiver(place, "--count", "1")
        nosy = Receiver(place, "--count", "2", "--all")
        sender = start_sender(place, "--to", str(wanted.id))
        say(sender, "secret")
        check_equal([m["text"] for m in wanted.end()[1]], ["secret"], "whom it is for")
        place.expect("send", "s", "news")
        check_equal([m["text"] for m in other.end()[1]], ["news"], "whom it is not for")
        check_equal([m["to"] for m in nosy.end()[1]], [wanted.id, None], "who wants all")


def test_lines_come_in_order_and_none_is_lost():
    """Many more than the ring has room for: the reader is waited for."""
    lines = ["line %d" % number for number in range(5000)]
    with Place() as place, open(place.file("out"), "w+", encoding="utf-8") as file:
        Server(place, "s", "--layout=ring=1K")
        receiver = Receiver(place, "--count", str(len(lines)), "--timeout", "60", output=file)
        place.expect("send", "s", "--to", str(receiver.id), "--wait", "30", "-", given="\n".join(lines) + "\n")
        check_equal(receiver.process.wait(timeout=30), 0, "recv")
        check_equal([json.loads(line).get("text") for line in open(file.name, encoding="utf-8")], lines, "all of them")


def test_lost_ones_are_counted():
    with Place() as place:
        Server(place, "s", "--layout=ring=1K")
        receiver = Receiver(place, "--timeout", "3", "--count", "100000")
        os.kill(receiver.process.pid, signal.SIGSTOP)
        sender = start_sender(place, "--wait", "20")
        say(sender, *map(str, range(1000)))
        sender.stdin.close()
        wait_for("all is sent", lambda: any(c["ring"]["next"] == 1000 for c in place.ls()["clients"]))
        os.kill(receiver.process.pid, signal.SIGCONT)
        code, messages, errors = receiver.end()
        check_equal((sender.wait(timeout=30), code), (0, 1), errors)
        lost = sum(message.get("lost", 0) for message in messages)
        numbers = [message["number"] for message in messages if "number" in message]
        check(lost > 900 and numbers[-1] == 999, (lost, numbers))
        check_equal(lost + len(numbers), 1000, "those that came and those that are lost")


def test_old_ones_are_there_while_their_writer_is():
    with Place() as place:
        Server(place, "s", "--layout")
        sender = start_sender(place)
        say(sender, "early")
        wait_for("it is sent", lambda: any(c["ring"]["next"] == 1 for c in place.ls()["clients"]))
        out = place.expect("recv", "s", "--old", "--count", "1", "--timeout", "30")
        check_equal(out, "0 0 early\n", "as text")
        code, out, errors = place.call("recv", "s", "--timeout", "0.2", "--count", "1")
        check((code, out) == (1, "") and "0 messages of 1 came in 0.2 s" in errors, errors)
        check_equal(place.expect("recv", "s", "--timeout", "0.2"), "", "without a count nothing is missed")
        messages = [slot["messages"] for slot in json.loads(place.expect("dump", "s", "--json"))["slots"]]
        check_equal([m["text"] for m in messages[0]], ["early"], "dump")
        sender.stdin.close()
        check_equal(sender.wait(timeout=30), 0, "send")


def test_who_does_not_take_a_message_is_named():
    with Place() as place:
        server = Server(place, "s", "--layout")
        receiver = Receiver(place)
        os.kill(receiver.process.pid, signal.SIGSTOP)
        code, _, errors = place.call("send", "s", "--to", str(receiver.id), "--wait", "0.2", "x")
        check(code == 1 and "peer %d did not acknowledge it" % receiver.id in errors, errors)
        code, _, errors = place.call("send", "s", "--to", "14", "x")
        check(code == 1 and "no peer 14" in errors, errors)
        code, _, errors = place.call("send", "s", 9000 * "x")
        check(code == 1 and "9000 bytes: 8168 fit" in errors, errors)
        os.kill(receiver.process.pid, signal.SIGCONT)
        server.end()
        code, messages, errors = receiver.end()
        check((code, errors) == (1, "qrt-shmem: s: the server ended\n"), (messages, errors))


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
