/* SPDX-License-Identifier: MIT */
/* A program that has -rt itself, made up, and then cut and corrupted. */
#include "program_elf.h"
#include "tap.h"

#include <elf.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE       0x400000u /* where the file's first byte is loaded */
#define AT(member) (BASE + offsetof(struct program, member))

enum { PART_LOAD, PART_DYNAMIC, PART_INTERP, PARTS };
enum {
	ENTRY_NEEDED,
	ENTRY_NAMES,
	ENTRY_NAMES_SIZE,
	ENTRY_SYMBOLS,
	ENTRY_SYMBOL_SIZE,
	ENTRY_HASH,
	ENTRY_END,
	ENTRIES
};

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr parts[PARTS];
	Elf64_Dyn entries[ENTRIES];
	uint32_t hash[4];
	uint32_t other_hash[2]; /* for an entry in the place of ENTRY_END */
	Elf64_Sym symbols[3];
	char names[64];
};

/* Where the names are in `names`. */
enum { NAME_LIBRARY = 1, NAME_OTHER = 20, NAME_CALL = 30 };

static void fill_entries(struct program *program)
{
	const Elf64_Dyn entries[ENTRIES] = {
		[ENTRY_NEEDED] = {DT_NEEDED, {NAME_LIBRARY}},
		[ENTRY_NAMES] = {DT_STRTAB, {AT(names)}},
		[ENTRY_NAMES_SIZE] = {DT_STRSZ, {sizeof(program->names)}},
		[ENTRY_SYMBOLS] = {DT_SYMTAB, {AT(symbols)}},
		[ENTRY_SYMBOL_SIZE] = {DT_SYMENT, {sizeof(Elf64_Sym)}},
		[ENTRY_HASH] = {DT_GNU_HASH, {AT(hash)}},
		[ENTRY_END] = {DT_NULL, {0}},
	};

	memcpy(program->entries, entries, sizeof(entries));
}

static void fill(struct program *program)
{
	memset(program, 0, sizeof(*program));
	memcpy(program->header.e_ident, ELFMAG, SELFMAG);
	program->header.e_ident[EI_CLASS] = ELFCLASS64;
	program->header.e_ident[EI_DATA] = G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
	program->header.e_phoff = offsetof(struct program, parts);
	program->header.e_phentsize = sizeof(Elf64_Phdr);
	program->header.e_phnum = PARTS;
	program->parts[PART_LOAD] =
		(Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = BASE, .p_filesz = sizeof(*program)};
	program->parts[PART_DYNAMIC] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
						    .p_offset = offsetof(struct program, entries),
						    .p_filesz = sizeof(program->entries)};
	program->parts[PART_INTERP].p_type = PT_INTERP;
	fill_entries(program);
	program->hash[1] = 3;
	program->symbols[1].st_name = NAME_OTHER;
	program->symbols[2].st_name = NAME_CALL;
	strcpy(program->names + NAME_LIBRARY, "libqrt-sched.so.0");
	strcpy(program->names + NAME_OTHER, "strlen");
	strcpy(program->names + NAME_CALL, "qrt_sched_process_open");
}

static int make_file(const void *data, size_t size)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, data, size), (ssize_t)size);
	return fd;
}

static bool takes_plan_of_size(const struct program *program, size_t size)
{
	int fd = make_file(program, size);
	bool takes = program_elf_takes_plan(fd);

	program_elf_has_loader(fd);
	close(fd);
	return takes;
}

static bool takes_plan(const struct program *program)
{
	return takes_plan_of_size(program, sizeof(*program));
}

static void test_call(void)
{
	struct program program;

	fill(&program);
	CU_ASSERT_TRUE(takes_plan(&program));
	program.entries[ENTRY_HASH].d_tag = DT_HASH;
	CU_ASSERT_TRUE(takes_plan(&program));
}

/* As ld writes DT_GNU_HASH for a program that has no symbols of its own: the table does not say how many
 * others there are. */
static void test_no_own_symbols(void)
{
	struct program program;

	fill(&program);
	for (program.hash[1] = 0; program.hash[1] <= 1; program.hash[1]++) {
		program.symbols[2].st_name = NAME_CALL;
		CU_ASSERT_TRUE(takes_plan(&program));
		program.symbols[2].st_name = NAME_OTHER;
		CU_ASSERT_FALSE(takes_plan(&program));
	}
}

/* DT_HASH counts all; what DT_GNU_HASH says beside it does not matter. */
static void test_both_tables(void)
{
	struct program program;

	fill(&program);
	program.entries[ENTRY_END] = (Elf64_Dyn){DT_HASH, {AT(other_hash)}};
	program.hash[1] = 1;
	program.other_hash[1] = 3;
	CU_ASSERT_TRUE(takes_plan(&program));
	program.hash[1] = 3;
	program.other_hash[1] = 2;
	CU_ASSERT_FALSE(takes_plan(&program));
}

static void test_no_call(void)
{
	struct program program;

	fill(&program);
	program.symbols[2].st_name = NAME_OTHER;
	CU_ASSERT_FALSE(takes_plan(&program));
	fill(&program);
	program.symbols[2].st_shndx = 1;
	CU_ASSERT_FALSE(takes_plan(&program));
	fill(&program);
	program.hash[1] = 2;
	CU_ASSERT_FALSE(takes_plan(&program));
}

static void test_other_library(void)
{
	struct program program;

	fill(&program);
	program.entries[ENTRY_NEEDED].d_un.d_val = NAME_OTHER;
	CU_ASSERT_FALSE(takes_plan(&program));
	program.entries[ENTRY_NEEDED].d_tag = DT_NULL;
	CU_ASSERT_FALSE(takes_plan(&program));
}

/* This test links the library, perhaps, and calls it for no plan. */
static void test_own(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	CU_ASSERT_FALSE(program_elf_takes_plan(fd));
	CU_ASSERT_TRUE(program_elf_has_loader(fd));
	close(fd);
}

static void test_other_kinds(void)
{
	struct program program;

	fill(&program);
	program.header.e_ident[EI_CLASS] = ELFCLASS32;
	CU_ASSERT_FALSE(takes_plan(&program));
	fill(&program);
	program.header.e_ident[EI_DATA] = ELFDATANONE;
	CU_ASSERT_FALSE(takes_plan(&program));
	fill(&program);
	program.header.e_phentsize--;
	CU_ASSERT_FALSE(takes_plan(&program));
	CU_ASSERT_FALSE(takes_plan_of_size(&program, 0));
}

static void test_loader(void)
{
	struct program program;
	int fd;

	fill(&program);
	program.parts[PART_INTERP].p_type = PT_NULL;
	fd = make_file(&program, sizeof(program));
	CU_ASSERT_FALSE(program_elf_has_loader(fd));
	CU_ASSERT_FALSE(program_elf_has_loader(-1));
	close(fd);
}

static void test_cut(void)
{
	struct program program;
	size_t size;

	fill(&program);
	for (program.hash[1] = 1; program.hash[1] <= 3; program.hash[1] += 2) {
		for (size = 0; size < sizeof(program); size++)
			CU_ASSERT_FALSE(takes_plan_of_size(&program, size));
	}
}

static void test_corrupt(void)
{
	static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
	struct program program;
	size_t at, i;

	for (at = 0; at < sizeof(program); at++) {
		for (i = 0; i < sizeof(values); i++) {
			fill(&program);
			((unsigned char *)&program)[at] = values[i];
			takes_plan(&program);
		}
	}
}

/* Each of these would be read without end, or from nowhere, if it were believed. */
static void test_huge(void)
{
	static const uint64_t values[] = {UINT32_MAX, INT64_MAX, UINT64_MAX - 8, UINT64_MAX};
	struct program program;
	size_t i, entry;

	for (i = 0; i < G_N_ELEMENTS(values); i++) {
		for (entry = 0; entry < ENTRY_END; entry++) {
			fill(&program);
			program.entries[entry].d_un.d_val = values[i];
			CU_ASSERT_FALSE(takes_plan(&program));
			program.hash[1] = 1;
			CU_ASSERT_FALSE(takes_plan(&program));
		}
		fill(&program);
		program.header.e_phoff = values[i];
		CU_ASSERT_FALSE(takes_plan(&program));
		fill(&program);
		program.parts[PART_LOAD].p_offset = values[i];
		CU_ASSERT_FALSE(takes_plan(&program));
	}
}

/* Where no table counts the symbols, their distance to the names does: none, or far more than there are. */
static void test_huge_distance(void)
{
	static const uint64_t symbols[] = {0, 1, BASE, AT(names), AT(names) + sizeof(Elf64_Sym)};
	struct program program;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(symbols); i++) {
		fill(&program);
		program.hash[1] = 1;
		program.entries[ENTRY_SYMBOLS].d_un.d_val = symbols[i];
		CU_ASSERT_FALSE(takes_plan(&program));
	}
}

static void test_huge_counts(void)
{
	struct program program;

	fill(&program);
	program.hash[1] = UINT32_MAX;
	CU_ASSERT_FALSE(takes_plan(&program));
	fill(&program);
	program.header.e_phnum = UINT16_MAX;
	CU_ASSERT_TRUE(takes_plan(&program));
	program.parts[PART_DYNAMIC].p_type = PT_NULL;
	CU_ASSERT_FALSE(takes_plan(&program));
	fill(&program);
	program.parts[PART_DYNAMIC].p_filesz = UINT64_MAX;
	CU_ASSERT_FALSE(takes_plan(&program));
}

static const struct tap_test tests[] = {
	{"what calls the library for a plan of its own takes one", test_call},
	{"so does what has no symbols of its own", test_no_own_symbols},
	{"of two tables DT_HASH counts", test_both_tables},
	{"what links the library and does not call it so takes none", test_no_call},
	{"what links another library takes none", test_other_library},
	{"this test takes none", test_own},
	{"a file for another machine takes none", test_other_kinds},
	{"what has no loader is known", test_loader},
	{"a cut file takes none, wherever it is cut", test_cut},
	{"a corrupt file is survived", test_corrupt},
	{"addresses and sizes beyond everything are survived", test_huge},
	{"symbols far from the names, or behind them, are survived", test_huge_distance},
	{"huge counts are survived", test_huge_counts},
};

TAP_MAIN("program_elf", tests)
