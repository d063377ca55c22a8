#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-shmem send and recv: messages between processes, and which are lost."""

import json
import os
import signal
import subprocess
import time

from tool import Peer, Place, Server, check, check_equal, main, need_root, read_text, wait_for, TOOL


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



# ---- who is not let in ----


def refused(place, path, *arguments):
    code, _, errors = place.call("send", path, *arguments, "x")
    check_equal(code, 1, "send " + path)
    return errors


def test_a_socket_whose_id_is_in_use_says_by_whom():
    """The second socket has no control socket beside it; another server of the same folder is not mixed up with it."""
    with Place() as place:
        Server(place, "s", "sx,id=1", "--layout")
        Server(place, "other", "sy,id=1", "--layout")
        with Peer(place.file("sx")):
            place.wait_ids([1])
            expected = "qrt-shmem: %s: its id 1 is in use, by pid " + str(os.getpid()) + "; one client at a time: "
            for path in ("sx", place.file("sx")):
                errors = refused(place, path)
                check(errors.startswith(expected % path), errors)
            place.expect("send", "sy", "x")
            place.expect("send", "s", "x")


def test_a_server_without_an_id_says_so():
    with Place() as place:
        Server(place, "s", "sx,id=1", "--layout=peers=3")
        with Peer(place.file("s")), Peer(place.file("s")) as second:
            place.wait_ids([0, 2])
            errors = refused(place, "s")
            check("no id is free: clients have all" in errors, errors)
            place.expect("send", "sx", "x")
            second.close_connection()
            place.wait_ids([0])
            errors = refused(place, "s")
            check("no id is free: 1 that left wait" in errors, errors)


def test_a_server_that_is_gone_is_waited_for_no_longer_than_asked():
    with Place() as place:
        server = Server(place, "s", "--layout")
        server.end(signal.SIGKILL)
        begin = time.monotonic()
        errors = refused(place, "s", "--wait", "0.3")
        check("in 300 ms: no server runs there now" in errors, errors)
        for command in ("recv", "dump"):
            code, _, errors = place.call(command, "s", "--timeout", "0.3")
            check(code == 1 and "in 300 ms: no server runs there now" in errors, errors)
        check(time.monotonic() - begin < 25, "three commands of 0.3 s each, where ten seconds are the default of each")
        late = place.start(TOOL, "recv", "s", "--timeout", "25", "--count", "1", stdout=subprocess.PIPE)
        time.sleep(0.2)
        Server(place, "s", "--layout")
        wait_for("it is let in", lambda: late.pid in [c["pid"] for c in place.ls()["clients"] if c["state"]])
        place.expect("send", "s", "--wait", "20", "hello")
        check_equal((late.communicate(timeout=30)[0][1:], late.returncode), (" 0 hello\n", 0), "it has the message")


def test_who_watches_sees_the_next_server_too():
    with Place() as place:
        server = Server(place, "s")
        said = open(place.file("said"), "w+", encoding="utf-8")
        watch = place.start(TOOL, "ls", "s", "--json", "--watch", "0.05", stdout=subprocess.PIPE, stderr=said)
        check_equal(json.loads(watch.stdout.readline())["pid"], server.pid, "the first one")
        server.end(signal.SIGKILL)
        wait_for("the gap is said", lambda: "its holder keeps its clients" in read_text(said.name))
        server = Server(place, "s")
        while json.loads(watch.stdout.readline())["pid"] != server.pid:
            pass
        server.end()
        watch.communicate(timeout=30)
        check_equal((watch.returncode, read_text(said.name).count("keeps"), "the server ended" in read_text(said.name)),
                    (1, 1, True), "the end")
        said.close()


def test_a_control_socket_of_another_user_is_not_for_this_one():
    need_root()
    with Place() as place:
        Server(place, "s,mode=0666")
        os.chmod(place.path, 0o755)
        code, _, errors = place.call("ls", "s", wrapper=("setpriv", "--reuid", "65534", "--clear-groups"))
        check(code == 1 and "s.ctl: not for this user" in errors and "first" not in errors, errors)


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
