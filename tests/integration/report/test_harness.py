#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the benches stand on: loads, consoles, monitors and looks that fail say so. Prints TAP."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import tapcase  # first: it says where the next ones are
import guard
import loads
import proc
import qmp
import threads
import vm
from benchlib import BenchError

PATIENCE = 60  # s for what takes a fraction of one
HARNESS = """
import sys, time
sys.path[:0] = sys.argv[1:]
import loads
with loads.Load(["sleep", "600"], "/") as load:
    print(load.process.pid, flush=True)
    time.sleep(600)
"""


def wait_for(look):
    end = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > end:
            raise AssertionError("not within %d s" % PATIENCE)
        time.sleep(0.02)


class Loads(unittest.TestCase):
    def test_a_load_that_ended_early_is_said(self):
        with loads.Load(["sleep", "600"], "/") as load:
            load.check()
            load.process.terminate()
            load.process.wait()
            self.assertRaisesRegex(BenchError, "'sleep 600' ended .* before the measurement", load.check)

    def test_a_load_ends_with_its_harness(self):
        command = [sys.executable, "-c", HARNESS] + [path for path in sys.path if path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as harness:
            pid = int(harness.stdout.readline())
            harness.kill()
        wait_for(lambda: not proc.is_alive(pid))


class Chatter:
    """A console that never comes to the point."""

    def __init__(self):
        self.end = time.monotonic() + PATIENCE

    def get(self, timeout):
        if time.monotonic() > self.end:
            raise AssertionError("nobody looks at the clock (%g)" % timeout)
        return "chatter"


class Consoles(unittest.TestCase):
    def test_chatter_does_not_hold_up_the_clock(self):
        machine = vm.Vm(["true"])
        machine.lines = Chatter()
        self.assertRaisesRegex(BenchError, "did not say 'the point' within 0.2 s",
                               lambda: machine.wait_line("the point", 0.2))

    def test_a_vm_that_ended_is_said_with_its_last_words(self):
        with vm.Vm(["sh", "-c", "echo last words; exit 3"]) as machine:
            for _ in range(2):
                with self.assertRaisesRegex(BenchError, r"ended \(code 3\)(.|\n)*last words"):
                    machine.wait_line("the point", PATIENCE)
            with self.assertRaisesRegex(BenchError, "takes no input(.|\n)*last words"):
                while True:  # the pipe takes what fits
                    machine.send("x" * 100000)

    def test_a_fault_of_the_guest_is_said(self):
        with vm.Vm(["sh", "-c", "echo QRT fault no disk; sleep 600"]) as machine:
            self.assertRaisesRegex(BenchError, "the guest: no disk", lambda: machine.wait_line("x", PATIENCE))


class Monitors(unittest.TestCase):
    def serve(self, *answers):
        """A monitor that greets, and answers each command by what is given. Returns its path."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = os.path.join(directory.name, "qmp")
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        self.addCleanup(server.close)
        threading.Thread(target=self.answer, args=(server, answers), daemon=True).start()
        return path

    def answer(self, server, answers):
        client = server.accept()[0]
        self.addCleanup(client.close)
        with client.makefile("rw", encoding="utf-8") as file:
            for text in ('{"QMP": {}}',) + answers:
                file.write(text + "\n" if text else "")
                file.flush()
                if not file.readline():
                    return
        client.shutdown(socket.SHUT_RDWR)

    def test_events_come_before_the_answer(self):
        path = self.serve('{"return": {}}', '{"event": "STOP"}\n{"event": "RESUME"}\n{"return": [7]}')
        with qmp.Monitor(path) as monitor:
            self.assertEqual(monitor.call("query-cpus-fast"), [7])

    def test_what_is_refused_is_said(self):
        path = self.serve('{"return": {}}', json.dumps({"error": {"class": "GenericError", "desc": "no such disk"}}))
        with vm.Monitor(path) as monitor:
            self.assertRaisesRegex(BenchError, "eject: no such disk", lambda: monitor.call("eject"))

    def test_a_monitor_that_closes_is_said(self):
        with qmp.Monitor(self.serve('{"return": {}}')) as monitor:
            self.assertRaisesRegex(qmp.MonitorError, "stop", lambda: monitor.call("stop"))

    def test_a_monitor_that_does_not_answer_is_said(self):
        with qmp.Monitor(self.serve('{"return": {}}', ""), timeout=PATIENCE) as monitor:
            monitor.timeout = 0.2
            monitor.socket.settimeout(monitor.timeout)
            self.assertRaisesRegex(qmp.MonitorError, "the answer to stop within 0.2 s", lambda: monitor.call("stop"))

    def test_nobody_listens(self):
        self.assertRaises(FileNotFoundError, lambda: qmp.Monitor("/nonexistent/qmp"))


class BrokenPlan:
    def judge(self, pid, thread):
        raise KeyError("cpus")


class Looks(unittest.TestCase):
    def test_looks_are_counted(self):
        with threads.Sampler(os.getpid(), threads.Plan({}), 0.01) as sampler:
            wait_for(lambda: sampler.samples >= 3)
        self.assertGreaterEqual(sampler.result()["samples"], 3)

    def test_looks_that_fail_are_said(self):
        with threads.Sampler(os.getpid(), BrokenPlan(), 0.01) as sampler:
            wait_for(lambda: not sampler.is_alive())
        self.assertRaisesRegex(BenchError, "could not be looked at: KeyError", sampler.result)

    def test_looks_end_when_the_measurement_fails(self):
        with self.assertRaises(BenchError), threads.Sampler(os.getpid(), None, 0.01) as sampler:
            raise BenchError("the VM ended")
        self.assertFalse(sampler.is_alive())


def fail(error):
    raise error


class Guarded(unittest.TestCase):
    def setUp(self):
        for number in guard.SIGNALS:
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def end(self, main):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            return guard.guarded(main), errors.getvalue()

    def test_each_failure_is_one_line(self):
        for error, says in ((BenchError("no guest"), "no guest"), (PermissionError(13, "no", "/x"), "/x"),
                            (subprocess.TimeoutExpired(["qemu-img", "bench", "-c", "5"], 120),
                             "'qemu-img bench -c' did not end within 120 s")):
            code, text = self.end(lambda error=error: fail(error))
            self.assertEqual((code, text.count("\n")), (1, 1))
            self.assertIn(says, text)

    def test_a_signal_unwinds(self):
        code, text = self.end(lambda: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(PATIENCE))
        self.assertEqual(code, 130)
        self.assertIn("ended by SIGTERM", text)


if __name__ == "__main__":
    tapcase.main()
