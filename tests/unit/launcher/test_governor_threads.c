/* SPDX-License-Identifier: MIT */
/* The governor's own threads beside a supervisor, over processes that stand for VMs. */
#include "tap.h"

#include "command.h"
#include "governor.h"
#include "governor_p.h"
#include "json_limit.h"
#include "locks.h"
#include "proc.h"
#include "slices.h"
#include "supervisor.h"
#include "victim.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PRIORITY    3
#define SPIN_MS     4000
#define TURNS       4
#define MS          1000000ull
#define PATIENCE_NS 20000000000ull

static struct supervisor launcher;
static struct state state = {.run_fd = -1, .name = "own"};
static struct qrt_sched_plan *asked;
static struct watched watched;
static pid_t victim, rival;

/* Whether the scout has to wait, and does; that nobody but the governor changes the VM now; how often it was
 * seen to. */
static atomic_bool is_kept, is_waiting, is_closing;
static atomic_int turns;

/* ---- what else there is in a launcher ---- */

void complain(const char *format, ...)
{
	tap_note("said: %s", format);
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

int locks_find_highest(const struct qrt_sched_plan *plan)
{
	(void)plan;
	return PRIORITY;
}

bool rank_get_lifted(const struct supervisor *supervisor, struct qrt_sched_setting *ret_setting)
{
	(void)supervisor;
	*ret_setting = (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
						  .policy = QRT_SCHED_POLICY_FIFO,
						  .priority = PRIORITY + 1};
	return true;
}

void watch_govern(struct watch *watch)
{
	if (governor_ask(watch->governor, &watched))
		CU_ASSERT(qrt_sched_thread_apply(watched.thread, NULL) >= 0);
}

/* The scout waits for somebody whom the VM keeps away while it is not dropped: until it was, and was raised.
 */
static void wait_for_turns(void)
{
	uint64_t until_ns = victim_now() + PATIENCE_NS;
	int before = -1, policy;

	atomic_store(&is_waiting, true);
	while (victim_now() < until_ns && !atomic_load(&is_closing))
		usleep(1000);
	usleep(100000);
	for (until_ns = victim_now() + SPIN_MS / 2 * MS; victim_now() < until_ns; usleep(500)) {
		policy = sched_getscheduler(victim);
		if (before >= 0 && policy != before && atomic_fetch_add(&turns, 1) + 1 == TURNS)
			return;
		before = policy;
	}
}

void state_for_each(int run_fd, void (*found)(const char *name, void *data), void *data)
{
	(void)run_fd;
	if (atomic_load(&is_kept) && !atomic_load(&is_waiting))
		wait_for_turns();
	found("own", data);
	found("other", data);
}

int state_open_folder(int run_fd, const char *name)
{
	(void)run_fd;
	(void)name;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int state_read_record(int fd, struct state_record *ret_record)
{
	struct state_record record = {.qemu_pid = rival, .weight = 300};

	(void)fd;
	proc_get_boot(record.boot, sizeof(record.boot));
	qrt_sched_cpus_add(&record.place.realtime, 0);
	*ret_record = record;
	return proc_get_start(rival, &ret_record->qemu_start);
}

/* ---- the test ---- */

static void end(void)
{
	launcher.governor = launcher.watch.governor = governor_close(launcher.governor);
	slices_close(launcher.watch.slices);
	qrt_sched_thread_close(watched.thread);
	qrt_sched_plan_close(asked);
	victim_end(victim);
	victim_end(rival);
}

/* False where it may not be given this. */
static bool make_vm(void)
{
	struct qrt_sched_layer_value value = {.setting = {.set = 0}};

	watched = (struct watched){.tid = victim,
				   .role = QRT_SCHED_ROLE_VCPU,
				   .placed_by = PLACED_BY_BROKER,
				   .name = "CPU 0/TCG"};
	CU_ASSERT_EQUAL_FATAL(qrt_sched_thread_open(victim, &watched.thread), 0);
	qrt_sched_plan_get(asked, QRT_SCHED_ROLE_VCPU, 0, &value.setting);
	qrt_sched_thread_set_layer(watched.thread, QRT_SCHED_LAYER_PLAN, &value);
	return qrt_sched_thread_apply(watched.thread, NULL) >= 0;
}

static bool begin(const char *option)
{
	const struct qrt_sched_setting rank = {.set = 0};

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&asked), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_option(asked, option, NULL), 0);
	victim = victim_start(SPIN_MS);
	rival = victim_start(0);
	CU_ASSERT_FATAL(victim > 0 && rival > 0);
	launcher = (struct supervisor){.plan = asked, .state = &state, .vm = {.vcpus = 1}};
	launcher.record.qemu_pid = victim;
	CU_ASSERT_EQUAL(proc_get_start(victim, &launcher.record.qemu_start), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &launcher.record.fresh), 0);
	if (make_vm()) {
		launcher.watch.slices = slices_open(&rank);
		return true;
	}
	end();
	tap_skip("no right to give real-time priorities");
	return false;
}

static JsonNode *look(void)
{
	JsonBuilder *builder = json_builder_new();
	JsonNode *root;

	json_builder_begin_object(builder);
	governor_build(launcher.governor, builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	g_object_unref(builder);
	return root;
}

/* How often the VM was over its budget, and how many others there are. */
static void count(gint64 *ret_throttled, gint64 *ret_rivals)
{
	JsonNode *root = look();
	JsonObject *member = json_limit_get_object(json_node_get_object(root), "governor");
	JsonObject *budget = json_limit_get_element(json_limit_get_array(member, "budgets"), 0);
	char *line = governor_format(member);

	CU_ASSERT_PTR_NOT_NULL_FATAL(budget);
	*ret_throttled = json_limit_get_int(budget, "throttled");
	*ret_rivals = json_limit_get_int(member, "rivals");
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "vm: budget 50%/10ms"));
	g_free(line);
	json_node_unref(root);
}

static bool is_dropped(void)
{
	struct qrt_sched_layer_value value = {.setting = {.set = 0}};

	qrt_sched_thread_get_layer(watched.thread, QRT_SCHED_LAYER_GOVERNOR, &value);
	return value.setting.set != 0;
}

/* Until a supervisor that asks all the time has seen the VM dropped. */
static void test_beside(void)
{
	uint64_t until_ns = victim_now() + PATIENCE_NS;
	gint64 throttled = 0, rivals = 0;
	bool was_dropped = false;

	if (!begin("vcpu_sched=fifo vcpu_prio=3 budget=50%/10ms"))
		return;
	launcher.governor = launcher.watch.governor = governor_open(&launcher);
	CU_ASSERT_PTR_NOT_NULL_FATAL(launcher.governor);
	governor_tell(launcher.governor, &watched);
	victim_spin(victim);
	while (victim_now() < until_ns && (throttled < 3 || rivals != 1 || !was_dropped)) {
		governor_sync(launcher.governor);
		was_dropped |= is_dropped();
		count(&throttled, &rivals);
		slices_hold(launcher.watch.slices);
		slices_release(launcher.watch.slices);
		usleep(1000);
	}
	tap_note("over %d times", (int)throttled);
	CU_ASSERT(throttled >= 3);
	CU_ASSERT_EQUAL(rivals, 1);
	CU_ASSERT_TRUE(was_dropped);
	end();
}

/* A VM that ends while it is looked at, and one beside it. */
static void test_ends(void)
{
	uint64_t until_ns = victim_now() + PATIENCE_NS;
	gint64 throttled = 0, rivals = 0;

	if (!begin("vcpu_sched=fifo vcpu_prio=3 budget=50%/10ms weight=100"))
		return;
	launcher.governor = launcher.watch.governor = governor_open(&launcher);
	CU_ASSERT_PTR_NOT_NULL_FATAL(launcher.governor);
	while (victim_now() < until_ns && rivals != 1)
		count(&throttled, &rivals);
	CU_ASSERT_EQUAL(rivals, 1);
	kill(rival, SIGKILL);
	while (victim_now() < until_ns && rivals != 0)
		count(&throttled, &rivals);
	CU_ASSERT_EQUAL(rivals, 0);
	kill(victim, SIGKILL);
	governor_sync(launcher.governor);
	(void)governor_ask(launcher.governor, &watched);
	end();
}

/* Nobody drops a VM whose governor has ended, and the scout may wait for whom it keeps away. */
static void test_closing(void)
{
	uint64_t until_ns = victim_now() + PATIENCE_NS;

	if (!begin("vcpu_sched=fifo vcpu_prio=3 budget=50%/10ms"))
		return;
	launcher.governor = launcher.watch.governor = governor_open(&launcher);
	CU_ASSERT_PTR_NOT_NULL_FATAL(launcher.governor);
	governor_tell(launcher.governor, &watched);
	atomic_store(&is_kept, true);
	while (victim_now() < until_ns && !atomic_load(&is_waiting))
		usleep(1000);
	CU_ASSERT_TRUE(atomic_load(&is_waiting));
	victim_spin(victim);
	atomic_store(&is_closing, true);
	launcher.governor = launcher.watch.governor = governor_close(launcher.governor);
	CU_ASSERT_EQUAL(atomic_load(&turns), TURNS);
	end();
}

static const struct tap_test tests[] = {
	{"a supervisor tells, asks and shows while the governor drops", test_beside},
	{"VMs end while they are looked at", test_ends},
	{"the VM is dropped and raised until the scout has ended", test_closing},
};

TAP_MAIN("governor_threads", tests)
