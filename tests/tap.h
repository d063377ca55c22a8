/* SPDX-License-Identifier: MIT */
/* A small runner around CUnit that prints TAP, with skips that say why. */
#ifndef QRT_TESTS_TAP_H
#define QRT_TESTS_TAP_H

#include <CUnit/CUnit.h>
#include <stddef.h>

struct tap_test {
	const char *name; /* the promise that is tested */
	void (*run)(void);
};

/* Runs the tests in order and prints TAP. Returns the exit code: 0, or 1 when one failed. With
 * arguments, runs only the tests whose name contains one of them. */
int tap_main(const char *suite_name, const struct tap_test *tests, size_t count, int argc, char **argv);

/* Marks the running test as skipped; the test function returns right after it. */
void tap_skip(const char *why);

/* Prints a TAP comment line. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define TAP_MAIN(suite, tests)                                                                               \
	int main(int argc, char **argv)                                                                      \
	{                                                                                                    \
		return tap_main(suite, tests, sizeof(tests) / sizeof((tests)[0]), argc, argv);               \
	}

#endif
