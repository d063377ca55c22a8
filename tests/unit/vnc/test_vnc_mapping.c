/* SPDX-License-Identifier: MIT */
/* What kind of memory a range is, by lines such as /proc/self/maps has, and by that itself. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mapping_p.h"
#include "tap.h"

static int look(const char *text, uintptr_t begin, uintptr_t end, struct qrt_vnc_p_mapping *ret)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	int rc;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	rc = qrt_vnc_p_mapping_look(file, begin, end, ret);
	fclose(file);
	return rc;
}

#define ANONYMOUS "1000-3000 rw-p 00000000 00:00 0 \n"
#define ADVISED   "3000-5000 rw-p 00000000 00:00 0                  [heap]\n"
#define PRIVATE   "5000-6000 r--p 00001000 fd:01 17    /some/file\n"
#define SHARED    "8000-9000 rw-s 00000000 00:01 23    /memfd:x (deleted)\n"
#define ALL       ANONYMOUS ADVISED PRIVATE SHARED

static void kinds_are_told_apart(void)
{
	struct qrt_vnc_p_mapping mapping;

	CU_ASSERT_EQUAL(look(ALL, 0x1000, 0x5000, &mapping), 0);
	CU_ASSERT(!mapping.is_shared && !mapping.is_file);
	CU_ASSERT_EQUAL(look(ALL, 0x5000, 0x6000, &mapping), 0);
	CU_ASSERT(!mapping.is_shared && mapping.is_file);
	CU_ASSERT_EQUAL(look(ALL, 0x8000, 0x8800, &mapping), 0);
	CU_ASSERT(mapping.is_shared && mapping.is_file);
	CU_ASSERT_EQUAL(look(ALL, 0x4000, 0x6000, &mapping), -EXDEV);
}

static void holes_are_seen(void)
{
	struct qrt_vnc_p_mapping mapping;

	CU_ASSERT_EQUAL(look(ALL, 0x5000, 0x7000, &mapping), -ENXIO);
	CU_ASSERT_EQUAL(look(ALL, 0x7000, 0x9000, &mapping), -ENXIO);
	CU_ASSERT_EQUAL(look(ALL, 0, 0x2000, &mapping), -ENXIO);
	CU_ASSERT_EQUAL(look(ALL, 0x8000, 0xa000, &mapping), -ENXIO);
}

static void other_lines_are_refused(void)
{
	static const char *const bad[] = {"hello\n",
					  "1000\n",
					  "1000-3000\n",
					  "1000-3000 rw-\n",
					  "1000-3000 rw-p\n",
					  "1000-3000 rw-p 0\n",
					  "1000-3000 rw-p 0 00\n",
					  "1000-3000 rw-p 0 00:00\n",
					  "1000-11111111111111111 rw-p 0 00:00 0\n"};
	struct qrt_vnc_p_mapping mapping;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(look(bad[i], 0x1000, 0x2000, &mapping), -EPROTO);
}

static int look_here(const void *memory, size_t bytes, struct qrt_vnc_p_mapping *ret)
{
	FILE *file = fopen("/proc/self/maps", "re");
	int rc;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	rc = qrt_vnc_p_mapping_look(file, (uintptr_t)memory, (uintptr_t)memory + bytes, ret);
	fclose(file);
	return rc;
}

static void the_kernels_lines_are_read(void)
{
	size_t bytes = 4 * (size_t)sysconf(_SC_PAGESIZE);
	void *own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct qrt_vnc_p_mapping mapping;

	CU_ASSERT_FATAL(own != MAP_FAILED && shared != MAP_FAILED);
	CU_ASSERT_EQUAL(look_here(own, bytes, &mapping), 0);
	CU_ASSERT(!mapping.is_shared && !mapping.is_file);
	CU_ASSERT_EQUAL(look_here(shared, bytes, &mapping), 0);
	CU_ASSERT(mapping.is_shared);
	munmap((char *)own + bytes / 2, bytes / 4);
	CU_ASSERT_EQUAL(look_here(own, bytes / 2, &mapping), 0);
	CU_ASSERT_EQUAL(look_here(own, bytes, &mapping), -ENXIO);
	munmap(own, bytes);
	munmap(shared, bytes);
}

static const struct tap_test tests[] = {
	{"kinds are told apart", kinds_are_told_apart},
	{"holes are seen", holes_are_seen},
	{"other lines are refused", other_lines_are_refused},
	{"the kernel's lines are read", the_kernels_lines_are_read},
};

TAP_MAIN("vnc_mapping", tests)
