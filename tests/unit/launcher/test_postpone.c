/* SPDX-License-Identifier: MIT */
/* Signals in the middle of changes: later, but not lost. */
#include "postpone.h"
#include "tap.h"

#include <sys/wait.h>
#include <unistd.h>

/* How a child ends: its exit code, or 128 and the signal. */
static int in_child(void (*run)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		run();
		_exit(0);
	}
	CU_ASSERT_FATAL(child > 0);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void expect(bool is_true)
{
	if (!is_true)
		_exit(1);
}

static void wait_and_die(void)
{
	sigset_t before, inner;

	postpone_begin(&before);
	expect(!postpone_has_one());
	raise(SIGTERM);
	expect(postpone_has_one());
	postpone_begin(&inner);
	postpone_end(&inner);
	expect(postpone_has_one());
	postpone_end(&before);
}

static void is_delivered_at_the_end(void)
{
	CU_ASSERT_EQUAL(in_child(wait_and_die), 128 + SIGTERM);
}

static void wait_and_live(void)
{
	sigset_t before;

	signal(SIGHUP, SIG_IGN);
	postpone_begin(&before);
	raise(SIGHUP);
	expect(!postpone_has_one());
	postpone_end(&before);
}

static void what_is_ignored_is_ignored(void)
{
	CU_ASSERT_EQUAL(in_child(wait_and_live), 0);
}

static void keep_blocked(void)
{
	sigset_t before, set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	postpone_begin(&before);
	raise(SIGTERM);
	postpone_end(&before);
	expect(postpone_has_one());
}

static void what_was_blocked_stays_so(void)
{
	CU_ASSERT_EQUAL(in_child(keep_blocked), 0);
}

static const struct tap_test tests[] = {
	{"a signal is delivered at the end", is_delivered_at_the_end},
	{"what is ignored is ignored", what_is_ignored_is_ignored},
	{"what was blocked stays so", what_was_blocked_stays_so},
};

TAP_MAIN("postpone", tests)
