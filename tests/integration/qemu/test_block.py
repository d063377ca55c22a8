#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""driver=qrt in qemu-img and qemu-io: what is written is read, by this driver and by `file`, through every engine."""
import json
import pathlib
import subprocess
import tempfile

import blocklib
from blocklib import MIB, image, qemu_io, run
from taplib import Skip, expect, main

# What each engine is asked to do, and what is there then.
WORK = ("write -P 0x11 0 1M", "write -P 0x22 4k 64k", "writev -P 0x33 2M 4k 8k 512 1536", "write -f -P 0x44 3M 4k",
        "write -z 512k 64k", "write -z -u 576k 64k", "aio_write -P 0x55 4M 128k", "aio_write -P 0x66 5M 128k", "aio_flush",
        "discard 8M 1M", "flush")
FOUND = ("read -P 0x11 0 4k", "read -P 0x22 4k 64k", "read -P 0x11 68k 4k", "readv -P 0x33 2M 4k 8k 512 1536",
         "read -P 0x44 3M 4k", "read -P 0 512k 128k", "read -P 0x11 640k 384k", "read -P 0x55 4M 128k",
         "read -P 0x66 5M 128k", "read -P 0 6M 2M", "length")


class Folder:
    """On a filesystem with direct I/O, which /tmp may not be."""

    def __enter__(self):
        blocklib.need_tools()
        self.folder = tempfile.TemporaryDirectory(dir=blocklib.rtlib.TOP / "build")
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def path(self, name):
        return pathlib.Path(self.folder.name, name)

    def make(self, name, size):
        with self.path(name).open("wb") as file:
            file.truncate(size)
        return self.path(name)


def length(path):
    return path.stat().st_size


def every_engine_reads_what_it_and_others_wrote():
    with Folder() as folder:
        path, engines = folder.make("disk", 16 * MIB), []
        for engine, direct in blocklib.for_each_engine(path):
            path.unlink()
            folder.make("disk", 16 * MIB)
            qemu_io(image(path, engine, direct), *WORK)
            for reader in (image(path, engine, direct), str(path)):
                out = qemu_io(reader, *FOUND)
                assert "16 MiB" in out, out
            engines.append((engine, direct))
        assert ("threads", False) in engines and ("threads", True) in engines, engines


def a_wrong_pattern_is_found():
    """qemu-io's -P does tell."""
    with Folder() as folder:
        path = folder.make("disk", MIB)
        qemu_io(image(path), "write -P 1 0 4k")
        out = qemu_io(image(path), "read -P 2 0 4k", good=False)
        assert "Pattern verification failed" in out, out


def memory_that_is_not_aligned_is_written():
    """Parts of odd lengths, and more than a bounce buffer has room for."""
    with Folder() as folder:
        path = folder.make("disk", 8 * MIB)
        for engine, direct in blocklib.for_each_engine(path):
            what = image(path, engine, direct)
            run("qemu-io", "-m", "-c", "writev -P 7 0 1000 3096", "-c", "writev -P 8 1M 100k 1000 923k 600", "-c",
                "write -P 9 3000001 1000003", "-c", "write -P 10 5M 2M", what)
            qemu_io(str(path), "read -P 7 0 4k", "read -P 8 1M 1049152", "read -P 9 3000001 1000003", "read -P 0 3000000 1",
                    "read -P 0 4000004 100", "read -P 10 5M 2M")
            out = run("qemu-io", "-m", "-c", "readv -P 7 0 512 3584", "-c", "readv -P 8 1M 7 1000 100k 900k", "-c",
                      "read -P 9 3000001 1000003", "-c", "read -P 10 5M 2M", what)[1]
            assert "failed" not in out, out


def holes_are_told_from_data():
    with Folder() as folder:
        path = folder.make("disk", 4 * MIB)
        qemu_io(image(path), "write -P 1 1M 1M")
        found = json.loads(run("qemu-img", "map", "--output=json", image(path))[1])
        expect([(e["start"], e["length"], e["data"], e["zero"]) for e in found],
               [(0, MIB, False, True), (MIB, MIB, True, False), (2 * MIB, 2 * MIB, False, True)])


def discards_and_zeroes_give_space_back():
    with Folder() as folder:
        path = folder.make("disk", 8 * MIB)
        what = image(path, discard="unmap")
        qemu_io(what, "write -P 1 0 8M")
        full = path.stat().st_blocks
        qemu_io(what, "discard 0 2M")
        assert path.stat().st_blocks <= full - 4096, (full, path.stat().st_blocks)
        qemu_io(what, "write -z -u 2M 2M")
        assert path.stat().st_blocks <= full - 8192, (full, path.stat().st_blocks)
        qemu_io(str(path), "read -P 0 2M 2M", "read -P 1 4M 4M")


def an_image_is_resized():
    with Folder() as folder:
        path = folder.make("disk", MIB)
        for direct in (False, True):
            qemu_io(image(path, direct=direct), "truncate 4M", "write -P 1 3M 1M", "length")
            expect(length(path), 4 * MIB)
            run("qemu-img", "resize", "--image-opts",
                f"driver=qrt,filename={path},cache.direct={'on' if direct else 'off'}", "8M")
            expect(length(path), 8 * MIB)
            qemu_io(image(path, direct=direct), "read -P 1 3M 1M", "read -P 0 4M 4M", "truncate 1M")
            expect(length(path), MIB)


def an_odd_length_is_that_of_a_whole_sector():
    with Folder() as folder:
        path = folder.make("disk", 1000)
        qemu_io(image(path), "map", "alloc 0 1000", "alloc 512 512")  # data alone, up to an end within a sector
        out = qemu_io(image(path), "length", "read -P 0 512 512", "write -P 5 512 512", "read -P 5 512 512", "read -P 0 0 512")
        assert "1 KiB" in out, out
        expect(length(path), 1024)
        path = folder.make("other", 4096 + 8)
        code, out = run("qemu-io", "-r", "-c", "length", image(path, direct=True), good=False)
        assert code and "multiple" in out, out
        if "4096 bytes" not in out:  # the alignment of this machine's direct I/O
            qemu_io(image(path, direct=True), "read -P 0 4k 512", "write -P 5 4k 512")
            expect(length(path), 4096 + 512)


def qcow2_lives_on_it():
    with Folder() as folder:
        path = folder.path("disk.qcow2")
        for engine, direct in blocklib.for_each_engine(folder.make("disk", MIB)):
            run("qemu-img", "create", "-q", "-f", "qcow2", path, "64M")
            node = {"driver": "qcow2", "file": {"driver": "qrt", "filename": str(path), "engine": engine,
                                                "cache": {"direct": direct}}}
            what = "json:" + json.dumps(node)
            qemu_io(what, *WORK, "write -P 0x77 40M 5M", "aio_write -P 1 50M 1M", "aio_write -P 2 52M 1M", "aio_flush")
            qemu_io(str(path), *FOUND[:-1], "read -P 0x77 40M 5M", "read -P 1 50M 1M", "read -P 2 52M 1M")
            run("qemu-img", "check", path)
            run("qemu-img", "snapshot", "-c", "one", path)
            path.unlink()


def it_is_copied_both_ways():
    with Folder() as folder:
        source, target, other = folder.make("source", 16 * MIB), folder.make("target", 16 * MIB), folder.path("other")
        qemu_io(image(source), *WORK)
        run("qemu-img", "convert", "-n", "--target-image-opts", image(source), f"driver=qrt,filename={target}")
        run("qemu-img", "compare", source, target)
        run("qemu-img", "convert", "-O", "qcow2", "-c", image(source), other)
        run("qemu-img", "compare", image(source), other)


def a_filename_may_have_the_driver_in_front():
    with Folder() as folder:
        path = folder.make("disk", MIB)
        info = json.loads(run("qemu-img", "info", "--output=json", "-f", "qrt", path)[1])
        expect((info["virtual-size"], info["format"]), (MIB, "qrt"))
        qemu_io(f"qrt:{path}", "write -P 1 0 4k")
        run("qemu-img", "create", "-q", "-f", "raw", f"qrt:{path}", "4M")
        expect(length(path), 4 * MIB)


def wrong_options_are_refused_in_one_line():
    with Folder() as folder:
        path = folder.make("disk", MIB)
        for what, words in ((image(path, engine="fast"), "fast"), (image(path, priority="high"), "high"),
                            (image(path, workers=65), "at most 64 workers"), (image(path, engine="libaio"), "DIRECT"),
                            (image(folder.path("none")), "No such file"), (image("/dev/null"), "neither a file nor a block device"),
                            (image(path, nonsense=1), "nonsense")):
            code, out = run("qemu-io", "-r", "-c", "length", what, good=False)
            assert code and words in out, (what, out)
            expect(len(out.strip().splitlines()), 1, out)


def the_engine_of_other_drivers_is_refused():
    """-drive's aio= goes to every driver; this one has a name of its own for it, and says so."""
    with Folder() as folder:
        path = folder.make("disk", MIB)
        code, out = run("qemu-io", "-n", "-i", "native", "-c", "length", f"qrt:{path}", good=False)
        assert code and "engine=libaio" in out, out
        run("qemu-io", "-n", "-i", "threads", "-c", "length", f"qrt:{path}")


def what_is_read_only_is_not_written():
    with Folder() as folder:
        path = folder.make("disk", MIB)
        out = qemu_io(image(path, **{"read-only": True}), "write 0 4k", good=False)
        assert "read-only" in out or "failed" in out, out
        qemu_io(str(path), "read -P 0 0 4k")


def a_full_filesystem_says_so():
    with Folder() as folder:
        place = folder.path("full")
        place.mkdir()
        script = f"mount -t tmpfs -o size=2m none {place} || exit 77; truncate -s 8M {place}/disk; exec \"$0\" \"$@\""
        for engine in ("threads", "io_uring"):
            done = subprocess.run(
                ["unshare", "-m", "sh", "-c", script, str(blocklib.rtlib.BUILD / "qemu-io"), "-c", "write -P 1 0 1M", "-c",
                 "write -P 2 1M 4M", "-c", "read -P 1 0 1M", image(place / "disk", engine)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=blocklib.PATIENCE,
                check=False)
            if done.returncode == 77 or "unshare:" in done.stdout:
                raise Skip(f"no filesystem may be mounted here: {done.stdout.strip()}")
            assert "write failed: No space left on device" in done.stdout and "read 1048576/1048576" in done.stdout, done.stdout


if __name__ == "__main__":
    main([
        every_engine_reads_what_it_and_others_wrote,
        a_wrong_pattern_is_found,
        memory_that_is_not_aligned_is_written,
        holes_are_told_from_data,
        discards_and_zeroes_give_space_back,
        an_image_is_resized,
        an_odd_length_is_that_of_a_whole_sector,
        qcow2_lives_on_it,
        it_is_copied_both_ways,
        a_filename_may_have_the_driver_in_front,
        wrong_options_are_refused_in_one_line,
        the_engine_of_other_drivers_is_refused,
        what_is_read_only_is_not_written,
        a_full_filesystem_says_so,
    ])
