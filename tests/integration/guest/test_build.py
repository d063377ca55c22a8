#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""guest/build: what it makes, and how it fails and goes on without a network, space or luck. Prints TAP."""

import contextlib
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.join(HERE, "..", "..", "..")
sys.path.append(os.path.join(HERE, "..", "launcher"))

# pylint: disable=wrong-import-position
from tap import Skip, check, check_equal, main
from mirror import KERNEL, Mirror, read_bytes, write

PATIENCE = 60  # s for what takes a second
IMAGE = ["initramfs.gz", "key", "lock", "packages", "packages.list", "vmlinuz"]
PACKAGES = 5


class Guest:
    """A copy of guest/, what it makes, and where it gets it from."""

    def __init__(self, folder):
        self.mirror = Mirror(os.path.join(folder, "mirror"))
        self.source, self.out = os.path.join(folder, "guest"), os.path.join(folder, "out")
        os.mkdir(self.source)
        for name in ("build", "init"):
            shutil.copy(os.path.join(TOP, "guest", name), self.source)

    def start(self, wrapper=()):
        return subprocess.Popen([*wrapper, os.path.join(self.source, "build"), self.out], env=self.mirror.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)

    def build(self, wrapper=()):
        """(exit code, output, errors)"""
        process = self.start(wrapper)
        try:
            out, errors = process.communicate(timeout=PATIENCE)
        except BaseException:
            self.kill(process)
            raise
        return process.returncode, out, errors

    def kill(self, process):
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def check_builds(self, version="1:1.0-1"):
        """A whole image of this version, and nothing else. Returns the errors."""
        code, _, errors = self.build()
        check_equal(code, 0, "exit code: " + errors)
        check_equal(sorted(os.listdir(self.out)), IMAGE, "files")
        check_equal(self.read("vmlinuz"), ("boot/vmlinuz-9.9 of %s\n" % version).encode(), "the kernel")
        initramfs = gzip.decompress(self.read("initramfs.gz"))
        for content in ("virtio_pci.ko\nvirtio_blk.ko\nvirtio_net.ko\n", "bin/busybox of " + version,
                        "libnuma.so.1 of " + version, "First process of the demo guest"):
            check(content.encode() in initramfs, "not in the initramfs: " + content)
        return errors

    def check_fails(self, *says, wrapper=()):
        code, _, errors = self.build(wrapper)
        check_equal(code, 1, "exit code: " + errors)
        for words in says:
            check(words in errors, "not said: %s: %s" % (words, errors))
        check(not os.path.exists(self.path("vmlinuz")), "half an image is left")
        check(not [name for name in os.listdir(self.out) if name.startswith("work")], "a work folder is left")

    def path(self, *words):
        return os.path.join(self.out, *words)

    def read(self, name):
        return read_bytes(self.path(name))

    def package(self, name=KERNEL, version="1:1.0-1"):
        return self.path("packages", "%s_%s_amd64.deb" % (name, version.replace(":", "%3a")))

    def downloads(self):
        return [call for call in self.mirror.calls() if " download " in call]


@contextlib.contextmanager
def make_guest():
    for tool in ("dpkg-deb", "cpio"):
        if not shutil.which(tool):
            raise Skip("%s is not installed" % tool)
    with tempfile.TemporaryDirectory(prefix="qrt-guest-") as folder:
        yield Guest(folder)


def need_root(why):
    if os.geteuid() != 0:
        raise Skip("needs root: " + why)


def damage(path):
    """Bytes in the middle are others; the size is as it was."""
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"\xff\0\xff\0")


def once():
    with make_guest() as guest:
        guest.check_builds()
        check_equal(len(guest.downloads()), PACKAGES, "downloads")
        check_equal(guest.build(), (0, "guest/build: %s is up to date\n" % guest.out, ""), "the second run")
        check_equal(guest.mirror.calls(), [], "calls of apt-get in the second run")


def changed_recipe():
    with make_guest() as guest:
        guest.check_builds()
        guest.mirror.calls()
        guest.mirror.become("gone")
        with open(os.path.join(guest.source, "init"), "a", encoding="utf-8") as file:
            file.write("# another one\n")
        guest.check_builds()
        check(b"# another one" in gzip.decompress(guest.read("initramfs.gz")), "the image has the old init")
        check_equal(guest.mirror.calls(), [], "calls of apt-get")


def newer_version():
    with make_guest() as guest:
        guest.check_builds()
        guest.mirror.publish("1:1.0-2")
        guest.mirror.update()
        guest.check_builds("1:1.0-2")


def unreachable():
    with make_guest() as guest:
        guest.mirror.become("gone")
        guest.check_fails("cannot download %s 1:1.0-1; is the Debian mirror reachable" % KERNEL)
        check_equal(os.listdir(guest.path("packages")), [], "packages")
        guest.mirror.become("")
        guest.check_builds()


def no_lists():
    with make_guest() as guest:
        guest.mirror.forget_lists()
        guest.mirror.become("gone")
        if os.geteuid() == 0:
            guest.check_fails("apt-get update failed: is the Debian mirror reachable?")
            guest.mirror.become("")
            guest.check_builds()
        else:
            guest.check_fails("run 'apt-get update' as root")


def stale_lists():
    need_root("who may update apt's lists")
    with make_guest() as guest:
        guest.mirror.publish("1:1.0-2")  # and 1.0-1 is gone
        guest.check_builds("1:1.0-2")


def newer_but_unreachable():
    with make_guest() as guest:
        guest.check_builds()
        before = guest.read("key")
        guest.mirror.publish("1:1.0-2")
        guest.mirror.update()
        guest.mirror.become("gone")
        check("packages of last time (%s 1:1.0-1)" % KERNEL in guest.check_builds(), "not said")
        check_equal(guest.read("key"), before, "the image's key")
        with open(os.path.join(guest.source, "init"), "a", encoding="utf-8") as file:
            file.write("# another one\n")
        guest.check_builds()
        check(b"# another one" in gzip.decompress(guest.read("initramfs.gz")), "the image has the old init")


def damaged_package():
    with make_guest() as guest:
        guest.check_builds()
        guest.downloads()
        os.unlink(guest.path("key"))
        damage(guest.package())
        check("%s is damaged; downloading it again" % guest.package() in guest.check_builds(), "not said")
        check_equal(len(guest.downloads()), 1, "downloads")


def damaged_and_unreachable():
    with make_guest() as guest:
        guest.check_builds()
        for name in ("key", "vmlinuz"):
            os.unlink(guest.path(name))
        with open(guest.package(), "r+b") as file:
            file.truncate(300)
        guest.mirror.become("gone")
        guest.check_fails("%s is damaged" % guest.package(), "is the Debian mirror reachable")


def garbage():
    with make_guest() as guest:
        guest.mirror.become("garbage")
        guest.check_fails("what came as %s 1:1.0-1 is damaged" % KERNEL)
        check_equal(os.listdir(guest.path("packages")), [], "packages")


def damaged_image():
    with make_guest() as guest:
        guest.check_builds()
        guest.mirror.become("gone")
        for name in ("vmlinuz", "initramfs.gz"):
            damage(guest.path(name))
            check("the image in %s is damaged" % guest.out in guest.check_builds(), "not said")
        os.unlink(guest.path("initramfs.gz"))
        guest.check_builds()


def wait_for(look, what):
    end = time.monotonic() + PATIENCE
    while not look():
        check(time.monotonic() < end, "not within %d s: %s" % (PATIENCE, what))
        time.sleep(0.01)


def killed_in_a_download():
    with make_guest() as guest:
        guest.mirror.become("hang")
        process = guest.start()
        try:
            wait_for(lambda: os.path.exists(guest.mirror.path("hanging")), "a download")
        finally:
            guest.kill(process)
        check_equal(os.listdir(guest.path("packages")), [], "packages")
        guest.mirror.become("")
        guest.check_builds()


def killed_at_any_moment():
    with make_guest() as guest:
        guest.check_builds()
        for delay in (0.01, 0.05, 0.1, 0.2, 0.3, 0.5):
            write(os.path.join(guest.source, "init"), "# First process of the demo guest, %g\n" % delay, 0o755)
            process = guest.start()
            time.sleep(delay)
            guest.kill(process)
            guest.check_builds()
            check(b"%g" % delay in gzip.decompress(guest.read("initramfs.gz")), "the image has the old init")


def two_at_once():
    with make_guest() as guest:
        guest.mirror.become("hang")
        first = guest.start()
        try:
            wait_for(lambda: os.path.exists(guest.mirror.path("hanging")), "a download")
            guest.mirror.become("")
            second = guest.start()
            try:
                check("another run is busy" in second.stderr.readline(), "the second run does not wait")
                guest.kill(first)
                _, errors = second.communicate(timeout=PATIENCE)
                check_equal(second.returncode, 0, "exit code of the second run: " + errors)
            finally:
                if second.poll() is None:
                    guest.kill(second)
        finally:
            if first.poll() is None:
                guest.kill(first)
        guest.check_builds()


# Becomes the command that follows, with a disk of this size at this place.
SMALL_DISK = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
              'mount -t tmpfs -o "size=$1" none "$2" && shift 2 && exec "$@"', "sh"]


def no_space():
    """Before anything is written, and where the space ends meanwhile."""
    need_root("to mount a small disk")
    with make_guest() as guest:
        os.mkdir(guest.out)
        wrapper = [*SMALL_DISK, "100m", guest.out]
        done = subprocess.run([*wrapper, "true"], stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise Skip("no mount namespace of its own here: " + done.stderr.strip())
        guest.check_fails("200 MB are needed", wrapper=wrapper)
        check_equal(guest.mirror.calls(), [], "calls of apt-get")
        guest.mirror.promise_space()
        for size in ("8k", "24k", "40k", "56k", "72k", "88k", "104k"):
            guest.check_fails("space", wrapper=[*SMALL_DISK, size, guest.out])


def unwritable():
    with make_guest() as guest:
        write(guest.out, "a file")
        code, _, errors = guest.build()
        check_equal(code, 1, "exit code")
        check("guest/build: cannot make %s/packages" % guest.out in errors, errors)


main([
    ("an image is made of packages, once", once),
    ("another init: a new image, without the network", changed_recipe),
    ("newer packages: a new image", newer_version),
    ("the mirror cannot be reached: the package is named, nothing is left", unreachable),
    ("no lists, and the mirror cannot be reached", no_lists),
    ("lists that are older than the mirror are updated", stale_lists),
    ("newer packages that cannot be had: the last ones serve, with the new init", newer_but_unreachable),
    ("a damaged package is downloaded again", damaged_package),
    ("a damaged package that cannot be had again is named", damaged_and_unreachable),
    ("what comes from the mirror damaged is not kept", garbage),
    ("a damaged image is made again", damaged_image),
    ("killed in a download: the next run finds its way", killed_in_a_download),
    ("killed at any moment: the next run finds its way", killed_at_any_moment),
    ("two at once: one waits for the other", two_at_once),
    ("no space: it is said, nothing is left", no_space),
    ("a place that is no folder", unwritable),
])
