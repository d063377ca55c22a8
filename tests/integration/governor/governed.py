# SPDX-License-Identifier: MIT
"""VMs that spin in real time, for a bounded time, and what a shell makes of that. QRT_BUILD names the build."""

import os
import signal
import subprocess

BUILD = os.environ["QRT_BUILD"]
LAUNCHER = os.path.join(BUILD, "qrt-launcher", "qrt-launcher")
PROGRAMS = os.path.join(BUILD, "tests", "integration", "governor")
SPINNER, ANSWERS, FUSE = (os.path.join(PROGRAMS, "governor_" + name) for name in ("spinner", "answers", "fuse"))
CPUS = sorted(os.sched_getaffinity(0))
VCPU, MAIN = 50, 51
INTERVAL_MS = 50
# The fair servers of Linux 6.12 and newer cannot be switched off where the kernel is locked down: in a namespace
# of its own the launcher is told that they are.
UNSERVED = """mount -t tmpfs none /sys/kernel/debug || exit 125
for cpu in %s; do
	mkdir -p /sys/kernel/debug/sched/fair_server/cpu$cpu && cd /sys/kernel/debug/sched/fair_server/cpu$cpu || exit 125
	echo 0 >runtime && echo 1000000000 >period
done
cd / && exec "$@"
"""


def plan(cpus=None, rest="fifo"):
    """A vCPU under FIFO for each of these CPUs, and all else above them, or time-shared where there is a CPU left."""
    cpus = CPUS if cpus is None else cpus
    words = ["vcpu_sched=fifo", "vcpu_prio=%d" % VCPU, "vcpu_bias=%s" % ",".join(map(str, cpus))]
    for role in ("main", "paio"):
        words += ["%s_sched=%s" % (role, rest)] + (["%s_prio=%d" % (role, MAIN)] if rest == "fifo" else [])
    return [word for option in words for word in ("-rt", option)]


def launch(options, name="spinning", vcpus=None):
    return [LAUNCHER, "run", *options, "--name", name, "--", SPINNER, "-smp", str(len(CPUS) if vcpus is None else vcpus)]


def spin(environment, ms, vcpus=None, percent=100):
    return dict(environment, SPIN_MS=str(ms), SPIN_VCPUS=str(len(CPUS) if vcpus is None else vcpus),
                SPIN_PERCENT=str(percent))


class Unservable(Exception):
    """Nobody here can be made to believe that nobody serves."""


def unserved(command):
    """The command on a host whose fair servers serve nobody, as far as files tell."""
    wrapper = ["unshare", "--mount", "--propagation", "private", "sh", "-c", UNSERVED % " ".join(map(str, CPUS)), "sh"]
    done = subprocess.run([*wrapper, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unservable("no mount namespace of its own here: " + done.stderr.strip())
    return [*wrapper, *command]


class Fused:
    """A command that is ended after `ms` whatever happens, on a host that holds no real-time thread back."""

    def __init__(self, command, ms, environment, errors=subprocess.PIPE):
        self.process = subprocess.Popen([FUSE, str(ms), *command], env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=errors, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """It ends, and restores the host, when its input is closed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate()

    def end(self, patience=60):
        """(exit code, output, errors); its input stays open until it has ended."""
        code = self.process.wait(timeout=patience)
        return code, self.process.stdout.read(), self.process.stderr.read() if self.process.stderr else ""


class Shell:
    """A shell command every 50 ms, by time sharing, for `ms`."""

    def __init__(self, ms):
        self.process = subprocess.Popen([ANSWERS, str(INTERVAL_MS), str(ms)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def answers(self, patience=60):
        """How many ms each answer took."""
        out, _ = self.process.communicate(timeout=patience)
        if self.process.returncode:
            raise RuntimeError("the shell does not answer at all")
        return [int(line) / 1000 for line in out.split()]
