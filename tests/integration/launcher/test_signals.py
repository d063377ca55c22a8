#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signals that mean a fault, sent by hand: QEMU gets them, and the launcher puts everything back."""

import os
import signal

from tap import check, check_equal, main
from vm import Place, Vm, is_alive, need_root

IDLE = ["-rt", "othr_sched=other"]  # a plan that needs no rights


def ends_by(number):
    def run():
        with Place() as place, Vm(place, IDLE, ["-machine", "none"]) as vm:
            qemu = vm.wait_up()["qemu_pid"]
            vm.process.send_signal(number)
            check_equal(vm.wait_end(), 128 + number, "exit code, which is QEMU's")
            check(not is_alive(qemu), "QEMU lives")
            check_equal(os.listdir(place.run), [], "files left behind")
    return run


def watchdog_is_not_hit():
    """With real-time threads the launcher has a second thread: the signal may not end that one either."""
    need_root()
    plan = ["-rt", "main_sched=rr", "-rt", "main_prio=2"]
    with Place() as place, Vm(place, plan, ["-machine", "none"]) as vm:
        vm.wait_up()
        vm.process.send_signal(signal.SIGSEGV)
        check_equal(vm.wait_end(), 128 + signal.SIGSEGV, "exit code, which is QEMU's")
        check_equal(os.listdir(place.run), [], "files left behind")


main([("%s to the launcher ends QEMU, and nothing is left behind" % number.name, ends_by(number))
      for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)] +
     [("SIGSEGV while a watchdog runs", watchdog_is_not_hit)])
