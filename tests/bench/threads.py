# SPDX-License-Identifier: MIT
"""What QEMU's threads are set to, seen from outside through /proc and the kernel's own calls, and
compared with a plan. Nothing of qrt's own status is used here, so that it can be checked by this."""

import os
import re
import threading
import time

import proc
from benchlib import BenchError

POLICIES = {os.SCHED_OTHER: "other", os.SCHED_FIFO: "fifo", os.SCHED_RR: "rr", os.SCHED_BATCH: "batch",
            os.SCHED_IDLE: "idle"}
POLICY_BITS = 0xFF  # above it the kernel keeps SCHED_RESET_ON_FORK
SECOND_LOOK = 0.01  # seconds: a thread that was seen before it had its name gets a second look

ROLE_NAMES = [
    ("vcpu", re.compile(r"^(CPU (\d+)/|ALL CPUs/)")),
    ("paio", re.compile(r"^worker$")),
    ("vncs", re.compile(r"^vnc_worker$")),
    ("main", re.compile(r"^IO mon_iothread$")),
    ("ioth", re.compile(r"^IO ")),
]


class Setting:
    """Policy, priority and CPUs of one thread, or what a plan says of them (None: nothing)."""

    def __init__(self, policy=None, priority=None, cpus=None, nice=None):
        self.policy, self.priority, self.cpus, self.nice = policy, priority, cpus, nice

    def accepts(self, actual):
        return all(getattr(self, name) in (None, getattr(actual, name))
                   for name in ("policy", "priority", "cpus")) and \
            (self.nice is None or actual.policy not in ("other", "batch") or self.nice == actual.nice)

    def text(self):
        words = [self.policy or "any"]
        if self.priority:
            words.append(str(self.priority))
        if self.nice and self.policy in ("other", "batch"):
            words.append("nice %d" % self.nice)
        if self.cpus is not None:
            words.append("on " + ",".join(str(cpu) for cpu in sorted(self.cpus)))
        return " ".join(words)


class Thread:
    def __init__(self, tid, name, setting):
        self.tid, self.name, self.setting = tid, name, setting


def read_thread(pid, tid):
    """None when it ended."""
    name = proc.read_text("/proc/%d/task/%d/comm" % (pid, tid))
    if name is None:
        return None
    try:
        policy = os.sched_getscheduler(tid) & POLICY_BITS
        return Thread(tid, name.rstrip("\n"), Setting(POLICIES.get(policy, str(policy)),
                                         os.sched_getparam(tid).sched_priority,
                                         frozenset(os.sched_getaffinity(tid)),
                                         os.getpriority(os.PRIO_PROCESS, tid)))
    except ProcessLookupError:
        return None


def read_threads(pid):
    try:
        tids = sorted(int(tid) for tid in os.listdir("/proc/%d/task" % pid))
    except FileNotFoundError:
        return []
    return [thread for thread in (read_thread(pid, tid) for tid in tids) if thread]


def classify(pid, thread):
    """(role, index or None) by QEMU's names."""
    if thread.tid == pid:
        return "main", 0
    for role, pattern in ROLE_NAMES:
        match = pattern.match(thread.name)
        if match:
            index = match.group(2) if role == "vcpu" else None
            return role, int(index) if index else None
    # QEMU's RCU thread is its first helper: the plan's value 0 is for it, the next for all others.
    return "othr", 0 if thread.name == "call_rcu" else 1


# ---- plans ---------------------------------------------------------------------------------------


class Plan:
    """role -> settings per index, the last one repeats."""

    def __init__(self, roles):
        self.roles = roles

    def expected(self, role, index):
        settings = self.roles.get(role)
        if not settings:
            return None
        return settings[min(index or 0, len(settings) - 1)]

    def judge(self, pid, thread):
        """None when the thread is as the plan says, else the setting that it should have."""
        role, index = classify(pid, thread)
        wanted = self.expected(role, index)
        return None if wanted is None or wanted.accepts(thread.setting) else wanted


def parse_cpus(text):
    """One value: CPUs and ranges, joined with '+' in a plan's text."""
    cpus = set()
    for part in re.split("[,+]", text):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)


def finish_setting(keys):
    """The grammar's own rules for what was left out."""
    policy, priority = keys.get("sched"), keys.get("prio")
    if policy is None and priority is not None:
        policy = "fifo" if priority else "other"
    if policy in ("fifo", "rr") and not priority:
        priority = 1
    if policy in ("other", "batch", "idle"):
        priority = 0
    return Setting(policy, priority, keys.get("bias"), keys.get("nice"))


def parse_plan(text):
    """A plan file of the ROLE_KEY=v0,v1 grammar, read independently of the library."""
    roles = {}
    for line in text.split("\n"):
        match = re.match(r"^\s*(vcpu|main|paio|vncm|vncs|ioth|kio|othr)_(bias|sched|prio|nice)\s*=\s*(\S.*)$",
                         line.split("#")[0].rstrip())
        if not match:
            continue
        role, key, values = match.groups()
        read = {"bias": parse_cpus, "sched": str, "prio": int, "nice": int}[key]
        roles.setdefault(role, {})[key] = [read(value.strip()) for value in values.split(",")]
    result = {}
    for role, keys in roles.items():
        length = max(len(values) for values in keys.values())
        result[role] = [finish_setting({key: values[min(i, len(values) - 1)] for key, values in keys.items()})
                        for i in range(length)]
    return Plan(result)


# ---- sampling ------------------------------------------------------------------------------------


class Looker(threading.Thread):
    """One that looks until `halt` is set; use it with `with`."""

    def __init__(self):
        super().__init__(daemon=True)
        self.halt = threading.Event()
        self.error = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.halt.set()
        self.join()


class Sampler(Looker):
    """Looks at every thread of a process again and again. A thread counts as out
    of plan when it differs from the plan at two looks that are SECOND_LOOK apart."""

    def __init__(self, pid, plan, period=0.4):
        super().__init__()
        self.pid, self.plan, self.period = pid, plan, period
        self.samples = 0
        self.samples_out = 0
        self.out_max = 0
        self.out_kinds = {}
        self.workers = []
        self.worker_tids = set()
        self.table = []

    def run(self):
        try:
            while not self.halt.wait(self.period):
                threads = read_threads(self.pid)
                if threads:
                    self.take(threads)
        except Exception as error:  # whatever it is, result() says it: looks that end early prove nothing
            self.error = error

    def take(self, threads):
        self.samples += 1
        workers = [thread.tid for thread in threads if thread.name == "worker"]
        self.workers.append(len(workers))
        self.worker_tids.update(workers)
        if len(threads) >= len(self.table):
            self.table = threads
        if self.plan is None:
            return
        suspects = [thread for thread in threads if self.plan.judge(self.pid, thread)]
        if suspects:
            time.sleep(SECOND_LOOK)
        out = [thread for thread in (read_thread(self.pid, suspect.tid) for suspect in suspects)
               if thread and self.plan.judge(self.pid, thread)]
        self.samples_out += 1 if out else 0
        self.out_max = max(self.out_max, len(out))
        for thread in out:
            kind = "%s: %s, planned %s" % (thread.name, thread.setting.text(),
                                           self.plan.judge(self.pid, thread).text())
            self.out_kinds[kind] = self.out_kinds.get(kind, 0) + 1

    def result(self):
        """Of all looks, once they have ended."""
        if self.error:
            raise BenchError("QEMU's threads could not be looked at: %r" % self.error)
        return {
            "samples": self.samples,
            "samples_out_of_plan": self.samples_out if self.plan else None,
            "threads_out_of_plan_max": self.out_max if self.plan else None,
            "out_of_plan": self.out_kinds,
            "workers_min": min(self.workers, default=0),
            "workers_max": max(self.workers, default=0),
            "workers_different": len(self.worker_tids),
            "threads": [{"name": thread.name, "role": classify(self.pid, thread)[0],
                         "setting": thread.setting.text()} for thread in self.table],
        }
