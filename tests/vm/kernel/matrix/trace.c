// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads ras:soft_offline_event in a trace instance of its own, and the counters
 * below /sys/devices/system/node, as text. A kernel without them is no error;
 * what their words should be is none of its business.
 */
#define _GNU_SOURCE
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "matrix.h"

#define INSTANCE "/sys/kernel/tracing/instances/matrix"
#define EVENT    INSTANCE "/events/ras/soft_offline_event"
#define COUNTERS "/sys/devices/system/node/node*/soft_offline/*"
#define MOST     128

static bool have_event;
static glob_t counter_files;
static long counts[MOST];

bool trace_open(void)
{
	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		err(2, INSTANCE);
	have_event = access(EVENT "/enable", W_OK) == 0;
	if (have_event)
		put(EVENT "/enable", "1");
	if (glob(COUNTERS, 0, NULL, &counter_files) == GLOB_NOSPACE)
		errx(2, COUNTERS ": no memory");
	if (counter_files.gl_pathc > MOST)
		errx(2, COUNTERS ": more than %d", MOST);
	return have_event;
}

void trace_clear(void)
{
	int fd;

	if (!have_event)
		return;
	fd = open(INSTANCE "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		err(2, INSTANCE "/trace");
	close(fd);
}

/* What stands behind "key=" in the line, up to the next blank. */
static bool field(const char *line, const char *key, char *value, size_t size)
{
	const char *at = line;
	size_t length = strlen(key);

	while ((at = strstr(at, key))) {
		if (at > line && at[-1] == ' ' && at[length] == '=') {
			at += length + 1;
			snprintf(value, size, "%.*s", (int)strcspn(at, " \n"), at);
			return true;
		}
		at += length;
	}
	snprintf(value, size, "?");
	return false;
}

static void parse(struct event *e, const char *line)
{
	char number[32];

	e->n++;
	field(line, "origin", e->origin, sizeof(e->origin));
	field(line, "kind", e->kind, sizeof(e->kind));
	field(line, "outcome", e->outcome, sizeof(e->outcome));
	field(line, "pfn", number, sizeof(number));
	e->pfn = strtoull(number, NULL, 0);
	e->error = field(line, "error", number, sizeof(number)) ? atol(number) : 1;
	e->usecs = field(line, "usecs", number, sizeof(number)) ? atol(number) : -1;
}

struct event trace_read(void)
{
	struct event e = { 0 };
	char line[512];
	FILE *file;

	if (!have_event)
		return e;
	file = fopen(INSTANCE "/trace", "re");
	if (!file)
		err(2, INSTANCE "/trace");
	while (fgets(line, sizeof(line), file)) {
		const char *text = strstr(line, "soft_offline_event: ");

		if (text)
			parse(&e, text);
	}
	fclose(file);
	return e;
}

bool counters_before(void)
{
	for (size_t i = 0; i < counter_files.gl_pathc; i++)
		counts[i] = get_number(counter_files.gl_pathv[i]);
	return counter_files.gl_pathc > 0;
}

unsigned int counters_moved(char *name, size_t size, int *ret_node, long *ret_by)
{
	unsigned int moved = 0;

	for (size_t i = 0; i < counter_files.gl_pathc; i++) {
		const char *path = counter_files.gl_pathv[i];
		long by = get_number(path) - counts[i];

		if (!by)
			continue;
		moved++;
		snprintf(name, size, "%s", strrchr(path, '/') + 1);
		*ret_node = atoi(strstr(path, "/node/node") + strlen("/node/node"));
		*ret_by = by;
	}
	return moved;
}

int node_of_frame(uint64_t pfn)
{
	static unsigned long long block;
	char path[96];

	if (!block) {
		FILE *file = fopen("/sys/devices/system/memory/block_size_bytes", "re");

		if (!file || fscanf(file, "%llx", &block) != 1 || !block)
			errx(2, "block_size_bytes cannot be read");
		fclose(file);
	}
	for (int node = 0; node < 8; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/memory%llu",
			 node, (unsigned long long)(pfn * PAGE / block));
		if (!access(path, F_OK))
			return node;
	}
	return -1;
}
