/* SPDX-License-Identifier: MIT */
#include "error_p.h"
#include "plan_p.h"
#include "plan_text_p.h"
#include "sys_p.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int line_error(struct qrt_sched_error *reterr, uint32_t line, int code, const char *message)
{
	qrt_sched_p_error(reterr, code, "%s", message);
	if (reterr)
		reterr->line = line;
	return code;
}

static int parse_line(struct qrt_sched_plan *plan, const char *text, size_t length, uint32_t line,
		      struct qrt_sched_error *reterr)
{
	char copy[QRT_SCHED_P_LINE_MAX + 1], *start;

	if (length && text[length - 1] == '\r')
		length--;
	if (length > QRT_SCHED_P_LINE_MAX)
		return line_error(reterr, line, -EFBIG, "the line is longer than 4096 bytes");
	if (memchr(text, 0, length))
		return line_error(reterr, line, -EINVAL, "the line holds a NUL byte: a plan file is text");
	memcpy(copy, text, length);
	copy[length] = 0;
	copy[strcspn(copy, "#")] = 0;
	start = qrt_sched_p_trim(copy);
	return *start ? qrt_sched_p_plan_option(plan, start, line, reterr) : 0;
}

static int parse_lines(struct qrt_sched_plan *plan, const char *text, size_t len,
		       struct qrt_sched_error *reterr)
{
	static const char mark[] = "\xef\xbb\xbf"; /* an editor's, that the text is UTF-8 */
	uint32_t line = 1;
	int r = 0;

	if (len >= sizeof(mark) - 1 && !memcmp(text, mark, sizeof(mark) - 1)) {
		text += sizeof(mark) - 1;
		len -= sizeof(mark) - 1;
	}
	for (; r >= 0 && len; line++) {
		const char *newline = memchr(text, '\n', len);
		size_t length = newline ? (size_t)(newline - text) : len;

		r = parse_line(plan, text, length, line, reterr);
		length += newline != NULL;
		text += length;
		len -= length;
	}
	return r;
}

int qrt_sched_plan_parse_text(struct qrt_sched_plan *plan, const char *text, size_t len,
			      struct qrt_sched_error *reterr)
{
	struct qrt_sched_plan scratch = {0};
	int r;

	if (len && !text)
		return qrt_sched_p_error(reterr, -EINVAL, "there is no text of %zu bytes", len);
	if (len > QRT_SCHED_P_FILE_MAX)
		return qrt_sched_p_error(reterr, -EFBIG, "the plan is longer than 64 KiB");
	r = qrt_sched_p_plan_copy(&scratch, plan);
	if (r < 0)
		return qrt_sched_p_error(reterr, r, "no memory for the plan");
	r = parse_lines(&scratch, text, len, reterr);
	return qrt_sched_p_plan_commit(plan, &scratch, r, reterr);
}

static int file_error(struct qrt_sched_error *reterr, const char *path, int code)
{
	qrt_sched_p_error(reterr, code, "cannot read the plan file '%.160s': %s", path,
			  code == -EFBIG ? "it is longer than 64 KiB" : strerror(-code));
	return code;
}

static int read_regular(const char *path, int fd, char *buf, size_t size, struct qrt_sched_error *reterr)
{
	struct stat st;
	int length;

	if (fstat(fd, &st) < 0)
		return file_error(reterr, path, -errno);
	if (!S_ISREG(st.st_mode)) {
		qrt_sched_p_error(reterr, -EINVAL,
				  "'%.160s' is not a regular file: name a file with plan options", path);
		return -EINVAL;
	}
	length = qrt_sched_p_read_fd(fd, buf, size);
	return length < 0 ? file_error(reterr, path, length) : length;
}

int qrt_sched_plan_parse_file(struct qrt_sched_plan *plan, const char *path, struct qrt_sched_error *reterr)
{
	size_t size = QRT_SCHED_P_FILE_MAX + 1;
	int fd, length, r;
	char *text;

	/* Opening a FIFO or a device for reading must not wait for its other end. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return file_error(reterr, path, -errno);
	text = malloc(size);
	length = text ? read_regular(path, fd, text, size, reterr) : file_error(reterr, path, -ENOMEM);
	close(fd);
	r = length < 0 ? length : qrt_sched_plan_parse_text(plan, text, (size_t)length, reterr);
	free(text);
	return r;
}

/* ---- an argument: an option, or the name of a file ---- */

static int argument_file_error(struct qrt_sched_error *reterr, const char *path,
			       const struct qrt_sched_error *error, int code)
{
	if (error->line)
		qrt_sched_p_error(reterr, code, "%.160s:%u: %s", path, error->line, error->message);
	else if (strstr(error->message, path))
		qrt_sched_p_error(reterr, code, "%s", error->message);
	else
		qrt_sched_p_error(reterr, code, "%.160s: %s", path, error->message);
	if (reterr)
		reterr->line = error->line;
	return code;
}

int qrt_sched_plan_parse_argument(struct qrt_sched_plan *plan, const char *text,
				  struct qrt_sched_error *reterr)
{
	static const char prefix[] = "plan=";
	struct qrt_sched_error error = {0};
	const char *path = text + sizeof(prefix) - 1;
	int r;

	if (*text && !strchr(text, '='))
		return qrt_sched_p_error(
			reterr, -EINVAL,
			"'%.60s' has no value: write OPTION=VALUE, or plan=PATH for a plan file", text);
	if (strncmp(text, prefix, sizeof(prefix) - 1) != 0)
		return qrt_sched_plan_parse_option(plan, text, reterr);
	if (!*path)
		return qrt_sched_p_error(reterr, -EINVAL, "plan= names no file: give plan=PATH");
	r = qrt_sched_plan_parse_file(plan, path, &error);
	return r < 0 ? argument_file_error(reterr, path, &error, r) : r;
}
