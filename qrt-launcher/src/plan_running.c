/* SPDX-License-Identifier: MIT */
/* The plan of a VM that runs already: its memory is laid out and locked, and it is a neighbour itself. */
#include "host.h"
#include "plan_request.h"

#include <stdint.h>
#include <string.h>

const char *plan_request_skip_default(struct plan_request *request, const char *text)
{
	static const char word[] = "default";
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0 || !strchr(" \t", text[len]))
		return text;
	request->wants_default = true;
	return text + len + strspn(text + len, " \t");
}

static uint32_t find_said(const struct qrt_sched_plan *plan)
{
	uint32_t role, said = 0;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (qrt_sched_plan_has(plan, role) > 0)
			said |= 1u << role;
	}
	return said;
}

/* What is left of the host's memory says nothing of a VM that has its own. */
static int read_host(struct plan_request *request, struct qrt_sched_error *reterr)
{
	int r = qrt_sched_host_read(&request->host, reterr);
	size_t n;

	if (r < 0)
		return r;
	for (n = 0; request->own_cpus && n < G_N_ELEMENTS(request->own_cpus->bits); n++)
		request->host.allowed.bits[n] |= request->own_cpus->bits[n] & request->host.online.bits[n];
	host_allow(&request->host);
	request->host.flags |= QRT_SCHED_HOST_CAP_LOCK;
	request->host.flags &= ~QRT_SCHED_HOST_MEMORY;
	request->host.memlock_limit = UINT64_MAX;
	return 0;
}

int plan_request_judge_running(struct plan_request *request, const struct qrt_sched_vm *vm, const char *name,
			       struct qrt_sched_error *reterr)
{
	int r;

	request->vm = *vm;
	request->said = find_said(request->plan);
	request->given = request->said != 0;
	neighbours_look(&request->neighbours, name);
	r = read_host(request, reterr);
	if (r >= 0 && (!request->given || request->wants_default))
		r = plan_request_complete(request, request->plan, reterr);
	if (r >= 0)
		r = qrt_sched_plan_lint(request->plan, &request->host, &request->vm, request->findings,
					PLAN_FINDINGS_MAX);
	if (r < 0)
		return r;
	request->findings_count = r > PLAN_FINDINGS_MAX ? PLAN_FINDINGS_MAX : (size_t)r;
	plan_judge(request);
	return 0;
}
