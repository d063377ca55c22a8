# SPDX-License-Identifier: MIT
"""qrt-io and qemu-io with images in a folder of their own."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path += [os.path.join(HERE, "..", "launcher"), os.path.join(HERE, "..", "..", "lib")]

# pylint: disable=wrong-import-position,unused-import
from proc import is_listening
from tap import Skip, check, check_equal, main, note

TOOL = os.path.join(os.environ["QRT_BUILD"], "libqrt-block", "tools", "qrt-io")
PEER = "qemu-io"
SIZE = 8 << 20
ENGINES = ("threads", "libaio", "io_uring")
TIMES = re.compile(r"\d+[.:][\d.:]+( sec)? \(.*/sec and .* ops/sec\)|,\d+:\d\d:\d\d\.\d\d,[\d.]+,[\d.]+")


def need_peer():
    for name in (PEER, "qemu-img"):
        if not shutil.which(name):
            raise Skip("no %s here" % name)


def without_times(text):
    """What depends on the clock is the same everywhere then, and so are the kernel's words for a failure."""
    return re.sub(r"failed: .*", "failed", TIMES.sub("TIME", text))


class Place:
    """A folder with images."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="qrt-io-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def file(self, name):
        return os.path.join(self.path, name)

    def make(self, name, size=SIZE):
        """Bytes that differ from place to place."""
        with open(self.file(name), "wb") as file:
            file.write(bytes((i * 7 + (i >> 8)) & 255 for i in range(65536)) * (size // 65536))
        return name

    def run(self, program, *words, given=None, code=None):
        """(exit code, what it printed, what it complained of)"""
        done = subprocess.run([program, *words], cwd=self.path, input=given or "", capture_output=True, text=True,
                              timeout=60, check=False)
        if code is not None:
            check_equal(done.returncode, code, "%s: %s" % (" ".join(words), done.stderr or done.stdout))
        return done.returncode, done.stdout, done.stderr

    def io(self, name, *commands, options=(), code=0):
        """What qrt-io prints."""
        words = [word for command in commands for word in ("-c", command)]
        return self.run(TOOL, *options, *words, *([name] if name else []), code=code)[1]

    def json(self, name, *commands, options=(), code=0):
        return [json.loads(line) for line in self.io(name, *commands, options=("--json", *options), code=code).splitlines()]

    def bytes_of(self, name):
        with open(self.file(name), "rb") as file:
            return file.read()
