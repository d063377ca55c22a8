/* SPDX-License-Identifier: MIT */
/* What QEMU is started with besides what the user gave. */
#include "run.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* "guest=foo,debug-threads=off" without the latter. */
static char *clean_name(const char *value)
{
	GString *clean = g_string_new(NULL);
	bool left_out = false;
	const char *next;

	for (; *value; value = next) {
		next = vm_args_skip_pair(value);
		left_out = vm_args_leaves_unnamed(value);
		if (!left_out)
			g_string_append_len(clean, value, next - value);
	}
	/* The comma before the last one. */
	if (left_out && clean->len > 0)
		g_string_truncate(clean, clean->len - 1);
	return g_string_free(clean, FALSE);
}

/* True where QEMU makes no monitor of its own, whatever we say. */
static bool has_monitor(char *const *given, int count)
{
	static const char *const options[] = {"mon", "monitor", "qmp", "qmp-pretty", "nodefaults"};
	const char *word;
	size_t n;
	int i;

	for (i = 1; i < count; i += 1 + vm_args_takes_value(given[i])) {
		word = given[i] + strspn(given[i], "-");
		for (n = 0; word != given[i] && n < G_N_ELEMENTS(options); n++) {
			if (strcmp(word, options[n]) == 0)
				return true;
		}
	}
	return false;
}

/*
 * An argument -mon takes from QEMU the monitor that it has by default, and with -nographic the keys of its
 * console with it. A file that says the same does not.
 */
void run_make_monitor(struct run *run)
{
	g_autofree char *text = g_strdup_printf("[chardev \"qrt-qmp\"]\n"
						"  backend = \"socket\"\n"
						"  fd = \"%d\"\n"
						"[mon \"qrt-mon\"]\n"
						"  chardev = \"qrt-qmp\"\n"
						"  mode = \"control\"\n",
						run->qmp[1]);
	ssize_t len = (ssize_t)strlen(text);

	run->monitor_fd = -1;
	if (has_monitor(run->request.vm_argv, run->request.vm_argc))
		return;
	run->monitor_fd = memfd_create("qrt-monitor", MFD_CLOEXEC);
	if (run->monitor_fd >= 0 && write(run->monitor_fd, text, (size_t)len) != len) {
		close(run->monitor_fd);
		run->monitor_fd = -1;
	}
}

static void add_monitor(const struct run *run, GPtrArray *argv)
{
	if (run->monitor_fd >= 0) {
		g_ptr_array_add(argv, g_strdup("-readconfig"));
		g_ptr_array_add(argv, g_strdup_printf("/proc/self/fd/%d", run->monitor_fd));
		return;
	}
	g_ptr_array_add(argv, g_strdup("-chardev"));
	g_ptr_array_add(argv, g_strdup_printf("socket,id=qrt-qmp,fd=%d", run->qmp[1]));
	g_ptr_array_add(argv, g_strdup("-mon"));
	g_ptr_array_add(argv, g_strdup("chardev=qrt-qmp,mode=control"));
}

/* Each line of a plan is an option of QEMU's -rt. */
static void add_plan(const char *text, GPtrArray *argv)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	size_t i;

	for (i = 0; lines[i]; i++) {
		if (*lines[i] == '\0')
			continue;
		g_ptr_array_add(argv, g_strdup("-rt"));
		g_ptr_array_add(argv, g_strdup(lines[i]));
	}
}

/* After the user's own: what these leave out, such as a place on the bus, QEMU chooses for theirs first. */
static void add_agent(const struct run *run, GPtrArray *argv)
{
	if (!run->agent)
		return;
	g_ptr_array_add(argv, g_strdup("-chardev"));
	g_ptr_array_add(argv,
			g_strdup_printf("socket,id=qrt-agent,fd=%d", agent_link_get_far_fd(run->agent)));
	g_ptr_array_add(argv, g_strdup("-device"));
	g_ptr_array_add(argv, g_strdup("ivshmem-doorbell,chardev=qrt-agent,vectors=2,id=qrt-agent"));
}

/*
 * Ours come first: an argument of the user's that lacks its value cannot swallow them. QEMU merges several
 * -name, and -machine.
 */
char **run_make_argv(const struct run *run)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	char *const *given = run->request.vm_argv;
	GPtrArray *argv = g_ptr_array_new();
	int i;

	g_ptr_array_add(argv, g_strdup(given[0]));
	g_ptr_array_add(argv, g_strdup("-name"));
	g_ptr_array_add(argv, g_strdup("debug-threads=on"));
	add_monitor(run, argv);
	if (run->library == LIBRARY_BUILT_IN)
		add_plan(run->plan_text, argv);
	if (qrt_sched_plan_get_globals(run->request.plan, &globals) >= 0)
		vm_memory_add_arguments(&run->request.memory, globals.hugepages, argv);
	for (i = 1; i < run->request.vm_argc; i++) {
		g_ptr_array_add(argv, g_strdup(given[i]));
		if (!vm_args_takes_value(given[i]) || i + 1 == run->request.vm_argc)
			continue;
		i++;
		g_ptr_array_add(argv, g_str_has_suffix(given[i - 1], "-name") ? clean_name(given[i])
									      : g_strdup(given[i]));
	}
	add_agent(run, argv);
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}

static char **set_number(char **envp, const char *name, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	return g_environ_setenv(envp, name, text, TRUE);
}

static char **add_preload(const struct run *run, char **envp)
{
	const char *before = g_environ_getenv(envp, "LD_PRELOAD");
	g_autofree char *list = g_strjoin(":", run->preload, before && *before ? before : NULL, NULL);

	envp = g_environ_setenv(envp, "LD_PRELOAD", list, TRUE);
	return g_environ_setenv(envp, "QRT_SCHED_PLAN", run->plan_text, TRUE);
}

char **run_make_envp(const struct run *run)
{
	char **envp = g_get_environ();

	if (run->library == LIBRARY_NONE)
		return envp;
	/* One of somebody else's must not be in force beside ours. */
	envp = g_environ_unsetenv(envp, "QRT_SCHED_PLAN");
	envp = g_environ_unsetenv(envp, "QRT_SCHED_PLAN_FILE");
	if (run->library == LIBRARY_PRELOADED)
		envp = add_preload(run, envp);
	envp = set_number(envp, "QRT_SCHED_BROKER", run->broker[1]);
	if (run->recorder)
		envp = set_number(envp, "QRT_SCHED_RECORD", qrt_sched_recorder_get_fd(run->recorder));
	if (run->locks)
		envp = set_number(envp, "QRT_SCHED_LOCKS", locks_get_fd(run->locks));
	return envp;
}
