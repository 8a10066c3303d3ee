/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the spelling of a path shows: which paths are the same, and which names belong to
 * a database. What links make of a path is found where files are looked at, not here.
 */

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_internal.h"

/* The suffixes of the files next to a database: SQLite's, ours, and temporary ones of
 * both. */
static const char *const suffixes[] = { "-wal",    "-shm",        "-journal",
					".lock",   ".bak",        ".bak.new",
					".sysctl", ".sysctl.new", "" };

#define DEVELOPMENT ".development"
/* What comes before the time, or before the suffixes of the files next to a database. */
static const char *const aside[] = { ".corrupt-", ".replaced-", DEVELOPMENT "-",
				     DEVELOPMENT "." };

bool config_is_database_name(const char *database, const char *name)
{
	size_t len = strlen(database);

	if (strncmp(name, database, len) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (strcmp(name + len, suffixes[i]) == 0)
			return true;
	/* A database that was put aside: it may be the only one left. */
	for (size_t i = 0; i < ARRAY_SIZE(aside); i++)
		if (strncmp(name + len, aside[i], strlen(aside[i])) == 0)
			return true;
	return strcmp(name + len, DEVELOPMENT) == 0;
}

const char *config_database_suffix(size_t index)
{
	return index < ARRAY_SIZE(suffixes) ? suffixes[index] : NULL;
}

/* Drops the last part of the @len bytes at @buf, if there is one. */
static size_t drop_part(const char *buf, size_t len)
{
	while (len > 0 && buf[len - 1] != '/')
		len--;
	return len > 0 ? len - 1 : 0;
}

const char *config_normal_path(const char *path, char buf[CONFIG_PATH_MAX])
{
	size_t len = 0;

	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 2 && memcmp(path, "..", 2) == 0) {
			len = drop_part(buf, len);
		} else if (n > 0 && !(n == 1 && *path == '.') &&
			   len + n + 2 <= CONFIG_PATH_MAX) {
			buf[len++] = '/';
			memcpy(buf + len, path, n);
			len += n;
		}
		path += n;
	}
	buf[len] = '\0';
	return buf;
}

bool config_metrics_hit_database(const struct config *cfg)
{
	char metrics[CONFIG_PATH_MAX], database[CONFIG_PATH_MAX];
	char temporary[CONFIG_PATH_MAX + sizeof(".new")];

	if (cfg->metrics.file[0] != '/')
		return false;
	config_normal_path(cfg->metrics.file, metrics);
	config_normal_path(cfg->database.path, database);
	snprintf(temporary, sizeof(temporary), "%s.new", metrics);
	return config_is_database_name(database, metrics) ||
	       config_is_database_name(database, temporary);
}
