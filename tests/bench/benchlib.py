# SPDX-License-Identifier: MIT
"""Figures of benchmarks: percentiles, medians, intervals, and the files they are written to."""

import collections
import json
import os
import platform
import random
import subprocess
import time

import proc


class BenchError(Exception):
    """What stopped a benchmark, as one line for a person."""


# ---- statistics ----------------------------------------------------------------------------------


def percentile(histogram, share, overflow=0, maximum=None):
    """Nearest rank in {microseconds: count}. Values beyond the histogram count as the maximum."""
    total = sum(histogram.values()) + overflow
    if total == 0:
        return None
    rank = max(1, -(-total * share // 100))  # ceiling: never better than what was seen
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        if seen >= rank:
            return value
    return maximum


def percentile_of(values, share):
    """Nearest rank in a list of single values."""
    return percentile(collections.Counter(values), share)


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def bootstrap_interval(values, resamples=5000, statistic=median):
    """95 % interval of the statistic by resampling; seeded, so that the same data give the same one."""
    if len(values) < 2:
        return values[0], values[0]
    source = random.Random(1)
    seen = sorted(statistic(source.choices(values, k=len(values))) for _ in range(resamples))
    return seen[int(resamples * 0.025)], seen[int(resamples * 0.975)]


def figure(name, values, unit, goal=None, at_least=False, limit=None, needed=1):
    """One figure in the form that benchmarks are written in, from a value per round.

    It is met when there are as many rounds as needed, the median reaches the goal and the unfavourable
    end of the interval does not pass `limit` (the goal itself where no other was set).
    """
    low, high = bootstrap_interval(values)
    result = {"name": name, "value": median(values), "min": low, "max": high, "unit": unit,
              "rounds": len(values), "goal": goal, "at_least": at_least, "note": None}
    if goal is None:
        result["met"] = None
        return result
    limit = goal if limit is None else limit
    result["interval_limit"] = limit
    if at_least:
        result["met"] = result["value"] >= goal and low >= limit
    else:
        result["met"] = result["value"] <= goal and high <= limit
    if result["met"] and len(values) < needed:
        result["met"], result["note"] = False, "%d rounds, %d are needed" % (len(values), needed)
    return result


def share_figure(name, values, share, unit, goal=None, note=None):
    """The value that `share` percent of single measurements do not pass, 100 for the maximum. A note
    says what they lack as a proof: with it the goal is not met."""
    def statistic(chosen):
        return percentile_of(chosen, share)

    low, high = bootstrap_interval(values, 2000, statistic)
    value = statistic(values)
    return {"name": name, "value": value, "min": low, "max": high, "unit": unit, "rounds": len(values),
            "goal": goal, "at_least": False, "samples": len(values), "note": note,
            "met": None if goal is None else value <= goal and not note}


def count_figure(name, value, unit, goal=None, samples=None, note=None):
    """A figure that is a count over all rounds and has no spread. With a note, which says what the
    count lacks as a proof, it is never met."""
    return {"name": name, "value": value, "min": value, "max": value, "unit": unit, "rounds": None,
            "goal": goal, "at_least": False, "samples": samples, "note": note,
            "met": None if goal is None else value <= goal and not note}


def figure_line(fig):
    """name, value, spread, goal, met or short."""
    text = "%-24s %10.4g %-6s" % (fig["name"], fig["value"], fig["unit"])
    text += " %-22s" % ("(%.4g .. %.4g)" % (fig["min"], fig["max"]) if fig["rounds"] else "")
    if fig["goal"] is None:
        return text.rstrip()
    sign, limit = ">=" if fig["at_least"] else "<=", fig.get("interval_limit", fig["goal"])
    text += " goal %s %g" % (sign, fig["goal"]) + (", interval %s %g" % (sign, limit) if limit != fig["goal"] else "")
    return text + ": " + verdict(fig)


def absent_line(one):
    """A goal's figure that could not be made, {"name", "why"}: never met."""
    return "%-24s %10s        %s" % (one["name"], "absent:", one["why"])


def verdict(fig):
    """met or short, and what it lacks as a proof."""
    return ("met" if fig["met"] else "short") + (": " + fig["note"] if fig.get("note") else "")


# ---- the machine ---------------------------------------------------------------------------------


def read_text(path):
    """A file's stripped text, None where it cannot be read."""
    text = proc.read_text(path)
    return None if text is None else text.strip()


def first_line_of(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20,
                              check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip().split("\n")[0] or None


def cpu_model():
    for line in (read_text("/proc/cpuinfo") or "").split("\n"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return None


def host_is_guest():
    return " hypervisor" in (read_text("/proc/cpuinfo") or "")


def fair_server():
    """The kernel's share for time-shared threads on a CPU that real-time ones keep (Linux >= 6.12)."""
    base = "/sys/kernel/debug/sched/fair_server/cpu0/"
    runtime, period = read_text(base + "runtime"), read_text(base + "period")
    return "%s of %s ns" % (runtime, period) if runtime and period else None


def environment():
    return {
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "kernel": "%s %s" % (platform.release(), platform.version()),
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "host_is_a_guest": host_is_guest(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "qemu": first_line_of("qemu-system-x86_64", "--version"),
        "stress_ng": first_line_of("stress-ng", "--version"),
        "clocksource": read_text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "governor": read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "sched_rt_runtime_us": read_text("/proc/sys/kernel/sched_rt_runtime_us"),
        "sched_rt_period_us": read_text("/proc/sys/kernel/sched_rt_period_us"),
        "fair_server": fair_server(),
        "loadavg_before": read_text("/proc/loadavg"),
    }


class StealClock:
    """Share of the CPUs' time that this machine's own host took away, between two looks."""

    def __init__(self):
        self.before = self.look()

    @staticmethod
    def look():
        fields = [int(field) for field in read_text("/proc/stat").split("\n")[0].split()[1:]]
        return sum(fields[:8]), fields[7]

    def percent(self):
        total, steal = self.look()
        passed = total - self.before[0]
        return 100 * (steal - self.before[1]) / passed if passed > 0 else 0.0


# ---- results -------------------------------------------------------------------------------------


def write_file(path, text):
    """Whole or not at all: a reader never sees half of it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = "%s.%d.tmp" % (path, os.getpid())
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def write_json(path, document):
    write_file(path, json.dumps(document, indent=1) + "\n")
