/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -rt: QEMU's threads in roles, by libqrt-sched. */
#include "qemu/osdep.h"
#include "qemu/qrt.h"
#include "qemu/error-report.h"
#include "qemu/help_option.h"
#include "block/qdict.h"
#include "qemu/rcu.h"
#include "qemu/thread.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-qrt.h"
#include "monitor/hmp.h"
#include "monitor/monitor.h"

static struct qrt_sched_plan *plan; /* NULL: no -rt was given */
static struct qrt_sched_process *process;

/* ---- options ---- */

void qrt_rt_option(const char *text)
{
    struct qrt_sched_error err = { .message = "out of memory" };

    if (is_help_option(text)) {
        fputs(qrt_sched_plan_help(), stdout);
        exit(0);
    }
    if ((!plan && qrt_sched_plan_new(&plan) < 0) ||
        qrt_sched_plan_parse_argument(plan, text, &err) < 0) {
        error_report("%s", err.message);
        exit(1);
    }
}

static void say(void *unused, const char *line)
{
    warn_report("-rt: %s", line);
}

static void enter_rcu(struct rcu_head *head)
{
    pthread_setname_np(pthread_self(), "call_rcu");
    qrt_thread_begin("call_rcu");
    g_free(head);
}

/* Its thread began before the plan was known; waits until it has its role. */
static void place_rcu(void)
{
    call_rcu1(g_new0(struct rcu_head, 1), enter_rcu);
    drain_call_rcu();
}

/* As far as -smp says it: there is no machine yet. 0: not known. */
static uint32_t count_vcpus(const QDict *smp)
{
    const char *max = smp ? qdict_get_try_str(smp, "maxcpus") ?: qdict_get_try_str(smp, "cpus") : NULL;

    return max ? strtoul(max, NULL, 10) : 0;
}

void qrt_rt_start(const QDict *smp)
{
    struct qrt_sched_process_config config = {
        .size = sizeof(config), .plan = plan, .vcpus = count_vcpus(smp),
        .say = say, .flags = QRT_SCHED_PROCESS_CHECK
    };
    struct qrt_sched_error err;

    if (!plan) {
        return;
    }
    qrt_sched_process_take_environment(&config);
    if (qrt_sched_process_open(&config, &process, &err) < 0) {
        error_report("-rt: %s", err.message);
        exit(1);
    }
    qemu_thread_naming(true);
    qrt_sched_process_enter(process, QRT_SCHED_PLACER_MAIN);
    place_rcu();
}

void qrt_rt_stay(void)
{
    struct qrt_sched_error err;
    int rc = process ? qrt_sched_process_stay(process, &err) : 0;

    if (rc < 0) {
        error_report("-rt: %s", err.message);
        exit(1);
    } else if (rc > 0) { /* of a child of fork: RCU has another thread */
        place_rcu();
    }
}

/* ---- monitors ---- */

static RtThread *describe(const struct qrt_sched_placed *placed)
{
    struct qrt_sched_setting actual = { .policy = -1 }; /* none, where it has ended */
    RtThread *thread = g_new0(RtThread, 1);
    char cpus[4096] = "";

    if (qrt_sched_setting_read(placed->tid, &actual) >= 0) {
        qrt_sched_cpus_format(&actual.cpus, cpus, sizeof(cpus));
    }
    thread->thread_id = placed->tid;
    thread->role = g_strdup(qrt_sched_role_name(placed->role));
    thread->index = placed->index;
    thread->placed = placed->is_placed || !placed->want.set;
    thread->cpus = g_strdup(cpus);
    thread->policy = g_strdup(qrt_sched_policy_name(actual.policy) ?: "");
    thread->priority = actual.priority;
    thread->nice = actual.nice;
    return thread;
}

RtInfo *qmp_query_rt(Error **errp)
{
    RtInfo *info = g_new0(RtInfo, 1);
    RtThreadList **tail = &info->threads;
    int size = process ? qrt_sched_plan_format(plan, NULL, 0) + 1 : 1;
    int room = process ? qrt_sched_process_list(process, NULL, 0) + 8 : 0;
    g_autofree struct qrt_sched_placed *placed = g_new(struct qrt_sched_placed, room);
    int n = process ? qrt_sched_process_list(process, placed, room) : 0;

    info->plan = g_malloc0(size);
    if (process) {
        qrt_sched_plan_format(plan, info->plan, size);
    }
    for (int i = 0; i < MIN(n, room); i++) {
        QAPI_LIST_APPEND(tail, describe(&placed[i]));
    }
    return info;
}

void qmp_rt_set(strList *options, Error **errp)
{
    struct qrt_sched_plan *next = NULL;
    struct qrt_sched_error err = { .message = "out of memory" };
    int rc;

    if (!process) {
        error_setg(errp, "-rt: there is no plan: start with -rt");
        return;
    }
    rc = qrt_sched_plan_copy(plan, &next);
    for (; rc >= 0 && options; options = options->next) {
        rc = qrt_sched_plan_parse_argument(next, options->value, &err);
    }
    if (rc >= 0) {
        rc = qrt_sched_process_change(process, next, &err);
    }
    if (rc < 0) {
        error_setg(errp, "-rt: %s", err.message);
    }
    qrt_sched_plan_close(rc < 0 ? next : plan);
    plan = rc < 0 ? plan : next;
}

void hmp_rt_set(Monitor *mon, const QDict *qdict)
{
    strList option = { .value = (char *)qdict_get_str(qdict, "option") };
    Error *err = NULL;

    qmp_rt_set(&option, &err);
    hmp_handle_error(mon, err);
}

void hmp_info_rt(Monitor *mon, const QDict *qdict)
{
    g_autoptr(RtInfo) info = qmp_query_rt(NULL);

    monitor_printf(mon, "%s", process ? info->plan : "no plan: start QEMU with -rt\n");
    for (RtThreadList *list = info->threads; list; list = list->next) {
        RtThread *t = list->value;

        monitor_printf(mon, "%" PRIi64 " %s %" PRIi64 ": cpus=%s sched=%s prio=%" PRIi64
                       " nice=%" PRIi64 "%s\n", t->thread_id, t->role, t->index, t->cpus,
                       t->policy, t->priority, t->nice, t->placed ? "" : " (not placed)");
    }
}
