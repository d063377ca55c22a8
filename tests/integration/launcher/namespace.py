# SPDX-License-Identifier: MIT
"""A mount namespace without /dev/shm."""

import os
import subprocess

from tap import Skip
from vm import PATIENCE

# Becomes the command that follows. The folder that it is given becomes a /dev of a few devices.
ENTER = """
	set -e
	new=$1
	shift
	mount -t tmpfs none "$new"
	for device in null zero full random urandom tty; do
		[ -e "/dev/$device" ] || continue
		: >"$new/$device"
		mount --bind "/dev/$device" "$new/$device"
	done
	mount --rbind "$new" /dev
	exec "$@"
"""


def without_shm(place):
    """A command that becomes the one that follows it, where there is no /dev/shm."""
    folder = place.file("dev")
    os.makedirs(folder, exist_ok=True)
    wrapper = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", folder]
    done = subprocess.run([*wrapper, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise Skip("no mount namespace of its own here: " + done.stderr.strip())
    return wrapper
