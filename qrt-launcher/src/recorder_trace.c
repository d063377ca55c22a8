/* SPDX-License-Identifier: MIT */
#include "recorder_trace.h"

#include "blame_account.h"
#include "blame_perf.h"
#include "errand.h"

#include <errno.h>
#include <string.h>

#define SWITCH_BYTES 80u /* it is told twice, in 40 each */
#define REST_NS      UINT64_C(10000000000)

#define CPUS_MAX 16 /* what is recorded of them is read at once */
#define WORDS    (QRT_SCHED_CPUS_MAX / 64)

/* The kernel takes its time for both, tens of ms for the first of its events: no look waits for that. */
struct change {
	struct blame_perf *perf; /* the one to close, then the one that was opened */
	bool opens;
	struct qrt_sched_cpus cpus;
	int error;
	uint64_t opened_ns;
};

struct recorder_trace {
	struct errand *errand;
	struct blame_perf *perf; /* NULL: none */
	struct qrt_sched_cpus cpus;
	int error;
	uint64_t written, looked_ns; /* at the last look */
	uint64_t rests_ns;           /* until then, 0: it does not */
};

struct recorder_trace *recorder_trace_new(void)
{
	struct recorder_trace *trace = g_new0(struct recorder_trace, 1);

	trace->errand = errand_open();
	return trace;
}

struct recorder_trace *recorder_trace_free(struct recorder_trace *trace)
{
	if (trace) {
		errand_close(trace->errand);
		blame_perf_close(trace->perf);
	}
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

static void do_change(void *data)
{
	struct change *change = data;

	change->perf = blame_perf_close(change->perf);
	if (!change->opens)
		return;
	change->opened_ns = blame_now_ns();
	change->error = blame_perf_open_last(&change->cpus, &change->perf);
}

static void forget_change(void *data)
{
	blame_perf_close(((struct change *)data)->perf);
	g_free(data);
}

/* Until it is done nothing is recorded; the old one goes first, the kernel does not let everybody have both.
 */
static void begin_change(struct recorder_trace *trace, bool opens)
{
	struct change *change = g_new0(struct change, 1);

	change->perf = g_steal_pointer(&trace->perf);
	change->opens = opens;
	change->cpus = trace->cpus;
	trace->error = opens ? -EINPROGRESS : -EBUSY;
	errand_begin(trace->errand, do_change, forget_change, change);
}

void recorder_trace_take(struct recorder_trace *trace)
{
	struct change *change = errand_is_busy(trace->errand) ? errand_fetch(trace->errand) : NULL;

	if (!change)
		return;
	trace->perf = change->perf;
	if (change->opens) {
		trace->error = change->error;
		trace->looked_ns = change->opened_ns;
		trace->written = trace->rests_ns = 0;
	}
	g_free(change);
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

	if (errand_is_busy(trace->errand))
		return;
	add_role(watch, true, &cpus);
	add_role(watch, false, &cpus);
	if (memcmp(&cpus, &trace->cpus, sizeof(cpus)) != 0) {
		trace->cpus = cpus;
		begin_change(trace, true);
	} else if (trace->perf && is_costly(trace)) {
		trace->rests_ns = trace->looked_ns + REST_NS;
		begin_change(trace, false);
	} else if (trace->rests_ns > 0 && blame_now_ns() >= trace->rests_ns) {
		begin_change(trace, true);
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

struct blame_copy *recorder_trace_copy(const struct recorder_trace *trace)
{
	return trace->perf ? blame_perf_copy_last(trace->perf) : NULL;
}
