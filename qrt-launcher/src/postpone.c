/* SPDX-License-Identifier: MIT */
#include "postpone.h"

#include <stddef.h>

/* SIGPIPE: who reads what is said meanwhile may end. */
static const int numbers[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE,
			      SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGVTALRM};

#define COUNT (sizeof(numbers) / sizeof(numbers[0]))

void postpone_begin(sigset_t *ret_before)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < COUNT; i++)
		sigaddset(&set, numbers[i]);
	pthread_sigmask(SIG_BLOCK, &set, ret_before);
}

void postpone_end(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Also one that is ignored waits while it is blocked. */
static bool is_deadly(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

bool postpone_has_one(void)
{
	sigset_t waiting;
	size_t i;

	if (sigpending(&waiting) < 0)
		return false;
	for (i = 0; i < COUNT; i++) {
		if (sigismember(&waiting, numbers[i]) == 1 && is_deadly(numbers[i]))
			return true;
	}
	return false;
}
