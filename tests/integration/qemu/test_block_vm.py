#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""driver=qrt in a VM, by its monitor: nodes come, change, move, are mirrored and backed up, and mind who has an image."""
import json
import os

import blocklib
import taplib
from blocklib import MIB, Vm, qemu_io, run, wait_for
from taplib import expect, main


def a_node_is_changed_while_it_is_open():
    with Vm() as vm:
        path = vm.make("disk")
        node = {"driver": "qrt", "node-name": "d", "filename": str(path)}
        vm.call("blockdev-add", **node, engine="threads", workers=2)
        vm.check("d", "write -P 1 0 4M")
        for engine, direct in blocklib.for_each_engine(path):
            changed = {**node, "engine": engine, "priority": "urgent", "workers": 3, "cache": {"direct": direct}}
            vm.io("d", "aio_write -P 2 4M 1M", "aio_write -P 3 6M 2M")
            vm.call("blockdev-reopen", options=[changed])
            vm.check("d", "read -P 1 0 4M", "read -P 2 4M 1M", "read -P 3 6M 2M", "write -P 4 5M 1M", "flush")
            expect(vm.node("d")["cache"]["direct"], direct)
        vm.call("blockdev-reopen", options=[{**node, "read-only": True, "priority": "low"}])
        vm.check("d", "read -P 4 5M 1M")
        assert vm.node("d")["ro"]
        vm.call("blockdev-reopen", options=[node])
        vm.check("d", "write -P 5 5M 1M")
        vm.make("other")
        vm.refuse("blockdev-reopen", "filename", options=[{**node, "filename": str(vm.path("other"))}])
        vm.refuse("blockdev-reopen", "at most 64 workers", options=[{**node, "workers": 65}])
        vm.check("d", "read -P 5 5M 1M")
        vm.call("blockdev-del", **{"node-name": "d"})
        qemu_io(str(path), "read -P 1 0 4M", "read -P 2 4M 1M", "read -P 5 5M 1M", "read -P 3 6M 2M")


def a_node_moves_between_threads():
    with Vm() as vm:
        path = vm.make("disk")
        for engine, direct in blocklib.for_each_engine(path):
            vm.add("d", path, engine=engine, cache={"direct": direct})
            for turn, thread in enumerate(["io0", "io1", None, "io1", "io0", None] * 2):
                vm.check("d", f"write -P {turn + 1} 0 1M", f"write -P {turn + 1} 2M 3M")
                vm.call("x-blockdev-set-iothread", **{"node-name": "d", "iothread": thread})
                vm.check("d", f"read -P {turn + 1} 0 1M", f"read -P {turn + 1} 2M 3M", f"write -P {turn + 1} 8M 64k", "flush")
            vm.call("blockdev-del", **{"node-name": "d"})


def a_node_in_a_thread_is_changed_and_closed():
    """Its queue is that thread's, who may be about to look at it."""
    with Vm() as vm:
        path = vm.make("disk")
        node = {"driver": "qrt", "node-name": "d", "filename": str(path)}
        for turn in range(12):
            vm.call("blockdev-add", **node)
            vm.call("x-blockdev-set-iothread", **{"node-name": "d", "iothread": "io0"})
            vm.check("d", f"write -P {turn + 1} 0 1M")
            vm.call("blockdev-reopen", options=[{**node, "engine": "threads", "workers": 1 + turn % 3}])
            vm.check("d", f"read -P {turn + 1} 0 1M")
            vm.call("blockdev-del", **{"node-name": "d"})
        # As many descriptors as before: nothing stays open.
        wait_for("the image to be closed", lambda: not has_open(vm, path))


def has_open(vm, path):
    folder = f"/proc/{vm.process.pid}/fd"
    return any(os.readlink(f"{folder}/{fd}") == str(path) for fd in os.listdir(folder) if os.path.islink(f"{folder}/{fd}"))


def disk_of(vm, name, node, **more):
    vm.call("device_add", driver="scsi-hd", id=name, drive=node, **more)


def memory_of(vm):
    """Bytes of address space: what -overcommit mem-lock=on would lock."""
    with open(f"/proc/{vm.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def its_workers_need_little_memory():
    with Vm() as vm:
        before = memory_of(vm)
        vm.add("d", vm.make("disk"), engine="threads", workers=64)
        vm.check("d", "write -P 1 0 1M")
        grown = memory_of(vm) - before
        assert grown < 128 * MIB, f"{grown >> 20} MiB"


def an_image_of_somebody_else_is_left_alone():
    with Vm() as vm, Vm() as other:
        path = vm.make("disk")
        qrt_io = blocklib.rtlib.TOP / "build/release/libqrt-block/tools/qrt-io"
        vm.add("d", path)
        disk_of(vm, "disk", "d")
        other.add("d", path)
        other.refuse("device_add", "lock", driver="scsi-hd", id="disk", drive="d")
        for what in (str(path), blocklib.image(path)):
            code, out = run("qemu-io", "-c", "write 0 4k", what, good=False)
            assert code and "lock" in out, out
        run("qemu-img", "info", "-U", path)
        if qrt_io.exists():
            done = blocklib.subprocess.run([str(qrt_io), "-c", "length", str(path)], capture_output=True, text=True, timeout=60,
                                           check=False)
            assert done.returncode and "another process" in done.stderr, done
        vm.call("device_del", id="disk")
        wait_for("the image to be free", lambda: run("qemu-io", "-c", "write -P 7 0 4k", path, good=False)[0] == 0)
        disk_of(other, "disk", "d")
        vm.refuse("device_add", "lock", driver="scsi-hd", id="disk", drive="d")
        other.check("-d disk", "read -P 7 0 4k")


def images_are_shared_by_those_who_say_so():
    with Vm() as vm, Vm() as other:
        path = vm.make("disk")
        for one in (vm, other):
            one.add("d", path)
            disk_of(one, "disk", "d", **{"share-rw": True})


def a_change_keeps_the_locks():
    with Vm() as vm:
        path = vm.make("disk")
        node = {"driver": "qrt", "node-name": "d", "filename": str(path)}
        vm.call("blockdev-add", **node)
        disk_of(vm, "disk", "d")
        for workers in (1, 2, 3):
            vm.call("blockdev-reopen", options=[{**node, "engine": "threads", "workers": workers}])
            code, out = run("qemu-io", "-c", "write 0 4k", path, good=False)
            assert code and "lock" in out, out
        vm.refuse("blockdev-reopen", options=[{**node, "read-only": True}])
        assert run("qemu-io", "-c", "write 0 4k", path, good=False)[0]


def a_disk_is_mirrored_and_backed_up():
    with Vm() as vm:
        source = vm.make("source")
        vm.add("s", source)
        disk_of(vm, "disk", "s")
        vm.check("-d disk", "write -P 1 0 4M", "write -P 2 10M 1M")
        for name in ("mirror", "backup"):
            vm.add(name, vm.make(name))
        vm.call("blockdev-backup", **{"job-id": "b", "device": "s", "target": "backup", "sync": "full", "auto-dismiss": False})
        vm.io("-d disk", "aio_write -P 3 2M 1M")
        expect(vm.wait_job("b"), "concluded")
        assert "warning" not in vm.said(), vm.said()
        vm.call("blockdev-mirror", **{"job-id": "m", "device": "s", "target": "mirror", "sync": "full", "auto-dismiss": False})
        vm.wait_job("m")
        vm.check("-d disk", "write -P 4 12M 1M", "flush")
        vm.call("job-complete", id="m")
        wait_for("the mirror's end", lambda: vm.wait_job("m") == "concluded")
        vm.check("-d disk", "read -P 1 0 2M", "read -P 4 12M 1M", "write -P 5 0 64k", "flush")
        vm.call("device_del", id="disk")
        wait_for("the images to be free", lambda: run("qemu-io", "-c", "length", vm.path("mirror"), good=False)[0] == 0)
        qemu_io(str(vm.path("mirror")), "read -P 5 0 64k", "read -P 1 64k 1984k", "read -P 3 2M 1M", "read -P 2 10M 1M",
                "read -P 4 12M 1M")
        qemu_io(str(vm.path("backup")), "read -P 1 0 4M", "read -P 2 10M 1M", "read -P 0 12M 1M")


def overlays_are_committed():
    with Vm() as vm:
        base, top = vm.path("base"), vm.path("top")
        run("qemu-img", "create", "-q", "-f", "qcow2", base, "16M")
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, top)
        qemu_io(str(base), "write -P 1 0 4M")
        for name, more in (("base", {"read-only": True, "backing": None}), ("top", {"backing": "base"})):
            vm.call("blockdev-add", driver="qcow2", **{"node-name": name, "file": {"driver": "qrt", "filename": str(vm.path(name))},
                                                       **more})
        disk_of(vm, "disk", "top")
        vm.check("-d disk", "write -P 2 1M 1M", "write -P 3 8M 2M")
        vm.call("block-commit", **{"job-id": "c", "device": "top", "auto-dismiss": False})
        vm.wait_job("c")
        vm.call("job-complete", id="c")
        wait_for("the commit's end", lambda: vm.wait_job("c") == "concluded")
        vm.call("device_del", id="disk")
        vm.call("quit")
        vm.process.wait(blocklib.PATIENCE)
        run("qemu-img", "check", base)
        qemu_io(str(base), "read -P 1 0 1M", "read -P 2 1M 1M", "read -P 1 2M 2M", "read -P 3 8M 2M")


def a_disk_is_resized_while_it_is_used():
    with Vm() as vm:
        path = vm.make("disk")
        vm.add("d", path)
        disk_of(vm, "disk", "d")
        for size in (32 * MIB, 24 * MIB):
            vm.call("block_resize", **{"node-name": "d", "size": size})
            expect((path.stat().st_size, vm.node("d")["image"]["virtual-size"]), (size, size))
            vm.check("-d disk", f"write -P 6 {size - 4096} 4k", f"read -P 6 {size - 4096} 4k")


def what_goes_wrong_is_said_and_nothing_else():
    """A file that somebody cut, behind the VM's back; then it is whole again."""
    with Vm() as vm:
        path = vm.make("disk")
        for engine, direct in blocklib.for_each_engine(path):
            vm.add("d", path, engine=engine, cache={"direct": direct})
            os.truncate(path, MIB)
            assert "Input/output error" in vm.io("d", "read 8M 4k"), vm.said()
            vm.check("d", "read 0 4k")
            os.truncate(path, 16 * MIB)
            vm.check("d", "read -P 0 8M 4k", "write -P 1 8M 4k", "read -P 1 8M 4k")
            vm.call("blockdev-del", **{"node-name": "d"})
            qemu_io(str(path), "write -z 8M 4k")


def its_workers_are_those_of_the_plan():
    with Vm("-name", "x,debug-threads=on", "-rt", "paio_sched=other paio_nice=3") as vm:
        vm.add("d", vm.make("disk"), engine="threads", workers=3)
        vm.check("d", "write 0 1M")

        def workers():
            tasks = [tid for tid, name in taplib.threads(vm.process.pid) if name == "worker"]
            return len([tid for tid in tasks if os.getpriority(os.PRIO_PROCESS, tid) == 3]) >= 3
        wait_for("three workers in their role", workers)


def what_is_asked_of_a_node_is_answered():
    with Vm() as vm:
        path = vm.make("disk")
        vm.add("d", path, engine="threads", priority="low", workers=2)
        node = vm.node("d")
        expect((node["drv"], node["file"], node["image"]["virtual-size"]), ("qrt", str(path), 16 * MIB), json.dumps(node))


if __name__ == "__main__":
    main([
        a_node_is_changed_while_it_is_open,
        a_node_moves_between_threads,
        a_node_in_a_thread_is_changed_and_closed,
        an_image_of_somebody_else_is_left_alone,
        images_are_shared_by_those_who_say_so,
        a_change_keeps_the_locks,
        a_disk_is_mirrored_and_backed_up,
        overlays_are_committed,
        a_disk_is_resized_while_it_is_used,
        what_goes_wrong_is_said_and_nothing_else,
        its_workers_are_those_of_the_plan,
        its_workers_need_little_memory,
        what_is_asked_of_a_node_is_answered,
    ])
