/* SPDX-License-Identifier: MIT */
/* Whether CPUs can be shielded: cc shield.c $(pkg-config --cflags --libs libqrt-sched) */
#include <qrt/shield.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct qrt_sched_shield_config config = {sizeof(config), QRT_SCHED_SHIELD_ALL, {{0}}, NULL};
	struct qrt_sched_cpus cpus;
	struct qrt_sched_error error;
	char list[128] = "";

	if (qrt_sched_shield_read(NULL, &cpus) >= 0) {
		qrt_sched_cpus_format(&cpus, list, sizeof(list));
		printf("a shield is up: CPUs %s\n", list);
		if (qrt_sched_shield_verify(NULL, &error) < 0)
			printf("but %s\n", error.message);
		return 0;
	}
	if (qrt_sched_cpus_parse(argc > 1 ? argv[1] : "1", &config.cpus) < 0)
		return 2;
	if (qrt_sched_shield_check(&config, &error) < 0)
		printf("no: %s\n", error.message);
	else
		puts("yes: qrt_sched_shield_raise() would do it");
	return 0;
}
