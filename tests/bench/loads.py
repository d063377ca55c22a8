# SPDX-License-Identifier: MIT
"""The load that runs on the host while latency is measured. All of it is bounded in time and ended
by the ids that were started here."""

import ctypes
import os
import shutil
import signal
import subprocess
import time

from benchlib import BenchError

HOST_LOAD = ["stress-ng", "--cpu", "8", "--io", "4", "--vm", "2", "--vm-bytes", "128M"]

# The same bursts and pauses as the disk load in guest/init.
DISK_LOAD = r"""
reader() { dd if="$disk" of=/dev/null bs=$2 count=$3 iflag=$direct skip=$(($1 * $3)) 2>/dev/null; }
writer() { dd if=/dev/zero of="$disk" bs=$2 count=$3 oflag=$direct conv=notrunc seek=$(($1 * $3)) 2>/dev/null; }
burst() {
	jobs= i=0
	while [ $i -lt $1 ]; do
		if [ $((i % 2)) = 0 ]; then reader $i $2 $3 & else writer $i $2 $3 & fi
		jobs="$jobs $!" i=$((i + 1))
	done
	wait $jobs
	sleep $4
}
end=$(($(date +%s) + limit))
while [ $(date +%s) -lt $end ]; do
	for _ in 1 2 3 4; do burst 8 64k 64 0.5; done
	for _ in 1 2 3; do burst 24 4k 16 0.6; done
	sleep 11.5
done
"""

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)  # loaded here: a child of several threads cannot take the loader's lock


def die_with_parent():
    """Run in the child: the kernel ends it when the harness is killed and cannot do so itself."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def require(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise BenchError("%s is missing; ./dev setup installs it" % program)


def end_group(process, patience=5.0):
    """Ends a process that was started as the leader of its group, and the group."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class Load:
    """A command of its own process group; use it with `with`."""

    def __init__(self, command, directory, environment=None, settle=0.0):
        self.command, self.directory, self.settle = command, directory, settle
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=self.directory, env=self.environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, process_group=0,
                                        preexec_fn=die_with_parent)
        try:
            time.sleep(self.settle)
        except BaseException:
            self.stop()
            raise
        if self.process.poll() is not None:
            raise BenchError("the load '%s' ended at once with %d" % (" ".join(self.command[:3]),
                                                                       self.process.returncode))
        return self

    def __exit__(self, *unused):
        self.stop()

    def check(self):
        """What was measured after the load had ended was measured without it."""
        code = self.process.poll()
        if code is not None:
            raise BenchError("the load '%s' ended (code %d) before the measurement did" % (
                " ".join(self.command[:3]), code))

    def stop(self):
        if self.process is not None:
            end_group(self.process)
            self.process = None


def host_load(directory, seconds):
    return Load(HOST_LOAD + ["--quiet", "--timeout", "%ds" % seconds], directory, settle=1.0)


def disk_load(directory, disk, cache, seconds):
    direct = "direct" if cache == "none" else "fullblock"
    return Load(["sh", "-c", DISK_LOAD], directory, {"disk": disk, "direct": direct, "limit": str(seconds)})


def make_disk(path, megabytes=256):
    """A file whose blocks are all there. Returns QEMU's cache mode: the host's cache is passed by
    where the file system can do that."""
    block = bytes(2**20)
    try:
        with open(path, "wb") as file:
            for _ in range(megabytes):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BenchError("cannot write %d MB to %s: %s" % (megabytes, path, error.strerror)) from error
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC))
        return "none"
    except OSError:
        return "writeback"
