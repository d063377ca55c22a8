#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-io bench: what it measures, and that it spares what somebody needs."""

import json
import re

from image import TOOL, Place, check, check_equal, main

FAST = ("--seconds", "0.2", "--rounds", "2")


def bench(place, *words, code=0):
    return json.loads(place.run(TOOL, "bench", *FAST, "--json", *words, code=code)[1])


def check_result(result):
    check(result["requests"] > 0 and result["iops"] > 0 and result["cpu_us"] > 0, result)
    check(0 < result["p50_ns"] <= result["p99_ns"] <= result["p999_ns"] <= result["max_ns"], result)
    check_equal((len(result["iops_rounds"]), len(result["cpu_us_rounds"])), (2, 2), "rounds")


def test_engines_side_by_side():
    with Place() as place:
        place.make("image")
        before = place.bytes_of("image")
        report = bench(place, "--engine", "threads,auto", "--kind", "randread,read", "--depth", "1,8", "image")
        check_equal([(r["kind"], r["depth"]) for r in report["results"]],
                    [(kind, depth) for kind in ("randread", "read") for depth in (1, 1, 8, 8)], "what was measured")
        for result in report["results"]:
            check_result(result)
        check_equal([r["ratio"] for r in report["results"][::2]], [1] * 4, "the first one is the measure")
        check_equal((report["block_bytes"], report["direct"], report["rounds"]), (4096, True, 2), "how")
        check_equal(place.bytes_of("image"), before, "nothing was written")


def test_writes_need_a_word():
    with Place() as place:
        place.make("image")
        before = place.bytes_of("image")
        for kind in ("randwrite", "write", "randread,write"):
            _, out, errors = place.run(TOOL, "bench", *FAST, "--kind", kind, "image", code=2)
            check_equal(out, "", kind)
            check(re.fullmatch(r"qrt-io: bench: [^\n]*'image'[^\n]*--write[^\n]*\n", errors), errors)
            check_equal(place.bytes_of("image"), before, kind)
        report = bench(place, "--kind", "randwrite", "--write", "--area", "64k", "--depth", "4", "image")
        check_result(report["results"][0])
        after = place.bytes_of("image")
        check(after[:65536] != before[:65536], "it was written")
        check_equal(after[65536:], before[65536:], "what is behind the area")


def test_memory_and_table():
    with Place() as place:
        check_result(bench(place, "--engine", "memory", "--size", "1M", "--depth", "1", "--kind", "write")["results"][0])
        place.make("image")
        _, out, errors = place.run(TOOL, "bench", *FAST, "--cache", "writeback", "--depth", "2", "image", code=0)
        check_equal((errors, len(out.splitlines())), ("", 3), out)
        check(re.search(r"^KIND +DEPTH +ENGINE +IOPS", out, re.M) and re.search(r"^randread +2 +\w+ +\d+ ", out, re.M), out)


def test_what_is_not_there():
    """An engine that cannot be had is told, and the others are measured; what is holes is told, too."""
    with Place() as place:
        place.make("image")
        words = ("bench", *FAST, "--json", "--cache", "writeback", "--depth", "1")
        _, out, errors = place.run(TOOL, *words, "--engine", "libaio,threads", "image", code=1)
        check(re.fullmatch(r"qrt-io: [^\n]*libaio[^\n]*\n", errors), errors)
        report = json.loads(out)
        check_equal((report["absent"], [r["engine"] for r in report["results"]], report["direct"]),
                    (["libaio"], ["threads"], False), "what was measured")
        check_equal(report["results"][0]["ratio"], 1, "the first one that there is")
        _, out, errors = place.run(TOOL, *words, "--engine", "libaio,threads", "nope", code=1)
        check(out == "" and re.fullmatch(r"qrt-io: [^\n]*nope[^\n]*\n", errors), errors)
        place.io("sparse", "write 0 256k", options=("--create", "1M"))
        check("75 % of 'sparse' is holes" in place.run(TOOL, *words, "sparse", code=0)[2], "holes")
        check_equal(place.run(TOOL, *words, "--area", "256k", "sparse", code=0)[2], "", "no holes there")
        place.io("full", "truncate -m full 2M", options=("--create", "1"))
        check_equal(place.run(TOOL, *words, "--area", "1M", "full", code=0)[2], "", "no holes in a file that was made")


def test_wrong_ones():
    with Place() as place:
        place.make("image")
        for words, code in ((("image", "--depth", "0"), 2), ((), 2), (("nope",), 1), (("--engine", "x", "image"), 2),
                            (("--kind", "x", "image"), 2), (("--block-size", "16M", "image"), 1), (("--cache", "x", "image"), 2),
                            (("--block-size", "2G", "image"), 2), (("--depth", "1,x", "image"), 2), (("--depth", "", "image"), 2),
                            (("image", "image"), 2), (("--seconds", "0", "image"), 2)):
            _, out, errors = place.run(TOOL, "bench", *FAST, *words, code=code)
            check_equal(out, "", words)
            check(re.fullmatch(r"qrt-io: [^\n]+\n", errors), "%s: one line: %r" % (words, errors))
        check(place.run(TOOL, "bench", "--help", code=0)[1].startswith("Usage: qrt-io bench"), "help")


main([
    ("engines are measured side by side", test_engines_side_by_side),
    ("nothing is written without a word", test_writes_need_a_word),
    ("memory, and a table", test_memory_and_table),
    ("an engine that is not there is told, and so are holes", test_what_is_not_there),
    ("what is wrong is told in one line", test_wrong_ones),
])
