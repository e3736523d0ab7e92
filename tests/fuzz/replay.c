/*
 * A plain main() for fuzz entries: replays the files of the corpus directories that are given, so
 * that each corpus is an ordinary test without libFuzzer. A failure is a crash; the last name
 * printed is the input's.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "util/arena.h"
#include "util/error.h"
#include "util/file.h"

#define INPUT_MAX_SIZE ((size_t)1024 * 1024)

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay_file(const char *path)
{
	struct arena memory = ARENA_NULL;
	struct error err = { 0 };
	size_t size = 0;
	const char *contents = file_read(&memory, path, INPUT_MAX_SIZE, &size, &err);
	uint8_t *input;

	if (!contents) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	(void)printf("%s\n", path);
	(void)fflush(stdout);

	/* As libFuzzer does: a block of exactly that size, so that a sanitizer or valgrind sees
	 * the first byte read beyond it. */
	input = malloc(size ? size : 1);
	if (!input)
		abort();
	memcpy(input, contents, size);
	arena_clear(&memory);
	(void)LLVMFuzzerTestOneInput(input, size);
	free(input);
}

static int replay_directory(const char *directory)
{
	struct arena memory = ARENA_NULL;
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, is_input, alphasort);

	for (int i = 0; i < count; i++) {
		replay_file(arena_printf(&memory, "%s/%s", directory, entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	arena_clear(&memory);
	return count;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fprintf(stderr, "usage: %s DIRECTORY...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		if (replay_directory(argv[i]) <= 0) {
			(void)fprintf(stderr, "%s: no files to replay\n", argv[i]);
			return 1;
		}
	}
	return 0;
}
