/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The database as files in a folder: who may read them, and what is there. It knows
 * nothing of their content.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db_internal.h"

int db_make_private(const char *path)
{
	_cleanup_(close_p) int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	/* the umask may take even more */
	return fchmod(fd, 0600) < 0 ? -errno : 0;
}

int db_is_there(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

static void narrow(const char *path)
{
	struct stat st;

	/* On a file system that is read-only, or knows no modes, there is nothing to do.
	 */
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) != 0600)
		(void)chmod(path, 0600);
}

/* SQLite gives its -wal and -shm the mode of the database when it makes them. */
void db_narrow_all(const struct db *db)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".bak" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (db_path(db, suffixes[i], path) == 0)
			narrow(path);
}
