/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include "agent_link.h"
#include "agent_load.h"
#include "command.h"
#include "events.h"
#include "guest_p.h"
#include "supervisor.h"

#include <glib-unix.h>
#include <string.h>

#define BOOTTIME_S     120  /* where the plan does not say */
#define BEATS          4    /* that are missed by who is lost */
#define SILENCE_MIN_MS 2000 /* where the plan does not say */
#define SERVED_MAX     8    /* rings between two looks */

/* ---- limits ---- */

static uint64_t find_silence_ms(const struct guest *guest, const struct qrt_sched_globals *globals)
{
	int64_t interval;

	if (globals->set & QRT_SCHED_GLOBAL_HEARTBEAT)
		return globals->heartbeat_ms;
	interval = agent_load_read_interval(agent_link_get_view(guest->link), AGENT_LINK_GUEST);
	return MAX((uint64_t)MAX(interval, 0) * BEATS, SILENCE_MIN_MS);
}

/* The plan may be another one by now. */
static void read_limits(const struct guest *guest, struct lifecycle_limits *ret_limits, bool *ret_keeps)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	uint64_t boottime_s = BOOTTIME_S;

	qrt_sched_plan_get_globals(guest->supervisor->plan, &globals);
	if (globals.set & QRT_SCHED_GLOBAL_BOOTTIME)
		boottime_s = globals.boottime_s;
	ret_limits->boot_ns = boottime_s * UINT64_C(1000000000);
	ret_limits->silence_ns = find_silence_ms(guest, &globals) * UINT64_C(1000000);
	*ret_keeps = globals.boot == QRT_SCHED_BOOT_KEEP;
}

/* ---- what follows from a change ---- */

static const char *describe_threads(const struct guest *guest)
{
	if (!guest->supervisor->watch.is_lowered)
		return "its threads run as planned";
	return guest->supervisor->boot_plan ? "its threads run as boot= says" : "its threads are time-shared";
}

/* That a guest boots is as usual; what is not is said always. */
static void say_state(const struct guest *guest, const struct lifecycle *before)
{
	const struct lifecycle *life = &guest->life;

	events_tell(guest->supervisor->state->name, "state", lifecycle_name(before->state),
		    lifecycle_name(life->state), life->why);
	if (life->state == LIFECYCLE_LOST)
		complain("the guest is lost: no sign of life for %u ms; until it is back %s",
			 (unsigned)(life->silent_ns / 1000000), describe_threads(guest));
	else if (guest->supervisor->verbose)
		complain("the guest: %s (%s); %s", lifecycle_name(life->state), life->why,
			 describe_threads(guest));
}

static void say_over(const struct guest *guest)
{
	const struct lifecycle *life = &guest->life;
	const char *state = lifecycle_name(life->state);

	events_tell(guest->supervisor->state->name, "limit", state, state, "boottime");
	complain("the guest is %s for %u s, longer than boottime: its threads run as planned again%s", state,
		 (unsigned)(life->spent_ns / 1000000000),
		 life->is_known ? "; its agent was not told that it is ready: qrt-guest-agent say ready"
				: "; does qrt-guest-agent run in it?");
}

static void settle(struct guest *guest, const struct lifecycle *before, bool keeps)
{
	struct watch *watch = &guest->supervisor->watch;
	bool is_lowered = lifecycle_is_lowered(&guest->life) && !keeps;

	if (is_lowered != watch->is_lowered)
		watch_lower(watch, is_lowered);
	if (guest->life.state != before->state)
		say_state(guest, before);
	if (guest->life.is_over && !before->is_over && !keeps)
		say_over(guest);
}

static void look(struct guest *guest)
{
	struct lifecycle_limits limits;
	struct qrt_shmem_state said;
	struct lifecycle before;
	bool keeps;

	before = guest->life;
	read_limits(guest, &limits, &keeps);
	lifecycle_set_running(&guest->life, strcmp(guest->supervisor->guest_state, "running") == 0);
	if (agent_link_read(guest->link, &said) >= 0)
		lifecycle_hear(&guest->life, said.state, said.beat, guest_now_ns());
	lifecycle_pass(&guest->life, &limits, guest_now_ns());
	settle(guest, &before, keeps);
}

/* It is printed, and QEMU may have been taken over by its guest: no more than QEMU's own words consist of. */
static void clean_reason(const char *reason, char *buf, size_t size)
{
	size_t len = 0;

	for (; *reason && len < size - 1; reason++) {
		if (g_ascii_islower(*reason) || *reason == '-')
			buf[len++] = *reason;
	}
	buf[len] = '\0';
}

void guest_take_event(struct guest *guest, const char *event, const char *reason)
{
	struct lifecycle_limits limits;
	struct lifecycle before;
	char why[32];
	bool keeps;

	if (!guest)
		return;
	before = guest->life;
	clean_reason(reason, why, sizeof(why));
	if (strcmp(event, "RESET") == 0) {
		agent_link_renew(guest->link);
		guest_ask_begin_anew(guest->ask, GUEST_ASK_RESET);
		lifecycle_reset(&guest->life, *why ? why : "reset", guest_now_ns());
	} else if (strcmp(event, "SHUTDOWN") == 0) {
		guest_ask_begin_anew(guest->ask, GUEST_ASK_GONE);
		lifecycle_shut_down(&guest->life, *why ? why : "shutdown", guest_now_ns());
	}
	read_limits(guest, &limits, &keeps);
	settle(guest, &before, keeps);
}

/* ---- its life here ---- */

static void forget_source(struct guest *guest)
{
	guint own = g_source_get_id(g_main_current_source());
	int i;

	for (i = 0; i < AGENT_LINK_FDS; i++) {
		if (guest->sources[i] == own)
			guest->sources[i] = 0;
	}
}

/* A guest that rings without end is looked at as often as others, not more often. */
static gboolean on_link(gint fd, GIOCondition condition, gpointer data)
{
	struct guest *guest = data;

	(void)fd;
	(void)condition;
	agent_link_serve(guest->link);
	guest_ask_take(guest->ask, guest_now_ns());
	look(guest);
	if (++guest->served < SERVED_MAX)
		return G_SOURCE_CONTINUE;
	forget_source(guest);
	return G_SOURCE_REMOVE;
}

static void listen_to(struct guest *guest)
{
	int fds[AGENT_LINK_FDS], i;

	guest->served = 0;
	agent_link_get_fds(guest->link, fds);
	for (i = 0; i < AGENT_LINK_FDS; i++) {
		if (!guest->sources[i])
			guest->sources[i] = g_unix_fd_add(fds[i], G_IO_IN, on_link, guest);
	}
}

void guest_look(struct guest *guest)
{
	if (!guest)
		return;
	listen_to(guest);
	guest_ask_look(guest->ask, guest_now_ns());
	look(guest);
}

static void ring(void *data)
{
	agent_link_ring(data);
}

struct guest *guest_open(struct supervisor *supervisor)
{
	struct guest *guest;
	bool keeps;

	if (!supervisor->agent)
		return NULL;
	guest = g_new0(struct guest, 1);
	guest->supervisor = supervisor;
	guest->link = supervisor->agent;
	guest->ask = guest_ask_open(agent_link_get_view(guest->link), AGENT_LINK_GUEST, ring, guest->link);
	lifecycle_begin(&guest->life, guest_now_ns());
	read_limits(guest, &(struct lifecycle_limits){0}, &keeps);
	watch_lower(&supervisor->watch, !keeps);
	listen_to(guest);
	events_tell(supervisor->state->name, "state", lifecycle_name(LIFECYCLE_UNKNOWN),
		    lifecycle_name(guest->life.state), guest->life.why);
	return guest;
}

struct guest *guest_close(struct guest *guest)
{
	int i;

	if (!guest)
		return NULL;
	for (i = 0; i < AGENT_LINK_FDS; i++) {
		if (guest->sources[i])
			g_source_remove(guest->sources[i]);
	}
	guest_ask_close(guest->ask);
	g_free(guest);
	return NULL;
}
