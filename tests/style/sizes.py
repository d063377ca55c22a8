# SPDX-License-Identifier: MIT
"""Sizes: a function is a screen, a file is a noun."""
import json

import tree

FUNCTION_LIMIT = 70
FUNCTION_AIM = 40
FILE_LIMIT = 450
FILE_AIM = 300


def measured():
    """(length, name, path, line) of every C function."""
    code, output = tree.run("ctags", "--output-format=json", "--languages=C", "--kinds-C=f", "--fields=+ne",
                            "-o", "-", *tree.files(".c", ".h"))
    if code != 0:
        raise RuntimeError(output)
    for line in output.splitlines():
        if not line.startswith("{"):
            continue
        tag = json.loads(line)
        # A macro that makes a function has no end.
        if tag.get("_type") == "tag" and "end" in tag:
            yield tag["end"] - tag["line"] + 1, tag["name"], tag["path"], tag["line"]


def functions(_build):
    found = sorted(measured())
    complaints = [f"{path}:{line}: {name} has {length} lines, the limit is {FUNCTION_LIMIT}"
                  for length, name, path, line in found if length > FUNCTION_LIMIT]
    if not found:
        return complaints, []
    within = sum(length <= FUNCTION_AIM for length, *_ in found)
    return complaints, [
        f"{len(found)} functions: median {found[len(found) // 2][0]} lines, longest {found[-1][0]}, "
        f"{100 * within / len(found):.0f} % within {FUNCTION_AIM}"
    ]


def file_lengths(_build):
    complaints, notes = [], []
    for path in [*tree.files(".c"), *tree.python_scripts(), *tree.shell_scripts()]:
        length = len(tree.text_of(path).splitlines())
        if length > FILE_LIMIT:
            complaints.append(f"{path} has {length} lines, the limit is {FILE_LIMIT}")
        elif length > FILE_AIM:
            notes.append(f"{path} has {length} lines, {FILE_AIM} are the aim")
    return complaints, notes
