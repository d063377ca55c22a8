/* SPDX-License-Identifier: MIT */
/* Shields and what they save, from outside. Nothing here changes the host. */
#include <errno.h>
#include <qrt/shield.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define NOBODY 0x3ffffffe /* above the kernel's largest thread number */

static int never(void *context, const char *text, size_t len)
{
	(void)text, (void)len;
	++*(int *)context;
	return -ECANCELED;
}

static void closing_nothing_returns_nothing(void)
{
	struct qrt_sched_saved *saved = NULL;

	CU_ASSERT_PTR_NULL(qrt_sched_saved_close(NULL));
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &saved), 0);
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, NULL), 0);
	CU_ASSERT_PTR_NULL(qrt_sched_saved_close(saved));
}

static void an_empty_text_goes_around(void)
{
	struct qrt_sched_saved *saved = NULL, *again = NULL;
	char text[128], small[4] = "abc";
	int len;

	qrt_sched_saved_new(NULL, NULL, &saved);
	qrt_sched_saved_new(NULL, NULL, &again);
	len = qrt_sched_saved_format(saved, NULL, 0);
	CU_ASSERT(len > 0 && (size_t)len < sizeof(text));
	CU_ASSERT_EQUAL(qrt_sched_saved_format(saved, small, sizeof(small)), len);
	CU_ASSERT_STRING_EQUAL(small, "abc");
	CU_ASSERT_EQUAL(qrt_sched_saved_format(saved, text, sizeof(text)), len);
	CU_ASSERT_EQUAL(qrt_sched_saved_parse(again, text, (size_t)len, NULL), 0);
	qrt_sched_saved_close(saved);
	qrt_sched_saved_close(again);
}

static void bad_texts_fail_with_a_line(void)
{
	struct qrt_sched_error error = {0};
	struct qrt_sched_saved *saved = NULL;

	qrt_sched_saved_new(NULL, NULL, &saved);
	CU_ASSERT_EQUAL(qrt_sched_saved_parse(saved, "what?\n", 6, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.line, 1);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_saved_parse(saved, "what?\n", 6, NULL), -EINVAL);
	qrt_sched_saved_close(saved);
}

static void outputs_stay_untouched_on_failure(void)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config)};
	struct qrt_sched_shield_left left = {.number = 42};
	struct qrt_sched_cpus cpus = {{7}};
	struct qrt_sched_error error = {0};
	struct qrt_sched_saved *saved = NULL;
	size_t count = 42;
	int calls = 0;

	qrt_sched_saved_new(never, &calls, &saved);
	CU_ASSERT_EQUAL(qrt_sched_shield_raise(&config, saved, &left, 1, &count, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT_EQUAL(left.number, 42);
	CU_ASSERT_EQUAL(count, 42);
	CU_ASSERT_EQUAL(qrt_sched_shield_read("no-shield-of-this-name", &cpus), -ENOENT);
	CU_ASSERT_EQUAL(cpus.bits[0], 7);
	CU_ASSERT_EQUAL(qrt_sched_shield_verify("no-shield-of-this-name", NULL), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_shield_verify("no-shield-of-this-name", &error), -ENOENT);
	CU_ASSERT_EQUAL(error.code, -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter("no-shield-of-this-name", getpid(), saved, NULL), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_shield_leave("no-shield-of-this-name", getpid(), NULL), -ENOENT);
	CU_ASSERT(qrt_sched_tunable_enter_resctrl(NOBODY, saved, NULL) < 0);
	CU_ASSERT_EQUAL(calls, 0);
	qrt_sched_saved_close(saved);
}

/* What all CPUs are comes from the host: all of them is always one too many. */
static void all_cpus_are_refused(void)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config)};
	struct qrt_sched_host host = {.size = sizeof(host)};
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL_FATAL(qrt_sched_host_read(&host, NULL), 0);
	config.cpus = host.online;
	CU_ASSERT_EQUAL(qrt_sched_shield_check(&config, &error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "leave it at least one"));
	CU_ASSERT_EQUAL(qrt_sched_shield_check(&config, NULL), -EBUSY);
}

static void configurations_of_other_versions(void)
{
	struct {
		struct qrt_sched_shield_config config;
		uint64_t newer;
	} longer = {.config = {.size = sizeof(longer)}, .newer = 1};

	CU_ASSERT_EQUAL(qrt_sched_shield_check(&longer.config, NULL), -E2BIG);
	longer.newer = 0;
	CU_ASSERT_EQUAL(qrt_sched_shield_check(&longer.config, NULL), -EINVAL);
	longer.config.size = 0;
	CU_ASSERT_EQUAL(qrt_sched_shield_check(&longer.config, NULL), -EINVAL);
}

static void what_is_not_kept_is_not_changed(void)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config)};
	struct qrt_sched_host host = {.size = sizeof(host)};
	struct qrt_sched_error error = {0};
	struct qrt_sched_saved *saved = NULL;
	int calls = 0, last;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_host_read(&host, NULL), 0);
	for (last = qrt_sched_cpus_next(&host.online, -1); qrt_sched_cpus_next(&host.online, last) >= 0;)
		last = qrt_sched_cpus_next(&host.online, last);
	qrt_sched_cpus_add(&config.cpus, last);
	if (qrt_sched_shield_check(&config, &error) < 0) {
		tap_note("%s", error.message);
		tap_skip("this host refuses a shield");
		return;
	}
	qrt_sched_saved_new(never, &calls, &saved);
	CU_ASSERT_EQUAL(qrt_sched_shield_raise(&config, saved, NULL, 0, NULL, &error), -ECANCELED);
	CU_ASSERT_EQUAL(calls, 1);
	qrt_sched_saved_close(saved);
}

static const struct tap_test tests[] = {
	{"closing nothing returns nothing", closing_nothing_returns_nothing},
	{"an empty text goes around", an_empty_text_goes_around},
	{"bad texts fail with a line", bad_texts_fail_with_a_line},
	{"outputs stay untouched on failure", outputs_stay_untouched_on_failure},
	{"all CPUs are refused", all_cpus_are_refused},
	{"configurations of other versions", configurations_of_other_versions},
	{"what is not kept is not changed", what_is_not_kept_is_not_changed},
};

TAP_MAIN("contract-shield", tests)
