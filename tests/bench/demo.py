#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo: a guest's timer wake-up latency on stock QEMU, set up by hand, and under qrt-launcher,
beside that of the host itself. Prints a table; writes build/demo/report.json and report.html."""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import benchlib  # noqa: E402 (the modules are beside this file and in ../lib)
import campaign  # noqa: E402
import guard  # noqa: E402
import report  # noqa: E402

TOP = os.path.realpath(os.path.join(HERE, "..", ".."))
WAYS = ("native", "stock", "hand", "qrt")
ROUNDS = 3


def headline(run):
    """What the numbers mean, in a sentence or two."""
    rows = {row["way"]: row for row in run.summary()}
    if "stock" not in rows or "qrt" not in rows:
        return "Not all ways were measured."
    stock, qrt = rows["stock"]["p999"], rows["qrt"]["p999"]
    text = "Under the same load, 99.9 %% of the wake-ups of a guest on stock QEMU are at most %s ms late; " \
        "under qrt-launcher, with the same QEMU, %s ms (%.0f times less)." % (
            campaign.ms(stock), campaign.ms(qrt), stock / max(1, qrt))
    placed = placement_figure(run)
    if placed is None or placed["note"]:
        text += " Whether threads were out of the plan is not proven."
    elif placed["value"]:
        text += " But up to %d threads were out of the plan." % placed["value"]
    else:
        text += " No thread was out of the plan in %d looks." % placed["samples"]
    return text


def placement_figure(run):
    return {figure["name"]: figure for figure in run.figures()}.get("out_of_plan_qrt")


def failure(run):
    """Why the demo does not end with 0, None where it does."""
    missing = [way for way in WAYS if not run.of(way)]
    if missing:
        return "not measured: %s" % ", ".join(missing)
    placed = placement_figure(run)
    if placed is None:
        return "nobody looked whether threads of the VM under qrt-launcher were out of its plan"
    if placed["note"]:
        return "that no thread under qrt-launcher was out of plan is not proven: %s; measure longer " \
            "(--rounds, --seconds)" % placed["note"]
    if not placed["met"]:
        return "threads of the VM under qrt-launcher were out of its plan"
    return None


def print_out_of_plan(run):
    for one in run.of("qrt"):
        for kind, count in one["placement"]["out_of_plan"].items():
            print("out of plan: %s (%d times)" % (kind, count), file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="interleaved rounds (default %d)" % ROUNDS)
    parser.add_argument("--seconds", type=int, default=20, help="of cyclictest per measurement (default 20)")
    parser.add_argument("--output", default=os.path.join(TOP, "build", "demo"), help="default build/demo")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.seconds < 2:
        parser.error("at least one round of two seconds")
    run = campaign.Campaign(dict.fromkeys(WAYS), arguments.rounds, arguments.seconds, TOP, ROUNDS)

    def save():
        document = run.document("demo")
        benchlib.write_json(os.path.join(arguments.output, "report.json"), document)
        benchlib.write_file(os.path.join(arguments.output, "report.html"), report.page(document, headline(run)))

    run.run(save)
    print("\n" + "\n".join(campaign.table_lines(run.summary())) + "\n")
    print("\n".join(run.goal_lines()))
    print("\n%s\nGuests ran under %s. Report: %s" % (
        headline(run), run.environment["accel"].upper(),
        os.path.relpath(os.path.join(arguments.output, "report.html"))))
    print_out_of_plan(run)
    reason = failure(run)
    if reason:
        print("demo: " + reason, file=sys.stderr)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(guard.guarded(main))
