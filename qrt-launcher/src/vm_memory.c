/* SPDX-License-Identifier: MIT */
#include "vm_memory.h"

#include "vm_args.h"
#include "vm_args_pair.h"

#include <stdio.h>
#include <string.h>

/* As QEMU reads sizes: "1G", "0.5g", "1024", which is in units of `unit`. 0 where it is none. */
static uint64_t read_size(const char *text, uint64_t unit)
{
	static const char suffixes[] = "bkmgtp";
	const char *suffix;
	char *end;
	double number;
	uint64_t factor = unit;

	if (!g_ascii_isdigit(*text))
		return 0;
	number = g_ascii_strtod(text, &end);
	suffix = *end ? strchr(suffixes, g_ascii_tolower(*end)) : NULL;
	if (suffix) {
		factor = (uint64_t)1 << 10 * (suffix - suffixes);
		end++;
	}
	number *= (double)factor;
	return *end == '\0' && number < 9e18 ? (uint64_t)number : 0;
}

static void say_own(struct vm_memory *memory, const char *option)
{
	if (!memory->own[0])
		g_strlcpy(memory->own, option, sizeof(memory->own));
}

/* A number without a unit is MiB. */
static void read_m(struct vm_memory *memory, const char *value)
{
	struct vm_args_pair pair;

	while (*value) {
		value = vm_args_take_pair(value, "size", &pair);
		if (strcmp(pair.key, "size") == 0)
			memory->size = read_size(pair.value, 1 << 20);
	}
}

static void read_machine(struct vm_memory *memory, const char *value)
{
	struct vm_args_pair pair;

	while (*value) {
		value = vm_args_take_pair(value, "type", &pair);
		if (strcmp(pair.key, "memory-backend") == 0)
			say_own(memory, "-machine memory-backend");
		else if (strcmp(pair.key, "memory.size") == 0)
			memory->size = read_size(pair.value, 1);
	}
}

static void read_numa(struct vm_memory *memory, const char *value)
{
	struct vm_args_pair pair;

	while (*value) {
		value = vm_args_take_pair(value, "type", &pair);
		if (strcmp(pair.key, "memdev") == 0)
			say_own(memory, "-numa node,memdev");
	}
}

static void read_path(struct vm_memory *memory, const char *value)
{
	(void)value;
	say_own(memory, "-mem-path");
}

/* It may say anything. */
static void read_config(struct vm_memory *memory, const char *value)
{
	(void)value;
	say_own(memory, "-readconfig, for all one knows");
}

static const struct {
	const char *name;
	void (*read)(struct vm_memory *memory, const char *value);
} readers[] = {
	{"m", read_m},       {"machine", read_machine}, {"M", read_machine},
	{"numa", read_numa}, {"mem-path", read_path},   {"readconfig", read_config},
};

static void read_value(struct vm_memory *memory, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(readers); i++) {
		if (strcmp(name, readers[i].name) == 0)
			readers[i].read(memory, value);
	}
}

void vm_memory_read(int argc, char *const *argv, struct vm_memory *ret_memory)
{
	struct vm_memory memory = {0};
	int i;

	for (i = 1; i + 1 < argc; i++) {
		if (argv[i][0] != '-' || !vm_args_takes_value(argv[i]))
			continue;
		read_value(&memory, argv[i] + 1 + (argv[i][1] == '-'), argv[i + 1]);
		i++;
	}
	*ret_memory = memory;
}

uint64_t vm_memory_get_page(uint32_t hugepages)
{
	switch (hugepages) {
	case QRT_SCHED_HUGEPAGES_2M:
		return (uint64_t)2 << 20;
	case QRT_SCHED_HUGEPAGES_1G:
		return (uint64_t)1 << 30;
	default:
		return 0;
	}
}

/* QEMU itself asks for transparent ones. */
void vm_memory_add_arguments(const struct vm_memory *memory, uint32_t hugepages, GPtrArray *argv)
{
	uint64_t page = vm_memory_get_page(hugepages);

	if (!page || !memory->size || memory->own[0])
		return;
	g_ptr_array_add(argv, g_strdup("-object"));
	g_ptr_array_add(argv, g_strdup_printf("memory-backend-memfd,id=qrt-ram,size=%" G_GUINT64_FORMAT
					      ",hugetlb=on,hugetlbsize=%" G_GUINT64_FORMAT ",prealloc=on",
					      memory->size, page));
	g_ptr_array_add(argv, g_strdup("-machine"));
	g_ptr_array_add(argv, g_strdup("memory-backend=qrt-ram"));
}
