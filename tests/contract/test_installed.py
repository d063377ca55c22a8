#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An installed library, by pkg-config alone: map, exports and header agree, and consumers build and run.

test_installed.py SOURCE_ROOT LIBRARY_OF_THE_BUILD
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(sys.argv[1])
BUILD = pathlib.Path(sys.argv[2]).resolve().parents[1]
NAME = pathlib.Path(sys.argv[2]).resolve().parent.name
NODE = NAME.upper().replace("-", "_")
# What its public names begin with; what its examples exit with where it is not 0; those are to say how they are used.
PREFIXES = {"libqrt-sched": "qrt_sched_", "libqrt-shmem": "qrt_(?:iv)?shmem_", "libqrt-block": "qrt_block_",
            "libqrt-vnc": "qrt_vnc_"}
# What it needs besides libc.
NEEDED = {"libqrt-block": ["libaio", "liburing", "libz", "libzstd"], "libqrt-vnc": ["libisal", "libturbojpeg", "libz"]}
# Other libraries that an example uses.
BESIDE = {"libqrt-block": {"glib": "glib-2.0"}}
USAGE = {"libqrt-shmem": ["guest", "peer"]}
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]


def run(*words, code=0, **options):
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    assert result.returncode == code, f"{words}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


class Installed:
    """A temporary place that stands for the root of a machine."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        self.pc = next(self.root.rglob(f"{NAME}.pc"))
        self.library = next(self.root.rglob(f"{NAME}.so"))
        self.env = {**os.environ, "PKG_CONFIG_LIBDIR": str(self.pc.parent), "PKG_CONFIG_SYSROOT_DIR": root,
                    "LD_LIBRARY_PATH": str(self.library.parent)}
        self.env.pop("PKG_CONFIG_PATH", None)
        self.env.pop("LD_PRELOAD", None)

    def flags(self, *options):
        return run("pkg-config", *options, NAME, env=self.env).split()

    def build(self, compiler, *words, source):
        target = self.root / "consumer"
        beside = BESIDE.get(NAME, {}).get(source.stem)
        others = run("pkg-config", "--cflags", "--libs", beside).split() if beside else []
        run(*compiler, *WARNINGS, source, "-o", target, *words, *self.flags("--cflags", "--libs"), *others, "-lpthread")
        return target


def declared():
    text = "".join(path.read_text() for path in (TOP / NAME / "include/qrt").glob("*.h"))
    return set(re.findall(rf"{NODE[3:]}_API[^;(]*?\b({PREFIXES[NAME]}\w+)\(", text))


def mapped():
    return set(re.findall(r"\b(qrt_\w+);", (TOP / NAME / f"{NAME}.map").read_text()))


def exported(library):
    names = [line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()]
    return {name.split("@")[0] for name in names if not name.startswith(f"{NODE}_")}


def map_exports_and_header_agree(installed):
    assert declared() and declared() == mapped(), declared() ^ mapped()
    assert exported(installed.library) == mapped(), exported(installed.library) ^ mapped()


def preload_exports_what_it_stands_in_for_and_nothing_else(installed):
    library = next(installed.root.rglob("libqrt-sched-preload.so"))
    text = (TOP / "libqrt-sched/preload/libqrt-sched-preload.map").read_text()
    wanted = set(re.findall(r"^\t(\w+);", text, re.M)) - {"*"}
    assert exported(library) == wanted, exported(library) ^ wanted
    libc = run("sh", "-c", "ldd /bin/sh | sed -n 's/.*=> \\(.*libc\\.so[^ ]*\\).*/\\1/p'").strip()
    missing = wanted - exported(libc) - {"io_getevents"}  # that one is libaio's
    assert not missing, f"libc has no {missing}"


def the_soname_carries_the_abi(installed):
    assert re.search(rf"SONAME.*\[{NAME}\.so\.0\]", run("readelf", "-d", installed.library))
    needed = re.findall(r"NEEDED.*\[(.*?)\]", run("readelf", "-d", installed.library))
    usual = "|".join(["libc", "libpthread", r"ld-linux\S*", *NEEDED.get(NAME, [])])
    assert all(re.match(rf"({usual})\.so", name) for name in needed), needed


def the_version_is_the_same_everywhere(installed):
    version = (TOP / NAME / "VERSION").read_text().strip()
    assert installed.flags("--modversion") == [version]
    assert (installed.library.parent / f"{NAME}.so.{version}").exists()


def examples():
    found = sorted((TOP / NAME / "examples").glob("*.c"))
    assert found, "no examples"
    return found


def try_out(installed, source, consumer):
    """One that wants an argument says so."""
    if source.stem in USAGE.get(NAME, []):
        run(consumer, code=2, env=installed.env)
    else:
        run(consumer, env=installed.env)


def c99_consumers_build_and_run(installed):
    for source in examples():
        try_out(installed, source, installed.build(["cc", "-std=c99", "-D_DEFAULT_SOURCE"], source=source))


def cxx_consumers_build_and_run(installed):
    if not shutil.which("c++"):
        return "no C++ compiler"
    for source in examples():
        try_out(installed, source,
                installed.build(["c++", "-std=c++17", "-x", "c++"], "-x", "none", source=source))
    return None


def a_consumer_can_load_it_at_run_time(installed):
    consumer = installed.build(["cc", "-std=gnu11", "-D_GNU_SOURCE"], "-ldl", source=TOP / "tests/contract/dlopened.c")
    version = run(consumer, installed.library, f"{NAME[3:].replace('-', '_')}_version", f"{NODE}_0.1",
                  env=installed.env).strip()
    assert version == (TOP / NAME / "VERSION").read_text().strip(), version


def the_example_is_short(_installed):
    text = (TOP / "libqrt-sched/examples/roles.c").read_text()
    code = [line for line in text.splitlines() if line.strip() and not line.startswith("/*")]
    assert len(code) <= 30, len(code)


def every_manual_page_is_installed(installed):
    pages = {path.name for path in (TOP / NAME / "doc").glob("*.[357]")}
    missing = pages - {path.name.removesuffix(".gz") for path in installed.root.rglob("man/man*/*")}
    assert pages and not missing, missing


TESTS = [map_exports_and_header_agree, the_soname_carries_the_abi, the_version_is_the_same_everywhere,
         c99_consumers_build_and_run, cxx_consumers_build_and_run, a_consumer_can_load_it_at_run_time,
         every_manual_page_is_installed]
if NAME == "libqrt-sched":
    TESTS += [preload_exports_what_it_stands_in_for_and_nothing_else, the_example_is_short]


def main():
    print(f"1..{len(TESTS)}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as root:
        installed = Installed(root)
        for number, test in enumerate(TESTS, 1):
            title = test.__name__.replace("_", " ")
            try:
                skip = test(installed)
                print(f"ok {number} - {title}" + (f" # SKIP {skip}" if skip else ""), flush=True)
            except AssertionError as error:
                failed = 1
                print("\n".join("# " + line for line in str(error).splitlines()))
                print(f"not ok {number} - {title}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
