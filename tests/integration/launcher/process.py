# SPDX-License-Identifier: MIT
"""How a process and its threads run, as the kernel tells it: what a launcher may change, and what not."""

import os
import resource
import signal
import subprocess

from tap import check_equal
from vm import end_session, make_qemu, start_session, wait_for
from proc import name_of, read_text

# Unlike what a process is born with, so that being reset is seen, too: soft and hard, at most.
ODD_LIMITS = {resource.RLIMIT_NOFILE: (123, 456), resource.RLIMIT_MEMLOCK: (4096, 8192),
              resource.RLIMIT_RTPRIO: (3, 7), resource.RLIMIT_NICE: (21, 25)}


def read_thread(tid):
    """Policy with its flag for forks, priority, nice value, CPUs."""
    return (os.sched_getscheduler(tid), os.sched_getparam(tid).sched_priority,
            os.getpriority(os.PRIO_PROCESS, tid), tuple(sorted(os.sched_getaffinity(tid))))


def read_threads(pid):
    """The different settings of a process's threads."""
    settings = set()
    for tid in os.listdir("/proc/%d/task" % pid):
        try:
            settings.add(read_thread(int(tid)))
        except ProcessLookupError:
            continue
    return settings


def read_autogroup(pid):
    """The group's nice value; None where the kernel makes no groups by session. Its number is chance."""
    text = read_text("/proc/%d/autogroup" % pid)
    return text.split()[-1] if text else None


def read_process(pid):
    return {"limits": read_text("/proc/%d/limits" % pid), "threads": read_threads(pid),
            "autogroup": read_autogroup(pid), "cgroup": read_text("/proc/%d/cgroup" % pid),
            "oom_score_adj": read_text("/proc/%d/oom_score_adj" % pid)}


def check_same(actual, wanted, whose):
    """Of two read_process()."""
    for word, value in wanted.items():
        check_equal(actual[word], value, "%s of %s" % (word, whose))


def become_odd():
    """In a child before exec."""
    for kind, odd in ODD_LIMITS.items():
        most = resource.getrlimit(kind)[1]  # to raise it is another right than to be root
        resource.setrlimit(kind, odd if most == resource.RLIM_INFINITY else [min(value, most) for value in odd])
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.setpriority(os.PRIO_PROCESS, 0, 3)


class Bystander:
    """A process that has nothing to do with any VM, and that nobody has a reason to change."""

    def __enter__(self):
        self.process = subprocess.Popen(["sleep", "1000"], preexec_fn=become_odd)
        self.before = read_process(self.process.pid)
        return self

    def check_untouched(self):
        check_same(read_process(self.process.pid), self.before, "a process of the host")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def read_stock(qemu, threads):
    """How this VM runs without us, once it has threads of these names."""
    process = start_session([*make_qemu(qemu), "-name", "debug-threads=on"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def is_up():
        if process.poll() is not None:
            raise AssertionError("QEMU ended: " + process.stderr.read())
        tids = os.listdir("/proc/%d/task" % process.pid)
        return set(threads) <= {name_of(int(tid)) for tid in tids}
    try:
        wait_for("threads %s of a VM without us" % ", ".join(threads), is_up)
        return read_process(process.pid)
    finally:
        end_session(process)
        process.stderr.close()
