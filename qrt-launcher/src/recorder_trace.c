/* SPDX-License-Identifier: MIT */
#include "recorder_trace.h"

#include "blame_perf.h"

#include <string.h>

#define WORDS G_N_ELEMENTS(((struct qrt_sched_cpus *)NULL)->bits)

struct recorder_trace {
	struct blame_perf *perf; /* NULL: none */
	struct qrt_sched_cpus cpus;
	int error;
};

struct recorder_trace *recorder_trace_new(void)
{
	return g_new0(struct recorder_trace, 1);
}

struct recorder_trace *recorder_trace_free(struct recorder_trace *trace)
{
	if (trace)
		blame_perf_close(trace->perf);
	g_free(trace);
	return NULL;
}

bool recorder_trace_is_urgent(const struct qrt_sched_setting *planned)
{
	return planned->set & QRT_SCHED_SET_POLICY &&
	       (planned->policy == QRT_SCHED_POLICY_FIFO || planned->policy == QRT_SCHED_POLICY_RR ||
		planned->policy == QRT_SCHED_POLICY_DEADLINE);
}

/* The CPUs of a thread that are recorded; where it may run on all of them there are none. */
static bool get_cpus(const struct watched *watched, struct qrt_sched_setting *ret_planned)
{
	watch_get_planned(watched, ret_planned);
	return recorder_trace_is_urgent(ret_planned) && ret_planned->set & QRT_SCHED_SET_CPUS;
}

static void find_cpus(const struct watch *watch, struct qrt_sched_cpus *ret_cpus)
{
	struct qrt_sched_setting planned;
	GHashTableIter iter;
	gpointer value;
	size_t i;

	memset(ret_cpus, 0, sizeof(*ret_cpus));
	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		for (i = 0; get_cpus(value, &planned) && i < WORDS; i++)
			ret_cpus->bits[i] |= planned.cpus.bits[i];
	}
}

/* What was recorded of fewer CPUs, or others, goes. */
void recorder_trace_follow(struct recorder_trace *trace, const struct watch *watch)
{
	struct qrt_sched_cpus cpus;

	find_cpus(watch, &cpus);
	if (memcmp(&cpus, &trace->cpus, sizeof(cpus)) == 0)
		return;
	trace->cpus = cpus;
	trace->perf = blame_perf_close(trace->perf);
	trace->error = qrt_sched_cpus_count(&cpus) > 0 ? blame_perf_open_last(&cpus, &trace->perf) : 0;
}

bool recorder_trace_sees(const struct recorder_trace *trace, const struct watched *watched)
{
	struct qrt_sched_setting planned;
	bool sees = trace->perf && get_cpus(watched, &planned);
	size_t i;

	for (i = 0; sees && i < WORDS; i++)
		sees = (planned.cpus.bits[i] & ~trace->cpus.bits[i]) == 0;
	return sees;
}

int recorder_trace_get_error(const struct recorder_trace *trace)
{
	return trace->error;
}

uint64_t recorder_trace_read(const struct recorder_trace *trace, GArray *events)
{
	return trace->perf ? blame_perf_read_last(trace->perf, events) : 0;
}
