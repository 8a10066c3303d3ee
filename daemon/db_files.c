/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The database as files in a folder: what is there. It knows nothing of their content.
 */

#include <errno.h>
#include <sys/stat.h>

#include "db_internal.h"

int db_is_there(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}
