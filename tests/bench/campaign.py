# SPDX-License-Identifier: MIT
"""Several ways, several rounds, interleaved: what the demo and the guest-latency benchmark share."""

import os
import re
import shutil
import tempfile
import time

import benchlib
import guestrun
import loads
import vm

ENOUGH_SAMPLES = 50  # looks at all threads, over all rounds: fewer prove nothing
# Name, way above, way below, goal or None, whether it is a least, and what the interval's end must not pass.
GOALS = (("p999_stock_over_qrt", "stock", "qrt", 100, True, None),
         ("p999_qrt_over_hand", "qrt", "hand", 0.9, False, 1.05),
         ("p999_qrt_over_native", "qrt", "native", 2, False, None))
# Ways whose threads out of plan are counted, and how many there may be.
COUNTS = (("qrt", 0), ("hand", None), ("patched", None))
COLUMNS = ("way", "samples", "missed", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "out of plan", "steal %")


def sweep(output):
    """Removes what a killed benchmark left: folders that carry the number of a process that ended."""
    for name in os.listdir(output):
        match = re.match(r"^bench-(\d+)-", name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            shutil.rmtree(os.path.join(output, name), ignore_errors=True)


class Campaign:
    """runs: one dict per measurement, with "way" and "round"."""

    def __init__(self, ways, rounds, seconds, top, needed=1):
        """ways: {name: None or a list of -rt options}; needed: rounds without which no goal is met."""
        self.ways, self.rounds, self.seconds, self.top, self.needed = ways, rounds, seconds, top, needed
        self.guest = os.path.join(top, "build", "guest")
        self.build = os.environ.get("QRT_BUILD") or os.path.join(top, "build", "release")
        self.goals, self.counts = GOALS, COUNTS
        self.missing = {}  # ways that cannot be measured: why
        self.runs = []
        self.environment = {}
        self.started = time.monotonic()

    def check(self):
        loads.require(vm.QEMU, "stress-ng", "cyclictest", "dd", "timeout")
        for name in ("vmlinuz", "initramfs.gz"):
            if not os.path.exists(os.path.join(self.guest, name)):
                raise benchlib.BenchError("%s has no %s; run guest/build" % (self.guest, name))
        if os.geteuid() != 0:
            raise benchlib.BenchError("real-time priorities for all ways need root: run it as root")
        if shutil.disk_usage(self.top).free < 600 * 2**20:
            raise benchlib.BenchError("600 MB of free space are needed in %s" % self.top)

    def order(self, number):
        """Each round starts with another way, so that no way is always first."""
        names = list(self.ways)
        shift = number % len(names)
        return names[shift:] + names[:shift]

    def say(self, text):
        print(text, flush=True)

    def eta(self, done):
        if not done:
            return ""
        left = (self.rounds * len(self.ways) - done) * (time.monotonic() - self.started) / done
        return ", %.0f min left" % (left / 60) if left >= 60 else ", %.0f s left" % left

    def make_setup(self, directory):
        return guestrun.Setup(self.guest, self.build, directory, self.seconds)

    def take(self, setup, name):
        """One measurement."""
        return guestrun.run_way(setup, name, self.ways[name])

    def measure_one(self, setup, name, number):
        head = "[%d/%d] %-11s" % (number + 1, self.rounds, name)
        setup.say = lambda text: self.say("%s %s%s" % (head, text, self.eta(len(self.runs))))
        run = self.take(setup, name)
        run.update(way=name, round=number + 1)
        self.runs.append(run)
        self.say("%s p50 %s  p99 %s  p99.9 %s  max %s ms, %d of %d periods missed" % (
            head, ms(run["p50"]), ms(run["p99"]), ms(run["p999"]), ms(run["max"]), run["missed"],
            self.seconds * 1000))

    def run(self, after_round):
        """Calls after_round() whenever a round is complete."""
        self.check()
        self.environment = benchlib.environment()
        self.say("trying whether a guest kernel runs under KVM here")
        accel = vm.choose_accel(self.guest)
        self.environment["accel"], self.environment["guest_cpu"] = accel
        self.environment["guest"] = benchlib.read_text(os.path.join(self.guest, "packages.list"))
        self.say("guests run under %s" % accel[0].upper())
        output = os.path.join(self.top, "build")
        sweep(output)
        with tempfile.TemporaryDirectory(prefix="bench-%d-" % os.getpid(), dir=output) as directory:
            setup = self.make_setup(directory)
            setup.accel, setup.cpu = accel
            self.environment["disk_cache"] = setup.cache
            self.started = time.monotonic()
            for number in range(self.rounds):
                for name in self.order(number):
                    self.measure_one(setup, name, number)
                self.environment["loadavg_after"] = benchlib.read_text("/proc/loadavg")
                after_round()

    # ---- what came out ---------------------------------------------------------------------------

    def of(self, way):
        return sorted((run for run in self.runs if run["way"] == way), key=lambda run: run["round"])

    def ratio(self, above, below, key="p999"):
        """One value per round that has both."""
        lower = {run["round"]: run[key] for run in self.of(below)}
        return [run[key] / max(1, lower[run["round"]]) for run in self.of(above) if run["round"] in lower]

    def out_of_plan(self, way):
        """(most threads out of plan at once, samples), None where the way has no plan."""
        runs = [run["placement"] for run in self.of(way) if "placement" in run]
        if not runs or runs[0]["threads_out_of_plan_max"] is None:
            return None
        return max(run["threads_out_of_plan_max"] for run in runs), sum(run["samples"] for run in runs)

    def proof_lacks(self, way, samples):
        """Why looks that found no thread out of plan prove nothing, None where they do."""
        if samples < ENOUGH_SAMPLES:
            return "%d samples, %d are needed" % (samples, ENOUGH_SAMPLES)
        unseen = ["%d" % run["round"] for run in self.of(way) if not run["placement"]["samples"]]
        if unseen:
            return "no sample in round %s" % ", ".join(unseen)
        places = [run["placement"] for run in self.of(way)]
        if not any(place["workers_different"] > place["workers_max"] or
                   place["workers_min"] != place["workers_max"] for place in places):
            return "no worker came or went during the runs"
        return None

    def out_of_plan_figure(self, way, goal):
        out = self.out_of_plan(way)
        if out is None:
            return None
        # A count that misses its goal needs no further proof.
        note = self.proof_lacks(way, out[1]) if goal is not None and out[0] <= goal else None
        return benchlib.count_figure("out_of_plan_" + way, out[0], "threads", goal, out[1], note)

    def figures(self):
        """The figures of the goals, each absent where one of its ways was not measured."""
        result = []
        for name, above, below, goal, at_least, limit in self.goals:
            values = self.ratio(above, below)
            if values:
                result.append(benchlib.figure(name, values, "ratio", goal, at_least, limit, self.needed))
        counts = [self.out_of_plan_figure(way, goal) for way, goal in self.counts]
        return result + [count for count in counts if count]

    def wanted(self):
        """{figure that a goal names, or that stands beside one: the ways that it is made of}."""
        counts = {"out_of_plan_" + way: (way,) for way, goal in self.counts if goal is not None}
        return dict({name: (above, below) for name, above, below, *_ in self.goals}, **counts)

    def absent(self):
        """The goals' figures that could not be made: [{"name", "why"}]."""
        found = {figure["name"] for figure in self.figures()}
        return [{"name": name, "why": self.why_absent(ways)} for name, ways in self.wanted().items()
                if name not in found]

    def why_absent(self, ways):
        unable = [self.missing[way] for way in ways if way in self.missing]
        if unable:
            return unable[0]
        left_out = [way for way in ways if way not in self.ways]
        missing = [way for way in ways if way in self.ways and not self.of(way)]
        if left_out:
            return "not asked for: " + ", ".join(left_out)
        return "not measured: " + ", ".join(missing) if missing else "no round has all that it needs"

    def unmet(self):
        """Names of the goals that were asked for and not met."""
        fine = {figure["name"] for figure in self.figures() if figure["met"] or figure["goal"] is None}
        return [name for name, ways in self.wanted().items() if set(ways) <= set(self.ways) and name not in fine]

    def goal_lines(self, more=()):
        """One line per figure, and per figure that there should be."""
        return [benchlib.figure_line(figure) for figure in self.figures() + list(more)] + \
            [benchlib.absent_line(one) for one in self.absent()]

    def summary(self):
        """One row per way: sums of counts, medians of percentiles over the rounds, the worst maximum."""
        rows = []
        for way in self.ways:
            runs = self.of(way)
            if not runs:
                continue
            out = self.out_of_plan(way)
            row = {"way": way, "options": self.ways[way], "rounds": len(runs),
                   "samples": sum(run["samples"] for run in runs),
                   "missed": sum(run["missed"] for run in runs),
                   "max": max(run["max"] for run in runs),
                   "steal_percent": sum(run["steal_percent"] for run in runs) / len(runs),
                   "out_of_plan": out[0] if out else None, "thread_samples": out[1] if out else None}
            for key in ("p50", "p99", "p999"):
                row[key] = benchlib.median([run[key] for run in runs])
            rows.append(row)
        return rows

    def document(self, name):
        return {"bench": name, "env": self.environment, "seconds": self.seconds, "rounds": self.rounds,
                "complete": len(self.runs) == self.rounds * len(self.ways),
                "figures": self.figures(), "absent": self.absent(), "table": self.summary(), "raw": self.runs}


def ms(microseconds):
    value = microseconds / 1000
    return "%.3f" % value if value < 1 else "%.2f" % value if value < 10 else "%.1f" % value


def table_lines(rows):
    lines = ["%-12s %8s %8s %8s %8s %9s %8s %12s %8s" % COLUMNS]
    for row in rows:
        out = "-" if row["out_of_plan"] is None else "%d" % row["out_of_plan"]
        lines.append("%-12s %8d %8d %8s %8s %9s %8s %12s %8.2f" % (
            row["way"], row["samples"], row["missed"], ms(row["p50"]), ms(row["p99"]), ms(row["p999"]),
            ms(row["max"]), out, row["steal_percent"]))
    return lines
