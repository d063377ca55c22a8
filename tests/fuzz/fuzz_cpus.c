/* SPDX-License-Identifier: MIT */
/* A CPU list, as the kernel and users write it. */
#include "fuzz.h"

#include <errno.h>
#include <qrt/sched.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qrt_sched_cpus cpus, again;
	char *text = malloc(size + 1), list[4096];
	int r;

	PROMISE(text);
	memcpy(text, data, size);
	text[size] = 0;
	r = qrt_sched_cpus_parse(text, &cpus);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r == 0) {
		PROMISE(qrt_sched_cpus_count(&cpus) > 0);
		PROMISE(qrt_sched_cpus_format(&cpus, list, sizeof(list)) > 0);
		PROMISE(qrt_sched_cpus_parse(list, &again) == 0);
		PROMISE(memcmp(&cpus, &again, sizeof(cpus)) == 0);
	}
	free(text);
	return 0;
}
