/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "json_put.h"
#include "plan_request.h"

#include <stdio.h>

const char *plan_severity_name(uint32_t severity)
{
	static const char *const names[] = {"note", "warning", "fault"};

	return severity < G_N_ELEMENTS(names) ? names[severity] : "unknown";
}

void plan_print_findings(const struct plan_request *request)
{
	const struct qrt_sched_finding *f;
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		f = &request->findings[i];
		printf("%-8s %s: %s", plan_severity_name(f->severity), f->code, f->message);
		if (f->line)
			printf(" (line %u)", f->line);
		putchar('\n');
		if (f->remedy[0])
			printf("         remedy: %s\n", f->remedy);
	}
}

void plan_complain_of(const struct qrt_sched_finding *finding)
{
	char line[32] = "";

	if (finding->line)
		snprintf(line, sizeof(line), " (line %u)", finding->line);
	complain("%s: plan%s: %s%s%s", plan_severity_name(finding->severity), line, finding->message,
		 finding->remedy[0] ? "; " : "", finding->remedy);
}

void plan_build_findings(const struct plan_request *request, JsonBuilder *builder)
{
	const struct qrt_sched_finding *f;
	size_t i;

	json_builder_set_member_name(builder, "lint");
	json_builder_begin_array(builder);
	for (i = 0; i < request->findings_count; i++) {
		f = &request->findings[i];
		json_builder_begin_object(builder);
		json_put_string(builder, "severity", plan_severity_name(f->severity));
		json_put_string(builder, "code", f->code);
		json_put_int(builder, "line", f->line);
		json_put_string(builder, "message", f->message);
		json_put_string(builder, "remedy", f->remedy);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

void plan_print_json(JsonBuilder *builder)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = json_builder_get_root(builder);
	g_autofree char *text = NULL;

	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	text = json_generator_to_data(generator, NULL);
	puts(text);
	g_object_unref(builder);
}
