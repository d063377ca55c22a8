# SPDX-License-Identifier: MIT
"""TAP for test programs: functions in order, skips that say why, a failure that shows itself."""

import contextlib
import os
import signal
import sys
import traceback


class Skip(Exception):
    pass


def note(text):
    for line in str(text).splitlines():
        print("# " + line, flush=True)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_equal(actual, wanted, what):
    check(actual == wanted, "%s: %r, wanted %r" % (what, actual, wanted))


def run_one(number, name, function):
    try:
        function()
    except Skip as skip:
        print("ok %d - %s # SKIP %s" % (number, name, skip), flush=True)
        return True
    except Exception as error:  # whatever it is, the next test runs
        print("not ok %d - %s" % (number, name), flush=True)
        note(error)
        note(traceback.format_exc())
        return False
    print("ok %d - %s" % (number, name), flush=True)
    return True


def unwind(number, _frame):
    """A test that is ended from outside, for its time is over, ends what it started."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit("ended by %s" % signal.Signals(number).name)


def main(tests):
    """tests: (promise, function). Arguments choose those that have one of them in their name."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, unwind)
    # Tests expect time-shared threads at nice 0, also under nice(1).
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    chosen = [test for test in tests if not sys.argv[1:] or any(word in test[0] for word in sys.argv[1:])]
    print("1..%d" % len(chosen), flush=True)
    results = [run_one(number, *test) for number, test in enumerate(chosen, 1)]
    sys.exit(0 if all(results) else 1)
