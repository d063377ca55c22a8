/* SPDX-License-Identifier: MIT */
/*
 * {"command":"set","replace":true|false,"changes":[{"option":"vcpu_prio=5"},{"file":"a.plan","text":"..."}]}
 * puts each change on top of the running plan, or of an empty one. The answer is
 * {"changed":N,"threads":N,"plan":"...","options":["vcpu_prio=5"],"lint":[...]} or
 * {"error":"...","lint":[...]}: then nothing changed. With "busy":true it is worth asking again: another
 * launcher is just choosing its CPUs.
 */
#include "change.h"
#include "command.h"
#include "host.h"
#include "json_limit.h"
#include "json_put.h"
#include "plan_difference.h"
#include "plan_live.h"
#include "plan_request.h"
#include "supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct question {
	struct supervisor *supervisor;
	struct plan_request request;
	struct change_result result;
	char *before; /* the plan as text */
	bool is_busy;
};

static int fail(struct question *question, const char *before, const struct qrt_sched_error *error)
{
	struct change_result *result = &question->result;

	if (error->line)
		snprintf(result->error, sizeof(result->error), "%.48s:%u: %s", before, error->line,
			 error->message);
	else
		snprintf(result->error, sizeof(result->error), "%.48s: %s", before, error->message);
	return error->code;
}

static int refuse(struct question *question, const char *why)
{
	g_strlcpy(question->result.error, why, sizeof(question->result.error));
	return -EINVAL;
}

/* ---- the new plan ---- */

static int take_change(struct question *question, JsonObject *change)
{
	const char *text = json_limit_get_string(change, "text"),
		   *file = json_limit_get_string(change, "file");
	struct qrt_sched_error error;

	if (*file)
		return qrt_sched_plan_parse_text(question->request.plan, text, strlen(text), &error) < 0
			       ? fail(question, file, &error)
			       : 0;
	text = plan_request_skip_default(&question->request, json_limit_get_string(change, "option"));
	return *text && qrt_sched_plan_parse_option(question->request.plan, text, &error) < 0
		       ? fail(question, "-rt", &error)
		       : 0;
}

static int take_changes(struct question *question, JsonObject *object)
{
	JsonArray *changes = json_limit_get_array(object, "changes");
	guint i, count = json_limit_get_length(changes);
	int r = 0;

	if (!json_limit_get_bool(object, "replace")) {
		question->request.plan = qrt_sched_plan_close(question->request.plan);
		r = plan_live_copy(question->supervisor->plan, &question->request.plan);
	}
	if (r < 0)
		return refuse(question, "out of memory");
	for (i = 0; r == 0 && i < count; i++)
		r = take_change(question, json_limit_get_element(changes, i));
	return r;
}

/* ---- what is said against it ---- */

/* A warning is worth one word for each role; a fault may be of another thread. */
static bool is_same(const struct qrt_sched_finding *a, const struct qrt_sched_finding *b)
{
	if (a->severity == QRT_SCHED_FAULT || b->severity == QRT_SCHED_FAULT)
		return strcmp(a->message, b->message) == 0;
	return a->role == b->role && strcmp(a->code, b->code) == 0;
}

/* What the running plan is blamed for, too, is no reason not to change something else. */
static void forget_known(struct plan_request *request, const struct plan_request *running)
{
	size_t i, j, kept = 0;

	for (i = 0; i < request->findings_count; i++) {
		const struct qrt_sched_finding *finding = &request->findings[i];

		for (j = 0; j < running->findings_count; j++) {
			if (is_same(finding, &running->findings[j]))
				break;
		}
		if (j == running->findings_count)
			request->findings[kept++] = *finding;
	}
	request->findings_count = kept;
}

static int judge(struct question *question)
{
	const struct supervisor *supervisor = question->supervisor;
	struct plan_request *request = &question->request, running;
	struct qrt_sched_error error = {.code = -EINVAL};
	int r;

	request->own_cpus = &supervisor->cpus;
	r = plan_request_judge_running(request, &supervisor->vm, supervisor->state->name, &error);

	if (r < 0 && !error.message[0])
		g_strlcpy(error.message, strerror(-r), sizeof(error.message));
	if (r < 0)
		return fail(question, "the plan cannot be checked", &error);
	running = *request;
	running.wants_default = false;
	if (plan_live_copy(supervisor->plan, &running.plan) < 0)
		return refuse(question, "out of memory");
	if (plan_request_judge_running(&running, &supervisor->vm, supervisor->state->name, NULL) == 0)
		forget_known(request, &running);
	qrt_sched_plan_close(running.plan);
	return plan_request_has_fault(request) ? refuse(question, "the plan cannot work") : 0;
}

/* A default plan has a time of its own by which the main loop is early; nobody changes mutexes of a VM that
 * was there before. */
static void keep_inside(struct question *question)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	char text[32];

	qrt_sched_plan_get_globals(question->supervisor->plan, &globals);
	snprintf(text, sizeof(text), "advance=%u", globals.advance_us);
	if (question->request.wants_default)
		qrt_sched_plan_parse_option(question->request.plan, text, NULL);
	if (question->supervisor->is_attached)
		qrt_sched_plan_parse_option(question->request.plan, "pi=off", NULL);
}

static int check(struct question *question)
{
	g_autofree char *refusal = NULL;
	struct qrt_sched_error error;

	keep_inside(question);
	if (qrt_sched_plan_supported(question->request.plan, &error) < 0)
		return fail(question, "plan", &error);
	/* Which thread and which CPUs it has said on standard error. */
	if (host_check_plan(&question->request) != EXIT_OK)
		return refuse(question,
			      "a shield is up: the CPUs of a thread must be all inside it, or all outside");
	refusal = plan_live_refuse(question->supervisor->plan, question->request.plan);
	return refusal ? refuse(question, refusal) : 0;
}

static int put_in_force(struct question *question)
{
	struct state_place place;
	int r;

	question->before = plan_live_format(question->supervisor->plan);
	plan_request_get_place(&question->request, &place);
	r = change_plan(question->supervisor, question->request.plan, &place, &question->result);
	if (r == 0)
		question->request.plan = NULL; /* the supervisor's */
	return r;
}

/* From the look at other VMs until this one's record is written nobody else chooses CPUs. */
static int change(struct question *question)
{
	int run_fd = question->supervisor->state->run_fd, r = state_try_lock_run(run_fd);

	question->is_busy = r < 0;
	if (r < 0)
		return refuse(question, "another launcher is just choosing its CPUs: try again");
	r = judge(question);
	if (r == 0)
		r = check(question);
	if (r == 0)
		r = put_in_force(question);
	state_unlock_run(run_fd);
	return r;
}

/* ---- the answer ---- */

/* What of the plan is another now, also where that is nothing of a thread's. */
static void add_options(const struct question *question, const char *plan, JsonBuilder *builder)
{
	GPtrArray *options = plan_difference_list(question->before, plan);
	guint i;

	json_builder_set_member_name(builder, "options");
	json_builder_begin_array(builder);
	for (i = 0; i < options->len; i++)
		json_builder_add_string_value(builder, options->pdata[i]);
	json_builder_end_array(builder);
	g_ptr_array_unref(options);
}

static void add_change(const struct question *question, JsonBuilder *builder)
{
	g_autofree char *plan = plan_live_format(question->supervisor->plan);

	json_put_int(builder, "changed", question->result.changed);
	json_put_int(builder, "threads", question->result.threads);
	json_put_string(builder, "plan", plan);
	add_options(question, plan, builder);
}

static char *build(const struct question *question, int r)
{
	JsonBuilder *builder = json_builder_new();
	g_autofree char *error = g_utf8_make_valid(question->result.error, -1);

	json_builder_begin_object(builder);
	json_put_string(builder, "name", question->supervisor->state->name);
	if (question->is_busy) {
		json_put_bool(builder, "busy", TRUE);
	}
	if (r < 0)
		json_put_string(builder, "error", error);
	else
		add_change(question, builder);
	plan_build_findings(&question->request, builder);
	return json_put_end(builder);
}

char *change_answer(struct supervisor *supervisor, JsonObject *object)
{
	struct question question = {.supervisor = supervisor};
	char *line;
	int r;

	if (plan_request_open(&question.request, "set") < 0)
		return g_strdup("{\"error\":\"out of memory\"}\n");
	r = take_changes(&question, object);
	if (r == 0)
		r = change(&question);
	line = build(&question, r);
	plan_request_close(&question.request);
	g_free(question.before);
	return line;
}
