# SPDX-License-Identifier: MIT
"""Response time over sequence number, one dot a request, several ways in one picture, as SVG without
scripts or outside parts. The colours are CSS classes of the page, as in chart.py."""

import math
from html import escape

from chart import label_of, tag


class Frame:
    """Maps sequence numbers and milliseconds (logarithmic) to the picture."""

    def __init__(self, width, height, font, count, bounds):
        self.width, self.height, self.font, self.count = width, height, font, max(2, count)
        self.low, self.high = bounds
        self.left, self.right = font * 4.8, width - font
        self.top, self.bottom = font * 1.2, height - font * 3.4

    def x(self, number):
        return self.left + number / (self.count - 1) * (self.right - self.left)

    def y(self, ms):
        share = (math.log10(max(ms, 10.0 ** self.low)) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


def bounds_of(pictures):
    """Whole decades of milliseconds that hold all values of all pictures."""
    values = [value for series in pictures for _, times in series for value in times]
    low = math.floor(math.log10(max(1e-3, min(values))))
    return low, max(low + 1, math.ceil(math.log10(max(values))))


def step_of(count):
    """A round distance of at most some eight ticks."""
    rough = max(1, count / 8)
    decade = 10 ** math.floor(math.log10(rough))
    return int(next(decade * factor for factor in (1, 2, 5, 10) if decade * factor >= rough))


def axes(frame):
    parts = []
    for decade in range(frame.low, frame.high + 1):
        y = frame.y(10.0 ** decade)
        parts.append(tag("line", class_="grid", x1=frame.left, y1=y, x2=frame.right, y2=y))
        parts.append(tag("text", label_of(10.0 ** (decade + 3)), class_="tick", x=frame.left - frame.font * 0.5,
                         y=y + frame.font * 0.35, text_anchor="end"))
    for number in range(0, frame.count, step_of(frame.count)):
        parts.append(tag("text", str(number), class_="tick", x=frame.x(number), y=frame.bottom + frame.font * 1.4,
                         text_anchor="middle"))
    parts.append(tag("text", "sequence number", class_="name", x=(frame.left + frame.right) / 2,
                     y=frame.height - frame.font * 0.5, text_anchor="middle"))
    return parts


def dots(frame, index, times):
    """All of one way in one path: a line of no length with a round end is a dot."""
    words = "".join("M%.1f %.1fh0" % (frame.x(number), frame.y(value)) for number, value in enumerate(times))
    return tag("path", class_="dots way%d" % index, d=words)


def draw(series, bounds, title, width, height, font, class_name):
    """series: [(class index, times in ms)], drawn in this order. Returns an <svg> element."""
    frame = Frame(width, height, font, max(len(times) for _, times in series), bounds)
    parts = [tag("title", escape(title))] + axes(frame)
    parts += [dots(frame, index, times) for index, times in series]
    return tag("svg", "".join(parts), xmlns="http://www.w3.org/2000/svg", role="img", class_=class_name,
               viewBox="0 0 %d %d" % (width, height), font_size=font)
