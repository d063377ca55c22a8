/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: over each file of its corpus, and over a fixed number of
 * seeded mutations of them. One TAP line a file. Usage: replay_NAME CORPUS-FOLDER
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

#define INPUT_MAX 70000
#define MUTATIONS 2000

static uint64_t state = 20260101;

static uint32_t below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % limit;
}

/* The target gets memory of exactly the input's size, so that a sanitizer sees what reads beyond. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	PROMISE(exact);
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static size_t change_byte(uint8_t *data, size_t size)
{
	static const char bytes[] = "\0\n\r\t =,+-#*?_09azKfr\xff\x80";

	if (size)
		data[below((uint32_t)size)] = (uint8_t)bytes[below(sizeof(bytes) - 1)];
	return size;
}

static size_t cut(uint8_t *data, size_t size)
{
	size_t from, count;

	if (!size)
		return 0;
	from = below((uint32_t)size);
	count = 1 + below((uint32_t)(size - from));
	memmove(data + from, data + from + count, size - from - count);
	return size - count;
}

static size_t repeat(uint8_t *data, size_t size)
{
	size_t from, count;

	if (!size)
		return 0;
	from = below((uint32_t)size);
	count = 1 + below((uint32_t)(size - from));
	if (size + count > INPUT_MAX)
		return size;
	memmove(data + from + count, data + from, size - from);
	return size + count;
}

static void mutate_and_run(const uint8_t *seed, size_t seed_size)
{
	static size_t (*const changes[])(uint8_t *, size_t) = {change_byte, change_byte, cut, repeat};
	static uint8_t data[INPUT_MAX];
	size_t size = seed_size;
	uint32_t i, count = 1 + below(5);

	memcpy(data, seed, seed_size);
	for (i = 0; i < count; i++)
		size = changes[below(4)](data, size);
	run(data, size);
}

static void replay(const char *folder, const char *name, int number)
{
	static uint8_t data[INPUT_MAX];
	char path[512];
	size_t size;
	FILE *file;
	int i;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	PROMISE(file);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	run(data, size);
	for (i = 0; i < MUTATIONS; i++)
		mutate_and_run(data, size);
	printf("ok %d - %s and %d mutations of it\n", number, name, MUTATIONS);
	fflush(stdout);
}

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **seeds;
	int i, count;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &seeds, is_seed, alphasort);
	PROMISE(count > 0);
	printf("1..%d\n", count);
	for (i = 0; i < count; i++) {
		replay(argv[1], seeds[i]->d_name, i + 1);
		free(seeds[i]);
	}
	free(seeds);
	return 0;
}
