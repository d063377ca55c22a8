/* SPDX-License-Identifier: MIT */
/*
 * The recording for who asks. To read some 200,000 switches and to write 16,384 lines takes longer than a
 * look may be late: the main loop copies, a thread does the rest.
 */
#include "errand.h"
#include "recorder_p.h"
#include "recording_replay.h"
#include "supervisor.h"

#include <errno.h>
#include <glib-unix.h>

struct recorder_reports {
	struct errand *errand;
	guint source;
	void (*told)(char *text, void *data);
	void *told_data;
};

struct report {
	struct recording recording;
	char *text;
};

/* ---- the thread ---- */

static void make(void *data)
{
	struct report *report = data;
	g_autofree char *text = NULL, *escaped = NULL;
	size_t len;

	recording_date(&report->recording);
	recording_replay(&report->recording);
	text = recording_format(&report->recording, &len);
	/* Printable ASCII and ends of lines, so this is JSON's escaping, too. */
	escaped = g_strescape(text, NULL);
	report->text = g_strdup_printf("{\"recording\":\"%s\"}\n", escaped);
}

static void forget(void *data)
{
	struct report *report = data;

	recording_clear(&report->recording);
	g_free(report->text);
	g_free(report);
}

/* ---- the main loop ---- */

static gboolean take_report(gpointer data)
{
	struct recorder_reports *reports = data;
	struct report *report = errand_fetch(reports->errand);
	char *text;

	if (!report)
		return G_SOURCE_CONTINUE;
	text = g_steal_pointer(&report->text);
	forget(report);
	reports->source = 0;
	reports->told(text, reports->told_data);
	return G_SOURCE_REMOVE;
}

static gboolean on_made(gint fd, GIOCondition condition, gpointer data)
{
	(void)fd;
	(void)condition;
	return take_report(data);
}

struct recorder_reports *recorder_reports_new(void)
{
	struct recorder_reports *reports = g_new0(struct recorder_reports, 1);

	reports->errand = errand_open();
	return reports;
}

struct recorder_reports *recorder_reports_free(struct recorder_reports *reports)
{
	if (reports && reports->source)
		g_source_remove(reports->source);
	if (reports)
		errand_close(reports->errand);
	g_free(reports);
	return NULL;
}

int recorder_report(struct supervisor *supervisor, void (*told)(char *text, void *data), void *data)
{
	struct recorder_reports *reports = supervisor->flight ? supervisor->flight->reports : NULL;
	struct report *report;
	int fd;

	if (!reports)
		return -ENOENT;
	if (errand_is_busy(reports->errand))
		return -EBUSY;
	report = g_new0(struct report, 1);
	recorder_take(supervisor, "", &report->recording);
	reports->told = told;
	reports->told_data = data;
	errand_begin(reports->errand, make, forget, report);
	fd = errand_get_fd(reports->errand);
	reports->source = fd >= 0 ? g_unix_fd_add(fd, G_IO_IN, on_made, reports)
				  : g_idle_add(take_report, reports);
	return 0;
}
