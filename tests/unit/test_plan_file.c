/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct qrt_sched_error error;

static int parse(struct qrt_sched_plan *plan, const char *text, size_t len)
{
	memset(&error, 0, sizeof(error));
	return qrt_sched_plan_parse_text(plan, text, len, &error);
}

static void a_plan_file_says_what_options_say(void)
{
	static const char text[] = "# rt.plan: control VM\n"
				   "vcpu_bias = 2, 3      # one CPU each\n"
				   "\n"
				   "   \t \n"
				   "vcpu_sched = fifo\n"
				   "vcpu_prio = 10\n"
				   "main_bias = 0-1\n"
				   "mlock = onfault";
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_EQUAL(parse(plan, text, strlen(text)), 0);
	CU_ASSERT_STRING_EQUAL(
		plan_text(plan),
		"vcpu_bias=2,3\nvcpu_sched=fifo\nvcpu_prio=10\nmain_bias=0-1\nmlock=onfault\n");
	qrt_sched_plan_close(plan);
}

static void line_ends_of_all_kinds_are_accepted(void)
{
	static const char *const texts[] = {"vcpu_prio=1\nmain_prio=2", "vcpu_prio=1\r\nmain_prio=2\r\n",
					    "\n\n\nvcpu_prio=1\n\nmain_prio=2\n\n",
					    "#\r\nvcpu_prio=1\r\nmain_prio=2\r"};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct qrt_sched_plan *plan = plan_of("");

		CU_ASSERT_EQUAL(parse(plan, texts[i], strlen(texts[i])), 0);
		CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=1\nmain_prio=2\n");
		qrt_sched_plan_close(plan);
	}
}

static void a_byte_order_mark_is_passed_over(void)
{
	static const char text[] = "\xef\xbb\xbfvcpu_prio=1\r\nmain_prio=2\r\n";
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_EQUAL(parse(plan, text, strlen(text)), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=1\nmain_prio=2\n");
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_MAIN, QRT_SCHED_SET_PRIORITY), 2);
	CU_ASSERT_EQUAL(parse(plan, text, 3), 0);
	qrt_sched_plan_close(plan);
}

static void a_line_may_hold_several_options(void)
{
	static const char text[] = "vcpu_bias = 2, 3  vcpu_prio=10   # one CPU each\n"
				   "othr_name=my helper  main_prio=12 # pi=off\n";
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_EQUAL(parse(plan, text, strlen(text)), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan),
			       "vcpu_bias=2,3\nvcpu_prio=10\nmain_prio=12\nothr_name=my helper\n");
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_MAIN, QRT_SCHED_SET_PRIORITY), 2);
	qrt_sched_plan_close(plan);
}

static void an_empty_text_changes_nothing(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=1");

	CU_ASSERT_EQUAL(parse(plan, "", 0), 0);
	CU_ASSERT_EQUAL(parse(plan, NULL, 0), 0);
	CU_ASSERT_EQUAL(parse(plan, NULL, 1), -EINVAL);
	CU_ASSERT_EQUAL(parse(plan, "# nothing", 9), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=1\n");
	qrt_sched_plan_close(plan);
}

static void a_bad_line_is_named_and_nothing_is_taken(void)
{
	static const struct {
		const char *text;
		size_t len; /* 0: all of it */
		uint32_t line;
		int code;
		const char *word;
	} bad[] = {
		{"vcpu_prio=1\nvcpu_prio=2\n#\nvcpu_prio=100\n", 0, 4, -ERANGE, "1..99"},
		{"x", 0, 1, -EINVAL, "no value"},
		{"vcpu_prio=3\r\n\r\nvpcu_prio=1\r\n", 0, 3, -EINVAL, "did you mean 'vcpu_prio'"},
		{"include other.plan\n", 0, 1, -EINVAL, "several --plan"},
		{"vcpu_prio=1\nvcpu_prio=2\0\n", 25, 2, -EINVAL, "NUL"},
		{"\0", 1, 1, -EINVAL, "NUL"},
		{"# comment \0\n", 12, 1, -EINVAL, "NUL"},
		{"vcpu_prio=1\rmain_prio=2\n", 0, 1, -EINVAL, "second '='"},
		{"vcpu_bias=2 # 3\nvcpu_bias = # 3\n", 0, 2, -EINVAL, "empty"},
		{"-rt vcpu_prio=1\n", 0, 1, -EINVAL, "leave out '-rt'"},
		{"vcpu_prio=1\n main_prio=1 vcpu_prio=x\n", 0, 2, -EINVAL, "vcpu_prio: 'x'"},
		{"\n\xef\xbb\xbfvcpu_prio=1\n", 0, 2, -EINVAL, "unknown role"},
		{"\xef\xbbvcpu_prio=1\n", 0, 1, -EINVAL, "unknown role"},
	};
	struct qrt_sched_plan *plan = plan_of("paio_prio=9");
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = parse(plan, bad[i].text, bad[i].len ? bad[i].len : strlen(bad[i].text));

		if (r != bad[i].code || error.line != bad[i].line || !strstr(error.message, bad[i].word))
			tap_note("%zu: %d line %u '%s'", i, r, error.line, error.message);
		CU_ASSERT_EQUAL(r, bad[i].code);
		CU_ASSERT_EQUAL(error.line, bad[i].line);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, bad[i].word));
	}
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "paio_prio=9\n");
	qrt_sched_plan_close(plan);
}

static void lengths_are_bounded(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	char *text = malloc(70000);

	memset(text, ' ', 70000);
	memcpy(text, "vcpu_prio=1", 11);
	CU_ASSERT_EQUAL(parse(plan, text, 4096), 0);
	CU_ASSERT_EQUAL(parse(plan, text, 4097), -EFBIG);
	CU_ASSERT_EQUAL(error.line, 1);
	memset(text, '\n', 70000);
	CU_ASSERT_EQUAL(parse(plan, text, 65536), 0);
	CU_ASSERT_EQUAL(parse(plan, text, 65537), -EFBIG);
	CU_ASSERT_EQUAL(parse(plan, text, SIZE_MAX), -EFBIG);
	free(text);
	qrt_sched_plan_close(plan);
}

static char folder[] = "/tmp/qrt-plan-XXXXXX";
static char path[64];

static const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, size_t len)
{
	int fd = open(at(name), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	CU_ASSERT_TRUE(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	close(fd);
}

static int parse_file(const char *file)
{
	struct qrt_sched_plan *plan = plan_of("paio_prio=9");
	int r;

	memset(&error, 0, sizeof(error));
	r = qrt_sched_plan_parse_file(plan, file, &error);
	if (r < 0)
		CU_ASSERT_STRING_EQUAL(plan_text(plan), "paio_prio=9\n");
	CU_ASSERT_EQUAL(error.code, r);
	qrt_sched_plan_close(plan);
	return r;
}

static void a_file_is_read(void)
{
	struct qrt_sched_plan *plan = plan_of("");

	write_file("good", "vcpu_prio=1\n", 12);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_file(plan, at("good"), NULL), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=1\n");
	unlink(at("good"));
	qrt_sched_plan_close(plan);
}

static void what_is_no_regular_file_is_refused_without_waiting(void)
{
	CU_ASSERT_EQUAL(mkfifo(at("fifo"), 0600), 0);
	CU_ASSERT_EQUAL(parse_file(at("fifo")), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "regular"));
	unlink(at("fifo"));
	CU_ASSERT_EQUAL(parse_file(folder), -EINVAL);
	CU_ASSERT_EQUAL(parse_file("/dev/zero"), -EINVAL);
	CU_ASSERT_EQUAL(parse_file(at("missing")), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "missing"));
	CU_ASSERT_EQUAL(parse_file(""), -ENOENT);
	CU_ASSERT_EQUAL(symlink("loop", at("loop")), 0);
	CU_ASSERT_EQUAL(parse_file(at("loop")), -ELOOP);
	unlink(at("loop"));
}

static void a_huge_or_binary_file_is_refused(void)
{
	CU_ASSERT_EQUAL(close(open(at("huge"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	CU_ASSERT_EQUAL(truncate(at("huge"), 10 << 20), 0);
	CU_ASSERT_EQUAL(parse_file(at("huge")), -EFBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, at("huge")));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "64 KiB"));
	CU_ASSERT_EQUAL(truncate(at("huge"), 65537), 0);
	CU_ASSERT_EQUAL(parse_file(at("huge")), -EFBIG);
	unlink(at("huge"));
	write_file("nul", "vcpu_prio=1\nma\0in", 17);
	CU_ASSERT_EQUAL(parse_file(at("nul")), -EINVAL);
	CU_ASSERT_EQUAL(error.line, 2);
	unlink(at("nul"));
}

static void options_override_a_file_member_by_member(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	static const char text[] = "vcpu_bias=2,3\nvcpu_sched=fifo\nvcpu_prio=10\nmain_prio=12\n";

	CU_ASSERT_EQUAL(parse(plan, text, strlen(text)), 0);
	CU_ASSERT_EQUAL(plan_add(plan, "vcpu_prio=20"), 0);
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 1), "fifo 20 on 3");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_MAIN, 0), "fifo 12");
	qrt_sched_plan_close(plan);
}

/* ---- an argument ---- */

static int add_argument(struct qrt_sched_plan *plan, const char *text)
{
	memset(&error, 0, sizeof(error));
	return qrt_sched_plan_parse_argument(plan, text, &error);
}

static int add_file_argument(struct qrt_sched_plan *plan, const char *name)
{
	char text[80];

	snprintf(text, sizeof(text), "plan=%s", at(name));
	return add_argument(plan, text);
}

static void an_argument_is_an_option_or_a_file(void)
{
	struct qrt_sched_plan *plan = plan_of("");

	write_file("a b=c", "# control\nvcpu_prio=1 # one\nmain_prio=2\n", 40);
	CU_ASSERT_EQUAL(add_argument(plan, "vcpu_prio=7 paio_prio=9"), 0);
	CU_ASSERT_EQUAL(add_file_argument(plan, "a b=c"), 0);
	CU_ASSERT_EQUAL(add_argument(plan, "main_prio=3"), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=1\nmain_prio=3\npaio_prio=9\n");
	unlink(at("a b=c"));
	qrt_sched_plan_close(plan);
}

/* What is wrong names the file, once, and its line; and nothing of it was taken. */
static void a_bad_argument_says_where(void)
{
	struct qrt_sched_plan *plan = plan_of("paio_prio=9");

	write_file("bad", "vcpu_prio=1\nvcpu_prio=100\n", 26);
	CU_ASSERT_EQUAL(add_file_argument(plan, "bad"), -ERANGE);
	CU_ASSERT_EQUAL(error.code, -ERANGE);
	CU_ASSERT_EQUAL(error.line, 2);
	CU_ASSERT_PTR_EQUAL(strstr(error.message, at("bad")), error.message);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/bad:2: vcpu_prio"));
	CU_ASSERT_EQUAL(truncate(at("bad"), 65537), 0);
	CU_ASSERT_EQUAL(add_file_argument(plan, "bad"), -EFBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, at("bad")));
	unlink(at("bad"));
	CU_ASSERT_EQUAL(add_file_argument(plan, "missing"), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, at("missing")));
	CU_ASSERT_PTR_NULL(strstr(strstr(error.message, "missing") + 1, "missing"));
	CU_ASSERT_EQUAL(add_argument(plan, "plan="), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "plan=PATH"));
	CU_ASSERT_EQUAL(add_argument(plan, "control.plan"), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "plan=PATH"));
	CU_ASSERT_EQUAL(add_argument(plan, ""), -EINVAL);
	CU_ASSERT_EQUAL(add_argument(plan, "vcpu_prio=100"), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_argument(plan, "plan=/", NULL), -EINVAL);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "paio_prio=9\n");
	qrt_sched_plan_close(plan);
}

/* Options come from whom may not read what the program may: a file is an argument alone. */
static void an_option_is_no_file(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	char option[100];

	write_file("good", "vcpu_prio=1\n", 12);
	snprintf(option, sizeof(option), "plan=%s", path);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(plan, option, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "--plan"));
	CU_ASSERT_EQUAL(parse(plan, option, strlen(option)), -EINVAL);
	snprintf(option, sizeof(option), "main_prio=1 plan=%s", path);
	CU_ASSERT_EQUAL(add_argument(plan, option), -EINVAL);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "");
	unlink(at("good"));
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"a plan file says what options say, with comments and blanks", a_plan_file_says_what_options_say},
	{"CRLF and a missing newline at the end are accepted", line_ends_of_all_kinds_are_accepted},
	{"a byte order mark is passed over", a_byte_order_mark_is_passed_over},
	{"a line may hold several options", a_line_may_hold_several_options},
	{"an empty text changes nothing", an_empty_text_changes_nothing},
	{"a bad line is named, and nothing of the text is taken", a_bad_line_is_named_and_nothing_is_taken},
	{"a text of more than 64 KiB, a line of more than 4096 bytes: -EFBIG", lengths_are_bounded},
	{"a file is read", a_file_is_read},
	{"what is no regular file is refused without waiting",
	 what_is_no_regular_file_is_refused_without_waiting},
	{"a file of 10 MB, a file with a NUL byte are refused", a_huge_or_binary_file_is_refused},
	{"options override a file member by member", options_override_a_file_member_by_member},
	{"an argument is an option, or plan=PATH", an_argument_is_an_option_or_a_file},
	{"a bad argument says where", a_bad_argument_says_where},
	{"an option is no file", an_option_is_no_file},
};

int main(int argc, char **argv)
{
	int r;

	if (!mkdtemp(folder))
		return 1;
	r = tap_main("plan_file", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
	rmdir(folder);
	return r;
}
