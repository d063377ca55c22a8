/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QTest testcase for -rt: threads in roles, query-rt, rt-set, info rt.
 *
 * Without real-time priorities, so that it runs without privileges: roles are told by their nice values.
 */
#include "qemu/osdep.h"
#include "libqtest.h"
#if __has_include("qobject/qdict.h")
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#else
#include "qapi/qmp/qdict.h"
#include "qapi/qmp/qlist.h"
#endif

#define ROLES "-rt 'main_sched=other main_nice=1' -rt 'vcpu_sched=other vcpu_nice=2,3' " \
              "-rt 'ioth_sched=other ioth_nice=4' -rt 'othr_sched=other othr_nice=5' -rt pi=on"

static QDict *query_rt(QTestState *qts)
{
    QDict *answer = qtest_qmp(qts, "{ 'execute': 'query-rt' }");
    QDict *info = qdict_get_qdict(answer, "return");

    g_assert(info);
    qobject_ref(info);
    qobject_unref(answer);
    return info;
}

#define NONE (-100)

/* The nice value of a role's thread; NONE: there is none, or it is not placed. */
static int nice_of(QTestState *qts, const char *role, int index)
{
    QDict *info = query_rt(qts);
    QListEntry *entry;
    int nice = NONE;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(info, "threads"), entry) {
        QDict *thread = qobject_to(QDict, qlist_entry_obj(entry));

        if (g_str_equal(qdict_get_str(thread, "role"), role) &&
            qdict_get_int(thread, "index") == index && qdict_get_bool(thread, "placed")) {
            g_assert_cmpstr(qdict_get_str(thread, "policy"), ==, "other");
            g_assert_cmpint(qdict_get_int(thread, "thread-id"), >, 0);
            nice = qdict_get_int(thread, "nice");
        }
    }
    qobject_unref(info);
    return nice;
}

/* A thread enters its role as its first act, which may be after whoever started it went on. */
static void wait_for_nice(QTestState *qts, const char *role, int index, int nice)
{
    int64_t end = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;

    while (nice_of(qts, role, index) != nice && g_get_monotonic_time() < end) {
        g_usleep(10000);
    }
    g_assert_cmpint(nice_of(qts, role, index), ==, nice);
}

static void test_without_a_plan(void)
{
    QTestState *qts = qtest_init("-machine none");
    QDict *info = query_rt(qts), *answer;

    g_assert_cmpstr(qdict_get_str(info, "plan"), ==, "");
    g_assert(qlist_empty(qdict_get_qlist(info, "threads")));
    qobject_unref(info);
    answer = qtest_qmp(qts, "{ 'execute': 'rt-set', 'arguments': { 'options': [ 'vcpu_nice=1' ] } }");
    g_assert(qdict_haskey(answer, "error"));
    qobject_unref(answer);
    qtest_quit(qts);
}

static void test_every_thread_has_its_role(void)
{
    QTestState *qts = qtest_init("-machine pc -smp 1,maxcpus=3 -object iothread,id=io0 " ROLES);
    QDict *info = query_rt(qts);
    char *text;

    g_assert(strstr(qdict_get_str(info, "plan"), "vcpu_nice=2,3"));
    qobject_unref(info);
    wait_for_nice(qts, "main", 0, 1);
    wait_for_nice(qts, "vcpu", 0, 2);
    wait_for_nice(qts, "ioth", 0, 4);
    wait_for_nice(qts, "othr", 0, 5);
    text = qtest_hmp(qts, "info rt");
    g_assert(strstr(text, "ioth 0: "));
    g_free(text);
    qtest_quit(qts);
}

static void plug_cpu(QTestState *qts, int socket)
{
    g_autofree char *id = g_strdup_printf("cpu%d", socket);

    qtest_qmp_device_add(qts, "qemu64-x86_64-cpu", id,
                         "{ 'socket-id': %d, 'core-id': 0, 'thread-id': 0 }", socket);
}

/* As a guest's ACPI does it: registers of docs/specs/acpi_cpu_hotplug. */
static void eject_cpu(QTestState *qts, int number)
{
    const uint16_t base = 0xaf00;

    qtest_outl(qts, base, 0); /* from the old registers to these */
    qtest_outl(qts, base, number);
    qtest_outb(qts, base + 4, 1 << 3);
}

static void test_hotplugged_cpus_have_their_role(void)
{
    QTestState *qts = qtest_init("-machine pc -cpu qemu64 -smp 1,sockets=3,maxcpus=3 " ROLES);

    plug_cpu(qts, 1);
    plug_cpu(qts, 2);
    wait_for_nice(qts, "vcpu", 1, 3);
    wait_for_nice(qts, "vcpu", 2, 3);
    qtest_quit(qts);
}

static void test_a_cpu_that_is_unplugged_leaves_its_role(void)
{
    QTestState *qts = qtest_init("-machine pc -cpu qemu64 -smp 1,sockets=3,maxcpus=3 "
                                 "-rt vcpu_nice=2,3,4");

    plug_cpu(qts, 1);
    plug_cpu(qts, 2);
    wait_for_nice(qts, "vcpu", 1, 3);
    wait_for_nice(qts, "vcpu", 2, 4);
    eject_cpu(qts, 1);
    wait_for_nice(qts, "vcpu", 1, NONE);
    qtest_qmp_assert_success(qts, "{ 'execute': 'rt-set', 'arguments': "
                                  "{ 'options': [ 'vcpu_nice=2,5,4' ] } }");
    plug_cpu(qts, 1);
    wait_for_nice(qts, "vcpu", 1, 5);
    g_assert_cmpint(nice_of(qts, "vcpu", 2), ==, 4);
    qtest_quit(qts);
}

static void test_a_plan_is_changed(void)
{
    QTestState *qts = qtest_init("-machine pc -object iothread,id=io0 " ROLES);

    wait_for_nice(qts, "vcpu", 0, 2);
    wait_for_nice(qts, "ioth", 0, 4);
    qtest_qmp_assert_success(qts, "{ 'execute': 'rt-set', 'arguments': "
                                  "{ 'options': [ 'vcpu_nice=7', 'ioth_nice=8' ] } }");
    g_assert_cmpint(nice_of(qts, "vcpu", 0), ==, 7);
    g_assert_cmpint(nice_of(qts, "ioth", 0), ==, 8);
    g_assert_cmpint(nice_of(qts, "main", 0), ==, 1);
    qtest_quit(qts);
}

static void test_a_person_changes_the_plan(void)
{
    QTestState *qts = qtest_init("-machine pc -object iothread,id=io0 " ROLES);
    char *text;

    wait_for_nice(qts, "vcpu", 0, 2);
    wait_for_nice(qts, "ioth", 0, 4);
    text = qtest_hmp(qts, "rt_set vcpu_nice=7 ioth_nice=8");
    g_assert_cmpstr(text, ==, "");
    g_free(text);
    g_assert_cmpint(nice_of(qts, "vcpu", 0), ==, 7);
    g_assert_cmpint(nice_of(qts, "ioth", 0), ==, 8);
    text = qtest_hmp(qts, "rt_set vcpu_nice=9 ioth_nice=99");
    g_assert(g_str_has_prefix(text, "Error: -rt: ioth_nice"));
    g_free(text);
    g_assert_cmpint(nice_of(qts, "vcpu", 0), ==, 7);
    qtest_quit(qts);
}

static void test_a_bad_change_changes_nothing(void)
{
    static const char *const bad[] = { "vcpu_nice=99", "nonsense", "", "vcpu_nice=7 main_prio=", "mlock=all",
                                       "vcpu_bias=1023" };
    QTestState *qts = qtest_init("-machine pc " ROLES);

    wait_for_nice(qts, "vcpu", 0, 2);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        QDict *answer = qtest_qmp(qts, "{ 'execute': 'rt-set', 'arguments': "
                                       "{ 'options': [ 'vcpu_nice=9', %s ] } }", bad[i]);

        g_assert(qdict_haskey(answer, "error"));
        qobject_unref(answer);
        g_assert_cmpint(nice_of(qts, "vcpu", 0), ==, 2);
    }
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/rt/without-a-plan", test_without_a_plan);
    qtest_add_func("/rt/roles", test_every_thread_has_its_role);
    qtest_add_func("/rt/hotplug", test_hotplugged_cpus_have_their_role);
    qtest_add_func("/rt/unplug", test_a_cpu_that_is_unplugged_leaves_its_role);
    qtest_add_func("/rt/set", test_a_plan_is_changed);
    qtest_add_func("/rt/set-hmp", test_a_person_changes_the_plan);
    qtest_add_func("/rt/set-bad", test_a_bad_change_changes_nothing);
    return g_test_run();
}
