#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo guest, a PREEMPT_RT Linux, in a QEMU with -rt: it boots, measures, and powers off."""
import json
import subprocess
import tempfile

import rtlib
from qemu_vm import GUEST, HOUSE
from taplib import Skip, environment, expect, main, need_realtime

GUEST_FOLDER = rtlib.TOP / "build/guest"
PATIENCE = 300  # s for what takes a quarter of a minute


def boot(*plan, append="", extra=()):
    rtlib.need_qemu()
    need_realtime()
    if not (GUEST_FOLDER / "vmlinuz").exists():
        raise Skip("there is no demo guest: guest/build makes it")
    command = [str(rtlib.QEMU), *rtlib.as_options(plan), "-m", "256", "-smp", "1", "-nodefaults", "-display", "none",
               "-no-reboot", "-accel", "tcg,thread=multi", "-serial", "stdio", "-kernel", str(GUEST_FOLDER / "vmlinuz"),
               "-initrd", str(GUEST_FOLDER / "initramfs.gz"), "-append", f"console=ttyS0 panic=-1 qrt.seconds=5 {append}", *extra]
    done = subprocess.run(command, env=environment(None, preload=False), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=PATIENCE, check=False)
    expect(done.returncode, 0, done.stdout[-2000:] + done.stderr)
    out = done.stdout.replace("\r", "")
    assert "QRT off" in out and "QRT fault" not in out, out[-2000:]
    measured = json.loads(out.partition("QRT begin")[2].partition("\n")[2].partition("QRT end")[0])
    cycles = measured["thread"]["0"]["cycles"]
    assert cycles > 500, f"{cycles} cycles in 5 s of 1 ms each"


def with_roles():
    boot("vcpu_sched=fifo", "vcpu_prio=10", f"vcpu_bias={GUEST}", "main_sched=fifo", "main_prio=12", f"main_bias={HOUSE}",
         "mlock=onfault", "advance=200")


def with_maxprio():
    boot("maxprio=12,policy=rr", "mlock=onfault")


def with_quanta():
    boot(f"vcpu_sched=rr vcpu_prio=5 vcpu_nice=19 vcpu_bias={GUEST}")


def with_a_disk_by_libqrt_block():
    """The guest reads and writes in parallel: the odd ones of eight stripes of 4 MiB become zeroes."""
    stripe = 4 << 20
    with tempfile.NamedTemporaryFile(dir=rtlib.TOP / "build") as disk:
        for _ in range(8):
            disk.write(b"\x5a" * stripe)
        disk.flush()
        boot("paio_sched=fifo paio_prio=11", append="qrt.load=disk qrt.seconds=5",
             extra=("-object", "iothread,id=io0", "-blockdev", f"driver=qrt,node-name=d,filename={disk.name},cache.direct=on",
                    "-device", "virtio-blk-pci,drive=d,iothread=io0"))
        disk.seek(0)
        found = [set(disk.read(stripe)) for _ in range(8)]
    expect(found[2::2], [{0x5a}] * 3)
    assert 0 in found[1], found[1]
    assert all(one <= {0, 0x5a} for one in found), found


if __name__ == "__main__":
    main([with_roles, with_maxprio, with_quanta, with_a_disk_by_libqrt_block])
