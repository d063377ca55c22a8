# SPDX-License-Identifier: MIT
"""A cpuset of version 1 that is the highest one of all that runs in it, and sees no other process."""

import os
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
from tap import Skip
from vm import Place, need_root

CPUSETS = "/sys/fs/cgroup/cpuset"
PREFIX = "qrt-test-"  # and the pid of the test
INSIDE = "QRT_TEST_BOX"
PATIENCE = 200

# Becomes the command that follows, with its view of processes and cpusets.
ENTER = """
	set -e
	mount -t proc proc /proc
	umount -l "$0"
	mount -t cgroup -o cpuset none "$0"
	exec "$@"
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def write(path, text):
    """In one piece, as the kernel wants it."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, str(text).encode())
    finally:
        os.close(fd)


def need_cpusets():
    need_root()
    if not os.path.exists(os.path.join(CPUSETS, "cpuset.cpus")):
        raise Skip("no cpusets of version 1 at %s" % CPUSETS)
    if os.cpu_count() < 2:
        raise Skip("one CPU alone cannot be shielded")


class CleanPlace(Place):
    """One that leaves no shield to the next test, also where a test fails."""

    def __exit__(self, *exception):
        self.call("unshield")
        self.call("repair")
        super().__exit__(*exception)


def remove(folder):
    for inner, _, _ in os.walk(folder, topdown=False):
        os.rmdir(inner)


def sweep():
    """Boxes of tests that were interrupted; one in which somebody still runs stays."""
    for name in os.listdir(CPUSETS):
        pid = name[len(PREFIX):]
        if not name.startswith(PREFIX) or not pid.isdigit() or os.path.exists("/proc/" + pid):
            continue
        try:
            remove(os.path.join(CPUSETS, name))
        except OSError:
            pass


class Box:
    def __init__(self):
        sweep()
        self.folder = os.path.join(CPUSETS, "%s%d" % (PREFIX, os.getpid()))
        os.mkdir(self.folder)
        for file in ("cpuset.mems", "cpuset.cpus"):
            write(os.path.join(self.folder, file), read(os.path.join(CPUSETS, file)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """What ran in it has ended with its first process; a test that failed may have left cpusets."""
        remove(self.folder)

    def enter(self):
        write(os.path.join(self.folder, "cgroup.procs"), os.getpid())

    def run(self, *command):
        return subprocess.run(["unshare", "--cgroup", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER,
                               CPUSETS, *command], preexec_fn=self.enter, env=dict(os.environ, **{INSIDE: "1"}),
                              stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False).returncode


def boxed(main, tests):
    """Runs the tests in a box, or says why not."""
    if os.environ.get(INSIDE):
        main(tests)
    try:
        need_cpusets()
    except Skip as skip:
        print("1..0 # SKIP %s" % skip)
        return
    with Box() as box:
        code = box.run(sys.executable, *sys.argv)
    sys.exit(code)
