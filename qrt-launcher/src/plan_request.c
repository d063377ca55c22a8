/* SPDX-License-Identifier: MIT */
#include "plan_request.h"

#include "command.h"

#include <string.h>

int plan_request_open(struct plan_request *request)
{
	memset(request, 0, sizeof(*request));
	request->host.size = sizeof(request->host);
	request->vm.size = sizeof(request->vm);
	if (qrt_sched_plan_new(&request->plan) < 0) {
		complain("out of memory");
		return -EXIT_FAILED;
	}
	return 0;
}

void plan_request_close(struct plan_request *request)
{
	request->plan = qrt_sched_plan_close(request->plan);
}

/* The library names the file only where it could not be read. */
static void say_file_error(const char *path, const struct qrt_sched_error *error)
{
	if (error->line)
		complain("%s:%u: %s", path, error->line, error->message);
	else if (!strstr(error->message, path))
		complain("%s: %s", path, error->message);
	else
		complain("%s", error->message);
}

static int take_file(struct plan_request *request, const char *path)
{
	struct qrt_sched_error error;

	if (qrt_sched_plan_parse_file(request->plan, path, &error) < 0) {
		say_file_error(path, &error);
		return -EXIT_FAILED;
	}
	request->given = true;
	return 1;
}

static int take_option(struct plan_request *request, const char *text)
{
	struct qrt_sched_error error;

	if (qrt_sched_plan_parse_option(request->plan, text, &error) < 0) {
		complain("-rt: %s", error.message);
		return -EXIT_USAGE;
	}
	request->given = true;
	return 1;
}

static int take_vm(struct plan_request *request, int argc, char **argv, int *index)
{
	request->vm_argv = argv + *index;
	request->vm_argc = argc - *index;
	*index = argc;
	return 1;
}

static const char *take_value(int argc, char **argv, int *index)
{
	const char *name = argv[*index];

	if (*index + 1 >= argc) {
		complain("%s needs a value", name);
		return NULL;
	}
	*index += 2;
	return argv[*index - 1];
}

int plan_request_take(struct plan_request *request, int argc, char **argv, int *index)
{
	static const char plan_is[] = "--plan=";
	const char *argument = argv[*index], *value;

	if (strcmp(argument, "--plan") == 0) {
		value = take_value(argc, argv, index);
		return value ? take_file(request, value) : -EXIT_USAGE;
	}
	if (strncmp(argument, plan_is, sizeof(plan_is) - 1) == 0) {
		(*index)++;
		return take_file(request, argument + sizeof(plan_is) - 1);
	}
	if (strcmp(argument, "-rt") == 0) {
		value = take_value(argc, argv, index);
		return value ? take_option(request, value) : -EXIT_USAGE;
	}
	if (strcmp(argument, "--") == 0) {
		(*index)++;
		return take_vm(request, argc, argv, index);
	}
	if (argument[0] != '-')
		return take_vm(request, argc, argv, index);
	return 0;
}

/* Without QEMU's arguments a given plan is judged for any VM, a default one is made for one vCPU. */
static void read_vm(struct plan_request *request)
{
	if (request->vm_argc > 0)
		plan_request_read_vm(request);
	else if (!request->given)
		request->vm.vcpus = 1;
}

/* "-rt mlock=onfault" alone says nothing of roles: those are by default. */
static bool names_a_role(const struct qrt_sched_plan *plan)
{
	uint32_t role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (qrt_sched_plan_has(plan, role) > 0)
			return true;
	}
	return false;
}

int plan_request_finish(struct plan_request *request)
{
	struct qrt_sched_error error;
	int r;

	request->given = names_a_role(request->plan);
	read_vm(request);
	if (qrt_sched_host_read(&request->host, &error) < 0 ||
	    (!request->given &&
	     qrt_sched_plan_set_defaults(request->plan, &request->host, &request->vm, &error) < 0)) {
		complain("%s", error.message);
		return EXIT_FAILED;
	}
	r = qrt_sched_plan_lint(request->plan, &request->host, &request->vm, request->findings,
				PLAN_FINDINGS_MAX);
	if (r < 0) {
		complain("the plan cannot be checked: %s", strerror(-r));
		return EXIT_FAILED;
	}
	request->findings_count = r > PLAN_FINDINGS_MAX ? PLAN_FINDINGS_MAX : (size_t)r;
	return EXIT_OK;
}

bool plan_request_has_fault(const struct plan_request *request)
{
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		if (request->findings[i].severity == QRT_SCHED_FAULT)
			return true;
	}
	return false;
}

uint32_t plan_request_count_threads(const struct plan_request *request, enum qrt_sched_role role)
{
	uint32_t count = 1;

	if (role == QRT_SCHED_ROLE_VCPU)
		count = request->vm.vcpus;
	else if (role == QRT_SCHED_ROLE_IOTH)
		count = request->vm.iothreads;
	return count > 0 ? count : 1;
}

static bool is_realtime(const struct qrt_sched_setting *setting)
{
	return setting->set & QRT_SCHED_SET_POLICY &&
	       (setting->policy == QRT_SCHED_POLICY_FIFO || setting->policy == QRT_SCHED_POLICY_RR ||
		setting->policy == QRT_SCHED_POLICY_DEADLINE);
}

static void add_needs(const struct qrt_sched_setting *setting, struct plan_needs *needs)
{
	if (is_realtime(setting)) {
		needs->realtime = true;
		if (setting->priority > needs->priority)
			needs->priority = setting->priority;
	} else if (setting->set & QRT_SCHED_SET_NICE && setting->nice != 0) {
		needs->nice = true;
	}
}

void plan_request_get_needs(const struct plan_request *request, struct plan_needs *ret_needs)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct qrt_sched_setting setting;
	uint32_t role, index;

	memset(ret_needs, 0, sizeof(*ret_needs));
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (index = 0; index < plan_request_count_threads(request, role); index++) {
			if (qrt_sched_plan_get(request->plan, role, index, &setting) >= 0)
				add_needs(&setting, ret_needs);
		}
	}
	if (qrt_sched_plan_get_globals(request->plan, &globals) >= 0)
		ret_needs->lock = globals.mlock != QRT_SCHED_MLOCK_OFF;
}
