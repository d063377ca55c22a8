# SPDX-License-Identifier: MIT
"""The fairness benchmark's page: one self-contained HTML file from its JSON."""

from html import escape

import pinger
import report
import seqchart
from fairfigures import typical
from fairrun import CASES, HOST, SETTLE

WORDS = {
    "stock": "plain QEMU",
    "shares": "plain QEMU, each VM in a control group of equal share",
    "rr": "qrt-launcher, round robin at priority 1, the kernel's slice",
    "ours": "qrt-launcher, round robin at priority 2, quanta of 4 ms, equal weights, a priority below to give way, and "
            "mutexes that do not inherit",
    "even": "qrt-launcher, round robin at priority 1, quanta of 4 ms, equal weights; below it is time sharing only",
}
CASE_WORDS = {
    "alone": "there is no second guest",
    "idle": "the second guest idles",
    "hogs": "the second guest runs two busy loops",
    "reboot": "the second guest reboots again and again",
    "flood": "the second guest floods its disk",
}
STYLE = """
.dots { fill: none; stroke: currentColor; stroke-width: 3.2; stroke-linecap: round; stroke-opacity: .75; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
"""


def ways_of(document):
    names = []
    for row in document["table"]:
        if row["way"] not in names:
            names.append(row["way"])
    return names


def key(ways):
    items = "".join('<li class="way%d"><i></i><span>%s: %s</span></li>' % (
        index % 5, escape(way), escape(WORDS.get(way, "a variant"))) for index, way in enumerate(ways))
    return '<ul class="key">%s</ul>' % items


def series_of(document, ways, case):
    chosen = [(index, typical(document["raw"], way, case)) for index, way in enumerate(ways)]
    return [(index % 5, run["times"]) for index, run in chosen if run]


def pictures(document):
    """One for each case, all with the same scale."""
    ways = ways_of(document)
    series = {case: series_of(document, ways, case) for case in CASES}
    series = {case: some for case, some in series.items() if some}
    bounds = seqchart.bounds_of(series.values())
    parts = [key(ways)]
    for case, some in series.items():
        title = "Response times while " + CASE_WORDS[case]
        parts.append("<h3>%s</h3><figure>%s%s</figure>" % (
            escape(CASE_WORDS[case]), seqchart.draw(some, bounds, title, 1000, 330, 14, "wide"),
            seqchart.draw(some, bounds, title, 360, 280, 11, "narrow")))
    parts.append("<p class=\"soft\">Each way's round with the middle p99. The scale is logarithmic and the same in all "
                 "pictures.</p>")
    return "".join(parts)


def result_table(document):
    ways = ways_of(document)
    head = ["way", "second guest", "pings", "lost", "p50 ms", "p99 ms", "own p99 ms", "stolen from",
            "max ms", "its CPUs", "steal %"]
    return report.table(head, [[report.swatch(ways.index(row["way"]) % 5, row["way"]), escape(row["case"]),
                                "%d" % row["pings"], "%d" % row["lost"], "%.3f" % row["p50"], "%.3f" % row["p99"],
                                "%.3f" % row["own"], "%d" % row["stolen"], "%.3f" % row["max"],
                                "%.2f" % row["neighbour_cpus"], "%.2f" % row["steal_percent"]]
                               for row in document["table"]], left=2)


def how_list(document):
    env = document["env"]
    policies = " or ".join(sorted({run["policy"] for run in document["raw"]}))
    points = [
        "Two guests with two virtual CPUs each share two of the host's CPUs. %d pings to the first one, %d ms apart "
        "give or take %d %%, over a tap in a network of its own; %d rounds, interleaved." % (
            document["pings"], 1000 * pinger.INTERVAL, 100 * pinger.JITTER, document["rounds"]),
        "A response time is from the sending to the kernel's time stamp of the reply at %s: what the pinging program "
        "itself is late (it runs under %s) is not in it, and is among the figures. A ping without a reply within %g s "
        "counts as that long." % (HOST, policies, pinger.TIMEOUT),
        "<em>Own p99</em> is of the pings of whose time the machine below this host stole nothing; <em>stolen "
        "from</em> counts the others. Goals, pictures and other figures are of all.",
        "The first guest stays for all cases of a way. The second one is started for each, and does what the case says "
        "since %g s when the first ping is sent; <em>reboot</em> boots several times meanwhile." % SETTLE,
        "What no goal needs is measured in some rounds only: the pings say how many. "
        "Percentiles are medians over the rounds, counts are sums, the maximum is the worst of all rounds. "
        "<em>Its CPUs</em> is the CPU time that the second VM got meanwhile, in CPUs.",
        "Guests run Debian's PREEMPT_RT kernel under %s." % escape(str(env.get("accel", "?")).upper()),
    ]
    return "<ul>%s</ul>" % "".join("<li>%s</li>" % point for point in points)


def headline(document):
    rows = {(row["way"], row["case"]): row for row in document["table"]}
    worst = {way: max((rows[way, case]["p99"], case) for case in CASES if (way, case) in rows)
             for way in ways_of(document)}
    return "99 %% of the pings are answered, whatever the second guest does, within: %s." % "; ".join(
        "%s %.2f ms (worst: %s)" % (way, value, case) for way, (value, case) in worst.items())


def page(document):
    """The whole page as text."""
    sections = [("Response times", pictures(document)), ("In numbers", result_table(document)),
                ("Goals", report.figure_table(document)), ("What was measured, and how", how_list(document)),
                ("Environment", report.environment_list(document))]
    body = "\n".join("<section><h2>%s</h2>\n%s</section>" % section for section in sections)
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<link rel="icon" href="data:,">\n<title>qrt: fairness between guests</title>\n'
            '<style>%s%s</style></head>\n<body><main>\n<h1>What does a neighbour cost a guest?</h1>\n'
            '<p>%s</p>\n%s\n</main></body></html>\n' % (report.STYLE, STYLE, escape(headline(document)), body))
