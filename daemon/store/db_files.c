/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The database as files in a folder: what is there, under which names, who may read it.
 * It knows nothing of their content, nor why one is put aside.
 */

#include "store/db_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "db.h"

#define BACKUP_SUFFIX ".bak"

const char *const db_files_suffix[DB_FILES] = { "", "-wal", "-shm" };

int db_files_name(const char *path, const char *suffix, char *ret)
{
	int n = snprintf(ret, PATH_MAX, "%s%s", path, suffix);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int db_files_aside_name(const char *path, const char *infix, int64_t number,
			const char *suffix, char *ret)
{
	int n = snprintf(ret, PATH_MAX, "%s%s%" PRId64 "%s", path, infix, number, suffix);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int db_files_there(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

int db_files_identity(const char *path, struct db_file_id *ret)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	*ret = (struct db_file_id){ true, st.st_dev, st.st_ino };
	return 0;
}

bool db_files_same(const struct db_file_id *a, const struct db_file_id *b)
{
	return a->known && b->known && a->dev == b->dev && a->ino == b->ino;
}

/*
 * Who may read them.
 */

int db_files_make_private(const char *path)
{
	_cleanup_(close_p) int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	/* The umask may have taken more. */
	return fchmod(fd, 0600) < 0 ? -errno : 0;
}

static void files_narrow_one(const char *path, const char *suffix)
{
	char name[PATH_MAX];
	struct stat st;

	/* A file system that is read-only, or knows no modes, stays as it is. */
	if (db_files_name(path, suffix, name) == 0 && stat(name, &st) == 0 &&
	    S_ISREG(st.st_mode) && (st.st_mode & 07777) != 0600)
		(void)chmod(name, 0600);
}

/* SQLite gives its -wal and -shm the mode of the database when it makes them. */
void db_files_narrow(const char *path)
{
	for (unsigned int i = 0; i < DB_FILES; i++)
		files_narrow_one(path, db_files_suffix[i]);
	files_narrow_one(path, BACKUP_SUFFIX);
}

/*
 * The folder.
 */

/* The folder of @path with its slash, "." if the path names none. */
static void files_folder(const char *path, char *ret)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		snprintf(ret, PATH_MAX, "%.*s", (int)(slash - path) + 1, path);
	else
		snprintf(ret, PATH_MAX, ".");
}

int db_files_sync_folder(const char *path)
{
	_cleanup_(close_p) int fd = -1;
	char folder[PATH_MAX];

	files_folder(path, folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* The number in BASE.corrupt-NUMBER; -1 for every other name. */
static int64_t files_corrupt_number(const char *base, const char *name)
{
	size_t n = strlen(base);
	char *end;
	long long number;

	if (strncmp(name, base, n) != 0 ||
	    strncmp(name + n, DB_FILES_CORRUPT, strlen(DB_FILES_CORRUPT)) != 0)
		return -1;
	name += n + strlen(DB_FILES_CORRUPT);
	if (*name < '0' || *name > '9')
		return -1;
	errno = 0;
	number = strtoll(name, &end, 10);
	return errno || *end ? -1 : number;
}

/* The oldest damaged database, @newest left out; returns how many there are with it. */
static unsigned int files_oldest(const char *path, int64_t newest, int64_t *ret_oldest)
{
	_cleanup_(closedir_p) DIR *dir = NULL;
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct dirent *entry;
	unsigned int n = 0;

	files_folder(path, folder);
	dir = opendir(folder);
	*ret_oldest = INT64_MAX;
	while (dir && (entry = readdir(dir))) {
		int64_t number =
			files_corrupt_number(slash ? slash + 1 : path, entry->d_name);

		if (number < 0)
			continue;
		n++;
		if (number != newest && number < *ret_oldest)
			*ret_oldest = number;
	}
	return n;
}

void db_files_keep_newest(const char *path, int64_t newest, unsigned int kept)
{
	int64_t oldest = newest;
	char name[PATH_MAX];

	while (files_oldest(path, newest, &oldest) > kept)
		for (unsigned int i = 0; i < DB_FILES; i++) {
			int r = db_files_aside_name(path, DB_FILES_CORRUPT, oldest,
						    db_files_suffix[i], name);

			if ((r < 0 || unlink(name) < 0) && i == 0)
				return;
		}
}

/*
 * Putting aside.
 */

static int files_rename(const char *from, const char *to)
{
	if (rename(from, to) < 0)
		return errno == ENOENT ? 0 : -errno;
	(void)chmod(to, 0600);
	return 0;
}

/* The log keeps its name next to the file, so that SQLite can still open both. The log is
 * renamed first: after a crash, a file without its log is at worst old, but a log without
 * its file would be played into the next file at the path. */
int db_files_put_aside(const char *path, const char *infix, unsigned int first,
		       int64_t number, int64_t *ret_number)
{
	char from[PATH_MAX], to[PATH_MAX];
	int r;

	while ((r = db_files_aside_name(path, infix, number, "", to)) == 0 &&
	       db_files_there(to) > 0)
		number++;
	for (unsigned int i = DB_FILES; r == 0 && i > first; i--) {
		const char *suffix = db_files_suffix[i - 1];

		r = db_files_name(path, suffix, from);
		if (r == 0)
			r = db_files_aside_name(path, infix, number, suffix, to);
		if (r == 0)
			r = files_rename(from, to);
	}
	*ret_number = number;
	return r;
}

static const char *const retired[] = { "", "-wal", "-shm", BACKUP_SUFFIX };
#define RETIRED_BACKUP 3

/* Without a number below 0. */
static int files_retired_name(const char *path, int64_t number, size_t i, char *ret)
{
	char tail[32];

	if (number >= 0)
		return db_files_aside_name(path, DB_FILES_DEVELOPMENT "-", number,
					   retired[i], ret);
	snprintf(tail, sizeof(tail), DB_FILES_DEVELOPMENT "%s", retired[i]);
	return db_files_name(path, tail, ret);
}

/*
 * 1: each file that is there can take its name with @number; 0: one of these names is
 * taken. Only the names that are needed are looked at: so what a kill had left half
 * renamed comes together under one number.
 */
static int files_can_retire(const char *path, int64_t number, size_t first)
{
	for (size_t i = first; i < ARRAY_SIZE(retired); i++) {
		char from[PATH_MAX], to[PATH_MAX];
		int r = db_files_name(path, retired[i], from);

		if (r == 0)
			r = files_retired_name(path, number, i, to);
		if (r == 0)
			r = db_files_there(from);
		if (r > 0) {
			r = db_files_there(to);
			if (r > 0)
				return 0;
		}
		if (r < 0)
			return r;
	}
	return 1;
}

int db_files_retire(const char *path, bool only_backup, int64_t number, char *ret)
{
	size_t first = only_backup ? RETIRED_BACKUP : 0;
	char from[PATH_MAX];
	int64_t n = -1; /* no number, if that will do */
	int r;

	while ((r = files_can_retire(path, n, first)) == 0)
		n = n < 0 ? number : n + 1;
	r = r < 0 ? r : 0;
	for (size_t i = ARRAY_SIZE(retired); r == 0 && i > first; i--) {
		r = db_files_name(path, retired[i - 1], from);
		if (r == 0)
			r = files_retired_name(path, n, i - 1, ret);
		if (r == 0)
			r = files_rename(from, ret);
	}
	return r < 0 ? r : db_files_sync_folder(path);
}

int db_files_copy(const char *from, const char *to)
{
	_cleanup_(close_p) int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_(close_p) int out = -1;
	ssize_t n;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0 || fchmod(out, 0600) < 0)
		return -errno;
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	if (n < 0 || fsync(out) < 0)
		return -errno;
	return close(TAKE_FD(out)) < 0 ? -errno : 0;
}

/*
 * The lock.
 */

int db_files_lock(const char *path, int *ret)
{
	_cleanup_(close_p) int fd = -1;
	char name[PATH_MAX];
	int r = db_files_name(path, ".lock", name);

	if (r < 0)
		return r;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	(void)fchmod(fd, 0600); /* made under another umask */
	*ret = TAKE_FD(fd);
	return 0;
}

int db_in_use(const char *path)
{
	_cleanup_(close_p) int fd = -1;
	char lock[PATH_MAX];
	int r = db_files_name(path, ".lock", lock);

	if (r < 0)
		return r;
	fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : -errno;
}
