/* SPDX-License-Identifier: MIT */
#include "program_word.h"

#include "command.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What starts another program hides it from the supervisor: it would watch the wrong process. */
static const struct {
	const char *name, *remedy; /* NULL: it goes before the launcher */
} starters[] = {
	{"nice", "give nice values by the plan: -rt vcpu_sched=other -rt vcpu_nice=N"},
	{"chrt", "give policies by the plan: -rt vcpu_sched=fifo -rt vcpu_prio=N"},
	{"taskset", "give CPUs by the plan: -rt vcpu_bias=CPUS -rt main_bias=CPUS"},
	{"sudo", "run the launcher as root, and QEMU by --user USER"},
	{"su", "run the launcher as root, and QEMU by --user USER"},
	{"runuser", "run the launcher as root, and QEMU by --user USER"},
	{"setpriv", "run the launcher as root, and QEMU by --user USER"},
	{"chroot", NULL},
	{"doas", "run the launcher as root, and QEMU by --user USER"},
	{"env", NULL},
	{"timeout", NULL},
	{"numactl", NULL},
	{"nohup", NULL},
	{"setsid", NULL},
	{"stdbuf", NULL},
	{"ionice", NULL},
	{"prlimit", NULL},
	{"unshare", NULL},
	{"nsenter", NULL},
	{"systemd-run", NULL},
	{"time", NULL},
	{"strace", "trace QEMU from outside: strace -f -p PID, with the pid of 'qrt-launcher status --json'"},
	{"gdb", "debug QEMU from outside: gdb -p PID, with the pid of 'qrt-launcher status --json'"},
};

static bool check_starter(const char *command, const char *word)
{
	g_autofree char *name = g_path_get_basename(word);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(starters); i++) {
		if (strcmp(name, starters[i].name) != 0)
			continue;
		if (starters[i].remedy)
			complain("%s: '%s' starts another program, which would not be supervised; leave it "
				 "out and %s",
				 command, word, starters[i].remedy);
		else
			complain("%s: '%s' starts another program, which would not be supervised; put it "
				 "before the launcher: %s ... qrt-launcher %s -- qemu-system-x86_64 ...",
				 command, word, word, command);
		return false;
	}
	return true;
}

/* By its beginning: programs and disk images have NUL bytes there. */
static bool is_text(int fd)
{
	char text[1024];
	ssize_t n = read(fd, text, sizeof(text));

	return n > 0 && !memchr(text, '\0', (size_t)n);
}

static bool is_plan_like(const char *word)
{
	g_autofree char *program = strchr(word, '/') ? NULL : g_find_program_in_path(word);
	int fd = program ? -1 : open(word, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	bool is;

	if (fd < 0)
		return false;
	is = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && !(status.st_mode & 0111) && is_text(fd);
	close(fd);
	return is;
}

bool program_word_check(const char *command, const char *word)
{
	if (word[0] == '-') {
		complain("%s: '%s' stands where QEMU's program belongs; write -- qemu-system-x86_64 %s ...",
			 command, word, word);
		return false;
	}
	if (is_plan_like(word)) {
		complain("%s: '%s' is a text file and no program; a plan file is given by --plan %s", command,
			 word, word);
		return false;
	}
	return check_starter(command, word);
}
