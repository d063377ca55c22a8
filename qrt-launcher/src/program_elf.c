/* SPDX-License-Identifier: MIT */
#include "program_elf.h"

#include <elf.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libqrt-sched.so."
#define CALL    "qrt_sched_process_open"

/* Far more than QEMU has: what a file may have us read. */
#define PARTS_MAX   256u
#define ENTRIES_MAX 4096u       /* of the dynamic section */
#define NAMES_MAX   (16u << 20) /* bytes */
#define IMPORTS_MAX (1u << 18)
#define BLOCK       256u /* symbols read at once */

struct elf {
	int fd;
	Elf64_Half parts_count;
	uint64_t parts_offset;
};

struct dynamic {
	Elf64_Dyn entries[ENTRIES_MAX];
	size_t count;
	char *names; /* with a zero behind its end */
	uint64_t names_size;
};

static bool read_at(int fd, void *buf, size_t size, uint64_t offset)
{
	return offset <= INT64_MAX - size && pread(fd, buf, size, (off_t)offset) == (ssize_t)size;
}

static bool open_elf(int fd, struct elf *ret_elf)
{
	Elf64_Ehdr header;

	if (!read_at(fd, &header, sizeof(header), 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB) ||
	    header.e_phentsize != sizeof(Elf64_Phdr))
		return false;
	*ret_elf = (struct elf){.fd = fd,
				.parts_count = (Elf64_Half)MIN(header.e_phnum, PARTS_MAX),
				.parts_offset = header.e_phoff};
	return true;
}

static bool read_part(const struct elf *elf, Elf64_Half number, Elf64_Phdr *ret_part)
{
	uint64_t at = (uint64_t)number * sizeof(*ret_part);

	return number < elf->parts_count && elf->parts_offset <= UINT64_MAX - at &&
	       read_at(elf->fd, ret_part, sizeof(*ret_part), elf->parts_offset + at);
}

static bool find_part(const struct elf *elf, uint32_t type, Elf64_Phdr *ret_part)
{
	Elf64_Half number;

	for (number = 0; read_part(elf, number, ret_part); number++) {
		if (ret_part->p_type == type)
			return true;
	}
	return false;
}

/* Reads what the loader would find at an address. */
static bool read_address(const struct elf *elf, uint64_t address, void *buf, size_t size)
{
	Elf64_Half number;
	Elf64_Phdr part;
	uint64_t at;

	for (number = 0; read_part(elf, number, &part); number++) {
		at = address - part.p_vaddr;
		if (part.p_type != PT_LOAD || address < part.p_vaddr || at > part.p_filesz ||
		    size > part.p_filesz - at)
			continue;
		return part.p_offset <= UINT64_MAX - at && read_at(elf->fd, buf, size, part.p_offset + at);
	}
	return false;
}

/* ---- the dynamic section ---- */

static uint64_t find_value(const struct dynamic *dynamic, Elf64_Sxword tag)
{
	size_t i;

	for (i = 0; i < dynamic->count; i++) {
		if (dynamic->entries[i].d_tag == tag)
			return dynamic->entries[i].d_un.d_val;
	}
	return 0;
}

static bool read_names(const struct elf *elf, struct dynamic *dynamic)
{
	dynamic->names_size = find_value(dynamic, DT_STRSZ);
	if (dynamic->names_size > NAMES_MAX)
		return false;
	dynamic->names = g_malloc0(dynamic->names_size + 1);
	return read_address(elf, find_value(dynamic, DT_STRTAB), dynamic->names, dynamic->names_size);
}

static bool read_dynamic(const struct elf *elf, struct dynamic *dynamic)
{
	size_t size;
	Elf64_Phdr part;

	if (!find_part(elf, PT_DYNAMIC, &part))
		return false;
	size = MIN(part.p_filesz, sizeof(dynamic->entries));
	if (!read_at(elf->fd, dynamic->entries, size, part.p_offset))
		return false;
	while (dynamic->count < size / sizeof(Elf64_Dyn) && dynamic->entries[dynamic->count].d_tag != DT_NULL)
		dynamic->count++;
	return read_names(elf, dynamic);
}

static const char *name_at(const struct dynamic *dynamic, uint64_t offset)
{
	return offset < dynamic->names_size ? dynamic->names + offset : "";
}

static bool needs_library(const struct dynamic *dynamic)
{
	const Elf64_Dyn *entry;
	size_t i;

	for (i = 0; i < dynamic->count; i++) {
		entry = &dynamic->entries[i];
		if (entry->d_tag == DT_NEEDED &&
		    g_str_has_prefix(name_at(dynamic, entry->d_un.d_val), LIBRARY))
			return true;
	}
	return false;
}

/* ---- what it calls ---- */

/* By their distance to the names, which ld puts right behind them. */
static uint64_t count_by_distance(const struct dynamic *dynamic)
{
	uint64_t symbols = find_value(dynamic, DT_SYMTAB), names = find_value(dynamic, DT_STRTAB);

	return names > symbols ? (names - symbols) / sizeof(Elf64_Sym) : 0;
}

/* No entry says how many symbols there are. The second word of DT_HASH is the number of all; that of
 * DT_GNU_HASH is the first symbol of the program's own, which stand behind those of others, but 1 where it
 * has none. */
static uint32_t count_imports(const struct elf *elf, const struct dynamic *dynamic)
{
	uint64_t all = find_value(dynamic, DT_HASH), own = find_value(dynamic, DT_GNU_HASH), count;
	uint32_t words[2];

	if ((!all && !own) || !read_address(elf, all ? all : own, words, sizeof(words)))
		return 0;
	count = all || words[1] > 1 ? words[1] : count_by_distance(dynamic);
	return (uint32_t)MIN(count, IMPORTS_MAX);
}

static bool has_call(const struct dynamic *dynamic, const Elf64_Sym *symbols, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (symbols[i].st_shndx == SHN_UNDEF &&
		    strcmp(name_at(dynamic, symbols[i].st_name), CALL) == 0)
			return true;
	}
	return false;
}

static bool calls_library(const struct elf *elf, const struct dynamic *dynamic)
{
	uint64_t address = find_value(dynamic, DT_SYMTAB);
	uint32_t count = count_imports(elf, dynamic), done, n;
	Elf64_Sym block[BLOCK];

	if (find_value(dynamic, DT_SYMENT) != sizeof(Elf64_Sym))
		return false;
	for (done = 0; done < count; done += n) {
		n = MIN(count - done, BLOCK);
		if (!read_address(elf, address + (uint64_t)done * sizeof(*block), block, n * sizeof(*block)))
			return false;
		if (has_call(dynamic, block, n))
			return true;
	}
	return false;
}

/* ---- */

bool program_elf_has_loader(int fd)
{
	Elf64_Phdr part;
	struct elf elf;

	return open_elf(fd, &elf) && find_part(&elf, PT_INTERP, &part);
}

bool program_elf_takes_plan(int fd)
{
	g_autofree struct dynamic *dynamic = g_new0(struct dynamic, 1);
	struct elf elf;
	bool found = open_elf(fd, &elf) && read_dynamic(&elf, dynamic) && needs_library(dynamic) &&
		     calls_library(&elf, dynamic);

	g_free(dynamic->names);
	return found;
}
