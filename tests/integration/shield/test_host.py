#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole host under a shield, for a moment: before, during, after."""

import json
import os

from box import need_cpusets
from picture import Picture
from tap import Skip, check, check_equal, main
from vm import Place

LAST = os.cpu_count() - 1


def check_threads(picture, left):
    """Nothing but what is reported, workers that the kernel moves itself, and VMs that somebody runs there."""
    known = {one["number"] for one in left}
    on = ["%s (%d)" % (name, tid) for (tid, _), (name, cpus, cpuset) in picture.threads.items()
          if LAST in cpus and tid not in known and cpuset != "/qrt-shield"]
    check(not on, "still on the CPU, and not reported: " + ", ".join(on))


def before_during_after():
    need_cpusets()
    with Place() as place:
        if json.loads(place.call("shield", "--json", env={"QRT_RUN_DIR": "/run/qrt"})[1])["up"]:
            raise Skip("a shield is up")
        before = Picture()
        code, out, errors = place.call("shield", str(LAST), "--all", "--json")
        try:
            during = Picture()
        finally:
            lowered = place.call("unshield")
        check_equal((code, errors), (0, ""), "shield")
        check_equal(lowered, (0, "", ""), "unshield")
        check_threads(during, json.loads(out)["left"])
        before.check_same("after unshield")


main([("before, during, after", before_during_after)])
