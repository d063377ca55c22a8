#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo: a guest's timer wake-up latency on stock QEMU, set up by hand, and under qrt-launcher,
beside that of the host itself. Prints a table; writes build/demo/report.json and report.html."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import benchlib  # noqa: E402 (the modules are beside this file)
import campaign  # noqa: E402
import report  # noqa: E402

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
WAYS = ("native", "stock", "hand", "qrt")


def headline(run):
    """What the numbers mean, in a sentence or two."""
    rows = {row["way"]: row for row in run.summary()}
    if "stock" not in rows or "qrt" not in rows:
        return "Not all ways were measured."
    stock, qrt = rows["stock"]["p999"], rows["qrt"]["p999"]
    text = "Under the same load, 99.9 %% of the wake-ups of a guest on stock QEMU are at most %s ms late; " \
        "under qrt-launcher, with the same QEMU, %s ms (%.0f times less)." % (
            campaign.ms(stock), campaign.ms(qrt), stock / max(1, qrt))
    if rows["qrt"]["out_of_plan"]:
        text += " But up to %d threads were out of the plan." % rows["qrt"]["out_of_plan"]
    else:
        text += " No thread was out of the plan in %d looks." % rows["qrt"]["thread_samples"]
    return text


def failure(run):
    """Why the demo does not end with 0, None where it does."""
    missing = [way for way in WAYS if not run.of(way)]
    if missing:
        return "not measured: %s" % ", ".join(missing)
    if rows_out(run):
        return "threads of the VM under qrt-launcher were out of its plan"
    return None


def rows_out(run):
    out = run.out_of_plan("qrt")
    if out is None or out[0]:
        for placement in (one["placement"] for one in run.of("qrt")):
            for kind, count in placement["out_of_plan"].items():
                print("out of plan: %s (%d times)" % (kind, count), file=sys.stderr)
        return True
    return False


def main():
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--seconds", type=int, default=20, help="of cyclictest per measurement (default 20)")
    parser.add_argument("--output", default=os.path.join(TOP, "build", "demo"), help="default build/demo")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.seconds < 2:
        parser.error("at least one round of two seconds")
    run = campaign.Campaign(dict.fromkeys(WAYS), arguments.rounds, arguments.seconds, TOP)

    def save():
        document = run.document("demo")
        benchlib.write_json(os.path.join(arguments.output, "report.json"), document)
        benchlib.write_file(os.path.join(arguments.output, "report.html"), report.page(document, headline(run)))

    run.run(save)
    print("\n" + "\n".join(campaign.table_lines(run.summary())) + "\n")
    for figure in run.figures():
        print(benchlib.figure_line(figure))
    print("\n%s\nGuests ran under %s. Report: %s" % (
        headline(run), run.environment["accel"].upper(),
        os.path.relpath(os.path.join(arguments.output, "report.html"))))
    reason = failure(run)
    if reason:
        print("demo: " + reason, file=sys.stderr)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(campaign.guarded(main))
