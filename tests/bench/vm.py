# SPDX-License-Identifier: MIT
"""One QEMU with the demo guest in it: its arguments, console and monitor."""

import json
import os
import queue
import socket
import subprocess
import threading
import time

from benchlib import BenchError
from loads import die_with_parent, end_group

QEMU = "qemu-system-x86_64"


class Monitor:
    """QMP over a unix socket, just enough of it."""

    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw", encoding="utf-8")
        self.file.readline()
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise BenchError("QEMU closed its monitor during %s" % command)
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise BenchError("QEMU's monitor: %s: %s" % (command, answer["error"].get("desc")))

    def close(self):
        self.file.close()
        self.socket.close()


def qemu_arguments(guest, accel, cpu, append, disk=None, cache="none", qmp=None, extra=()):
    """The VM that every way runs."""
    arguments = [QEMU, "-nodefaults", "-no-user-config", "-machine", "pc", "-accel", accel, "-cpu", cpu,
                 "-smp", "1", "-m", "256", "-display", "none", "-no-reboot",
                 "-name", "guest=qrt-demo,debug-threads=on",
                 "-kernel", os.path.join(guest, "vmlinuz"),
                 "-initrd", os.path.join(guest, "initramfs.gz"),
                 "-append", "console=ttyS0 panic=-1 " + append, "-serial", "stdio"]
    if disk:
        arguments += ["-drive", "file=%s,format=raw,if=virtio,aio=threads,cache=%s" % (disk, cache)]
    if qmp:
        arguments += ["-qmp", "unix:%s,server=on,wait=off" % qmp]
    return arguments + list(extra)


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
        self.lines.put(None)

    def wait_line(self, wanted, timeout):
        """The next console line that contains `wanted`; a fault that the guest reports ends it."""
        end = time.monotonic() + timeout
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise BenchError("the guest did not say '%s' within %d s; its last lines:\n  %s" % (
                    wanted, timeout, "\n  ".join(self.tail))) from None
            if line is None:
                raise BenchError("the VM ended (code %s) before it said '%s'; its last lines:\n  %s" % (
                    self.process.wait(), wanted, "\n  ".join(self.tail)))
            if line.startswith("QRT fault"):
                raise BenchError("the guest: " + line[len("QRT fault "):])
            if wanted in line:
                return line

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def qemu_pid(self):
        """QEMU's process: the started one, or its child where a launcher was started."""
        if os.path.basename(self.command[0]) == QEMU:
            return self.process.pid
        for pid in children_of(self.process.pid):
            if comm_of(pid).startswith("qemu-system"):
                return pid
        raise BenchError("no QEMU below '%s' (pid %d)" % (self.command[0], self.process.pid))

    def __exit__(self, *unused):
        if self.process is None:
            return
        # A launcher forwards the signal to its QEMU and restores; give it the time.
        end_group(self.process, patience=20.0)
        self.process.stdin.close()


def comm_of(pid):
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return ""


def children_of(pid):
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(entry))
    return found


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
        end = time.monotonic() + 8
        for cpu in ("host", "qemu64"):
            left = end - time.monotonic()
            if left > 1 and boots(qemu_arguments(guest, "kvm", cpu, "qrt.seconds=1"), left):
                return "kvm", cpu
    return "tcg", "max"
