#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo's page, made of fixture data and shown by headless Chromium at two widths: nothing is
wider than the window, the console stays quiet, nothing is fetched. Prints TAP; skips without
Chromium. With a directory as argument the page and its pictures are kept there."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import tapcase  # first: it says where the next ones are
import campaign
import demo
import fixture
import guestrun
import loads
import report

PATIENCE = 200  # s for what takes a few
WIDTHS = (1280, 400)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr", "--v=0"]
# Added to a copy of the page: what is to be known ends up in an attribute that --dump-dom prints. The
# page stands in a frame, because a headless window is never narrower than some 500 pixels.
PROBE = """<!DOCTYPE html><body style="margin:0"><iframe src="page.html" width="%d" height="3000"
style="border:0"></iframe><script>
onload = () => { const d = document.querySelector("iframe").contentDocument.documentElement;
const inner = d.clientWidth; let widest = 0;
for (const e of d.querySelectorAll("body *")) {
  if (!e.closest(".scroll") || e.matches(".scroll")) widest = Math.max(widest, e.getBoundingClientRect().right); }
document.body.dataset.seen = [d.scrollWidth, inner, Math.ceil(widest)].join(" "); };
</script>"""


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return name
    return None


def make_page(path):
    run = campaign.Campaign(dict.fromkeys(demo.WAYS), 3, 4, tapcase.HERE)
    fixture.fill(run, lambda data: guestrun.summarize(data, 4))
    text = report.page(run.document("demo"), demo.headline(run))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return text


def chromium(directory, *arguments):
    command = [browser()] + FLAGS + ["--allow-file-access-from-files", "--user-data-dir=" + directory + "/profile"]
    process = subprocess.Popen(command + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=dict(os.environ, HOME=directory), process_group=0,
                               preexec_fn=loads.die_with_parent)
    try:
        out, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return None, b"", b"it did not end within %d s" % PATIENCE
    finally:
        loads.end_group(process)
    return process.returncode, out, errors


def look(directory, width):
    """Complaints about the page at one width."""
    probe = os.path.join(directory, "probe-%d.html" % width)
    with open(probe, "w", encoding="utf-8") as file:
        file.write(PROBE % width)
    code, out, errors = chromium(directory, "--window-size=1400,1200", "--dump-dom", "file://" + probe)
    seen = re.search(rb'data-seen="(\d+) (\d+) (\d+)"', out)
    if not seen:
        return ["chromium showed nothing (code %s): %s" % (code, errors[-300:].decode(errors="replace"))]
    scroll, inner, widest = (int(number) for number in seen.groups())
    complaints = ["CONSOLE: " + line for line in errors.decode(errors="replace").split("\n")
                  if "CONSOLE" in line]
    if scroll > inner or widest > inner:
        complaints.append("%d pixels are wide, an element ends at %d, in a window of %d" % (scroll, widest, inner))
    return complaints


def outside_parts(text):
    """Anything that a browser would fetch."""
    found = re.findall(r'(?:src|href|srcset)="(?!data:)[^"]*"|url\((?!["\']?data:)[^)]*\)|@import[^;]*', text)
    return found + re.findall(r"<(?:script|link rel=\"stylesheet\"|iframe)[^>]*>", text)


def report_test(number, name, complaints):
    print("%s %d - %s" % ("not ok" if complaints else "ok", number, name))
    for complaint in complaints:
        print("# " + complaint)
    return bool(complaints)


def keep_pictures(directory, target):
    os.makedirs(target, exist_ok=True)
    shutil.copy(os.path.join(directory, "page.html"), target)
    for width in WIDTHS:
        chromium(directory, "--window-size=%d,4200" % width, "--screenshot=%s/page-%d.png" % (target, width),
                 "file://" + directory + "/page.html")


def main():
    print("1..%d" % (1 + len(WIDTHS)))
    with tempfile.TemporaryDirectory(prefix="qrt-report-") as directory:
        text = make_page(os.path.join(directory, "page.html"))
        failed = report_test(1, "the page needs nothing from outside", outside_parts(text))
        for number, width in enumerate(WIDTHS, 2):
            name = "the page fits %d pixels and logs nothing" % width
            if browser() is None:
                print("ok %d - %s # SKIP chromium is not installed" % (number, name))
            else:
                failed = report_test(number, name, look(directory, width)) or failed
        if len(sys.argv) > 1 and browser():
            keep_pictures(directory, sys.argv[1])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
