/* SPDX-License-Identifier: MIT */
#include "io_text.h"

#include "size_text.h"

#define SECOND 1e9

/* Of no time at all there is no rate. */
static double rate_of(guint64 count, guint64 ns)
{
	return (double)count / ((double)MAX(ns, 1) / SECOND);
}

char *io_text_time(guint64 ns, gboolean is_long)
{
	guint64 hundredths = ns / 10000000, minutes = hundredths / 6000;

	if (!is_long && minutes == 0)
		return g_strdup_printf("%05.2f sec", (double)ns / SECOND);
	hundredths %= 6000;
	return g_strdup_printf("%" G_GUINT64_FORMAT ":%02u:%02u.%02u", minutes / 60, (guint)(minutes % 60),
			       (guint)(hundredths / 100), (guint)(hundredths % 100));
}

char *io_text_figures(guint64 bytes, guint64 count, guint64 ns)
{
	char size[SIZE_TEXT_BYTES], rate[SIZE_TEXT_BYTES];
	g_autofree char *time = io_text_time(ns, FALSE);

	size_text_format((double)bytes, size);
	size_text_format(rate_of(bytes, ns), rate);
	return g_strdup_printf("%s, %" G_GUINT64_FORMAT " ops; %s (%s/sec and %.4f ops/sec)", size, count,
			       time, rate, rate_of(count, ns));
}

char *io_text_machine(guint64 bytes, guint64 count, guint64 ns)
{
	g_autofree char *time = io_text_time(ns, TRUE);

	return g_strdup_printf("%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%s,%.3f,%.3f", bytes, count, time,
			       rate_of(bytes, ns), rate_of(count, ns));
}
