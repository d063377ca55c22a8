/* SPDX-License-Identifier: MIT */
/* Loaded into a program: a recording on its way to its file hangs there as long as the file $QRT_HANG exists.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP_US 10000

__attribute__((visibility("default"))) int renameat(int oldfd, const char *old, int newfd, const char *new)
{
	__typeof__(&renameat) real = (__typeof__(&renameat))dlsym(RTLD_NEXT, "renameat");
	const char *hang = getenv("QRT_HANG");

	while (hang && strstr(new, ".record") && access(hang, F_OK) == 0)
		usleep(STEP_US);
	return real(oldfd, old, newfd, new);
}
