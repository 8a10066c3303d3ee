/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A main() for fuzz targets where there is no libFuzzer: feeds every file named on the
 * command line, and every file of every folder named, to LLVMFuzzerTestOneInput(), so
 * that what a fuzzer once found is part of the ordinary test suite. It knows nothing of
 * what is fuzzed and judges nothing: a failure is an abort of the target.
 */

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_all(FILE *f, uint8_t **ret, size_t *ret_size)
{
	_cleanup_(free_p) uint8_t *data = NULL;
	size_t size = 0, room = 0, n;

	do {
		if (size == room) {
			uint8_t *bigger = realloc(data, room += 65536);

			if (!bigger)
				return -ENOMEM;
			data = bigger;
		}
		n = fread(data + size, 1, room - size, f);
		size += n;
	} while (n > 0);
	if (ferror(f))
		return -EIO;
	*ret = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

static int feed_file(const char *path)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "re");
	_cleanup_(free_p) uint8_t *data = NULL;
	_cleanup_(free_p) uint8_t *exact = NULL;
	size_t size = 0;
	int r;

	if (!f)
		return -errno;
	r = read_all(f, &data, &size);
	if (r < 0)
		return r;
	/* A block of just this size, so that a sanitizer sees a read past its end. */
	exact = malloc(size ? size : 1);
	if (!exact)
		return -ENOMEM;
	memcpy(exact, data, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	return 1;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int feed_folder(const char *path)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, NULL, compare_names);
	int fed = 0, r = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		_cleanup_(free_p) char *file = NULL;

		if (r >= 0 && entries[i]->d_name[0] != '.') {
			if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
				r = -ENOMEM;
			else
				r = feed_file(file);
			if (r < 0)
				fprintf(stderr, "%s: %s\n", file, strerror(-r));
			else
				fed += r;
		}
		free(entries[i]);
	}
	free(entries);
	return r < 0 ? r : fed;
}

int main(int argc, char **argv)
{
	int fed = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		int r = stat(argv[i], &st) < 0 ? -errno : 0;

		if (r == 0)
			r = S_ISDIR(st.st_mode) ? feed_folder(argv[i])
						: feed_file(argv[i]);
		if (r < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
			return 1;
		}
		fed += r;
	}
	printf("%d inputs\n", fed);
	/* An empty corpus tests nothing, and should not look as if it did. */
	return fed > 0 ? 0 : 1;
}
