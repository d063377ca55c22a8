/* SPDX-License-Identifier: MIT */
#include "recorder_keeper.h"

#include "command.h"
#include "recorder_store.h"
#include "recording_replay.h"
#include "state.h"
#include "voice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US (5 * G_USEC_PER_SEC) /* with the disk, when the VM has ended */
#define STEP_US     5000

/* Freed by the last of both that have a hand on it: a thread whose disk hangs outlives the supervisor. */
struct recorder_keeper {
	char vm[STATE_NAME_MAX + 1];
	bool to_log;
	int folder_fd; /* -1: none */
	char folder[4096];
	struct recorder_keep *keep; /* the thread's while it is busy */
	atomic_bool is_busy;
	bool is_said; /* the supervisor's: that there can be no thread */
};

/* A log that takes nothing, because the VM that spins keeps it away, is not to hold up who helps the VM. */
static void log_line(const struct recorder_keeper *keeper, const char *text)
{
	g_autofree char *line = g_strdup_printf("qrt-launcher: VM '%s': %s\n", keeper->vm, text);

	voice_log(line);
}

void recorder_keeper_say(const struct recorder_keeper *keeper, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	if (keeper->to_log)
		log_line(keeper, text);
	else
		complain("%s", text);
}

/* ---- the thread ---- */

static void run_commands(const struct recorder_keeper *keeper, const struct recorder_keep *keep,
			 const char *file)
{
	g_autofree char *vm = g_strdup_printf("QRT_VM=%s", keep->recording.name);
	g_autofree char *role = g_strdup_printf("QRT_ROLE=%s", qrt_sched_role_name(keep->thread.role));
	g_autofree char *index = g_strdup_printf("QRT_INDEX=%d", keep->thread.index);
	g_autofree char *delay = g_strdup_printf("QRT_DELAY_NS=%" PRIu64, keep->delay_ns);
	g_autofree char *path = g_strdup_printf("QRT_FILE=%s%s%s", file ? keeper->folder : "",
						file ? "/" : "", file ? file : "");
	const char *const told[] = {vm, role, index, delay, path, NULL};
	size_t i;

	for (i = 0; i < keep->commands_count; i++)
		action_run_command(keep->commands[i], told);
}

/* Its file's name, freed by g_free(); NULL: it is in none. */
static char *write_file(const struct recorder_keeper *keeper, struct recorder_keep *keep)
{
	g_autofree char *text = NULL;
	char *file = NULL;
	size_t len;
	int r;

	if (keeper->folder_fd < 0)
		return NULL;
	recording_date(&keep->recording);
	recording_replay(&keep->recording);
	text = recording_format(&keep->recording, &len);
	r = recorder_store_write(keeper->folder_fd, keep->recording.name, text, len, &file);
	if (r < 0)
		recorder_keeper_say(keeper, "the recording cannot be kept in %s: %s", keeper->folder,
				    strerror(-r));
	return file;
}

static void free_keep(struct recorder_keeper *keeper)
{
	if (keeper->keep)
		recording_clear(&keeper->keep->recording);
	g_free(keeper->keep);
	keeper->keep = NULL;
}

static void clear(gpointer data)
{
	struct recorder_keeper *keeper = data;

	free_keep(keeper);
	if (keeper->folder_fd >= 0)
		close(keeper->folder_fd);
}

static void *do_work(void *data)
{
	const struct qrt_sched_setting ordinary = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_NICE,
						   .policy = QRT_SCHED_POLICY_OTHER};
	struct recorder_keeper *keeper = data;
	struct recorder_keep *keep = keeper->keep;
	g_autofree char *file = NULL;

	qrt_sched_setting_apply(0, &ordinary, NULL);
	file = write_file(keeper, keep);
	if (keep->log)
		recorder_keeper_say(keeper, "%s%s%s%s%s", keep->recording.trigger, file ? "; kept in " : "",
				    file ? keeper->folder : "", file ? "/" : "", file ? file : "");
	run_commands(keeper, keep, file);
	atomic_store(&keeper->is_busy, false);
	g_atomic_rc_box_release_full(keeper, clear);
	return NULL;
}

/* ---- the supervisor's ---- */

struct recorder_keeper *recorder_keeper_open(const char *vm_name, bool to_log)
{
	struct recorder_keeper *keeper = g_atomic_rc_box_new0(struct recorder_keeper);

	g_strlcpy(keeper->vm, vm_name, sizeof(keeper->vm));
	keeper->to_log = to_log;
	keeper->folder_fd = -1;
	return keeper;
}

void recorder_keeper_use_folder(struct recorder_keeper *keeper, const char *path, int run_fd)
{
	recorder_store_describe(path, keeper->folder, sizeof(keeper->folder));
	keeper->folder_fd = recorder_store_open(path, run_fd);
}

bool recorder_keeper_is_busy(const struct recorder_keeper *keeper)
{
	return atomic_load(&keeper->is_busy);
}

void recorder_keeper_tidy(struct recorder_keeper *keeper)
{
	if (!recorder_keeper_is_busy(keeper))
		free_keep(keeper);
}

static int fail(struct recorder_keeper *keeper, const char *why)
{
	if (!keeper->is_said)
		recorder_keeper_say(keeper, "no recording can be kept, there is no thread to do it: %s", why);
	keeper->is_said = true;
	if (keeper->keep->log)
		recorder_keeper_say(keeper, "%s", keeper->keep->recording.trigger);
	atomic_store(&keeper->is_busy, false);
	free_keep(keeper);
	g_atomic_rc_box_release_full(keeper, clear);
	return -EAGAIN;
}

/* Nobody joins the thread: it may need its time to end, too. */
int recorder_keeper_start(struct recorder_keeper *keeper, struct recorder_keep *keep)
{
	g_autoptr(GError) error = NULL;
	GThread *thread;

	free_keep(keeper);
	keeper->keep = keep;
	atomic_store(&keeper->is_busy, true);
	thread = g_thread_try_new("qrt-keeper", do_work, g_atomic_rc_box_acquire(keeper), &error);
	if (!thread)
		return fail(keeper, error->message);
	g_thread_unref(thread);
	keeper->is_said = false;
	return 0;
}

struct recorder_keeper *recorder_keeper_close(struct recorder_keeper *keeper)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_US;

	while (recorder_keeper_is_busy(keeper) && g_get_monotonic_time() < until)
		g_usleep(STEP_US);
	if (recorder_keeper_is_busy(keeper))
		recorder_keeper_say(keeper, "the last recording is not in %s after %d s: it is given up",
				    keeper->folder, (int)(PATIENCE_US / G_USEC_PER_SEC));
	recorder_keeper_tidy(keeper);
	g_atomic_rc_box_release_full(keeper, clear);
	return NULL;
}
