/* SPDX-License-Identifier: MIT */
#include "recorder_trace.h"

#include "blame_account.h"
#include "blame_perf.h"

#include <errno.h>
#include <string.h>

#define SWITCH_BYTES 80u /* it is told twice, in 40 each */
#define REST_NS      UINT64_C(10000000000)

#define CPUS_MAX 16 /* what is recorded of them is read at once */
#define WORDS    (QRT_SCHED_CPUS_MAX / 64)

struct recorder_trace {
	struct blame_perf *perf; /* NULL: none */
	struct qrt_sched_cpus cpus;
	int error;
	uint64_t written, looked_ns; /* at the last look */
	uint64_t rests_ns;           /* until then, 0: it does not */
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

/* False where it may run anywhere. */
static bool get_cpus(const struct watched *watched, struct qrt_sched_cpus *ret_cpus)
{
	struct qrt_sched_setting planned;

	watch_get_planned(watched, &planned);
	*ret_cpus = planned.cpus;
	return recorder_trace_is_urgent(&planned) && planned.set & QRT_SCHED_SET_CPUS;
}

/* Adds a thread's CPUs where there is place for all of them. */
static void add_cpus(const struct watched *watched, struct qrt_sched_cpus *cpus)
{
	struct qrt_sched_cpus sum, own;
	size_t i;

	if (!get_cpus(watched, &own))
		return;
	for (i = 0; i < WORDS; i++)
		sum.bits[i] = cpus->bits[i] | own.bits[i];
	if (qrt_sched_cpus_count(&sum) <= CPUS_MAX)
		*cpus = sum;
}

static void add_role(const struct watch *watch, bool is_vcpu, struct qrt_sched_cpus *cpus)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if ((((const struct watched *)value)->role == QRT_SCHED_ROLE_VCPU) == is_vcpu)
			add_cpus(value, cpus);
	}
}

static void restart(struct recorder_trace *trace)
{
	trace->perf = blame_perf_close(trace->perf);
	trace->error = blame_perf_open_last(&trace->cpus, &trace->perf);
	trace->written = trace->rests_ns = 0;
	trace->looked_ns = blame_now_ns();
}

/* Each switch takes the CPU some 0.4 us more: that is to stay below 1 % of it. */
static bool is_costly(struct recorder_trace *trace)
{
	uint64_t written = blame_perf_get_written(trace->perf), time_ns = blame_now_ns();
	double seconds = (double)(time_ns - trace->looked_ns) / 1e9,
	       switches = (double)(written - trace->written) / SWITCH_BYTES;

	trace->written = written;
	trace->looked_ns = time_ns;
	return switches > RECORDER_TRACE_MOST * seconds;
}

/* A CPU stays among them: with each change what was recorded goes. */
void recorder_trace_follow(struct recorder_trace *trace, const struct watch *watch)
{
	struct qrt_sched_cpus cpus = trace->cpus;

	add_role(watch, true, &cpus);
	add_role(watch, false, &cpus);
	if (memcmp(&cpus, &trace->cpus, sizeof(cpus)) != 0) {
		trace->cpus = cpus;
		restart(trace);
	} else if (trace->perf && is_costly(trace)) {
		trace->perf = blame_perf_close(trace->perf);
		trace->error = -EBUSY;
		trace->rests_ns = trace->looked_ns + REST_NS;
	} else if (trace->rests_ns > 0 && blame_now_ns() >= trace->rests_ns) {
		restart(trace);
	}
}

bool recorder_trace_sees(const struct recorder_trace *trace, const struct watched *watched)
{
	struct qrt_sched_cpus own;
	bool sees = trace->perf && get_cpus(watched, &own);
	size_t i;

	for (i = 0; sees && i < WORDS; i++)
		sees = (own.bits[i] & ~trace->cpus.bits[i]) == 0;
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
