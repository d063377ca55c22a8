# SPDX-License-Identifier: MIT
"""qrt-nbd while it serves an image, and clients of it."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys

from image import Skip, check

import waiting  # of ../../lib, as image.py has it

FOLDER = os.path.join(os.environ["QRT_BUILD"], "libqrt-block", "nbdkit")
WRAPPER = os.path.join(FOLDER, "qrt-nbd")
PLUGIN = os.path.join(FOLDER, "nbdkit-qrt-plugin.so")
ENVIRONMENT = {**os.environ, "QRT_NBD_PLUGIN": PLUGIN}
PATIENCE = 60  # seconds for what takes a fraction of one on an idle machine
SYSTEM = "/usr/bin/python3"


def use_system_python():
    """libnbd's module is the system's Python's, which need not be the first one in the path; nbdsh wants that, too."""
    is_system = os.path.realpath(sys.executable) == os.path.realpath(SYSTEM)
    if is_system or not os.path.exists(SYSTEM) or importlib.util.find_spec("nbd"):
        return
    os.environ["PATH"] = os.path.dirname(SYSTEM) + ":" + os.environ["PATH"]
    os.execv(SYSTEM, [SYSTEM, *sys.argv])


use_system_python()


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip("no %s here" % program)


def client_library():
    """libnbd's own."""
    try:
        import nbd  # pylint: disable=import-outside-toplevel
    except ImportError:
        raise Skip("no libnbd for Python here") from None
    return nbd


def wait_for(what, look):
    """The first true value of look()."""
    return waiting.wait_for(what, look, PATIENCE)


def start_and_fail(place, *words):
    """What it complains of instead of serving."""
    done = subprocess.run([WRAPPER, "--socket", "s", *words], cwd=place.path, capture_output=True, text=True,
                          timeout=PATIENCE, check=False, env=ENVIRONMENT)
    if os.path.exists(place.file("s")):  # nbdkit leaves it
        os.unlink(place.file("s"))
    check(done.returncode != 0, "%s: it ended well" % (words,))
    return done.stderr


class Export:
    """qrt-nbd, serving."""

    def __init__(self, place, *words):
        need("nbdkit")
        self.path, self.log = place.file("socket"), place.file("errors")
        self.uri = "nbd+unix:///?socket=" + self.path
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([WRAPPER, "--socket", self.path, *words], cwd=place.path, env=ENVIRONMENT,
                                            stdin=subprocess.DEVNULL, stderr=log)

    def answers(self):
        """nbdkit listens before it has opened the image, and greets after that."""
        check(self.process.poll() is None, "it does not serve: %s" % self.said())
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.path)
            except OSError:
                return False
            return probe.recv(8) == b"NBDMAGIC"

    def __enter__(self):
        try:
            wait_for("it serves", self.answers)
        except BaseException:
            self.end()
            raise
        return self

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def errors(self):
        """A line for each request that failed; nbdkit has words of its own for clients that leave without one."""
        return re.findall(r"^nbdkit: .*error: (?:flush:|(?:reading|writing|zeroing|trimming) \d+ bytes).*$", self.said(), re.M)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.kill()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def __exit__(self, *_):
        self.end()

    def connect(self):
        """A client that asks for what it likes."""
        client = client_library().NBD()
        client.set_strict_mode(0)
        client.connect_unix(self.path)
        return client
