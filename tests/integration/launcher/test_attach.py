#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher attach and detach: a QEMU that somebody else started is supervised, and is as before after that."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time

from cage import Cage
from stock import CPUS, IOPRIO_GET, Stock
from tap import Skip, check, check_equal, main
from vm import (LAUNCHER, LIBC, PATIENCE, Monitor, Place, Vm, end_session, is_alive, list_threads, need_root, read_setting,
                start_session, threads_of, wait_for)
from proc import name_of, read_stat

OTHER, FIFO, RR, BATCH = 0, 1, 2, 3
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def words(*options):
    return [word for option in options for word in ("-rt", option)]


PLAN = words("vcpu_sched=rr", "vcpu_prio=3", "vcpu_ioprio=be:1", "main_sched=fifo", "main_prio=6", "othr_sched=batch",
             "vcpu_bias=%d" % CPUS[-1], "main_bias=%d" % CPUS[0])


def check_planned(status):
    for role, policy, priority, cpu in (("vcpu", RR, 3, CPUS[-1]), ("main", FIFO, 6, CPUS[0])):
        found = [read_setting(thread["tid"]) for thread in threads_of(status, role)]
        check(found, "no %s" % role)
        check_equal({(setting[0], setting[1], setting[3]) for setting in found}, {(policy, priority, (cpu,))}, role)
    check(all(thread["in_plan"] for thread in status["threads"]), json.dumps(status["threads"]))
    check_equal({thread["placed_by"] for thread in status["threads"]}, {"supervisor"}, "placed by")


def test_and_back():
    """In their roles when the command ends; each as it was after detach; the VM runs on. Then once more."""
    with Place() as place, Stock(place) as stock:
        stock.give_pasts()
        before = stock.settings()
        for _ in range(2):
            stock.check_attached(*PLAN)
            status = stock.status()
            check_equal((len(threads_of(status, "vcpu")), status["preload"]), (2, False), "threads")
            check_planned(status)
            check_equal(LIBC.syscall(IOPRIO_GET, 1, threads_of(status, "vcpu")[0]["tid"]), 2 << 13 | 1, "I/O priority")
            code, out, errors = place.call("detach", "stock")
            check_equal((code, errors), (0, ""), out)
            check("runs on without a supervisor: %d threads" % len(before) in out, out)
            check_equal(stock.settings(), before, "threads after detach")
            check(stock.process.poll() is None, "the VM ended")
            check_equal(os.listdir(place.run), [], "files left behind")
            check(not is_alive(status["launcher_pid"]), "the supervisor")


def test_ends():
    """Every way out of the launcher in the foreground: each thread as it was."""
    with Place() as place, Stock(place) as stock:
        stock.give_pasts()
        before = stock.settings()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            process = start_session([LAUNCHER, "attach", str(stock.pid), "--foreground", *PLAN], env=place.environment,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            check("is supervised" in process.stdout.readline(), "the first line")
            check_planned(stock.status())
            process.send_signal(number)
            _, errors = process.communicate(timeout=PATIENCE)
            check_equal((process.returncode, stock.settings()), (0, before), (number, errors))
            check(stock.process.poll() is None, "the VM ended")


def is_free(lock):
    """A process that was killed holds its locks until its last thread is gone."""
    with open(lock, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_killed():
    """The launcher is killed: the next call puts each thread back as it was."""
    for command in (["repair"], ["status"], ["detach", "stock"], ["set", "stock", "-rt", "vcpu_prio=1"]):
        with Place() as place, Stock(place) as stock:
            stock.give_pasts()
            before = stock.settings()
            stock.check_attached(*PLAN)
            os.kill(stock.status()["launcher_pid"], signal.SIGKILL)
            wait_for("its end", lambda place=place: is_free(os.path.join(place.run, "stock", "lock")))
            check(stock.settings() != before, "threads")
            _, _, errors = place.call(*command)
            check("had lost its launcher: %d threads of it put back to how they were" % len(before) in errors, errors)
            check_equal(stock.settings(), before, "threads after %s" % command)
            check(stock.process.poll() is None, "the VM ended")
            check_equal(os.listdir(place.run), [], "files left behind")


def end_supervisor(place, stock):
    """By a signal; it has nobody to tell."""
    launcher = stock.status()["launcher_pid"]
    os.kill(launcher, signal.SIGTERM)
    wait_for("the end of its supervisor", lambda: not is_alive(launcher))


def detach_in_vain(place, _):
    code, out, errors = place.call("detach", "stock")
    check_equal((code, out, len(errors.splitlines())), (1, "", 1), errors)
    check("not every thread could be put back" in errors and "'qrt-launcher repair' tries again" in errors, errors)


def test_stuck():
    """What the kernel does not let be put back stays written down, until it does."""
    for let_go in (detach_in_vain, end_supervisor):
        with Place() as place, Stock(place) as stock:
            stock.give_pasts()
            before = stock.settings()
            stock.check_attached(*words(*("%s_%s" % (role, value) for role in ("vcpu", "main")
                                          for value in ("sched=rr", "prio=3", "bias=%d" % CPUS[0]))))
            with Cage(stock.pid):
                let_go(place, stock)
                check("threads" in os.listdir(os.path.join(place.run, "stock")), "what was written down")
                code, _, errors = place.call("repair")
                check_equal((code, "cannot be put back" in errors), (1, True), errors)
                code, _, errors = stock.attach(*PLAN)
                check_equal((code, "is not as before yet" in errors), (1, True), errors)
            code, _, errors = place.call("repair")
            check_equal((code, stock.settings()), (0, before), errors)
            check_equal(os.listdir(place.run), [], "files left behind")
            check(stock.process.poll() is None, "the VM ended")


def test_killed_at_any_moment():
    """From its first step on, the next attach finds its way."""
    with Place() as place, Stock(place) as stock:
        stock.give_pasts()
        before = stock.settings()
        for delay in (0.001, 0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1):
            process = start_session([LAUNCHER, "attach", str(stock.pid), *PLAN], env=place.environment, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            process.kill()
            process.wait()
            wait_for("repair", lambda: place.call("repair")[0] == 0 and (not os.path.exists(place.run) or not os.listdir(place.run)))
            check_equal(stock.settings(), before, "threads after a kill at %s s" % delay)


def test_born_later():
    """A thread that is born under supervision, here an iothread, has its role; then it is as the first one was found."""
    with Place() as place, Stock(place, ["-qmp", "unix:%s,server=on,wait=off" % place.file("second")]) as stock:
        before = stock.settings()
        stock.check_attached(*PLAN, *words("ioth_sched=fifo", "ioth_prio=4"), "--qmp", stock.monitor)
        wait_for("the guest's state by the monitor", lambda: stock.status()["guest_state"] == "prelaunch")
        with Monitor(place.file("second")) as monitor:
            monitor.call("object-add", **{"qom-type": "iothread", "id": "late"})
        born = wait_for("a new thread", lambda: [tid for tid in list_threads(stock.pid) if tid not in before])
        wait_for("its role", lambda: read_setting(born[0])[:2] == (FIFO, 4))
        check_equal(place.call("detach", "stock")[0], 0, "detach")
        after = stock.settings()
        check_equal({tid: after[tid] for tid in before}, before, "threads that were there")
        check_equal({after[tid] for tid in born}, {before[stock.pid]}, "threads that are new")


def test_corrected():
    """Who changes a thread finds it put right."""
    with Place() as place, Stock(place) as stock:
        stock.check_attached(*PLAN)
        vcpu = threads_of(stock.status(), "vcpu")[0]["tid"]
        os.sched_setscheduler(vcpu, os.SCHED_OTHER, os.sched_param(0))
        wait_for("the plan", lambda: read_setting(vcpu)[:2] == (RR, 3))
        check_equal(stock.status()["corrections"], 1, "corrections")
        check_equal(place.call("detach", "stock")[0], 0, "detach")


def test_quantum():
    """Slices from outside: the kernel has fifo for the plan's rr, and `set` makes others of them."""
    with Place() as place, Stock(place) as stock:
        before = stock.settings()
        stock.check_attached(*PLAN, *words("vcpu_nice=-5"))
        for change in (None, "vcpu_nice=5", "vcpu_sched=fifo vcpu_nice=0", "vcpu_sched=rr vcpu_nice=3"):
            if change:
                code, _, errors = place.call("set", "stock", *words(change))
                check_equal(code, 0, errors)
            vcpus = threads_of(stock.status(), "vcpu")
            check_equal({read_setting(thread["tid"])[:2] for thread in vcpus}, {(FIFO, 3)}, change)
            slices = not change or "fifo" not in change
            check_equal({"quantum" in [layer["layer"] for layer in thread["layers"]] for thread in vcpus}, {slices}, change)
        check_equal(place.call("detach", "stock")[0], 0, "detach")
        check_equal(stock.settings(), before, "threads")


def find_kernel_threads(pid):
    """KVM's timer, which works for this VM alone."""
    found = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [tid for tid in found if name_of(tid) == "kvm-pit/%d" % pid]


def test_kernel_threads():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no KVM here")
    with Place() as place, Stock(place, accel="kvm") as stock:
        timers = find_kernel_threads(stock.pid)
        if not timers:
            raise Skip("KVM has no thread for timers here")
        before = read_setting(timers[0])
        stock.check_attached(*PLAN, *words("kio_sched=fifo", "kio_prio=7"))
        wait_for("its place", lambda: read_setting(timers[0])[:2] == (FIFO, 7))
        check(timers[0] in [thread["tid"] for thread in threads_of(stock.status(), "kio")], "the role")
        check_equal(place.call("set", "stock", *words("kio_prio=8"))[0], 0, "set")
        check_equal(read_setting(timers[0])[:2], (FIFO, 8), "by another plan")
        check_equal(place.call("detach", "stock")[0], 0, "detach")
        check_equal(read_setting(timers[0]), before, "after detach")


def test_unnamed():
    """Without names of threads: a line says so; a monitor tells which are vCPUs."""
    for monitor in (False, True):
        with Place() as place, Stock(place, name=["-name", "guest=plain,debug-threads=off"]) as stock:
            code, _, errors = stock.attach(*PLAN, *(["--qmp", stock.monitor] if monitor else []))
            check_equal(code, 0, errors)
            said = [line for line in errors.splitlines() if "has the name of a vCPU" in line]
            check_equal((len(said), "--qmp SOCKET" in errors), (1, not monitor), errors)
            if monitor:
                wait_for("vCPUs", lambda stock=stock: len(threads_of(stock.status("plain"), "vcpu")) == 2)
                wait_for("their place", lambda stock=stock: all(read_setting(thread["tid"])[:2] == (RR, 3)
                                                               for thread in threads_of(stock.status("plain"), "vcpu")))
            else:
                check_equal(len(threads_of(stock.status("plain"), "othr")), len(list_threads(stock.pid)) - 1, "all but the first")
            check_equal(place.call("detach", "plain")[0], 0, "detach")


def test_names():
    """By QEMU's name; under a name of ours; `set`, `status` and a second VM know it."""
    with Place() as place, Stock(place) as stock:
        code, out, errors = place.call("attach", "stock", "--daemon", "--name", "ours", *PLAN)
        check_equal(code, 0, errors)
        check("VM 'ours' (pid %d)" % stock.pid in out, out)
        check_equal(place.call("set", "ours", *words("vcpu_prio=5"))[0], 0, "set")
        check_equal({read_setting(thread["tid"])[1] for thread in threads_of(stock.status("ours"), "vcpu")}, {5}, "vCPUs")
        check("in place of" not in errors, errors)
        code, out, errors = place.call("set", "ours", *words("mlock=all"))
        check_equal((code, out), (1, ""), errors)
        code, out, errors = place.call("attach", "stock", "--daemon")
        check_equal((code, out, len(errors.splitlines())), (1, "", 1), errors)
        check("is supervised already: as VM 'ours'" in errors, errors)
        check_equal(place.call("detach", "ours")[0], 0, "detach")


def test_default_plan():
    with Place() as place, Stock(place) as stock:
        before = stock.settings()
        stock.check_attached()
        check(all(read_setting(thread["tid"])[0] in (FIFO, RR) for thread in threads_of(stock.status(), "vcpu")), "vCPUs")
        check_equal(place.call("detach", "stock")[0], 0, "detach")
        check_equal(stock.settings(), before, "threads")


def test_vm_ends():
    """The launcher ends with the VM, whoever ends that; a run that follows is a VM like others."""
    with Place() as place, Stock(place) as stock:
        process = start_session([LAUNCHER, "attach", str(stock.pid), *PLAN], env=place.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdout.readline()
        end_session(stock.process)
        out, errors = process.communicate(timeout=PATIENCE)
        check_equal((process.returncode, out, errors), (0, "", ""), "the end")
        check_equal(os.listdir(place.run), [], "files left behind")


def check_refusal(place, word, *arguments, code=1, wrapper=()):
    done = subprocess.run([*wrapper, LAUNCHER, *arguments], env=place.environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    check_equal((done.returncode, done.stdout, len(done.stderr.splitlines())), (code, "", 1), (arguments, done.stderr))
    check(word in done.stderr, done.stderr)


def test_refused():
    """One line each, and no thread is changed."""
    with Place() as place, Stock(place) as stock:
        before, pid = stock.settings(), str(stock.pid)
        thread = str(max(list_threads(stock.pid)))
        check_refusal(place, "is no virtual machine", "attach", str(os.getpid()))
        check_refusal(place, "is no virtual machine", "attach", "2")
        check_refusal(place, "there is no process", "attach", "4194305")
        check_refusal(place, "there is no process", "attach", "99999999999999")
        check_refusal(place, "is a thread", "attach", thread)
        check_refusal(place, "no QEMU of this host", "attach", "nobody")
        check_refusal(place, "which VM", "attach", code=2)
        check_refusal(place, "unknown argument", "attach", pid, "--nonsense", code=2)
        check_refusal(place, "letters, digits", "attach", pid, "--name", "/", code=2)
        check_refusal(place, "mlock cannot", "attach", pid, "-rt", "mlock=onfault")
        check_refusal(place, "hugepages cannot", "attach", pid, "-rt", "hugepages=thp")
        check_refusal(place, "--qmp /none: ", "attach", pid, *PLAN, "--qmp", "/none")
        check_refusal(place, "one VM", "detach", code=2)
        check_refusal(place, "no VM named 'stock'", "detach", "stock")
        private = place.file("private")
        os.mkdir(private)
        os.chown(private, 65534, 65534)
        place.environment["QRT_RUN_DIR"] = private
        check_refusal(place, "is of user root", "attach", pid, *PLAN, wrapper=NOBODY)
        place.environment["QRT_RUN_DIR"] = place.run
        code, out, errors = stock.attach(*words("vcpu_bias=1000"))
        check_equal((code, out), (1, ""), errors)
        check("fault: plan:" in errors and "not attached: 1 fault" in errors, errors)
        check_equal(stock.settings(), before, "threads")


def test_busy_monitor():
    """A monitor that serves somebody else is no help, and is not waited for."""
    with Place() as place, Stock(place) as stock:
        with Monitor(stock.monitor):
            before = stock.settings()
            check_refusal(place, "does not greet", "attach", str(stock.pid), *PLAN, "--qmp", stock.monitor)
            check_equal(stock.settings(), before, "threads")


def test_foreign_monitor():
    """Another VM's monitor says nothing of this one: it is refused before a thread is touched."""
    with Place() as place, Stock(place) as stock, Place() as beside, Stock(beside) as other:
        before = stock.settings()
        check_refusal(place, "is a monitor of process %d, another VM" % other.pid, "attach", str(stock.pid), *PLAN,
                      "--qmp", other.monitor)
        check_equal(stock.settings(), before, "threads")
        with Monitor(other.monitor):
            check_refusal(place, "another VM", "attach", str(stock.pid), *PLAN, "--qmp", other.monitor)


def check_free(folder):
    """That nobody holds the run directory while others may want it."""
    fd = os.open(folder, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)


def fill_row(path):
    """Clients that wait, as many as there may be."""
    clients = []
    while True:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            client.connect(path)
        except BlockingIOError:
            client.close()
            return clients
        clients.append(client)


def test_silent_monitor():
    """One that says nothing, or takes nobody: it is not waited for long, and by nobody else."""
    with Place() as place, Stock(place) as stock, socket.socket(socket.AF_UNIX) as silent:
        before, path = stock.settings(), place.file("silent")
        os.mkdir(place.run, 0o700)
        silent.bind(path)
        silent.listen(0)
        silent.settimeout(PATIENCE)
        with start_session([LAUNCHER, "attach", str(stock.pid), *PLAN, "--qmp", path], env=place.environment,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            client = silent.accept()[0]
            check_free(place.run)
            out, errors = process.communicate(timeout=PATIENCE)
            client.close()
        check_equal((process.returncode, out, len(errors.splitlines())), (1, "", 1), errors)
        check("does not greet" in errors, errors)
        clients = fill_row(path)
        check_refusal(place, "does not greet", "attach", str(stock.pid), *PLAN, "--qmp", path)
        for client in clients:
            client.close()
        check_equal(stock.settings(), before, "threads")


class Client:
    """Of a supervisor's socket, known to it."""

    def __init__(self, place, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(os.path.join(place.run, name, "control"))
        self.file = self.socket.makefile("rw", encoding="utf-8")
        self.ask({"command": "hello"})
        self.hear()

    def ask(self, question):
        self.file.write(json.dumps(question) + "\n")
        self.file.flush()

    def hear(self):
        return json.loads(self.file.readline())

    def close(self):
        self.file.close()
        self.socket.close()


def test_set_beside_detach():
    """Who changes the plan in the same moment: the threads are as before, and stay so."""
    with Place() as place, Stock(place) as stock:
        stock.give_pasts()
        before = stock.settings()
        stock.check_attached(*PLAN)
        launcher = stock.status()["launcher_pid"]
        first, second = Client(place, "stock"), Client(place, "stock")
        os.kill(launcher, signal.SIGSTOP)
        wait_for("a supervisor that is stopped", lambda: read_stat(launcher)[0] == "T")
        first.ask({"command": "detach"})
        second.ask({"command": "set", "replace": False, "changes": [{"option": "vcpu_prio=7"}]})
        os.kill(launcher, signal.SIGCONT)
        check_equal(first.hear(), {"threads": len(before)}, "the answer to detach")
        check("let go" in second.hear()["error"], "the answer to set")
        wait_for("the end of its supervisor", lambda: not os.path.exists(os.path.join(place.run, "stock")))
        check_equal(stock.settings(), before, "threads")
        first.close()
        second.close()


def test_of_run():
    """What `run` started is supervised already, and is not to be let go."""
    need_root()
    with Place() as place, Vm(place, PLAN, ["-smp", "2", "-S"]) as vm:
        vm.wait_up()
        check_refusal(place, "was started by 'qrt-launcher run'", "detach", "vm")
        check_refusal(place, "is supervised already", "attach", str(vm.status()["qemu_pid"]))
        check(vm.process.poll() is None, "the VM ended")


main([
    ("threads in their roles, and each as it was after detach", test_and_back),
    ("signals to the launcher let the VM go", test_ends),
    ("a killed launcher is repaired by the next call", test_killed),
    ("what cannot be put back at once", test_stuck),
    ("a kill at any moment", test_killed_at_any_moment),
    ("a thread that is born later", test_born_later),
    ("a changed thread is put right", test_corrected),
    ("quanta from outside", test_quantum),
    ("kernel threads that work for the VM", test_kernel_threads),
    ("a QEMU that does not name its threads", test_unnamed),
    ("names of VMs", test_names),
    ("a default plan", test_default_plan),
    ("the end of the VM is that of its launcher", test_vm_ends),
    ("what is refused", test_refused),
    ("a monitor that is in use", test_busy_monitor),
    ("a monitor of another VM", test_foreign_monitor),
    ("a monitor that is silent", test_silent_monitor),
    ("another plan in the moment of detach", test_set_beside_detach),
    ("a VM of run", test_of_run),
])
