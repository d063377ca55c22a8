# SPDX-License-Identifier: MIT
"""Form: formatting, scripts, and the tool that sums up the tests."""
import ast
import collections
import json
import subprocess
import sys
import tempfile

import tree


def clang_format(_build):
    """One line a file: what is wrong there is shown by `clang-format -i` and git diff."""
    paths = tree.files(".c", ".h")
    output = tree.complaints_of("clang-format", "--dry-run", "-Werror", "--style=file", *paths)
    places = collections.Counter(line.split(":")[0] for line in output if ": error: " in line)
    complaints = [f"{path}: {count} places: clang-format -i {path}" for path, count in places.items()]
    return complaints or output, [f"{len(paths)} files"]


def shell(_build):
    paths = tree.shell_scripts()
    return tree.complaints_of("shellcheck", "--severity=style", *paths), [f"{len(paths)} scripts"]


def imported(source):
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def python(_build):
    """Python that parses, and needs nothing but its standard library and its neighbours."""
    paths = tree.python_scripts()
    known = sys.stdlib_module_names | {path.stem for path in paths}
    complaints = []
    for path in paths:
        try:
            source = ast.parse(tree.text_of(path), str(path))
        except SyntaxError as error:
            complaints.append(str(error))
            continue
        complaints += [f"{path}: imports {name}, which is not in the standard library"
                       for name in imported(source) if name not in known]
    return complaints, [f"{len(paths)} scripts"]


# What a test program may have printed, how it ended, and what must come out: passed, failed, skipped.
TALLY_CASES = [
    ("1..2\nok 1 - a\nok 2 - b\n", "OK", 0, (2, 0, 0)),
    ("1..2\nok 1 - a\nnot ok 2 - b\n", "FAIL", 1, (1, 1, 0)),
    ("1..2\nok 1 - a\nok 2 - b # SKIP no KVM\n", "OK", 0, (1, 0, 1)),
    ("1..0 # SKIP no QEMU\n", "SKIP", 0, (0, 0, 1)),
    ("1..3\nok 1 - a\n", "ERROR", -11, (1, 1, 0)),
    ("1..1\nok 1 - a\n", "ERROR", 1, (1, 1, 0)),
    ("1..1\nok 1 - a\nok 2 - b\n", "ERROR", 0, (2, 1, 0)),
    ("1..2\nok 1 - a\n", "TIMEOUT", -15, (0, 1, 0)),
    ("1..2\nok 1 - a\nBail out! no root\n", "ERROR", 1, (1, 2, 0)),
    ("", "SKIP", 0, (0, 1, 0)),
    ("hello\n", "SKIP", 0, (0, 1, 0)),
]


def tally_of(*args):
    done = subprocess.run([sys.executable, tree.TOP / "tests/tally.py", *args], stdout=subprocess.PIPE,
                          text=True, check=False)
    return done.returncode, done.stdout.splitlines()[-1]


def tally(_build):
    complaints = []
    for output, result, code, (passed, failed, skipped) in TALLY_CASES:
        test = {"name": "qrt:unit / x", "stdout": output, "result": result, "returncode": code, "duration": 1}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
            log.write(json.dumps(test) + "\n")
            log.flush()
            status, last = tally_of("--log", f"x={int(failed > 0)}={log.name}")
        if last != f"{passed} passed, {failed} failed, {skipped} skipped":
            complaints.append(f"{output!r} {result} {code}: {last}")
        if (status != 0) != (failed > 0):
            complaints.append(f"{output!r} {result} {code}: exit code {status}")
    if tally_of("--log", "x=0=/nonexistent/log")[0] == 0:
        complaints.append("a build without a log counts as good")
    return complaints, []
