# SPDX-License-Identifier: MIT
"""To wait for what a test asserts, and no longer."""

import time


def wait_for(what, look, patience):
    """The first true value of look()."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        value = look()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {patience} s: {what}")
