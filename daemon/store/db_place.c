/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Is the file that is open still the one at its path? Whoever removes, renames or
 * replaces it, its log or its lock does not disturb SQLite, which goes on writing to what
 * nobody will find again. All that it holds can be read until it is closed, so a copy
 * takes its place at the path. What somebody else has put there is never overwritten.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db_internal.h"

#define NEW_SUFFIX  ".restore" /* what a kill leaves of it is dropped by db_open() */
#define ASIDE_INFIX ".replaced-"

static const char *const suffixes[DB_FILES] = { "", "-wal", "-shm" };

/* As SQLite names it, with links resolved: the log lies beside that. */
static int name_of(const struct db *db, const char *suffix, char *ret)
{
	const char *file = sqlite3_db_filename(db->handle, "main");
	int n = snprintf(ret, PATH_MAX, "%s%s", file ? file : db->path, suffix);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* 0; -ENOENT: nothing is there; other errors say nothing about what is there */
static int identity(const char *path, struct db_file_id *ret)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	*ret = (struct db_file_id){ true, st.st_dev, st.st_ino };
	return 0;
}

static bool same(const struct db_file_id *a, const struct db_file_id *b)
{
	return a->known && b->known && a->dev == b->dev && a->ino == b->ino;
}

void db_note_place(struct db *db)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < DB_FILES; i++) {
		db->place[i].known = false;
		if (name_of(db, suffixes[i], path) == 0)
			(void)identity(path, &db->place[i]);
	}
}

/* 1: the file with @suffix is not the one that is open; 0: it is, or that cannot be told.
 */
static int is_gone(const struct db *db, unsigned int i, const char **ret_why)
{
	struct db_file_id now = { .known = false };
	char path[PATH_MAX];
	int r;

	if (!db->place[i].known || name_of(db, suffixes[i], path) < 0)
		return 0;
	r = identity(path, &now);
	if (r < 0 && r != -ENOENT)
		return 0;
	if (r == 0 && same(&now, &db->place[i]))
		return 0;
	*ret_why = r == 0 ? db_why("%s: another file is in its place", path)
			  : db_why("%s: was removed or renamed", path);
	return 1;
}

bool db_is_in_place(const struct db *db, const char **ret_why)
{
	for (unsigned int i = 0; i < DB_FILES; i++)
		if (is_gone(db, i, ret_why))
			return false;
	return true;
}

int db_hold_lock(struct db *db)
{
	_cleanup_(close_p) int fd = -1;
	struct stat held, there;
	char path[PATH_MAX];
	int r = db_path(db, ".lock", path);

	if (r < 0 || fstat(db->lock_fd, &held) < 0)
		return r < 0 ? r : -errno;
	if (lstat(path, &there) == 0 && held.st_dev == there.st_dev &&
	    held.st_ino == there.st_ino)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	close_p(&db->lock_fd);
	db->lock_fd = TAKE_FD(fd);
	return 1;
}

static int aside_name(const struct db *db, int64_t number, const char *suffix, char *ret)
{
	char tail[64];

	snprintf(tail, sizeof(tail), ASIDE_INFIX "%" PRId64 "%s", number, suffix);
	return name_of(db, tail, ret);
}

/* The log that is open, if it still has its name, would be played into what comes to the
 * path. Empty it goes; with something in it that could not be moved it is kept. */
static int clear_log(const struct db *db, int64_t number)
{
	for (unsigned int i = 1; i < DB_FILES; i++) {
		struct db_file_id now = { .known = false };
		char path[PATH_MAX], aside[PATH_MAX];
		struct stat st;
		int r = name_of(db, suffixes[i], path);

		if (r == 0)
			r = aside_name(db, number, suffixes[i], aside);
		if (r == 0)
			r = identity(path, &now);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r < 0 || !same(&now, &db->place[i]))
			continue;
		if (i == 1 && stat(path, &st) == 0 && st.st_size > 0)
			r = rename(path, aside);
		else
			r = unlink(path);
		if (r < 0)
			return -errno;
	}
	return 0;
}

static int move_aside(const struct db *db, int64_t number, unsigned int first)
{
	for (unsigned int n = DB_FILES; n > first; n--) {
		unsigned int i = n - 1;
		char path[PATH_MAX], aside[PATH_MAX];
		int r = name_of(db, suffixes[i], path);

		if (r == 0)
			r = aside_name(db, number, suffixes[i], aside);
		if (r == 0 && rename(path, aside) < 0 && errno != ENOENT)
			r = -errno;
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Makes room at the path: 1: the open file itself is there, and only its log is not; 0:
 * nothing is there any more, *ret_aside: a database of ours, whole or not, has been
 * renamed. -EEXIST: something that is not ours, or it cannot be told what, *ret_why.
 */
static int make_way(const struct db *db, int64_t number, bool *ret_aside,
		    const char **ret_why)
{
	struct db_file_id now = { .known = false };
	char path[PATH_MAX];
	struct stat st;
	bool ours;
	int r = name_of(db, "", path);

	if (r == 0)
		r = identity(path, &now);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0 || same(&now, &db->place[0])) {
		int moved = move_aside(db, number, 1); /* somebody else's log */

		return moved < 0 ? moved : r == 0;
	}
	if (lstat(path, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && st.st_size == 0)
		return unlink(path) < 0 ? -errno : 0;
	r = S_ISREG(st.st_mode) ? db_probe(path) : -EINVAL;
	ours = r == 0 || r == -EUCLEAN || r == -ESTALE;
	if (!ours && !db_is_none(r)) {
		*ret_why = db_why("%s: another file is in its place, and cannot be read "
				  "(%s)",
				  path, strerror(-r));
		return r;
	}
	if (!ours) {
		*ret_why = db_why("%s: another file is in its place, and is no database "
				  "of this program; move it away",
				  path);
		return -EEXIST;
	}
	*ret_aside = true;
	return move_aside(db, number, 0);
}

static int put_in_place(const struct db *db, const char *new, bool over_own)
{
	char path[PATH_MAX];
	int r = name_of(db, "", path);

	if (r < 0)
		return r;
	if (over_own)
		return rename(new, path) < 0 ? -errno : 0;
	/* never over what came just now */
	if (link(new, path) < 0)
		return -errno;
	(void)unlink(new);
	return 0;
}

/* The copy is whole: rows of the history keep their numbers. */
static int open_copy(struct db *db, const char **ret_why)
{
	struct db_options o = {
		.path = db->path,
		.max_size = db->max_size,
		.retention = db->retention,
		.now = db->now,
		.wall_offset = db->wall_offset,
		.check_later = true,
	};
	uint64_t ce_before = db->ce_before;
	enum db_opened how;
	int r;

	memcpy(o.boot_id, db->boot_id, sizeof(o.boot_id));
	db_disconnect(db);
	db->totals_known = false;
	r = db_open_file(db, &o, &how, ret_why);
	if (r < 0)
		return r;
	db->ce_before = ce_before;
	db->unchecked = false; /* all of it was read and written just now */
	return 0;
}

static int copy(struct db *db, const char *new)
{
	if (unlink(new) < 0 && errno != ENOENT)
		return -errno;
	return db_copy_to(db, new);
}

int db_bring_back(struct db *db, const char **ret_why)
{
	int64_t number = (db->now.us + db->wall_offset.us) / USEC_PER_SEC;
	char new[PATH_MAX], aside[PATH_MAX];
	bool is_aside = false;
	int r = name_of(db, NEW_SUFFIX, new);

	*ret_why = NULL;
	if (r == 0)
		r = db_commit(db, db->now, db->wall_offset);
	if (r < 0)
		return r;
	db_checkpoint(db);
	while ((r = aside_name(db, number, "", aside)) == 0 && db_is_there(aside) > 0)
		number++;
	if (r == 0)
		r = clear_log(db, number);
	if (r == 0)
		r = copy(db, new);
	if (r == 0)
		r = make_way(db, number, &is_aside, ret_why);
	if (r >= 0)
		r = put_in_place(db, new, r == 1);
	if (r < 0) {
		(void)unlink(new);
		return r;
	}
	(void)db_sync_folder(db);
	r = open_copy(db, ret_why);
	if (r == 0)
		*ret_why = is_aside ? db_why("%s: everything is stored again in a new "
					     "file; what was there is kept as %s",
					     db->path, aside)
				    : db_why("%s: everything is stored again in a new "
					     "file",
					     db->path);
	return r;
}

bool db_is_open(const struct db *db)
{
	return db->handle != NULL;
}
