/* SPDX-License-Identifier: MIT */
#include "agent_load.h"

#include <math.h>

/* A value of this type that has at least so many numbers. */
static bool have(const struct qrt_shmem_view *view, uint32_t slot, uint32_t index, uint16_t type,
		 uint32_t count, struct qrt_shmem_value *ret_value)
{
	return qrt_shmem_read_value(view, slot, index, ret_value) >= 0 && ret_value->type == type &&
	       ret_value->size >= count * 8;
}

static double read_real(const struct qrt_shmem_view *view, uint32_t slot, uint32_t index, double most)
{
	struct qrt_shmem_value value;

	if (!have(view, slot, index, QRT_SHMEM_DOUBLE, 1, &value) || !isfinite(value.is.real[0]) ||
	    value.is.real[0] < 0 || value.is.real[0] > most)
		return -1;
	return value.is.real[0];
}

#define CPUS_MOST 65536 /* no guest has more */
#define EACH      8u    /* in a value */

/* The first value has that of all of them before. */
static void read_eight(const struct qrt_shmem_view *view, uint32_t slot, uint32_t first,
		       struct agent_load *load)
{
	uint32_t index = first ? QRT_SHMEM_AGENT_CPU_8 + first / EACH - 1 : QRT_SHMEM_AGENT_CPU, i,
		 skip = first ? 0 : 1;
	struct qrt_shmem_value value;
	double share;

	if (!have(view, slot, index, QRT_SHMEM_DOUBLE, 1, &value))
		return;
	for (i = 0; i < EACH && (skip + i + 1) * sizeof(double) <= value.size; i++) {
		share = value.is.real[skip + i];
		if (isfinite(share) && share >= 0 && share <= 1)
			load->each[first + i] = share;
	}
}

static void read_cpus(const struct qrt_shmem_view *view, uint32_t slot, struct agent_load *load)
{
	struct qrt_shmem_value value;
	uint32_t i;

	for (i = 0; i < QRT_SHMEM_AGENT_CPUS_MAX; i++)
		load->each[i] = -1;
	load->cpus = load->listed = -1;
	if (!have(view, slot, QRT_SHMEM_AGENT_CPUS, QRT_SHMEM_U64, 2, &value) ||
	    value.is.u64[0] > CPUS_MOST || value.is.u64[1] > QRT_SHMEM_AGENT_CPUS_MAX)
		return;
	load->cpus = (int64_t)value.is.u64[0];
	load->listed = (int64_t)value.is.u64[1];
	for (i = 0; i < value.is.u64[1]; i += EACH)
		read_eight(view, slot, i, load);
	for (i = (uint32_t)load->listed; i < QRT_SHMEM_AGENT_CPUS_MAX; i++)
		load->each[i] = -1;
}

/* A part and the whole of it. */
static void read_share(const struct qrt_shmem_view *view, uint32_t slot, uint32_t index, int64_t *ret_part,
		       int64_t *ret_all)
{
	struct qrt_shmem_value value;

	*ret_part = *ret_all = -1;
	if (!have(view, slot, index, QRT_SHMEM_U64, 2, &value) || value.is.u64[1] > INT64_MAX ||
	    value.is.u64[0] > value.is.u64[1])
		return;
	*ret_part = (int64_t)value.is.u64[0];
	*ret_all = (int64_t)value.is.u64[1];
}

/* What is printed somewhere: no more than printable ASCII. */
static void read_text(const struct qrt_shmem_view *view, uint32_t slot, uint32_t index, char *text)
{
	struct qrt_shmem_value value;
	uint32_t i;

	text[0] = '\0';
	if (!have(view, slot, index, QRT_SHMEM_TEXT, 0, &value))
		return;
	for (i = 0; i < value.size; i++)
		text[i] = value.is.data[i] > ' ' && value.is.data[i] < 127 ? (char)value.is.data[i] : '?';
	text[value.size] = '\0';
}

int64_t agent_load_read_interval(const struct qrt_shmem_view *view, uint32_t slot)
{
	struct qrt_shmem_value value;

	if (!have(view, slot, QRT_SHMEM_AGENT_INTERVAL, QRT_SHMEM_U64, 1, &value) ||
	    value.is.u64[0] > AGENT_LOAD_INTERVAL_MAX)
		return -1;
	return (int64_t)value.is.u64[0];
}

void agent_load_read(const struct qrt_shmem_view *view, uint32_t slot, struct agent_load *ret_load)
{
	ret_load->cpu = read_real(view, slot, QRT_SHMEM_AGENT_CPU, 1);
	read_cpus(view, slot, ret_load);
	read_share(view, slot, QRT_SHMEM_AGENT_TASKS, &ret_load->runnable, &ret_load->tasks);
	read_share(view, slot, QRT_SHMEM_AGENT_MEMORY, &ret_load->available, &ret_load->memory);
	ret_load->interrupts = read_real(view, slot, QRT_SHMEM_AGENT_IRQS, 1e12);
	ret_load->uptime = read_real(view, slot, QRT_SHMEM_AGENT_UPTIME, 1e12);
	ret_load->interval_ms = agent_load_read_interval(view, slot);
	read_text(view, slot, QRT_SHMEM_AGENT_KERNEL, ret_load->kernel);
	read_text(view, slot, QRT_SHMEM_AGENT_VERSION, ret_load->version);
}
