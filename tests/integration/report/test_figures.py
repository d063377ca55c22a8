#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the benches compute: percentiles, intervals, figures, plans read from text. Prints TAP."""

import os
import unittest

import tapcase  # first: it says where the next ones are
import benchlib
import campaign
import chart
import fixture
import guestrun
import threads

TOP = tapcase.HERE  # no measurement is made


class Percentiles(unittest.TestCase):
    def test_nearest_rank_is_never_better_than_seen(self):
        histogram = {10: 999, 500: 1}
        self.assertEqual(benchlib.percentile(histogram, 50), 10)
        self.assertEqual(benchlib.percentile(histogram, 99.9), 10)
        self.assertEqual(benchlib.percentile(histogram, 99.95), 500)
        self.assertIsNone(benchlib.percentile({}, 50))

    def test_overflow_counts_as_the_maximum(self):
        self.assertEqual(benchlib.percentile({10: 90}, 99, overflow=10, maximum=700000), 700000)

    def test_median_of_even_and_odd(self):
        self.assertEqual(benchlib.median([3, 1, 2]), 2)
        self.assertEqual(benchlib.median([4, 1, 2, 3]), 2.5)

    def test_interval_repeats_and_contains_the_median(self):
        values = [1.0, 1.2, 0.9, 1.1, 5.0, 1.0, 0.95, 1.05, 1.15, 0.99]
        low, high = benchlib.bootstrap_interval(values)
        self.assertEqual((low, high), benchlib.bootstrap_interval(values))
        self.assertTrue(low <= benchlib.median(values) <= high)


class Figures(unittest.TestCase):
    def test_goal_needs_median_and_interval(self):
        steady = benchlib.figure("a", [0.8] * 10, "ratio", 0.9, False, 1.05)
        self.assertTrue(steady["met"])
        wide = benchlib.figure("a", [0.8, 0.8, 0.8, 1.3, 1.4], "ratio", 0.9, False, 1.05)
        self.assertEqual((wide["value"], wide["met"]), (0.8, False))
        self.assertTrue(benchlib.figure("b", [150, 160, 170], "ratio", 100, True)["met"])
        self.assertFalse(benchlib.figure("b", [90, 160, 170], "ratio", 100, True)["met"])

    def test_the_line_says_what_the_interval_must_not_pass(self):
        wide = benchlib.figure_line(benchlib.figure("a", [0.8, 0.8, 0.8, 1.3, 1.4], "ratio", 0.9, False, 1.05))
        self.assertRegex(wide, r"\(0\.8 \.\. 1\.4\) +goal <= 0\.9, interval <= 1\.05: short$")
        self.assertRegex(benchlib.figure_line(benchlib.figure("b", [150, 160], "ratio", 100, True)), r" goal >= 100: met$")

    def test_goal_of_a_maximum_needs_every_sample(self):
        figure = benchlib.share_figure("c", [50.0] * 99 + [101.0], 100, "ms", 100)
        self.assertEqual((figure["value"], figure["met"]), (101.0, False))
        self.assertTrue(figure["min"] <= figure["value"] <= figure["max"])
        self.assertEqual(benchlib.share_figure("c", [50.0] * 99 + [101.0], 99, "ms")["value"], 50.0)
        self.assertTrue(benchlib.share_figure("c", [50.0, 99.5], 100, "ms", 100)["met"])
        self.assertFalse(benchlib.share_figure("c", [50.0], 100, "ms", 100, "1 of 100 changes")["met"])

    def test_absent_peer_gives_no_figure(self):
        run = campaign.Campaign({"stock": None, "qrt": None}, 1, 20, TOP)
        self.assertEqual(run.figures(), [])
        self.assertEqual(run.unmet(), ["p999_stock_over_qrt", "out_of_plan_qrt"])
        self.assertEqual({one["name"]: one["why"] for one in run.absent()}, {
            "p999_stock_over_qrt": "not measured: stock, qrt",
            "p999_qrt_over_hand": "not asked for: hand",
            "p999_qrt_over_native": "not asked for: native",
            "out_of_plan_qrt": "not measured: qrt"})
        self.assertEqual(len(run.goal_lines()), 4)
        self.assertTrue(all("absent" in line and "met" not in line for line in run.goal_lines()))

    def test_too_few_rounds_do_not_meet_a_goal(self):
        figure = benchlib.figure("a", [0.8] * 4, "ratio", 0.9, False, None, 5)
        self.assertEqual((figure["met"], figure["note"]), (False, "4 rounds, 5 are needed"))
        self.assertIn("short: 4 rounds, 5 are needed", benchlib.figure_line(figure))
        self.assertTrue(benchlib.figure("a", [0.8] * 5, "ratio", 0.9, False, None, 5)["met"])
        self.assertIsNone(benchlib.figure("a", [0.99] * 4, "ratio", 0.9, False, None, 5)["note"])

    def test_figures_of_a_whole_demo(self):
        run = campaign.Campaign(dict.fromkeys(("native", "stock", "hand", "qrt")), 3, 4, TOP)
        fixture.fill(run, lambda data: guestrun.summarize(data, 4))
        names = [figure["name"] for figure in run.figures()]
        self.assertEqual(names, ["p999_stock_over_qrt", "p999_qrt_over_hand", "p999_qrt_over_native",
                                 "out_of_plan_qrt", "out_of_plan_hand"])
        for figure in run.figures():
            self.assertTrue({"name", "value", "min", "max", "unit", "goal", "at_least", "met"} <= set(figure))

    def out_of_plan_figure(self, **changes):
        """The demo's figure with fields of every run's placement replaced."""
        run = campaign.Campaign(dict.fromkeys(("stock", "hand", "qrt")), 3, 4, TOP)
        fixture.fill(run, lambda data: guestrun.summarize(data, 4))
        for one in run.runs:
            one["placement"].update(changes)
        return {figure["name"]: figure for figure in run.figures()}["out_of_plan_qrt"]

    def test_out_of_plan_is_met_by_enough_looks_at_changing_workers(self):
        figure = self.out_of_plan_figure()
        self.assertEqual((figure["met"], figure["note"]), (True, None))
        self.assertTrue(benchlib.figure_line(figure).endswith(": met"))

    def test_out_of_plan_is_not_met_below_50_samples(self):
        self.assertTrue(self.out_of_plan_figure(samples=17)["met"])
        figure = self.out_of_plan_figure(samples=16)
        self.assertFalse(figure["met"])
        self.assertIn("48 samples, 50 are needed", benchlib.figure_line(figure))
        self.assertFalse(self.out_of_plan_figure(samples=0)["met"])

    def test_out_of_plan_is_not_met_when_a_round_was_not_looked_at(self):
        run = campaign.Campaign(dict.fromkeys(("stock", "hand", "qrt")), 3, 4, TOP)
        fixture.fill(run, lambda data: guestrun.summarize(data, 4))
        run.of("qrt")[1]["placement"]["samples"] = 0
        figure = {figure["name"]: figure for figure in run.figures()}["out_of_plan_qrt"]
        self.assertEqual((figure["samples"], figure["met"]), (100, False))
        self.assertIn("no sample in round 2", benchlib.figure_line(figure))

    def test_out_of_plan_is_not_met_when_workers_stayed(self):
        figure = self.out_of_plan_figure(workers_min=12, workers_max=12, workers_different=12)
        self.assertFalse(figure["met"])
        self.assertIn("no worker came or went", benchlib.figure_line(figure))
        self.assertFalse(self.out_of_plan_figure(workers_min=0, workers_max=0, workers_different=0)["met"])
        self.assertTrue(self.out_of_plan_figure(workers_min=12, workers_max=12, workers_different=13)["met"])
        self.assertTrue(self.out_of_plan_figure(workers_min=11, workers_max=12, workers_different=12)["met"])

    def test_threads_out_of_plan_are_short_whatever_else(self):
        figure = self.out_of_plan_figure(threads_out_of_plan_max=2)
        self.assertEqual((figure["value"], figure["met"], figure["note"]), (2, False, None))

    def test_each_round_starts_with_another_way(self):
        run = campaign.Campaign(dict.fromkeys("abc"), 3, 4, TOP)
        self.assertEqual([run.order(number)[0] for number in range(3)], ["a", "b", "c"])


class Results(unittest.TestCase):
    def test_skipped_periods_are_counted_as_missed(self):
        data = {"thread": {"0": {"histogram": {"5": 1500, "70": 20}, "cycles": 1530, "max": 500000}}}
        result = guestrun.summarize(data, 2)
        self.assertEqual((result["missed"], result["overflow"], result["max"]), (470, 10, 500000))
        self.assertEqual((result["p50"], result["p99"], result["p999"]), (5, 70, 500000))

    def test_shares_of_a_histogram_sum_to_one(self):
        shares = chart.bin_shares({1: 5, 9: 3, 100: 1}, 1, 500000)
        self.assertAlmostEqual(sum(shares.values()), 1)
        self.assertEqual(shares[2 * chart.BINS_PER_DECADE], 0.1)


def thread(name, *setting, tid=7):
    return threads.Thread(tid, name, threads.Setting(*setting))


class Plans(unittest.TestCase):
    TEXT = ("vcpu_bias=1,2-3\nvcpu_sched = fifo\nvcpu_prio=97 # all of them\nmain_prio=98\npaio_sched=other\n"
            "paio_nice=5\npi=on\nmlock=onfault\n")

    def setUp(self):
        self.plan = threads.parse_plan(self.TEXT)

    def test_values_are_per_index_and_the_last_repeats(self):
        for name, cpus in (("CPU 0/TCG", {1}), ("CPU 1/TCG", {2, 3}), ("CPU 9/KVM", {2, 3})):
            self.assertIsNone(self.plan.judge(1, thread(name, "fifo", 97, frozenset(cpus), 0)))
        self.assertIsNotNone(self.plan.judge(1, thread("CPU 0/TCG", "fifo", 97, frozenset({2}), 0)))

    def test_priority_alone_means_fifo(self):
        self.assertIsNone(self.plan.judge(7, thread("qemu-system-x86", "fifo", 98, frozenset({0}), 0)))
        self.assertIsNotNone(self.plan.judge(7, thread("qemu-system-x86", "rr", 98, frozenset({0}), 0)))

    def test_plan_text_joins_cpus_with_plus(self):
        plan = threads.parse_plan("main_bias=0+2-3\nvcpu_bias=1,4+6\n")
        for name, tid, cpus in (("qemu-system-x86", 1, {0, 2, 3}), ("CPU 0/TCG", 7, {1}), ("CPU 1/TCG", 7, {4, 6})):
            self.assertIsNone(plan.judge(1, thread(name, "other", 0, frozenset(cpus), 0, tid=tid)))
        self.assertIsNotNone(plan.judge(1, thread("CPU 1/TCG", "other", 0, frozenset({4, 5, 6}), 0)))

    def test_nice_counts_under_other(self):
        self.assertIsNone(self.plan.judge(1, thread("worker", "other", 0, frozenset({0}), 5)))
        self.assertIsNotNone(self.plan.judge(1, thread("worker", "other", 0, frozenset({0}), 0)))

    def test_a_role_that_the_plan_leaves_out_is_free(self):
        self.assertIsNone(self.plan.judge(1, thread("call_rcu", "idle", 0, frozenset({0}), 19)))

    def test_names(self):
        for name, role in (("CPU 3/KVM", "vcpu"), ("ALL CPUs/TCG", "vcpu"), ("worker", "paio"),
                           ("IO disk0", "ioth"), ("IO mon_iothread", "main"), ("vnc_worker", "vncs"),
                           ("call_rcu", "othr")):
            self.assertEqual(threads.classify(1, thread(name, "other", 0, frozenset(), 0))[0], role)

    def test_this_process_is_seen_as_it_is(self):
        pid = os.getpid()
        seen = {one.tid: one for one in threads.read_threads(pid)}
        self.assertEqual(seen[pid].setting.cpus, frozenset(os.sched_getaffinity(0)))


if __name__ == "__main__":
    tapcase.main()
