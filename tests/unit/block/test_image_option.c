/* SPDX-License-Identifier: MIT */
#include "image_letter.h"
#include "image_option.h"
#include "tap.h"

const char tool_name[] = "test";

static void test_keys(void)
{
	struct image_options options, copy;

	image_options_init(&options);
	CU_ASSERT(image_options_set_all(
		&options, "here", "driver=raw,filename=a,,b=c,engine=native,read-only=on,workers=2,depth=8"));
	CU_ASSERT_STRING_EQUAL(options.path, "a,b=c");
	CU_ASSERT_EQUAL(options.engine, QRT_BLOCK_ENGINE_LIBAIO);
	CU_ASSERT(options.is_read_only && options.workers == 2 && options.depth == 8);
	CU_ASSERT(!options.has_fault);
	CU_ASSERT(image_options_set_all(&options, "here",
					"read-only=off,create=1.5M,fault.delay=7,fault.delay-min=2ms"));
	CU_ASSERT(!options.is_read_only && options.has_fault);
	CU_ASSERT_EQUAL(options.create, 1572864);
	CU_ASSERT_EQUAL(options.fault.delay_rate, 7);
	CU_ASSERT_EQUAL(options.fault.delay_min_ns, 2000000);
	CU_ASSERT(image_options_set_all(&options, "here", "fault.power=on,fault.seed=18446744073709551615"));
	CU_ASSERT_EQUAL(options.fault.flags, QRT_BLOCK_FAULT_POWER);
	CU_ASSERT_EQUAL(options.fault.seed, UINT64_MAX);
	image_options_copy(&copy, &options);
	CU_ASSERT(image_options_set(&options, "here", "filename", "other"));
	CU_ASSERT_STRING_EQUAL(copy.path, "a,b=c");
	image_options_clear(&options);
	image_options_clear(&copy);
}

static void check_cache(const char *mode, gboolean is_direct, gboolean is_written_through,
			gboolean is_ignored)
{
	struct image_options options;

	image_options_init(&options);
	CU_ASSERT(image_letter_set(&options, "-t", 't', mode));
	CU_ASSERT_EQUAL(options.is_direct, is_direct);
	CU_ASSERT_EQUAL(options.is_written_through, is_written_through);
	CU_ASSERT_EQUAL(options.is_flush_ignored, is_ignored);
}

static void test_letters(void)
{
	struct image_options options;

	check_cache("writeback", FALSE, FALSE, FALSE);
	check_cache("none", TRUE, FALSE, FALSE);
	check_cache("writethrough", FALSE, TRUE, FALSE);
	check_cache("directsync", TRUE, TRUE, FALSE);
	check_cache("unsafe", FALSE, FALSE, TRUE);
	image_options_init(&options);
	CU_ASSERT(image_letter_set(&options, "-n", 'n', NULL) && options.is_direct);
	CU_ASSERT(image_letter_set(&options, "-k", 'k', NULL) && options.engine == QRT_BLOCK_ENGINE_LIBAIO);
	CU_ASSERT(image_letter_set(&options, "-i", 'i', "threads") &&
		  options.engine == QRT_BLOCK_ENGINE_THREADS);
	CU_ASSERT(image_letter_set(&options, "-d", 'd', "ignore") && options.is_discard_ignored);
	CU_ASSERT(image_letter_set(&options, "-d", 'd', "unmap") && !options.is_discard_ignored);
	CU_ASSERT(image_letter_set(&options, "-U", 'U', NULL) && options.is_shared);
	CU_ASSERT(image_letter_set(&options, "-o", 'o', "misalign=on") && options.is_misaligned);
	CU_ASSERT(image_letter_set(&options, "-C", 'C', NULL));
	CU_ASSERT(!image_letter_set(&options, "-s", 's', NULL));
}

static void test_wrong_ones(void)
{
	static const char *const wrong[] = {
		"nothing=1",     "engine",           "engine=",           "engine=aio", "driver=qed",
		"cache=fast",    "read-only=yes",    "workers=0",         "depth=x",    "create=0",
		"size=1kb",      "fault.error=1001", "fault.delay-min=5", "filename=",  "discard=never",
		"fault.power=1", "cache.direct=1",   "fault.seed=-1",     "=1",         "workers=65537"};
	struct image_options options;
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(wrong); i++) {
		image_options_init(&options);
		if (image_options_set_all(&options, "here", wrong[i])) {
			tap_note("taken: %s", wrong[i]);
			CU_FAIL("it is wrong");
		}
		image_options_clear(&options);
	}
}

static void test_engines(void)
{
	guint32 engine;

	for (engine = 0; engine <= QRT_BLOCK_ENGINE_MEMORY; engine++)
		CU_ASSERT_EQUAL(image_engine_find(image_engine_name(engine)), (int)engine);
	CU_ASSERT_STRING_EQUAL(image_engine_name(99), "?");
}

static const struct tap_test tests[] = {
	{"keys and values, commas in them", test_keys},
	{"letters, and modes of the cache", test_letters},
	{"what is wrong is not taken", test_wrong_ones},
	{"each engine has a name", test_engines},
};

TAP_MAIN("image_option", tests)
