/* SPDX-License-Identifier: MIT */
#include "status_ask.h"

#include "command.h"
#include "control.h"
#include "json_limit.h"
#include "proc.h"
#include "state.h"

#include <errno.h>

struct silent {
	char name[STATE_NAME_MAX + 1];
	int error;
};

static void unref_vm(gpointer vm)
{
	json_object_unref(vm);
}

void status_ask_open(struct status_ask *ask, const char *name)
{
	*ask = (struct status_ask){.name = name, .patience_us = 5 * G_USEC_PER_SEC};
	ask->vms = g_ptr_array_new_with_free_func(unref_vm);
	ask->silent = g_array_new(FALSE, FALSE, sizeof(struct silent));
}

void status_ask_close(struct status_ask *ask)
{
	g_ptr_array_free(ask->vms, TRUE);
	g_array_unref(ask->silent);
}

static void add_silent(struct status_ask *ask, const char *name, int error)
{
	struct silent silent = {.error = error};

	g_strlcpy(silent.name, name, sizeof(silent.name));
	g_array_append_val(ask->silent, silent);
}

struct listing {
	int run_fd;
	struct status_ask *ask;
};

/* One that is gone since it was listed, or is not up yet, is none that fails. */
static void ask_listed(const char *name, void *data)
{
	const struct listing *listing = data;
	JsonObject *vm;
	int r = control_ask_status_within(listing->run_fd, name, listing->ask->patience_us, &vm);

	if (r == 0)
		g_ptr_array_add(listing->ask->vms, vm);
	else if (!control_is_gone(r))
		add_silent(listing->ask, name, r);
}

/* A later VM of that name is another one. */
static void take_named(struct status_ask *ask, JsonObject *vm)
{
	pid_t pid = (pid_t)json_limit_get_int(vm, "qemu_pid");

	if (ask->qemu_pid > 0 && ask->qemu_pid != pid) {
		ask->ended = true;
		json_object_unref(vm);
		return;
	}
	if (ask->qemu_pid == 0 && proc_get_start(pid, &ask->qemu_start) < 0)
		ask->qemu_start = 0; /* it ended just now */
	ask->qemu_pid = pid;
	g_ptr_array_add(ask->vms, vm);
}

static void ask_named(int run_fd, struct status_ask *ask)
{
	JsonObject *vm;
	int r = run_fd < 0 ? run_fd : control_ask_status_within(run_fd, ask->name, ask->patience_us, &vm);

	if (r == 0)
		take_named(ask, vm);
	else if (ask->qemu_pid > 0 && !proc_is_alive(ask->qemu_pid, ask->qemu_start))
		ask->ended = true;
	else
		add_silent(ask, ask->name, r);
}

void status_ask_all(struct status_ask *ask, bool repair)
{
	int run_fd = state_open_run(false);
	struct listing listing = {.run_fd = run_fd, .ask = ask};

	g_ptr_array_set_size(ask->vms, 0);
	g_array_set_size(ask->silent, 0);
	ask->is_unreadable = run_fd < 0 && run_fd != -ENOENT;
	ask->is_unrepaired = repair && run_fd >= 0 && state_repair_all(run_fd, false) > 0;
	if (ask->is_unreadable)
		return;
	if (ask->name)
		ask_named(run_fd, ask);
	else if (run_fd >= 0)
		state_for_each(run_fd, ask_listed, &listing);
	if (run_fd >= 0)
		state_close_run(run_fd);
}

const char *status_ask_get_silent(const struct status_ask *ask, guint place)
{
	return g_array_index(ask->silent, struct silent, place).name;
}

static void complain_of(const struct status_ask *ask, const struct silent *silent)
{
	if (control_is_gone(silent->error) && ask->qemu_pid > 0)
		complain("VM '%s' lost its launcher: its QEMU (pid %d) runs on without a supervisor",
			 silent->name, (int)ask->qemu_pid);
	else
		control_complain(silent->name, silent->error);
}

void status_ask_complain(const struct status_ask *ask)
{
	guint i;

	for (i = 0; i < ask->silent->len; i++)
		complain_of(ask, &g_array_index(ask->silent, struct silent, i));
}

bool status_ask_is_fine(const struct status_ask *ask)
{
	return !ask->is_unreadable && !ask->is_unrepaired && ask->silent->len == 0;
}

void status_ask_repair(void)
{
	int run_fd = state_look_run();

	if (run_fd < 0)
		return;
	state_repair_all(run_fd, false);
	state_close_run(run_fd);
}
