#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-io: its commands, its exit codes, and the same image under qemu-io and qemu-img."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

TOOL = pathlib.Path(os.environ["QRT_BUILD"]) / "libqrt-block/tools/qrt-io"


def run(*words, code=0, given=""):
    done = subprocess.run([str(word) for word in words], input=given, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def commands(*lines):
    return [word for line in lines for word in ("-c", line)]


def io(path, *lines, options=(), code=0):
    return run(TOOL, *options, *commands(*lines), path, code=code)


def image(folder):
    path = pathlib.Path(folder) / "disk.img"
    io(path, "length", options=("--create", "1M"))
    return path


def what_was_written_is_verified(folder):
    path = image(folder)
    output = io(path, "write -P 0x5a 4k 8k", "read -P 0x5a 4k 8k", "read -P 0 0 4k", "writev -P 7 64k 4k 1k",
                "readv -P 7 64k 5k", "write -z 8k 4k", "read -P 0 8k 4k", "read -P 0x5a -s 0 -l 4k 4k 8k")
    assert "wrote 8192/8192 bytes at offset 4096" in output, output
    output = io(path, "read -P 1 4k 4k", code=1)
    assert "Pattern verification failed at offset 4096, 4096 bytes" in output, output
    assert "Z" * 16 in io(path, "read -v 4096 16")


def engines_write_the_same(folder):
    path = image(folder)
    ways = {"threads": [], "io_uring": [], "native": ["-n"], "auto": ["-n"]}
    tried = 0
    for number, (engine, options) in enumerate(ways.items(), 1):
        done = subprocess.run([TOOL, "-i", engine, *options, "-c", f"write -f -P {number} {number * 64}k 64k", path],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            assert engine in ("io_uring", "native") and f"{engine}:" in done.stderr.replace("libaio", "native"), done.stderr
            continue
        tried += 1
        io(path, f"read -P {number} {number * 64}k 64k")
    assert tried >= 2


def many_are_out_at_once(folder):
    path = image(folder)
    lines = [f"aio_write -q -P {i + 1} {i * 4}k 4k" for i in range(200)]
    output = io(path, *lines, "aio_flush", *[f"read -q -P {i + 1} {i * 4}k 4k" for i in range(0, 200, 7)])
    assert not output, output


def lines_come_from_standard_input(folder):
    path = image(folder)
    script = "# a comment\nwrite -P 9 0 4k\n\nread -P '9' \"0\" 4k\nquit\nread -P 1 0 4k\n"
    output = run(TOOL, path, given=script)
    assert output.count("4096/4096") == 2, output
    assert "open quote" in run(TOOL, path, given="read 'x\n", code=2)


def what_fails_says_why_and_in_the_exit_code(folder):
    path = image(folder)
    assert "past the end" in io(path, "read 1M 4k", code=1)
    assert "0 bytes" in io(path, "write 0 0", code=1)
    assert "reading only" in io(path, "write 0 4k", options=("-r",), code=1)
    assert "No such file" in io(path.with_name("none"), "length", code=1)
    assert "no command" in io(path, "reed 0 4k", code=2)
    assert "usage" in io(path, "read 0", code=2)
    assert "no byte" in io(path, "read -P 256 0 4k", code=2)
    assert "File exists" in io(path, "length", options=("--create", "1M"), code=1)
    io(path, "length", options=("-i", "steam"), code=2)
    run(TOOL, code=2)
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([TOOL, "-c", "length", path], stdout=full, stderr=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    io(path, "abort", code=-signal.SIGABRT)


def length_and_map_follow_the_file(folder):
    path = image(folder)
    output = io(path, "write -q 256k 64k", "map", "truncate 2M", "length", "discard -q 256k 64k", "map")
    assert "data 65536 bytes at offset 262144\n" in output and "\n2097152\n" in output, output
    assert output.endswith("hole 2097152 bytes at offset 0\n"), output


def qemu_reads_it_and_we_read_what_it_wrote(folder):
    if not shutil.which("qemu-io"):
        return "no qemu-io"
    path = image(folder)
    io(path, "write -P 0x11 0 64k", "flush")
    run("qemu-io", "-f", "raw", *commands("read -P 0x11 0 64k", "write -P 0x22 64k 64k"), path)
    io(path, "read -P 0x22 64k 64k")
    copy = path.with_name("copy.qcow2")
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", path, copy)
    run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", path, copy)
    return None


def a_block_device_is_one_too(folder):
    path = image(folder)
    try:
        device = run("losetup", "--find", "--show", path).strip()
    except (AssertionError, OSError):
        return "no loop device may be had here"
    try:
        for options in (["-i", "threads"], ["-n"]):
            output = io(device, "write -f -P 5 4k 64k", "write -z 8k 4k", "read -P 0 8k 4k", "discard 16k 4k",
                        "read -P 5 20k 4k", "flush", "length", options=options)
            assert "\n1048576\n" in output, output
        assert "no file" in io(device, "truncate 2M", code=1)
    finally:
        run("losetup", "--detach", device)
    return None


TESTS = [what_was_written_is_verified, engines_write_the_same, many_are_out_at_once, lines_come_from_standard_input,
         what_fails_says_why_and_in_the_exit_code, length_and_map_follow_the_file,
         a_block_device_is_one_too, qemu_reads_it_and_we_read_what_it_wrote]


def main():
    print(f"1..{len(TESTS)}", flush=True)
    failed = 0
    for number, test in enumerate(TESTS, 1):
        title = test.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory() as folder:
            try:
                skip = test(folder)
                print(f"ok {number} - {title}" + (f" # SKIP {skip}" if skip else ""), flush=True)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed = 1
                print("\n".join("# " + line for line in str(error).splitlines()))
                print(f"not ok {number} - {title}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
