#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The completion for bash: what a Tab offers."""

import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import Skip, check, check_equal
from vm import PATIENCE, Place

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "qrt-launcher/completion/qrt-launcher"
ASK = """
. "$1"
COMP_LINE=$2 COMP_POINT=${#2}
[ -z "$3" ] || COMP_WORDBREAKS=$3
_qrt_launcher
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""
ROLES = "vcpu main paio vncm vncs ioth kio othr".split()
KEYS = ["bias", "sched", "prio", "nice", "runtime", "deadline", "period", "ioprio", "budget", "name"]
GLOBALS = ["maxprio=", "mlock=", "pi=", "pool=", "advance=", "budget=", "weight=", "preemptlock=", "cstate=", "haltpoll=",
           "timerprio=", "resctrl=", "hugepages=", "numa=", "shield=", "boot=", "boottime=",
           "heartbeat=", "default"]


def need_bash():
    if not shutil.which("bash"):
        raise Skip("no bash here")


def offer(line, breaks="", **environment):
    """What is offered at the end of "qrt-launcher " + line."""
    need_bash()
    done = subprocess.run(["bash", "--norc", "-c", ASK, "bash", str(SCRIPT), "qrt-launcher " + line, breaks],
                          env=dict(os.environ, **environment), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    check_equal((done.returncode, done.stderr), (0, ""), line)
    return done.stdout.split()


def check_offers(line, wanted, **options):
    check_equal(offer(line, **options), wanted.split(), "after '%s'" % line)


def test_commands():
    check_offers("", "run status check plan blame latency ping set attach detach top repair shield unshield --help --version")
    check_offers("st", "status")
    for command in offer(""):
        if not command.startswith("-"):
            check("--help" in offer(command + " -"), command)


def test_keys():
    """Both grammars, after -rt."""
    keys = ["%s_%s=" % (role, key) for role in ROLES for key in KEYS]
    for command in ("run", "check", "plan"):
        check_equal(offer(command + " -rt ")[:len(keys)], keys, command)
        check_equal(offer(command + " -rt ")[len(keys):], GLOBALS, command)
    check_offers("run -rt vcpu_", " ".join("vcpu_%s=" % key for key in KEYS))
    check_offers("run -rt paio_io", "paio_ioprio=")
    check_offers("run -rt h", "haltpoll= hugepages= heartbeat=")
    check_offers("run -rt pi=on -rt ml", "mlock=")
    check_offers("run -rt maxprio=50,po", "50,policy=")
    check_offers("run -rt maxprio=50,", "50,policy= 50,aioprio= 50,aiopolicy= 50,pvsched=")


def test_values():
    check_offers("run -rt vcpu_sched=", "fifo rr other batch idle deadline")
    check_offers("run -rt vcpu_sched=f", "fifo")
    check_offers("run -rt vcpu_sched=fifo,r", "fifo,rr")
    check_offers("run -rt=vcpu_sched=ot", "other")
    check_offers("run -rt paio_ioprio=be:", "0 4 7")
    check_offers("run -rt paio_ioprio=", "rt:0 rt:4 be:0 be:4 be:7 idle none")
    check_offers("run -rt hugepages=", "off thp 2M 1G")
    check_offers("run -rt shield=o", "off on")
    check_offers("plan -rt mlock=", "off onfault prefault all")
    check_offers("plan -rt pi=", "on off")
    check_offers("run -rt maxprio=50,policy=", "ff rr ts")
    check_offers("run -rt maxprio=50,policy=rr,aiopolicy=t", "ts")
    check_offers("run -rt maxprio=50,pvsched=", "on off")
    check_offers("run -rt vcpu_prio=", "")
    check("0" in offer("run -rt main_bias="), "CPUs")
    check("1,0" in offer("run -rt main_bias=1,"), "a further CPU")


def test_options():
    check_offers("blame --", "--pid --last --file --over --seconds --role --top --json --help")
    check_offers("blame --over ", "100us 500us 1ms 2ms 5ms 10ms 100ms 1s")
    check_offers("blame --over=1m", "1ms")
    check_offers("blame --role v", "vcpu vncm vncs")
    check_offers("latency --role v", "vcpu vncm vncs")
    check_offers("latency --fail-over 1", "100us 1ms")
    check_offers("ping --", "--count --interval --timeout --json --help")
    check_offers("ping --interval 1", "100ms 1 10")
    check_offers("latency --guest vm --interval 1", "1ms")
    check_offers("ping --count=1", "1 10 100")
    check_offers("latency -rt vcpu_sched=f", "fifo")
    check_offers("run --user roo", "root")
    check_offers("run --on-delay 20ms:", "log file command= stop failsafe=")
    check_offers("run --on-delay 7ms:s", "stop")
    check_offers("run --on-delay=7ms:f", "file failsafe=")
    check_offers("run --on-delay 20", " ".join("20ms:" + action for action in ("log", "file", "command=", "stop", "failsafe=")))
    check_offers("set vm --", "--plan --json --help")
    check_offers("set vm -rt vcpu_sched=f", "fifo")
    check_offers("attach 1 --", "--plan --name --qmp --on-delay --record-dir --no-record --daemon --foreground --verbose --help")
    check_offers("attach 1 --on-delay 20ms:", "log file command= stop failsafe=")
    check_offers("attach 1 -rt mlock=o", "off onfault")
    check_offers("run --name ", "")
    check_offers("status vm --w", "--watch")
    check_offers("plan --e", "--explain")


def test_unbroken():
    """Where = and : end no word the whole word is replaced."""
    check_offers("run --on-delay 5ms:s", "5ms:stop", breaks=" ")
    check_offers("run --on-delay=5ms:s", "5ms:stop", breaks=" =")
    check_offers("run -rt vcpu_sched=f", "vcpu_sched=fifo", breaks=" ")
    check_offers("blame --over=1m", "--over=1ms", breaks=" ")


def test_vms():
    """By their folders; nothing is made or removed."""
    with Place() as place:
        for name in ("control", "convey", "other", ".records"):
            os.makedirs(os.path.join(place.run, name))
        check_offers("status con", "control convey", QRT_RUN_DIR=place.run)
        for command in ("blame", "ping", "set", "detach", "top", "latency --guest"):
            check_offers(command + " o", "other", QRT_RUN_DIR=place.run)
        check(not any(word.startswith(".") for word in offer("status ", QRT_RUN_DIR=place.run)), "a folder of no VM")
        check_equal(offer("blame ", QRT_RUN_DIR=place.run)[:3], ["control", "convey", "other"], "all of them")
        check_offers("status con", "", QRT_RUN_DIR=place.file("none"))
        check_equal(sorted(os.listdir(place.run)), [".records", "control", "convey", "other"], "folders")


def test_pids():
    """Of a program that is called as a QEMU is."""
    with Place() as place:
        program = place.file("qemu-system-x")
        shutil.copy(shutil.which("sleep"), program)
        process = subprocess.Popen([program, "600"])
        try:
            check(str(process.pid) in offer("blame --pid "), "the pid")
            check(str(process.pid) in offer("attach "), "the pid for attach")
            check(str(process.pid) in offer("blame --pid=%d" % process.pid), "the pid behind =")
        finally:
            process.kill()
            process.wait()


def test_files_and_programs():
    with Place() as place:
        for name in ("a.plan", "b c.plan"):
            with open(place.file(name), "w", encoding="ascii"):
                pass
        check_equal(offer("run --plan " + place.file("a")), [place.file("a.plan")], "a plan")
        check_equal(offer("run --plan %s\\ " % place.file("b")), place.file("b c.plan").split(), "a plan with a blank")
        check_equal(offer("run -- %s" % place.file("a")), [place.file("a.plan")], "a program's path")
        check_equal(offer("run qemu -smp " + place.file("a")), [place.file("a.plan")], "QEMU's own arguments")
        with open(place.file("qemu-system-qrt"), "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o755)
        path = "%s:%s" % (os.environ["PATH"], place.path)
        check_offers("run --name x -rt pi=on qemu-system-qr", "qemu-system-qrt", PATH=path)
        check_offers("run -- qemu-system-qr", "qemu-system-qrt", PATH=path)


def read_until(master, wanted):
    text, deadline = "", time.monotonic() + PATIENCE
    while wanted not in text:
        check(select.select([master], [], [], max(0, deadline - time.monotonic()))[0], "no %r in %r" % (wanted, text))
        text += os.read(master, 4096).decode(errors="replace")
    return text


def test_terminal():
    """A real Tab in a real bash."""
    need_bash()
    pid, master = pty.fork()
    if pid == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], dict(os.environ, PS1="ready> ", TERM="dumb"))
    try:
        read_until(master, "ready> ")
        os.write(master, b". '%s'; bind 'set bell-style none'; echo lo''aded\n" % str(SCRIPT).encode())
        read_until(master, "loaded\r\nready> ")
        os.write(master, b"qrt-launcher run -rt vcpu_sch\tfi\t--nam\t")
        read_until(master, "qrt-launcher run -rt vcpu_sched=fifo --name ")
        os.write(master, b"\x15echo ne''xt\n")
        read_until(master, "next\r\nready> ")
        os.write(master, b"qrt-launcher run --on-d\t20ms:st\t--on-d\t5ms:fai\t")
        read_until(master, "run --on-delay 20ms:stop --on-delay 5ms:failsafe=")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(master)


if __name__ == "__main__":
    tap.main([
        ("commands and their options", test_commands),
        ("keys of both grammars", test_keys),
        ("values of keys", test_values),
        ("values of options", test_options),
        ("words that = does not end", test_unbroken),
        ("names of VMs", test_vms),
        ("processes for blame", test_pids),
        ("files and programs", test_files_and_programs),
        ("a Tab on a terminal", test_terminal),
    ])
