/* SPDX-License-Identifier: MIT */
#include "blame_vm.h"

#include "command.h"
#include "control.h"
#include "json_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void init(struct blame_vm *vm)
{
	memset(vm, 0, sizeof(*vm));
	vm->told = g_array_new(FALSE, FALSE, sizeof(struct blame_thread));
}

int blame_vm_take_process(struct blame_vm *vm, int32_t pid)
{
	init(vm);
	vm->pid = pid;
	if (kill(pid, 0) < 0 && errno == ESRCH) {
		complain("blame: there is no process %d", pid);
		return -EXIT_FAILED;
	}
	return 0;
}

static void take_thread(struct blame_vm *vm, JsonObject *object)
{
	int role = qrt_sched_role_parse(json_limit_get_string(object, "role"));
	gint64 tid = json_limit_get_int(object, "tid");
	struct blame_thread thread = {.tid = (int32_t)tid};

	if (role < 0 || tid <= 0 || tid > INT32_MAX)
		return;
	thread.role = (enum qrt_sched_role)role;
	thread.index = (int32_t)json_limit_get_int(object, "index");
	g_strlcpy(thread.name, json_limit_get_string(object, "name"), sizeof(thread.name));
	g_array_append_val(vm->told, thread);
}

static void take_threads(struct blame_vm *vm, JsonArray *array)
{
	guint i, n = json_limit_get_length(array);
	JsonObject *object;

	for (i = 0; i < n; i++) {
		object = json_limit_get_element(array, i);
		if (object)
			take_thread(vm, object);
	}
}

/* Only the patterns of names in it matter here: a plan that does not parse is no reason to fail. */
static void take_plan(struct blame_vm *vm, const char *text)
{
	if (qrt_sched_plan_new(&vm->plan) < 0)
		vm->plan = NULL;
	if (vm->plan)
		qrt_sched_plan_parse_text(vm->plan, text, strlen(text), NULL);
}

/* The supervisor keeps the recorder's memory open under a number of its own. */
static void take_recorder(struct blame_vm *vm, JsonObject *object)
{
	char path[64];
	int fd;

	if (!object)
		return;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)json_limit_get_int(object, "pid"),
		 (int)json_limit_get_int(object, "fd"));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || qrt_sched_recorder_open(fd, &vm->recorder) < 0)
		vm->recorder = NULL;
	if (fd >= 0)
		close(fd);
}

int blame_vm_ask(struct blame_vm *vm, const char *name)
{
	JsonObject *answer;

	init(vm);
	if (control_find_status(name, &answer) < 0)
		return -EXIT_FAILED;
	g_strlcpy(vm->name, name, sizeof(vm->name));
	vm->pid = (int32_t)json_limit_get_int(answer, "qemu_pid");
	take_plan(vm, json_limit_get_string(answer, "plan"));
	take_recorder(vm, json_limit_get_object(answer, "recorder"));
	take_threads(vm, json_limit_get_array(answer, "threads"));
	json_object_unref(answer);
	if (vm->pid <= 0) {
		complain("blame: the supervisor of VM '%s' names no process", name);
		return -EXIT_FAILED;
	}
	return 0;
}

void blame_vm_clear(struct blame_vm *vm)
{
	vm->plan = qrt_sched_plan_close(vm->plan);
	vm->recorder = qrt_sched_recorder_close(vm->recorder);
	if (vm->told)
		g_array_unref(vm->told);
	vm->told = NULL;
}
