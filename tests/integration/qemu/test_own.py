#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""QEMU's own tests of what the patches change, and what they change of what QEMU offers."""
import difflib
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
# Our commands, and the types that they take and give.
OURS = {"query-rt", "rt-set", "RtInfo", "RtThread", "[RtThread]", "q_obj_rt-set-arg",
        "BlockdevOptionsQrt", "BlockdevQrtEngine", "BlockdevQrtPriority"}
# One of them, from its condition to the end of it.
OUR_BLOCK = re.compile(r"^#if defined\((CONFIG_QRT_\w+)\)\n(.*?)^#endif /\* defined\(\1\) \*/\n", re.M | re.S)


def own_test(name):
    def test():
        rtlib.need_qemu()
        program = rtlib.BUILD / "tests" / name
        if not program.exists():
            known = f"build tests/{name}: " in (rtlib.BUILD / "build.ninja").read_text()
            raise Skip(f"not built: ./dev qemu --tests {rtlib.SERIES}" if known else f"QEMU {rtlib.SERIES} has no such test")
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
        git = ["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@x"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "stock"], ["am", "-q", *map(str, patches)]):
            call(*git, *words)
        expect(read_all(folder, names), changed, "by git am")


def call(*command):
    """Without what the user configured of git, or a git that runs this test set for itself."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={
        **variables, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CEILING_DIRECTORIES": tempfile.gettempdir()})
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def read_all(folder, names):
    return {name: pathlib.Path(folder, name).read_bytes() for name in names}


def the_schema_is_the_stock_one_but_for_ours():
    """QEMU's generator of what query-qmp-schema answers, with the types' names, on both schemas: without our commands, and
    their types, they are the same line by line, in both directions."""
    rtlib.need_qemu()
    source = rtlib.FOLDER / "source"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(source / "qapi", f"{folder}/qapi")
        ours = introspect(source, folder)
        for patch in sorted((QEMU_FOLDER / "patches" / rtlib.SERIES).glob("*.patch"), reverse=True):
            if "\n+++ b/qapi/" in patch.read_text():
                call("git", "-C", folder, "apply", "-R", "--include=qapi/*", str(patch))
        stock = introspect(source, folder)
    added = "".join(block for _, block in OUR_BLOCK.findall(ours))
    names = re.findall(r'^ {8}\{ "name", QLIT_QSTR\("(.*)"\), \},$', added, re.M)
    expect(sorted(names), sorted(OURS), "what is added where the libraries are there")
    assert OURS.isdisjoint(re.findall(r'QLIT_QSTR\("(.*)"\)', stock)), "what was taken away for the stock schema"
    ours = OUR_BLOCK.sub("", ours)
    assert ours == stock, "".join(difflib.unified_diff(stock.splitlines(True), ours.splitlines(True), n=1))


def introspect(source, folder):
    call("python3", str(source / "scripts/qapi-gen.py"), "-u", "-o", folder, f"{folder}/qapi/qapi-schema.json")
    return pathlib.Path(folder, "qapi-introspect.c").read_text()


def own_names():
    return [line for line in (QEMU_FOLDER / "own-tests").read_text().splitlines() if line and line[0] != "#"]


if __name__ == "__main__":
    main([each_patch_applies_in_both_ways, the_schema_is_the_stock_one_but_for_ours, *map(own_test, own_names())])
