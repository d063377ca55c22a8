/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *skip_reason;

void tap_skip(const char *why)
{
	skip_reason = why;
}

void tap_note(const char *format, ...)
{
	va_list args;

	fputs("# ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static int is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strstr(name, argv[i]))
			return 1;
	}
	return argc <= 1;
}

static void print_failures(const CU_FailureRecord *first)
{
	const CU_FailureRecord *f;

	for (f = first; f; f = f->pNext)
		tap_note("%s:%u: %s", f->strFileName, f->uiLineNumber, f->strCondition);
}

static int run_one(CU_pSuite suite, CU_pTest test, unsigned number)
{
	unsigned failed;

	skip_reason = NULL;
	CU_run_test(suite, test);
	failed = CU_get_number_of_failures();
	print_failures(CU_get_failure_list());
	printf("%sok %u - %s", failed ? "not " : "", number, test->pName);
	if (!failed && skip_reason)
		printf(" # SKIP %s", skip_reason);
	putchar('\n');
	fflush(stdout);
	return failed != 0;
}

int tap_main(const char *suite_name, const struct tap_test *tests, size_t count, int argc, char **argv)
{
	unsigned planned = 0, number = 0;
	int failed = 0;
	CU_pSuite suite;
	size_t i;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (i = 0; i < count; i++)
		planned += is_wanted(tests[i].name, argc, argv);
	printf("1..%u\n", planned);
	fflush(stdout); /* tests fork */
	for (i = 0; i < count; i++) {
		if (is_wanted(tests[i].name, argc, argv))
			failed |= run_one(suite, CU_add_test(suite, tests[i].name, tests[i].run), ++number);
	}
	CU_cleanup_registry();
	return failed;
}
