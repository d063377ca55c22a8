#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The reboot bench: how it follows threads, what it counts, its goals and how it ends; made-up data. Prints TAP."""

import contextlib
import io
import json
import os
import tempfile
import unittest
import unittest.mock

import tapcase  # first: it says where the next ones are
import agentguest
import campaign
import follower
import rebootrun
import threads
from benchlib import BenchError

MS = 10**6
reboot = tapcase.load_bench("reboot")
PLAN = threads.parse_plan("vcpu_sched = fifo\nvcpu_prio = 10\nmain_sched = fifo\nmain_prio = 12\nothr_sched = other\n")


def table(vcpu, main, other="other"):
    """Three threads of a process 1 by policy."""
    priorities = {"fifo": (10, 12), "other": (0, 0)}
    return [threads.Thread(1, "qemu-system-x86", threads.Setting(main, priorities[main][1])),
            threads.Thread(2, "CPU 0/TCG", threads.Setting(vcpu, priorities[vcpu][0])),
            threads.Thread(3, "call_rcu", threads.Setting(other, 0))]


class Following(unittest.TestCase):
    def test_where_all_threads_are(self):
        self.assertEqual(follower.place_of(1, table("fifo", "fifo"), PLAN), "planned")
        self.assertEqual(follower.place_of(1, table("other", "other"), PLAN), "lowered")
        self.assertEqual(follower.place_of(1, table("other", "fifo"), PLAN), "mixed")
        self.assertEqual(follower.place_of(1, [], PLAN), "mixed")
        wrong = table("fifo", "fifo")
        wrong[0].setting.priority = 3
        self.assertEqual(follower.place_of(1, wrong, PLAN), "mixed")

    def test_the_last_thread_counts(self):
        places = [(0, "planned"), (12 * MS, "mixed"), (17 * MS, "lowered")]
        one, = follower.delays([(10 * MS, "rebooting")], places, 99 * MS)
        self.assertEqual((one["word"], one["ms"], one["followed"]), ("rebooting", 7.0, True))

    def test_back_and_forth(self):
        places = [(0, "planned"), (12 * MS, "lowered"), (33 * MS, "planned")]
        found = follower.delays([(10 * MS, "rebooting"), (15 * MS, "reset"), (30 * MS, "ready")], places, 99 * MS)
        self.assertEqual([(one["word"], one["ms"]) for one in found], [("rebooting", 2.0), ("ready", 3.0)])

    def test_a_reset_without_a_word(self):
        found = follower.delays([(10 * MS, "reset")], [(0, "planned"), (14 * MS, "lowered")], 99 * MS)
        self.assertEqual([(one["word"], one["ms"]) for one in found], [("reset", 4.0)])

    def test_a_word_that_is_taken_back_was_not_followed(self):
        places = [(0, "lowered"), (60 * MS, "mixed")]
        found = follower.delays([(10 * MS, "ready"), (50 * MS, "rebooting")], places, 99 * MS)
        self.assertEqual([(one["word"], one["ms"], one["followed"]) for one in found], [("ready", 40.0, False)])

    def test_a_word_that_nobody_followed(self):
        found = follower.delays([(10 * MS, "ready")], [(0, "lowered")], 250 * MS)
        self.assertEqual([(one["ms"], one["followed"]) for one in found], [(240.0, False)])

    def test_looks_see_what_was_said_and_done(self):
        said, place = [agentguest.READY], [table("fifo", "fifo")]
        slot = unittest.mock.Mock(read=lambda: said[0])
        looks = follower.Follower(1, slot, PLAN, {0})
        with unittest.mock.patch.object(threads, "read_threads", lambda pid: place[0]):
            looks.look()
            looks.look()
            said[0] = agentguest.REBOOTING
            looks.look()
            place[0] = table("other", "other")
            looks.look()
        one, = looks.result([])
        self.assertEqual((one["word"], one["followed"]), ("rebooting", True))
        self.assertTrue(one["ms"] > 0 and one["stolen_ms"] >= 0)

    def test_looks_that_ended_early_prove_nothing(self):
        looks = follower.Follower(1, unittest.mock.Mock(), PLAN, {0})
        self.assertRaisesRegex(BenchError, "could not be looked at", looks.result, [])


class Seconds(unittest.TestCase):
    def events(self, *lines):
        with tempfile.NamedTemporaryFile("w", suffix=".events") as file:
            file.write("".join(lines))
            file.flush()
            return rebootrun.read_events(file.name)

    @staticmethod
    def line(second, state, why, event="state"):
        return json.dumps({"time": "2026-01-01T00:00:%06.3fZ" % second, "vm": "second", "event": event, "from": "x",
                           "to": state, "why": why}) + "\n"

    def test_events_are_read_to_the_last_whole_line(self):
        found = self.events(self.line(1, "booting", "start"), self.line(2.25, "ready", "agent"),
                            self.line(3, "ready", "boottime", "limit"), self.line(4, "rebooting", "agent")[:-9])
        self.assertEqual([(state, why) for _, state, why in found], [("booting", "start"), ("ready", "agent")])
        self.assertEqual(found[1][0] - found[0][0], 1.25)

    def test_one_that_did_not_do_its_part_is_no_measurement(self):
        reset = [(1.0, "rebooting", "agent"), (1.1, "booting", "guest-reset")]
        self.assertEqual(rebootrun.count_reboots(reset + [(9.0, "ready", "agent")] + reset), 2)
        rebootrun.check("rest", [], 30)
        for way in ("policy", "unsaid", "keep"):
            rebootrun.check(way, reset, 30)
            self.assertRaisesRegex(BenchError, "did not reboot", rebootrun.check, way, reset[:1], 30)
        self.assertRaisesRegex(BenchError, "was lost", rebootrun.check, "rest", [(1.0, "lost", "heartbeat")], 30)

    def test_both_vms_have_the_same_place_and_urgency(self):
        setup = object.__new__(rebootrun.Setup)
        setup.shared, setup.rest, setup.sched = 3, [0, 1, 2], "rr"
        words = setup.plan("boot=keep")
        self.assertEqual(words[-1], "boot=keep")
        plan = threads.parse_plan("\n".join(words[3].split()))
        self.assertEqual(plan.expected("vcpu", 0).text(), "rr 10 on 3")
        for role in ("main", "paio", "ioth", "othr"):
            self.assertEqual(plan.expected(role, 0).text(), "rr 12 on 0,1,2")


# ---- figures ---------------------------------------------------------------------------------------

P999 = {"rest": 1000, "policy": 1400, "unsaid": 1450, "keep": 390000}  # us; all goals are met
GOVERNOR = {"budgets": [], "shares": []}


def made_up(way, number):
    followed = []
    if way in ("policy", "unsaid"):
        followed = [{"word": word, "at": 0, "until": 1, "ms": ms, "followed": True, "stolen_ms": stolen}
                    for word, ms, stolen in (("rebooting" if way == "policy" else "reset", 4.0, 0), ("ready", 30.0, 10))]
    return {"way": way, "round": number, "samples": 29000, "missed": 300, "p50": 90, "p99": 700, "p999": P999[way],
            "max": 100000, "steal_percent": 1.0, "reboots": 0 if way == "rest" else 2, "followed": followed,
            "held": [{"governor": GOVERNOR}, {"governor": GOVERNOR}]}


def fill(run):
    run.runs = [made_up(way, number + 1) for number in range(run.rounds) for way in run.ways]
    run.environment = {"sched_rt_runtime_us": "950000", "sched_rt_period_us": "1000000", "fair_server": None}
    run.setup = unittest.mock.Mock(shared=1, rest=[0], sched="fifo")


class Ending(unittest.TestCase):
    def end(self, *arguments, change=lambda run: None):
        """(code, output, errors, {name: figure}, the document) of measurements that are made up and changed."""
        def measure(run, after_round):
            fill(run)
            change(run)
            after_round()

        with tempfile.TemporaryDirectory() as directory:
            output, out, errors = os.path.join(directory, "reboot.json"), io.StringIO(), io.StringIO()
            with unittest.mock.patch.object(campaign.Campaign, "run", measure), \
                    unittest.mock.patch("sys.argv", ["reboot", "--output", output, *arguments]), \
                    contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
                code = reboot.main()
            with open(output, encoding="utf-8") as file:
                document = json.load(file)
        return code, out.getvalue(), errors.getvalue(), {one["name"]: one for one in document["figures"]}, document

    def test_all_is_well(self):
        code, out, errors, figures, document = self.end()
        self.assertEqual((code, errors, document["absent"]), (0, "", []))
        self.assertEqual((figures["p999_policy_over_rest"]["value"], figures["p999_policy_over_rest"]["met"]), (1.4, True))
        self.assertEqual((figures["p999_keep_over_rest"]["value"], figures["p999_keep_over_rest"]["met"]), (390.0, None))
        self.assertEqual([figures["follow_" + name]["value"] for name in ("p50", "max", "reset_max", "own_max")],
                         [4.0, 30.0, 4.0, 4.0])
        self.assertEqual([row["reboots"] for row in document["table"]], [0, 20, 20, 20])
        self.assertIn("under fifo 10", out)
        self.assertIn("held a VM back 0 times", out)

    def test_a_neighbour_that_costs_too_much(self):
        def change(run):
            for one in run.of("policy"):
                one["p999"] = 1600
        code, out, errors, figures, _ = self.end(change=change)
        self.assertEqual((code, figures["p999_policy_over_rest"]["met"]), (1, False))
        self.assertIn("p999_policy_over_rest", errors)
        self.assertIn("goal <= 1.5: short", out)

    def test_few_rounds_meet_nothing(self):
        code, _, _, figures, _ = self.end("--rounds", "4")
        self.assertEqual((code, figures["p999_policy_over_rest"]["note"]), (1, "4 rounds, 10 are needed"))
        self.assertEqual((figures["follow_max"]["met"], figures["follow_max"]["note"]), (False, "16 words, 20 are needed"))

    def test_threads_that_follow_late_or_never(self):
        def late(run):
            run.of("policy")[3]["followed"][0]["ms"] = 101.0

        def never(run):
            run.of("policy")[3]["followed"][0]["followed"] = False
        self.assertFalse(self.end(change=late)[3]["follow_max"]["met"])
        figure = self.end(change=never)[3]["follow_max"]
        self.assertEqual((figure["met"], figure["note"]), (False, "1 were never followed"))

    def test_what_was_not_asked_for_is_absent(self):
        code, out, _, _, document = self.end("--ways", "rest,keep")
        self.assertEqual(code, 0)
        self.assertEqual({one["name"]: one["why"] for one in document["absent"]}, {
            "p999_policy_over_rest": "not asked for: policy", "p999_unsaid_over_rest": "not asked for: unsaid",
            "follow_max": "not asked for: policy"})
        self.assertIn("absent:", out)

    def test_a_governor_that_held_is_said(self):
        def change(run):
            run.runs[0]["held"][1] = {"governor": {"budgets": [{"of": "host", "throttled": 7}], "shares": []}}
            run.runs[1]["held"][0] = {"governor": None}
        self.assertIn("guard watched in 1 of 40 measurements; the governor held a VM back 7 times",
                      self.end(change=change)[1])


class Guests(unittest.TestCase):
    def test_an_archive_is_added_to_the_image(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, os.path.dirname(agentguest.AGENT)))
            for name, content in ((agentguest.AGENT, b"agent"), ("base", b"12345")):
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(content)
            path = os.path.join(folder, "image")
            agentguest.make_image(os.path.join(folder, "base"), folder, rebootrun.INIT, path)
            with open(path, "rb") as file:
                image = file.read()
        self.assertEqual(image[:8], b"12345\0\0\0")
        self.assertEqual(image[8:10], b"\x1f\x8b")

    def test_members_are_aligned(self):
        out = agentguest.archive([("a", 0o100755, b"123"), ("name", 0o100644, b"")])
        self.assertEqual((len(out) % 4, out.count(b"070701")), (0, 3))
        self.assertTrue(out.index(b"123") % 4 == 0 and b"TRAILER!!!" in out)


if __name__ == "__main__":
    tapcase.main()
