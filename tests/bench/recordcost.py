# SPDX-License-Identifier: MIT
"""What the launcher's flight recorder costs a guest: disk requests a second, and wake-up latency, with it and
without it, in turns."""

import os
import tempfile
import time

import benchlib
import campaign
import guestrun
import vm
from benchlib import BenchError, figure

ROUNDS = 5  # without them no goal is met
WAYS = {"on": [], "off": ["--no-record"]}
PATIENCE = 120
SETTLE = 3  # s until all of the guest's readers and writers run
# Noise of a whole guest is far above what a recorder can cost at p99.9: that it costs nothing there is held as long as
# the interval has 1 in it, and the median is next to it.
THROUGHPUT_GOAL, LATENCY_GOAL, LATENCY_LIMIT = 1.01, 1.05, 1.3


def count_requests(monitor):
    stats = [device["stats"] for device in monitor.call("query-blockstats")]
    return sum(one["rd_operations"] + one["wr_operations"] for one in stats)


def measure_requests(setup, options):
    """Requests a second of a guest that floods its disk."""
    with tempfile.TemporaryDirectory(prefix="qrt-") as directory:
        way, qmp = guestrun.Qrt(options), os.path.join(directory, "qmp")
        qemu = vm.qemu_arguments(setup.guest, setup.accel, setup.cpu, "quiet qrt.role=flood", setup.disk, setup.cache,
                                 qmp)
        with vm.Vm(way.command(setup, qemu, directory), way.environment) as guest:
            guest.wait_line("QRT role flood", PATIENCE)
            with vm.Monitor(qmp) as monitor:
                time.sleep(SETTLE)
                start, before = time.monotonic(), count_requests(monitor)
                time.sleep(setup.seconds)
                after, end = count_requests(monitor), time.monotonic()
    if after <= before:
        raise BenchError("the guest's disk did nothing")
    return (after - before) / (end - start)


def run_round(setup, number):
    """{way: {"requests", "p999"}}; each round another one is first."""
    names = list(WAYS) if number % 2 == 0 else list(WAYS)[::-1]
    found = {name: {"requests": measure_requests(setup, WAYS[name])} for name in names}
    for name in names:
        found[name]["p999"] = guestrun.run_vm(setup, guestrun.Qrt(WAYS[name]))["p999"]
    return found


def measure(top, rounds, seconds, say):
    """One dict of run_round() per round."""
    run = campaign.Campaign(dict.fromkeys(WAYS), rounds, seconds, top)
    run.check()
    campaign.sweep(os.path.join(top, "build"))
    result = []
    with tempfile.TemporaryDirectory(prefix="bench-%d-" % os.getpid(), dir=os.path.join(top, "build")) as directory:
        setup = guestrun.Setup(run.guest, run.build, directory, seconds)
        setup.accel, setup.cpu = vm.choose_accel(run.guest)
        for number in range(rounds):
            result.append(run_round(setup, number))
            say("recorder, round %d: %s" % (number + 1, ", ".join("%s %.0f requests/s, p99.9 %d us" % (
                name, one["requests"], one["p999"]) for name, one in result[-1].items())))
    return result


def latency_figure(values):
    result = figure("recorder_p999_on_over_off", values, "ratio", LATENCY_GOAL, limit=LATENCY_LIMIT, needed=ROUNDS)
    if result["met"] and result["min"] > 1:
        result["met"], result["note"] = False, "the whole interval is above 1"
    return result


def make_figures(rounds):
    slower = [one["off"]["requests"] / one["on"]["requests"] for one in rounds]
    later = [one["on"]["p999"] / max(1, one["off"]["p999"]) for one in rounds]
    return [figure("recorder_throughput_off_over_on", slower, "ratio", THROUGHPUT_GOAL, needed=ROUNDS),
            latency_figure(later),
            figure("recorder_on_requests", [one["on"]["requests"] for one in rounds], "1/s"),
            figure("recorder_off_requests", [one["off"]["requests"] for one in rounds], "1/s")]


def absent(why):
    """What stands in the place of these figures where they could not be made."""
    return [{"name": name, "why": why} for name in (
        "recorder_throughput_off_over_on", "recorder_p999_on_over_off")]
