/* SPDX-License-Identifier: MIT */
/* top: what the threads of running VMs do, at every second, and keys that change their plans. */
#include "clean.h"
#include "command.h"
#include "state.h"
#include "top.h"

#include <ncurses.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define INTERVAL_US G_USEC_PER_SEC
#define STEP_US     2000
#define BUSY_MS     50 /* from look to look whether an answer has come */
#define MESSAGE_US  (8 * G_USEC_PER_SEC)
#define PATIENCE_US G_USEC_PER_SEC /* with a supervisor: the others are not to become old meanwhile */

static void print_help(void)
{
	puts("Usage: qrt-launcher top [NAME]\n\n"
	     "Shows what the threads of running VMs, or of VM NAME until it ends, do: how they run, their "
	     "part\n"
	     "of a CPU, switches and waits in a second, the layers that have a say. Keys:\n\n"
	     "  up k, down j, PageUp, PageDown, Home, End    choose a thread\n"
	     "  Tab           the next VM, all VMs      s      sort by another column\n"
	     "  f             show threads with a text only\n"
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
	top->message_until = g_get_monotonic_time() + MESSAGE_US;
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

static void take_look(struct top *top, struct top_look *look)
{
	if (look->number >= top->awaited)
		top->awaited = 0;
	top->is_ended = look->ended;
	top_model_take(&top->model, look->vms, look->silent, g_get_monotonic_time());
	top_look_free(look);
	top_follow(top);
}

/* What has come since the last key. */
static void take_answers(struct top *top)
{
	struct top_change *change = top_asker_take_change(top->asker);
	struct top_look *look = top_asker_take_look(top->asker);

	if (change) {
		top_keys_say(top, change);
		top_change_free(change);
		top->awaited = top_asker_look(top->asker);
	}
	if (look)
		take_look(top, look);
}

/* The next key is about what is shown: it is better to have shown what this one did. */
void top_change(struct top *top, const char *vm, const char *option, const char *line)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_US;

	if (top->awaited || !top_asker_change(top->asker, vm, option, line)) {
		top_say(top, "one change at a time: the last one has not come to its end");
		return;
	}
	top_say(top, "%s: %s: waiting for its supervisor", vm, option);
	top->message_until = G_MAXINT64;
	do {
		g_usleep(STEP_US);
		take_answers(top);
	} while (top_asker_is_busy(top->asker) && g_get_monotonic_time() < until);
}

/* ---- time ---- */

static int wait_key(const struct top *top, gint64 until_us)
{
	gint64 left_ms = (until_us - g_get_monotonic_time()) / 1000;

	timeout((int)CLAMP(left_ms, 0, top_asker_is_busy(top->asker) ? BUSY_MS : 1000));
	return getch();
}

/* There no key ever comes, and nobody waits for one. Its signal may be ignored, as by nohup. */
static bool has_hung_up(void)
{
	struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&keyboard, 1, 0) > 0 && keyboard.revents & (POLLHUP | POLLERR | POLLNVAL);
}

static void go_on(struct top *top)
{
	gint64 next = g_get_monotonic_time() + INTERVAL_US;
	bool more = true;
	int key;

	while (more && !top_terminal_is_ended() && !top->is_ended) {
		top_screen_draw(top);
		key = wait_key(top, next);
		if (key == ERR && has_hung_up())
			return;
		more = top_keys_take(top, key);
		take_answers(top);
		take_errors(top);
		if (g_get_monotonic_time() < next)
			continue;
		if (!top->is_paused)
			top_asker_look(top->asker);
		next = g_get_monotonic_time() + INTERVAL_US;
	}
}

static int show(struct top *top)
{
	if (!top_terminal_open(top))
		return EXIT_FAILED;
	top_follow(top);
	go_on(top);
	top_terminal_close(top);
	if (top->is_ended)
		printf("VM '%s' ended.\n", top->name);
	return EXIT_OK;
}

/* ---- the command ---- */

static int show_asked(struct top *top, struct status_ask *ask)
{
	int r;

	top_model_open(&top->model);
	take_look(top, top_look_new(ask));
	top->asker = top_asker_open(ask);
	r = show(top);
	top->asker = top_asker_close(top->asker);
	top_model_close(&top->model);
	return r;
}

/* Who asks for one VM wants to know why it is not there; all others are shown meanwhile. */
static int run(struct top *top)
{
	struct status_ask ask;

	status_ask_open(&ask, top->name);
	if (!top->name)
		ask.patience_us = PATIENCE_US;
	status_ask_repair();
	status_ask_all(&ask, false);
	ask.patience_us = PATIENCE_US;
	if (!ask.is_unreadable && (!ask.name || ask.silent->len == 0))
		return show_asked(top, &ask);
	status_ask_complain(&ask);
	status_ask_close(&ask);
	return EXIT_FAILED;
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

int command_top(int argc, char **argv)
{
	struct top top = {.error_fd = -1};
	int r;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help();
		return EXIT_OK;
	}
	r = parse(argc, argv, &top.name);
	if (r != EXIT_OK)
		return r;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("top: standard input and output must be a terminal; 'qrt-launcher status --watch' "
			 "needs "
			 "none");
		return EXIT_FAILED;
	}
	r = run(&top);
	top_terminal_end_as_told();
	return r;
}
