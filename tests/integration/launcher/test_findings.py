#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `run` finds in a plan: faults and warnings with their labels, and what follows in the end."""

import os
import re

from tap import check, check_equal, main
from vm import QEMU, Place, need_root

VM = ["--", QEMU, "-nodefaults", "-display", "none", "-machine", "none"]

# Plans that can be read and cannot work: what their one fault says.
FAULTY = [
    (["vcpu_sched=fifo", "vcpu_prio=0"], "prio"),
    (["vcpu_prio=1,2,3"], "vcpu_prio"),
    (["vcpu_bias=999"], "999"),
    (["vcpu_sched=rr", "vcpu_prio=1,2,3", "main_sched=rr", "main_prio=3"], "vcpu"),
    (["maxprio=5,pvsched=on"], "pvsched"),
]


def options_of(words):
    return [word for option in words for word in ("-rt", option)]


def faults():
    """Each with its label, and what follows in the end."""
    need_root()
    with Place() as place:
        for words, says in FAULTY:
            code, out, errors = place.call("run", *options_of(words), *VM)
            lines = errors.splitlines()
            check_equal((code, out, len(lines)), (125, "", 2), "%s: %s" % (words, errors))
            check(lines[0].startswith("qrt-launcher: fault: plan: ") and says in lines[0], errors)
            check_equal(lines[1], "qrt-launcher: not started: 1 fault", "the end")
            check(not os.path.isdir(place.run) or os.listdir(place.run) == [], "files left behind")
        code, _, errors = place.call("run", *options_of(["vcpu_bias=998", "main_bias=999"]), *VM)
        check_equal((code, errors.splitlines()[-1]), (125, "qrt-launcher: not started: 2 faults"), errors)


def default_replaced():
    """One option takes the place of the whole default plan; where that made the fault, it says how to keep it."""
    need_root()
    with Place() as place:
        given = options_of(["vcpu_prio=20", "vcpu_bias=0", "main_bias=0"])
        vm = ["--", QEMU, "-accel", "kvm", "-version"]
        code, _, errors = place.call("run", *given, *vm)
        check_equal(code, 125, errors)
        check("add -rt default" in errors, errors)
        check_equal(place.call("run", "-rt", "default", *given, *vm)[0], 0, "with the default plan")


def labels():
    """Warnings have one, too; what is the same for every VM is left to check and plan."""
    need_root()
    shared = options_of(["vcpu_bias=0", "vcpu_sched=fifo", "vcpu_prio=3", "main_sched=fifo", "main_prio=4"])
    vm = ["--", QEMU, "-smp", "2", "-version"]
    with Place() as place:
        code, _, errors = place.call("run", *shared, *vm)
        check_equal(code, 0, errors)
        check(re.search("^qrt-launcher: warning: plan: .*share CPU 0", errors, re.M), errors)
        known = re.compile("sched_rt_runtime_us|fair server")
        check(not known.search(errors), errors)
        if known.search(place.call("plan", *shared, *vm)[2]):
            for verbose in ("-v", "--verbose"):
                check(known.search(place.call("run", verbose, *shared, *vm)[2]), "it is not said with " + verbose)


def verbose_is_told_of():
    with Place() as place:
        check("-v, --verbose" in place.call("run", "--help")[1], "run --help")


main([
    ("plans that cannot work: labelled faults, and that nothing was started", faults),
    ("a fault that comes from a replaced default plan says how to keep that", default_replaced),
    ("warnings are labelled, and those of every host left to check and plan", labels),
    ("-v is in the help", verbose_is_told_of),
])
