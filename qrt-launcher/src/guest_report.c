/* SPDX-License-Identifier: MIT */
/* What is known of a guest, as JSON. */
#include "agent_load.h"
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

/* Of a guest that is not heard of it is as it was. */
static void add_load(JsonBuilder *builder, const struct agent_load *load)
{
	json_builder_set_member_name(builder, "load");
	json_builder_begin_object(builder);
	put_real(builder, "cpu", load->cpu);
	put_count(builder, "runnable", load->runnable);
	put_count(builder, "tasks", load->tasks);
	put_count(builder, "available_bytes", load->available);
	put_count(builder, "memory_bytes", load->memory);
	put_real(builder, "interrupts", load->interrupts);
	put_real(builder, "uptime_s", load->uptime);
	json_builder_end_object(builder);
}

static void add_guest(const struct guest *guest, JsonBuilder *builder)
{
	uint64_t now_ns = guest_now_ns();
	const struct lifecycle *life = &guest->life;
	struct agent_load load;

	agent_load_read(agent_link_get_view(guest->link), GUEST_SLOT, &load);
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
