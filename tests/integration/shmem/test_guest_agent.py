#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The agent in a real guest: a device without an id, and a driver without interrupts."""

import glob
import os
import subprocess

from guest import PATIENCE, Guest
from tool import Peer, Place, Server, Skip, check, check_equal, main, wait_for

from demoguest import IMAGE  # tool.py says where

MODULES = ["uio", "uio_pci_generic"]


def serve(place):
    return Server(place, "--no-keep", "--file", "mem", "--size", "2M", "--layout", "s,id=0", "s1,id=1,name=vm1")


def state(place):
    said = next((client["state"] for client in place.ls()["clients"] if client["id"] == 1), None)
    return said["name"] if said else None


def ping(place):
    """The host's question is taken."""
    check_equal(place.call("send", "s", "--to", "1", "--type", "1", "--wait", str(PATIENCE), "12345678"), (0, "", ""), "a ping")


def run_agent(guest, words=""):
    guest.tell("mkdir -p /run; (qrt-guest-agent %s run >/tmp/said 2>&1 &)" % words)


def a_device_without_an_id():
    """ivshmem-plain: nobody is taken for peer 0; who says which one it is takes part, and polls."""
    with Place() as place:
        serve(place)
        with Peer(place.file("s1")):
            memory = "memory-backend-file,id=m,share=on,mem-path=%s,size=2M" % place.file("mem")
            guest = Guest(place, "g", device=["-object", memory, "-device", "ivshmem-plain,memdev=m"]).boot()
            answer = guest.tell("qrt-guest-agent --host 7 run 2>&1; echo code $?")
            check("say it with --slot" in answer, answer)
            run_agent(guest, "--slot 1")
            wait_for("a guest that is ready", lambda: state(place) == "ready", PATIENCE)
            ping(place)
            guest.end()


def read_modules():
    packages = glob.glob(os.path.join(IMAGE, "packages", "linux-image-*.deb"))
    if not packages:
        raise Skip("the demo guest's packages are not there: guest/build downloads them")
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", packages[0]], stdout=subprocess.PIPE, check=True).stdout
    for name in MODULES:
        done = subprocess.run(["tar", "-xO", "--wildcards", "*/drivers/uio/%s.ko" % name], input=tar, stdout=subprocess.PIPE, check=True)
        yield name + ".ko", done.stdout


def a_driver_without_interrupts():
    """Linux's uio_pci_generic knows INTx alone, which the device has not: the agent looks by itself."""
    with Place() as place:
        serve(place)
        guest = Guest(place, "g", path="s1", more=list(read_modules())).boot()
        for name in MODULES:
            check_equal(guest.tell("insmod /%s.ko 2>&1" % name), "", "the module " + name)
        guest.tell("echo 1af4 1110 >/sys/bus/pci/drivers/uio_pci_generic/new_id")
        check_equal(guest.tell("ls $device/uio /dev/uio0 | tr '\\n' ' '").split()[0], "/dev/uio0", "the driver's file")
        run_agent(guest, "--interval 60000")
        wait_for("a guest that is ready", lambda: state(place) == "ready", PATIENCE)
        ping(place)
        check_equal(guest.tell("cat /tmp/said"), "", "what the agent said")
        guest.end()


main([("a device without an id", a_device_without_an_id),
      ("a driver without interrupts", a_driver_without_interrupts)])
