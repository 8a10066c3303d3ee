/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Looks where the metrics would go before they do. It compares files and folders by
 * device and inode, since a path can be spelled in many ways; it changes nothing.
 */

#include "host/textfile_place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/config.h"
#include "host/textfile.h"

static bool same_file(const struct stat *a, const char *path)
{
	struct stat b;

	return stat(path, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

/* The folder of @path with "/" at its end, "./" if it names none; NULL if it is too long.
 */
static const char *path_folder(const char *path, char buf[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int n = slash ? snprintf(buf, PATH_MAX, "%.*s", (int)(slash - path) + 1, path)
		      : snprintf(buf, PATH_MAX, "./");

	return n > 0 && n < PATH_MAX ? buf : NULL;
}

static const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* By its name in the same folder: it need not be there yet. */
static bool is_named_beside(const char *file, const char *database)
{
	char a[PATH_MAX], b[PATH_MAX];
	struct stat st;

	return path_folder(file, a) && path_folder(database, b) && stat(a, &st) == 0 &&
	       same_file(&st, b) &&
	       config_is_database_name(path_base(database), path_base(file));
}

static bool is_linked_to(const char *file, const char *database)
{
	char path[PATH_MAX];
	struct stat st;
	const char *suffix;

	if (stat(file, &st) < 0)
		return false;
	for (size_t i = 0; (suffix = config_database_suffix(i)) != NULL; i++) {
		int n = snprintf(path, sizeof(path), "%s%s", database, suffix);

		if (n > 0 && (size_t)n < sizeof(path) && same_file(&st, path))
			return true;
	}
	return false;
}

static bool path_hits(const char *file, const char *database)
{
	return is_named_beside(file, database) || is_linked_to(file, database);
}

/* SQLite follows a link at the path and keeps its files beside what the link names. */
static bool path_hits_database(const char *file, const char *database)
{
	_cleanup_(free_p) char *real = realpath(database, NULL);

	return path_hits(file, database) || (real && path_hits(file, real));
}

unsigned int textfile_check_place(const struct config *cfg, const char *option,
				  config_diag_fn diag, void *userdata)
{
	char at[CONFIG_PATH_MAX + 96], temporary[CONFIG_PATH_MAX + sizeof(".new")];
	const char *file = cfg->metrics.file;
	char shown[4 * CONFIG_PATH_MAX];
	struct textfile_finding found;

	if (file[0] == '\0' || strcmp(file, "none") == 0)
		return 0;
	if (option)
		snprintf(at, sizeof(at), "%s: ", option);
	else
		config_locate(cfg, "Metrics", "File", "File", at, sizeof(at));
	text_escape(file, strlen(file), shown, sizeof(shown));
	snprintf(temporary, sizeof(temporary), "%s.new", file);
	if (path_hits_database(file, cfg->database.path) ||
	    path_hits_database(temporary, cfg->database.path)) {
		config_diagnose(
			diag, userdata, CONFIG_ERROR,
			"%s%s: the metrics would overwrite the database or a file that "
			"belongs to it; write another path",
			at, shown);
		return 1;
	}
	if (textfile_check(file, TEXTFILE_METRICS, &found) == 0 || !found.why)
		return 0;
	config_diagnose(diag, userdata, found.shared ? CONFIG_WARNING : CONFIG_ERROR,
			"%s%s: %s; the metrics replace only a file of their own%s", at,
			shown, found.why, found.shared ? "" : "; write another path");
	return found.shared ? 0 : 1;
}
