/* SPDX-License-Identifier: MIT */
/* What the plugin of nbdkit does with requests, by threads as nbdkit's. */
#include "export.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define THREADS 8
#define ROUNDS  200
#define SHARE   65536u /* of a thread */
#define LONG    ((2u << 20) + 8192)

const char tool_name[] = "test";

static unsigned forced, queued;  /* writes with FUA; all that a queue had */
static unsigned with_a_deadline; /* a bit of each kind that had one */

int __real_qrt_block_queue_submit(struct qrt_block_queue *queue, struct qrt_block_request *requests,
				  size_t count);
int __wrap_qrt_block_queue_submit(struct qrt_block_queue *queue, struct qrt_block_request *requests,
				  size_t count);

int __wrap_qrt_block_queue_submit(struct qrt_block_queue *queue, struct qrt_block_request *requests,
				  size_t count)
{
	if (requests->flags & QRT_BLOCK_FUA)
		__atomic_fetch_add(&forced, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&queued, 1, __ATOMIC_RELAXED);
	if (requests->deadline_ns)
		__atomic_fetch_or(&with_a_deadline, 1u << requests->kind, __ATOMIC_RELAXED);
	return __real_qrt_block_queue_submit(queue, requests, count);
}

/* Over a new file. */
static struct export *begin(const char *key, const char *value, struct export_options *options)
{
	struct export *export;

	memset(options, 0, sizeof(*options));
	image_options_init(&options->image);
	options->queues = 3;
	options->image.path = g_strdup_printf("qrt-export-%d.img", getpid());
	options->image.create = 8u << 20;
	CU_ASSERT(!key ||
		  (export_options_know(key) ? export_options_set(options, key, value)
					    : image_options_set(&options->image, "test", key, value)));
	export = export_open(options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(export);
	return export;
}

static void end(struct export *export, struct export_options *options)
{
	CU_ASSERT_PTR_NULL(export_close(export));
	unlink(options->image.path);
	image_options_clear(&options->image);
}

/* A failure has a reason, and nothing else has. */
static int run(struct export *export, guint32 kind, guint64 offset, void *buffer, guint64 length)
{
	struct qrt_block_request request = {
		.kind = kind, .offset = offset, .length = length, .buffer = buffer};
	guint32 detail = 0;
	int rc = export_run(export, &request, &detail);

	return (rc < 0) == (detail != 0) ? rc : 1;
}

/* Of this process; those that were joined may be there for a moment more. */
static unsigned count_threads(void)
{
	GDir *tasks = g_dir_open("/proc/self/task", 0, NULL);
	unsigned count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(tasks);
	while (g_dir_read_name(tasks))
		count++;
	g_dir_close(tasks);
	return count;
}

/* 0: there is no qemu-img. */
static int make_qcow2(const char *path)
{
	char *line = g_strdup_printf("qemu-img create -q -f qcow2 %s 4M >/dev/null 2>&1 </dev/null", path);
	int is_made = system(line) == 0;

	g_free(line);
	if (!is_made)
		tap_note("no qemu-img");
	return is_made;
}

/* ---- many threads ---- */

struct user {
	struct export *export;
	pthread_t thread;
	guint32 index, wrong;
};

static void *use(void *argument)
{
	struct user *user = argument;
	guint8 out[4096], in[4096];
	guint32 round;

	for (round = 0; round < ROUNDS; round++) {
		guint64 offset = user->index * SHARE + round % 16 * 4096;

		memset(out, (int)(user->index + round), sizeof(out));
		if (run(user->export, QRT_BLOCK_WRITE, offset, out, sizeof(out)) != 0 ||
		    run(user->export, QRT_BLOCK_READ, offset, in, sizeof(in)) != 0 ||
		    memcmp(in, out, sizeof(in)) != 0)
			user->wrong++;
		if (round % 50 == 0 && run(user->export, QRT_BLOCK_FLUSH, 0, NULL, 0) != 0)
			user->wrong++;
	}
	return NULL;
}

static void use_by_all(const char *key, const char *value)
{
	struct user users[THREADS];
	struct export_options options;
	struct export *export = begin(key, value, &options);
	guint32 i;

	for (i = 0; i < THREADS; i++) {
		users[i] = (struct user){.export = export, .index = i};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&users[i].thread, NULL, use, &users[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(users[i].thread, NULL);
		CU_ASSERT_EQUAL(users[i].wrong, 0);
	}
	end(export, &options);
}

static void more_threads_than_queues_have_their_own_answers(void)
{
	use_by_all(NULL, NULL);
	use_by_all("engine", "threads");
	use_by_all("deadline", "60s");
	use_by_all("priority", "urgent");
}

/* Those of raw bytes are nbdkit's threads' own; the library has one for what nobody else does. */
static void requests_of_an_image_do_not_wait_for_each_other(void)
{
	struct export_options options;
	unsigned before = count_threads();
	struct export *export = begin(NULL, NULL, &options);

	CU_ASSERT(count_threads() <= before + 2); /* a sanitizer may have one, too */
	end(export, &options);
	image_options_init(&options.image);
	options.queues = 8;
	options.image.path = g_strdup_printf("qrt-export-%d.qcow2", getpid());
	options.image.is_read_only = TRUE;
	if (make_qcow2(options.image.path)) {
		export = export_open(&options);
		CU_ASSERT_PTR_NOT_NULL_FATAL(export);
		CU_ASSERT(count_threads() > before + options.queues);
		export_close(export);
	}
	unlink(options.image.path);
	image_options_clear(&options.image);
}

/* ---- long ones ---- */

/* Of memory as nbdkit has it, which direct I/O does not take. */
static void what_is_longer_than_a_bounce_buffer_has_parts(void)
{
	static const char *const keys[][2] = {{"cache", "none"}, {"deadline", "60s"}, {"cache", "writeback"}};
	char *out = g_malloc(LONG + 16), *in = g_malloc(LONG + 16);
	struct export_options options;
	gsize i;

	for (i = 0; i < LONG; i++)
		out[i + 8] = (char)(i * 7 + (i >> 12));
	for (i = 0; i < G_N_ELEMENTS(keys); i++) {
		struct export *export = begin(keys[i][0], keys[i][1], &options);

		memset(in, 0, LONG);
		CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE, 4096, out + 8, LONG), 0);
		CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, 4096, in + 8, LONG), 0);
		CU_ASSERT_EQUAL(memcmp(in + 8, out + 8, LONG), 0);
		CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, export_capacity(export), in, 4096), -EINVAL);
		end(export, &options);
	}
	g_free(out);
	g_free(in);
}

/* ---- deadlines ---- */

/* One that ended early would land later, over what was written after it. */
static void a_change_is_waited_for_however_late(void)
{
	struct export_options options;
	struct export *export = begin("deadline", "60s", &options);
	static char bytes[4096];

	with_a_deadline = 0;
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE, 0, bytes, sizeof(bytes)), 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE_ZEROES, 4096, NULL, 4096), 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_DISCARD, 8192, NULL, 4096), 0);
	CU_ASSERT_EQUAL(with_a_deadline, 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, 0, bytes, sizeof(bytes)), 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_FLUSH, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(with_a_deadline, 1u << QRT_BLOCK_READ | 1u << QRT_BLOCK_FLUSH);
	end(export, &options);
}

/* ---- modes of the cache ---- */

static unsigned forced_by(const char *mode)
{
	struct export_options options;
	struct export *export = begin("cache", mode, &options);
	static char bytes[4096];

	forced = 0;
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE, 0, bytes, sizeof(bytes)), 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE_ZEROES, 4096, NULL, 4096), 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, 0, bytes, sizeof(bytes)), 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_FLUSH, 0, NULL, 0), 0);
	end(export, &options);
	return forced;
}

static void what_is_written_through_is_safe(void)
{
	CU_ASSERT_EQUAL(forced_by("writeback"), 0);
	CU_ASSERT_EQUAL(forced_by("writethrough"), 2);
	CU_ASSERT_EQUAL(forced_by("unsafe"), 0);
}

/* ---- without a queue ---- */

/* Over a file that is there. */
static struct export *begin_again(const char *key, const char *value, struct export_options *options)
{
	struct export *export;

	end(begin(key, value, options), options);
	options->image.path = g_strdup_printf("qrt-export-%d.img", getpid());
	options->image.create = 0;
	CU_ASSERT_FATAL(g_file_set_contents(options->image.path, "", 0, NULL));
	CU_ASSERT_EQUAL_FATAL(truncate(options->image.path, 8 << 20), 0);
	export = export_open(options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(export);
	queued = 0;
	return export;
}

static unsigned queued_by(const char *key, const char *value)
{
	struct export_options options;
	struct export *export = begin_again(key, value, &options);
	static char out[4096], in[4096];

	memset(out, 0x5a, sizeof(out));
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE, (8 << 20) - 4096, out, sizeof(out)), 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, (8 << 20) - 4096, in, sizeof(in)), 0);
	CU_ASSERT_EQUAL(memcmp(in, out, sizeof(in)), 0);
	end(export, &options);
	return queued;
}

static void a_file_of_which_no_more_is_asked_has_none(void)
{
	CU_ASSERT_EQUAL(queued_by(NULL, NULL), 0);
	CU_ASSERT_EQUAL(queued_by("cache", "unsafe"), 0);
	CU_ASSERT_EQUAL(queued_by("priority", "urgent"), 2);
	CU_ASSERT_EQUAL(queued_by("deadline", "60s"), 2);
	CU_ASSERT_EQUAL(queued_by("engine", "threads"), 2);
	CU_ASSERT_EQUAL(queued_by("cache", "none"), 2);
	CU_ASSERT_EQUAL(queued_by("cache", "writethrough"), 2);
	CU_ASSERT_EQUAL(queued_by("throttle.bytes", "1G"), 2);
	CU_ASSERT_EQUAL(queued_by("fault.seed", "1"), 2);
}

/* What does not go that way goes by a queue, which says why. */
static void what_fails_has_its_reason(void)
{
	struct export_options options;
	struct export *export = begin_again(NULL, NULL, &options);
	static char bytes[4096];

	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE, 8 << 20, bytes, sizeof(bytes)), -EINVAL);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE, (8 << 20) - 512, bytes, sizeof(bytes)), -EINVAL);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, G_MAXUINT64 - 512, bytes, sizeof(bytes)), -EINVAL);
	CU_ASSERT_EQUAL(queued, 3);
	CU_ASSERT_EQUAL_FATAL(truncate(options.image.path, 6144), 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, 0, bytes, sizeof(bytes)), 0);
	CU_ASSERT_EQUAL(queued, 3);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, 4096, bytes, sizeof(bytes)), -EIO);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, 8192, bytes, sizeof(bytes)), -EIO);
	CU_ASSERT(queued >= 5);
	end(export, &options);
}

static void what_is_read_only_stays_so(void)
{
	struct export_options options;
	struct export *export = begin_again("read-only", "off", &options);
	static char bytes[4096];

	CU_ASSERT_PTR_NULL(export_close(export));
	options.image.is_read_only = TRUE;
	export = export_open(&options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(export);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_READ, 0, bytes, sizeof(bytes)), 0);
	CU_ASSERT_EQUAL(queued, 0);
	CU_ASSERT_EQUAL(run(export, QRT_BLOCK_WRITE, 0, bytes, sizeof(bytes)), -EROFS);
	end(export, &options);
}

static const struct tap_test tests[] = {
	{"requests of an image do not wait for each other", requests_of_an_image_do_not_wait_for_each_other},
	{"more threads than queues have their own answers", more_threads_than_queues_have_their_own_answers},
	{"what is longer than a bounce buffer has parts", what_is_longer_than_a_bounce_buffer_has_parts},
	{"a change is waited for however late", a_change_is_waited_for_however_late},
	{"what is written through is safe", what_is_written_through_is_safe},
	{"a file of which no more is asked has no queue", a_file_of_which_no_more_is_asked_has_none},
	{"what fails without a queue has its reason", what_fails_has_its_reason},
	{"what is read only stays so", what_is_read_only_stays_so},
};

TAP_MAIN("nbd export", tests)
