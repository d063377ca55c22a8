/* SPDX-License-Identifier: MIT */
/* Backing files: they are opened where that was asked for, and only then. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qcow2_help.h"

#define CLUSTER 65536u
#define SIZE    (16u * CLUSTER)

static char folder[24];

static void place(char *path, size_t size, const char *name)
{
	if (!*folder) {
		snprintf(folder, sizeof(folder), "qrt-chain-%d", getpid());
		CU_ASSERT_EQUAL(mkdir(folder, 0700), 0);
	}
	snprintf(path, size, "%.23s/%.32s", folder, name);
}

/* An image in the folder, with one cluster of data of its own. */
static void make(const char *name, uint64_t capacity, uint64_t number, char byte, const char *backing,
		 const char *format)
{
	struct qcow2_file file;
	char path[128], cluster[CLUSTER];

	place(path, sizeof(path), name);
	memset(cluster, byte, sizeof(cluster));
	qcow2_begin(&file, 3, 16, capacity);
	qcow2_put_data(&file, number, cluster);
	if (backing)
		qcow2_put_backing(&file, backing, format);
	qcow2_save(&file, path);
	qcow2_end(&file);
}

static void make_raw(const char *name, uint64_t length, char byte)
{
	char path[128];
	uint64_t i;
	FILE *out;

	place(path, sizeof(path), name);
	out = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	for (i = 0; i < length; i++)
		putc(byte, out);
	CU_ASSERT_EQUAL(fclose(out), 0);
}

static void clear(const char *name)
{
	char path[128];

	place(path, sizeof(path), name);
	unlink(path);
}

static int open_chain(struct block *block, const char *name, uint32_t flags)
{
	block_prepare(block, &variants[1], 0);
	place(block->path, sizeof(block->path), name);
	block->config.flags = QRT_BLOCK_DEVICE_READ_ONLY | flags;
	block->config.format = QRT_BLOCK_FORMAT_QCOW2;
	return qrt_block_device_open(&block->config, &block->device, &block->error);
}

static void close_chain(struct block *block)
{
	qrt_block_queue_close(block->queue);
	qrt_block_device_close(block->device);
}

/* All of that cluster is the byte. */
static void check(struct block *block, uint64_t number, char byte)
{
	static char read[CLUSTER];
	uint64_t i;

	CU_ASSERT_EQUAL_FATAL(block_read(block, number * CLUSTER, read, CLUSTER), CLUSTER);
	for (i = 0; i < CLUSTER && read[i] == byte; i++)
		;
	if (i < CLUSTER)
		tap_note("cluster %u: '%c' at %u", (unsigned)number, read[i], (unsigned)i);
	CU_ASSERT_EQUAL(i, CLUSTER);
}

static void what_is_not_there_is_below(void)
{
	struct qrt_block_extent extents[8];
	struct qrt_block_device_info info = {.size = sizeof(info)};
	struct block block;
	int count;

	make_raw("base", 2 * CLUSTER + 512, 'r');
	make("middle", 4 * CLUSTER, 3, 'm', "base", "raw");
	make("top", SIZE, 1, 't', "middle", "qcow2");
	CU_ASSERT_EQUAL_FATAL(open_chain(&block, "top", QRT_BLOCK_DEVICE_BACKING), 0);
	CU_ASSERT_EQUAL_FATAL(
		qrt_block_queue_open(block.device, &block.queue_config, &block.queue, &block.error), 0);
	qrt_block_device_get_info(block.device, &info);
	CU_ASSERT(info.layers == 3 && info.capacity == SIZE);
	check(&block, 0, 'r');
	check(&block, 1, 't');
	check(&block, 3, 'm');
	check(&block, 4, 0);
	check(&block, 15, 0);
	count = qrt_block_device_list_extents(block.device, 0, SIZE, extents, 8);
	CU_ASSERT_EQUAL_FATAL(count, 4); /* data to the base's end, hole, data of the middle, hole */
	CU_ASSERT(!extents[0].is_hole && extents[0].length == 2 * CLUSTER + 512);
	CU_ASSERT(extents[1].is_hole && extents[1].length == CLUSTER - 512);
	CU_ASSERT(!extents[2].is_hole && extents[2].offset == 3 * CLUSTER && extents[2].length == CLUSTER);
	CU_ASSERT(extents[3].is_hole && extents[3].offset + extents[3].length == SIZE);
	close_chain(&block);
	clear("base");
	clear("middle");
	clear("top");
}

/* An image is somebody's word, and may name what he cannot read himself. */
static void nothing_below_is_opened_unasked(void)
{
	struct block block;

	make("top", SIZE, 0, 't', "/etc/hostname", "raw");
	CU_ASSERT_EQUAL(open_chain(&block, "top", 0), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, "/etc/hostname"));
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, "BACKING"));
	clear("top");
}

static void check_refusal(const char *backing, const char *format, int code, const char *word)
{
	struct block block;
	int rc;

	make("top", SIZE, 0, 't', backing, format);
	rc = open_chain(&block, "top", QRT_BLOCK_DEVICE_BACKING);
	if (rc != code || !strstr(block.error.message, word))
		tap_note("%s: %d: %s", backing, rc, block.error.message);
	CU_ASSERT_EQUAL(rc, code);
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, word));
	clear("top");
}

static void what_cannot_be_below_is_refused(void)
{
	make_raw("base", CLUSTER, 'r');
	check_refusal("base", NULL, -EINVAL, "does not say which format");
	check_refusal("base", "vmdk", -EOPNOTSUPP, "vmdk");
	check_refusal("base", "qcow2", -EINVAL, "no qcow2 image");
	check_refusal("nbd://somewhere/disk", "raw", -EOPNOTSUPP, "no plain path");
	check_refusal("json:{\"driver\":\"null-co\"}", "raw", -EOPNOTSUPP, "no plain path");
	check_refusal("nothing", "raw", -ENOENT, "nothing");
	check_refusal("/dev/zero", "raw", -EINVAL, "neither a file");
	clear("base");
}

static void a_loop_is_refused(void)
{
	char name[16], next[16];
	struct block block;
	int i;

	make("one", SIZE, 0, 'a', "two", "qcow2");
	make("two", SIZE, 0, 'b', "./one", "qcow2");
	CU_ASSERT_EQUAL(open_chain(&block, "one", QRT_BLOCK_DEVICE_BACKING), -ELOOP);
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, "below itself"));
	clear("one");
	clear("two");
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(next, sizeof(next), "c%d", i + 1);
		make(name, CLUSTER, 0, 'c', next, "qcow2");
	}
	CU_ASSERT_EQUAL(open_chain(&block, "c0", QRT_BLOCK_DEVICE_BACKING), -ELOOP);
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, "chain of more"));
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		clear(name);
	}
}

static void a_descriptor_has_no_folder(void)
{
	struct block block;

	make_raw("base", CLUSTER, 'r');
	make("top", SIZE, 0, 't', "base", "raw");
	block_prepare(&block, &variants[1], 0);
	place(block.path, sizeof(block.path), "top");
	block.config.path = NULL;
	block.config.fd = open(block.path, O_RDONLY | O_CLOEXEC);
	block.config.flags = QRT_BLOCK_DEVICE_READ_ONLY | QRT_BLOCK_DEVICE_BACKING;
	block.config.format = QRT_BLOCK_FORMAT_QCOW2;
	CU_ASSERT_EQUAL(qrt_block_device_open(&block.config, &block.device, &block.error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, "no folder"));
	close(block.config.fd);
	clear("base");
	clear("top");
	rmdir(folder);
}

static const struct tap_test tests[] = {
	{"what is not there is below", what_is_not_there_is_below},
	{"nothing below is opened unasked", nothing_below_is_opened_unasked},
	{"what cannot be below is refused", what_cannot_be_below_is_refused},
	{"a loop is refused", a_loop_is_refused},
	{"a descriptor has no folder", a_descriptor_has_no_folder},
};

TAP_MAIN("qcow2 chain", tests)
