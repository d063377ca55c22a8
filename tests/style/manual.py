# SPDX-License-Identifier: MIT
"""The manual: pages that render, and none that is missing."""
import re

import tree

PAGE_SUFFIXES = (".1", ".3", ".5", ".7", ".8")


def pages():
    return [path for path in tree.files(*PAGE_SUFFIXES) if "doc" in path.parts]


def render(_build):
    complaints = []
    for path in pages():
        _, output = tree.run("groff", "-man", "-Tutf8", "-K", "utf8", "-ww", "-z", path)
        complaints += output.splitlines()
        title = re.search(r'^\.TH\s+"?([^\s"]+)"?\s+"?(\d)"?', tree.text_of(path), re.M)
        if not title or f"{title.group(1)}.{title.group(2)}".lower() != path.name.lower():
            complaints.append(f"{path}: its .TH line names another page")
    return complaints, [f"{len(pages())} pages"]


def exported():
    """(library folder, symbol) of every symbol map."""
    for path in tree.files(".map"):
        if path.parts[0].startswith("libqrt-"):
            for symbol in re.findall(r"\b(qrt_\w+);", tree.text_of(path)):
                yield path.parts[0], symbol


def symbols(_build):
    complaints, count = [], 0
    text = {}
    for path in pages():
        text[path.parts[0]] = text.get(path.parts[0], "") + tree.text_of(path)
    for library, symbol in exported():
        count += 1
        if not re.search(rf"\b{symbol}\b", text.get(library, "")):
            complaints.append(f"{library}: no manual page speaks of {symbol}")
    return complaints, [f"{count} symbols"]


def news(_build):
    complaints = []
    for path in tree.all_files():
        if path.name != "VERSION":
            continue
        version = tree.text_of(path).strip()
        page = path.parent / "NEWS.md"
        if not (tree.TOP / page).exists():
            complaints.append(f"{page} is missing")
        elif not re.search(rf"^#+ {re.escape(version)}\b", tree.text_of(page), re.M):
            complaints.append(f"{page} has no heading for {version}")
    return complaints, []
