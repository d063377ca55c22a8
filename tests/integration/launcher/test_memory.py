#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Guest memory of huge pages and on chosen nodes, for an unmodified QEMU."""

import contextlib
import mmap
import os
import re

from tap import Skip, check, check_equal, main
from vm import Monitor, Place, Vm, need_root, wait_for

POOL = "/sys/kernel/mm/hugepages/hugepages-2048kB/"
PAGES = 32  # 64 MiB: what a VM of these tests has
TS = ["-rt", "maxprio=2,policy=ts"]


def read_count(name):
    with open(POOL + name, encoding="ascii") as file:
        return int(file.read())


def count_unused():
    return read_count("free_hugepages") - read_count("resv_hugepages")


@contextlib.contextmanager
def reserved(count):
    """At least so many huge pages are free meanwhile."""
    need_root()
    if not os.path.isdir(POOL):
        raise Skip("this kernel has no huge pages of 2 MiB")
    before = read_count("nr_hugepages")
    try:
        set_pool(before + max(0, count - count_unused()))
        if count_unused() < count:
            raise Skip("this host has no memory for %d huge pages" % count)
        yield
    finally:
        set_pool(before)


def set_pool(count):
    with open(POOL + "nr_hugepages", "w", encoding="ascii") as file:
        file.write(str(count))


def read_words(pid):
    with open("/proc/%d/cmdline" % pid, encoding="utf-8") as file:
        return file.read().split("\0")


def read_huge(pid):
    """KiB of memory in huge pages."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return sum(int(kib) for kib in re.findall(r"^(?:Shared|Private)_Hugetlb: +(\d+)", file.read(), re.M))


def qmp_of(place):
    return ["-qmp", "unix:%s,server=on,wait=off" % place.file("qmp")]


def none_free():
    need_root()
    if not os.path.isdir(POOL):
        raise Skip("this kernel has no huge pages of 2 MiB")
    size = 2 * (count_unused() + 8)
    with Place() as place:
        code, _, errors = place.call("run", *TS, "-rt", "hugepages=2M", "--", "qemu-system-x86_64", "-nodefaults",
                                     "-display", "none", "-m", str(size))
        check_equal(code, 125, "exit code")
        faults = [line for line in errors.splitlines() if "fault: plan" in line]
        check_equal(len(faults), 1, "faults in " + errors)
        check("guest memory of %d MiB takes %d huge pages" % (size, size // 2) in faults[0], faults[0])
        check(re.search(r"sysctl -w vm.nr_hugepages=\d+$|echo \d+ > /sys/kernel/mm/hugepages/", faults[0]), faults[0])
        check_equal(os.listdir(place.run) if os.path.isdir(place.run) else [], [], "files left behind")


def helped():
    """What the error says is enough."""
    need_root()
    with Place() as place, reserved(0):
        size = 2 * (count_unused() + PAGES)
        arguments = ["run", *TS, "-rt", "hugepages=2M", "--", "qemu-system-x86_64", "-nodefaults", "-display", "none",
                     "-m", str(size)]
        _, _, errors = place.call(*arguments)
        found = re.search(r"vm.nr_hugepages=(\d+)", errors)
        if not found:
            raise Skip("huge pages of another size are this host's default")
        set_pool(int(found.group(1)))
        if count_unused() < size // 2:
            raise Skip("this host has no memory for so many huge pages")
        with Vm(place, [*TS, "-rt", "hugepages=2M"], ["-m", str(size)]) as vm:
            vm.wait_up()


def huge(run):
    def test():
        with reserved(PAGES), Place() as place:
            with Vm(place, [*TS, "-rt", "hugepages=2M", *run], qmp_of(place)) as vm:
                qemu = vm.wait_up()["qemu_pid"]
                check(read_huge(qemu) >= 65536, "KiB in huge pages: %d" % read_huge(qemu))
                with Monitor(place.file("qmp")) as monitor:
                    devices = monitor.call("query-memdev")
                    check_equal([(device["id"], device["size"], device["prealloc"]) for device in devices],
                                [("qrt-ram", 64 << 20, True)], "memory backends")
                    monitor.call("quit")
                check_equal(vm.wait_end(), 0, "exit code")
            wait_for("the pages are free again", lambda: count_unused() >= PAGES)
    return test


def own(arguments, option):
    """QEMU gets what the user gave, and nothing of ours."""
    def test():
        need_root()
        with Place() as place, Vm(place, [*TS, "-rt", "hugepages=2M"], arguments(place)) as vm:
            qemu = vm.wait_up()["qemu_pid"]
            check("qrt-ram" not in " ".join(read_words(qemu)), "memory of ours in %s" % read_words(qemu))
            said = [line for line in vm.output().splitlines() if "hugepages=2M is not applied" in line]
            check_equal(len(said), 1, "lines that say so in " + vm.output())
            check(option in said[0], said[0])
    return test


def own_path(place):
    return ["-mem-path", place.path]


def own_backend(_):
    return ["-object", "memory-backend-ram,id=mine,size=64M", "-machine", "memory-backend=mine"]


def shared_beside():
    """A backend that is for a device is not guest memory."""
    with reserved(PAGES), Place() as place:
        device = ["-object", "memory-backend-file,id=shm,size=1M,share=on,mem-path=" + place.file("shm"),
                  "-device", "ivshmem-plain,memdev=shm"]
        with Vm(place, [*TS, "-rt", "hugepages=2M"], device) as vm:
            check(read_huge(vm.wait_up()["qemu_pid"]) >= 65536, "guest memory is not in huge pages")
            check("not applied" not in vm.output(), vm.output())


def read_transparent(pid):
    """KiB of memory in transparent huge pages."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return int(re.search(r"^AnonHugePages: +(\d+)", file.read(), re.M).group(1))


def has_transparent():
    """Whether a mapping that asks for them gets any here and now."""
    memory = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    memory[:] = bytes(16 << 20)
    return read_transparent(os.getpid()) >= 8192


def transparent():
    need_root()
    if not has_transparent():
        raise Skip("this host gives no transparent huge pages now")
    with Place() as place, Vm(place, [*TS, "-rt", "hugepages=thp mlock=prefault"]) as vm:
        qemu = vm.wait_up()["qemu_pid"]
        check("qrt-ram" not in " ".join(read_words(qemu)), "memory of ours in %s" % read_words(qemu))
        wait_for("transparent huge pages", lambda: read_transparent(qemu) >= 8192, 10)


def read_policies(pid):
    with open("/proc/%d/numa_maps" % pid, encoding="utf-8", errors="replace") as file:
        return {line.split()[1] for line in file}


def bound(run):
    def test():
        need_root()
        if not os.path.exists("/proc/self/numa_maps"):
            raise Skip("this kernel knows of no nodes")
        with Place() as place, Vm(place, [*TS, "-rt", "numa=0", *run]) as vm:
            check_equal(read_policies(vm.wait_up()["qemu_pid"]), {"bind:0"}, "policies of QEMU's memory")
            check_equal(read_policies(vm.process.pid) & {"bind:0"}, set(), "policies of the launcher's memory")
    return test


def huge_and_bound():
    with reserved(PAGES), Place() as place:
        with Vm(place, [*TS, "-rt", "hugepages=2M numa=0", "--user", "nobody"]) as vm:
            qemu = vm.wait_up()["qemu_pid"]
            check(read_huge(qemu) >= 65536, "guest memory is not in huge pages")
            check_equal(read_policies(qemu), {"bind:0"}, "policies of QEMU's memory")


def no_such_node():
    need_root()
    with Place() as place:
        code, _, errors = place.call("run", *TS, "-rt", "numa=1000", "--", "qemu-system-x86_64", "-m", "64")
        check_equal(code, 125, "exit code")
        check("no memory on node 1000" in errors, errors)


main([
    ("hugepages=2M without any: one error that says how many and how", none_free),
    ("hugepages=2M: what the error says is enough", helped),
    ("hugepages=2M: guest memory is made of them, from the start to the end", huge([])),
    ("hugepages=2M: the same for another user's QEMU", huge(["--user", "nobody"])),
    ("hugepages=2M without preload: the same", huge(["--no-preload"])),
    ("hugepages=2M beside -mem-path: stays the user's, and that is said", own(own_path, "-mem-path")),
    ("hugepages=2M beside -machine memory-backend: the same", own(own_backend, "-machine memory-backend")),
    ("hugepages=2M beside a device's shared memory: guest memory is ours", shared_beside),
    ("hugepages=thp and mlock=prefault: they are there, and nothing is added to QEMU's arguments", transparent),
    ("numa=0: all of QEMU's memory, and nothing of the launcher's", bound([])),
    ("numa=0: the same for another user's QEMU", bound(["--user", "nobody"])),
    ("hugepages=2M and numa=0 together", huge_and_bound),
    ("numa of a node that is not there is refused", no_such_node),
])
