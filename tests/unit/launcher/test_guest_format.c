/* SPDX-License-Identifier: MIT */
#include "guest.h"
#include "json_limit.h"
#include "tap.h"

#include <string.h>

static void expect(const char *json, const char *wanted)
{
	JsonObject *guest = json_limit_parse(json, -1);
	char *line;

	CU_ASSERT_PTR_NOT_NULL_FATAL(guest);
	line = guest_format(guest);
	if (strcmp(line, wanted) != 0)
		tap_note("%s", line);
	CU_ASSERT_STRING_EQUAL(line, wanted);
	g_free(line);
	json_object_unref(guest);
}

static void a_guest_that_is_ready(void)
{
	expect("{\"state\":\"ready\",\"for_ms\":1250,\"lowered\":false,\"over\":false,\"beat_ms\":20,"
	       "\"load\":"
	       "{\"cpu\":0.254,\"runnable\":2,\"tasks\":56,\"available_bytes\":1048576,"
	       "\"memory_bytes\":4194304}}",
	       "guest: ready for 1.2 s, beat 20 ms ago, CPU 25 %, 2 of 56 tasks runnable, 1 of 4 MiB free");
}

static void one_that_says_nothing(void)
{
	expect("{\"state\":\"booting\",\"for_ms\":0,\"lowered\":true,\"over\":false,\"beat_ms\":null,"
	       "\"load\":{\"cpu\":null,\"runnable\":null,\"tasks\":null,\"available_bytes\":null}}",
	       "guest: booting for 0.0 s, THREADS TIME-SHARED");
	expect("{\"state\":\"booting\",\"for_ms\":9000,\"lowered\":false,\"over\":true}",
	       "guest: booting for 9.0 s (longer than boottime)");
}

static void one_with_many_cpus(void)
{
	expect("{\"state\":\"ready\",\"for_ms\":1250,\"beat_ms\":20,\"load\":{\"cpu\":0.5,\"cpus\":96,\"cpu_"
	       "each\":"
	       "[0.5]}}",
	       "guest: ready for 1.2 s, beat 20 ms ago, CPU 50 % of 96");
}

/* Who answers may be anybody. */
static void nonsense(void)
{
	expect("{}", "guest:  for 0.0 s");
	expect("{\"state\":5,\"for_ms\":\"x\",\"beat_ms\":{},\"load\":[]}",
	       "guest:  for 0.0 s, beat 0 ms ago");
	expect("{\"state\":\"ready\",\"load\":{\"cpu\":\"x\",\"runnable\":[],\"available_bytes\":{}}}",
	       "guest: ready for 0.0 s, CPU 0 %, 0 of 0 tasks runnable, 0 of 0 MiB free");
}

static const struct tap_test tests[] = {
	{"a guest that is ready", a_guest_that_is_ready},
	{"one with many CPUs", one_with_many_cpus},
	{"one that says nothing", one_that_says_nothing},
	{"nonsense is no harm", nonsense},
};

TAP_MAIN("guest_format", tests)
