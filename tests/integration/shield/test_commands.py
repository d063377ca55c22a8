#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shield and unshield: before, during and after, in a box of their own."""

import json
import os
import subprocess
import sys

from box import CPUSETS, CleanPlace, boxed, read, write
from picture import Picture
from tap import Skip, check, check_equal, main

ALL = ["--irqs", "--workqueues", "--kthreads", "--rps"]
LAST = os.cpu_count() - 1
OTHERS = set(range(LAST))


class Sleeper:
    """A process with this affinity, that somebody else started."""

    def __init__(self, cpus=None):
        self.process = subprocess.Popen(["sleep", "100"], preexec_fn=lambda: cpus and os.sched_setaffinity(0, cpus))

    def __enter__(self):
        return self.process.pid

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def shielded(*arguments):
    """A place, where the shield is up; the output of the command."""
    place = CleanPlace()
    code, out, errors = place.call("shield", str(LAST), *arguments, "--json")
    check_equal((code, errors), (0, ""), "shield")
    return place, json.loads(out)


def lower(place):
    check_equal(place.call("unshield"), (0, "", ""), "unshield")
    check_equal(os.listdir(place.run), [], "the run directory")


def processes_are_kept_off():
    before = Picture()
    with Sleeper() as sleeper, Sleeper({LAST}) as pinned:
        place, shown = shielded()
        with place:
            check_equal((shown["up"], shown["cpus"], shown["cgroup"]), (True, str(LAST), "v1"), "what is up")
            check_equal(os.sched_getaffinity(sleeper), OTHERS, "a process of before")
            check_equal(os.sched_getaffinity(pinned), OTHERS, "one that had chosen the shielded CPU")
            child = "import os; print(sorted(os.sched_getaffinity(0))); os.sched_setaffinity(0, {%d})" % LAST
            done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=False)
            check_equal(done.stdout.strip(), str(sorted(OTHERS)), "a process of later")
            check("Invalid argument" in done.stderr, "a process chose the shielded CPU: " + done.stderr)
            lower(place)
        check_equal(os.sched_getaffinity(pinned), {LAST}, "what one had chosen")
        check_equal(os.sched_getaffinity(sleeper), OTHERS | {LAST}, "a process of before")
    before.check_same("after unshield")


def masks_leave_the_cpu():
    before = Picture()
    place, shown = shielded(*ALL)
    with place:
        during = Picture()
        left = {(one["what"], one["number"]) for one in shown["left"]}
        for path, mask in during.masks.items():
            irq = path.split("/")[3] if path.startswith("/proc/irq") else ""
            known = irq.isdigit() and ("irq", int(irq)) in left
            check(not mask >> LAST & 1 or known, "%s: %x, and not among what is left: %s" % (path, mask, left))
        check(during.masks != before.masks, "no mask changed at all: %s" % during.masks)
        lower(place)
    before.check_same("after unshield")


def everything_is_said():
    place, _ = shielded(*ALL)
    with place:
        code, out, errors = place.call("shield")
        check_equal((code, errors), (0, ""), "shield")
        check("CPU %d is shielded" % LAST in out and "for: user" in out, out)
        lower(place)
        check_equal(place.call("shield"), (0, "no shield is up\n", ""), "shield")
        check_equal(place.call("unshield"), (0, "", ""), "unshield of nothing")


def it_moves_and_grows():
    before = Picture()
    place, _ = shielded()
    with place:
        with Sleeper() as sleeper:
            code, out, errors = place.call("shield", "0", "--irqs")
            check_equal((code, errors), (0, ""), "shield 0")
            check("CPU 0 is shielded from processes and irqs" in out, out)
            check_equal(os.sched_getaffinity(sleeper), set(range(os.cpu_count())) - {0}, "a process")
            check_equal(place.call("shield", str(LAST))[0], 0, "shield")
            check_equal(os.sched_getaffinity(sleeper), OTHERS, "a process")
            lower(place)
    before.check_same("after unshield")


def cpusets_of_others_shrink():
    folder = os.path.join(CPUSETS, "other")
    os.mkdir(folder)
    try:
        write(folder + "/cpuset.mems", read(CPUSETS + "/cpuset.mems"))
        write(folder + "/cpuset.cpus", read(CPUSETS + "/cpuset.cpus"))
        before = Picture()
        place, _ = shielded()
        with place:
            check_equal(read(folder + "/cpuset.cpus"), read(CPUSETS + "/qrt-shield-host/cpuset.cpus"), "its CPUs")
            lower(place)
        before.check_same("after unshield")
    finally:
        os.rmdir(folder)


def what_somebody_changed_stays():
    place, _ = shielded("--irqs")
    file = "/proc/irq/default_smp_affinity"
    old = read(file)
    with place:
        theirs = "%x" % (1 << LAST)
        write(file, theirs)
        lower(place)
    kept = read(file)
    write(file, "%x" % ((1 << os.cpu_count()) - 1))
    check(kept != old, "the file is as the shield left it")
    check_equal(int(kept, 16), 1 << LAST, "what somebody else wrote")


def a_lost_cpuset_is_made_again():
    before = Picture()
    place, _ = shielded()
    with place:
        os.rmdir(CPUSETS + "/qrt-shield")
        check_equal(place.call("shield", str(LAST))[0], 0, "shield")
        check_equal(read(CPUSETS + "/qrt-shield/cpuset.cpus"), str(LAST), "its CPUs")
        lower(place)
    before.check_same("after unshield")


def what_lets_others_on_is_undone():
    """The cpuset is there, and the CPU is balanced with all others again."""
    before = Picture()
    place, _ = shielded()
    with place:
        write(CPUSETS + "/cpuset.sched_load_balance", 1)
        check_equal(place.call("repair")[0], 0, "repair")
        check_equal(read(CPUSETS + "/cpuset.sched_load_balance"), "0", "load balancing at the top")
        lower(place)
    before.check_same("after unshield")


def what_was_pinned_meanwhile_stays():
    """By the kernel from Linux 6.2 on."""
    if len(OTHERS) < 2:
        raise Skip("of one CPU alone nothing can be chosen")
    place, _ = shielded()
    with place, Sleeper() as sleeper:
        os.sched_setaffinity(sleeper, {0})
        lower(place)
        check_equal(os.sched_getaffinity(sleeper), {0}, "what was chosen under the shield")


def refused(arguments, code, word):
    before = Picture()
    with CleanPlace() as place:
        got, out, errors = place.call(*arguments)
        check_equal(got, code, "exit code of %s" % (arguments,))
        check_equal(out, "", "output")
        check(word in errors and errors.count("\n") == 1, "%s: %s" % (arguments, errors))
        check(not os.path.exists(place.run) or not os.listdir(place.run), "something is in the run directory")
    before.check_same("after a refusal")


def what_would_lock_out_is_refused():
    everything = "0-%d" % LAST
    refused(["shield", everything], 1, "leave it at least one")
    refused(["shield", str(LAST + 1000)], 1, "is not there")
    os.mkdir(CPUSETS + "/session")
    try:
        write(CPUSETS + "/session/cpuset.mems", read(CPUSETS + "/cpuset.mems"))
        write(CPUSETS + "/session/cpuset.cpus", LAST)
        write(CPUSETS + "/session/cgroup.procs", os.getpid())
        refused(["shield", str(LAST)], 1, "this session")
        write(CPUSETS + "/cgroup.procs", os.getpid())
        with Sleeper() as sleeper:
            write(CPUSETS + "/session/cgroup.procs", sleeper)
            refused(["shield", str(LAST)], 1, "give that cpuset others first")
        os.mkdir(CPUSETS + "/session-host")
        refused(["shield", str(LAST)], 1, "another shield")
        os.rmdir(CPUSETS + "/session-host")
    finally:
        write(CPUSETS + "/cgroup.procs", os.getpid())
        os.rmdir(CPUSETS + "/session")


def bad_arguments_are_refused():
    refused(["shield", "x"], 2, "no list of CPUs")
    refused(["shield", "1", "2"], 2, "unknown argument")
    refused(["shield", "1", "--frob"], 2, "unknown argument")
    refused(["shield", "--irqs"], 2, "which CPUs?")
    refused(["shield", ""], 2, "no list of CPUs")
    refused(["unshield", "1"], 2, "it takes none")


def others_are_refused():
    """Who is not root, with a run directory of its own."""
    with CleanPlace() as place:
        os.mkdir(place.run)
        os.chown(place.run, 65534, 65534)
        done = subprocess.run([os.environ["QRT_BUILD"] + "/qrt-launcher/qrt-launcher", "shield", str(LAST)],
                              env=place.environment, user=65534, group=65534, extra_groups=[], capture_output=True,
                              text=True, check=False)
        check_equal(done.returncode, 1, "exit code")
        check("it needs root" in done.stderr and done.stderr.count("\n") == 1, done.stderr)
        check_equal(os.listdir(place.run), [], "the run directory")


def damage_is_said():
    place, _ = shielded()
    with place:
        file = place.run + "/.host/saved.shield"
        good = read(file) + "\n"
        write_text(file, good.replace("made", "mad"))
        code, _, errors = place.call("unshield")
        check_equal(code, 1, "exit code")
        check("damaged" in errors and "saved.shield" in errors, errors)
        check_equal(read(file) + "\n", good.replace("made", "mad"), "the damaged file")
        write_text(file, good)
        lower(place)


def damage_elsewhere_is_said_alone():
    """What a shield does not need does not refuse it."""
    place, _ = shielded()
    with place:
        lower(place)
        os.mkdir(place.run + "/.host", 0o700)
        write_text(place.run + "/.host/saved.resctrl", "junk\n")
        code, out, errors = place.call("shield", str(LAST))
        check_equal((code, errors.count("\n")), (0, 1), errors)
        check("damaged" in errors and "saved.resctrl" in errors, errors)
        check("CPU %d" % LAST in out, out)
        os.remove(place.run + "/.host/saved.resctrl")
        lower(place)


# Becomes the command that follows, where there are no cpusets.
HIDDEN = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'umount -l "$0" && exec "$@"', CPUSETS]


def call_hidden(place, *arguments):
    done = subprocess.run([*HIDDEN, os.environ["QRT_BUILD"] + "/qrt-launcher/qrt-launcher", *arguments], env=place.environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def without_cpusets():
    """Nothing but the run directory knows how threads were, which is said."""
    before = Picture()
    with CleanPlace() as place:
        with Sleeper() as sleeper:
            code, out, errors = call_hidden(place, "shield", str(LAST))
            check_equal((code, errors.count("\n")), (0, 1), errors)
            check("no cpusets" in errors and place.run + "/.host alone" in errors, errors)
            check("by affinity" in out and place.run + "/.host alone" in out, out)
            check_equal(os.sched_getaffinity(sleeper), OTHERS, "a process")
            check_equal(call_hidden(place, "unshield"), (0, "", ""), "unshield")
            check_equal(os.sched_getaffinity(sleeper), OTHERS | {LAST}, "the process")
    before.check_same("after unshield")


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


boxed(main, [
    ("processes are kept off, and come back", processes_are_kept_off),
    ("masks leave the CPU, or are among what is left", masks_leave_the_cpu),
    ("what is up is said, and that nothing is", everything_is_said),
    ("a shield moves and grows", it_moves_and_grows),
    ("cpusets of others shrink", cpusets_of_others_shrink),
    ("what somebody else changed stays", what_somebody_changed_stays),
    ("a cpuset that somebody removed is made again", a_lost_cpuset_is_made_again),
    ("load balancing that somebody has switched on is off again", what_lets_others_on_is_undone),
    ("what was pinned under a shield stays so", what_was_pinned_meanwhile_stays),
    ("what would lock the user out is refused", what_would_lock_out_is_refused),
    ("bad arguments are refused", bad_arguments_are_refused),
    ("who has no right to it is refused", others_are_refused),
    ("a damaged file is said and kept", damage_is_said),
    ("a damaged file of another thing does not refuse a shield", damage_elsewhere_is_said_alone),
    ("without cpusets it is said what it takes to put back", without_cpusets),
])
