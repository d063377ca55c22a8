#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the checks of the tree and prints TAP.

check.py [--build DIR] [FILTER]: only checks with FILTER in their name; DIR is a build that has
compile_commands.json. A check is a function that returns (complaints, notes), both lists of lines.
"""
import argparse
import pathlib
import sys
import traceback

import analysis
import form
import headers
import manual
import sizes
import tree
import words

SHOWN = 25  # lines of complaints

CHECKS = [
    ("format", form.clang_format),
    ("shell", form.shell),
    ("python", form.python),
    ("licence lines", words.licences),
    ("words", words.forbidden),
    ("links", words.links),
    ("function sizes", sizes.functions),
    ("file sizes", sizes.file_lengths),
    ("public headers stand alone", headers.public),
    ("private headers stand alone", headers.private),
    ("programs of the README compile", headers.readme),
    ("manual pages render", manual.render),
    ("every public symbol has a manual", manual.symbols),
    ("every member and constant has a manual", manual.words),
    ("every version is in its NEWS", manual.news),
    ("sum of the tests", form.tally),
    ("cppcheck", analysis.cppcheck),
    ("clang-tidy", analysis.clang_tidy),
]


def run_check(number, name, check, build):
    """Prints one check's result; returns whether it passed."""
    try:
        complaints, notes = check(build)
    except tree.Missing as missing:
        print(f"ok {number} - {name} # SKIP {missing}", flush=True)
        return True
    except Exception:  # pylint: disable=broad-except # a check that dies has not passed
        complaints, notes = traceback.format_exc().splitlines(), []
    for line in complaints[:SHOWN]:
        print(f"# {line}")
    if len(complaints) > SHOWN:
        print(f"# ... and {len(complaints) - SHOWN} more lines")
    print(f"{'not ' if complaints else ''}ok {number} - {name}")
    for line in notes:
        print(f"# {line}")
    sys.stdout.flush()
    return not complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=tree.TOP / "build/release")
    parser.add_argument("filter", nargs="?", default="")
    args = parser.parse_args()
    wanted = [(name, check) for name, check in CHECKS if args.filter in name]
    print(f"1..{len(wanted)}")
    passed = [run_check(number, name, check, args.build.resolve())
              for number, (name, check) in enumerate(wanted, 1)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
