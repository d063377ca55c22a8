# SPDX-License-Identifier: MIT
"""The demo guest with an agent in it that does as it is told on its console."""

import os
import socket
import threading
import time

from tap import Skip, check
from vm import BUILD, wait_for

# pylint: disable=wrong-import-order,unused-import
from agentguest import BEGIN, READY, Slot, find_memory, make_image

IMAGE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "..", "build", "guest")
PUBLISHER = os.path.join(BUILD, "tests", "integration", "launcher", "launcher_publisher")
INTERVAL = 100  # ms between two beats

# A line on the console is what it does next.
INIT = BEGIN + """stty -echo
run() { qrt-guest-agent $options --state ${1:-ready} --interval %d run & agent=$!; }
case $(cat /proc/cmdline) in *agent=no*) ;; *) run ;; esac
echo "AGENT waits"
while read -r line; do
	case $line in
	kill) kill -9 $agent ;;
	end) kill $agent ;;
	run) run ;;
	begin) run booting ;;
	reboot) reboot -f ;;
	"do "*) eval "${line#do }" ;;
	press) renice -n -20 -p $$; for i in $(seq 40); do (while :; do :; done) & done ;;
	options=*) options=${line#*=} ;;
	load) (while :; do :; done) & ;;
	*) qrt-guest-agent say "$line" ;;
	esac
	echo "AGENT did $line"
done
""" % INTERVAL


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def make_guest(place, init=INIT, more=()):
    """With that as its first process."""
    if not os.path.exists(os.path.join(IMAGE, "vmlinuz")):
        raise Skip("there is no demo guest: guest/build makes it")
    make_image(os.path.join(IMAGE, "initramfs.gz"), BUILD, init, place.file("initramfs"), more)


def arguments(place, words=""):
    """QEMU's, besides those of every VM."""
    make_guest(place, more=[("bin/publish", read_bytes(PUBLISHER))])
    return ["-m", "256", "-serial", "unix:%s,server=on,wait=off" % place.file("console"), "-kernel",
            os.path.join(IMAGE, "vmlinuz"), "-initrd", place.file("initramfs"), "-append",
            "console=ttyS0 panic=-1 quiet rdinit=/agent-init " + words]


class Console:
    """What the guest prints, and what it is told."""

    def __init__(self, place, name="console"):
        def look():
            try:
                self.socket.connect(place.file(name))
            except OSError:
                return False
            return True
        self.socket = socket.socket(socket.AF_UNIX)
        wait_for("the console", look)
        self.text = ""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while data := self.socket.recv(4096):
            self.text += data.decode(errors="replace").replace("\r", "")

    def tell(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def wait(self, line, count=1):
        wait_for("%r of the guest" % line, lambda: self.text.count(line) >= count)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Follower(threading.Thread):
    """How long after the guest said it is in another state a thread of the VM has another policy."""

    def __init__(self, slot, tid):
        super().__init__(daemon=True)
        self.slot, self.tid, self.delays, self.is_over = slot, tid, [], False

    def run(self):
        """The policy is read first: whoever sees that it has changed sees why."""
        said, policy, since, looked = self.slot.read(), os.sched_getscheduler(self.tid), None, time.monotonic()
        while not self.is_over:
            actual, now = os.sched_getscheduler(self.tid), self.slot.read()
            if (now == READY) != (said == READY):
                since = looked  # at the earliest
            said, looked = now, time.monotonic()
            if actual != policy and since:
                self.delays.append((looked - since) * 1000)
                since = None
            policy = actual
            time.sleep(0.0005)

    def end(self):
        self.is_over = True
        self.join()
        check(self.delays, "no thread followed the guest")
        return self.delays
