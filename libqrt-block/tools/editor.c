/* SPDX-License-Identifier: MIT */
/* By libedit: one line that is edited, those before it, and Tab. */
#include "editor.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "command.h"
#include "interactive.h"
#include "io.h"
#include "tool_say.h"

#define REMEMBERED 1000 /* lines */

struct editor {
	struct session *session;
	EditLine *line;
	History *history;
	const char *path;   /* of the history; NULL: it ends with the program */
	gboolean is_broken; /* the line, by ^C */
};

static struct editor *editor_of(EditLine *line)
{
	void *editor = NULL;

	el_get(line, EL_CLIENTDATA, &editor);
	return editor;
}

/* ---- characters ---- */

/* What is said now stands where the line was, which comes again below it. */
static void make_room(void)
{
	const char *terminal = g_getenv("TERM");

	fputs(terminal && strcmp(terminal, "dumb") != 0 ? "\r\033[K" : "\n", stdout);
}

static void tell_done(struct editor *editor)
{
	make_room();
	io_harvest(editor->session);
	el_set(editor->line, EL_REFRESH);
}

/* A shell that had the terminal meanwhile left its own modes there. */
static void take_terminal(struct editor *editor)
{
	el_set(editor->line, EL_PREP_TERM, 0);
	el_set(editor->line, EL_PREP_TERM, 1);
	el_resize(editor->line);
	make_room();
	el_set(editor->line, EL_REFRESH);
}

/* FALSE: ^C. */
static gboolean wait_for_input(struct editor *editor)
{
	for (;;) {
		switch (interactive_wait(editor->session)) {
		case INTERACTIVE_INPUT:
			return TRUE;
		case INTERACTIVE_DONE:
			tell_done(editor);
			break;
		case INTERACTIVE_BREAK:
			editor->is_broken = TRUE;
			return FALSE;
		case INTERACTIVE_TERMINAL:
			take_terminal(editor);
			break;
		}
	}
}

/* As libedit wants it: 1 a character, 0 the end, -1 no line. What is no character is left out. */
static int read_character(EditLine *line, wchar_t *ret_character)
{
	struct editor *editor = editor_of(line);
	mbstate_t state = {0};
	size_t used = (size_t)-2;
	ssize_t count;
	char byte;

	do {
		if (!wait_for_input(editor))
			return -1;
		count = read(STDIN_FILENO, &byte, 1);
		if (count < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (count <= 0)
			return 0;
		used = mbrtowc(ret_character, &byte, 1, &state);
		if (used == (size_t)-1)
			memset(&state, 0, sizeof(state));
	} while (used > 1);
	return 1;
}

/* ---- Tab ---- */

/* What stands before the word is nothing, or `help`. */
static gboolean is_name_wanted(const char *text, const char *word)
{
	g_autofree char *before = g_strndup(text, (gsize)(word - text));

	g_strstrip(before);
	return *before == '\0' || strcmp(before, "help") == 0 || strcmp(before, "?") == 0;
}

/* Of those that begin with the word. */
static void keep_matches(GPtrArray *commands, const char *word)
{
	guint i;

	for (i = commands->len; i-- > 0;) {
		if (!g_str_has_prefix(((const struct command *)commands->pdata[i])->name, word))
			g_ptr_array_remove_index(commands, i);
	}
}

static const char *name_at(const GPtrArray *commands, guint index)
{
	return ((const struct command *)commands->pdata[index])->name;
}

/* How many letters all of them begin with. */
static gsize common_length(const GPtrArray *commands)
{
	const char *first = name_at(commands, 0);
	gsize length = strlen(first), same;
	guint i;

	for (i = 1; i < commands->len; i++) {
		const char *name = name_at(commands, i);

		for (same = 0; same < length && name[same] == first[same]; same++)
			;
		length = same;
	}
	return length;
}

static void print_matches(EditLine *line, const GPtrArray *commands)
{
	guint i;

	putchar('\n');
	for (i = 0; i < commands->len; i++)
		printf("%s%s", name_at(commands, i), i + 1 < commands->len ? "  " : "\n");
	el_set(line, EL_REFRESH);
}

static unsigned char complete_with(EditLine *line, const GPtrArray *commands, const char *word)
{
	gsize typed = strlen(word), common;
	g_autofree char *rest = NULL;

	if (commands->len == 0)
		return CC_ERROR;
	common = common_length(commands);
	if (common == typed && commands->len > 1) {
		print_matches(line, commands);
		return CC_NORM;
	}
	rest = g_strdup_printf("%.*s%s", (int)(common - typed), name_at(commands, 0) + typed,
			       commands->len == 1 ? " " : "");
	return el_insertstr(line, rest) == 0 ? CC_REFRESH : CC_ERROR;
}

static unsigned char complete(EditLine *line, int letter)
{
	const LineInfo *info = el_line(line);
	g_autofree char *text = g_strndup(info->buffer, (gsize)(info->cursor - info->buffer));
	g_autoptr(GPtrArray) commands = command_list();
	const char *word = strrchr(text, ' ');

	(void)letter;
	word = word ? word + 1 : text;
	if (!is_name_wanted(text, word))
		return CC_ERROR;
	keep_matches(commands, word);
	return complete_with(line, commands, word);
}

/* ---- lines that were ---- */

static gboolean is_empty(const char *path)
{
	struct stat found;

	return stat(path, &found) < 0 ? errno == ENOENT : found.st_size == 0;
}

/* A file of something else is not written over. */
static void load_history(struct editor *editor)
{
	HistEvent event;

	history(editor->history, &event, H_SETSIZE, REMEMBERED);
	history(editor->history, &event, H_SETUNIQUE, 1);
	editor->path = g_getenv("QRT_IO_HISTORY");
	if (!editor->path || is_empty(editor->path))
		return;
	if (history(editor->history, &event, H_LOAD, editor->path) < 0) {
		complain("QRT_IO_HISTORY: '%s' is no history of lines; it stays as it is", editor->path);
		editor->path = NULL;
	}
}

static void save_history(const struct editor *editor)
{
	HistEvent event;

	if (editor->path && history(editor->history, &event, H_SAVE, editor->path) < 0)
		complain("QRT_IO_HISTORY: '%s' cannot be written", editor->path);
}

/* One that begins with a blank is not to be remembered. */
static void remember(const struct editor *editor, const char *text)
{
	HistEvent event;

	if (*text && !g_ascii_isspace(*text))
		history(editor->history, &event, H_ENTER, text);
}

/* ---- life ---- */

static char *get_prompt(EditLine *line)
{
	static char prompt[] = INTERACTIVE_PROMPT;

	(void)line;
	return prompt;
}

static void set_up(struct editor *editor)
{
	EditLine *line = editor->line;

	el_set(line, EL_CLIENTDATA, editor);
	el_set(line, EL_PROMPT, get_prompt);
	el_set(line, EL_HIST, history, editor->history);
	el_set(line, EL_EDITOR, "emacs");
	el_wset(line, EL_GETCFN, read_character);
	/* In wide characters, as libedit keeps it: it does not free what it makes of others. */
	el_wset(line, EL_ADDFN, L"qrt-complete", L"complete the name of a command", complete);
	el_set(line, EL_BIND, "^I", "qrt-complete", NULL);
	el_set(line, EL_BIND, "^R", "em-inc-search-prev", NULL);
	/* What the user has in ~/.editrc goes before ours. */
	el_source(line, NULL);
}

struct editor *editor_open(struct session *session)
{
	struct editor *editor = g_new0(struct editor, 1);

	/* Letters of the user's language. */
	setlocale(LC_CTYPE, "");
	editor->session = session;
	editor->history = history_init();
	editor->line = el_init(tool_name, stdin, stdout, stderr);
	if (!editor->history || !editor->line)
		return editor_close(editor);
	load_history(editor);
	set_up(editor);
	return editor;
}

struct editor *editor_close(struct editor *editor)
{
	if (!editor)
		return NULL;
	if (editor->history) {
		save_history(editor);
		history_end(editor->history);
	}
	if (editor->line)
		el_end(editor->line);
	g_free(editor);
	return NULL;
}

char *editor_take_line(struct editor *editor)
{
	const char *text;
	char *line;
	int count;

	do {
		fflush(stdout);
		editor->is_broken = FALSE;
		/* Before the prompt: what is typed as soon as that is seen is for the editor, too. */
		el_set(editor->line, EL_PREP_TERM, 1);
		text = el_gets(editor->line, &count);
		if (!text && editor->is_broken)
			puts("^C");
	} while (!text && editor->is_broken);
	if (!text)
		return NULL;
	line = g_strndup(text, strcspn(text, "\n"));
	remember(editor, line);
	return line;
}
