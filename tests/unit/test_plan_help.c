/* SPDX-License-Identifier: MIT */
/* The help against what the parser knows. */
#include "plan_p.h"
#include "tap.h"

#include <ctype.h>
#include <string.h>

#define WIDTH 100

/* As a word of its own. */
static int has_word(const char *word)
{
	const char *help = qrt_sched_plan_help(), *at = help;
	size_t length = strlen(word);

	for (; (at = strstr(at, word)); at++) {
		if ((at == help || !isalnum(at[-1])) && !(isalnum(at[length - 1]) && isalnum(at[length])))
			return 1;
	}
	tap_note("not there: %s", word);
	return 0;
}

/* As an option, which has a value. */
static int has_option(const char *name)
{
	char word[32] = "";

	strncat(word, name, sizeof(word) - 2);
	return has_word(strcat(word, "="));
}

static int has_words(const char *const *words)
{
	int all = 1;

	for (; *words; words++)
		all &= has_word(*words);
	return all;
}

static void every_role_is_there(void)
{
	int role;

	for (role = 0; role < QRT_SCHED_ROLES; role++)
		CU_ASSERT(has_word(qrt_sched_role_name((enum qrt_sched_role)role)));
}

static void every_key_is_there(void)
{
	int key;

	for (key = 0; key < QRT_SCHED_P_KEYS; key++)
		CU_ASSERT(has_option(qrt_sched_p_key_name((enum qrt_sched_p_key)key)));
}

static void every_policy_is_there(void)
{
	uint32_t policy;

	for (policy = 0; policy <= QRT_SCHED_POLICY_DEADLINE; policy++) {
		if (qrt_sched_policy_name(policy))
			CU_ASSERT(has_word(qrt_sched_policy_name(policy)));
	}
}

static void every_option_of_the_whole_machine_is_there(void)
{
	uint32_t number;

	for (number = 0; number < QRT_SCHED_P_GLOBALS; number++)
		CU_ASSERT(has_option(qrt_sched_p_global_name((int)number)));
	for (number = 0; qrt_sched_p_mlock_name(number); number++)
		CU_ASSERT(has_word(qrt_sched_p_mlock_name(number)));
	for (number = 0; qrt_sched_p_hugepages_name(number); number++)
		CU_ASSERT(has_word(qrt_sched_p_hugepages_name(number)));
}

static void every_argument_of_maxprio_is_there(void)
{
	static const char *const words[] = {"maxprio", "policy", "aioprio", "aiopolicy", "pvsched",
					    "ff",      "rr",     "ts",      NULL};

	CU_ASSERT(has_words(words));
}

static void a_plan_file_is_there(void)
{
	CU_ASSERT(has_option("plan"));
}

static void it_is_whole_lines_of_a_terminal(void)
{
	const char *line = qrt_sched_plan_help(), *end;

	CU_ASSERT(*line != '\0');
	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		CU_ASSERT_PTR_NOT_NULL_FATAL(end);
		CU_ASSERT(end - line <= WIDTH);
		CU_ASSERT_PTR_NULL(memchr(line, '\t', (size_t)(end - line)));
	}
}

static const struct tap_test tests[] = {
	{"every role is there", every_role_is_there},
	{"every key is there", every_key_is_there},
	{"every policy is there", every_policy_is_there},
	{"every option of the whole machine is there", every_option_of_the_whole_machine_is_there},
	{"every argument of maxprio is there", every_argument_of_maxprio_is_there},
	{"a plan file is there", a_plan_file_is_there},
	{"it is whole lines of a terminal", it_is_whole_lines_of_a_terminal},
};

TAP_MAIN("plan_help", tests)
