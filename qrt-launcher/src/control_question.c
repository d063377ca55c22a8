/* SPDX-License-Identifier: MIT */
#include "attach.h"
#include "change.h"
#include "control_p.h"
#include "guest.h"
#include "json_limit.h"
#include "recorder.h"
#include "supervisor.h"

#include <string.h>

/* Who asks in the same moment as 'detach' finds threads that are as before, and stay so. */
static const char is_let_go[] = "{\"error\":\"it was just let go by 'qrt-launcher detach'\"}\n";

/* ---- a recording is made elsewhere, one after the other ---- */

static void on_recording(char *text, void *data);

/* NULL: it comes later. */
static char *ask_recorder(struct client *client)
{
	struct control *control = client->control;

	client->awaits = CONTROL_RECORDING;
	if (control->is_recording)
		return NULL;
	if (recorder_report(control->supervisor, on_recording, control) < 0) {
		client->awaits = CONTROL_NOTHING;
		return g_strdup("{\"error\":\"nothing is recorded\"}\n");
	}
	control->is_recording = true;
	control->recorded = client;
	return NULL;
}

static struct client *find_waiting(const struct control *control)
{
	const GList *link = control->clients->tail;

	while (link && ((const struct client *)link->data)->awaits != CONTROL_RECORDING)
		link = link->prev;
	return link ? link->data : NULL;
}

static void on_recording(char *text, void *data)
{
	struct control *control = data;
	struct client *client = control->recorded;

	control->is_recording = false;
	control->recorded = NULL;
	if (client)
		control_tell(client, text);
	else
		g_free(text);
	while (!control->is_recording && (client = find_waiting(control))) {
		text = ask_recorder(client);
		if (text)
			control_tell(client, text);
	}
}

/* ---- a guest answers when it likes ---- */

static void on_guest(const struct guest_ask_answer *answer, void *data)
{
	struct client *client = data;

	control_tell(client, guest_answer_format(client->control->supervisor->guest, answer));
}

/* NULL: it comes later. */
static char *ask_guest(struct client *client, JsonObject *request)
{
	char *text = guest_answer(client->control->supervisor->guest, request, on_guest, client);

	if (!text)
		client->awaits = CONTROL_GUEST;
	return text;
}

/* ---- questions ---- */

char *control_question_answer(struct client *client, const char *line, gssize len)
{
	struct supervisor *supervisor = client->control->supervisor;
	JsonObject *request = json_limit_parse(line, len);
	const char *command;
	char *text = NULL;

	if (!request)
		return g_strdup("{\"error\":\"no JSON object\"}\n");
	command = json_limit_get_string(request, "command");
	if (strcmp(command, "status") == 0)
		text = report_status(supervisor);
	else if (strcmp(command, "recording") == 0)
		text = ask_recorder(client);
	else if (strcmp(command, "guest") == 0)
		text = ask_guest(client, request);
	else if (strcmp(command, "set") == 0)
		text = supervisor->let_go ? g_strdup(is_let_go) : change_answer(supervisor, request);
	else if (strcmp(command, "detach") == 0)
		text = attach_answer_detach(supervisor);
	json_object_unref(request);
	return text || client->awaits ? text : g_strdup("{\"error\":\"unknown command\"}\n");
}

void control_question_forget(struct client *client)
{
	struct control *control = client->control;

	if (control->recorded == client)
		control->recorded = NULL;
	if (client->awaits == CONTROL_GUEST)
		guest_answer_forget(control->supervisor->guest, client);
}
