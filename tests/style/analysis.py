# SPDX-License-Identifier: MIT
"""Static analysis of what a build compiles."""
import concurrent.futures
import json
import os
import pathlib
import re

import tree

ERRNO_MODEL = tree.TOP / "tests/style/errno_model.h"


def compiled(build):
    """The C files of the tree that the build compiles."""
    entries = json.loads((build / "compile_commands.json").read_text())
    found = {(build / entry["file"]).resolve() for entry in entries}
    return sorted(path.relative_to(tree.TOP) for path in found if path.is_relative_to(tree.TOP))


def inside(line):
    """A line of a tool's output with its paths as seen from the top folder."""
    return re.sub(r"[\w./-]*\.\./", "", line).replace(f"{tree.TOP}/", "")


def tidy_one(build, path):
    code, output = tree.run("clang-tidy", "--quiet", "--warnings-as-errors=*", "-p", build,
                            "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-include",
                            f"--extra-arg={ERRNO_MODEL}", path)
    if code == 0:
        return []
    errors = [inside(line) for line in output.splitlines() if re.search(r": (error|warning): ", line)]
    # Where a wrapper of a libc function is defined, the libc's declaration is what is complained of.
    return [line for line in errors if not line.startswith("/usr/")] if errors else output.splitlines()


def clang_tidy(build):
    paths = compiled(build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda path: tidy_one(build, path), paths))
    return [line for lines in results for line in lines], [f"{len(paths)} files"]


def without_system_headers(build, cache):
    """cppcheck knows what GLib's functions do by a description of its own, and reads no headers for that: most of its time went
    there."""
    entries = json.loads((build / "compile_commands.json").read_text())
    for entry in entries:
        entry["command"] = re.sub(r" -I/usr/\S+", "", entry["command"])
    path = cache / "compile_commands.json"
    path.write_text(json.dumps(entries))
    return path


def cppcheck(build):
    """Reads the same compile commands; a suppression in the code gives its reason there."""
    cache = build / "cppcheck"
    cache.mkdir(exist_ok=True)
    complaints = tree.complaints_of(
        "cppcheck", f"--project={without_system_headers(build, cache)}", f"--cppcheck-build-dir={cache}", "--library=gtk",
        "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1", "--quiet",
        "--suppress=missingIncludeSystem",
        # Between vfork and exec there is no other memory than the stack.
        "--suppress=allocaCalled", f"--suppress=*:{pathlib.Path('/usr/include')}/*",
        f"--suppress=*:{build}/*", "-j", os.cpu_count() or 1,
        "--template={file}:{line}: {severity}: {message} [{id}]")
    return [inside(line) for line in complaints], []
