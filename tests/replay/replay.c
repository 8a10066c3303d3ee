/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Plays the stories named on the command line and reports what went otherwise. The form of
 * a story stands in story.h; with -v every effect is shown. It touches nothing but the
 * files that it reads.
 */

#include <errno.h>
#include <string.h>

#include "story.h"

#define STORY_MAX (1 << 20)

static int play_file(const char *path, bool verbose)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "re");
	_cleanup_(free_p) char *text = malloc(STORY_MAX);
	size_t n;

	if (!f)
		return -errno;
	if (!text)
		return -ENOMEM;
	n = fread(text, 1, STORY_MAX, f);
	if (ferror(f) || n == STORY_MAX)
		return -EIO;
	return story_play(path, text, n, stderr, verbose, NULL);
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	int failed = 0;

	if (argc < (verbose ? 3 : 2)) {
		fprintf(stderr, "usage: replay [-v] STORY...\n");
		return 2;
	}
	for (int i = verbose ? 2 : 1; i < argc; i++) {
		int r = play_file(argv[i], verbose);

		if (r < 0)
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
		else if (r > 0)
			fprintf(stderr, "%s: %d failures\n", argv[i], r);
		failed += r != 0;
	}
	return failed > 0;
}
