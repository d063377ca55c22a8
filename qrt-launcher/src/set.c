/* SPDX-License-Identifier: MIT */
#include "set.h"

#include "command.h"
#include "plan_request.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#define PLAN_MAX     (64u << 10)
#define QUESTION_MAX 65536 /* of what the supervisor reads */

struct set_question {
	JsonBuilder *builder;
	unsigned count;
	bool replace;
};

struct set_question *set_question_new(void)
{
	struct set_question *question = g_new0(struct set_question, 1);

	question->builder = json_builder_new();
	json_builder_begin_array(question->builder);
	return question;
}

void set_question_free(struct set_question *question)
{
	g_object_unref(question->builder);
	g_free(question);
}

static void add_member(struct set_question *question, const char *name, const char *value)
{
	json_builder_set_member_name(question->builder, name);
	json_builder_add_string_value(question->builder, value);
}

/* ---- options ---- */

/* The supervisor reads it again: this is for an answer that needs no VM. */
static int try_option(const char *text)
{
	struct plan_request scratch;
	struct qrt_sched_error error;
	int r = EXIT_OK;

	if (plan_request_open(&scratch, "set") < 0)
		return EXIT_FAILED;
	text = plan_request_skip_default(&scratch, text);
	if (!(scratch.wants_default && *text == '\0') &&
	    qrt_sched_plan_parse_option(scratch.plan, text, &error) < 0) {
		complain("-rt: %s", error.message);
		r = EXIT_USAGE;
	}
	plan_request_close(&scratch);
	return r;
}

int set_question_add_option(struct set_question *question, const char *text)
{
	int r = try_option(text);

	if (r != EXIT_OK)
		return r;
	if (!g_utf8_validate(text, -1, NULL)) {
		complain("-rt: not UTF-8");
		return EXIT_USAGE;
	}
	json_builder_begin_object(question->builder);
	add_member(question, "option", text);
	json_builder_end_object(question->builder);
	question->count++;
	return EXIT_OK;
}

/* ---- files ---- */

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, size - len);
		if (n > 0)
			len += (size_t)n;
	} while (len < size && (n > 0 || (n < 0 && errno == EINTR)));
	return n < 0 ? -errno : (ssize_t)len;
}

/* One byte more than a plan can have is read, so that the parser refuses it. */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	bool is_input = strcmp(path, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t len = fd < 0 ? -errno : read_all(fd, buf, size);

	if (fd >= 0 && !is_input)
		close(fd);
	return len;
}

static int try_text(const char *path, const char *text, size_t len)
{
	struct qrt_sched_plan *plan;
	struct qrt_sched_error error;
	int r = EXIT_OK;

	if (qrt_sched_plan_new(&plan) < 0)
		return EXIT_FAILED;
	if (qrt_sched_plan_parse_text(plan, text, len, &error) < 0) {
		if (error.line)
			complain("%s:%u: %s", path, error.line, error.message);
		else
			complain("%s: %s", path, error.message);
		r = EXIT_FAILED;
	} else if (!g_utf8_validate(text, (gssize)len, NULL)) {
		complain("%s: not UTF-8", path);
		r = EXIT_FAILED;
	}
	qrt_sched_plan_close(plan);
	return r;
}

int set_question_add_file(struct set_question *question, const char *path)
{
	g_autofree char *text = g_malloc0(PLAN_MAX + 2);
	const char *shown = strcmp(path, "-") == 0 ? "standard input" : path;
	g_autofree char *name = g_path_get_basename(shown), *valid = g_utf8_make_valid(name, -1);
	ssize_t len = read_file(path, text, PLAN_MAX + 1);
	int r;

	if (len < 0) {
		if (strcmp(path, "-") == 0)
			complain("%s: it cannot be read: %s", shown, strerror((int)-len));
		else
			complain("cannot read the plan file '%s': %s", path, strerror((int)-len));
		return EXIT_FAILED;
	}
	r = try_text(shown, text, (size_t)len);
	if (r != EXIT_OK)
		return r;
	json_builder_begin_object(question->builder);
	add_member(question, "file", valid);
	add_member(question, "text", text);
	json_builder_end_object(question->builder);
	question->replace = true;
	question->count++;
	return EXIT_OK;
}

bool set_question_is_empty(const struct set_question *question)
{
	return question->count == 0;
}

char *set_question_format(const struct set_question *question)
{
	JsonNode *changes;
	g_autofree char *text = NULL;
	char *line;

	json_builder_end_array(question->builder);
	changes = json_builder_get_root(question->builder);
	text = json_to_string(changes, FALSE);
	json_node_unref(changes);
	line = g_strdup_printf("{\"command\":\"set\",\"replace\":%s,\"changes\":%s}\n",
			       question->replace ? "true" : "false", text);
	if (strlen(line) < QUESTION_MAX)
		return line;
	g_free(line);
	return NULL;
}
