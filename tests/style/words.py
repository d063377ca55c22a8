# SPDX-License-Identifier: MIT
"""Words: what every file must say, and what none may."""
import re

import tree

CODE = (".c", ".h", ".py", ".sh", ".build")
FORBIDDEN = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "a marker of unfinished work"),
    (re.compile(r"(?<![\w.)}*])/(work|home/\w+)/"), "a path of somebody's machine"),
    (re.compile(r"\bissues? #?\d", re.I), "the number of an issue: say what it was about"),
]


def needs_licence(path):
    return path.suffix in CODE or path.name == "meson.build" or bool(tree.shebang_of(path))


def licence_of(path):
    """What becomes a part of QEMU has QEMU's."""
    return "GPL-2.0-or-later" if path.parts[0] == "qemu" and path.parts[1] in ("overlay", "tests") else "MIT"


def licences(_build):
    complaints = []
    for path in filter(needs_licence, tree.all_files()):
        first = (tree.text_of(path) or "").splitlines()[:3]
        line = f"SPDX-License-Identifier: {licence_of(path)}"
        if not any(line in one for one in first):
            complaints.append(f"{path}: no '{line}' in its first three lines")
    return complaints, []


def forbidden(_build):
    complaints = []
    for path in tree.all_files():
        for number, line in enumerate((tree.text_of(path) or "").splitlines(), 1):
            complaints += [f"{path}:{number}: {why}: {line.strip()[:80]}"
                           for pattern, why in FORBIDDEN if pattern.search(line)]
    return complaints, []


def links(_build):
    """Links from Markdown to files of the tree lead somewhere."""
    complaints = []
    for path in tree.files(".md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", tree.text_of(path)):
            if "://" not in target and not (tree.TOP / path.parent / target).exists():
                complaints.append(f"{path}: {target} is not there")
    return complaints, []
