/* SPDX-License-Identifier: MIT */
/* What `top` shows: threads of running VMs, and what they did since the last look. No terminal. */
#ifndef QRT_LAUNCHER_TOP_MODEL_H
#define QRT_LAUNCHER_TOP_MODEL_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

enum top_sort { TOP_SORT_ROLE, TOP_SORT_CPU, TOP_SORT_SWITCHES, TOP_SORT_DELAY, TOP_SORT_NAME };
#define TOP_SORTS 5

/* A thread; all texts are fit for a terminal. */
struct top_row {
	char vm[65], role[12], place[16], name[32]; /* place: role and index */
	char policy[16], cpus[64], layers[64], budget[24];
	char planned_policy[16]; /* "": the plan says nothing */
	gint64 tid, index, priority, nice;
	gint64 planned_priority; /* -1: not said */
	bool in_plan;
	double cpu, switches, delay; /* per cent of a CPU, a second, ms a second; -1: not known yet */
	guint64 cpu_ns, delay_ns,
		switches_total; /* as they were at taken_us, from where the next rates count */
	gint64 taken_us;
};

struct top_vm {
	char name[65], state[32], accelerator[16];
	char guest[160]; /* "": nothing is known of it */
	gint64 threads, corrections, unplaced;
	double uptime;
	bool is_silent;  /* it does not answer: what it said last */
	gint64 taken_us; /* when that was, 0: never */
};

struct top_model {
	GArray *vms;  /* struct top_vm */
	GArray *rows; /* struct top_row: all, as they came */
	GArray *shown;
	GHashTable *
		priorities; /* "VM/ROLE" -> the real-time priorities of its threads that it had last: "3,4" */

	enum top_sort sort;
	char vm[65];     /* "": all */
	char filter[32]; /* "": all */
};

void top_model_open(struct top_model *model);
void top_model_close(struct top_model *model);
/* Takes answers of supervisors (JsonObject), made at now_us, and the names of those that gave none. */
void top_model_take(struct top_model *model, const GPtrArray *answers, const GPtrArray *silent,
		    gint64 now_us);
/* Chooses and sorts what is shown. */
void top_model_arrange(struct top_model *model);
/* The next VM's threads alone, after the last one all again. */
void top_model_next_vm(struct top_model *model);

const char *top_sort_name(enum top_sort sort);

/* The option that changes the priority of a row's role by `step` in all its threads, freed by g_free(); NULL
 * where that has none, or is at the end of its range. */
char *top_model_step_priority(const struct top_model *model, const struct top_row *row, int step);
/* Remembers the priorities of a VM's real-time roles, whose rows are in the model. */
void top_model_remember(struct top_model *model, JsonObject *answer);
/* The option that gives the role the next policy, and where it becomes real-time again the priorities that it
 * had, freed by g_free(); NULL where a thread of it runs under deadline. */
char *top_model_cycle_policy(const struct top_model *model, const struct top_row *row);

#endif
