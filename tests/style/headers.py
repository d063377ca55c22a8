# SPDX-License-Identifier: MIT
"""Headers: each compiles alone, whoever includes it first."""
import json
import re
import shlex

import tree

WARNINGS = ["-Wall", "-Wextra", "-Werror"]
C99 = ["gcc", "-std=c99", "-pedantic", "-D_DEFAULT_SOURCE", *WARNINGS]
CXX17 = ["g++", "-std=c++17", "-pedantic", *WARNINGS]


def compile_alone(compiler, path, options):
    language = "c++" if compiler[0] == "g++" else "c"
    complaints = tree.complaints_of(*compiler, *options, "-fsyntax-only", "-x", language, "-",
                                    given=f'#include "{path}"\nextern int alone;\n')
    return [f"{path}: does not compile alone ({' '.join(compiler[:2])})", *complaints] if complaints else []


def public(_build):
    complaints = []
    for path in tree.public_headers():
        options = ["-I.", "-I", path.parts[0] + "/include"]
        complaints += compile_alone(C99, path, options) + compile_alone(CXX17, path, options)
    return complaints, [f"{len(tree.public_headers())} headers, as C99 and as C++17"]


def search_options(build):
    """-I and -D of everything that is compiled, absolute."""
    options = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        for word in shlex.split(entry["command"]):
            if word.startswith("-I"):
                word = f"-I{(build / word[2:]).resolve()}"
            if word.startswith(("-I", "-D")) and word not in options:
                options.append(word)
    return options


def private(build):
    """But for those that are QEMU's once they are copied there: its sources begin with its qemu/osdep.h."""
    options = search_options(build)
    paths = [path for path in tree.files(".h") if path not in tree.public_headers() and path.parts[:2] != ("qemu", "overlay")]
    complaints = []
    for path in paths:
        complaints += compile_alone(["gcc", "-std=gnu11", *WARNINGS], path,
                                    ["-I.", *options, "-I", path.parent])
    return complaints, [f"{len(paths)} headers"]


def readme(_build):
    """The programs that README.md shows compile as they stand."""
    complaints = []
    options = [f"-I{path.parent.parent}" for path in tree.public_headers()]
    programs = re.findall(r"^```c\n(.*?)^```", tree.text_of("README.md"), re.M | re.S)
    for program in programs:
        for compiler, language in ((C99, "c"), (CXX17, "c++")):
            complaints += tree.complaints_of(*compiler, *options, "-fsyntax-only", "-x", language, "-",
                                             given=program)
    return complaints, [f"{len(programs)} programs"]
