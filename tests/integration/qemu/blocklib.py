# SPDX-License-Identifier: MIT
"""Disks by driver=qrt, in the tools and the VMs of the QEMU that ./dev qemu makes."""
import json
import pathlib
import subprocess
import sys
import tempfile

import rtlib
from taplib import Skip, environment

sys.path.insert(0, str(rtlib.TOP / "tests/lib"))
# pylint: disable=wrong-import-position
import waiting
from qmp import Monitor, MonitorError

ENGINES = ("threads", "libaio", "io_uring")
MIB = 1 << 20
PATIENCE = 120  # s for what takes a fraction of one


def need_tools():
    rtlib.need_qemu()
    if not (rtlib.BUILD / "qemu-io").exists():
        raise Skip(f"there is no qemu-io of QEMU {rtlib.SERIES}: ./dev qemu {rtlib.SERIES} builds it")


def run(tool, *arguments, good=True):
    """(exit code, output) of a tool; errors are part of the output."""
    need_tools()
    done = subprocess.run([str(rtlib.BUILD / tool), *map(str, arguments)], env=environment(None, preload=False),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=PATIENCE, check=False)
    assert not good or done.returncode == 0, f"{tool} {arguments}: {done.stdout}"
    return done.returncode, done.stdout


def image(path, engine="auto", direct=False, **more):
    """An image as the tools take it."""
    node = {"driver": "qrt", "filename": str(path), "engine": engine, "cache": {"direct": direct}, **more}
    return "json:" + json.dumps(node)


def qemu_io(what, *commands, good=True):
    """A command that found something else than it should says so, and ends with 1."""
    words = [word for command in commands for word in ("-c", command)]
    return run("qemu-io", *words, what, good=good)[1]


def need_engine(path, engine, direct):
    """A container may have no io_uring."""
    code, out = run("qemu-io", "-r", "-c", "read 0 512", image(path, engine, direct), good=False)
    if code and ("io_uring" in out or "Operation not permitted" in out or "Function not implemented" in out):
        raise Skip(f"no {engine} here: {out.strip()}")


def for_each_engine(path):
    """(engine, direct) of what works here."""
    for engine in ENGINES:
        for direct in (True,) if engine == "libaio" else (False, True):
            try:
                need_engine(path, engine, direct)
            except Skip as why:
                print(f"# {why}")
                continue
            yield engine, direct


def wait_for(what, look):
    """The first true value of look()."""
    return waiting.wait_for(what, look, PATIENCE)


class Vm:
    """A VM without a guest and with a monitor, and a folder for images."""

    def __init__(self, *more):
        need_tools()
        self.folder = tempfile.TemporaryDirectory(dir=rtlib.TOP / "build")
        socket = self.path("monitor")
        self.errors = open(self.path("errors"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", str(rtlib.QEMU), "-nodefaults", "-display", "none", "-S", "-machine", "q35", "-accel", "tcg", "-m", "32",
             "-object", "iothread,id=io0", "-object", "iothread,id=io1", "-qmp", f"unix:{socket},server=on,wait=off",
             "-device", "virtio-scsi-pci,id=scsi0", *more],
            env=environment(None, preload=False), stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        try:
            self.monitor = wait_for("QEMU's monitor", lambda: self.connect(socket))
        except BaseException:
            self.process.kill()
            raise

    def connect(self, socket):
        assert self.process.poll() is None, self.said()
        try:
            return Monitor(str(socket), PATIENCE)
        except OSError:
            return None

    def path(self, name):
        return pathlib.Path(self.folder.name, name)

    def make(self, name, size=16 * MIB):
        path = self.path(name)
        with path.open("wb") as file:
            file.truncate(size)
        return path

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def call(self, command, **arguments):
        assert self.process.poll() is None, self.said()
        return self.monitor.call(command, **arguments)

    def refuse(self, command, *words, **arguments):
        """What the monitor says to it."""
        try:
            self.monitor.call(command, **arguments)
        except MonitorError as error:
            for word in words:
                assert word in str(error), error
            return str(error)
        raise AssertionError(f"{command} {arguments} was not refused")

    def add(self, name, path, **more):
        self.call("blockdev-add", **{"driver": "qrt", "node-name": name, "filename": str(path), **more})

    def io(self, name, *commands):
        """qemu-io's commands for a node, or "-d DEVICE"; what they say, on QEMU's own output."""
        before = len(self.said())
        for command in commands:
            self.call("human-monitor-command", **{"command-line": f'qemu-io {name} "{command}"'})
        return self.said()[before:]

    def check(self, name, *commands):
        """None of them fails."""
        out = self.io(name, *commands)
        assert not any(word in out for word in ("failed", "rror", "invalid")), out
        assert out.count(" bytes at offset ") >= sum(not command.startswith("flush") for command in commands), out
        return out

    def node(self, name):
        return next(node for node in self.call("query-named-block-nodes", flat=True) if node["node-name"] == name)

    def wait_job(self, name):
        """Until it is ready, or has ended well."""
        def look():
            jobs = [job for job in self.call("query-jobs") if job["id"] == name]
            assert not any("error" in job for job in jobs), jobs
            return jobs[0]["status"] if jobs and jobs[0]["status"] in ("ready", "concluded") else not jobs
        return wait_for(f"job {name}", look)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.monitor.close()
        self.process.kill()
        self.process.wait()
        self.errors.close()
        self.folder.cleanup()
