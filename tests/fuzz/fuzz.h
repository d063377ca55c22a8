/* SPDX-License-Identifier: MIT */
#ifndef QRT_TESTS_FUZZ_H
#define QRT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The entry that libFuzzer calls; replay.c calls the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise ends the program, as a fault of memory does. */
#define PROMISE(condition)                                                                                   \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition);      \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

#endif
