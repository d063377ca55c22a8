#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""QEMU's own tests of what the patches change, and what they change of what QEMU offers."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import rtlib
from taplib import Skip, environment, expect, main

QEMU_FOLDER = rtlib.TOP / "qemu"
PATIENCE = 600  # s; none takes more than one minute on an idle machine


def own_test(name):
    def test():
        rtlib.need_qemu()
        program = rtlib.BUILD / "tests" / name
        if not program.exists():
            raise Skip(f"not built: ./dev qemu --tests {rtlib.SERIES}")
        done = subprocess.run([str(program), "--tap", "-k"], cwd=rtlib.BUILD, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=PATIENCE, check=False,
                              env=environment(None, preload=False, QTEST_QEMU_BINARY="./qemu-system-x86_64",
                                              G_TEST_SRCDIR=str(rtlib.BUILD / "tests" / pathlib.Path(name).parent),
                                              G_TEST_BUILDDIR=str(rtlib.BUILD / "tests" / pathlib.Path(name).parent)))
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    test.__name__ = name.replace("/", ": ")
    return test


def each_patch_applies_in_both_ways():
    """By git am and by patch, on nothing but the lines that they name."""
    rtlib.need_qemu()
    patches = sorted((QEMU_FOLDER / "patches" / rtlib.SERIES).glob("*.patch"))
    names = sorted({name for patch in patches for name in re.findall(r"^\+\+\+ b/(.*)$", patch.read_text(), re.M)})
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
            shutil.copy(rtlib.FOLDER / "source" / name, os.path.join(folder, name))
        changed = read_all(folder, names)
        for patch in reversed(patches):
            call("patch", "-R", "-p1", "-s", "--fuzz=0", "-d", folder, "-i", str(patch))
        git = ["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "stock"], ["am", "-q", *map(str, patches)]):
            call(*git, *words)
        expect(read_all(folder, names), changed, "by git am")


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def read_all(folder, names):
    return {name: pathlib.Path(folder, name).read_bytes() for name in names}


def the_schema_is_the_stock_one_but_for_ours():
    """QEMU's generator of what query-qmp-schema answers, with the types' names, on both schemas."""
    rtlib.need_qemu()
    source = rtlib.FOLDER / "source"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(source / "qapi", f"{folder}/qapi")
        ours = introspect(source, folder)
        patch = (QEMU_FOLDER / "patches" / rtlib.SERIES).glob("0001*.patch")
        call("git", "-C", folder, "apply", "-R", "--include=qapi/*", *map(str, patch))
        stock = introspect(source, folder)
    lines, ours = stock.splitlines(), ours.splitlines()
    missing = [line for line in lines if line not in ours]
    expect(missing, [], "the stock schema's lines that are gone")
    assert any("query-rt" in line for line in ours) and not any("query-rt" in line for line in lines)


def introspect(source, folder):
    call("python3", str(source / "scripts/qapi-gen.py"), "-u", "-o", folder, f"{folder}/qapi/qapi-schema.json")
    return pathlib.Path(folder, "qapi-introspect.c").read_text()


def own_names():
    return [line for line in (QEMU_FOLDER / "own-tests").read_text().splitlines() if line and line[0] != "#"]


if __name__ == "__main__":
    main([each_patch_applies_in_both_ways, the_schema_is_the_stock_one_but_for_ours, *map(own_test, own_names())])
