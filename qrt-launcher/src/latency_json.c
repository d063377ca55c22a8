/* SPDX-License-Identifier: MIT */
#include "json_put.h"
#include "latency.h"

#include <stdio.h>

static void put_event(JsonBuilder *builder, const char *name, const struct latency *latency,
		      const struct latency_event *event)
{
	char when[32];

	json_builder_set_member_name(builder, name);
	if (event->late_ns == 0) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	json_put_int(builder, "late_ns", event->late_ns);
	json_put_int(builder, "after_ns", event->at_ns - latency->start_ns);
	json_put_int(builder, "cpu", (uint64_t)event->cpu);
	json_put_string(builder, "time", latency_format_when(latency, event->at_ns, when, sizeof(when)));
	json_builder_end_object(builder);
}

static void put_counts(JsonBuilder *builder, const struct latency_histogram *histogram)
{
	char name[16];
	uint32_t i;

	json_builder_set_member_name(builder, "histogram");
	json_builder_begin_object(builder);
	for (i = 0; i < histogram->size; i++) {
		if (histogram->counts[i] == 0)
			continue;
		snprintf(name, sizeof(name), "%u", i);
		json_put_int(builder, name, histogram->counts[i]);
	}
	json_builder_end_object(builder);
	json_put_int(builder, "beyond", histogram->beyond);
}

static void put_thread(JsonBuilder *builder, const struct latency *latency,
		       const struct latency_thread *thread)
{
	char text[4096] = "";
	size_t n;

	qrt_sched_setting_describe(&thread->setting, text, sizeof(text));
	json_builder_begin_object(builder);
	json_put_string(builder, "role", thread->is_guest ? "guest" : qrt_sched_role_name(thread->role));
	json_put_int(builder, "index", thread->index);
	json_put_string(builder, "setting", text);
	json_put_bool(builder, "planned", thread->is_planned);
	json_put_int(builder, "cycles", thread->histogram.count);
	json_put_known(builder, "missed", !thread->is_guest, thread->missed);
	json_put_int(builder, "min_ns", thread->histogram.count ? thread->histogram.min_ns : 0);
	json_builder_set_member_name(builder, "us");
	json_builder_begin_object(builder);
	for (n = 0; n < LATENCY_SHARES; n++)
		json_put_int(builder, latency_shares[n].name,
			     latency_histogram_get_share(&thread->histogram, latency_shares[n].share));
	json_builder_end_object(builder);
	json_put_int(builder, "max_ns", thread->histogram.max_ns);
	put_event(builder, "worst", latency, &thread->worst);
	json_put_int(builder, "overs", thread->overs);
	put_event(builder, "first_over", latency, &thread->first_over);
	put_counts(builder, &thread->histogram);
	json_builder_end_object(builder);
}

void latency_print_json(const struct latency *latency)
{
	static const char *const verdicts[] = {[LATENCY_NONE] = "",
					       [LATENCY_PASSED] = "passed",
					       [LATENCY_FAILED] = "failed",
					       [LATENCY_OPEN] = "open"};
	JsonBuilder *builder = json_builder_new();
	size_t i;

	json_builder_begin_object(builder);
	if (latency->options->guest)
		json_put_string(builder, "guest", latency->options->guest);
	json_put_int(builder, "interval_ns", latency->options->interval_ns);
	json_put_int(builder, "length_ns", latency->end_ns - latency->start_ns);
	json_put_bool(builder, "cut", latency->is_cut);
	if (!latency->options->guest) {
		json_put_bool(builder, "locked", latency->locked);
		json_put_int(builder, "steal_ns", latency->steal_ns);
	}
	json_put_int(builder, "fail_over_ns", latency->options->over_ns);
	json_put_string(builder, "verdict", verdicts[latency_judge(latency)]);
	json_builder_set_member_name(builder, "threads");
	json_builder_begin_array(builder);
	for (i = 0; i < latency->count; i++)
		put_thread(builder, latency, &latency->threads[i]);
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	plan_print_json(builder);
}
