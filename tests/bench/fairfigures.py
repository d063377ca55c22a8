# SPDX-License-Identifier: MIT
"""What the pings of the fairness benchmark say: figures for its goals, rows for its table.

The goals are of all pings. Beside each is the same figure of those pings ("own") of whose time the machine below
stole nothing: what it takes no scheduling can give back. How many the others were is in the table: busier ways lose more."""

import benchlib
from fairrun import CASES

OURS, KERNEL = "ours", "rr"
KERNEL_SLICE = "100"  # ms, of who has the kernel's
# How many times of the idle neighbour's p99 a case may have, and of the lonely guest's: that is its floor
# where the guest's CPU is emulated and the idle neighbour's is no worse.
TIMES_IDLE = {"hogs": 2, "flood": 2, "reboot": 3}
TIMES_ALONE = 1.5
BETTER = 5  # than with the kernel's slice, under hogs
NEEDED = 5  # rounds without which no goal is met


def by_round(runs, way, case, key):
    return {run["round"]: run[key] for run in runs if run["way"] == way and run["case"] == case}


def over_reference(runs, case, key, has_floor):
    """p99 over what it is compared with: the idle neighbour's, or with a floor as much of the lonely one's as makes
    the goal TIMES_ALONE of it. One value per round."""
    worth = TIMES_ALONE / TIMES_IDLE[case] if has_floor else 0
    idle, alone = by_round(runs, OURS, "idle", key), by_round(runs, OURS, "alone", key)
    return [value / max(idle[number], worth * alone.get(number, 0))
            for number, value in sorted(by_round(runs, OURS, case, key).items()) if number in idle]


def kernel_over_ours(runs, key):
    ours = by_round(runs, OURS, "hogs", key)
    return [value / ours[number] for number, value in sorted(by_round(runs, KERNEL, "hogs", key).items())
            if number in ours]


def goals(runs, key="p99", has_floor=True):
    """{name: (values, goal, at_least, the (way, case) pairs it is made of)}"""
    result = {"p99_%s_over_idle" % case: (over_reference(runs, case, key, has_floor), times, False,
                                          ((OURS, "idle"), (OURS, case))) for case, times in TIMES_IDLE.items()}
    result["p99_hogs_rr_over_ours"] = (kernel_over_ours(runs, key), BETTER, True,
                                       ((KERNEL, "hogs"), (OURS, "hogs")))
    return result


# What the goals are made of: these (way, case) pairs are measured in each round.
GOAL_PAIRS = {pair for _, _, _, pairs in goals([]).values() for pair in pairs} | {(OURS, "alone")}


def goal_figures(runs, environment):
    """The goals', and the same of the pings of whose time nothing was stolen."""
    has_floor = environment.get("accel") == "tcg"
    figures = [benchlib.figure(name, values, "ratio", goal, at_least, None, NEEDED)
               for name, (values, goal, at_least, _) in goals(runs, "p99", has_floor).items() if values]
    for fig in figures:
        if KERNEL in fig["name"].split("_") and environment.get("sched_rr_timeslice_ms") != KERNEL_SLICE:
            fig["met"], fig["note"] = False, "kernel.sched_rr_timeslice_ms is %s, not %s" % (
                environment.get("sched_rr_timeslice_ms"), KERNEL_SLICE)
    return figures + [benchlib.figure("own_" + name, values, "ratio")
                      for name, (values, _, _, _) in goals(runs, "own", has_floor).items() if values]


def absent(runs, ways, cases):
    """The goals' figures that are not there, each with the reason."""
    result = []
    for name, (values, _, _, pairs) in goals(runs).items():
        missing = ["%s/%s" % pair for pair in pairs if pair[0] not in ways or pair[1] not in cases]
        if not values:
            why = "not asked for: " + ", ".join(missing) if missing else "no round has all that it needs"
            result.append({"name": name, "why": why})
    return result


def plain_figures(runs, ways, cases):
    """Each way's p99 in each case, and how late the pinger itself was."""
    figures = []
    for way in ways:
        for case in cases:
            values = list(by_round(runs, way, case, "p99").values())
            if values:
                figures.append(benchlib.figure("p99_%s_%s" % (way, case), values, "ms"))
    for key in ("send_late_ms", "read_late_ms"):
        values = [run[key] for run in runs]
        if values:
            figures.append(benchlib.share_figure("pinger_" + key.removesuffix("_ms"), values, 100, "ms"))
    return figures


def summary(runs, ways):
    """One row per way and case: medians over the rounds, sums of counts, the worst maximum."""
    rows = []
    for way in ways:
        for case in CASES:
            chosen = [run for run in runs if run["way"] == way and run["case"] == case]
            if not chosen:
                continue
            row = {"way": way, "case": case, "rounds": len(chosen),
                   "pings": sum(len(run["times"]) for run in chosen), "lost": sum(run["lost"] for run in chosen),
                   "max": max(run["max"] for run in chosen),
                   "steal_percent": sum(run["steal_percent"] for run in chosen) / len(chosen)}
            row["stolen"] = sum(run["stolen"] for run in chosen)
            for key in ("p50", "p99", "own"):
                row[key] = benchlib.median([run[key] for run in chosen])
            row["neighbour_cpus"] = benchlib.median([neighbour_cpus(run) for run in chosen])
            rows.append(row)
    return rows


def neighbour_cpus(run):
    """CPUs' worth of time that the second VM used meanwhile."""
    return run["used"][1]["cpu_ms"] / 1000 / run["seconds"] if len(run["used"]) > 1 else 0.0


def table_lines(rows):
    head = ("way", "second guest", "pings", "lost", "p50 ms", "p99 ms", "own p99", "stolen", "max ms", "its CPUs")
    lines = ["%-12s %-12s %6s %5s %9s %9s %9s %7s %9s %8s" % head]
    for row in rows:
        lines.append("%-12s %-12s %6d %5d %9.3f %9.3f %9.3f %7d %9.3f %8.2f" % (
            row["way"], row["case"], row["pings"], row["lost"], row["p50"], row["p99"], row["own"], row["stolen"],
            row["max"], row["neighbour_cpus"]))
    return lines


def typical(runs, way, case):
    """The round whose p99 is in the middle, None where there is none."""
    chosen = sorted((run for run in runs if run["way"] == way and run["case"] == case), key=lambda run: run["p99"])
    return chosen[(len(chosen) - 1) // 2] if chosen else None
