#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `run`, `status` and `repair` cannot do they say in one line, and change nothing."""

import os
import re
import shutil
import socket
import stat
import subprocess

from host import Host
from tap import Skip, check, check_equal, main
from vm import LAUNCHER, QEMU, Place, Vm, need_root

VM = ["--", QEMU, "-nodefaults", "-display", "none", "-machine", "none"]
CPUS = os.cpu_count()

# Options of run before the VM, exit code, what the error line says.
REFUSED = [
    (["-rt", "gpu_prio=3"], 125, "gpu"),
    (["-rt", "vcpu_speed=3"], 125, "speed"),
    (["-rt", "vcpu_sched=turbo"], 125, "turbo"),
    (["-rt", "vcpu_prio=100"], 125, "100"),
    (["-rt", "vcpu_prio=-1"], 125, "-1"),
    (["-rt", "vcpu_prio="], 125, "vcpu_prio"),
    (["-rt", ""], 125, "-rt"),
    (["-rt", "pvsched=on"], 125, "pvsched"),
    (["--plan", "/does/not/exist"], 125, "/does/not/exist"),
    (["--plan", "/"], 125, "/"),
    (["--name", "a/b"], 125, "letters"),
    (["--name", ".."], 125, "letters"),
    (["--name", ""], 125, "letters"),
    (["--name", "x" * 65], 125, "letters"),
    (["--name", "a\nb"], 125, "letters"),
    (["--user", "nobody-is-called-so"], 125, "no such user"),
    (["--user", ":"], 125, "USER"),
    (["--user", "nobody:nothing-is-called-so"], 125, "no such group"),
    (["--wrong"], 125, "--wrong"),
]

# What stands for QEMU's program, or in its arguments, and cannot be meant.
STRANGE_VMS = [
    (["--", "-smp", "2"], "'-smp' stands where QEMU's program belongs"),
    (["--", QEMU, "-smp", "0"], "-smp cpus=0"),
    (["--", QEMU, "-S", "-rt", "vcpu_prio=3"], "give it before QEMU's program"),
    (["--", QEMU, "--rt", "vcpu_prio=3"], "give it before QEMU's program"),
    (["--", QEMU, "-smp", "foo"], "-smp cpus=foo"),
    (["--", "nice", "-n", "5", QEMU], "vcpu_nice"),
    (["--", "/usr/bin/taskset", "1", QEMU], "vcpu_bias"),
    (["--", "chrt", "-f", "1", QEMU], "vcpu_prio"),
    (["--", "sudo", QEMU], "--user"),
    (["--", "env", "A=B", QEMU], "before the launcher"),
    (["--", "timeout", "8", QEMU], "before the launcher"),
    (["--", "numactl", "-N", "0", QEMU], "before the launcher"),
]


def check_refused(place, arguments, code, says):
    """One error line, and nothing left behind."""
    actual, out, errors = place.call(*arguments)
    check_equal(actual, code, "exit code of %s (%s)" % (arguments, errors))
    check_equal(out, "", "output of %s" % arguments)
    check(errors.startswith("qrt-launcher: "), "%s says: %s" % (arguments, errors))
    check(says in errors, "%s says: %s" % (arguments, errors))
    check_equal(errors.count("\n"), 1, "lines of %s: %s" % (arguments, errors))
    check(not os.path.isdir(place.run) or os.listdir(place.run) == [], "files left behind")


def options():
    need_root()
    with Place() as place:
        host = Host(place)
        for arguments, code, says in REFUSED:
            check_refused(place, ["run", *arguments, *VM], code, says)
        check_refused(place, ["run", "-rt"], 125, "-rt needs")
        check_refused(place, ["run", "--plan"], 125, "--plan needs")
        check_refused(place, ["run"], 125, "no program")
        check_refused(place, ["run", "--"], 125, "no program")
        host.check_same()


def strange_vms():
    with Place() as place:
        for words, says in STRANGE_VMS:
            check_refused(place, ["run", *words], 125, says)
        with open(place.file("control.plan"), "w", encoding="ascii") as file:
            file.write("vcpu_sched = fifo\n")
        for command in ("run", "plan", "check"):
            code, out, errors = place.call(command, place.file("control.plan"))
            check_equal((code, out, errors.count("\n")), (125 if command == "run" else 2, "", 1), errors)
            check("by --plan " + place.file("control.plan") in errors, errors)


def call_with_input(place, text, *arguments):
    return subprocess.run([LAUNCHER, *arguments], env=place.environment, input=text, capture_output=True, timeout=60)


def plan_from_input():
    with Place() as place:
        done = call_with_input(place, b"vcpu_sched = other\nmain_sched=other\n", "plan", "--plan", "-")
        check_equal((done.returncode, b"vcpu_sched=other" in done.stdout), (0, True), done)
        for text, says in ((b"vcpu_sched=other\nvcpu_prio=x\n", b"standard input:2: "), (b"#" * (10 << 20), b"64 KiB"),
                           (b"vcpu_prio=1\n\0", b"NUL")):
            done = call_with_input(place, text, "run", "--plan", "-", *VM)
            check_equal((done.returncode, done.stderr.count(b"\n")), (125, 1), done.stderr)
            check(says in done.stderr, done.stderr)


def full_disk():
    """Output that was not written is no success, whatever the command."""
    with Place() as place, open("/dev/full", "w", encoding="ascii") as full:
        for arguments in (["plan"], ["plan", "--json"], ["plan", "--explain"], ["check", "--json"], ["check"], ["status"],
                          ["status", "--json"], ["blame", "--help"], ["repair", "--help"], ["--help"], ["--version"],
                          ["run", "--help"]):
            done = subprocess.run([LAUNCHER, *arguments], env=place.environment, stdin=subprocess.DEVNULL, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
            check_equal(done.returncode, 125 if arguments[0] == "run" else 1, "exit code of %s" % arguments)
            check("standard output could not be written: " in done.stderr, "%s: %s" % (arguments, done.stderr))


def plan_files():
    with Place() as place:
        for name, content, says in (("nul", b"vcpu_prio=1\n\0\n", "NUL"), ("big", b"#" * (10 << 20), "64 KiB"),
                                    ("line", b"\nvcpu_prio=x\n", ":2: "), ("long", b"#" * 5000 + b"\n", "4,096|4096|long")):
            with open(place.file(name), "wb") as file:
                file.write(content)
            code, _, errors = place.call("run", "--plan", place.file(name), *VM)
            check_equal(code, 125, "exit code with plan file " + name)
            check_equal(errors.count("\n"), 1, "lines with plan file %s: %s" % (name, errors))
            check(name in errors and re.search(says, errors), errors)
        os.symlink("loop", place.file("loop"))
        check_refused(place, ["run", "--plan", place.file("loop"), *VM], 125, "loop")
        os.mkfifo(place.file("pipe"))
        check_refused(place, ["run", "--plan", place.file("pipe"), *VM], 125, "pipe")


def write_program(place, name, content, mode=0o755):
    with open(place.file(name), "wb") as file:
        file.write(content)
    os.chmod(place.file(name), mode)
    return place.file(name)


def programs():
    need_root()
    with Place() as place:
        true = shutil.which("true")
        with open(true, "rb") as file:
            real = file.read()
        script = write_program(place, "script", b"#!/bin/sh\nexec qemu-system-x86_64 \"$@\"\n")
        check_refused(place, ["run", script], 126, "script")
        check_refused(place, ["run", "--no-preload", script], 126, "script")
        check_refused(place, ["run", place.file("missing")], 127, "missing")
        check_refused(place, ["run", "no-program-is-called-so"], 127, "install QEMU")
        check_refused(place, ["run", write_program(place, "plain", real, 0o644)], 126, "ermission denied")
        check_refused(place, ["run", place.path], 126, "irectory")
        check_refused(place, ["run", write_program(place, "garbage", b"\x7fELFgarbage" * 20)], 126, "another machine")
        check_refused(place, ["run", write_program(place, "empty", b"")], 126, "no program")
        check_refused(place, ["run", "/dev/null"], 126, "ermission denied")
        foreign = bytearray(real)
        foreign[18:20] = b"\xb7\x00"  # AArch64
        check_refused(place, ["run", write_program(place, "foreign", bytes(foreign))], 126, "another machine")
        check_refused(place, ["run", "--", QEMU, "-daemonize"], 125, "-daemonize")


def privileged_program():
    need_root()
    with Place() as place:
        with open(shutil.which("true"), "rb") as file:
            program = write_program(place, "capable", file.read())
        try:  # CAP_NET_BIND_SERVICE
            os.setxattr(program, "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
        except OSError as error:
            raise Skip("no file capabilities here: %s" % error)
        check_refused(place, ["run", program], 126, "file capabilities")


def static_program():
    need_root()
    busybox = shutil.which("busybox")
    if not busybox:
        raise Skip("no statically linked program here: busybox-static is missing")
    with open(busybox, "rb") as file:
        content = file.read()
    if b"/ld-linux" in content:
        raise Skip("busybox is not linked statically here")
    with Place() as place:
        check_refused(place, ["run", write_program(place, "static", content), "true"], 126, "statically")


def preload_missing():
    need_root()
    with Place() as place:
        for path, says in ((place.file("none.so"), "cannot be read"), (place.file("a b.so"), "blank")):
            if " " in path:
                open(path, "w", encoding="ascii").close()
            code, _, errors = place.call("run", *VM, env={"QRT_SCHED_PRELOAD_LIB": path})
            check_equal(code, 125, "exit code")
            check(says in errors, errors)


def no_rights():
    """As a user without CAP_SYS_NICE."""
    need_root()
    with Place() as place:
        os.chmod(place.path, 0o777)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", LAUNCHER,
                               "run", "-rt", "vcpu_sched=rr", "-rt", "vcpu_prio=1", "-rt", "main_sched=rr",
                               "-rt", "main_prio=1", *VM],
                              env=place.environment, capture_output=True, text=True, timeout=60)
        check_equal(done.returncode, 125, "exit code: " + done.stderr)
        check("CAP_SYS_NICE" in done.stderr or "RLIMIT_RTPRIO" in done.stderr, done.stderr)


def no_run_directory():
    with Place() as place:
        for path in ("/proc/qrt", "relative/qrt"):
            place.environment["QRT_RUN_DIR"] = path
            code, _, errors = place.call("run", "-rt", "othr_sched=other", *VM)
            check_equal((code, errors.count("\n")), (125, 1), errors)
            check(path in errors, errors)
        check("absolute" in errors, errors)


def second_of_a_name():
    need_root()
    with Place() as place, Vm(place, ["-rt", "othr_sched=other"], ["-machine", "none"]) as vm:
        status = vm.wait_up()
        code, _, errors = place.call("run", "--name", "vm", "-rt", "othr_sched=other", *VM)
        check_equal(code, 125, "exit code")
        check("launcher pid %d" % status["launcher_pid"] in errors, errors)
        check_equal(vm.status()["launcher_pid"], status["launcher_pid"], "who supervises the first VM")
        vm.process.terminate()
        vm.wait_end()


def other_commands():
    with Place() as place:
        for arguments, code, says in ((["status", "nobody"], 1, "no VM named 'nobody'"), (["status", "a/b"], 2, "no VM's name"),
                                      (["status", "--wrong"], 2, "--wrong"), (["status", "--watch", "0"], 2, "--watch"),
                                      (["status", "a", "b"], 2, "b"), (["repair", "x"], 2, "x"), (["nonsense"], 2, "nonsense")):
            check_refused(place, arguments, code, says)
        check_equal(place.call("status"), (0, "no VM runs\n" if os.geteuid() == 0 else "no VM of this user runs\n", ""), "status")
        check_equal(place.call("status", "--json"), (0, "[]\n", ""), "status --json")
        check_equal(place.call("repair"), (0, "", ""), "repair")


def talk(path, data):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(path)
        try:
            client.sendall(data)
            return client.recv(1 << 16)
        except (ConnectionError, socket.timeout):
            return b""


def strange_answer():
    """A VM whose answer is not understood is not said to be none."""
    with Place() as place, socket.socket(socket.AF_UNIX) as server:
        os.makedirs(os.path.join(place.run, "vm"), 0o700)
        os.chmod(place.run, 0o700)
        server.bind(os.path.join(place.run, "vm", "control"))
        server.listen()
        server.settimeout(20)
        asking = subprocess.Popen([LAUNCHER, "blame", "vm"], env=place.environment, stderr=subprocess.PIPE, text=True)
        client = server.accept()[0]
        client.sendall(b'{"name":"\xff"}\n')
        errors = asking.communicate(timeout=30)[1]
        client.close()
        check("not understood" in errors and "no VM" not in errors, errors)


def control_socket():
    """Whatever is said to it, the supervisor stays."""
    need_root()
    with Place() as place, Vm(place, ["-rt", "othr_sched=other"], ["-machine", "none"]) as vm:
        vm.wait_up()
        path = os.path.join(place.run, "vm", "control")
        check_equal(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700, "mode of the VM's folder")
        for data in (b"\n", b"{}\n", b"[" * 3000 + b"\n", b'{"command":5}\n', b'{"command":"stop"}\n', b"\0\xff\n", b"x" * 100000):
            answer = talk(path, data)
            check(answer == b"" or b'"error"' in answer, "%r: %r" % (data[:20], answer))
        idle = []
        for _ in range(40):
            client = socket.socket(socket.AF_UNIX)
            client.connect(path)
            idle.append(client)
        for client in idle:
            client.close()
        check(vm.wait_up()["name"] == "vm", "status")
        vm.process.terminate()
        check_equal(vm.wait_end(), 0, "exit code")


main([
    ("options that are wrong: one line, exit code 125, nothing changed", options),
    ("plan files, options and starters in the place of QEMU's program", strange_vms),
    ("a plan from standard input", plan_from_input),
    ("output to a full disk is a failure", full_disk),
    ("plan files that are wrong", plan_files),
    ("programs that cannot be used: 126, that are missing: 127", programs),
    ("a program with file capabilities is refused", privileged_program),
    ("a statically linked program is refused", static_program),
    ("a preload library that cannot be used is named", preload_missing),
    ("no rights: the missing right is named", no_rights),
    ("no run directory", no_run_directory),
    ("a second VM of the same name is refused", second_of_a_name),
    ("status and repair", other_commands),
    ("an answer that is not understood is not taken for no VM", strange_answer),
    ("nonsense on the control socket", control_socket),
])
