# SPDX-License-Identifier: MIT
"""A QEMU with a thread in each role, without the launcher."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import taplib
from taplib import Broker, Skip, expect, need_realtime

CPUS = tuple(sorted(os.sched_getaffinity(0)))
HOUSE, GUEST = CPUS[0], CPUS[-1]
OTHER, FIFO = os.SCHED_OTHER, os.SCHED_FIFO
PLAN = ["main_sched=fifo", "main_prio=12", f"main_bias={HOUSE}", "vcpu_sched=fifo", "vcpu_prio=10", f"vcpu_bias={GUEST}",
        "ioth_prio=12", f"ioth_bias={HOUSE}", "paio_prio=11", f"paio_bias={HOUSE}", "vncs_prio=2", f"vncs_bias={HOUSE}",
        "othr_sched=other", f"othr_bias={HOUSE}", "pi=on"]
WANT = {"main": (FIFO, 0, 12, (HOUSE,)), "CPU 0/TCG": (FIFO, 1, 10, (GUEST,)), "CPU 1/TCG": (FIFO, 1, 10, (GUEST,)),
        "IO io0": (FIFO, 0, 12, (HOUSE,)), "worker": (FIFO, 0, 11, (HOUSE,)), "vnc_worker": (FIFO, 0, 2, (HOUSE,)),
        "call_rcu": (OTHER, 0, 0, (HOUSE,))}
LIMIT = 60  # seconds until a VM has all its threads, on a machine under load


class Vm:
    """QEMU with two vCPUs, an iothread, a VNC server, and a disk through the thread pool."""

    def __init__(self, *more, plan=PLAN, fds=(), variables=None, accel="tcg,thread=multi", **options):
        need_realtime()
        self.folder = tempfile.TemporaryDirectory()
        disk = pathlib.Path(self.folder.name, "disk.raw")
        disk.write_bytes(bytes(16 << 20))
        self.pidfile = pathlib.Path(self.folder.name, "pid")
        self.errors = pathlib.Path(self.folder.name, "errors")
        arguments = ["-name", "x,debug-threads=on", "-smp", "2", "-m", "64", "-accel", accel, "-nodefaults",
                     "-object", "iothread,id=io0", "-display", "none", "-vnc", f"unix:{self.folder.name}/vnc",
                     "-drive", f"file={disk},format=raw,if=virtio,aio=threads", "-pidfile", str(self.pidfile)]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen([*self.command(plan), *arguments, *more],
                                            env=self.environment(plan, variables or {}), stdin=subprocess.DEVNULL,
                                            stdout=errors, stderr=errors, pass_fds=fds, **options)
        self.pid = self.process.pid

    def command(self, plan):
        """QEMU's program and first arguments."""
        raise NotImplementedError

    def environment(self, plan, variables):
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in {self.pid, self.process.pid}:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.folder.cleanup()

    def roles(self):
        """{name: {setting}}; the main thread and ones without a name of their own by what they are."""
        found = {}
        for (tid, name), setting in taplib.threads(self.pid).items():
            if tid == self.pid:
                name = "main"
            elif name == "qemu-system-x86":  # started before QEMU read that threads have names, and once in a while faster
                name = "call_rcu"
            found.setdefault(name, set()).add(setting)
        return found

    def wait_until(self, is_good):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            if self.process.poll() not in (None, 0):
                break
            last = self.roles()
            if is_good(last):
                return last
            time.sleep(0.1)
        raise AssertionError(f"after {LIMIT} s: {last}, exit {self.process.poll()}: {self.errors.read_text()}")

    def wait_for_roles(self, want=None):
        want = want or WANT
        # The pool's worker goes after ten idle seconds; it is caught while the firmware reads the disk.
        return self.wait_until(lambda have: all(have.get(name) == {setting} for name, setting in want.items()))

    def status(self, field):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M).group(1))


# ---- what holds for each way to give QEMU a plan -------------------------------------------------

class SharedTests:
    """Tests of a kind of Vm."""

    def __init__(self, kind):
        self.kind = kind

    def a_sandboxed_qemu_is_placed_by_its_broker(self):
        place = {0: (FIFO, 10, {GUEST}), 1: (FIFO, 12, {HOUSE}), 2: (FIFO, 11, {HOUSE}), 4: (FIFO, 2, {HOUSE}),
                 5: (FIFO, 12, {HOUSE}), 7: (OTHER, 0, {HOUSE})}
        need_realtime()
        broker = Broker(lambda role, index: place[role])
        with self.kind("-sandbox", "on,resourcecontrol=deny", fds=broker.fds, variables=broker.variables) as vm:
            # RESET_ON_FORK is a thing of ours; the test's broker does not set it.
            vm.wait_for_roles({name: (setting[0], 0, *setting[2:]) for name, setting in WANT.items()})
            expect(vm.errors.read_text(), "")
        broker.close()
        assert (taplib.PLACE, 0, 1, "CPU 1/TCG") in broker.log, broker.log

    def a_qemu_without_rights_is_placed_by_its_broker(self):
        need_root()
        need_realtime()
        broker = Broker(lambda role, index: (FIFO, 10 + role, {HOUSE}))
        with self.kind(fds=broker.fds, variables=broker.variables, preexec_fn=taplib.drop_nice) as vm:
            vm.wait_until(lambda have: have.get("CPU 1/TCG") == {(FIFO, 0, 10, (HOUSE,))} and
                          have.get("main") == {(FIFO, 0, 11, (HOUSE,))} and
                          have.get("vnc_worker") == {(FIFO, 0, 14, (HOUSE,))})
        broker.close()

    def memory_of(self, mode):
        """(locked, resident) MiB once the VM is up."""
        with self.kind(plan=[*PLAN, f"mlock={mode}"]) as vm:
            vm.wait_until(lambda have: have.get("CPU 1/TCG") == {WANT["CPU 1/TCG"]} and "vnc_worker" in have)
            if "not locked" in vm.errors.read_text():
                raise Skip("may not lock memory")
            return vm.status("VmLck") >> 10, vm.status("VmRSS") >> 10

    def locking_on_fault_populates_nothing(self):
        plain = self.memory_of("off")
        locked = self.memory_of("onfault")
        expect(plain[0], 0)
        assert locked[0] > 100, locked
        assert locked[1] < plain[1] + 40, (plain, locked)

    def prefaulting_populates_the_guest_and_not_the_translator(self):
        onfault = self.memory_of("onfault")
        prefault = self.memory_of("prefault")
        # 64 MiB of guest; the translator's buffer alone would be several hundred more.
        assert onfault[1] + 30 < prefault[1] < onfault[1] + 120, (onfault, prefault)

    def all(self):
        return [self.a_sandboxed_qemu_is_placed_by_its_broker, self.a_qemu_without_rights_is_placed_by_its_broker,
                self.locking_on_fault_populates_nothing, self.prefaulting_populates_the_guest_and_not_the_translator]


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root, to give a capability up")
