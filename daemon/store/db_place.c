/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What takes the place at the path of the database.
 *
 * A file that is damaged, or that a development version wrote, makes way for its backup
 * or for a new one before it is opened. A file that is open and was removed, renamed or
 * replaced does not disturb SQLite, which goes on writing to what nobody will find again:
 * its content can be read until it is closed, so a copy takes its place. What somebody
 * else has put at the path is never overwritten. The content of the rows is not known
 * here.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db_internal.h"

#define NEW_SUFFIX   ".restore" /* db_open() removes what a kill leaves */
#define KEPT_CORRUPT 2

/* The number in the name of a file that is put aside. */
static int64_t place_wall_seconds(const struct db *db)
{
	int64_t seconds = (db->now.us + db->wall_offset.us) / USEC_PER_SEC;

	return seconds < 0 ? 0 : seconds;
}

/*
 * Copies.
 */

static int place_vacuum_into(struct db *db, const char *path)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_VACUUM_INTO, &b.s);

	if (r == 0)
		r = db_files_make_private(path); /* SQLite takes an empty file */
	if (r < 0)
		return r;
	db_bind_text(&b, path);
	r = b.rc != SQLITE_OK ? db_fail(db, b.rc) : db_step(db, b.s);
	(void)sqlite3_clear_bindings(b.s); /* @path may be freed */
	return r;
}

static int place_copy_to(struct db *db, const char *path)
{
	_cleanup_(close_p) int fd = -1;
	int r = place_vacuum_into(db, path);

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int db_backup(struct db *db)
{
	char path[PATH_MAX], new[PATH_MAX];
	int r = db_files_name(db->path, ".bak", path);

	if (r == 0)
		r = db_files_name(db->path, ".bak.new", new);
	if (r == 0)
		r = db_commit(db, db->now, db->wall_offset);
	if (r < 0)
		return r;
	if (unlink(new) < 0 && errno != ENOENT)
		return -errno;
	/* The copy is on disk before it replaces the backup before it. */
	r = place_copy_to(db, new);
	if (r == 0 && rename(new, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(new);
	return r < 0 ? r : db_files_sync_folder(db->path);
}

/*
 * Before it is opened.
 */

/*
 * 1: a copy of the backup is ready to take the place of the database; 0: there is no
 * sound backup; negative errno: the backup cannot be read or copied, which is no finding.
 * @retired, PATH_MAX bytes: the new name of a backup of a development version, or "".
 */
static int place_prepare_backup(const struct db *db, char *retired)
{
	char backup[PATH_MAX], new[PATH_MAX];
	int r = db_files_name(db->path, ".bak", backup);

	if (r == 0)
		r = db_files_name(db->path, NEW_SUFFIX, new);
	if (r == 0)
		r = db_files_there(backup);
	if (r <= 0)
		return r;
	r = db_probe(backup);
	/* The next backup would overwrite it. */
	if (r == -DB_ERR_DEVELOPMENT)
		return db_files_retire(db->path, true, place_wall_seconds(db), retired);
	if (r < 0)
		return db_is_none(r) ? 0 : r;
	if (unlink(new) < 0 && errno != ENOENT)
		return -errno;
	r = db_files_copy(backup, new);
	if (r < 0) {
		(void)unlink(new);
		return r;
	}
	return 1;
}

/* Returns 1: done; 0: no copy is there; negative errno. */
static int place_put_backup(const struct db *db)
{
	char new[PATH_MAX];
	int r = db_files_name(db->path, NEW_SUFFIX, new);

	if (r < 0)
		return r;
	if (rename(new, db->path) < 0)
		return errno == ENOENT ? 0 : -errno;
	return 1;
}

int db_finish_restore(const struct db *db)
{
	char new[PATH_MAX];
	int r = db_files_name(db->path, NEW_SUFFIX, new);

	if (r == 0)
		r = db_files_there(db->path);
	if (r != 0)
		return r > 0 ? 0 : r;
	r = db_files_there(new);
	if (r <= 0)
		return r;
	r = db_probe(new);
	if (r < 0)
		return db_is_none(r) ? 0 : r;
	return place_put_backup(db);
}

void db_drop_restore(const struct db *db)
{
	char new[PATH_MAX];

	if (db_files_name(db->path, NEW_SUFFIX, new) == 0)
		(void)unlink(new);
}

int db_quarantine(struct db *db, bool *ret_restored, const char **ret_why)
{
	int64_t number = 0;
	/* Copying takes time. A kill in that time must leave the damaged file or the
	 * whole copy. */
	char retired[PATH_MAX] = "";
	int restored = ret_restored ? place_prepare_backup(db, retired) : 0;
	int r;

	if (restored < 0) {
		*ret_why =
			db_why("%s: damaged (%s), and the backup %s.bak cannot be "
			       "read or copied: %s; nothing was changed",
			       db->path, db->last_error, db->path, strerror(-restored));
		return restored;
	}
	r = db_files_put_aside(db->path, DB_FILES_CORRUPT, 0, place_wall_seconds(db),
			       &number);
	if (r < 0) {
		*ret_why = db_why("%s: damaged (%s), and cannot be renamed: %s", db->path,
				  db->last_error, strerror(-r));
		return r;
	}
	db_files_keep_newest(db->path, number, KEPT_CORRUPT);
	if (restored > 0)
		restored = place_put_backup(db);
	if (restored < 0) { /* the next db_open() finishes it */
		*ret_why = db_why("%s: damaged; the copy of its backup cannot be renamed "
				  "to it: %s",
				  db->path, strerror(-restored));
		return restored;
	}
	*ret_why = db_why(
		"%s: damaged (%s); kept as %s" DB_FILES_CORRUPT "%" PRId64 ", %s%s%s",
		db->path, db->last_error, db->path, number,
		restored > 0 ? "restored from the backup" : "started a new one",
		*retired ? "; a development version wrote its backup, which is now " : "",
		retired);
	(void)db_files_sync_folder(db->path);
	if (ret_restored)
		*ret_restored = restored > 0;
	return 0;
}

int db_retire_backup(struct db *db, const char **ret_why)
{
	char backup[PATH_MAX], name[PATH_MAX];
	int r = db_files_name(db->path, ".bak", backup);

	if (r < 0 || db_files_there(backup) <= 0 ||
	    db_probe(backup) != -DB_ERR_DEVELOPMENT)
		return 0;
	r = db_files_retire(db->path, true, place_wall_seconds(db), name);
	if (r < 0)
		return r;
	*ret_why = db_why("%s: a development version of softofflined wrote it; renamed "
			  "to %s, and counts begin empty",
			  backup, name);
	return 1;
}

int db_retire(struct db *db, const char **ret_why)
{
	char name[PATH_MAX];
	int64_t id;
	int r;

	/*
	 * With its log played into it, the file still says what it is if a crash comes
	 * between two renames. SQLite finds the log when it first reads.
	 */
	if (db_connect(db, SQLITE_OPEN_READWRITE) == 0 &&
	    db_read_int(db, "PRAGMA application_id", &id) == 0)
		(void)sqlite3_wal_checkpoint_v2(db->handle, NULL,
						SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	db_disconnect(db);
	r = db_files_retire(db->path, false, place_wall_seconds(db), name);
	if (r < 0)
		*ret_why = db_why("%s: a development version of softofflined wrote it, "
				  "and it cannot be renamed: %s",
				  db->path, strerror(-r));
	else
		*ret_why = db_why("%s: a development version of softofflined wrote it; "
				  "renamed to %s, and counts begin empty",
				  db->path, name);
	return r;
}

/*
 * While it is open.
 */

/* As SQLite names it, with links resolved: the log is next to that file. */
static const char *place_path(const struct db *db)
{
	const char *file = sqlite3_db_filename(db->handle, "main");

	return file ? file : db->path;
}

void db_note_place(struct db *db)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < DB_FILES; i++) {
		db->place[i].known = false;
		if (db_files_name(place_path(db), db_files_suffix[i], path) == 0)
			(void)db_files_identity(path, &db->place[i]);
	}
}

/* 1: the file with suffix @i is not the one that is open; 0: it is, or it cannot be
 * known. */
static int place_is_gone(const struct db *db, unsigned int i, const char **ret_why)
{
	struct db_file_id now = { .known = false };
	char path[PATH_MAX];
	int r;

	if (!db->place[i].known ||
	    db_files_name(place_path(db), db_files_suffix[i], path) < 0)
		return 0;
	r = db_files_identity(path, &now);
	if (r < 0 && r != -ENOENT)
		return 0;
	if (r == 0 && db_files_same(&now, &db->place[i]))
		return 0;
	*ret_why = r == 0 ? db_why("%s: another file is in its place", path)
			  : db_why("%s: was removed or renamed", path);
	return 1;
}

bool db_is_in_place(const struct db *db, const char **ret_why)
{
	for (unsigned int i = 0; i < DB_FILES; i++)
		if (place_is_gone(db, i, ret_why))
			return false;
	return true;
}

int db_hold_lock(struct db *db)
{
	struct stat held, there;
	char path[PATH_MAX];
	int r = db_files_name(db->path, ".lock", path);
	int fd;

	if (r < 0 || fstat(db->lock_fd, &held) < 0)
		return r < 0 ? r : -errno;
	if (lstat(path, &there) == 0 && held.st_dev == there.st_dev &&
	    held.st_ino == there.st_ino)
		return 0;
	r = db_files_lock(db->path, &fd);
	if (r < 0)
		return r;
	close_p(&db->lock_fd);
	db->lock_fd = fd;
	return 1;
}

/* If the open log still has its name, SQLite would play it into the next file at the
 * path. An empty log is removed; a log with something in it, which could not be moved
 * into the file, is renamed. */
static int place_clear_log(const struct db *db, int64_t number)
{
	for (unsigned int i = 1; i < DB_FILES; i++) {
		struct db_file_id now = { .known = false };
		char path[PATH_MAX], aside[PATH_MAX];
		struct stat st;
		int r = db_files_name(place_path(db), db_files_suffix[i], path);

		if (r == 0)
			r = db_files_aside_name(place_path(db), DB_FILES_REPLACED, number,
						db_files_suffix[i], aside);
		if (r == 0)
			r = db_files_identity(path, &now);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r < 0 || !db_files_same(&now, &db->place[i]))
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

/*
 * Makes room at the path. Returns 1: the open file itself is there, and only its log is
 * not; 0: nothing is there any more, *ret_aside: a database of ours, whole or not, has
 * been renamed; -EEXIST, *ret_why: a file is there that is not ours; other negative
 * errno, perhaps *ret_why: it cannot be known what is there.
 */
static int place_make_way(const struct db *db, int64_t number, bool *ret_aside,
			  const char **ret_why)
{
	struct db_file_id now = { .known = false };
	char path[PATH_MAX];
	struct stat st;
	bool ours;
	int r = db_files_name(place_path(db), "", path);

	if (r == 0)
		r = db_files_identity(path, &now);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0 || db_files_same(&now, &db->place[0])) {
		int moved =
			db_files_put_aside(place_path(db), DB_FILES_REPLACED, 1, number,
					   &number); /* the log of another file */

		return moved < 0 ? moved : r == 0;
	}
	if (lstat(path, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && st.st_size == 0)
		return unlink(path) < 0 ? -errno : 0;
	r = S_ISREG(st.st_mode) ? db_probe(path) : -EINVAL;
	ours = r == 0 || r == -EUCLEAN || r == -DB_ERR_DEVELOPMENT;
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
	return db_files_put_aside(place_path(db), DB_FILES_REPLACED, 0, number, &number);
}

static int place_put_in_place(const struct db *db, const char *new, bool over_own)
{
	char path[PATH_MAX];
	int r = db_files_name(place_path(db), "", path);

	if (r < 0)
		return r;
	if (over_own)
		return rename(new, path) < 0 ? -errno : 0;
	/* Not by rename(): a file may have come to the path just now. */
	if (link(new, path) < 0)
		return -errno;
	(void)unlink(new);
	return 0;
}

/* The copy has all rows: those of the history keep their numbers. */
static int place_open_copy(struct db *db, const char **ret_why)
{
	struct db_options o = {
		.path = db->path,
		.max_size = db->max_size,
		.retention = db->retention,
		.now = db->now,
		.wall_offset = db->wall_offset,
		.page_shift = db->page_shift,
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
	db->unchecked = false; /* VACUUM has read and written all of it */
	return 0;
}

int db_bring_back(struct db *db, const char **ret_why)
{
	int64_t number = place_wall_seconds(db);
	char new[PATH_MAX], aside[PATH_MAX];
	bool is_aside = false;
	int r = db_files_name(place_path(db), NEW_SUFFIX, new);

	*ret_why = NULL;
	if (r == 0)
		r = db_commit(db, db->now, db->wall_offset);
	if (r < 0)
		return r;
	db_checkpoint(db);
	while ((r = db_files_aside_name(place_path(db), DB_FILES_REPLACED, number, "",
					aside)) == 0 &&
	       db_files_there(aside) > 0)
		number++;
	if (r == 0)
		r = place_clear_log(db, number);
	if (r == 0 && unlink(new) < 0 && errno != ENOENT)
		r = -errno;
	if (r == 0)
		r = place_copy_to(db, new);
	if (r == 0)
		r = place_make_way(db, number, &is_aside, ret_why);
	if (r >= 0)
		r = place_put_in_place(db, new, r == 1);
	if (r < 0) {
		(void)unlink(new);
		return r;
	}
	(void)db_files_sync_folder(db->path);
	r = place_open_copy(db, ret_why);
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
