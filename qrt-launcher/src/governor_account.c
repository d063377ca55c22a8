/* SPDX-License-Identifier: MIT */
/* What a group of threads used in all, and what the library's governors say to that. */
#include "governor_p.h"

void governor_account_open(struct governor_account *account)
{
	*account = (struct governor_account){.group = -1};
}

int governor_account_join(struct governor *governor, enum governor_court court,
			  struct governor_account *account, const struct qrt_sched_group_config *given)
{
	struct qrt_sched_group_config config = *given;
	int group;

	config.size = sizeof(config);
	governor_account_open(account);
	group = qrt_sched_governor_add(governor->courts[court], &config, NULL);
	if (group >= 0)
		account->group = group;
	return group;
}

void governor_account_leave(struct governor *governor, enum governor_court court,
			    struct governor_account *account)
{
	if (account->group >= 0)
		qrt_sched_governor_remove(governor->courts[court], account->group);
	account->group = -1;
}

void governor_account_charge(struct governor_account *account, const struct governor_usage *used)
{
	account->run_ns += used->run_ns;
	account->wait_ns += used->wait_ns;
}

void governor_account_tell(struct governor *governor, enum governor_court court,
			   const struct governor_account *account, uint64_t now_ns)
{
	const struct qrt_sched_usage usage = {
		.run_ns = account->run_ns, .wait_ns = account->wait_ns, .threads = account->threads};

	if (account->group >= 0)
		qrt_sched_governor_account(governor->courts[court], account->group, now_ns, &usage);
}

struct qrt_sched_verdict governor_account_get(const struct governor *governor, enum governor_court court,
					      const struct governor_account *account)
{
	struct qrt_sched_verdict verdict = {0};

	if (account->group >= 0)
		qrt_sched_governor_get(governor->courts[court], account->group, &verdict);
	return verdict;
}
