# SPDX-License-Identifier: MIT
"""Log-log histograms of several ways in one picture, as SVG without scripts or outside parts. The
colours are CSS classes of the page, so that it follows light and dark."""

import math
from html import escape

BINS_PER_DECADE = 12


def label_of(microseconds):
    if microseconds >= 1000000:
        return "%g s" % (microseconds / 1000000)
    return "%g ms" % (microseconds / 1000) if microseconds >= 1000 else "%g µs" % microseconds


def bin_shares(histogram, overflow, maximum):
    """{bin: share of all samples}; bin n begins at 10 ** (n / BINS_PER_DECADE) us."""
    total = sum(histogram.values()) + overflow
    shares = {}
    counts = list(histogram.items()) + ([(maximum, overflow)] if overflow else [])
    for value, count in counts:
        number = math.floor(math.log10(max(1, value)) * BINS_PER_DECADE + 1e-9)
        shares[number] = shares.get(number, 0) + count / total
    return shares


class Frame:
    """Maps data to the picture."""

    def __init__(self, width, height, font, low, high, floor):
        self.width, self.height, self.font = width, height, font
        self.low, self.high, self.floor = low, high, floor  # decades; floor of the share's decades
        self.left, self.right = font * 4.8, width - font
        self.top, self.bottom = font * 1.2, height - font * 3.4

    def x(self, decade):
        return self.left + (decade - self.low) / (self.high - self.low) * (self.right - self.left)

    def y(self, decade):
        return self.bottom - (decade - self.floor) / (0 - self.floor) * (self.bottom - self.top)


def tag(name, text="", **attributes):
    """An element; underscores in names stand for dashes, a trailing one is dropped."""
    words = "".join(' %s="%s"' % (key.rstrip("_").replace("_", "-"),
                                  "%.1f" % value if isinstance(value, float) else escape(str(value)))
                    for key, value in attributes.items())
    return "<%s%s>%s</%s>" % (name, words, text, name)


def share_label(decade):
    return "%s %%" % ("%.*f" % (max(0, -2 - decade), 100 * 10.0 ** decade))


def axes(frame):
    parts = []
    for decade in range(frame.low, frame.high + 1):
        x = frame.x(decade)
        parts.append(tag("line", class_="grid", x1=x, y1=frame.top, x2=x, y2=frame.bottom))
        # The label on the right edge is anchored so that it stays inside.
        anchor = "end" if decade == frame.high else "middle"
        parts.append(tag("text", label_of(10 ** decade), class_="tick", x=x, y=frame.bottom + frame.font * 1.4,
                         text_anchor=anchor))
    for decade in range(frame.floor, 1):
        y = frame.y(decade)
        parts.append(tag("line", class_="grid", x1=frame.left, y1=y, x2=frame.right, y2=y))
        parts.append(tag("text", share_label(decade), class_="tick", x=frame.left - frame.font * 0.5,
                         y=y + frame.font * 0.35, text_anchor="end"))
    parts.append(tag("text", "latency of a timer wake-up", class_="name",
                     x=(frame.left + frame.right) / 2, y=frame.height - frame.font * 0.5, text_anchor="middle"))
    return parts


def runs_of(bins):
    """Neighbouring bins that have samples: [[n, n + 1, ...], ...]."""
    groups = []
    for number in sorted(bins):
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def outline(frame, group, shares):
    """Steps along the bins of one group, from the floor and back to it."""
    step = 1 / BINS_PER_DECADE
    words = ["M%.1f %.1f" % (frame.x(group[0] * step), frame.bottom)]
    for number in group:
        y = frame.y(max(frame.floor, math.log10(shares[number])))
        words.append("L%.1f %.1fL%.1f %.1f" % (frame.x(number * step), y, frame.x((number + 1) * step), y))
    words.append("L%.1f %.1f" % (frame.x((group[-1] + 1) * step), frame.bottom))
    return "".join(words)


def curve(frame, index, way):
    path = "".join(outline(frame, group, way["shares"]) for group in runs_of(way["shares"]))
    return [tag("path", class_="area way%d" % index, d=path), tag("path", class_="line way%d" % index, d=path)]


def marks(frame, ways):
    """A tick on the lower axis at each way's p99.9."""
    parts = []
    for index, way in enumerate(ways):
        x = frame.x(math.log10(max(1, way["p999"])))
        size = frame.font * 0.55
        parts.append(tag("path", tag("title", escape("%s: p99.9 %s" % (way["name"], label_of(way["p999"])))),
                         class_="mark way%d" % index,
                         d="M%.1f %.1fl%.1f %.1fh%.1fz" % (x, frame.bottom, -size, size * 1.3, size * 2)))
    return parts


def bounds(ways):
    bins = [number for way in ways for number in way["shares"]]
    least = min(share for way in ways for share in way["shares"].values())
    low = math.floor(min(bins) / BINS_PER_DECADE)
    high = math.ceil((max(bins) + 1) / BINS_PER_DECADE)
    return low, max(high, low + 1), math.floor(math.log10(least))


def draw(ways, width, height, font, class_name):
    """ways: [{name, shares, p999}], drawn in this order. Returns an <svg> element."""
    frame = Frame(width, height, font, *bounds(ways))
    parts = [tag("title", "Histograms of the timer wake-up latency, both axes logarithmic"),
             tag("desc", escape("; ".join("%s: p99.9 %s" % (way["name"], label_of(way["p999"])) for way in ways)))]
    parts += axes(frame)
    for index, way in enumerate(ways):
        parts += curve(frame, index, way)
    parts += marks(frame, ways)
    return tag("svg", "".join(parts), xmlns="http://www.w3.org/2000/svg", role="img", class_=class_name,
               viewBox="0 0 %d %d" % (width, height), font_size=font)
