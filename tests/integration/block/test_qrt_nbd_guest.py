#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo guest with its root on a disk that a stock QEMU has from qrt-nbd."""

import glob
import gzip
import hashlib
import os
import re
import shutil
import subprocess

from image import Place, Skip, check, check_equal, main
from nbd_export import Export, need

from agentguest import BEGIN, archive  # image.py says where

IMAGE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "..", "build", "guest")
QEMU = "qemu-system-x86_64"
MODULES = ("crc32c_generic", "ext4")
SIZE = 64 << 20
WRITTEN = 8 << 20

# In the kernel's first root, which is memory: mounts the disk, and goes on there.
FIRST = BEGIN + """while read -r module; do insmod "/lib/qrt-modules/$module"; done </lib/qrt-modules/order
while read -r module; do insmod "/lib/disk-modules/$module"; done </lib/disk-modules/order
while ! [ -b /dev/vda ]; do usleep 100000; done
mkdir /disk
mount -t ext4 /dev/vda /disk
umount /proc /sys
exec switch_root /disk /start
"""

# On the disk: content that is on its way to it and back, then the demo guest's own first process.
START = BEGIN + """echo "DISK $(grep ' / ' /proc/mounts | tail -n 1)"
dd if=/dev/urandom of=/content bs=64k count=%d 2>/dev/null
echo "DISK wrote $(sha256sum </content)"
sync
echo 3 >/proc/sys/vm/drop_caches
echo "DISK read $(sha256sum </content)"
umount /sys /proc
exec /init
""" % (WRITTEN // 65536)


def sbin(program):
    """Where administrators' programs are, they may not be in a user's path."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Skip("no %s here" % program)
    return found


def unpack_modules(place):
    """Those of a filesystem, of the guest's own kernel: {name: file}."""
    packages = glob.glob(os.path.join(IMAGE, "packages", "linux-image-*.deb"))
    check(packages, "the guest's kernel package is not in %s" % IMAGE)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", max(packages, key=os.path.getmtime)], stdout=subprocess.PIPE) as package:
        subprocess.run(["tar", "-x", "-C", place.path, "--wildcards", "./lib/modules/*/kernel/fs/mbcache.ko",
                        *("./lib/modules/*/kernel/%s/*" % folder for folder in ("fs/ext4", "fs/jbd2", "crypto", "lib"))],
                       stdin=package.stdout, timeout=240, check=True)
    return {os.path.basename(path)[:-len(".ko")].replace("-", "_"): path
            for path in glob.glob(place.file("lib/modules/*/kernel/**/*.ko"), recursive=True)}


def in_order(names, files):
    """Each behind those that it needs."""
    order = []
    for name in names:
        if name not in files:  # the kernel has it in itself
            continue
        done = subprocess.run([sbin("modinfo"), "-F", "depends", files[name]], capture_output=True, text=True, timeout=60,
                              check=True)
        needed = [word.replace("-", "_") for word in done.stdout.strip().split(",") if word]
        order += [one for one in [*in_order(needed, files), name] if one not in order]
    return order


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def make_first_root(place):
    files = unpack_modules(place)
    order = in_order(MODULES, files)
    check("ext4" in order, "the kernel package has no ext4")
    content = [("init-disk", 0o100755, FIRST.encode()), ("lib/disk-modules", 0o40755, b""),
               ("lib/disk-modules/order", 0o100644, "".join(name + ".ko\n" for name in order).encode()),
               *(("lib/disk-modules/%s.ko" % name, 0o100644, read_bytes(files[name])) for name in order)]
    base = read_bytes(os.path.join(IMAGE, "initramfs.gz"))
    with open(place.file("initramfs"), "wb") as out:
        out.write(base + bytes(-len(base) % 4) + gzip.compress(archive(content), 1))


def make_disk(place):
    """What is in the guest's own archive, as a filesystem."""
    root = place.file("root")
    os.mkdir(root)
    with gzip.open(os.path.join(IMAGE, "initramfs.gz")) as packed:
        subprocess.run(["cpio", "-idm", "--quiet", "--no-absolute-filenames"], cwd=root, input=packed.read(), timeout=120,
                       check=True)
    # What the first root has loaded cannot be loaded again.
    with open(os.path.join(root, "lib", "qrt-modules", "order"), "w", encoding="ascii"):
        pass
    with open(os.path.join(root, "start"), "w", encoding="ascii") as start:
        start.write(START)
    os.chmod(os.path.join(root, "start"), 0o755)
    place.run(sbin("mke2fs"), "-q", "-t", "ext4", "-d", "root", "disk", "%dk" % (SIZE >> 10), code=0)


def boot(place, export, words):
    """What the guest said until it was off."""
    with open(place.file("console"), "wb") as console:
        qemu = subprocess.Popen(
            [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-m", "256", "-accel", "tcg,thread=multi",
             "-no-reboot", "-serial", "stdio", "-kernel", os.path.join(IMAGE, "vmlinuz"), "-initrd", place.file("initramfs"),
             "-append", "console=ttyS0 panic=-1 quiet rdinit=/init-disk qrt.seconds=1",
             "-drive", "file=nbd:unix:%s,format=raw,if=virtio" % export.path],
            stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.PIPE, text=True)
        try:
            errors = qemu.communicate(timeout=300)[1]
        finally:
            qemu.kill()
            qemu.wait()
    text = read_bytes(place.file("console")).decode(errors="replace").replace("\r", "")
    check_equal(qemu.returncode, 0, "%s: QEMU ends well: %s\n%s" % (words, errors, text))
    return text


def check_disk(place, written):
    """The filesystem is whole, and what the guest wrote is in it."""
    code, out, errors = place.run(sbin("e2fsck"), "-fy", "disk")
    check(code in (0, 1), "the journal is played back, and all is well: %d: %s%s" % (code, out, errors))
    check_equal(place.run(sbin("e2fsck"), "-fn", "disk")[0], 0, "nothing is left to mend")
    place.run(sbin("debugfs"), "-R", "dump /content content", "disk", code=0)
    content = place.bytes_of("content")
    check_equal((len(content), hashlib.sha256(content).hexdigest()), (WRITTEN, written), "what the guest wrote")


def test_boot():
    need(QEMU, "cpio", "dpkg-deb")
    if not os.path.exists(os.path.join(IMAGE, "vmlinuz")):
        raise Skip("there is no demo guest: guest/build makes it")
    with Place() as place:
        make_first_root(place)
        for words in ((), ("engine=io_uring", "cache=none", "priority=urgent")):
            make_disk(place)
            with Export(place, "disk", *words) as export:
                text = boot(place, export, words)
                check_equal(export.errors(), [], words)
            check("DISK /dev/vda / ext4 rw" in text, text)
            sums = re.findall(r"DISK (wrote|read) ([0-9a-f]{64})", text)
            check([what for what, _ in sums] == ["wrote", "read"] and sums[0][1] == sums[1][1], text)
            for line in ("QRT ready", "QRT stop code=0", "QRT end", "QRT off"):
                check(line in text, "%r: %s" % (line, text))
            check("QRT fault" not in text, text)
            check_disk(place, sums[0][1])
            shutil.rmtree(place.file("root"))
            os.unlink(place.file("disk"))


main([("the demo guest boots from it, measures, and what it wrote is there", test_boot)])
