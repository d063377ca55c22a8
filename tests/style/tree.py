# SPDX-License-Identifier: MIT
"""The files of the tree, and the tools that look at them."""
import functools
import pathlib
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
LEFT_OUT = ("build", ".git", "__pycache__")


class Missing(Exception):
    """A tool that is not installed: the check is skipped and says so."""


def is_left_out(name):
    return name in LEFT_OUT or name.startswith("build-")


def walk(folder):
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            if not is_left_out(path.name):
                yield from walk(path)
        elif path.suffix != ".pyc":
            yield path


@functools.cache
def all_files():
    return [path.relative_to(TOP) for path in walk(TOP)]


def files(*suffixes):
    return [path for path in all_files() if path.suffix in suffixes]


def text_of(path):
    """The text of a file, or None where it is no text (a fuzzer's corpus is not)."""
    try:
        return (TOP / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def shebang_of(path):
    with open(TOP / path, "rb") as file:
        first = file.readline(100)
    return first.decode(errors="replace").strip() if first.startswith(b"#!") else ""


def shell_scripts():
    return [path for path in all_files() if path.suffix == ".sh" or "bash" in shebang_of(path)]


def python_scripts():
    return [path for path in all_files() if path.suffix == ".py" or "python" in shebang_of(path)]


def public_headers():
    return [path for path in files(".h") if path.parts[1:3] == ("include", "qrt")]


def run(*command, given=""):
    """Runs a tool in the top folder with `given` to read; returns (exit code, what it printed)."""
    command = [str(word) for word in command]
    if not shutil.which(command[0]):
        raise Missing(f"{command[0]} is not installed: ./dev setup")
    done = subprocess.run(command, cwd=TOP, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def complaints_of(*command, given=""):
    """A tool's output as a list of lines when it was not content, else nothing."""
    code, output = run(*command, given=given)
    if code == 0:
        return []
    return output.splitlines() or [f"{command[0]} ended with {code}"]
