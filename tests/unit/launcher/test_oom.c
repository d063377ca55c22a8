/* SPDX-License-Identifier: MIT */
/* Who holds a VM is among the last to be killed; what it starts is not. */
#include "oom.h"
#include "tap.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static long read_adjustment(void)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "re");
	char text[32] = "";

	if (!file || !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		fclose(file);
	return strtol(text, NULL, 10);
}

static bool may_lower(void)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "we");
	bool may = file && fputs("-950", file) >= 0 && fflush(file) == 0;

	if (file)
		fclose(file);
	return may;
}

/* In a child: its exit code. */
static int in_child(int (*run)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(run());
	CU_ASSERT_FATAL(child > 0);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int try_it(void)
{
	return may_lower() ? 0 : 1;
}

static int is_low_and_back(void)
{
	long before = read_adjustment();

	oom_protect();
	oom_protect();
	if (read_adjustment() != (before < -900 ? before : -900))
		return 1;
	oom_release();
	return read_adjustment() != before;
}

static void comes_back(void)
{
	if (in_child(try_it) != 0) {
		tap_skip("this user may not lower it (CAP_SYS_RESOURCE)");
		return;
	}
	CU_ASSERT_EQUAL(in_child(is_low_and_back), 0);
}

static int lower_stays(void)
{
	may_lower();
	oom_protect();
	if (read_adjustment() != -950)
		return 1;
	oom_release();
	return read_adjustment() != -950;
}

static void stays(void)
{
	if (in_child(try_it) != 0) {
		tap_skip("this user may not lower it (CAP_SYS_RESOURCE)");
		return;
	}
	CU_ASSERT_EQUAL(in_child(lower_stays), 0);
}

static const struct tap_test tests[] = {
	{"low, and as before for what is started", comes_back},
	{"what is lower stays", stays},
};

TAP_MAIN("oom", tests)
