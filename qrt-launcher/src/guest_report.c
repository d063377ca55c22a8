/* SPDX-License-Identifier: MIT */
/* What is known of a guest, as JSON. */
#include "agent_load.h"
#include "agent_values.h"
#include "guest.h"
#include "guest_p.h"
#include "json_put.h"
#include "supervisor.h"

#include <math.h>

/* What a guest did not say is null. */
static void put_text(JsonBuilder *builder, const char *name, const char *value)
{
	json_put_string(builder, name, *value ? value : NULL);
}

static void put_count(JsonBuilder *builder, const char *name, gint64 value)
{
	json_put_known(builder, name, value >= 0, value);
}

static void put_real(JsonBuilder *builder, const char *name, double value)
{
	json_put_real(builder, name, value >= 0 ? value : NAN);
}

/* null of one of which that is not known. */
static void add_cpus(JsonBuilder *builder, const struct agent_load *load)
{
	int64_t i;

	put_count(builder, "cpus", load->cpus);
	json_builder_set_member_name(builder, "cpu_each");
	json_builder_begin_array(builder);
	for (i = 0; i < load->listed; i++) {
		if (load->each[i] >= 0)
			json_builder_add_double_value(builder, load->each[i]);
		else
			json_builder_add_null_value(builder);
	}
	json_builder_end_array(builder);
}

/* Of a guest that is not heard of it is as it was. */
static void add_load(JsonBuilder *builder, const struct agent_load *load)
{
	json_builder_set_member_name(builder, "load");
	json_builder_begin_object(builder);
	put_real(builder, "cpu", load->cpu);
	add_cpus(builder, load);
	put_count(builder, "runnable", load->runnable);
	put_count(builder, "tasks", load->tasks);
	put_count(builder, "available_bytes", load->available);
	put_count(builder, "memory_bytes", load->memory);
	put_real(builder, "interrupts", load->interrupts);
	put_real(builder, "uptime_s", load->uptime);
	json_builder_end_object(builder);
}

static void add_values(const struct guest *guest, JsonBuilder *builder)
{
	JsonNode *node = json_node_new(JSON_NODE_ARRAY);

	json_node_take_array(node, agent_values_list(agent_link_get_view(guest->link), AGENT_LINK_GUEST));
	json_builder_set_member_name(builder, "values");
	json_builder_add_value(builder, node);
}

static void add_guest(const struct guest *guest, JsonBuilder *builder)
{
	uint64_t now_ns = guest_now_ns();
	const struct lifecycle *life = &guest->life;
	struct agent_load load;

	agent_load_read(agent_link_get_view(guest->link), AGENT_LINK_GUEST, &load);
	json_builder_begin_object(builder);
	put_text(builder, "state", lifecycle_name(life->state));
	put_text(builder, "why", life->why);
	put_count(builder, "for_ms", (gint64)((now_ns - life->since_ns) / 1000000));
	json_put_bool(builder, "lowered", guest->supervisor->watch.is_lowered);
	json_put_bool(builder, "boot_plan", guest->supervisor->boot_plan != NULL);
	json_put_bool(builder, "over", life->is_over);
	put_count(builder, "beat_ms", life->is_known ? (gint64)(life->silent_ns / 1000000) : -1);
	put_count(builder, "interval_ms", load.interval_ms);
	add_load(builder, &load);
	add_values(guest, builder);
	put_text(builder, "kernel", load.kernel);
	put_text(builder, "agent", load.version);
	json_builder_end_object(builder);
}

void guest_build(const struct guest *guest, JsonBuilder *builder)
{
	json_builder_set_member_name(builder, "guest");
	if (guest)
		add_guest(guest, builder);
	else
		json_builder_add_null_value(builder);
}
