// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looks for splats in what the kernel has said since the last look. It knows
 * words only, and reads no other meaning into the log.
 */
#define _GNU_SOURCE
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

static int kmsg_fd;

static regex_t splats;

void kmsg_open(void)
{
	const char *words = getenv("SPLATS");

	if (!words || !*words || regcomp(&splats, words, REG_EXTENDED | REG_NOSUB))
		errx(2, "SPLATS: no regular expression: see tests/vm/kernel/splats.sh");
	kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg_fd < 0)
		err(2, "/dev/kmsg");
}

bool kmsg_splat(char *line, size_t size)
{
	static char record[8192];
	bool found = false;

	for (;;) {
		ssize_t got = read(kmsg_fd, record, sizeof(record) - 1);
		char *text;

		if (got < 0 && errno == EPIPE) {
			/* Overwritten before it was read: nobody can say what it was. */
			snprintf(line, size, "kernel messages were lost");
			found = true;
			continue;
		}
		if (got <= 0)
			return found;
		record[got] = '\0';
		text = strchr(record, ';');
		text = text ? text + 1 : record;
		text[strcspn(text, "\n")] = '\0';
		if (found || regexec(&splats, text, 0, NULL, 0))
			continue;
		snprintf(line, size, "%s", text);
		found = true;
	}
}
