/* SPDX-License-Identifier: MIT */
#include "vm_choose.h"

#include "command.h"
#include "control.h"

#include <errno.h>
#include <unistd.h>

struct only {
	int run_fd;
	unsigned int count;
	char *name;
};

static void take_running(const char *name, void *data)
{
	struct only *only = data;
	JsonObject *answer;

	if (control_ask_status(only->run_fd, name, &answer) < 0)
		return;
	json_object_unref(answer);
	only->count++;
	g_strlcpy(only->name, name, STATE_NAME_MAX + 1);
}

static int choose_only(const char *command, int run_fd, char *ret_name)
{
	struct only only = {.run_fd = run_fd, .name = ret_name};

	state_for_each(run_fd, take_running, &only);
	if (only.count == 1)
		return 0;
	complain(only.count == 0 ? "%s: no VM runs" : "%s: several VMs run: name one of them", command);
	return -ENOENT;
}

int vm_choose(const char *command, const char *name, char ret_name[STATE_NAME_MAX + 1])
{
	int run_fd;

	if (name && !state_is_name(name)) {
		complain("'%s' is no VM's name: letters, digits, '_', '.', '-', at most %d", name,
			 STATE_NAME_MAX);
		return -EINVAL;
	}
	run_fd = state_open_run(false);
	if (run_fd == -ENOENT)
		complain("%s: no VM runs", command);
	if (run_fd < 0)
		return run_fd;
	if (name)
		g_strlcpy(ret_name, name, STATE_NAME_MAX + 1);
	else if (choose_only(command, run_fd, ret_name) < 0) {
		close(run_fd);
		return -ENOENT;
	}
	return run_fd;
}
