/* SPDX-License-Identifier: MIT */
#include "voice.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ROOM       65536u
#define LINE       4096u /* is written in one piece */
#define KNOWN_MAX  256   /* lines that are not said again */
#define PATIENCE_S 1

/* Bytes on their way. No memory is asked for, and the lock hands on urgency: who speaks may be below the VM
 * when who supervises is above it. */
static struct {
	pthread_mutex_t lock;
	bool is_open, is_writing;
	int wake_fd;
	size_t start, len;
	unsigned lost; /* lines */
	char ring[ROOM];
} voice;

static _Thread_local GHashTable *known;

void voice_remember(GHashTable *said)
{
	known = said;
}

/* ---- the thread ---- */

/* A line, or as much of a long one as fits in. 0: nothing is left. */
static size_t take(char line[LINE])
{
	size_t n = 0;

	pthread_mutex_lock(&voice.lock);
	while (n < voice.len && n < LINE && (n == 0 || line[n - 1] != '\n')) {
		line[n] = voice.ring[(voice.start + n) % ROOM];
		n++;
	}
	voice.start = (voice.start + n) % ROOM;
	voice.len -= n;
	voice.is_writing = n > 0;
	pthread_mutex_unlock(&voice.lock);
	return n;
}

static unsigned take_lost(void)
{
	unsigned lost;

	pthread_mutex_lock(&voice.lock);
	lost = voice.lost;
	voice.lost = 0;
	pthread_mutex_unlock(&voice.lock);
	return lost;
}

/* Where nobody can read any more there is nobody to be told. */
static void write_all(const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(STDERR_FILENO, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void speak(void)
{
	char line[LINE];
	unsigned lost;
	size_t len;

	while ((len = take(line)) > 0) {
		write_all(line, len);
		lost = take_lost();
		if (lost == 0)
			continue;
		len = (size_t)snprintf(line, sizeof(line),
				       "qrt-launcher: standard error was not read: lines lost: %u\n", lost);
		write_all(line, len);
	}
}

static void *run(void *data)
{
	struct pollfd wake = {.fd = voice.wake_fd, .events = POLLIN};
	uint64_t count;

	(void)data;
	while (poll(&wake, 1, -1) >= 0 || errno == EINTR) {
		(void)!read(voice.wake_fd, &count, sizeof(count));
		speak();
	}
	return NULL;
}

/* ---- who speaks ---- */

static void init_lock(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&voice.lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

/* Time-shared, whatever who opens it is. It ends with the process. */
static int start_thread(void)
{
	struct sched_param param = {.sched_priority = 0};
	pthread_attr_t attr;
	pthread_t thread;
	int r = pthread_attr_init(&attr);

	if (r != 0)
		return -r;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &param);
	r = pthread_create(&thread, &attr, run, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

void voice_open(void)
{
	if (voice.is_open)
		return;
	voice.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (voice.wake_fd < 0)
		return;
	init_lock();
	voice.is_open = start_thread() == 0;
	if (!voice.is_open)
		close(voice.wake_fd);
}

static bool is_silent(void)
{
	bool silent;

	pthread_mutex_lock(&voice.lock);
	silent = voice.len == 0 && !voice.is_writing;
	pthread_mutex_unlock(&voice.lock);
	return silent;
}

void voice_flush(void)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;

	while (voice.is_open && !is_silent() && g_get_monotonic_time() < until)
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

static void put(const char *line, size_t len)
{
	const uint64_t one = 1;
	size_t i;

	pthread_mutex_lock(&voice.lock);
	if (voice.len + len > ROOM) {
		voice.lost++;
	} else {
		for (i = 0; i < len; i++)
			voice.ring[(voice.start + voice.len + i) % ROOM] = line[i];
		voice.len += len;
	}
	pthread_mutex_unlock(&voice.lock);
	(void)!write(voice.wake_fd, &one, sizeof(one));
}

void voice_say(const char *line)
{
	if (is_known(line))
		return;
	if (voice.is_open)
		put(line, strlen(line));
	else
		fputs(line, stderr);
}
