# SPDX-License-Identifier: MIT
"""Made-up data in the form that the demo writes, the same at each call."""

import random

PLANNED = {"policy": "fifo", "priority": 98, "nice": 0, "cpus": "0"}


def histogram(source, center, spread, tail, count):
    """{us: count} of a log-normal body with a few far outliers."""
    values = {}
    for _ in range(count):
        wide = spread * (2.2 if source.random() < tail else 1)
        value = max(1, int(source.lognormvariate(0, wide) * center))
        values[value] = values.get(value, 0) + 1
    return values


def placement(source, workers):
    return {"samples": 50, "samples_out_of_plan": 0, "threads_out_of_plan_max": 0, "out_of_plan": {},
            "workers_min": 0, "workers_max": workers, "workers_different": workers + source.randrange(9),
            "threads": []}


def status():
    threads = [{"tid": 100, "name": "qemu-system-x86", "role": "main", "index": 0, "planned": PLANNED,
                "effective": PLANNED, "in_plan": True, "placed_by": "self"},
               {"tid": 102, "name": "CPU 0/TCG", "role": "vcpu", "index": 0, "in_plan": True,
                "planned": dict(PLANNED, priority=97, cpus="1"), "placed_by": "broker",
                "effective": dict(PLANNED, priority=97, cpus="1")}]
    threads += [{"tid": 200 + i, "name": "worker <&>", "role": "paio", "index": i, "planned": PLANNED,
                 "effective": PLANNED, "in_plan": i != 5, "placed_by": "self"} for i in range(6)]
    return {"name": "demo", "threads": threads}


def run(source, way, number, shape, read_result):
    text_counts = histogram(source, *shape)
    cycles = sum(text_counts.values())
    result = read_result({"thread": {"0": {"histogram": {str(k): v for k, v in text_counts.items()},
                                           "cycles": cycles, "max": max(text_counts)}}})
    result.update(way=way, round=number, steal_percent=0.4)
    if way != "native":
        result.update(placement=placement(source, 12), boot_seconds=5.1,
                      status=status() if way == "qrt" else None)
        if way == "stock":
            result["placement"]["threads_out_of_plan_max"] = None
    return result


SHAPES = {"native": (18, 0.35, 0.01, 4000), "stock": (900, 1.2, 0.05, 1200), "hand": (80, 0.45, 0.02, 4000),
          "qrt": (75, 0.35, 0.01, 4000), "patched": (75, 0.35, 0.01, 4000), "preloaded": (75, 0.35, 0.01, 4000)}


def fill(campaign, read_result):
    """Gives a Campaign of the demo's four ways its runs."""
    source = random.Random(7)
    for number in range(1, campaign.rounds + 1):
        for way in campaign.ways:
            campaign.runs.append(run(source, way, number, SHAPES[way], read_result))
    campaign.environment = {"kernel": "6.1.0-test " + "x" * 120, "cpus": 2, "accel": "tcg",
                            "host_is_a_guest": True, "governor": None}
