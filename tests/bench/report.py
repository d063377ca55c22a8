# SPDX-License-Identifier: MIT
"""The demo's page: one self-contained HTML file from the demo's JSON."""

from html import escape

import benchlib
import chart
from campaign import ms
from guestrun import HAND_POOL

WORDS = {
    "native": "the host itself, no guest",
    "stock": "plain QEMU",
    "hand": "stock QEMU, set up by hand after boot",
    "hand-locked": "by hand, guest memory locked",
    "qrt": "stock QEMU under qrt-launcher",
}

STYLE = """
:root { color-scheme: light dark; --page: #fbfbf9; --text: #1d2125; --soft: #5b646d; --rule: #d9dcdf;
  --card: #ffffff; --good: #0b7a4b; --bad: #b3261e;
  --way0: #7a828a; --way1: #c8500a; --way2: #1f6fb5; --way3: #00855f; --way4: #8a4fb0; }
@media (prefers-color-scheme: dark) { :root { --page: #15181b; --text: #e6e8ea; --soft: #9aa4ad;
  --rule: #343a40; --card: #1d2125; --good: #4fd39a; --bad: #ff8f86;
  --way0: #a3abb3; --way1: #ff9350; --way2: #6db7f2; --way3: #35d0a0; --way4: #c79bea; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .6rem; }
p, li { max-width: 46rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .8rem; margin: 1.4rem 0; }
.tile { background: var(--card); border: 1px solid var(--rule); border-top: 4px solid currentColor;
  border-radius: .4rem; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.55rem; line-height: 1.25; }
.tile span { display: block; color: var(--text); }
.tile .soft { color: var(--soft); font-size: .85rem; line-height: 1.35; }
figure { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: .4rem; padding: .8rem; }
figcaption { color: var(--soft); font-size: .88rem; margin-top: .4rem; }
svg { display: block; width: 100%; height: auto; }
svg.narrow { display: none; }
@media (max-width: 640px) { svg.wide { display: none; } svg.narrow { display: block; } }
.grid { stroke: var(--rule); stroke-width: 1; }
.tick, .name { fill: var(--soft); }
.area { stroke: none; fill: currentColor; fill-opacity: .09; }
.line { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; }
.mark { fill: currentColor; stroke: none; }
.way0 { color: var(--way0); } .way1 { color: var(--way1); } .way2 { color: var(--way2); }
.way3 { color: var(--way3); } .way4 { color: var(--way4); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: 0 0 .6rem; padding: 0; list-style: none; }
.key i { display: inline-block; width: 1.1rem; height: .5rem; margin-right: .45rem; border-radius: .1rem;
  background: currentColor; vertical-align: middle; }
.key span { color: var(--text); }
.scroll { overflow-x: auto; border: 1px solid var(--rule); border-radius: .4rem; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .42rem .8rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
tr:last-child td { border-bottom: 0; }
th { font-weight: 600; color: var(--soft); }
th:first-child, td:first-child, .left { text-align: left; }
td i { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; margin-right: .5rem;
  background: currentColor; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: .25rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
"""


def table(head, rows, left=1):
    """rows: lists of ready HTML cells; the first `left` columns are text."""
    mark = [' class="left"' if column < left else "" for column in range(len(head))]
    lines = ["<tr>%s</tr>" % "".join("<th%s>%s</th>" % (mark[i], cell) for i, cell in enumerate(head))]
    for row in rows:
        lines.append("<tr>%s</tr>" % "".join("<td%s>%s</td>" % (mark[i], cell) for i, cell in enumerate(row)))
    return '<div class="scroll" tabindex="0"><table>%s</table></div>' % "\n".join(lines)


# ---- parts of the page ---------------------------------------------------------------------------


def swatch(index, text):
    return '<span class="way%d"><i></i></span>%s' % (index, escape(text))


def merged(document, way):
    """The histogram of all rounds of a way."""
    histogram, overflow, maximum = {}, 0, 0
    for run in document["raw"]:
        if run["way"] == way:
            for value, count in run["histogram"].items():
                histogram[int(value)] = histogram.get(int(value), 0) + count
            overflow += run["overflow"]
            maximum = max(maximum, run["max"])
    return chart.bin_shares(histogram, overflow, maximum)


def tiles(document):
    cells = []
    for index, row in enumerate(document["table"]):
        cells.append('<div class="tile way%d"><span>%s</span><b>%s ms</b><span class="soft">99.9 %% of the '
                     'wake-ups are at most this late; %s</span></div>' % (
                         index, escape(row["way"]), ms(row["p999"]), escape(WORDS.get(row["way"], "qrt"))))
    return '<div class="tiles">%s</div>' % "".join(cells)


def picture(document):
    ways = [{"name": row["way"], "p999": row["p999"], "shares": merged(document, row["way"])}
            for row in document["table"]]
    key = "".join('<li class="way%d"><i></i><span>%s</span></li>' % (index, escape(way["name"]))
                  for index, way in enumerate(ways))
    return ('<figure><ul class="key">%s</ul>%s%s<figcaption>Share of the samples per latency, all rounds '
            'together; both axes are logarithmic. The triangles on the axis are the medians of p99.9.'
            '</figcaption></figure>' % (key, chart.draw(ways, 1000, 460, 14, "wide"),
                                        chart.draw(ways, 360, 340, 11, "narrow")))


def out_cell(row):
    if row["out_of_plan"] is None:
        return "no plan"
    return '<span class="%s">%d</span> of %d looks' % ("bad" if row["out_of_plan"] else "good",
                                                       row["out_of_plan"], row["thread_samples"])


def result_table(document):
    head = ["way", "samples", "missed periods", "p50 ms", "p99 ms", "p99.9 ms", "max ms",
            "threads out of plan", "steal %"]
    return table(head, [[swatch(index, row["way"]), "%d" % row["samples"], "%d" % row["missed"],
                         ms(row["p50"]), ms(row["p99"]), ms(row["p999"]), ms(row["max"]), out_cell(row),
                         "%.2f" % row["steal_percent"]] for index, row in enumerate(document["table"])])


def round_table(document):
    rounds = sorted({run["round"] for run in document["raw"]})
    rows = []
    for index, row in enumerate(document["table"]):
        values = {run["round"]: run for run in document["raw"] if run["way"] == row["way"]}
        rows.append([swatch(index, row["way"])] + [
            "%s / %s" % (ms(values[number]["p999"]), ms(values[number]["max"])) if number in values else "-"
            for number in rounds])
    return table(["p99.9 / max, ms"] + ["round %d" % number for number in rounds], rows)


def verdict(figure):
    if figure["met"] is None:
        return '<span class="soft">shown</span>'
    return '<span class="%s">%s</span>' % ("good" if figure["met"] else "bad", escape(benchlib.verdict(figure)))


def figure_table(document):
    rows = []
    for figure in document["figures"]:
        spread = "%.3g .. %.3g" % (figure["min"], figure["max"]) if figure["rounds"] else ""
        goal = "" if figure["goal"] is None else "%s %g" % ("≥" if figure["at_least"] else "≤", figure["goal"])
        rows.append(["<code>%s</code>" % escape(figure["name"]), "%.3g" % figure["value"], spread, goal,
                     verdict(figure)])
    for one in document.get("absent", ()):
        rows.append(["<code>%s</code>" % escape(one["name"]), "-", "", "",
                     '<span class="bad">absent: %s</span>' % escape(one["why"])])
    return table(["figure", "median", "95 % interval", "goal", ""], rows)


def setting_text(value):
    if value is None:
        return "-"
    if not isinstance(value, dict):
        return escape(str(value))
    words = [str(value.get("policy", ""))]
    if value.get("priority"):
        words.append(str(value["priority"]))
    if value.get("nice"):
        words.append("nice %s" % value["nice"])
    if value.get("cpus") not in (None, ""):
        words.append("on %s" % value["cpus"])
    return escape(" ".join(words))


def thread_rows(status):
    """Threads that differ in nothing are one row."""
    rows = {}
    for thread in status.get("threads", []):
        index = thread.get("index")
        role = thread["role"] if index is None or thread["role"] != "vcpu" else "%s %d" % (thread["role"], index)
        state = '<span class="good">yes</span>' if thread.get("in_plan") else '<span class="bad">no</span>'
        cells = (escape(thread["name"]), escape(role), setting_text(thread.get("planned")),
                 setting_text(thread.get("effective", thread.get("actual"))), state,
                 escape(str(thread.get("placed_by") or "-")))
        rows[cells] = rows.get(cells, 0) + 1
    return [[cells[0], "%d" % count] + list(cells[1:]) for cells, count in rows.items()]


def thread_table(document):
    statuses = [run["status"] for run in document["raw"] if run["way"] == "qrt" and run.get("status")]
    if not statuses:
        return "<p>qrt was not measured.</p>"
    status = max(statuses, key=lambda one: len(one.get("threads", [])))
    return table(["thread", "count", "role", "planned", "in force", "in plan", "placed by"],
                 thread_rows(status), left=7)


def worker_words(document):
    """How pool workers came and went, way by way."""
    words = []
    for row in document["table"]:
        places = [run["placement"] for run in document["raw"] if run["way"] == row["way"] and "placement" in run]
        if places:
            words.append("%s %d (at once %d to %d)" % (
                row["way"], sum(place["workers_different"] for place in places),
                min(place["workers_min"] for place in places), max(place["workers_max"] for place in places)))
    return "; ".join(words)


def how_list(document):
    env, ways = document["env"], [row["way"] for row in document["table"]]
    points = [
        "Each measurement is %d s of <code>cyclictest -m -p99 -i1000</code> with a histogram; %d rounds, "
        "interleaved, each round starting with another way. Percentiles are medians over the rounds, counts are "
        "sums, the maximum is the worst of all rounds." % (document["seconds"], document["rounds"]),
        "Load in all ways: <code>stress-ng --cpu 8 --io 4 --vm 2 --vm-bytes 128M</code> on the host, and parallel "
        "direct reads and writes of a raw disk in bursts with pauses: in the guest through QEMU's thread pool "
        "(<code>aio=threads</code>), for <em>native</em> the same requests on the host. The guest boots before the "
        "host's load starts.",
        "The guest is Debian's PREEMPT_RT kernel with one vCPU, under %s. All ways run the same QEMU binary with "
        "the same arguments (<em>hand</em> adds <code>thread-pool-min=%d</code>)." % (
            escape(str(env.get("accel", "?")).upper()), HAND_POOL),
        "<em>stock</em>: nothing is set. <em>hand</em>: once the guest is up and its pool is busy, every thread "
        "is placed by its id: the vCPU alone on the last CPU at FIFO 97, everything else at FIFO 98 on the others. "
        "<em>qrt</em>: <code>qrt-launcher run</code> with the plan it makes by default.",
        "Threads out of plan: every 0.4 s all threads of QEMU are read from outside through /proc and compared "
        "with the plan; the most at one look is shown. Different pool workers seen: %s." % escape(
            worker_words(document)),
    ]
    if "native" not in ways:
        points.append("<em>native</em> was not measured in this run.")
    return "<ul>%s</ul>" % "".join("<li>%s</li>" % point for point in points)


def caveat_list(document):
    env = document["env"]
    points = [
        "cyclictest skips the periods that it slept through: they are counted as missed, but have no latency in "
        "the percentiles. That flatters the ways that miss many.",
        "The maximum of a short run is one event. It is shown, not judged.",
        "All was started from one shell session. Where the kernel groups tasks by session (autogroup), a VM "
        "started from a session of its own gets a larger share against this load, and <em>stock</em> looks "
        "better.",
        "Observed, its cause not proven: on kernels from 6.12 a real-time thread that kept a CPU busy for about a "
        "second appears to lose some 50 ms to the kernel's reserve for time-shared threads (the fair server), and "
        "appears to go on losing them about every second while the load stays. It was seen in ways that use FIFO, "
        "<em>native</em> too; it may differ on another kernel.",
    ]
    if env.get("host_is_a_guest"):
        points.append("This host is itself a virtual machine: its own host causes outliers in every way, the "
                      "steal column shows a part of them.")
    if env.get("accel") == "tcg":
        points.append("No guest kernel boots under KVM here, so the guest's CPU is emulated (TCG). Under KVM all "
                      "guests are faster, and the distances between the ways differ.")
    if not document.get("complete", True):
        points.append("The run was ended early: not all rounds are in.")
    return "<ul>%s</ul>" % "".join("<li>%s</li>" % point for point in points)


def environment_list(document):
    return "<dl>%s</dl>" % "".join("<dt>%s</dt><dd>%s</dd>" % (
        escape(key.replace("_", " ")), escape("not readable" if value is None else str(value)))
        for key, value in document["env"].items())


def page(document, headline):
    """The whole page as text."""
    sections = [("Latency", picture(document)), ("In numbers", result_table(document)),
                ("Round by round", round_table(document)),
                ("Goals", figure_table(document)),
                ("Threads of the VM under qrt, in the middle of a measurement", thread_table(document)),
                ("What was measured, and how", how_list(document)),
                ("Read with care", caveat_list(document)), ("Environment", environment_list(document))]
    body = "\n".join("<section><h2>%s</h2>\n%s</section>" % (title, text) for title, text in sections)
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<link rel="icon" href="data:,">\n<title>qrt: a guest\'s timer latency</title>\n'
            '<style>%s</style></head>\n<body><main>\n<h1>How late does a guest wake up?</h1>\n'
            '<p>%s</p>\n%s\n%s\n</main></body></html>\n' % (STYLE, escape(headline), tiles(document), body))
