/* SPDX-License-Identifier: MIT */
/* What `check` looks at: a table of probes, each of which fills one item. */
#ifndef QRT_LAUNCHER_CHECK_ITEM_H
#define QRT_LAUNCHER_CHECK_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum check_state {
	CHECK_OK,
	CHECK_WARNING, /* real-time suffers, a plan can run */
	CHECK_FAULT,   /* the plan cannot run */
	CHECK_UNKNOWN, /* could not be found out */
};

struct check_item {
	const char *id;
	enum check_state state;
	char found[192];
	const char *why;
	char remedy[320]; /* empty where there is nothing to do */
};

/* Counters that are looked at twice, some time apart. */
struct check_counters {
	uint64_t steal; /* ticks, all CPUs */
	uint64_t total;
	int64_t smi; /* -1: not readable */
};

/* Where to look, and what the plan needs. */
struct check_host {
	int root_fd; /* the tree that holds proc, sys, dev and boot */
	bool live;   /* the tree is the running host: things may be tried */
	bool wants_rt;
	bool wants_lock;
	bool wants_nice;
	bool wants_kvm;
	int priority; /* the highest that the plan uses */
	struct check_counters first;
	uint64_t first_ns;
	uint64_t watch_ns; /* how far the two looks are apart */
};

struct check_probe {
	const char *id;
	const char *why; /* why it matters */
	void (*look)(const struct check_host *host, struct check_item *item);
};

#define CHECK_ITEMS_MAX 40

/* Opens the tree ("/" for the running host) and takes the first look at the counters. */
int check_host_open(struct check_host *host, const char *root);
void check_host_close(struct check_host *host);

/* Runs every probe; returns how many items were filled. */
size_t check_run(const struct check_host *host, struct check_item *items, size_t max);

void check_found(struct check_item *item, enum check_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void check_remedy(struct check_item *item, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A file below the root, without white space at its end. Returns the length or a negative errno. */
int check_read(const struct check_host *host, const char *path, char *buf, size_t size);
/* The whole number in such a file. */
int check_read_number(const struct check_host *host, const char *path, int64_t *ret_number);
/* For a file that is not there: a kernel without the thing where `folder` is there (state), else unknown. */
void check_absent(const struct check_host *host, struct check_item *item, enum check_state state,
		  const char *folder);
/* 1 when the first line that starts with `key` has `word` among its words. */
int check_line_has_word(const char *text, const char *key, const char *word);
/* 1 when the CPU says `flag` of itself, 0 when not, negative errno where that is not known. */
int check_cpu_flag(const struct check_host *host, const char *flag);

/* Two looks at /proc/stat and the SMI counter. */
void check_counters_read(const struct check_host *host, struct check_counters *ret_counters);
/* Waits until the second look is due, and takes it. */
void check_counters_again(const struct check_host *host, struct check_counters *ret_counters);

/* The probes, by subject. */
void check_preemption(const struct check_host *host, struct check_item *item);
void check_throttling(const struct check_host *host, struct check_item *item);
void check_clocksource(const struct check_host *host, struct check_item *item);
void check_watchdog(const struct check_host *host, struct check_item *item);
void check_autogroup(const struct check_host *host, struct check_item *item);

void check_privileges(const struct check_host *host, struct check_item *item);
void check_limits(const struct check_host *host, struct check_item *item);
void check_rt_policy(const struct check_host *host, struct check_item *item);
void check_rt_group(const struct check_host *host, struct check_item *item);

void check_governor(const struct check_host *host, struct check_item *item);
void check_idle_states(const struct check_host *host, struct check_item *item);
void check_isolated(const struct check_host *host, struct check_item *item);
void check_nohz_full(const struct check_host *host, struct check_item *item);
void check_smt(const struct check_host *host, struct check_item *item);
void check_irqbalance(const struct check_host *host, struct check_item *item);

void check_hypervisor(const struct check_host *host, struct check_item *item);
void check_steal(const struct check_host *host, struct check_item *item);
void check_smi(const struct check_host *host, struct check_item *item);
void check_kvm(const struct check_host *host, struct check_item *item);
/* What that probe tries, alone: 0 when a KVM guest runs instructions here, else a negative errno. */
int check_kvm_try(void);

void check_huge_pages(const struct check_host *host, struct check_item *item);
void check_swap(const struct check_host *host, struct check_item *item);
void check_ksm(const struct check_host *host, struct check_item *item);
void check_numa_balancing(const struct check_host *host, struct check_item *item);

#endif
