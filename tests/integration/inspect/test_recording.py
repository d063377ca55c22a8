#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""blame --file with files that may come from anywhere."""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import check, check_equal
from vm import Place

CORPUS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "fuzz", "corpus", "recording")


def mutations(text, count):
    """Seeded ones: bytes changed, cut out and repeated."""
    generator = random.Random(20261121)
    for _ in range(count):
        changed = bytearray(text)
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(len(changed))
            if generator.random() < 0.5:
                changed[at] = generator.choice(b"\0\n\x1b{}[]\",:-09e\x80\xff")
            elif generator.random() < 0.5:
                del changed[at:at + generator.randint(1, 40)]
            else:
                changed[at:at] = changed[at:at + generator.randint(1, 400)]
        yield bytes(changed)


def test_hostile_files():
    """Each is told, or is refused in one line; no byte of it steers the terminal."""
    with Place() as place:
        texts = []
        for name in sorted(os.listdir(CORPUS)):
            with open(os.path.join(CORPUS, name), "rb") as file:
                texts.append(file.read())
        whole = max(texts, key=len)
        codes = set()
        for text in [*texts, *mutations(whole, 60), whole + b"\0", whole[:-1], b"\n" * 100000]:
            with open(place.file("hostile"), "wb") as file:
                file.write(text)
            for form in ([], ["--json"]):
                code, out, err = place.call("blame", "--file", place.file("hostile"), "--over", "1ms", *form)
                codes.add(code)
                check((code, len(err.splitlines())) in ((0, 0), (1, 1)), (text, code, err))
                check((code == 0) == bool(out) and "\x1b" not in out + err, (text, out, err))
        check_equal(codes, {0, 1}, "some are told, some are refused")


if __name__ == "__main__":
    tap.main([
        ("hostile files are told, or refused in one line", test_hostile_files),
    ])
