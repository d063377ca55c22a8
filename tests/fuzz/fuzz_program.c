/* SPDX-License-Identifier: MIT */
/* A program that `run` is given: its file may have been made by anybody. */
#include "fuzz.h"

#include "program_elf.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size) {
		PROMISE(program_elf_takes_plan(fd) == program_elf_takes_plan(fd));
		program_elf_has_loader(fd);
	}
	close(fd);
	return 0;
}
