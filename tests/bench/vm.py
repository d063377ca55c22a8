# SPDX-License-Identifier: MIT
"""One QEMU with the demo guest in it: its arguments, console and monitor."""

import os
import queue
import subprocess
import threading
import time

import proc
import qmp
from benchlib import BenchError
from loads import die_with_parent, end_group

QEMU = "qemu-system-x86_64"
KVM_PATIENCE = 20  # s for the first line of a kernel, which takes a fraction of one where KVM works


class Monitor(qmp.Monitor):
    error = BenchError


def qemu_arguments(guest, accel, cpu, append, disk=None, cache="none", monitor=None, extra=()):
    """The VM that every way runs."""
    arguments = [QEMU, "-nodefaults", "-no-user-config", "-machine", "pc", "-accel", accel, "-cpu", cpu,
                 "-smp", "1", "-m", "256", "-display", "none", "-no-reboot",
                 "-name", "guest=qrt-demo,debug-threads=on",
                 "-kernel", os.path.join(guest, "vmlinuz"),
                 "-initrd", os.path.join(guest, "initramfs.gz"),
                 "-append", "console=ttyS0 panic=-1 " + append, "-serial", "stdio"]
    if disk:
        arguments += ["-drive", "file=%s,format=raw,if=virtio,aio=threads,cache=%s" % (disk, cache)]
    if monitor:
        arguments += ["-qmp", "unix:%s,server=on,wait=off" % monitor]
    return arguments + list(extra)


ENDED = object()  # stands behind the last line


class Vm:
    """A started VM (directly or by a launcher); use it with `with`."""

    def __init__(self, command, environment=None):
        self.command = command
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.lines = queue.Queue()
        self.tail = []
        self.started = None

    def __enter__(self):
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        process_group=0, preexec_fn=die_with_parent)
        threading.Thread(target=self.read_console, daemon=True).start()
        return self

    def read_console(self):
        for raw in self.process.stdout:
            line = raw.decode(errors="replace").strip()
            self.tail = (self.tail + [line])[-12:]
            self.lines.put(line)
        self.lines.put(ENDED)

    def wait_line(self, wanted, timeout):
        """The next console line that contains `wanted`; a fault that the guest reports ends it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            line = self.next_line(end)
            if line.startswith("QRT fault"):
                raise BenchError("the guest: " + line[len("QRT fault "):])
            if wanted in line:
                return line
        return self.fail("did not say '%s' within %g s" % (wanted, timeout))

    def next_line(self, end):
        """Empty when there was none until then."""
        try:
            line = self.lines.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            return ""
        if line is ENDED:
            self.lines.put(ENDED)
            self.fail("ended (code %s)" % self.process.wait())
        return line

    def fail(self, what):
        raise BenchError("the VM %s; its last lines:\n  %s" % (what, "\n  ".join(self.tail)))

    def send(self, line):
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.fail("takes no input")

    def qemu_pid(self):
        """QEMU's process: what the started one has become, or its child where a launcher was started."""
        if proc.name_of(self.process.pid).startswith("qemu-system"):
            return self.process.pid
        for pid in proc.children_of(self.process.pid):
            if proc.name_of(pid).startswith("qemu-system"):
                return pid
        raise BenchError("no QEMU below '%s' (pid %d)" % (self.command[0], self.process.pid))

    def __exit__(self, *unused):
        if self.process is None:
            return
        # A launcher forwards the signal to its QEMU and restores; give it the time.
        end_group(self.process, patience=20.0)
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # what was not sent is not missed


def boots(command, timeout):
    """Whether the kernel in the VM gets to its first line."""
    with Vm(command) as vm:
        try:
            vm.wait_line("Linux version", timeout)
            return True
        except BenchError:
            return False


def choose_accel(guest):
    """("kvm", cpu) where a guest kernel really runs under KVM, else ("tcg", cpu). Some machines have
    a /dev/kvm that no Linux boots with."""
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        for cpu in ("host", "qemu64"):
            if boots(qemu_arguments(guest, "kvm", cpu, "qrt.seconds=1"), KVM_PATIENCE):
                return "kvm", cpu
    return "tcg", "max"
