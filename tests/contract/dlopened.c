/* SPDX-License-Identifier: MIT */
/* Loads a library at run time, uses it, lets it go, and does so again: dlopened LIBRARY FUNCTION
 * VERSION_NODE. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	int round;

	for (round = 0; argc > 3 && round < 3; round++) {
		void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), *symbol;
		const char *(*version)(void);

		symbol = library ? dlvsym(library, argv[2], argv[3]) : NULL;
		if (!symbol) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		memcpy(&version, &symbol, sizeof(symbol));
		if (round == 2)
			puts(version());
		dlclose(library);
	}
	return 0;
}
