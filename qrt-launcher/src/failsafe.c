/* SPDX-License-Identifier: MIT */
#include "failsafe.h"

#include "command.h"
#include "host.h"
#include "locks.h"
#include "plan_live.h"
#include "plan_request.h"

#include <string.h>

struct judging {
	const char *file;
	const struct plan_request *first;
	struct plan_request later;
	bool has_library;
};

static int say(const struct judging *judging, const char *what, const char *remedy)
{
	complain("fault: --on-delay: failsafe=%s: %s; %s", judging->file, what, remedy);
	return EXIT_LAUNCHER;
}

static int check_findings(struct judging *judging)
{
	struct qrt_sched_error error = {.message = ""};
	int r = plan_request_judge_running(&judging->later, &judging->first->vm, NULL, &error);
	size_t i;

	if (r < 0) {
		complain("fault: --on-delay: failsafe=%s: it cannot be checked: %s", judging->file,
			 error.message[0] ? error.message : strerror(-r));
		return EXIT_LAUNCHER;
	}
	for (i = 0; i < judging->later.findings_count; i++) {
		const struct qrt_sched_finding *finding = &judging->later.findings[i];

		if (finding->severity == QRT_SCHED_FAULT)
			return say(judging, finding->message, finding->remedy);
	}
	return EXIT_OK;
}

/* What a preempt lock lifts to is fixed by the first plan. */
static int check_locks(const struct judging *judging)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	int lock = locks_plan_priority(judging->first->plan);

	qrt_sched_plan_get_globals(judging->first->plan, &globals);
	if (!judging->has_library || globals.preempt_lock_us == 0 ||
	    locks_find_highest(judging->later.plan) < lock)
		return EXIT_OK;
	return say(judging,
		   "its highest priority is not below that of the preempt lock, which the first plan fixes",
		   "give priorities that are not above those of the first plan");
}

static int check_slices(const struct judging *judging)
{
	g_autofree char *refusal = NULL;

	if (judging->has_library)
		refusal = plan_live_refuse_quanta(judging->first->plan, judging->later.plan);
	if (!refusal)
		return EXIT_OK;
	complain("fault: --on-delay: failsafe=%s: %s", judging->file, refusal);
	return EXIT_LAUNCHER;
}

static int judge(struct judging *judging)
{
	g_autofree char *label = g_strdup_printf("--on-delay: failsafe=%s", judging->file);
	int r = check_findings(judging);

	if (r == EXIT_OK)
		r = host_check_later_plan(&judging->later, label, judging->first);
	if (r == EXIT_OK)
		r = check_locks(judging);
	return r == EXIT_OK ? check_slices(judging) : r;
}

int failsafe_check(const struct qrt_sched_plan *plan, const char *file, const struct plan_request *first,
		   bool has_library)
{
	g_autofree struct judging *judging = g_new0(struct judging, 1);
	int r;

	judging->file = file;
	judging->first = first;
	judging->has_library = has_library;
	judging->later = *first;
	judging->later.wants_default = false;
	/* What will run: of the whole machine it says what the first plan does. */
	if (plan_live_follow(plan, first->plan, &judging->later.plan) < 0) {
		complain("out of memory");
		return EXIT_LAUNCHER;
	}
	r = judge(judging);
	qrt_sched_plan_close(judging->later.plan);
	return r;
}
