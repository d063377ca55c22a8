# SPDX-License-Identifier: MIT
"""How a benchmark ends: on a signal everything is unwound, and what went wrong is one line."""

import os
import signal
import subprocess
import sys

from benchlib import BenchError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked to end; not an Exception, so that nothing on the way swallows it."""


def raise_interrupted(number, unused_frame):
    # What is being ended now must not be cut short by an impatient second signal; it is bounded.
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(signal.Signals(number).name)


def catch_signals():
    for number in SIGNALS:
        signal.signal(number, raise_interrupted)


def guarded(main):
    """Runs main(); one line and a code for what can go wrong on the way."""
    name = os.path.basename(sys.argv[0]).removesuffix(".py")
    catch_signals()
    try:
        return main()
    except (BenchError, OSError) as error:
        print("%s: %s" % (name, error), file=sys.stderr)
        return 1
    except subprocess.TimeoutExpired as error:
        command = error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd[:3]))
        print("%s: '%s' did not end within %g s" % (name, command, error.timeout), file=sys.stderr)
        return 1
    except Interrupted as signal_name:
        print("%s: ended by %s; everything that was started is stopped" % (name, signal_name), file=sys.stderr)
        return 130
