#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How the demo and the guest-latency benchmark end: exit codes, and what they say. Prints TAP."""

import contextlib
import io
import json
import os
import tempfile
import unittest
import unittest.mock

import tapcase  # first: it says where the next ones are
import benchlib
import campaign
import demo
import fixture
import guestrun

P999 = {"native": 100, "stock": 20000, "hand": 200, "qrt": 150, "patched": 155, "preloaded": 150}  # us; all goals are met


class Ending(unittest.TestCase):
    def end(self, program, arguments, change):
        """(code, output, errors, JSON) of a program whose measurements are made up and changed."""
        def measure(run, after_round):
            fixture.fill(run, lambda data: guestrun.summarize(data, 4))
            for one in run.runs:
                one["p999"] = P999[one["way"]]
            change(run)
            after_round()

        with tempfile.TemporaryDirectory() as directory:
            output = os.path.join(directory, "report.json")
            arguments = ["x", "--output", directory if program is demo else output] + arguments
            out, errors = io.StringIO(), io.StringIO()
            with unittest.mock.patch.object(campaign.Campaign, "run", measure), \
                    unittest.mock.patch("sys.argv", arguments), \
                    contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
                code = program.main()
            with open(output, encoding="utf-8") as file:
                return code, out.getvalue(), errors.getvalue(), json.load(file)


def put(**fields):
    """A change of each placement that was seen under qrt."""
    def change(run):
        for one in run.of("qrt"):
            one["placement"].update(fields)
    return change


def nothing(_run):
    pass


class Demo(Ending):
    def demo(self, change):
        return self.end(demo, [], change)

    def test_all_is_well(self):
        code, out, errors, _ = self.demo(nothing)
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("No thread was out of the plan in 150 looks.", out)

    def test_too_few_looks(self):
        code, out, errors, _ = self.demo(put(samples=16))
        self.assertEqual(code, 1)
        self.assertIn("48 samples, 50 are needed", errors)
        self.assertEqual(errors.count("\n"), 1)
        self.assertIn("not proven", out)
        self.assertNotIn("No thread was out of the plan", out)

    def test_a_round_without_looks(self):
        def change(run):
            run.of("qrt")[2]["placement"]["samples"] = 0
        code, _, errors, _ = self.demo(change)
        self.assertEqual(code, 1)
        self.assertIn("no sample in round 3", errors)

    def test_workers_that_stayed(self):
        code, _, errors, _ = self.demo(put(workers_min=3, workers_max=3, workers_different=3))
        self.assertEqual(code, 1)
        self.assertIn("no worker came or went", errors)

    def test_no_plan_to_compare_with(self):
        code, _, errors, document = self.demo(put(threads_out_of_plan_max=None))
        self.assertEqual(code, 1)
        self.assertIn("nobody looked", errors)
        self.assertIn("out_of_plan_qrt", [one["name"] for one in document["absent"]])

    def test_threads_out_of_plan(self):
        code, out, errors, _ = self.demo(put(threads_out_of_plan_max=2, out_of_plan={"worker: other": 7}))
        self.assertEqual(code, 1)
        self.assertIn("out of plan: worker: other (7 times)\n", errors)
        self.assertIn("up to 2 threads were out of the plan", out)

    def test_a_way_that_was_not_measured(self):
        def change(run):
            run.runs = [one for one in run.runs if one["way"] != "hand"]
        code, out, errors, document = self.demo(change)
        self.assertEqual((code, errors), (1, "demo: not measured: hand\n"))
        self.assertRegex(out, r"p999_qrt_over_hand +absent: +not measured: hand")
        self.assertEqual([one["name"] for one in document["absent"]], ["p999_qrt_over_hand"])


class GuestLatency(Ending):
    program = tapcase.load_bench("guest-latency")

    def bench(self, change, rounds=10, ways="native,stock,hand,qrt,patched,preloaded", qemu="/bin/true"):
        return self.end(self.program, ["--rounds", str(rounds), "--ways", ways, "--qemu", qemu], change)

    def test_all_goals_are_met(self):
        code, out, errors, document = self.bench(nothing)
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(out.count(": met\n"), 5)
        self.assertEqual(document["absent"], [])

    def test_a_goal_that_is_missed(self):
        def change(run):
            for one in run.of("native"):
                one["p999"] = 70
        code, out, errors, _ = self.bench(change)
        self.assertEqual((code, errors), (1, "guest-latency: goals that were not met: p999_qrt_over_native\n"))
        self.assertEqual(out.count(": short\n"), 1)

    def test_too_few_rounds(self):
        code, out, errors, _ = self.bench(nothing, rounds=9)
        self.assertEqual(code, 1)
        self.assertEqual(out.count("short: 9 rounds, 10 are needed"), 4)
        self.assertIn("p999_stock_over_qrt", errors)

    def test_a_way_that_was_not_asked_for(self):
        code, out, _, document = self.bench(nothing, ways="stock,qrt")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"p999_qrt_over_native +absent: +not asked for: native")
        self.assertEqual(len(document["absent"]), 4)

    def test_no_qemu_that_has_rt(self):
        code, out, errors, document = self.bench(nothing, qemu="/nonexistent")
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(out, r"p999_patched_over_preloaded +absent: +no QEMU that has -rt: run ./dev qemu")
        self.assertEqual([one["name"] for one in document["absent"]],
                         ["p999_patched_over_preloaded", "p999_patched_over_qrt"])
        with self.assertRaisesRegex(benchlib.BenchError, "run ./dev qemu"):
            self.bench(nothing, ways="patched", qemu="/nonexistent")

    def test_another_build_of_qemu_is_no_goal(self):
        def change(run):
            for one in run.of("qrt"):
                one["p999"] = 120
        code, out, _, document = self.bench(change)
        self.assertEqual(code, 0)
        self.assertEqual([one["goal"] for one in document["figures"] if one["name"] == "p999_patched_over_qrt"], [None])

    def test_a_way_that_was_not_measured(self):
        def change(run):
            run.runs = [one for one in run.runs if one["way"] != "hand"]
        code, out, errors, _ = self.bench(change)
        self.assertEqual(code, 1)
        self.assertIn("p999_qrt_over_hand", errors)
        self.assertRegex(out, r"p999_qrt_over_hand +absent: +not measured: hand")


if __name__ == "__main__":
    tapcase.main()
