/* SPDX-License-Identifier: MIT */
/* What a guest answers, for who asks by the control socket. */
#include "guest.h"
#include "guest_ask.h"
#include "guest_p.h"
#include "json_limit.h"
#include "json_put.h"
#include "supervisor.h"

#include <errno.h>
#include <string.h>

#define TIMEOUT_MS     1000
#define TIMEOUT_MAX_MS 60000

/* ---- answers ---- */

static JsonBuilder *begin_answer(bool is_answered)
{
	JsonBuilder *builder = json_builder_begin_object(json_builder_new());

	json_put_bool(builder, "answered", is_answered);
	return builder;
}

/* `why` is for programs. NULL: it is no matter of the guest's. */
static char *format_refusal(const char *why, const char *error)
{
	JsonBuilder *builder = begin_answer(false);

	if (why) {
		json_put_string(builder, "why", why);
	}
	json_put_string(builder, "error", error);
	return json_put_end(builder);
}

static char *format_timeout(const struct guest *guest)
{
	g_autofree char *error = NULL;

	if (guest->life.is_running)
		return format_refusal("timeout", "the guest did not answer in time");
	error = g_strdup_printf("the guest did not answer in time; the VM is %s",
				guest->supervisor->guest_state);
	return format_refusal("timeout", error);
}

static const char *describe_error(int error)
{
	switch (error) {
	case -EBUSY:
		return "another measurement runs in the guest: wait until it is over";
	case -EINVAL:
		return "the guest has no such CPU";
	case -EPERM:
		return "the guest's agent may not run at that priority: it takes root there";
	default:
		return strerror(-error);
	}
}

static char *format_answer(const struct guest_ask_answer *answer)
{
	const struct qrt_shmem_agent_result *result = answer->result;
	JsonBuilder *builder = begin_answer(true);
	uint32_t i;

	json_put_int(builder, "ns", answer->ns);
	if (!result)
		return json_put_end(builder);
	json_put_int(builder, "count", result->count);
	json_put_int(builder, "min_ns", result->min_ns);
	json_put_int(builder, "max_ns", result->max_ns);
	json_put_int(builder, "sum_ns", result->sum_ns);
	json_builder_set_member_name(builder, "buckets");
	json_builder_begin_array(builder);
	for (i = 0; i < QRT_SHMEM_AGENT_BUCKETS; i++)
		json_builder_add_int_value(builder, result->buckets[i]);
	json_builder_end_array(builder);
	return json_put_end(builder);
}

char *guest_answer_format(const struct guest *guest, const struct guest_ask_answer *answer)
{
	switch (answer->end) {
	case GUEST_ASK_ANSWERED:
		break;
	case GUEST_ASK_TIMEOUT:
		return format_timeout(guest);
	case GUEST_ASK_RESET:
		return format_refusal("reset", "the guest was reset meanwhile");
	case GUEST_ASK_GONE:
		return format_refusal("gone", "the guest has shut down meanwhile");
	case GUEST_ASK_NONSENSE:
		return format_refusal("nonsense", "the guest answered what cannot be");
	}
	if (answer->result && answer->result->error)
		return format_refusal("refused", describe_error(answer->result->error));
	return format_answer(answer);
}

/* ---- questions ---- */

/* NULL: there is somebody to ask. */
static char *refuse(const struct guest *guest)
{
	if (!guest)
		return format_refusal(NULL, "its guest cannot be asked: the VM was started without --agent");
	if (guest->life.is_down)
		return format_refusal("gone", "the guest has shut down");
	if (!guest->life.is_known)
		return format_refusal("silent",
				      "the guest has said nothing yet; does qrt-guest-agent run in it?");
	return NULL;
}

/* A member that is a number up to `most`, or is not there; false for any other. */
static bool take_number(JsonObject *request, const char *name, uint32_t most, uint32_t *number)
{
	JsonNode *node = json_object_get_member(request, name);
	gint64 value;

	if (!node)
		return true;
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64)
		return false;
	value = json_node_get_int(node);
	*number = (uint32_t)value;
	return value >= 0 && value <= most;
}

static int ask_ping(struct guest_ask *ask, JsonObject *request, guest_ask_told *told, void *data)
{
	uint32_t timeout_ms = TIMEOUT_MS;

	if (!take_number(request, "timeout_ms", TIMEOUT_MAX_MS, &timeout_ms) || timeout_ms == 0)
		return -EINVAL;
	return guest_ask_ping(ask, timeout_ms * UINT64_C(1000000), guest_now_ns(), told, data);
}

static int ask_probe(struct guest_ask *ask, JsonObject *request, guest_ask_told *told, void *data)
{
	struct qrt_shmem_agent_probe probe = {.cpu = QRT_SHMEM_AGENT_ANY_CPU};

	if (!take_number(request, "interval_us", UINT32_MAX, &probe.interval_us) ||
	    !take_number(request, "count", UINT32_MAX, &probe.count) ||
	    !take_number(request, "priority", UINT32_MAX, &probe.priority) ||
	    !take_number(request, "cpu", GUEST_ASK_CPU_MAX, &probe.cpu))
		return -EINVAL;
	return guest_ask_probe(ask, &probe, guest_now_ns(), told, data);
}

char *guest_answer(struct guest *guest, JsonObject *request, guest_ask_told *told, void *data)
{
	const char *what = json_limit_get_string(request, "ask");
	char *refusal = refuse(guest);
	int r = -EINVAL;

	if (refusal)
		return refusal;
	if (strcmp(what, "ping") == 0)
		r = ask_ping(guest->ask, request, told, data);
	else if (strcmp(what, "probe") == 0)
		r = ask_probe(guest->ask, request, told, data);
	if (r >= 0)
		return NULL;
	return format_refusal(NULL, r == -EBUSY ? "the guest is asked too much at a time: try again"
						: "no such question can be asked of a guest");
}

void guest_answer_forget(struct guest *guest, const void *data)
{
	guest_ask_cancel(guest->ask, data);
}
