# SPDX-License-Identifier: MIT
"""What the benchmark reboot says: figures for its goals, rows for its table, and what holds the two guests."""

import benchlib
import campaign
from rebootrun import PRIORITY

GOAL = 1.5  # times the p99.9 beside a guest at rest
GOAL_MS = 100  # until the threads have followed the guest's word
ENOUGH_WORDS = 20  # fewer prove nothing
# As campaign.GOALS.
GOALS = (("p999_policy_over_rest", "policy", "rest", GOAL, False, None),
         ("p999_unsaid_over_rest", "unsaid", "rest", None, False, None),
         ("p999_keep_over_rest", "keep", "rest", None, False, None))
WORDS = ("ready", "rebooting", "reset")


def plain_figures(run):
    """Each way's own."""
    figures = []
    for way in run.ways:
        runs = run.of(way)
        if not runs:
            continue
        for key in ("p50", "p99", "p999", "max"):
            figures.append(benchlib.figure("%s_%s" % (key, way), [one[key] / 1000 for one in runs], "ms"))
        figures.append(benchlib.figure("missed_" + way, [100 * one["missed"] / (1000 * run.seconds) for one in runs], "%"))
        figures.append(benchlib.figure("reboots_" + way, [one["reboots"] for one in runs], ""))
    return figures


def followed(run):
    return [one for found in run.runs for one in found["followed"]]


def lack(ones):
    """Why words that were followed soon prove nothing, None where they do."""
    lost = sum(not one["followed"] for one in ones)
    if lost:
        return "%d were never followed" % lost
    return "%d words, %d are needed" % (len(ones), ENOUGH_WORDS) if len(ones) < ENOUGH_WORDS else None


def follow_figures(run):
    """How long it took until all threads followed the guest's word. "own" are those of whose time nothing was stolen."""
    ones = followed(run)
    if not ones:
        return []
    values = [one["ms"] for one in ones]
    figures = [benchlib.share_figure("follow_p50", values, 50, "ms"),
               benchlib.share_figure("follow_max", values, 100, "ms", GOAL_MS, lack(ones))]
    kinds = {word: [one["ms"] for one in ones if one["word"] == word] for word in WORDS}
    kinds["own"] = [one["ms"] for one in ones if not one["stolen_ms"]]
    return figures + [benchlib.share_figure("follow_%s_max" % kind, some, 100, "ms")
                      for kind, some in kinds.items() if some]


def absent(run):
    """The goals' figures that are not there, each with the reason."""
    result = run.absent()
    if not followed(run):
        asked = "policy" in run.ways or "unsaid" in run.ways
        result.append({"name": "follow_max", "why": "no word of the guest" if asked else "not asked for: policy"})
    return result


# ---- what holds --------------------------------------------------------------------------------------


def throttled(governor):
    """How often the governor held a VM's threads back."""
    return sum(one["throttled"] for one in governor["budgets"] + governor["shares"])


def is_guarded(governor):
    return any(one["of"] == "host" for one in governor["budgets"])


def holds_lines(run, setup):
    """What else could keep the two guests from each other."""
    env = run.environment
    governors = [[held["governor"] for held in one["held"] if held["governor"]] for one in run.runs]
    guarded = sum(any(is_guarded(governor) for governor in some) for some in governors)
    times = sum(throttled(governor) for some in governors for governor in some)
    return ["both vCPUs on CPU %d under %s %d, all else of both VMs on CPU %s" % (
                setup.shared, setup.sched, PRIORITY, ",".join(map(str, setup.rest))),
            "the kernel: real-time threads may have %s of %s us (sched_rt_runtime_us); fair server: %s" % (
                env["sched_rt_runtime_us"], env["sched_rt_period_us"], env["fair_server"] or "none to be seen"),
            "qrt-launcher: no budget and no weight; the host's guard watched in %d of %d measurements; the governor held "
            "a VM back %d times" % (guarded, len(governors), times)]


# ---- the table ---------------------------------------------------------------------------------------


def rows_of(run):
    rows = run.summary()
    for row in rows:
        row["reboots"] = sum(one["reboots"] for one in run.of(row["way"]))
    return rows


def table_lines(rows):
    lines = ["%-8s %8s %8s %9s %9s %9s %9s %8s %8s" % (
        "way", "samples", "missed", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "reboots", "steal %")]
    for row in rows:
        lines.append("%-8s %8d %8d %9s %9s %9s %9s %8d %8.2f" % (
            row["way"], row["samples"], row["missed"], *(campaign.ms(row[key]) for key in ("p50", "p99", "p999", "max")),
            row["reboots"], row["steal_percent"]))
    return lines + ["missed: periods that the first guest slept through; they are in no percentile"]
