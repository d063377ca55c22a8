/* SPDX-License-Identifier: MIT */
/* What follows delays, also while a recording is on its way to a disk that hangs. */
#include "blame_account.h"
#include "change.h"
#include "command.h"
#include "plan_live.h"
#include "plan_request.h"
#include "recorder_p.h"
#include "supervisor.h"
#include "tap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

/* ---- the world ---- */

static struct {
	uint64_t time_ns;
	bool is_busy; /* the disk hangs */
	int start;    /* what comes of a thread */
	unsigned int kept, stops, changes;
	int change;                /* what comes of it */
	struct recorder_keep last; /* without its recording */
	unsigned int said_count;
	char said[512];
} world;

static struct actions actions;
static struct recorder recorder;
static struct supervisor own;

void complain(const char *format, ...)
{
	CU_FAIL("words of an action go where the keeper's go");
	(void)format;
}

uint64_t blame_now_ns(void)
{
	return world.time_ns;
}

uint64_t recorder_length_of(const struct recorder_entry *entry)
{
	return entry->took_ns;
}

void recorder_take(struct supervisor *supervisor, const char *trigger, struct recording *ret_recording)
{
	(void)supervisor;
	memset(ret_recording, 0, sizeof(*ret_recording));
	g_strlcpy(ret_recording->trigger, trigger, sizeof(ret_recording->trigger));
}

const struct recorder_thread *recorder_accounts_find(const struct recorder_accounts *accounts, int32_t tid)
{
	(void)accounts;
	(void)tid;
	return NULL;
}

bool recorder_keeper_is_busy(const struct recorder_keeper *keeper)
{
	(void)keeper;
	return world.is_busy;
}

int recorder_keeper_start(struct recorder_keeper *keeper, struct recorder_keep *keep)
{
	(void)keeper;
	CU_ASSERT_FALSE(world.is_busy);
	world.kept++;
	world.last = *keep;
	g_free(keep);
	return world.start;
}

void recorder_keeper_say(const struct recorder_keeper *keeper, const char *format, ...)
{
	va_list args;

	(void)keeper;
	va_start(args, format);
	vsnprintf(world.said, sizeof(world.said), format, args);
	va_end(args);
	world.said_count++;
}

int recorder_stop_guest(struct supervisor *supervisor, const struct action *action)
{
	(void)supervisor;
	CU_ASSERT_EQUAL(action->kind, ACTION_STOP);
	world.stops++;
	return 1;
}

void plan_request_get_place(const struct plan_request *request, struct state_place *ret_place)
{
	(void)request;
	memset(ret_place, 0, sizeof(*ret_place));
}

int change_plan(struct supervisor *supervisor, struct qrt_sched_plan *plan, const struct state_place *place,
		struct change_result *result)
{
	(void)place;
	world.changes++;
	if (world.change < 0) {
		strcpy(result->error, "vcpu 0 cannot be placed");
		return world.change;
	}
	qrt_sched_plan_close(supervisor->changed_plan);
	supervisor->plan = supervisor->changed_plan = plan;
	return 0;
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

static struct qrt_sched_plan *make_plan(const char *text)
{
	struct qrt_sched_plan *plan;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	return plan;
}

static struct qrt_sched_plan *first;

static struct action *add(enum action_kind kind, uint64_t over_ns)
{
	struct action *action = &actions.actions[actions.count++];

	*action = (struct action){.kind = kind, .over_ns = over_ns, .argument = "what is said"};
	if (kind == ACTION_FAILSAFE)
		action->plan = make_plan("vcpu_sched=other\n");
	return action;
}

static void begin(void)
{
	memset(&world, 0, sizeof(world));
	memset(&actions, 0, sizeof(actions));
	memset(&recorder, 0, sizeof(recorder));
	memset(&own, 0, sizeof(own));
	world.time_ns = 100 * S;
	recorder.actions = &actions;
	own.flight = &recorder;
	own.plan = first = make_plan("vcpu_sched=fifo\nvcpu_prio=3\nmain_name=main*\n");
}

static void end(void)
{
	size_t i;

	for (i = 0; i < actions.count; i++)
		qrt_sched_plan_close(actions.actions[i].plan);
	qrt_sched_plan_close(own.changed_plan);
	qrt_sched_plan_close(first);
}

static void react_after(uint64_t ns, uint64_t delay_ns)
{
	const struct recorder_thread thread = {.tid = 7, .role = QRT_SCHED_ROLE_VCPU, .name = "CPU 0/KVM"};
	const struct recorder_entry entry = {.kind = RECORDER_STARVES, .tid = 7, .took_ns = delay_ns};

	world.time_ns += ns;
	recorder_react(&own, &thread, &entry);
}

/* ---- tests ---- */

/* What is due is done with one recording, and then not for a while. */
static void test_once(void)
{
	begin();
	add(ACTION_FILE, 5 * MS);
	add(ACTION_COMMAND, 5 * MS);
	add(ACTION_LOG, 50 * MS);
	react_after(0, 4 * MS);
	CU_ASSERT_EQUAL(world.kept, 0);
	react_after(0, 6 * MS);
	CU_ASSERT_EQUAL(world.kept, 1);
	CU_ASSERT_EQUAL(world.last.commands_count, 1);
	CU_ASSERT_FALSE(world.last.log);
	react_after(0, 60 * MS);
	CU_ASSERT_EQUAL(world.kept, 2);
	CU_ASSERT_EQUAL(world.last.commands_count, 0);
	CU_ASSERT_TRUE(world.last.log);
	CU_ASSERT_EQUAL(world.last.delay_ns, 60 * MS);
	react_after(9 * S, 60 * MS);
	CU_ASSERT_EQUAL(world.kept, 2);
	react_after(S, 60 * MS);
	CU_ASSERT_EQUAL(world.kept, 3);
	end();
}

/* A disk that hangs keeps neither the stop nor the other plan; what needs it is done when it goes on. */
static void test_disk_hangs(void)
{
	begin();
	add(ACTION_FILE, 5 * MS);
	add(ACTION_STOP, 50 * MS);
	add(ACTION_FAILSAFE, 50 * MS);
	world.is_busy = true;
	react_after(0, 6 * MS);
	CU_ASSERT_EQUAL(world.stops + world.changes + world.said_count, 0);
	react_after(0, 60 * MS);
	CU_ASSERT_EQUAL(world.stops, 1);
	CU_ASSERT_EQUAL(world.changes, 1);
	CU_ASSERT_PTR_NOT_EQUAL(own.plan, first);
	CU_ASSERT_EQUAL(world.kept, 0);
	CU_ASSERT_TRUE(world.said_count > 0);
	CU_ASSERT_TRUE(actions.actions[1].is_open);
	world.is_busy = false;
	react_after(20 * MS, 6 * MS);
	CU_ASSERT_EQUAL(world.kept, 1);
	end();
}

/* The delay is told at once where there is no file to wait for. */
static void test_log_without_file(void)
{
	begin();
	add(ACTION_LOG, 5 * MS);
	world.is_busy = true;
	react_after(0, 60 * MS);
	CU_ASSERT_EQUAL(world.said_count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(world.said, "CPU 0/KVM (vcpu 0) is ready for 60.00 ms"));
	CU_ASSERT_PTR_NOT_NULL(strstr(world.said, "not kept"));
	react_after(S, 60 * MS);
	CU_ASSERT_EQUAL(world.said_count, 1);
	end();
}

/* What failed is tried again soon, but not at each look, and is not said each time. */
static void test_fails(void)
{
	unsigned int i;

	begin();
	add(ACTION_FAILSAFE, 5 * MS);
	world.change = -EPERM;
	react_after(0, 60 * MS);
	CU_ASSERT_EQUAL(world.changes, 1);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(world.said, "the plan cannot become what is said: vcpu 0 cannot be placed"));
	CU_ASSERT_EQUAL(world.kept, 1);
	react_after(20 * MS, 60 * MS);
	CU_ASSERT_EQUAL(world.changes, 1);
	for (i = 2; i <= 10; i++) {
		react_after(S, 60 * MS);
		CU_ASSERT_EQUAL(world.changes, i);
	}
	CU_ASSERT_EQUAL(world.said_count, 1);
	CU_ASSERT_EQUAL(world.kept, 1);
	react_after(S, 60 * MS);
	CU_ASSERT_EQUAL(world.said_count, 2);
	world.change = 0;
	react_after(S, 60 * MS);
	CU_ASSERT_STRING_EQUAL(world.said, "from now on the plan is what is said");
	CU_ASSERT_PTR_NOT_EQUAL(own.plan, first);
	react_after(9 * S, 60 * MS);
	CU_ASSERT_EQUAL(world.changes, 12);
	/* It is in force: that is all that was wanted. */
	react_after(2 * S, 60 * MS);
	CU_ASSERT_EQUAL(world.changes, 12);
	end();
}

static void test_no_thread(void)
{
	begin();
	add(ACTION_FILE, 5 * MS);
	world.start = -EAGAIN;
	react_after(0, 60 * MS);
	react_after(20 * MS, 60 * MS);
	CU_ASSERT_EQUAL(world.kept, 1);
	world.start = 0;
	react_after(S, 60 * MS);
	CU_ASSERT_EQUAL(world.kept, 2);
	react_after(2 * S, 60 * MS);
	CU_ASSERT_EQUAL(world.kept, 2);
	end();
}

static const struct tap_test tests[] = {
	{"what is due is done once, with a recording", test_once},
	{"a disk that hangs keeps nothing that is done to the VM", test_disk_hangs},
	{"a delay is told where no file can be had", test_log_without_file},
	{"what failed is tried again", test_fails},
	{"a recording that no thread could keep", test_no_thread},
};

TAP_MAIN("recorder_react", tests)
