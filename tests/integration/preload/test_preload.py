#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The preload library in programs that know nothing of it."""
import os
import pathlib
import subprocess
import tempfile
import time

import taplib
from taplib import Broker, Recorder, Skip, environment, expect, need_realtime

FIRST = min(os.sched_getaffinity(0))
ALL = ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)) if cpu < 64)
PLAN = ["main_sched=fifo", "main_prio=12", f"main_bias={FIRST}", "vcpu_sched=fifo", "vcpu_prio=10", f"vcpu_bias={FIRST}",
        "paio_prio=11,9", "ioth_prio=5", "othr_sched=other", "othr_nice=4", f"othr_bias={FIRST}", "vncs_prio=3"]
RESET = 0x40000000
OTHER, FIFO, BATCH = "0", "1", "3"


def run(mode, *args, plan=PLAN, fds=(), limit=60, **options):
    more = options.pop("variables", {})
    return subprocess.run([str(taplib.SUBJECT), mode, *args], env=environment(plan, **more), pass_fds=fds,
                          capture_output=True, text=True, timeout=limit, check=False, **options)


def shown(result):
    """{label: [policy, priority, nice, cpus]} of a subject's output; nothing but that was printed."""
    expect(result.stderr, "", "standard error")
    expect(result.returncode, 0, "exit code")
    rows = [line.split("|") for line in result.stdout.splitlines()]
    assert all(len(row) == 5 for row in rows), result.stdout
    return {row[0]: row[1:] for row in rows}


def every_thread_enters_its_role_before_its_body_runs():
    need_realtime()
    rows = shown(run("roles"))
    cpu = str(FIRST)
    expect(rows["main"], [FIFO, "12", "0", cpu])
    expect(rows["unnamed"], [OTHER, "0", "4", cpu])
    expect(rows["unnamed again"], [OTHER, "0", "4", cpu])
    expect(rows["CPU 1/KVM"], [f"{RESET | 1:x}", "10", "0", cpu])
    expect(rows["worker"], [FIFO, "11", "0", ALL])
    expect(rows["vnc_worker"], [FIFO, "3", "0", ALL], "named by prctl")
    expect(rows["IO a-very-long-name-of-a-disk"], [FIFO, "5", "0", ALL], "a name too long for the kernel")


def the_main_thread_stays_the_main_thread_under_any_name():
    need_realtime()
    expect(shown(run("roles"))["main renamed"], [FIFO, "12", "0", str(FIRST)])


def roles_that_the_plan_does_not_name_are_as_the_process_began():
    need_realtime()
    rows = shown(run("roles", plan=["main_sched=fifo", "main_prio=12", f"main_bias={FIRST}"]))
    expect(rows["main"], [FIFO, "12", "0", str(FIRST)])
    for label in ("unnamed", "CPU 1/KVM", "worker", "vnc_worker", "unnamed again"):
        expect(rows[label], [OTHER, "0", "0", ALL], label)


def naming_another_thread_changes_nobody():
    need_realtime()
    expect(shown(run("name-other"))["main"], [FIFO, "12", "0", str(FIRST)])


def who_names_itself_keeps_its_birth_until_then_and_who_does_not_is_caught():
    need_realtime()
    rows = [line.split("|")[:3] for line in run("mixed").stdout.splitlines()]
    expect(rows[0], ["born", OTHER, "0"], "the first of its kind gets the role of unnamed ones")
    expect(rows[2], ["born", FIFO, "12"], "known to name itself: not held up by losing urgency")
    expect(rows[5], ["unnamed", OTHER, "0"], "did not name itself: caught at its first mutex")
    expect(rows[6], ["born", OTHER, "0"], "its kind is not relied on any more")


def ended_threads_free_their_index():
    need_realtime()
    expect(shown(run("ends", "40"))["worker"], [FIFO, "11", "0", ALL])


def ten_thousand_threads_come_and_go_in_little_time():
    start = time.monotonic()
    plain = run("ends", "10000", plan=None, variables={"LD_PRELOAD": ""})
    middle = time.monotonic()
    ours = run("ends", "10000", plan=["paio_nice=3"])
    end = time.monotonic()
    expect((plain.returncode, ours.returncode, ours.stderr), (0, 0, ""))
    print(f"# plain {middle - start:.2f} s, preloaded {end - middle:.2f} s")


def no_child_inherits_anything():
    need_realtime()
    for mode, before in (("children", [FIFO, "12", "0", str(FIRST)]),
                         ("vcpu-children", [f"{RESET | 1:x}", "10", "0", str(FIRST)])):
        rows = shown(run(mode))
        expect(len(rows), 17, "children")
        for label, row in rows.items():
            expect(row, before if label in ("before", "after") else [OTHER, "0", "0", ALL], f"{mode}: {label}")


def no_child_inherits_anything_where_attributes_of_a_spawn_do_not_know_the_first_policy():
    """Those that are spawned may look before the policy has come from outside: in time sharing."""
    need_realtime()
    rows = shown(run("children", preexec_fn=lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))))
    expect(rows["before"], [FIFO, "12", "0", str(FIRST)])
    for label, row in rows.items():
        if label not in ("before", "after"):
            policies = (BATCH, OTHER) if "spawn" in label else (BATCH,)
            assert row[0] in policies, f"{label}: {row}"


def a_pipe_is_closed_while_another_one_is_open():
    result = run("two-pipes", plan=["paio_nice=1"])
    expect((result.returncode, result.stdout, result.stderr), (0, "closed|0\nclosed|0\n", ""))


def an_exec_in_its_own_place_gives_the_role_back_and_a_failed_one_keeps_it():
    need_realtime()
    rows = shown(run("failed-exec"))
    expect(rows["main"], [FIFO, "12", "0", str(FIRST)])
    expect(rows["exec"], [OTHER, "0", "0", ALL])


def a_daemon_goes_on_with_roles_of_its_own():
    need_realtime()
    rows = shown(run("daemon"))
    expect(rows["forked"], [OTHER, "0", "0", ALL])
    expect(rows["CPU 0/KVM"], [f"{RESET | 1:x}", "10", "0", str(FIRST)])
    expect(rows["daemon"], [FIFO, "12", "0", str(FIRST)])
    expect(rows["fork"], [OTHER, "0", "0", ALL])
    expect(rows["parent"], [FIFO, "12", "0", str(FIRST)])


def the_environment_and_descriptors_are_kept_from_everybody():
    broker, recorder = Broker(None), Recorder(0)
    variables = {"QRT_SCHED_RECORD": str(recorder.fd), "LD_PRELOAD": f"/nowhere/x.so {taplib.PRELOAD}:", **broker.variables}
    result = run("environment", plan=["othr_nice=1"], fds=(*broker.fds, recorder.fd), variables=variables)
    broker.close()
    # The loader's own complaint about the library that is not there.
    assert "x.so" in result.stderr, result.stderr
    expect(result.stdout.splitlines(), ["LD_PRELOAD=/nowhere/x.so", "done"])


def without_a_plan_nothing_is_done():
    result = run("environment", plan=None)
    expect(result.stdout.splitlines(), [f"LD_PRELOAD={taplib.PRELOAD}", "done"])
    expect(result.stderr, "")


def a_bad_plan_is_said_in_one_line_and_the_program_runs():
    for plan, word in ((["vcpu_prio=100"], "100"), (["nonsense"], "nonsense"), (["vcpu_sched=rr", "vcpu_nice=20"], "nice")):
        result = run("roles", plan=plan)
        expect(result.returncode, 0)
        lines = result.stderr.splitlines()
        expect(len(lines), 1, result.stderr)
        assert lines[0].startswith("qrt: bad plan: ") and word in lines[0], lines
        expect(result.stdout.splitlines()[0].split("|")[1], OTHER)


def said_of(**variables):
    result = run("name-other", plan=None, variables=variables)
    expect(result.returncode, 0)
    expect(len(result.stderr.splitlines()), 1, result.stderr)
    return result.stderr


def a_bad_plan_is_said_with_its_place():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "a.plan")
        path.write_text("# mine\nmain_prio = 3\nvcpu_prio = 100\n")
        bad = f"qrt: bad plan: {path}:3: vcpu_prio"
        assert said_of(QRT_SCHED_PLAN_FILE=str(path)).startswith(bad), said_of(QRT_SCHED_PLAN_FILE=str(path))
        assert said_of(QRT_SCHED_PLAN_FILE=str(path), QRT_SCHED_PLAN="pi=on").startswith(bad)
        text = said_of(QRT_SCHED_PLAN="pi=on\nmain_prio=1 vcpu_prio=x")
        assert text.startswith("qrt: bad plan: QRT_SCHED_PLAN:2: vcpu_prio: 'x'"), text
        path.write_text("# mine\nmain_sched=deadline\n")
        text = said_of(QRT_SCHED_PLAN_FILE=str(path))
        assert text.startswith(f"qrt: bad plan: {path}: main 0: deadline without a runtime"), text
        expect(said_of(QRT_SCHED_PLAN_FILE=folder).count(folder), 1, "a path in the message is not said again")


def blanks_separate_the_options_of_the_text():
    need_realtime()
    expect(shown(run("name-other", plan=[f"main_sched=fifo main_prio=3 main_bias={FIRST}"]))["main"],
           [FIFO, "3", "0", str(FIRST)])


def a_plan_file_is_read_and_the_text_overrides_it():
    need_realtime()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "a.plan")
        path.write_text("# mine\nmain_sched = fifo\nmain_prio = 3\n")
        variables = {"QRT_SCHED_PLAN_FILE": str(path)}
        expect(shown(run("name-other", plan=None, variables=variables))["main"][:2], [FIFO, "3"])
        expect(shown(run("name-other", plan=["main_prio=4"], variables=variables))["main"][:2], [FIFO, "4"])
        variables["QRT_SCHED_PLAN_FILE"] = str(path) + ".missing"
        result = run("name-other", plan=None, variables=variables)
        expect(result.returncode, 0)
        assert "a.plan.missing" in result.stderr, result.stderr


def descriptors_that_are_none_are_said_and_left_alone():
    variables = {"QRT_SCHED_BROKER": "77", "QRT_SCHED_RECORD": "x"}
    result = run("environment", plan=["othr_nice=1"], variables=variables)
    expect(result.stdout.splitlines(), ["done"])
    expect(len(result.stderr.splitlines()), 2, result.stderr)
    with tempfile.TemporaryFile() as file:
        number = str(file.fileno())
        variables = {"QRT_SCHED_BROKER": number, "QRT_SCHED_RECORD": number}
        result = run("environment", plan=["othr_nice=1"], variables=variables, fds=(file.fileno(),))
        expect(result.stdout.splitlines(), ["done"])
        expect(len(result.stderr.splitlines()), 2, result.stderr)


def who_is_refused_deadline_says_so_once():
    need_realtime()
    with open("/proc/sys/kernel/sched_rt_runtime_us", encoding="ascii") as file:
        if int(file.read()) < 0 or len(os.sched_getaffinity(0)) < 2:
            raise Skip("this kernel refuses nobody, or one CPU is all of them")
    plan = ["vcpu_sched=deadline", "vcpu_runtime=1000", "vcpu_period=100000", "vcpu_prio=10", f"vcpu_bias={FIRST}"]
    result = run("roles", plan=plan)
    rows = {row.split("|")[0]: row.split("|")[1:] for row in result.stdout.splitlines()}
    expect(rows["CPU 1/KVM"], [f"{RESET | 1:x}", "10", "0", str(FIRST)])
    lines = result.stderr.splitlines()
    expect(len(lines), 1, result.stderr)
    for word in ("'CPU 1/KVM' (vcpu)", "fifo instead of deadline", "all CPUs of the partition"):
        assert word in lines[0], lines


# ---- without the right ---------------------------------------------------------------------------

def without_the_right_it_is_said_once_and_the_program_runs():
    if os.geteuid() != 0:
        raise Skip("needs root, to give a capability up")
    result = run("roles", preexec_fn=taplib.drop_nice)
    expect(result.returncode, 0)
    lines = result.stderr.splitlines()
    expect(len(lines), 1, result.stderr)
    for word in ("'main'", "(main)", "CAP_SYS_NICE", "RLIMIT_RTPRIO of 12", "qrt-launcher"):
        assert word in lines[0], lines
    expect(result.stdout.splitlines()[0].split("|")[1], OTHER)


def with_broker(answer=None, timeout=60, mode=("roles",)):
    need_realtime()
    if os.geteuid() != 0:
        raise Skip("needs root, to give a capability up")
    broker = Broker(lambda role, index: (os.SCHED_FIFO, 20 + role, {FIRST}), answer=answer)
    result = run(*mode, fds=broker.fds, variables=broker.variables, preexec_fn=taplib.drop_nice, limit=timeout)
    expect(result.returncode, 0)
    broker.close()
    return broker, result


def without_the_right_the_broker_places():
    broker, result = with_broker()
    rows = shown(result)
    expect(rows["main"][:2], [FIFO, "21"])
    expect(rows["CPU 1/KVM"][:2], [FIFO, "20"])
    expect(rows["worker"][:2], [FIFO, "22"])
    assert (taplib.PLACE, 0, 1, "CPU 1/KVM") in broker.log, broker.log
    assert any(op == taplib.ENDED for op, *_ in broker.log), broker.log
    assert not any(op == taplib.PLACED for op, *_ in broker.log), broker.log


def a_broker_that_answers_garbage_is_not_believed():
    def answer(broker, data):
        broker.ours.send(b"what?")
        broker.reply(data, 4711, 0)
        broker.reply(data, int.from_bytes(data[8:12], "little"), -95)

    _, result = with_broker(answer)
    assert "not supported" in result.stderr, result.stderr
    expect(len(result.stderr.splitlines()), 1)


def a_broker_that_is_silent_costs_a_bounded_time():
    start = time.monotonic()
    _, result = with_broker(lambda broker, data: None)
    assert result.stderr.endswith("is it stopped?\n"), result.stderr
    expect(len(result.stderr.splitlines()), 1)
    assert time.monotonic() - start < 20


def many_births_under_a_silent_broker_are_not_held_up_one_by_one():
    start = time.monotonic()
    _, result = with_broker(lambda broker, data: None, mode=("births", "60"))
    expect(len(result.stdout.splitlines()), 60)
    assert time.monotonic() - start < 6, "the wait is serialised"  # that would be 60 times 200 ms


def a_broker_that_dies_is_said_once():
    _, result = with_broker(lambda broker, data: broker.ours.shutdown(2))
    lines = result.stderr.splitlines()
    assert "gone" in lines[0] and len(lines) <= 2, lines


def who_may_place_itself_only_reports():
    need_realtime()
    broker = Broker(None)
    rows = shown(run("roles", fds=broker.fds, variables=broker.variables))
    broker.close()
    expect(rows["CPU 1/KVM"][1], "10")
    assert (taplib.PLACED, 0, 1, "CPU 1/KVM") in broker.log, broker.log
    assert not any(op == taplib.PLACE for op, *_ in broker.log), broker.log


# ---- mutexes and memory --------------------------------------------------------------------------

def mutexes_without_attributes_inherit_priority():
    need_realtime()
    plan = ["vcpu_sched=fifo", "vcpu_prio=10", "othr_sched=other", "pi=on"]
    rows = dict(line.split("|", 1) for line in run("mutex", plan=plan).stdout.splitlines())
    expect(rows["kinds"], "20|1", "PRIO_INHERIT is 0x20; attributes of the program's own are left alone")
    assert int(rows["alone"]) < 0, rows
    expect(rows["waited for"], "10")
    rows = dict(line.split("|", 1) for line in run("mutex", plan=plan[:-1] + ["pi=off"]).stdout.splitlines())
    expect(rows["kinds"], "0|1")
    assert int(rows["waited for"]) < 0, rows


def mutexes_held_at_a_fork_can_be_unlocked_in_the_child():
    for plan in (["pi=on"], ["pi=off"]):
        result = run("heritage", plan=plan)
        expect((result.returncode, result.stderr), (0, ""))
        expect(sorted(result.stdout.splitlines()), ["again|0", "other|0", "parent|0", "unlock|0", "unlock|0"], plan)


def deadlines_are_met_awake_and_never_early():
    for plan in (["advance=1000", "paio_nice=1"], ["paio_nice=1"]):
        result = run("advance", plan=plan)
        expect((result.returncode, result.stderr), (0, ""))
        rows = {name: int(value) for name, value in (line.split("|") for line in result.stdout.splitlines())}
        expect((rows["early"], rows["wakes"], rows["spurious"]), (0, 40, 0), plan)
        expect((rows["ready"], rows["at once"], rows["bad timeout"]), (1, 1, 1), plan)
        # Awake for its advance before most of the 40 deadlines, or hardly at all.
        if len(plan) == 2:
            assert rows["main_us"] > 5000, rows
        assert rows["main_us"] < 400_000 and rows["vcpu_us"] < 400_000, rows


def vcpus_that_are_plugged_and_unplugged_do_not_run_out_of_wakers():
    result = run("replug", "70", plan=["advance=1000", "paio_nice=1"])
    expect((result.returncode, result.stdout, result.stderr), (0, "woken|1\n", ""))


def waits_for_a_mutex_are_recorded():
    recorder = Recorder(20_000_000)
    result = run("mutex", plan=["othr_nice=1"], fds=(recorder.fd,), variables={"QRT_SCHED_RECORD": str(recorder.fd)})
    expect((result.returncode, result.stderr), (0, ""))
    rows = dict(line.split("|", 1) for line in result.stdout.splitlines())
    records, lost = recorder.read()
    expect((len(records), lost), (1, 0))
    expect(records[0].owner, int(rows["holder"]))
    assert 20e6 <= records[0].wait_ns < 5e9 and records[0].tid not in (0, records[0].owner)
    assert records[0].mutex and records[0].caller


def nothing_is_recorded_while_the_threshold_is_off():
    recorder = Recorder(0)
    run("mutex", plan=["othr_nice=1"], fds=(recorder.fd,), variables={"QRT_SCHED_RECORD": str(recorder.fd)})
    expect(recorder.read(), ([], 0))


def default_stacks_are_small_only_where_all_is_locked():
    for mode, small in (("off", False), ("onfault", False), ("prefault", False), ("all", True)):
        result = run("stack", plan=[f"mlock={mode}"])
        if "not locked" in result.stderr:
            raise Skip("may not lock memory")
        expect((int(result.stdout.split("|")[1]) == 1 << 20), small, mode)


def memory_that_may_not_be_locked_is_said_and_the_program_runs():
    if os.geteuid() != 0:
        raise Skip("needs root, to give a capability up")

    def drop_lock():
        import resource
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, 1 << 16))
        if taplib.libc.prctl(taplib.PR_CAPBSET_DROP, 14, 0, 0, 0) != 0:
            os._exit(99)

    result = run("environment", plan=["mlock=onfault"], preexec_fn=drop_lock)
    expect((result.returncode, result.stdout), (0, "done\n"))
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and "CAP_IPC_LOCK" in lines[0] and "RLIMIT_MEMLOCK" in lines[0], lines


if __name__ == "__main__":
    taplib.main([
        every_thread_enters_its_role_before_its_body_runs,
        the_main_thread_stays_the_main_thread_under_any_name,
        roles_that_the_plan_does_not_name_are_as_the_process_began,
        naming_another_thread_changes_nobody,
        who_names_itself_keeps_its_birth_until_then_and_who_does_not_is_caught,
        ended_threads_free_their_index,
        ten_thousand_threads_come_and_go_in_little_time,
        no_child_inherits_anything,
        no_child_inherits_anything_where_attributes_of_a_spawn_do_not_know_the_first_policy,
        a_pipe_is_closed_while_another_one_is_open,
        an_exec_in_its_own_place_gives_the_role_back_and_a_failed_one_keeps_it,
        a_daemon_goes_on_with_roles_of_its_own,
        the_environment_and_descriptors_are_kept_from_everybody,
        without_a_plan_nothing_is_done,
        a_bad_plan_is_said_in_one_line_and_the_program_runs,
        a_bad_plan_is_said_with_its_place,
        blanks_separate_the_options_of_the_text,
        a_plan_file_is_read_and_the_text_overrides_it,
        descriptors_that_are_none_are_said_and_left_alone,
        who_is_refused_deadline_says_so_once,
        without_the_right_it_is_said_once_and_the_program_runs,
        without_the_right_the_broker_places,
        a_broker_that_answers_garbage_is_not_believed,
        a_broker_that_is_silent_costs_a_bounded_time,
        many_births_under_a_silent_broker_are_not_held_up_one_by_one,
        a_broker_that_dies_is_said_once,
        who_may_place_itself_only_reports,
        mutexes_without_attributes_inherit_priority,
        mutexes_held_at_a_fork_can_be_unlocked_in_the_child,
        deadlines_are_met_awake_and_never_early,
        vcpus_that_are_plugged_and_unplugged_do_not_run_out_of_wakers,
        waits_for_a_mutex_are_recorded,
        nothing_is_recorded_while_the_threshold_is_off,
        default_stacks_are_small_only_where_all_is_locked,
        memory_that_may_not_be_locked_is_said_and_the_program_runs,
    ])
