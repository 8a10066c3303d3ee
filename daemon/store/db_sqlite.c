/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * SQLite's calls as the other files of the room want them: negative errno, failures
 * counted and their words kept, statements prepared once. It knows no table.
 */

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store/db_internal.h"
#include "store/db_vfs.h"

#define MIN_PAGES 64 /* the empty schema takes about 30 */

/* Pages of the WAL: fewer than the first are not worth a move; at the second at the
 * latest a commit moves them. */
#define WAL_MUCH 1000
#define WAL_MOST 4000

#define SHM_GROWS 32768 /* the most that one write adds to the log's index */

const char *db_why(const char *format, ...)
{
	static char lines[2][PATH_MAX + 512];
	static unsigned int turn;
	char *line = lines[turn++ % 2];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(lines[0]), format, ap);
	va_end(ap);
	return line;
}

static int sqlite_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_TOOBIG: /* longer than anything that is written here */
		return -EUCLEAN;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return -EINVAL;
	default:
		return -EIO;
	}
}

void db_one_line(char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
}

/* Whether a file of the database has no room below RLIMIT_FSIZE for what it grows by. */
static bool sqlite_at_limit(const struct db *db)
{
	struct rlimit limit;
	struct stat st;
	char path[PATH_MAX];

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return false;
	for (unsigned int i = 0; i < DB_FILES; i++)
		if (db_files_name(db->path, db_files_suffix[i], path) == 0 &&
		    stat(path, &st) == 0 &&
		    (uint64_t)st.st_size + SHM_GROWS > limit.rlim_cur)
			return true;
	return false;
}

/*
 * SQLite knows of a full disk only where write() says ENOSPC; errno as it finds it
 * afterwards may be of another call. Returns what says that the disk is full, or 0.
 */
static int sqlite_no_room(const struct db *db, int rc)
{
	int e;

	if (!db->handle ||
	    ((rc & 0xff) != SQLITE_IOERR && (rc & 0xff) != SQLITE_CANTOPEN))
		return 0;
	e = sqlite3_system_errno(db->handle);
	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		return e;
	if (rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_SHMSIZE)
		return sqlite_at_limit(db) ? EFBIG : 0;
	return 0;
}

/* Words for a failure that no file of our making leads to, or NULL. */
static const char *sqlite_too_much(const struct db *db, int rc)
{
	if ((rc & 0xff) == SQLITE_TOOBIG)
		return "a value in it is longer than any that softofflined writes";
	if ((rc & 0xff) == SQLITE_INTERRUPT && db->steps_left == 0)
		return "reading it takes longer than its size can explain; not a database of "
		       "softofflined's making";
	return NULL;
}

int db_fail(struct db *db, int rc)
{
	int full = sqlite_no_room(db, rc);
	const char *words = sqlite_too_much(db, rc);

	if (full)
		words = full == EFBIG ? "its file may not grow any more (RLIMIT_FSIZE)"
				      : strerror(full);
	else if (!words)
		words = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
	db->errors++;
	snprintf(db->last_error, sizeof(db->last_error), "%s", words);
	db_one_line(db->last_error);
	return full ? -ENOSPC : db_judge(db, sqlite_errno(rc));
}

int db_judge(struct db *db, int r)
{
	if (r != -EUCLEAN || db_vfs_failures() == db->io_failures)
		return r;
	snprintf(db->last_error, sizeof(db->last_error), "it cannot be read: %s",
		 strerror(EIO));
	return -EIO;
}

int db_stmt(struct db *db, enum stmt id, sqlite3_stmt **ret)
{
	char sql[DB_SQL_MAX];
	int rc, r;

	if (!db->stmt[id]) {
		r = db_statement_sql(id, sql);
		if (r < 0)
			return r;
		rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
					&db->stmt[id], NULL);
		if (rc != SQLITE_OK)
			return db_fail(db, rc);
	}
	/* The result of a reset is that of the run before, which was reported then. */
	(void)sqlite3_reset(db->stmt[id]);
	(void)sqlite3_clear_bindings(db->stmt[id]);
	*ret = db->stmt[id];
	return 0;
}

int db_step(struct db *db, sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);
	int r = 0;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		r = db_fail(db, rc);
	(void)sqlite3_reset(s);
	return r;
}

int db_finish(struct db *db, struct db_bind *b)
{
	if (b->rc != SQLITE_OK)
		return db_fail(db, b->rc);
	return db_step(db, b->s);
}

int db_run(struct db *db, enum stmt id)
{
	sqlite3_stmt *s;
	int r = db_stmt(db, id, &s);

	return r < 0 ? r : db_step(db, s);
}

int db_exec(struct db *db, const char *sql)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc);
}

int db_read_int(struct db *db, const char *sql, int64_t *ret)
{
	_cleanup_(finalize_p) sqlite3_stmt *s = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		return -ENODATA;
	if (rc != SQLITE_ROW)
		return db_fail(db, rc);
	*ret = sqlite3_column_int64(s, 0);
	return 0;
}

int db_pragma(struct db *db, const char *name, int64_t value)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "PRAGMA %s = %lld", name, (long long)value);
	return db_exec(db, sql);
}

void db_checkpoint(struct db *db)
{
	(void)sqlite3_busy_timeout(db->handle, 0);
	(void)sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE,
					NULL, NULL);
	(void)sqlite3_busy_timeout(db->handle, DB_BUSY_MSEC);
}

/* SQLite calls it after each commit, in place of a checkpoint of its own. */
static int sqlite_note_wal(void *userdata, sqlite3 *handle, const char *name, int pages)
{
	struct db *db = userdata;

	db->wal_pages = db->log_pages = pages;
	return SQLITE_OK;
}

void db_watch_wal(struct db *db)
{
	db->wal_pages = 0;
	(void)sqlite3_wal_hook(db->handle, sqlite_note_wal, db);
}

/* Once all of it is moved, the next commit begins at its front again. */
static void sqlite_move_wal(struct db *db)
{
	(void)sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
					NULL);
}

void db_bound_wal(struct db *db)
{
	if (db->wal_pages >= db->wal_most)
		sqlite_move_wal(db);
	(void)db_log_try(db);
}

void db_rest(struct db *db)
{
	if (db->wal_pages < WAL_MUCH || !sqlite3_get_autocommit(db->handle))
		return;
	sqlite_move_wal(db);
	db->wal_pages = 0;
}

int db_cap_pages(struct db *db, int64_t *ret_pages)
{
	int64_t size;
	int64_t pages;
	int r;

	r = db_read_int(db, "PRAGMA page_size", &size);
	if (r < 0)
		return r;
	/* max_page_count is a 32-bit number, 0xfffffffe at most (SQLite 3.40) */
	pages = (int64_t)(db->max_size / (uint64_t)(size > 0 ? size : 4096));
	if (pages < MIN_PAGES)
		pages = MIN_PAGES;
	*ret_pages = pages > 0xfffffffe ? 0xfffffffe : pages;
	return 0;
}

int db_apply_cap(struct db *db)
{
	int64_t pages;
	int r = db_cap_pages(db, &pages);

	if (r < 0)
		return r;
	db->wal_most = pages / 8 < WAL_MUCH   ? WAL_MUCH
		       : pages / 8 > WAL_MOST ? WAL_MOST
					      : (int)(pages / 8);
	db->log_step = pages / 4 < 2 * WAL_MUCH  ? 2 * WAL_MUCH
		       : pages / 4 > INT_MAX / 4 ? INT_MAX / 4
						 : (int)(pages / 4);
	return db_pragma(db, "max_page_count", pages);
}
