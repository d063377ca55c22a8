/* SPDX-License-Identifier: MIT */
#include "image_probe.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

static const struct magic {
	const char *format, *bytes;
	gsize length;
	gsize offset;
	gboolean is_last; /* of the last sector, too: a fixed one of vpc has it there alone */
} magics[] = {
	{"qcow2", "QFI\xfb", 4, 0, FALSE},
	{"qed", "QED\0", 4, 0, FALSE},
	{"vmdk", "KDMV", 4, 0, FALSE},
	{"vmdk", "COWD", 4, 0, FALSE},
	{"vmdk", "# Disk DescriptorFile", 21, 0, FALSE},
	{"vdi", "\x7f\x10\xda\xbe", 4, 0x40, FALSE},
	{"vhdx", "vhdxfile", 8, 0, FALSE},
	{"vpc", "conectix", 8, 0, TRUE},
	{"luks", "LUKS\xba\xbe", 6, 0, FALSE},
	{"parallels", "WithoutFreeSpace", 16, 0, FALSE},
	{"parallels", "WithouFreSpacExt", 16, 0, FALSE},
};

static const char *find(const guint8 *sector, gsize length, gboolean is_last)
{
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(magics); i++) {
		const struct magic *magic = &magics[i];

		if ((!is_last || magic->is_last) && magic->offset + magic->length <= length &&
		    memcmp(sector + magic->offset, magic->bytes, magic->length) == 0)
			return magic->format;
	}
	return NULL;
}

static const char *look(int fd, off_t offset, gboolean is_last)
{
	guint8 sector[SECTOR];
	ssize_t length = pread(fd, sector, sizeof(sector), offset);

	return length > 0 ? find(sector, (gsize)length, is_last) : NULL;
}

const char *image_probe(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *format = NULL;
	struct stat status;
	off_t end;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) >= 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode))) {
		format = look(fd, 0, FALSE);
		end = lseek(fd, 0, SEEK_END);
		if (!format && end > SECTOR)
			format = look(fd, end - SECTOR, TRUE);
	}
	close(fd);
	return format;
}
