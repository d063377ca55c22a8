# SPDX-License-Identifier: MIT
"""A VM whose supervisor the test plays: a folder with a socket that answers, and no QEMU."""

import fcntl
import json
import os
import socket
import subprocess
import threading
import time

from vm import PATIENCE

PLANNED = {"policy": "fifo", "priority": 10, "cpus": "1"}
THREAD = {"tid": 7, "name": "CPU 0/KVM", "role": "vcpu", "index": 0, "planned": PLANNED, "effective": PLANNED, "in_plan": True,
          "placed_by": "self", "layers": [{"layer": "plan", "setting": "fifo 10 on 1"}], "cpu": 1, "cpu_time_ns": 5000000,
          "run_delay_ns": 0, "voluntary_switches": 3, "involuntary_switches": 4, "corrections": 0}
GLOBALS = {"mlock": {"planned": "onfault", "locked_bytes": 1 << 20, "in_force": True}, "pi": {"planned": True, "in_force": None},
           "pool": {"planned": 4, "in_force": False}, "advance_us": {"planned": 0, "in_force": True}}


class Supervised:
    """A VM's folder with a socket that answers, and a process that stands for QEMU."""

    def __init__(self, place, name="vm", answer=None):
        self.folder = os.path.join(place.run, name)
        os.makedirs(place.run, 0o700, exist_ok=True)
        os.chmod(place.run, 0o700)
        made = place.file(name + ".made")  # who looks would take one without a lock for a killed launcher's
        os.mkdir(made, 0o700)
        self.lock = open(os.path.join(made, "lock"), "w", encoding="ascii")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(os.path.join(made, "control"))
        self.socket.listen()
        os.rename(made, self.folder)
        self.qemu = subprocess.Popen(["sleep", "600"])
        self.answer = answer or json.dumps(
            {"name": name, "qemu_pid": self.qemu.pid, "launcher_pid": os.getpid(), "guest_state": "running",
             "accelerator": "kvm", "uptime_ms": 1500, "preload": True, "library": "preloaded",
             "corrections": 1, "unplaced": 0, "globals": GLOBALS, "threads": [THREAD]}).encode() + b"\n"
        self.asked = 0
        self.is_stopped = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hang_up()
        self.end_qemu()
        self.lock.close()

    def serve(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            with client:
                client.settimeout(PATIENCE)
                try:
                    client.recv(4096)
                    self.asked += 1
                    while self.is_stopped:
                        time.sleep(0.02)
                    client.sendall(self.answer)
                except OSError:
                    pass

    def hang_up(self):
        """As a supervisor that ends. The folder stays, and nobody can repair it: its lock is held."""
        self.is_stopped = False
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(PATIENCE)
        self.socket.close()

    def end_qemu(self):
        self.qemu.kill()
        self.qemu.wait()
