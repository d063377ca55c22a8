/* SPDX-License-Identifier: MIT */
/* The question "set": what is to be changed of a running VM's plan. */
#ifndef QRT_LAUNCHER_SET_H
#define QRT_LAUNCHER_SET_H

#include <stdbool.h>

struct set_question;

struct set_question *set_question_new(void);
void set_question_free(struct set_question *question);

/* Return an exit code, having said what is wrong. */
int set_question_add_file(struct set_question *question, const char *path);
int set_question_add_option(struct set_question *question, const char *text);
bool set_question_is_empty(const struct set_question *question);

/* The line to send, freed by g_free(); NULL where it is longer than a supervisor reads. */
char *set_question_format(const struct set_question *question);

#endif
