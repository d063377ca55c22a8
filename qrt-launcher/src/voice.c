/* SPDX-License-Identifier: MIT */
#include "voice.h"

#include "ordinary.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <unistd.h>

#define ROOM       65536u
#define LINE       4096u /* is written in one piece */
#define KNOWN_MAX  256   /* lines that are not said again */
#define PATIENCE_S 1

static bool write_error(const char *line, size_t len);
static bool write_log(const char *line, size_t len);
static bool write_event(const char *line, size_t len);

/* Bytes on their way, and the thread that takes them there: one for each place, so that neither waits for the
 * other. No memory is asked for, and the lock hands on urgency: who speaks may be below the VM when who
 * supervises is above it. */
struct voice {
	bool (*out)(const char *line, size_t len); /* false: it is lost */
	const char *loss, *end;                    /* of lines, in words: before and behind their number */
	pthread_mutex_t lock;
	bool is_open, is_writing;
	int wake_fd;
	size_t start, len;
	unsigned lost; /* lines */
	char ring[ROOM];
};

static struct voice voices[] = {
	{.out = write_error, .loss = "qrt-launcher: standard error was not read: lines lost: ", .end = ""},
	{.out = write_log, .loss = "qrt-launcher: the system's log took nothing: lines lost: ", .end = ""},
	{.out = write_event, .loss = "{\"event\":\"lost\",\"lines\":", .end = "}"},
};
static struct voice *const error_voice = &voices[0], *const log_voice = &voices[1],
			   *const event_voice = &voices[2];
static int event_fd = -1;

static _Thread_local GHashTable *known;

void voice_remember(GHashTable *said)
{
	known = said;
}

/* ---- the thread ---- */

/* A line, or as much of a long one as fits in. 0: nothing is left. */
static size_t take(struct voice *voice, char line[LINE])
{
	size_t n = 0;

	pthread_mutex_lock(&voice->lock);
	while (n < voice->len && n < LINE && (n == 0 || line[n - 1] != '\n')) {
		line[n] = voice->ring[(voice->start + n) % ROOM];
		n++;
	}
	voice->start = (voice->start + n) % ROOM;
	voice->len -= n;
	voice->is_writing = n > 0;
	pthread_mutex_unlock(&voice->lock);
	return n;
}

static unsigned take_lost(struct voice *voice)
{
	unsigned lost;

	pthread_mutex_lock(&voice->lock);
	lost = voice->lost;
	voice->lost = 0;
	pthread_mutex_unlock(&voice->lock);
	return lost;
}

static void add_lost(struct voice *voice, unsigned lost)
{
	pthread_mutex_lock(&voice->lock);
	voice->lost += lost;
	pthread_mutex_unlock(&voice->lock);
}

/* How many bytes were written. Who shares the file with somebody may have it non-blocking. */
static size_t write_to(int fd, const char *line, size_t len)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, line + done, len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			poll(&room, 1, -1);
		else if (errno != EINTR)
			break;
	}
	return done;
}

/* Where nobody can read any more there is nobody to be told. */
static bool write_error(const char *line, size_t len)
{
	write_to(STDERR_FILENO, line, len);
	return true;
}

/* What was cut short does not become a part of the next one. */
static bool write_event(const char *line, size_t len)
{
	static bool is_torn, is_said;
	char why[128];
	size_t done;

	if (is_torn && write_to(event_fd, "\n", 1) == 1)
		is_torn = false;
	done = is_torn ? 0 : write_to(event_fd, line, len);
	if (done == len)
		return true;
	is_torn |= done > 0;
	snprintf(why, sizeof(why), "qrt-launcher: --events: %s: events are lost until that is mended\n",
		 strerror(errno));
	if (!is_said)
		voice_say(why);
	is_said = true;
	return false;
}

static bool write_log(const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\n')
		len--;
	syslog(LOG_DAEMON | LOG_WARNING, "%.*s", (int)len, line);
	return true;
}

static void tell_lost(struct voice *voice)
{
	unsigned lost = take_lost(voice);
	char line[LINE];
	int len;

	if (lost == 0)
		return;
	len = snprintf(line, sizeof(line), "%s%u%s\n", voice->loss, lost, voice->end);
	if (!voice->out(line, (size_t)len))
		add_lost(voice, lost);
}

static void speak(struct voice *voice)
{
	char line[LINE];
	size_t len;

	while ((len = take(voice, line)) > 0) {
		if (voice->out(line, len))
			tell_lost(voice);
		else
			add_lost(voice, 1);
	}
}

static void *run(void *data)
{
	struct voice *voice = data;
	struct pollfd wake = {.fd = voice->wake_fd, .events = POLLIN};
	uint64_t count;

	while (poll(&wake, 1, -1) >= 0 || errno == EINTR) {
		(void)!read(voice->wake_fd, &count, sizeof(count));
		speak(voice);
	}
	return NULL;
}

/* ---- who speaks ---- */

static void init_lock(struct voice *voice)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&voice->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

static void open_voice(struct voice *voice)
{
	if (voice->is_open)
		return;
	voice->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (voice->wake_fd < 0)
		return;
	init_lock(voice);
	voice->is_open = ordinary_start(NULL, run, voice) == 0;
	if (!voice->is_open)
		close(voice->wake_fd);
}

void voice_open(void)
{
	open_voice(error_voice);
	open_voice(log_voice);
}

void voice_open_events(int fd)
{
	event_fd = fd;
	open_voice(event_voice);
}

static bool is_silent(struct voice *voice)
{
	bool silent;

	if (!voice->is_open)
		return true;
	pthread_mutex_lock(&voice->lock);
	silent = voice->len == 0 && !voice->is_writing;
	pthread_mutex_unlock(&voice->lock);
	return silent;
}

void voice_flush(void)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;

	while (!(is_silent(error_voice) && is_silent(log_voice) && is_silent(event_voice)) &&
	       g_get_monotonic_time() < until)
		g_usleep(1000);
}

static bool is_known(const char *line)
{
	if (!known)
		return false;
	if (g_hash_table_size(known) >= KNOWN_MAX)
		g_hash_table_remove_all(known);
	return !g_hash_table_add(known, g_strdup(line));
}

static void put(struct voice *voice, const char *line)
{
	const uint64_t one = 1;
	size_t i, len = strlen(line);

	pthread_mutex_lock(&voice->lock);
	if (voice->len + len > ROOM) {
		voice->lost++;
	} else {
		for (i = 0; i < len; i++)
			voice->ring[(voice->start + voice->len + i) % ROOM] = line[i];
		voice->len += len;
	}
	pthread_mutex_unlock(&voice->lock);
	(void)!write(voice->wake_fd, &one, sizeof(one));
}

void voice_say(const char *line)
{
	if (is_known(line))
		return;
	if (error_voice->is_open)
		put(error_voice, line);
	else
		fputs(line, stderr);
}

void voice_log(const char *line)
{
	if (log_voice->is_open)
		put(log_voice, line);
	else
		write_log(line, strlen(line));
}

void voice_tell(const char *line)
{
	if (event_voice->is_open)
		put(event_voice, line);
}
