#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The services for guests with systemd, by systemd's own judgement."""

import os
import shutil
import subprocess

from tool import HERE, PATIENCE, Place, Skip, check, check_equal, main

UNITS = os.path.join(HERE, "..", "..", "..", "guest", "agent")
NAMES = ["qrt-guest-agent.service", "qrt-guest-ready.service"]


def install(place, change=lambda text: text):
    """As they would be in a guest, whose program is a file that can be executed."""
    with open(place.file("qrt-guest-agent"), "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n")
    os.chmod(file.name, 0o755)
    for name in NAMES:
        with open(os.path.join(UNITS, name + ".in"), encoding="ascii") as file:
            text = file.read().replace("@bindir@", place.path)
        check("@" not in text, text)
        with open(place.file(name), "w", encoding="ascii") as file:
            file.write(change(text))


def verify(place):
    """What systemd complains of."""
    done = subprocess.run(["systemd-analyze", "--man=no", "verify", *(place.file(name) for name in NAMES)], capture_output=True,
                          text=True, timeout=PATIENCE, check=False, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
    return "%s%s" % (done.stdout + done.stderr, "" if done.returncode == 0 else "exit code %d" % done.returncode)


def need_systemd():
    if not shutil.which("systemd-analyze"):
        raise Skip("no systemd-analyze here")


def systemd_takes_them():
    need_systemd()
    with Place() as place:
        install(place)
        check_equal(verify(place), "", "complaints")


def systemd_sees_what_is_wrong():
    need_systemd()
    with Place() as place:
        for change in (lambda text: text.replace("Restart=", "Restrat="), lambda text: text.replace("/qrt-guest-agent", "/none")):
            install(place, change)
            check(verify(place) != "", "nothing is wrong with what is wrong")


main([("systemd takes them", systemd_takes_them),
      ("systemd sees what is wrong", systemd_sees_what_is_wrong)])
