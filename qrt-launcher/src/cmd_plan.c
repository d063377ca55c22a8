/* SPDX-License-Identifier: MIT */
/* plan: check a plan and show it, in its canonical form or in words, without starting anything. */
#include "boot_plan.h"
#include "command.h"
#include "plan_command.h"
#include "plan_explain.h"
#include "plan_json.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plan_options {
	bool explain;
};

static void print_help(void)
{
	puts("Usage: qrt-launcher plan [--explain] [--json] [--plan FILE] [-rt OPTION]... [--user USER] [-- "
	     "QEMU "
	     "ARGS...]\n\n"
	     "Checks a plan for this host and shows it in its canonical form. Without --plan and -rt it is\n"
	     "the default plan for this host and the VM of QEMU's arguments (without those: one vCPU under\n"
	     "KVM), which leaves the CPUs of VMs that run alone.\n\n"
	     "  --plan FILE  a plan file, - for standard input; -rt options after it override it\n"
	     "  -rt OPTION   an option of the plan, see qrt-plan(5); -rt default: what the others leave\n"
	     "               open is as in the default plan\n"
	     "  --user USER  as for 'run --user USER'\n"
	     "  --explain    in words: threads, their order, what happens where they meet\n"
	     "  --json       print JSON\n\n"
	     "Exit code: 0 the plan can run, 1 it has a fault or is not supported, or QEMU is not there,\n"
	     "2 usage.");
}

static int take(void *data, int argc, char **argv, int *index)
{
	struct plan_options *options = data;

	(void)argc;
	if (strcmp(argv[*index], "--explain") != 0)
		return 0;
	options->explain = true;
	(*index)++;
	return 1;
}

/* The canonical text, to be freed; NULL when there is no memory. */
static char *format_plan(const struct qrt_sched_plan *plan)
{
	int len = qrt_sched_plan_format(plan, NULL, 0);
	char *text = len < 0 ? NULL : malloc((size_t)len + 1);

	if (text && qrt_sched_plan_format(plan, text, (size_t)len + 1) != len) {
		free(text);
		text = NULL;
	}
	return text;
}

/* What a plan file says by a line, and this one leaves open. */
static void print_unsaid(const char *text)
{
	static const struct {
		const char *line, *comment;
	} unsaid[] = {
		{"\nadvance=", "# advance=0 (not said: deadlines are met by the timer alone)"},
		{"\npool=", "# pool=0 (not said: QEMU ends idle disk workers after 10 s)"},
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(unsaid); i++) {
		if (!strstr(text, unsaid[i].line) &&
		    strncmp(text, unsaid[i].line + 1, strlen(unsaid[i].line + 1)) != 0)
			puts(unsaid[i].comment);
	}
}

/* A plan file: what it was made for stands in it. */
static void print_plan(const struct plan_request *request, const char *text)
{
	if (!request->given || request->wants_default)
		printf("# %s for %u vCPU%s under %s\n",
		       request->given ? "Completed by the default plan" : "The default plan",
		       request->vm.vcpus, plural(request->vm.vcpus), plan_request_describe_accel(request));
	fputs(text, stdout);
	print_unsaid(text);
}

static void explain(const struct plan_request *request, const char *text)
{
	plan_explain(request);
	if (request->findings_count > 0) {
		puts("\nLint");
		plan_print_findings(request);
	}
	puts("\nThe plan");
	print_plan(request, text);
}

/* Standard output is a plan file then; what lint says goes where errors go. */
static void complain_of_findings(const struct plan_request *request)
{
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		if (request->findings[i].severity != QRT_SCHED_NOTE)
			plan_complain_of(&request->findings[i]);
	}
}

static void show(const struct plan_request *request, bool is_explained, const char *text,
		 const char *unsupported)
{
	if (is_explained) {
		explain(request, text);
	} else {
		print_plan(request, text);
		complain_of_findings(request);
	}
	if (*unsupported)
		complain("fault: plan: %s", unsupported);
}

/* A word that was meant as something else would be taken for a VM without arguments. */
static bool has_program(const struct plan_request *request)
{
	g_autofree char *path = NULL;

	return request->vm_argc < 1 || program_find(request->vm_argv[0], &path) == EXIT_OK;
}

/* The plan of boot=PATH is held against this one as `run --agent` does it. */
static bool has_boot_plan(const struct plan_request *request)
{
	struct qrt_sched_plan *plan = NULL;
	int r = boot_plan_open(request, &plan);

	qrt_sched_plan_close(plan);
	return r == EXIT_OK;
}

static int answer(const void *data, struct plan_request *request, bool json)
{
	const struct plan_options *options = data;
	struct qrt_sched_error error = {.message = ""};
	char *text;
	bool ok;
	int r = has_program(request) ? plan_request_finish(request) : EXIT_FAILED;

	if (r != EXIT_OK)
		return r;
	text = format_plan(request->plan);
	if (!text) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	ok = qrt_sched_plan_supported(request->plan, &error) >= 0 && !plan_request_has_fault(request) &&
	     has_boot_plan(request);
	if (json)
		plan_json_print(request, text, error.message, ok);
	else
		show(request, options->explain, text, error.message);
	free(text);
	return ok ? EXIT_OK : EXIT_FAILED;
}

int command_plan(int argc, char **argv)
{
	static const struct plan_command command = {print_help, take, answer};
	struct plan_options options = {0};

	return plan_command_run(&command, &options, argc, argv);
}
