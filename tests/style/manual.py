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


# Of these, the pages speak of all that a header has, not only of its functions.
WHOLE = ["libqrt-block", "libqrt-vnc"]
# Counts, which are no values, and the macro of declarations.
COUNTS = re.compile(r"_(DETAILS|KINDS|KERNELS|H|API)$")


def words_of(header):
    """Constants and members of structs."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    found = {word for word in re.findall(r"\bQRT_[A-Z0-9_]+\b", text) if not COUNTS.search(word)}
    for body in re.findall(r"\bstruct qrt_\w+\s*\{(.*?)\n\};", text, re.S):
        for line in body.split(";"):
            called = re.search(r"\(\*(\w+)\)\(", line)
            found.update([called.group(1)] if called else re.findall(r"[\s*,](\w+)(?:\[\w*\])?(?=\s*(?:,|$))", line.strip()))
    return found


def is_in(word, pages_text):
    """A constant may be there without what all of its kind begin with."""
    parts = word.split("_")
    shorter = ["_".join(parts[i:]) for i in range(2, len(parts))] if word.isupper() else []
    return any(re.search(rf"\b{one}\b", pages_text) for one in [word, *shorter])


def words(_build):
    complaints, count = [], 0
    for library in WHOLE:
        text = "".join(tree.text_of(path) for path in pages() if path.parts[0] == library).replace("\\", "")
        headers = [path for path in tree.files(".h") if path.parts[:2] == (library, "include")]
        for word in sorted(set().union(*(words_of(tree.text_of(path)) for path in headers))):
            count += 1
            if not is_in(word, text):
                complaints.append(f"{library}: no manual page speaks of {word}")
    return complaints, [f"{count} members and constants"]


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
