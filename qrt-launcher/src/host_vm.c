/* SPDX-License-Identifier: MIT */
/* What a VM's plan wants of the host, for as long as the VM runs. */
#include "command.h"
#include "host.h"
#include "plan_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INDEXES 1024 /* as many values as a role of a plan can have: the last one repeats */

static bool meet(const struct qrt_sched_cpus *a, const struct qrt_sched_cpus *b)
{
	size_t n;

	for (n = 0; n < G_N_ELEMENTS(a->bits); n++) {
		if (a->bits[n] & b->bits[n])
			return true;
	}
	return false;
}

static void add_cpus(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *more)
{
	size_t n;

	for (n = 0; n < G_N_ELEMENTS(cpus->bits); n++)
		cpus->bits[n] |= more->bits[n];
}

/* The CPUs that the plan's vCPUs run on. 0, or -ENOENT where one may run anywhere. */
static int find_shield(const struct plan_request *request, struct qrt_sched_cpus *ret_cpus)
{
	uint32_t i, count = plan_request_count_threads(request, QRT_SCHED_ROLE_VCPU);
	struct qrt_sched_cpus cpus = {0};
	struct qrt_sched_setting setting;

	for (i = 0; i < count; i++) {
		if (qrt_sched_plan_get(request->plan, QRT_SCHED_ROLE_VCPU, i, &setting) < 0 ||
		    !(setting.set & QRT_SCHED_SET_CPUS))
			return -ENOENT;
		add_cpus(&cpus, &setting.cpus);
	}
	*ret_cpus = cpus;
	return 0;
}

static bool is_astride(const struct plan_request *request, uint32_t role, uint32_t index,
		       const struct qrt_sched_cpus *shield)
{
	struct qrt_sched_setting setting;

	return qrt_sched_plan_get(request->plan, role, index, &setting) >= 0 &&
	       setting.set & QRT_SCHED_SET_CPUS && !host_is_within(&setting.cpus, shield) &&
	       meet(&setting.cpus, shield);
}

struct looked_at {
	const struct plan_request *request;
	const char *label; /* of the plan, for messages */
	struct qrt_sched_cpus shield;
	bool is_own; /* else another one's */
};

/* A thread is on the shield or off it, in one cpuset: it cannot be both. The plan of a VM that did not ask
 * for the shield need not know of it. */
static int say_astride(const struct looked_at *looked_at, uint32_t role, uint32_t index)
{
	char own[128] = "...", shielded[128] = "...";
	struct qrt_sched_setting setting;

	qrt_sched_plan_get(looked_at->request->plan, role, index, &setting);
	qrt_sched_cpus_format(&setting.cpus, own, sizeof(own));
	qrt_sched_cpus_format(&looked_at->shield, shielded, sizeof(shielded));
	complain("%s%s: %s %u may run on CPU %s, and CPU %s is shielded: %sname CPUs that are all inside "
		 "the shield, or all outside",
		 looked_at->is_own ? "fault: " : "warning: ", looked_at->label, qrt_sched_role_name(role),
		 index, own, shielded, looked_at->is_own ? "" : "it runs on the others alone; ");
	return looked_at->is_own ? EXIT_LAUNCHER : EXIT_OK;
}

/* The first one is said. */
static int check_threads(const struct looked_at *looked_at)
{
	uint32_t role, index;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (index = 0; index < INDEXES; index++) {
			if (is_astride(looked_at->request, role, index, &looked_at->shield))
				return say_astride(looked_at, role, index);
		}
	}
	return EXIT_OK;
}

static int check_shield(const struct plan_request *request, const struct qrt_sched_globals *globals)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config), .flags = globals->shield_parts};
	struct looked_at looked_at = {.request = request, .label = "plan", .is_own = true};
	struct qrt_sched_error error;

	if (find_shield(request, &config.cpus) < 0) {
		complain(
			"fault: plan: a shield needs to know the vCPUs' CPUs: name them (-rt vcpu_bias=...)");
		return EXIT_LAUNCHER;
	}
	if (qrt_sched_shield_check(&config, &error) < 0) {
		complain("fault: plan: shield: %s", error.message);
		return EXIT_LAUNCHER;
	}
	looked_at.shield = config.cpus;
	return check_threads(&looked_at);
}

/* Of a shield that is up. */
static int check_others(const struct plan_request *request, const char *label)
{
	struct looked_at looked_at = {.request = request, .label = label};

	return qrt_sched_shield_read(NULL, &looked_at.shield) >= 0 ? check_threads(&looked_at) : EXIT_OK;
}

int host_check_plan(const struct plan_request *request)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};

	if (qrt_sched_plan_get_globals(request->plan, &globals) >= 0 && globals.shield)
		return check_shield(request, &globals);
	return check_others(request, "plan");
}

int host_check_later_plan(const struct plan_request *request, const char *label,
			  const struct plan_request *first)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct looked_at looked_at = {.request = request, .label = label, .is_own = true};

	if (qrt_sched_plan_get_globals(first->plan, &globals) >= 0 && globals.shield &&
	    find_shield(first, &looked_at.shield) == 0)
		return check_threads(&looked_at);
	return check_others(request, label);
}

static void find_need(const struct plan_request *request, const struct qrt_sched_globals *globals,
		      struct host_need *need)
{
	struct qrt_sched_cpus cpus;

	if (globals->shield && find_shield(request, &cpus) == 0)
		need->values[HOST_SHIELD] = host_shield_format(&cpus, globals->shield_parts);
	if (globals->set & QRT_SCHED_GLOBAL_HALTPOLL)
		need->values[HOST_HALT_POLL] = g_strdup_printf("%u", globals->haltpoll_ns);
	if (globals->timer_priority)
		need->values[HOST_TIMER_PRIO] = g_strdup_printf("%d", globals->timer_priority);
	need->values[HOST_RESCTRL] = g_strdup(qrt_sched_plan_get_resctrl(request->plan));
}

/* Each VM holds them itself: the kernel takes the strictest. */
static int hold_idle_states(const struct qrt_sched_globals *globals, struct host_claim *claim)
{
	struct qrt_sched_error error;
	char value[16];
	int r;

	if (!(globals->set & QRT_SCHED_GLOBAL_CSTATE))
		return 0;
	r = qrt_sched_saved_new(NULL, NULL, &claim->cstate);
	if (r < 0)
		return r;
	g_snprintf(value, sizeof(value), "%u", globals->cstate_us);
	r = qrt_sched_tunable_set(QRT_SCHED_TUNABLE_CSTATE, value, claim->cstate, &error);
	if (r < 0)
		complain("%s", error.message);
	return r == -EOPNOTSUPP ? 0 : r;
}

/* There is one group for all VMs, and schemata cannot be put together. */
static int check_resctrl(const struct host *host, const struct host_need *need)
{
	const char *own = need->values[HOST_RESCTRL];
	GHashTable *needs = host_need_list(host);
	GHashTableIter iter;
	gpointer name, data;
	int r = 0;

	g_hash_table_iter_init(&iter, needs);
	while (own && r == 0 && g_hash_table_iter_next(&iter, &name, &data)) {
		const char *other = ((const struct host_need *)data)->values[HOST_RESCTRL];

		if (!other || strcmp(own, other) == 0)
			continue;
		complain("plan: resctrl=%s: %s has resctrl=%s, and there is one group for all: say the same",
			 own, (const char *)name, other);
		r = -EBUSY;
	}
	g_hash_table_destroy(needs);
	return r;
}

static int claim_need(int run_fd, const struct host_need *need, struct host_claim *claim)
{
	struct host host;
	int r = host_open(run_fd, true, &host);

	if (r < 0)
		return r;
	r = check_resctrl(&host, need);
	if (r == 0)
		r = host_need_hold(&host, claim->name, need);
	if (r >= 0) {
		claim->lock_fd = r;
		r = host_settle(&host, need);
	}
	if (r < 0 && claim->lock_fd >= 0) {
		host_need_drop(&host, claim->name);
		close(claim->lock_fd);
		claim->lock_fd = -1;
		host_settle(&host, NULL);
	}
	host_close(&host);
	return r;
}

int host_claim_vm(int run_fd, const char *vm_name, const struct plan_request *request,
		  struct host_claim *ret_claim)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct host_claim claim = {.lock_fd = -1};
	struct host_need need = {0};
	int r;

	g_snprintf(claim.name, sizeof(claim.name), "vm.%s", vm_name);
	*ret_claim = claim;
	if (qrt_sched_plan_get_globals(request->plan, &globals) < 0)
		return EXIT_LAUNCHER;
	find_need(request, &globals, &need);
	r = host_need_is_empty(&need) ? 0 : claim_need(run_fd, &need, &claim);
	host_need_clear(&need);
	if (r >= 0)
		r = hold_idle_states(&globals, &claim);
	if (r < 0)
		host_release_vm(run_fd, &claim);
	*ret_claim = claim;
	return r < 0 ? EXIT_LAUNCHER : EXIT_OK;
}

void host_release_vm(int run_fd, struct host_claim *claim)
{
	struct host host;

	claim->cstate = qrt_sched_saved_close(claim->cstate);
	if (claim->lock_fd < 0)
		return;
	/* Where the lock cannot be had the need is free from here on: the next call puts back. */
	if (host_open(run_fd, true, &host) == 0) {
		host_need_drop(&host, claim->name);
		host_settle(&host, NULL);
		host_close(&host);
	}
	close(claim->lock_fd);
	claim->lock_fd = -1;
}

void host_enter_vm(const struct qrt_sched_plan *plan, pid_t pid)
{
	struct qrt_sched_saved *saved = NULL;
	struct qrt_sched_error error;

	if (!qrt_sched_plan_get_resctrl(plan) || qrt_sched_saved_new(NULL, NULL, &saved) < 0)
		return;
	/* Where there is no such thing here, that was said. */
	if (qrt_sched_tunable_enter_resctrl(pid, saved, &error) < 0 && error.code != -EOPNOTSUPP)
		complain("%s", error.message);
	qrt_sched_saved_close(saved);
}
