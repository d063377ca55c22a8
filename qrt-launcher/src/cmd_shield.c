/* SPDX-License-Identifier: MIT */
/* shield, unshield: keep everything off some CPUs; say what is up. */
#include "command.h"
#include "host.h"
#include "postpone.h"
#include "shield_show.h"
#include "voice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct shield {
	const char *list; /* CPUs, NULL: only show */
	uint32_t parts;
	bool json, help;

	struct qrt_sched_cpus cpus;
};

static void print_shield_help(void)
{
	puts("Usage: qrt-launcher shield [CPUS] [OPTIONS]\n\n"
	     "Keeps processes off CPUs (such as 2-3), and, where asked for, more. It stays until\n"
	     "'unshield', and VMs whose plans name these CPUs run on them. Without CPUS: what is up.\n\n"
	     "  --irqs        interrupts, and those that are set up later\n"
	     "  --workqueues  the kernel's unbound workqueues\n"
	     "  --kthreads    kernel threads that can be moved\n"
	     "  --rps         steering of received packets\n"
	     "  --all         all of these\n"
	     "  --json        one object: what is up, and what the kernel did not let go of\n\n"
	     "Exit code: 0, 1 it was refused or failed and everything is as before, 2 usage.");
}

static void print_unshield_help(void)
{
	puts("Usage: qrt-launcher unshield\n\n"
	     "Puts everything back that 'shield' changed. What running VMs need stays until they end.\n\n"
	     "Exit code: 0, 1 something could not be put back, 2 usage.");
}

static bool take_part(struct shield *shield, const char *argument)
{
	uint32_t part;

	if (strcmp(argument, "--all") == 0)
		part = QRT_SCHED_SHIELD_ALL;
	else if (!g_str_has_prefix(argument, "--") || strchr(argument, '+') ||
		 host_parts_parse(argument + 2, &part) < 0)
		return false;
	shield->parts |= part;
	return true;
}

static int take_cpus(struct shield *shield, const char *list)
{
	shield->list = list;
	if (qrt_sched_cpus_parse(list, &shield->cpus) >= 0)
		return EXIT_OK;
	complain("shield: '%s' is no list of CPUs, such as 2-3,6", list);
	return EXIT_USAGE;
}

static int parse(struct shield *shield, int argc, char **argv)
{
	int i, r = EXIT_OK;

	for (i = 1; i < argc && r == EXIT_OK; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			shield->json = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			shield->help = true;
		} else if (argv[i][0] != '-' && !shield->list) {
			r = take_cpus(shield, argv[i]);
		} else if (!take_part(shield, argv[i])) {
			complain("shield: unknown argument '%s'; try 'qrt-launcher shield --help'", argv[i]);
			r = EXIT_USAGE;
		}
	}
	if (r == EXIT_OK && shield->parts && !shield->list && !shield->help) {
		complain("shield: which CPUs? try 'qrt-launcher shield 2-3 --all'");
		r = EXIT_USAGE;
	}
	return r;
}

/* ---- raising and lowering ------------------------------------------------------------------------ */

/* Killed in the middle it counts no more, and the next call puts everything back. */
static int raise_shield(const struct host *host, const struct shield *shield)
{
	struct host_need need = {.values[HOST_SHIELD] = host_shield_format(&shield->cpus, shield->parts)};
	int lock_fd = host_need_hold(host, "pending", &need), r;

	r = lock_fd;
	if (r >= 0) {
		host_forget_applied(host, HOST_SHIELD);
		r = host_settle(host, &need);
	}
	host_need_clear(&need);
	if (lock_fd < 0)
		return EXIT_FAILED;
	if (r >= 0)
		r = host_need_settle_user(host);
	if (r < 0) {
		host_need_drop(host, "pending");
		host_settle(host, NULL);
	}
	close(lock_fd);
	return r < 0 ? EXIT_FAILED : EXIT_OK;
}

/* What fails again when it is lowered was said. */
static int raise_once(const struct host *host, const struct shield *shield)
{
	GHashTable *said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	int r;

	voice_remember(said);
	r = raise_shield(host, shield);
	voice_remember(NULL);
	g_hash_table_destroy(said);
	return r;
}

static int work(int run_fd, const struct shield *shield)
{
	struct host host;
	sigset_t before;
	int r = host_open(run_fd, shield->list != NULL, &host);

	if (r == -ENOENT)
		return shield_show(NULL, shield->json);
	if (r < 0)
		return EXIT_FAILED;
	postpone_begin(&before);
	r = shield->list ? raise_once(&host, shield) : EXIT_OK;
	if (r == EXIT_OK)
		r = shield_show(&host, shield->json);
	host_close(&host);
	postpone_end(&before);
	return r;
}

/* A shield that is raised does not depend on what else cannot be put back, which is said; of the host that is
 * tried with it. */
static int repair(int run_fd, const struct shield *shield)
{
	if (!shield->list)
		return state_repair_all(run_fd, false);
	state_repair_vms(run_fd, false, NULL);
	return 0;
}

int command_shield(int argc, char **argv)
{
	struct shield shield = {.list = NULL};
	int run_fd, r = parse(&shield, argc, argv);

	if (r != EXIT_OK)
		return r;
	if (shield.help) {
		print_shield_help();
		return EXIT_OK;
	}
	run_fd = state_open_run(shield.list != NULL);
	if (run_fd == -ENOENT)
		return shield_show(NULL, shield.json);
	if (run_fd < 0)
		return EXIT_FAILED;
	r = repair(run_fd, &shield) > 0 ? EXIT_FAILED : work(run_fd, &shield);
	state_close_run(run_fd);
	return r;
}

static int lower(int run_fd)
{
	struct host host;
	sigset_t before;
	int r = host_open(run_fd, false, &host);

	if (r == -ENOENT)
		return EXIT_OK;
	if (r < 0)
		return EXIT_FAILED;
	postpone_begin(&before);
	host_need_drop(&host, "user");
	r = host_settle(&host, NULL);
	shield_say_holders(&host);
	host_close(&host);
	postpone_end(&before);
	return r < 0 ? EXIT_FAILED : EXIT_OK;
}

int command_unshield(int argc, char **argv)
{
	int run_fd, r;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_unshield_help();
		return EXIT_OK;
	}
	if (argc > 1) {
		complain("unshield: unknown argument '%s'; it takes none", argv[1]);
		return EXIT_USAGE;
	}
	run_fd = state_open_run(false);
	if (run_fd < 0)
		return run_fd == -ENOENT ? EXIT_OK : EXIT_FAILED;
	r = state_repair_all(run_fd, false) > 0 ? EXIT_FAILED : EXIT_OK;
	/* What it has to take back is taken back in any case. */
	r = lower(run_fd) != EXIT_OK ? EXIT_FAILED : r;
	state_close_run(run_fd);
	return r;
}
