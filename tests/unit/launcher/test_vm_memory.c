/* SPDX-License-Identifier: MIT */
#include "tap.h"
#include "vm_memory.h"

#include <string.h>

#define ARGS_MAX 16
#define MIB      (UINT64_C(1) << 20)

/* Reads "qemu" and the words. */
static struct vm_memory read_words(const char *const *words)
{
	char *argv[ARGS_MAX + 1] = {(char *)"qemu"};
	struct vm_memory memory;
	int argc = 1;

	while (argc < ARGS_MAX && words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	vm_memory_read(argc, argv, &memory);
	return memory;
}

#define READ(...) read_words((const char *const[]){__VA_ARGS__, NULL})

static void the_size_is_as_qemu_reads_it(void)
{
	CU_ASSERT_EQUAL(READ("-S").size, 0);
	CU_ASSERT_EQUAL(READ("-m", "64").size, 64 * MIB);
	CU_ASSERT_EQUAL(READ("--m", "1G").size, 1024 * MIB);
	CU_ASSERT_EQUAL(READ("-m", "size=0.5g,slots=2,maxmem=4G").size, 512 * MIB);
	CU_ASSERT_EQUAL(READ("-m", "maxmem=4G,slots=2,size=2048k").size, 2 * MIB);
	CU_ASSERT_EQUAL(READ("-m", "64", "-m", "128").size, 128 * MIB);
	CU_ASSERT_EQUAL(READ("-machine", "q35,memory.size=67108864").size, 64 * MIB);
	CU_ASSERT_EQUAL(READ("-append", "-m", "64").size, 0);
}

static void nonsense_is_no_size(void)
{
	CU_ASSERT_EQUAL(READ("-m", "").size, 0);
	CU_ASSERT_EQUAL(READ("-m").size, 0);
	CU_ASSERT_EQUAL(READ("-m", "x").size, 0);
	CU_ASSERT_EQUAL(READ("-m", "-64").size, 0);
	CU_ASSERT_EQUAL(READ("-m", "64MB").size, 0);
	CU_ASSERT_EQUAL(READ("-m", "nan").size, 0);
	CU_ASSERT_EQUAL(READ("-m", "99999999999999999999P").size, 0);
	CU_ASSERT_EQUAL(READ("-m", ",,,=").size, 0);
}

static void who_says_what_it_is_made_of_is_known(void)
{
	CU_ASSERT_STRING_EQUAL(READ("-m", "64").own, "");
	CU_ASSERT_STRING_EQUAL(READ("-m", "64", "-mem-path", "/dev/hugepages").own, "-mem-path");
	CU_ASSERT_STRING_EQUAL(READ("-M", "q35,memory-backend=m0").own, "-machine memory-backend");
	CU_ASSERT_STRING_EQUAL(READ("-numa", "node,nodeid=0,memdev=m0").own, "-numa node,memdev");
	CU_ASSERT_STRING_EQUAL(READ("-numa", "cpu,node-id=0,socket-id=0").own, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(READ("-readconfig", "vm.cfg").own, "-readconfig"));
}

/* It may be a device's: shared memory, a DIMM. */
static void a_backend_alone_says_nothing(void)
{
	CU_ASSERT_STRING_EQUAL(READ("-object", "memory-backend-file,id=shm,size=1M,mem-path=/dev/shm/x",
				    "-device", "ivshmem-plain,memdev=shm")
				       .own,
			       "");
}

static guint count_added(const struct vm_memory *memory, uint32_t hugepages)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	guint count;

	vm_memory_add_arguments(memory, hugepages, argv);
	count = argv->len;
	g_ptr_array_free(argv, TRUE);
	return count;
}

static void arguments_make_it_so(void)
{
	struct vm_memory memory = READ("-m", "64");
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

	vm_memory_add_arguments(&memory, QRT_SCHED_HUGEPAGES_2M, argv);
	CU_ASSERT_EQUAL_FATAL(argv->len, 4);
	CU_ASSERT_STRING_EQUAL(argv->pdata[0], "-object");
	CU_ASSERT_STRING_EQUAL(argv->pdata[1], "memory-backend-memfd,id=qrt-ram,size=67108864,hugetlb=on,"
					       "hugetlbsize=2097152,prealloc=on");
	CU_ASSERT_STRING_EQUAL(argv->pdata[2], "-machine");
	CU_ASSERT_STRING_EQUAL(argv->pdata[3], "memory-backend=qrt-ram");
	g_ptr_array_free(argv, TRUE);
}

static void nothing_is_added_where_it_is_not_ours_to_say(void)
{
	struct vm_memory plain = READ("-m", "64"), own = READ("-m", "64", "-mem-path", "/x"),
			 unsaid = READ("-S");

	CU_ASSERT_EQUAL(count_added(&plain, QRT_SCHED_HUGEPAGES_1G), 4);
	CU_ASSERT_EQUAL(count_added(&plain, QRT_SCHED_HUGEPAGES_OFF), 0);
	CU_ASSERT_EQUAL(count_added(&plain, QRT_SCHED_HUGEPAGES_THP), 0);
	CU_ASSERT_EQUAL(count_added(&own, QRT_SCHED_HUGEPAGES_2M), 0);
	CU_ASSERT_EQUAL(count_added(&unsaid, QRT_SCHED_HUGEPAGES_2M), 0);
}

static const struct tap_test tests[] = {
	{"the size is as QEMU reads it", the_size_is_as_qemu_reads_it},
	{"nonsense is no size", nonsense_is_no_size},
	{"who says what memory is made of is known", who_says_what_it_is_made_of_is_known},
	{"a backend alone says nothing", a_backend_alone_says_nothing},
	{"arguments make it so", arguments_make_it_so},
	{"nothing is added where it is not ours to say", nothing_is_added_where_it_is_not_ours_to_say},
};

TAP_MAIN("vm_memory", tests)
