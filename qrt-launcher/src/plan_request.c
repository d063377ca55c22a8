/* SPDX-License-Identifier: MIT */
#include "plan_request.h"

#include "command.h"
#include "host.h"

#include <string.h>

int plan_request_open(struct plan_request *request, const char *command)
{
	memset(request, 0, sizeof(*request));
	request->command = command;
	request->host.size = sizeof(request->host);
	request->vm.size = sizeof(request->vm);
	if (qrt_sched_plan_new(&request->plan) < 0) {
		complain("out of memory");
		return -EXIT_FAILED;
	}
	return 0;
}

void plan_request_close(struct plan_request *request)
{
	request->plan = qrt_sched_plan_close(request->plan);
}

/* "-rt mlock=onfault" alone says nothing of roles: those are by default. */
static uint32_t find_said(const struct qrt_sched_plan *plan)
{
	uint32_t role, said = 0;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (qrt_sched_plan_has(plan, role) > 0)
			said |= 1u << role;
	}
	return said;
}

/* CPUs of other VMs are left to them where enough remain: one for each vCPU, and one for the rest. */
int plan_request_complete(const struct plan_request *request, struct qrt_sched_plan *plan,
			  struct qrt_sched_error *reterr)
{
	struct qrt_sched_host host = request->host;
	struct qrt_sched_cpus left = neighbours_leave(&request->neighbours, &host.allowed), usable;
	size_t i;

	usable = left;
	for (i = 0; i < G_N_ELEMENTS(usable.bits); i++)
		usable.bits[i] &= host.online.bits[i];
	if (request->vm.vcpus > 0 && (uint32_t)qrt_sched_cpus_count(&usable) > request->vm.vcpus)
		host.allowed = left;
	return qrt_sched_plan_set_defaults(plan, &host, &request->vm, reterr);
}

static int lint(struct plan_request *request)
{
	int r = qrt_sched_plan_lint(request->plan, &request->host, &request->vm, request->findings,
				    PLAN_FINDINGS_MAX);

	if (r < 0) {
		complain("the plan cannot be checked: %s", strerror(-r));
		return EXIT_FAILED;
	}
	request->findings_count = r > PLAN_FINDINGS_MAX ? PLAN_FINDINGS_MAX : (size_t)r;
	plan_judge(request);
	return EXIT_OK;
}

int plan_request_finish(struct plan_request *request)
{
	struct qrt_sched_error error;
	int r;

	request->said = find_said(request->plan);
	request->given = request->said != 0;
	r = plan_request_read_vm(request);
	if (r != EXIT_OK)
		return r;
	neighbours_look(&request->neighbours, NULL);
	r = qrt_sched_host_read(&request->host, &error);
	if (r >= 0)
		host_allow(&request->host);
	if (r >= 0 && (!request->given || request->wants_default))
		r = plan_request_complete(request, request->plan, &error);
	if (r < 0) {
		complain("%s", error.message);
		return EXIT_FAILED;
	}
	plan_lock_foresee(request);
	return lint(request);
}

bool plan_request_has_fault(const struct plan_request *request)
{
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		if (request->findings[i].severity == QRT_SCHED_FAULT)
			return true;
	}
	return false;
}

uint32_t plan_request_count_threads(const struct plan_request *request, enum qrt_sched_role role)
{
	uint32_t count = 1;

	if (role == QRT_SCHED_ROLE_VCPU)
		count = request->vm.vcpus;
	else if (role == QRT_SCHED_ROLE_IOTH)
		count = request->vm.iothreads;
	return count > 0 ? count : 1;
}

static bool is_realtime(const struct qrt_sched_setting *setting)
{
	return setting->set & QRT_SCHED_SET_POLICY &&
	       (setting->policy == QRT_SCHED_POLICY_FIFO || setting->policy == QRT_SCHED_POLICY_RR ||
		setting->policy == QRT_SCHED_POLICY_DEADLINE);
}

static void add_needs(const struct qrt_sched_setting *setting, struct plan_needs *needs)
{
	if (is_realtime(setting)) {
		needs->realtime = true;
		if (setting->priority > needs->priority)
			needs->priority = setting->priority;
	} else if (setting->set & QRT_SCHED_SET_NICE && setting->nice != 0) {
		needs->nice = true;
	}
}

void plan_request_get_needs(const struct plan_request *request, struct plan_needs *ret_needs)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct qrt_sched_setting setting;
	uint32_t role, index;

	memset(ret_needs, 0, sizeof(*ret_needs));
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (index = 0; index < plan_request_count_threads(request, role); index++) {
			if (qrt_sched_plan_get(request->plan, role, index, &setting) >= 0)
				add_needs(&setting, ret_needs);
		}
	}
	if (qrt_sched_plan_get_globals(request->plan, &globals) >= 0)
		ret_needs->lock = globals.mlock != QRT_SCHED_MLOCK_OFF;
}

void plan_request_get_place(const struct plan_request *request, struct state_place *ret_place)
{
	uint32_t i, count = plan_request_count_threads(request, QRT_SCHED_ROLE_VCPU);
	const struct qrt_sched_cpus *cpus;
	struct qrt_sched_setting vcpu;
	size_t n;

	memset(ret_place, 0, sizeof(*ret_place));
	for (i = 0; i < count; i++) {
		if (qrt_sched_plan_get(request->plan, QRT_SCHED_ROLE_VCPU, i, &vcpu) < 0 ||
		    !is_realtime(&vcpu))
			continue;
		cpus = vcpu.set & QRT_SCHED_SET_CPUS ? &vcpu.cpus : &request->host.allowed;
		for (n = 0; n < G_N_ELEMENTS(cpus->bits); n++)
			ret_place->realtime.bits[n] |= cpus->bits[n];
		if (vcpu.policy == QRT_SCHED_POLICY_FIFO && qrt_sched_cpus_count(cpus) == 1)
			qrt_sched_cpus_add(&ret_place->fifo, qrt_sched_cpus_next(cpus, -1));
	}
}
