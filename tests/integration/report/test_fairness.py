#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fairness bench: what it sends, how it counts, its goals and its page; made-up data. Prints TAP."""

import html.parser
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import unittest

import tapcase  # first: it says where the next ones are
import benchlib
import fairfigures
import fairpage
import fairrun
import pinger
import seqchart
import shares
import steal
from benchlib import BenchError

WAYS = ("stock", "shares", "rr", "ours")


fairness = tapcase.load_bench("fairness")


def reply_of(packet):
    """What a kernel answers to an echo request, as a raw socket shows it: with the IP header."""
    body = bytes([pinger.ECHO_REPLY]) + packet[1:]
    return bytes([0x46]) + bytes(23) + body


class Packets(unittest.TestCase):
    def test_a_request_has_its_right_checksum(self):
        packet = pinger.request(4711, 300)
        self.assertEqual(struct.unpack("!BB", packet[:2]), (8, 0))
        self.assertEqual(len(packet), 64)
        self.assertEqual(pinger.checksum(packet), 0)  # over all of it, its own included

    def test_a_reply_is_known_by_who_sent(self):
        packet = pinger.request(4711, 300)
        self.assertEqual(pinger.sequence_of(reply_of(packet), 4711), 300)
        self.assertIsNone(pinger.sequence_of(reply_of(packet), 4712))
        self.assertIsNone(pinger.sequence_of(bytes([0x46]) + bytes(23) + packet, 4711))  # a request
        self.assertIsNone(pinger.sequence_of(reply_of(packet)[:30], 4711))

    def test_the_schedule_has_jitter_and_repeats(self):
        moments = pinger.schedule(500, 0.02, 7)
        self.assertEqual(moments, pinger.schedule(500, 0.02, 7))
        self.assertNotEqual(moments, pinger.schedule(500, 0.02, 8))
        gaps = [after - before for before, after in zip(moments, moments[1:])]
        self.assertTrue(0.015 <= min(gaps) < 0.016 and 0.024 < max(gaps) <= 0.025)

    def test_what_is_lost_counts_as_the_timeout(self):
        raw = {"started": 7.25, "times_ns": [500000, None, 3 * 10**9], "stolen_ms": [0, 0, 10],
               "send_late": [0.0001, 0.002, 0], "read_late": [0.00005], "policy": "fifo"}
        self.assertEqual(pinger.summarize(raw, 2), {
            "started": 7.25, "times": [0.5, 2000, 2000], "stolen_ms": [0, 0, 10], "lost": 2, "send_late_ms": 2.0,
            "read_late_ms": 0.05, "policy": "fifo"})

    def test_what_was_stolen_while_a_reply_was_awaited(self):
        ms = 10**6
        samples = [(0, 100), (20 * ms, 100), (140 * ms, 200), (160 * ms, 200), (165 * ms, 210)]
        self.assertEqual(steal.stolen_while(1 * ms, 2 * ms, samples), 0)
        self.assertEqual(steal.stolen_while(21 * ms, 139 * ms, samples), 100)
        self.assertEqual(steal.stolen_while(141 * ms, 142 * ms, samples), 0)
        self.assertEqual(steal.stolen_while(141 * ms, 156 * ms, samples), 10)  # not counted before
        self.assertEqual(steal.stolen_while(166 * ms, 400 * ms, samples), 0)

    def test_what_nothing_was_stolen_of_has_percentiles_of_its_own(self):
        result = fairrun.add_percentiles({"times": [1.0] * 90 + [100.0] * 10, "stolen_ms": [0] * 90 + [20] * 10})
        self.assertEqual([result[key] for key in ("p50", "p99", "max", "own", "stolen")], [1, 100, 100, 1, 10])
        result = fairrun.add_percentiles({"times": [1.0, 2.0], "stolen_ms": [10, 20]})
        self.assertEqual((result["own"], result["stolen"]), (2, 2))

    def test_pings_of_oneself(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: a raw socket")
        result = pinger.ping("127.0.0.1", 20, 1, interval=0.002, timeout=20)
        self.assertEqual((len(result["times"]), result["lost"]), (20, 0))
        self.assertTrue(all(value > 0 for value in result["times"]))

    def test_pings_that_cannot_be_sent_are_said(self):
        with self.assertRaisesRegex(BenchError, "pings failed: "):
            pinger.ping("no address", 10, 1, interval=0.001, timeout=1)


V1 = """tmpfs /cg tmpfs rw 0 0
cgroup /cg/cpuset cgroup rw,cpuset 0 0
cgroup /cg/cpu cgroup rw,relatime,cpu,cpuacct 0 0
"""


class Groups(unittest.TestCase):
    def test_where_groups_are_made(self):
        self.assertEqual(shares.find_root(V1), ("/cg/cpu", "cpu.shares"))
        self.assertRaisesRegex(BenchError, "no control groups", shares.find_root, V1.split("cgroup /cg/cpu ")[0])

    def test_version_2_needs_the_controller(self):
        with tempfile.TemporaryDirectory() as folder:
            mounts = "cgroup2 %s cgroup2 rw 0 0\n" % folder
            self.assertRaises(BenchError, shares.find_root, mounts)
            shares.write(folder + "/cgroup.controllers", "cpuset cpu io\n")
            self.assertEqual(shares.find_root(mounts), (folder, "cpu.weight"))

    def test_groups_are_made_and_gone(self):
        with tempfile.TemporaryDirectory() as folder:
            shares.write(folder + "/cgroup.controllers", "cpu\n")
            shares.write(folder + "/cgroup.subtree_control", "cpu\n")
            with subprocess.Popen([sys.executable, "-c", ""]) as ended:
                ended.wait()
            os.mkdir("%s/%s%d-0" % (folder, shares.PREFIX, ended.pid))
            groups = shares.Groups(2, "cgroup2 %s cgroup2 rw 0 0\n" % folder)
            with groups:
                self.assertEqual(sorted(os.listdir(folder))[2:],
                                 ["%s%d-%d" % (shares.PREFIX, os.getpid(), number) for number in range(2)])
                for path in groups.paths:
                    self.assertEqual(benchlib.read_text(path + "/cpu.weight"), "100")
                    os.unlink(path + "/cpu.weight")  # in a real one files go with it
            self.assertEqual(sorted(os.listdir(folder)), ["cgroup.controllers", "cgroup.subtree_control"])


def run(way, case, number, p99):
    times = [p99 / 2] * 98 + [p99, p99 * 1.5]
    return {"way": way, "case": case, "round": number, "times": times, "lost": 0, "p50": p99 / 2, "p99": p99,
            "own": p99 / 2, "stolen": 1, "max": p99 * 1.5, "send_late_ms": 0.1, "read_late_ms": 0.05, "policy": "deadline",
            "seconds": 10.0, "steal_percent": 0.5,
            "used": [{"cpu_ms": 900}] + ([{"cpu_ms": 15000}] if case != "alone" else [])}


P99 = {"alone": 1.0, "idle": 1.1, "hogs": 2.0, "reboot": 3.0, "flood": 2.1}


def runs_of(values, way="ours", rounds=5):
    return [run(way, case, number, p99) for number in range(1, rounds + 1) for case, p99 in values.items()]


ENVIRONMENT = {"accel": "tcg", "sched_rr_timeslice_ms": "100"}


def figures_of(runs, **environment):
    figures = fairfigures.goal_figures(runs, dict(ENVIRONMENT, **environment))
    return {figure["name"]: figure for figure in figures}


class Goals(unittest.TestCase):
    def test_a_neighbour_may_cost_twice_the_idle_one(self):
        figures = figures_of(runs_of(P99))
        names = ["p99_flood_over_idle", "p99_hogs_over_idle", "p99_reboot_over_idle"]
        self.assertEqual(sorted(figures), ["own_" + name for name in names] + names)
        self.assertTrue(all(figures[name]["met"] for name in names))
        self.assertAlmostEqual(figures["p99_reboot_over_idle"]["value"], 3 / 1.1)
        short = figures_of(runs_of(dict(P99, hogs=2.3, reboot=3.4)))
        self.assertEqual([short["p99_%s_over_idle" % case]["met"] for case in ("hogs", "flood", "reboot")],
                         [False, True, False])

    def test_the_lonely_guest_is_the_floor(self):
        """1.5 times of it is within the goal, whatever the idle neighbour's is."""
        values = dict(P99, alone=4.0)
        self.assertTrue(figures_of(runs_of(dict(values, hogs=5.99, reboot=5.99)))["p99_hogs_over_idle"]["met"])
        self.assertFalse(figures_of(runs_of(dict(values, hogs=6.01)))["p99_hogs_over_idle"]["met"])
        self.assertFalse(figures_of(runs_of(dict(values, reboot=6.01)))["p99_reboot_over_idle"]["met"])

    def test_there_is_no_floor_under_kvm(self):
        values = dict(P99, alone=4.0, hogs=5.99)
        self.assertFalse(figures_of(runs_of(values), accel="kvm")["p99_hogs_over_idle"]["met"])

    def test_another_slice_of_the_kernels_is_another_peer(self):
        runs = runs_of(P99) + runs_of({"hogs": 10.0}, "rr")
        figure = figures_of(runs, sched_rr_timeslice_ms="10")["p99_hogs_rr_over_ours"]
        self.assertEqual((figure["met"], figure["note"]), (False, "kernel.sched_rr_timeslice_ms is 10, not 100"))

    def test_the_kernels_slice_is_compared_round_by_round(self):
        runs = runs_of(P99) + runs_of({"hogs": 10.0}, "rr")
        figure = figures_of(runs)["p99_hogs_rr_over_ours"]
        self.assertEqual((figure["value"], figure["met"]), (5.0, True))
        self.assertFalse(figures_of(runs_of(P99) + runs_of({"hogs": 9.9}, "rr"))["p99_hogs_rr_over_ours"]["met"])

    def test_few_rounds_meet_nothing(self):
        figure = figures_of(runs_of(P99, rounds=4))["p99_hogs_over_idle"]
        self.assertEqual((figure["met"], figure["note"]), (False, "4 rounds, 5 are needed"))

    def test_goals_are_of_all_pings_with_the_own_ones_beside(self):
        runs = runs_of(P99)
        for one in runs:
            one["own"] = 7.0 if one["case"] == "hogs" else 1.0
        figures = figures_of(runs)
        self.assertAlmostEqual(figures["p99_hogs_over_idle"]["value"], 2 / 1.1)
        self.assertTrue(figures["p99_hogs_over_idle"]["met"])
        own = figures["own_p99_hogs_over_idle"]
        self.assertEqual((own["value"], own["goal"], own["met"]), (7.0, None, None))

    def test_what_was_not_measured_is_absent(self):
        absent = fairfigures.absent(runs_of({"hogs": 2.0}), ("ours",), ("hogs",))
        self.assertEqual({one["name"]: one["why"] for one in absent}["p99_hogs_over_idle"], "not asked for: ours/idle")
        self.assertEqual(len(absent), 4)
        self.assertEqual(figures_of(runs_of({"hogs": 2.0})), {})

    def test_plain_figures_name_way_and_case(self):
        names = [figure["name"] for figure in fairfigures.plain_figures(runs_of(P99), ("ours",), fairrun.CASES)]
        self.assertEqual(names, ["p99_ours_" + case for case in fairrun.CASES] +
                         ["pinger_send_late", "pinger_read_late"])

    def test_the_summary_is_of_all_rounds(self):
        rows = fairfigures.summary(runs_of(P99), ("ours", "stock"))
        self.assertEqual([row["case"] for row in rows], list(fairrun.CASES))
        self.assertEqual([rows[2][key] for key in ("pings", "own", "p99", "max", "neighbour_cpus", "stolen")],
                         [500, 1.0, 2.0, 3.0, 1.5, 5])
        self.assertEqual(rows[0]["neighbour_cpus"], 0)
        self.assertEqual(len(fairfigures.table_lines(rows)), 6)

    def test_the_typical_round_is_in_the_middle(self):
        runs = [run("ours", "hogs", number, p99) for number, p99 in enumerate((9, 1, 5, 3, 7))]
        self.assertEqual(fairfigures.typical(runs, "ours", "hogs")["p99"], 5)
        self.assertIsNone(fairfigures.typical(runs, "ours", "idle"))


class Rounds(unittest.TestCase):
    def test_what_no_goal_needs_is_measured_in_some_rounds(self):
        bench = fairness.Bench({way: None for way in (*WAYS, "mine")}, None, 5, 500)
        bench.beside = 3
        self.assertEqual(bench.cases_of("ours", 4), list(fairrun.CASES))
        self.assertEqual(bench.cases_of("mine", 4), list(fairrun.CASES))
        self.assertEqual([bench.cases_of("rr", number) for number in (2, 3)],
                         [["idle", "hogs", "reboot", "flood"], ["hogs"]])
        self.assertEqual([len(bench.cases_of("stock", number)) for number in (2, 3)], [4, 0])
        self.assertEqual(bench.count(), 25 + 25 + 3 * 4 + 2 + 3 * 4 + 3 * 4)

    def test_cases_that_were_asked_for_are_all_measured(self):
        bench = fairness.Bench({"stock": None}, ["alone", "hogs"], 2, 500)
        self.assertEqual([bench.cases_of("stock", number) for number in (0, 1)], [["alone", "hogs"]] * 2)


class Neighbours(unittest.TestCase):
    def result(self, boots=(0, 1), written=2**21, cpu=900):
        return {"boots": list(boots), "used": [{}, {"written_bytes": written, "cpu_ms": cpu}], "seconds": 10}

    def test_one_that_did_nothing_is_no_measurement(self):
        for case in ("idle", "hogs", "reboot", "flood"):
            fairrun.check(self.result(cpu=5000 if case == "hogs" else 900), case)
        self.assertRaisesRegex(BenchError, "hardly ran", fairrun.check, self.result(cpu=4900), "hogs")
        self.assertRaisesRegex(BenchError, "did not reboot", fairrun.check, self.result((0, 0)), "reboot")
        fairrun.check(self.result((0, 0), cpu=5000), "reboot")  # it boots, slowly
        self.assertRaisesRegex(BenchError, "wrote next to nothing", fairrun.check, self.result(written=800), "flood")
        self.assertRaisesRegex(BenchError, "first guest rebooted", fairrun.check, self.result((1, 0)), "idle")

    def test_plans_name_every_role_and_both_cpus(self):
        text = fairrun.every_role("0+1", " %(role)s_nice=19")
        self.assertEqual(re.findall(r"(\w+)_nice=19", text), list(fairrun.ROLES))
        self.assertEqual(text.count("_bias=0+1"), len(fairrun.ROLES))
        self.assertIn("main_sched=rr main_prio=1 main_nice=19", text)


class Page(html.parser.HTMLParser):
    """Tags that are open, and what the page would load."""

    def __init__(self):
        super().__init__()
        self.open, self.loads = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)
        links = [value for name, value in attrs if name in ("src", "href") and value]
        self.loads += [value for value in links if not value.startswith("data:")]

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise AssertionError("a %s ends that is not the last that began" % tag)


def document():
    source = random.Random(3)
    runs = []
    for way in WAYS:
        for one in runs_of(P99, way):
            one["times"] = [source.lognormvariate(0, 0.4) * one["p50"] for _ in range(200)]
            runs.append(one)
    return {"bench": "fairness", "env": {"accel": "tcg", "governor": None}, "rounds": 5, "pings": 200,
            "figures": fairfigures.goal_figures(runs, ENVIRONMENT), "absent": [{"name": "x<y", "why": "no & reason"}],
            "table": fairfigures.summary(runs, WAYS), "raw": runs}


class Pages(unittest.TestCase):
    def test_the_page_is_whole_and_loads_nothing(self):
        text = fairpage.page(document())
        page = Page()
        page.feed(text)
        self.assertEqual((page.open, page.loads), ([], []))
        self.assertNotIn("<script", text)
        self.assertEqual(text.count("<svg "), 2 * len(fairrun.CASES))
        self.assertIn("x&lt;y", text)
        for case in fairpage.CASE_WORDS.values():
            self.assertIn("<h3>%s</h3>" % case, text)

    def test_each_ping_is_a_dot_inside_the_picture(self):
        series = [(0, [0.3, 2.0, 2000.0]), (1, [1.0, 1.0, 1.0])]
        self.assertEqual(seqchart.bounds_of([series]), (-1, 4))
        text = seqchart.draw(series, (-1, 4), "a < b", 1000, 330, 14, "wide")
        found = [(float(x), float(y)) for x, y in re.findall(r"M([\d.-]+) ([\d.-]+)h0", text)]
        self.assertEqual(len(found), 6)
        self.assertTrue(all(0 <= x <= 1000 and 0 <= y <= 330 for x, y in found))
        self.assertTrue(found[0][1] > found[1][1] > found[2][1])  # longer is higher

    def test_ticks_are_few_and_round(self):
        self.assertEqual([seqchart.step_of(count) for count in (2, 10, 50, 500, 3000)], [1, 2, 10, 100, 500])


if __name__ == "__main__":
    tapcase.main()
