/* SPDX-License-Identifier: MIT */
#include "program.h"

#include "command.h"
#include "config.h"
#include "program_elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PRELOAD_NAME "libqrt-sched-preload.so"

/* 0, or the reason why it cannot be run. */
static int try_path(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	if (!S_ISREG(status.st_mode))
		return EACCES;
	return access(path, X_OK) < 0 ? errno : 0;
}

static char *search_path(const char *name, int *ret_code)
{
	const char *path = getenv("PATH");
	char **folders = g_strsplit(path && *path ? path : "/usr/local/bin:/usr/bin:/bin", ":", -1);
	char *found = NULL, *candidate;
	int code, i;

	*ret_code = ENOENT;
	for (i = 0; folders[i] && !found; i++) {
		candidate = g_build_filename(*folders[i] ? folders[i] : ".", name, NULL);
		code = try_path(candidate);
		if (code == 0)
			found = g_steal_pointer(&candidate);
		else if (code == EACCES)
			*ret_code = EACCES;
		g_free(candidate);
	}
	g_strfreev(folders);
	return found;
}

int program_find(const char *name, char **ret_path)
{
	char *path;
	int code = 0;

	if (strchr(name, '/')) {
		code = try_path(name);
		path = g_strdup(name);
	} else {
		path = search_path(name, &code);
		code = path ? 0 : code;
	}
	if (code == 0) {
		*ret_path = path;
		return EXIT_OK;
	}
	g_free(path);
	if (code == ENOENT || code == ENOTDIR) {
		complain("%s: no such program; install QEMU (Debian: qemu-system-x86) or give its path",
			 name);
		return EXIT_NOT_FOUND;
	}
	complain("%s cannot be run: %s", name, strerror(code));
	return EXIT_CANNOT_EXEC;
}

static const char *refuse_privileged(int fd)
{
	struct stat status;

	if (fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return "it has file capabilities, and the loader ignores LD_PRELOAD then; remove them "
		       "(setcap -r), "
		       "the supervisor places its threads";
	if (fstat(fd, &status) == 0 && status.st_mode & (S_ISUID | S_ISGID) && geteuid() != 0)
		return "it is setuid or setgid, and the loader ignores LD_PRELOAD then; use --no-preload";
	return NULL;
}

static bool is_native(const Elf64_Ehdr *header)
{
	Elf64_Ehdr own;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool same = fd < 0 || pread(fd, &own, sizeof(own), 0) != (ssize_t)sizeof(own) ||
		    (own.e_machine == header->e_machine &&
		     own.e_ident[EI_CLASS] == header->e_ident[EI_CLASS]);

	if (fd >= 0)
		close(fd);
	return same;
}

/* NULL when the program is fine, else why not and what to do. */
static const char *refuse(int fd, bool preload)
{
	Elf64_Ehdr header = {0};
	size_t len = (size_t)MAX(pread(fd, &header, sizeof(header), 0), 0);

	if (len >= 2 && memcmp(&header, "#!", 2) == 0)
		return "it is a script, and what it starts would not be supervised; give QEMU's program "
		       "itself";
	if (len < sizeof(header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return "it is no program (ELF)";
	if (!is_native(&header))
		return "it is a program for another machine than this launcher";
	if (!preload)
		return NULL;
	if (!program_elf_has_loader(fd))
		return "it is linked statically, so nothing can be preloaded; use --no-preload";
	return refuse_privileged(fd);
}

bool program_takes_plan(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool takes = fd >= 0 && program_elf_takes_plan(fd);

	if (fd >= 0)
		close(fd);
	return takes;
}

int program_check(const char *path, bool preload)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why;

	/* What may be run and not be read is for the kernel to judge. */
	if (fd < 0)
		return EXIT_OK;
	why = refuse(fd, preload);
	close(fd);
	if (!why)
		return EXIT_OK;
	complain("%s cannot be used: %s", path, why);
	return EXIT_CANNOT_EXEC;
}

static char *find_beside_us(const char *folder)
{
	char *self = g_file_read_link("/proc/self/exe", NULL);
	char *own = self ? g_path_get_dirname(self) : NULL;
	char *path = own ? g_build_filename(own, folder, PRELOAD_NAME, NULL) : NULL;
	char *clean = path ? realpath(path, NULL) : NULL; /* glibc's allocator is GLib's */

	g_free(self);
	g_free(own);
	g_free(path);
	return clean;
}

/* LD_PRELOAD is a list whose parts are parted by these. */
static char *check_preload(char *path)
{
	if (access(path, R_OK) < 0)
		complain("the preload library %s cannot be read: %s; correct it, or use --no-preload", path,
			 strerror(errno));
	else if (strpbrk(path, " :"))
		complain(
			"the preload library's path '%s' has a blank or colon, which LD_PRELOAD cannot carry",
			path);
	else
		return path;
	g_free(path);
	return NULL;
}

char *program_find_preload(void)
{
	const char *named = getenv("QRT_SCHED_PRELOAD_LIB");
	char *path;

	if (named && *named)
		return check_preload(g_strdup(named));
	path = find_beside_us("../libqrt-sched/preload");
	if (!path)
		path = find_beside_us(QRT_LIBDIR_RELATIVE);
	if (!path)
		path = g_build_filename(QRT_LIBDIR, PRELOAD_NAME, NULL);
	return check_preload(path);
}
