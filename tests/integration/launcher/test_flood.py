#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a QEMU that its guest took over says to its supervisor without end costs nobody an answer."""

import os
import signal
import subprocess
import time

from tap import check, main
from vm import BUILD, LAUNCHER, Place, end_session, start_session, wait_for

FLOOD = os.path.join(BUILD, "tests", "integration", "launcher", "launcher_flood")
SECONDS = 60  # flood.c


def flooded():
    with Place() as place:
        process = start_session([LAUNCHER, "run", "-rt", "main_sched=batch", "--name", "vm", "--", FLOOD],
                                env=place.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            check(process.stdout.readline() == "flooding\n", "it does not flood")
            start = time.monotonic()
            for _ in range(5):
                code, _, errors = place.call("status", "vm", "--json")
                check(code == 0, errors)
            check(process.poll() is None, "the flood ended before the answers came")
            process.send_signal(signal.SIGTERM)
            wait_for("its end by a signal that is passed on", lambda: process.poll() is not None)
            check(time.monotonic() - start < SECONDS - 5, "the end of the flood was waited for")
        finally:
            end_session(process)
            process.stdout.close()


main([("a flood of reports holds up no answer and no signal", flooded)])
