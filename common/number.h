/* SPDX-License-Identifier: MIT */
/* Numbers and times as people write them on a command line. */
#ifndef QRT_NUMBER_H
#define QRT_NUMBER_H

#include <stdint.h>

/* A whole number of 1..most. -EINVAL. */
int number_parse(const char *text, uint64_t most, uint64_t *ret_number);
/* "500us", "1ms", "2s"; a number alone counts in bare_ns, 0: it must have a unit. -EINVAL; -ERANGE: 0, or
 * above a day. */
int number_parse_time(const char *text, uint64_t bare_ns, uint64_t *ret_ns);

#endif
