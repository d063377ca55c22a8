/* SPDX-License-Identifier: MIT */
/* Budgets: CPU time in windows that follow one another. */
#include "governor_p.h"

static uint64_t most(uint64_t ns, double rate)
{
	double product = (double)ns * rate;

	return product >= 1e19 ? UINT64_MAX : (uint64_t)product;
}

uint64_t qrt_sched_p_window_end(const struct qrt_sched_p_window *window,
				const struct qrt_sched_budget *budget)
{
	return window->begin_ns + budget->window_ns;
}

/* What was used before the window that now_ns is in counts no more. When it was used is not known: as late
 * as possible. */
static void roll(struct qrt_sched_p_window *window, const struct qrt_sched_budget *budget, uint64_t now_ns,
		 uint64_t charged_ns, double rate)
{
	uint64_t possible;

	window->begin_ns += (now_ns - window->begin_ns) / budget->window_ns * budget->window_ns;
	possible = most(now_ns - window->begin_ns, rate);
	window->used_ns = charged_ns < possible ? charged_ns : possible;
}

void qrt_sched_p_window_use(struct qrt_sched_p_window *window, const struct qrt_sched_budget *budget,
			    uint64_t now_ns, uint64_t charged_ns, double rate)
{
	if (!budget->runtime_ns)
		return;
	if (!window->begin_ns)
		window->begin_ns = now_ns;
	if (now_ns >= qrt_sched_p_window_end(window, budget))
		roll(window, budget, now_ns, charged_ns, rate);
	else if (__builtin_add_overflow(window->used_ns, charged_ns, &window->used_ns))
		window->used_ns = UINT64_MAX;
	window->is_exhausted = window->used_ns >= budget->runtime_ns;
}

uint64_t qrt_sched_p_window_next(const struct qrt_sched_p_window *window,
				 const struct qrt_sched_budget *budget, uint64_t now_ns, double rate)
{
	uint64_t end = qrt_sched_p_window_end(window, budget), left;

	if (!budget->runtime_ns || !window->begin_ns)
		return QRT_SCHED_P_NEVER;
	if (window->is_exhausted)
		return end;
	if (rate <= 0)
		return QRT_SCHED_P_NEVER;
	left = (uint64_t)((double)(budget->runtime_ns - window->used_ns) / rate);
	return left < end - now_ns ? now_ns + left : end;
}
