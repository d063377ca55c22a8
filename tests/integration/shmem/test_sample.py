#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our server and the sample of QEMU's source tell the same clients the same, byte for byte."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TOP / "tests/integration/preload"), str(TOP / "tests/lib")]

# pylint: disable=wrong-import-position
import taplib
from proc import is_listening
from recorder import Client
from taplib import Skip, expect

BUILD = pathlib.Path(os.environ.get("QRT_BUILD", TOP / "build/release"))
OURS = BUILD / "libqrt-shmem/tools/qrt-shmem"
SAMPLE = TOP / "build/qemu" / os.environ.get("QRT_TEST_QEMU_SERIES", "7.2") / "build/contrib/ivshmem-server/ivshmem-server"
VECTORS = 2
QUIET = 0.3  # seconds without a word: that was all


def ours(folder):
    return [str(OURS), "serve", "--no-keep", "--size", "1M", f"{folder}/socket,vectors={VECTORS}"]


def sample(folder):
    return [str(SAMPLE), "-F", "-S", f"{folder}/socket", "-p", f"{folder}/pid", "-m", folder, "-l", "1M", "-n", str(VECTORS)]


def wait_told(clients, gone):
    """Each knows all vectors of all; where one left, of that it was told last."""
    for client in clients.values():
        client.wait_for(lambda one: len(one.told) > 1, "its id")
    ids = [client.id for client in clients.values()]
    for client in clients.values():
        if gone is None:
            client.wait_for(lambda one: all(len(one.vectors(number)) == VECTORS for number in ids), "all of all")
        else:
            client.wait_for(lambda one: one.told[-1] == (gone, None), "who left")


def joins_and_leaves(path):
    """What each of the clients was told, in text."""
    texts, clients = {}, {}
    for step in "+a +b +c -b +d -a +e +f -d -c +g".split():
        name, gone = step[1], None
        if step[0] == "+":
            clients[name] = Client(path)
        else:
            texts[name], gone = clients[name].text(), clients[name].id
            clients.pop(name).close()
        wait_told(clients, gone)
        for client in clients.values():
            client.read_for(QUIET)
    for name, client in clients.items():
        texts[name] = client.text()
        client.close()
    return texts


def told_by(command):
    with tempfile.TemporaryDirectory() as folder:
        words = command(folder)
        if not os.access(words[0], os.X_OK):
            raise Skip(f"there is no {words[0]}: ./dev qemu --tests makes the sample")
        server = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 60
            while not is_listening(f"{folder}/socket"):
                assert time.monotonic() < end and server.poll() is None, "the server did not begin"
                time.sleep(0.05)
            return joins_and_leaves(f"{folder}/socket")
        finally:
            server.kill()
            server.wait()


def ours_says_what_the_sample_says():
    theirs = told_by(sample)
    expect(told_by(ours), theirs)
    expect(theirs["g"].split()[:3], ["0", "6", "-1+"])


if __name__ == "__main__":
    taplib.main([ours_says_what_the_sample_says])
