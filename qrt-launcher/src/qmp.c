/* SPDX-License-Identifier: MIT */
/*
 * QEMU's monitor, over a socket of our own: the guest's state, and which threads are vCPUs and
 * iothreads. Nothing waits for it; a monitor that is slow, dead or lies costs this knowledge alone.
 */
#include "command.h"
#include "guest.h"
#include "json_limit.h"
#include "qmp_p.h"
#include "recorder.h"
#include "supervisor.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_BYTES (256u * 1024)

enum { CAPABILITIES, STATUS, KVM, CPUS, IOTHREADS, POOL, STOP, QUESTIONS };

struct qmp {
	GString *in;
	guint source;
	unsigned int pending;       /* questions without an answer yet, a bit each */
	gint64 asked_us[QUESTIONS]; /* when */
	bool is_up;
};

struct question {
	const char *command;
	void (*answered)(struct supervisor *supervisor, JsonObject *message);
	void (*refused)(struct supervisor *supervisor, JsonObject *message); /* NULL: then it is not known */
};

static void ask(struct supervisor *supervisor, unsigned int number);

static void take_capabilities(struct supervisor *supervisor, JsonObject *message);
static void take_pool(struct supervisor *supervisor, JsonObject *message);
static void take_no_pool(struct supervisor *supervisor, JsonObject *message);

static const struct question questions[] = {
	[CAPABILITIES] = {"qmp_capabilities", take_capabilities, NULL},
	[STATUS] = {"query-status", qmp_take_status, NULL},
	[KVM] = {"query-kvm", qmp_take_kvm, NULL},
	[CPUS] = {"query-cpus-fast", qmp_take_cpus, NULL},
	[IOTHREADS] = {"query-iothreads", qmp_take_iothreads, NULL},
	[POOL] = {"object-add", take_pool, take_no_pool},
	[STOP] = {"stop", qmp_take_stop, qmp_take_no_stop},
};

/* A user's own main-loop object, or a QEMU that has none (before 7.1), refuses: then it stays as it is. */
static void keep_workers(struct supervisor *supervisor)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	char text[160];
	int len;

	if (qrt_sched_plan_get_globals(supervisor->plan, &globals) < 0 || !globals.pool_min)
		return;
	len = snprintf(text, sizeof(text),
		       "{\"execute\":\"%s\",\"arguments\":{\"qom-type\":\"main-loop\","
		       "\"id\":\"qrt-main-loop\",\"thread-pool-min\":%u},\"id\":%d}\n",
		       questions[POOL].command, globals.pool_min, POOL);
	if (send(supervisor->qmp_fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) == len)
		supervisor->qmp->pending |= 1u << POOL;
}

static void take_pool(struct supervisor *supervisor, JsonObject *message)
{
	(void)message;
	supervisor->pool = 1;
}

static void take_no_pool(struct supervisor *supervisor, JsonObject *message)
{
	(void)message;
	supervisor->pool = 0;
}

static void take_capabilities(struct supervisor *supervisor, JsonObject *message)
{
	(void)message;
	ask(supervisor, STATUS);
	ask(supervisor, KVM);
	keep_workers(supervisor);
	qmp_ask_threads(supervisor);
}

static void ask(struct supervisor *supervisor, unsigned int number)
{
	struct qmp *qmp = supervisor->qmp;
	char text[96];
	int len;

	if (!qmp->source || qmp->pending & (1u << number))
		return;
	len = snprintf(text, sizeof(text), "{\"execute\":\"%s\",\"id\":%u}\n", questions[number].command,
		       number);
	qmp->asked_us[number] = g_get_monotonic_time();
	if (send(supervisor->qmp_fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) == len)
		qmp->pending |= 1u << number;
}

void qmp_ask_status(struct supervisor *supervisor)
{
	if (supervisor->qmp->is_up)
		ask(supervisor, STATUS);
}

uint64_t qmp_get_silence(const struct supervisor *supervisor)
{
	const struct qmp *qmp = supervisor->qmp;
	gint64 now_us = g_get_monotonic_time(), oldest_us = now_us;
	unsigned int number;

	/* Who is not listened to any more owes nothing. */
	for (number = 0; qmp->source && number < QUESTIONS; number++) {
		if (qmp->pending & (1u << number) && qmp->asked_us[number] > 0)
			oldest_us = MIN(oldest_us, qmp->asked_us[number]);
	}
	return (uint64_t)(now_us - oldest_us) * 1000;
}

bool qmp_stop(struct supervisor *supervisor)
{
	if (!supervisor->qmp->is_up)
		return false;
	ask(supervisor, STOP);
	return supervisor->qmp->source && supervisor->qmp->pending & 1u << STOP;
}

void qmp_ask_threads(struct supervisor *supervisor)
{
	if (!supervisor->qmp->is_up)
		return;
	ask(supervisor, CPUS);
	ask(supervisor, IOTHREADS);
}

static bool is_preloaded(pid_t pid)
{
	char path[64], *text = NULL;
	bool found;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	/* What cannot be read says nothing. */
	found = !g_file_get_contents(path, &text, NULL, NULL) || strstr(text, "libqrt-sched-preload");
	g_free(text);
	return found;
}

static void greet(struct supervisor *supervisor)
{
	supervisor->qmp->is_up = true;
	if (supervisor->library == LIBRARY_PRELOADED && !is_preloaded(supervisor->record.qemu_pid)) {
		complain("%s did not load the preload library: its threads are placed from outside, after "
			 "their birth",
			 supervisor->program);
		supervisor->library = LIBRARY_NONE;
	}
	ask(supervisor, CAPABILITIES);
}

static void take_answer(struct supervisor *supervisor, JsonObject *message)
{
	gint64 number = json_limit_get_int(message, "id");

	if (number < 0 || number >= (gint64)G_N_ELEMENTS(questions) ||
	    !(supervisor->qmp->pending & (1u << number)))
		return;
	supervisor->qmp->pending &= ~(1u << number);
	if (supervisor->qmp->asked_us[number])
		recorder_note_answer(supervisor,
				     (uint64_t)(g_get_monotonic_time() - supervisor->qmp->asked_us[number]) *
					     1000);
	if (json_object_has_member(message, "return"))
		questions[number].answered(supervisor, message);
	else if (questions[number].refused)
		questions[number].refused(supervisor, message);
}

/* Most of them come with another state of the VM. */
static void take_event(struct supervisor *supervisor, JsonObject *message)
{
	guest_take_event(supervisor->guest, json_limit_get_string(message, "event"),
			 json_limit_get_string(json_limit_get_object(message, "data"), "reason"));
	ask(supervisor, STATUS);
}

static void take_line(struct supervisor *supervisor, const char *line, gssize len)
{
	JsonObject *message = json_limit_parse(line, len);

	if (!message)
		return;
	if (json_object_has_member(message, "QMP") && !supervisor->qmp->is_up)
		greet(supervisor);
	else if (json_object_has_member(message, "event"))
		take_event(supervisor, message);
	else if (json_object_has_member(message, "id"))
		take_answer(supervisor, message);
	json_object_unref(message);
}

static void take_lines(struct supervisor *supervisor)
{
	GString *in = supervisor->qmp->in;
	char *end;

	while ((end = memchr(in->str, '\n', in->len))) {
		take_line(supervisor, in->str, end - in->str);
		g_string_erase(in, 0, end + 1 - in->str);
	}
}

static gboolean on_input(gint fd, GIOCondition condition, gpointer data)
{
	struct supervisor *supervisor = data;
	char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)condition;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n > 0) {
		g_string_append_len(supervisor->qmp->in, buf, n);
		take_lines(supervisor);
		if (supervisor->qmp->in->len <= LINE_MAX_BYTES)
			return G_SOURCE_CONTINUE;
		complain("QEMU's monitor talks without end: not listened to any more");
	}
	supervisor->qmp->source = 0;
	return G_SOURCE_REMOVE;
}

void qmp_open(struct supervisor *supervisor)
{
	struct qmp *qmp = g_new0(struct qmp, 1);

	supervisor->pool = -1;
	qmp->in = g_string_new(NULL);
	if (supervisor->qmp_fd >= 0)
		qmp->source = g_unix_fd_add(supervisor->qmp_fd, G_IO_IN | G_IO_HUP, on_input, supervisor);
	supervisor->qmp = qmp;
}

void qmp_close(struct supervisor *supervisor)
{
	if (supervisor->qmp->source)
		g_source_remove(supervisor->qmp->source);
	g_string_free(supervisor->qmp->in, TRUE);
	g_free(supervisor->qmp);
}
