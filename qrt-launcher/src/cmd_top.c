/* SPDX-License-Identifier: MIT */
/* top: what the threads of running VMs do, at every second, and keys that change their plans. */
#include "clean.h"
#include "command.h"
#include "state.h"
#include "top.h"

#include <ncurses.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INTERVAL_US G_USEC_PER_SEC
#define ESCAPE_MS   50 /* between an escape key and what an arrow sends after its escape */

static volatile sig_atomic_t ended_by;

static void print_help(void)
{
	puts("Usage: qrt-launcher top [NAME]\n\n"
	     "Shows what the threads of running VMs, or of VM NAME until it ends, do: how they run, their "
	     "part\n"
	     "of a CPU, switches and waits in a second, the layers that have a say. Keys:\n\n"
	     "  up k, down j  choose a thread           s      sort by another column\n"
	     "  Tab           the next VM, all VMs      f      show threads with a text only\n"
	     "  + -           priority of its role      Space  stop and go on\n"
	     "  p             policy of its role        h      help\n"
	     "  c             CPUs of its role          q      quit, as Ctrl-C\n\n"
	     "What is changed is checked and carried out as by 'qrt-launcher set'.\n\n"
	     "Exit code: 0, 1 there is no such VM or no terminal, 2 usage.");
}

/* ---- what is shown ---- */

void top_say(struct top *top, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_vsnprintf(top->message, sizeof(top->message), format, args);
	va_end(args);
	clean_text(top->message);
}

/* The last line that anybody said on standard error. */
static void take_errors(struct top *top)
{
	static const char name[] = "qrt-launcher: ";
	char line[300], last[300] = "";

	if (!top->errors)
		return;
	rewind(top->errors);
	while (fgets(line, sizeof(line), top->errors))
		g_strlcpy(last, line, sizeof(last));
	if (!*last)
		return;
	last[strcspn(last, "\n")] = '\0';
	top_say(top, "%s", g_str_has_prefix(last, name) ? last + strlen(name) : last);
	(void)!ftruncate(fileno(top->errors), 0);
	lseek(STDERR_FILENO, 0, SEEK_SET);
}

const struct top_row *top_get_chosen(const struct top *top)
{
	const GArray *shown = top->model.shown;

	return top->chosen < shown->len ? &g_array_index(shown, struct top_row, top->chosen) : NULL;
}

void top_choose(struct top *top, gint64 place)
{
	gint64 last = (gint64)top->model.shown->len - 1;
	guint room = (guint)MAX(top_screen_count_rows(), 1);
	const struct top_row *row;

	top->chosen = (guint)CLAMP(place, 0, MAX(last, 0));
	if (top->chosen < top->first)
		top->first = top->chosen;
	if (top->chosen >= top->first + room)
		top->first = top->chosen - room + 1;
	row = top_get_chosen(top);
	if (!row)
		return;
	top->chosen_tid = row->tid;
	g_strlcpy(top->chosen_vm, row->vm, sizeof(top->chosen_vm));
}

void top_follow(struct top *top)
{
	const GArray *shown = top->model.shown;
	guint i, place = top->chosen;

	top_model_arrange(&top->model);
	for (i = 0; i < shown->len; i++) {
		const struct top_row *row = &g_array_index(shown, struct top_row, i);

		if (row->tid == top->chosen_tid && strcmp(row->vm, top->chosen_vm) == 0)
			place = i;
	}
	top->first = MIN(top->first, place);
	top_choose(top, place);
}

void top_look(struct top *top)
{
	status_ask_all(&top->ask, false);
	top->is_ended = top->ask.ended;
	top_model_take(&top->model, top->ask.vms, g_get_monotonic_time());
	top_follow(top);
	take_errors(top);
}

/* ---- the terminal ---- */

static void on_signal(int number)
{
	ended_by = number;
}

/* Before ncurses looks, which would take those that nobody has. */
static void take_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_signal}, had;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (sigaction(numbers[i], NULL, &had) == 0 && had.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

/* A word on standard error in the middle of the screen would stay there. */
static void catch_errors(struct top *top)
{
	int fd = memfd_create("qrt-top-errors", MFD_CLOEXEC);

	fflush(stderr);
	top->error_fd = dup(STDERR_FILENO);
	top->errors = fd < 0 ? NULL : fdopen(fd, "r");
	if (top->errors)
		dup2(fd, STDERR_FILENO);
}

static void release_errors(struct top *top)
{
	if (top->errors) {
		dup2(top->error_fd, STDERR_FILENO);
		fclose(top->errors);
	}
	close(top->error_fd);
}

static void prepare_screen(void)
{
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
}

static int wait_key(gint64 until_us)
{
	gint64 left_ms = (until_us - g_get_monotonic_time()) / 1000;

	timeout((int)CLAMP(left_ms, 0, 1000));
	return getch();
}

static void go_on(struct top *top)
{
	gint64 next = g_get_monotonic_time() + INTERVAL_US;
	bool more = true;

	while (more && !ended_by && !top->is_ended) {
		top_screen_draw(top);
		more = top_keys_take(top, wait_key(next));
		take_errors(top);
		if (g_get_monotonic_time() < next)
			continue;
		if (!top->is_paused)
			top_look(top);
		next = g_get_monotonic_time() + INTERVAL_US;
	}
}

/* 0, or the exit code. */
static int show(struct top *top)
{
	SCREEN *screen;

	take_signals();
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		complain(
			"top: the terminal '%s' is not known; set TERM, or use 'qrt-launcher status --watch'",
			g_getenv("TERM") ?: "");
		return EXIT_FAILED;
	}
	catch_errors(top);
	prepare_screen();
	top_follow(top);
	go_on(top);
	endwin();
	delscreen(screen);
	release_errors(top);
	if (top->is_ended)
		printf("VM '%s' ended.\n", top->ask.name);
	return EXIT_OK;
}

/* ---- the command ---- */

static int run(struct top *top)
{
	int r = EXIT_FAILED;

	top_model_open(&top->model);
	top->priorities = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	status_ask_repair();
	top_look(top);
	if (top->ask.is_unreadable || (top->ask.name && top->ask.silent->len > 0))
		status_ask_complain(&top->ask);
	else
		r = show(top);
	g_hash_table_destroy(top->priorities);
	top_model_close(&top->model);
	return r;
}

static int parse(int argc, char **argv, const char **ret_name)
{
	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		complain("top: unknown argument '%s'; try 'qrt-launcher top --help'", argv[argc - 1]);
		return EXIT_USAGE;
	}
	*ret_name = argc == 2 ? argv[1] : NULL;
	if (argc < 2 || state_is_name(argv[1]))
		return EXIT_OK;
	complain("'%s' is no VM's name: letters, digits, '_', '.', '-', at most %d", argv[1], STATE_NAME_MAX);
	return EXIT_USAGE;
}

/* Who ended us wants to see that it was he. */
static void end_as_told(void)
{
	if (ended_by == 0 || ended_by == SIGINT)
		return;
	fflush(stdout);
	signal(ended_by, SIG_DFL);
	raise(ended_by);
}

int command_top(int argc, char **argv)
{
	struct top top = {.error_fd = -1};
	const char *name;
	int r;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help();
		return EXIT_OK;
	}
	r = parse(argc, argv, &name);
	if (r != EXIT_OK)
		return r;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("top: standard input and output must be a terminal; 'qrt-launcher status --watch' "
			 "needs "
			 "none");
		return EXIT_FAILED;
	}
	status_ask_open(&top.ask, name);
	r = run(&top);
	status_ask_close(&top.ask);
	end_as_told();
	return r;
}
