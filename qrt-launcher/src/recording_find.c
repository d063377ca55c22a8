/* SPDX-License-Identifier: MIT */
#include "recording_find.h"

#include "command.h"
#include "control.h"
#include "json_limit.h"
#include "state.h"
#include "vm_choose.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- of a VM ---- */

static int parse(const char *text, struct recording *ret_recording, unsigned int *ret_line)
{
	int r;

	recording_init(ret_recording);
	r = recording_parse(ret_recording, text, strlen(text), ret_line);
	if (r < 0)
		recording_clear(ret_recording);
	return r;
}

static int take_answer(const char *name, JsonObject *answer, struct recording *ret_recording)
{
	unsigned int line;

	if (*json_limit_get_string(answer, "error")) {
		complain("blame: VM '%s' records nothing: it was started with --no-record, or by an older "
			 "launcher",
			 name);
		return -EXIT_FAILED;
	}
	if (parse(json_limit_get_string(answer, "recording"), ret_recording, &line) < 0) {
		control_complain(name, -EPROTO);
		return -EXIT_FAILED;
	}
	return 0;
}

static int ask_in(int run_fd, const char *name, struct recording *ret_recording)
{
	int fd = openat(run_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	JsonObject *answer;
	int r = fd < 0 ? -errno : control_ask_recording(fd, &answer);

	if (fd >= 0)
		close(fd);
	if (r < 0) {
		control_complain(name, r);
		return -EXIT_FAILED;
	}
	r = take_answer(name, answer, ret_recording);
	json_object_unref(answer);
	return r;
}

int recording_ask(const char *name, struct recording *ret_recording)
{
	char chosen[STATE_NAME_MAX + 1];
	int run_fd = vm_choose("blame", name, chosen), r;

	if (run_fd < 0)
		return -EXIT_FAILED;
	r = ask_in(run_fd, chosen, ret_recording);
	close(run_fd);
	return r;
}

/* ---- of a file ---- */

static int refuse(const char *path, const char *why)
{
	complain("blame: %s: %s", path, why);
	return -EXIT_FAILED;
}

static int read_all(int fd, char **ret_text, size_t *ret_len)
{
	struct stat status;
	char *text;
	size_t len = 0;
	ssize_t n = 1;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EISDIR;
	if (status.st_size > (off_t)RECORDING_MAX)
		return -EFBIG;
	text = g_malloc(RECORDING_MAX + 1);
	while (len < RECORDING_MAX && (n = read(fd, text + len, RECORDING_MAX - len)) > 0)
		len += (size_t)n;
	if (n < 0) {
		g_free(text);
		return -EIO;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int recording_load(const char *path, struct recording *ret_recording)
{
	g_autofree char *text = NULL;
	size_t len = 0;
	unsigned int line;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int r = fd < 0 ? -errno : read_all(fd, &text, &len);

	if (fd >= 0)
		close(fd);
	if (r < 0)
		return refuse(path, r == -EFBIG    ? "it is longer than any recording"
				    : r == -EISDIR ? "it is no file"
						   : strerror(-r));
	if (strlen(text) == len && parse(text, ret_recording, &line) == 0)
		return 0;
	if (strlen(text) != len)
		return refuse(path, "it is no recording");
	complain("blame: %s:%u: it is no recording, or a damaged one", path, line);
	return -EXIT_FAILED;
}
