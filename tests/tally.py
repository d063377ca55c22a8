#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sums TAP results over builds and checks, shows what failed, ends with one line.

tally.py [--log NAME=STATUS=TESTLOG.json]... [--tap NAME=FILE]... [--broken TEXT]...

A test that crashes, runs out of time, prints less than it planned or no TAP at all has failed, whatever
its last words were.
"""
import argparse
import collections
import json
import pathlib
import re
import sys

SHOWN_LINES = 80  # of a failed test's output
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?", re.I)
LINE = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*([^#]*)(?:#\s*(skip)\S*\s*(.*))?", re.I)


class Sum:
    """Counts, with what is to be said about them."""

    def __init__(self):
        self.passed = 0
        self.failures = []  # text
        self.skips = []  # (name, reason)
        self.outputs = []  # (name, text) of tests that failed

    def row(self):
        return f"{self.passed} passed, {len(self.failures)} failed, {len(self.skips)} skipped"


def count_line(total, name, match):
    failed, title, skipped, reason = match.groups()
    title = f"{name}: {title.strip()}" if name else title.strip()
    if skipped:
        total.skips.append((title, reason or "no reason given"))
    elif failed:
        total.failures.append(title)
    else:
        total.passed += 1


def count_tap(total, name, text):
    """Counts one program's TAP: its lines, and whether it kept to its plan."""
    planned = None
    seen = 0
    for line in (text or "").splitlines():
        if line.startswith("Bail out!"):
            total.failures.append(f"{name or 'TAP'}: {line}")
        elif match := PLAN.match(line):
            planned = int(match.group(1))
            if match.group(2):
                total.skips.append((name, match.group(2)))
        elif match := LINE.match(line):
            seen += 1
            count_line(total, name, match)
    if planned is None:
        total.failures.append(f"{name or 'TAP'}: no plan in its output: is it TAP?")
    elif seen != planned:
        total.failures.append(f"{name or 'TAP'}: planned {planned} and printed {seen}")


def count_test(total, test):
    """Counts one line of meson's log."""
    name = test["name"].split(" / ")[-1]
    before = len(total.failures)
    if test["result"] in ("TIMEOUT", "INTERRUPT"):
        total.failures.append(f"{name}: {test['result'].lower()} after {test['duration']:.0f} s")
    else:
        count_tap(total, name, test.get("stdout"))
        if test["returncode"] != 0 and len(total.failures) == before:
            total.failures.append(f"{name}: ended with {test['returncode']}")
    if len(total.failures) > before:
        total.outputs.append((name, (test.get("stdout") or "") + (test.get("stderr") or "")))


def read_log(spec):
    """A build's sum, from NAME=STATUS=PATH: meson's own exit status and its log."""
    name, status, path = spec.split("=", 2)
    total = Sum()
    try:
        lines = pathlib.Path(path).read_text("utf-8", "replace").splitlines()
    except OSError as error:
        lines = []
        total.failures.append(f"no log of the tests: {error}")
    for line in lines:
        try:
            count_test(total, json.loads(line))
        except ValueError:
            total.failures.append("the log of the tests is cut short")
    if status != "0" and not total.failures:
        total.failures.append(f"meson test ended with {status}")
    return name, total


def read_tap(spec):
    name, path = spec.split("=", 1)
    total = Sum()
    text = pathlib.Path(path).read_text("utf-8", "replace")
    count_tap(total, "", text)
    return name, total


def tail(text):
    lines = text.rstrip().splitlines()
    cut = lines[-SHOWN_LINES:]
    return (["..."] if len(cut) < len(lines) else []) + cut


def report(sums):
    for build, total in sums:
        for name, text in total.outputs:
            print(f"\n-- {build}: {name}")
            print("\n".join("   " + line for line in tail(text)))
    reasons = collections.Counter(reason for _, total in sums for _, reason in total.skips)
    for reason, times in reasons.most_common():
        print(f"skipped {times}: {reason}")
    for build, total in sums:
        for failure in total.failures:
            print(f"FAILED {build}: {failure}")
    for build, total in sums:
        print(f"{build + ':':9} {total.row()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", action="append", default=[])
    parser.add_argument("--tap", action="append", default=[])
    parser.add_argument("--broken", action="append", default=[])
    args = parser.parse_args()
    sums = [read_log(spec) for spec in args.log] + [read_tap(spec) for spec in args.tap]
    if args.broken:
        sums.append(("build", Sum()))
        sums[-1][1].failures.extend(args.broken)
    report(sums)
    passed = sum(total.passed for _, total in sums)
    failed = sum(len(total.failures) for _, total in sums)
    skipped = sum(len(total.skips) for _, total in sums)
    if passed + failed + skipped == 0:
        print("nothing has that name", file=sys.stderr)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed + skipped and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
