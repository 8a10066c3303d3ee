/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads nodeN/soft_offline/. This file adds nothing up, compares nothing with what the
 * daemon did, and knows no other counter of a node.
 */

#include "kernel/node_counters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "host/small_file.h"

#define NODES    "/sys/devices/system/node"
#define MAX_NODE 4096 /* CONFIG_NODES_SHIFT is at most 10; this leaves room to grow */

static DIR *node_open(int at, const char *path)
{
	_cleanup_(close_p) int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		(void)TAKE_FD(fd);
	return dir;
}

static void node_read(DIR *dir, struct soft_counts *ret)
{
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		enum soft_outcome outcome;
		char text[32];
		uint64_t n;

		if (entry->d_name[0] == '.' ||
		    small_file_read(dirfd(dir), entry->d_name, text, sizeof(text)) < 0 ||
		    sscanf(text, "%" SCNu64, &n) != 1)
			continue;
		outcome = soft_outcome_from_word(entry->d_name, strlen(entry->d_name));
		ret->known[outcome] = true;
		ret->count[outcome] += n;
	}
}

/* The numbers of all nodes that exist, as bits. */
static void node_list(const char *root, uint8_t nodes[MAX_NODE / 8], int *ret_dir)
{
	_cleanup_(closedir_p) DIR *dir = NULL;
	const struct dirent *entry;
	char path[PATH_MAX];
	unsigned int node;
	char end;

	snprintf(path, sizeof(path), "%s" NODES, root);
	dir = node_open(AT_FDCWD, path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "node%u%c", &node, &end) == 1 &&
		    node < MAX_NODE)
			nodes[node / 8] |= (uint8_t)(1 << node % 8);
	*ret_dir = fcntl(dirfd(dir), F_DUPFD_CLOEXEC, 0);
}

size_t node_counters_read(const char *root, struct soft_counts *ret, size_t max)
{
	_cleanup_(close_p) int dir = -1;
	uint8_t nodes[MAX_NODE / 8] = { 0 };
	size_t n = 0;

	node_list(root, nodes, &dir);
	for (unsigned int node = 0; dir >= 0 && node < MAX_NODE && n < max; node++) {
		_cleanup_(closedir_p) DIR *folder = NULL;
		char path[64];

		if (!(nodes[node / 8] >> node % 8 & 1))
			continue;
		snprintf(path, sizeof(path), "node%u/soft_offline", node);
		folder = node_open(dir, path);
		if (!folder)
			continue;
		ret[n] = (struct soft_counts){ .node = node };
		node_read(folder, &ret[n++]);
	}
	return n;
}

bool node_counters_exist(const char *root)
{
	struct soft_counts first;

	return node_counters_read(root, &first, 1) > 0;
}
