/* SPDX-License-Identifier: MIT */
#include "setting_p.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LEVELS 8u

static uint32_t class_of(uint32_t ioprio)
{
	return ioprio >> 13;
}

static uint32_t level_of(uint32_t ioprio)
{
	return ioprio & ((1u << 13) - 1);
}

int qrt_sched_p_ioprio_is_legal(uint32_t ioprio)
{
	switch (class_of(ioprio)) {
	case QRT_SCHED_IOPRIO_RT:
	case QRT_SCHED_IOPRIO_BE:
		return level_of(ioprio) < LEVELS;
	case 0:
	case QRT_SCHED_IOPRIO_IDLE:
		return level_of(ioprio) == 0;
	default:
		return 0;
	}
}

int qrt_sched_ioprio_parse(const char *text)
{
	uint32_t class = QRT_SCHED_IOPRIO_BE;

	if (!text)
		return -EINVAL;
	if (!strcmp(text, "none"))
		return 0;
	if (!strcmp(text, "idle"))
		return (int)QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_IDLE, 0);
	if (!strncmp(text, "rt:", 3))
		class = QRT_SCHED_IOPRIO_RT;
	else if (strncmp(text, "be:", 3) != 0)
		return -EINVAL;
	if (text[3] < '0' || text[3] >= '0' + (int)LEVELS || text[4])
		return -EINVAL;
	return (int)QRT_SCHED_IOPRIO(class, text[3] - '0');
}

int qrt_sched_ioprio_format(uint32_t ioprio, char *buf, size_t size)
{
	char text[8] = "none";
	size_t length;

	if (!qrt_sched_p_ioprio_is_legal(ioprio))
		return -EINVAL;
	if (class_of(ioprio) == QRT_SCHED_IOPRIO_IDLE)
		strcpy(text, "idle");
	else if (ioprio)
		snprintf(text, sizeof(text), "%s:%u", class_of(ioprio) == QRT_SCHED_IOPRIO_RT ? "rt" : "be",
			 level_of(ioprio) % LEVELS);
	length = strlen(text);
	if (length >= size)
		return -ENOSPC;
	memcpy(buf, text, length + 1);
	return (int)length;
}
