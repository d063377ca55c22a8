/* SPDX-License-Identifier: MIT */
#include "neighbours.h"

#include "proc.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMED_MAX 3 /* in a message */

static struct qrt_sched_cpus both(const struct qrt_sched_cpus *a, const struct qrt_sched_cpus *b)
{
	struct qrt_sched_cpus cpus;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cpus.bits); i++)
		cpus.bits[i] = a->bits[i] & b->bits[i];
	return cpus;
}

static void add(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *more)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cpus->bits); i++)
		cpus->bits[i] |= more->bits[i];
}

static bool is_running(const struct state_record *record)
{
	char boot[40];

	proc_get_boot(boot, sizeof(boot));
	return strcmp(boot, record->boot) == 0 && proc_is_alive(record->qemu_pid, record->qemu_start);
}

struct looking {
	int run_fd;
	const char *but;
	struct neighbours *neighbours;
};

static void look_at(const char *name, void *data)
{
	const struct looking *looking = data;
	struct neighbours *neighbours = looking->neighbours;
	struct neighbour *neighbour;
	struct state_record record;
	int fd = g_strcmp0(name, looking->but) == 0 ? -1 : state_open_folder(looking->run_fd, name);
	bool runs = fd >= 0 && state_read_record(fd, &record) == 0 && is_running(&record);

	if (fd >= 0)
		close(fd);
	if (!runs)
		return;
	add(&neighbours->taken, &record.place.realtime);
	if (neighbours->count == NEIGHBOURS_MAX)
		return;
	neighbour = &neighbours->list[neighbours->count++];
	g_strlcpy(neighbour->name, name, sizeof(neighbour->name));
	neighbour->place = record.place;
}

void neighbours_look(struct neighbours *ret_neighbours, const char *but)
{
	struct looking looking = {.run_fd = state_look_run(), .but = but, .neighbours = ret_neighbours};

	memset(ret_neighbours, 0, sizeof(*ret_neighbours));
	if (looking.run_fd < 0)
		return;
	state_for_each(looking.run_fd, look_at, &looking);
	close(looking.run_fd);
}

struct qrt_sched_cpus neighbours_leave(const struct neighbours *neighbours,
				       const struct qrt_sched_cpus *usable)
{
	struct qrt_sched_cpus cpus;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cpus.bits); i++)
		cpus.bits[i] = usable->bits[i] & ~neighbours->taken.bits[i];
	return cpus;
}

static void add_name(GString *names, const char *name, size_t number)
{
	if (number < NAMED_MAX)
		g_string_append_printf(names, "%s'%s'", number > 0 ? ", " : "", name);
	else if (number == NAMED_MAX)
		g_string_append(names, ", ...");
}

struct qrt_sched_cpus neighbours_share(const struct neighbours *neighbours, const struct state_place *own,
				       bool any, char *buf, size_t size)
{
	struct qrt_sched_cpus shared = {{0}}, with;
	GString *names = g_string_new(NULL);
	const struct state_place *place;
	size_t i, found = 0;

	for (i = 0; i < neighbours->count; i++) {
		place = &neighbours->list[i].place;
		with = any ? both(&own->realtime, &place->realtime) : both(&own->fifo, &place->fifo);
		if (qrt_sched_cpus_count(&with) == 0)
			continue;
		add(&shared, &with);
		add_name(names, neighbours->list[i].name, found++);
	}
	g_strlcpy(buf, names->str, size);
	g_string_free(names, TRUE);
	return shared;
}
