/* SPDX-License-Identifier: MIT */
#include "plan_request.h"

#include <string.h>

struct qrt_sched_finding *plan_finding_add(struct plan_request *request, enum qrt_sched_severity severity,
					   const char *code)
{
	struct qrt_sched_finding *findings = request->findings, *finding;
	size_t place = 0;

	if (request->findings_count == PLAN_FINDINGS_MAX)
		return NULL;
	while (place < request->findings_count && findings[place].severity >= severity)
		place++;
	finding = &findings[place];
	memmove(finding + 1, finding, (request->findings_count++ - place) * sizeof(*finding));
	memset(finding, 0, sizeof(*finding));
	finding->severity = severity;
	finding->role = -1;
	g_strlcpy(finding->code, code, sizeof(finding->code));
	return finding;
}

struct qrt_sched_finding *plan_finding_find(struct plan_request *request, const char *code)
{
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		if (strcmp(request->findings[i].code, code) == 0)
			return &request->findings[i];
	}
	return NULL;
}

void plan_finding_remove(struct plan_request *request, const char *code)
{
	struct qrt_sched_finding *finding = plan_finding_find(request, code);
	size_t after;

	if (!finding)
		return;
	after = request->findings_count-- - (size_t)(finding - request->findings) - 1;
	memmove(finding, finding + 1, after * sizeof(*finding));
}
