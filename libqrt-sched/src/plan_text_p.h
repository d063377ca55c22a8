/* SPDX-License-Identifier: MIT */
/* Words and numbers of the option grammars. */
#ifndef QRT_SCHED_PLAN_TEXT_P_H
#define QRT_SCHED_PLAN_TEXT_P_H

#include <stddef.h>
#include <stdint.h>

/* Cuts blanks off both ends, in place. Returns where the text starts now. */
char *qrt_sched_p_trim(char *text);

/* Where the next option of a line begins, behind a blank: at the name in front of its '='. NULL: there is
 * no other. A pattern may hold blanks, but no '='. */
char *qrt_sched_p_next_option(char *text);

/* A decimal number with an optional sign, the whole text, into first..last, which are below
 * 100 million. -EINVAL: no number; -ERANGE: outside. */
int qrt_sched_p_number_parse(const char *text, int32_t first, int32_t last, int32_t *ret_number);

/* A list of names, by number; NULL where there is none of that number. */
typedef const char *qrt_sched_p_name_fn(int number);

struct qrt_sched_p_names {
	qrt_sched_p_name_fn *name;
	int count;
};

/* "did you mean 'vcpu_prio'? known are vcpu, main, ..." for a word that is none of the names. The first
 * part is left out where none of those that may be meant is near. */
void qrt_sched_p_suggest(const char *word, const struct qrt_sched_p_names *meant,
			 const struct qrt_sched_p_names *known, char *buf, size_t size);

#endif
