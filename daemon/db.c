/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Opens and closes the database and decides whether a file is ours. It knows no row.
 *
 * Nothing is written to a file before it is known to be ours: a file of another program,
 * or of a later version of this one, stays as it is. One daemon at a time: PATH.lock is
 * flocked, since SQLite's own locks let two writers take turns.
 */

#include "db.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "host/thread.h"
#include "store/db_internal.h"
#include "store/db_vfs.h"

#define WAL_LIMIT    (INT64_C(4) << 20) /* bytes kept of the WAL after a checkpoint */
#define CACHE_KIB    4096 /* a group of 1,000 rows on pages far apart stays in memory */
#define PAGE_RESERVE (sizeof(struct page_rec) + UINT16_MAX * sizeof(int64_t))

DEFINE_CLEANUP(struct db *, db_close)

int db_set_limits(struct db *db, uint64_t max_size, usec_t retention)
{
	db->max_size = max_size;
	db->retention = retention;
	return db_apply_cap(db);
}

/*
 * Opening.
 */

/* SQLite's count of its memory takes a lock for each allocation, and is not used here.
 * SQLite refuses this once it is in use; that does no harm. */
static void open_set_up_sqlite(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	db_vfs_register();
}

int db_new(struct db **ret, const char *path)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(db_close_p) struct db *db = calloc(1, sizeof(*db));

	(void)pthread_once(&once, open_set_up_sqlite);
	if (!db)
		return -ENOMEM;
	db->lock_fd = -1;
	db->path = strdup(path);
	db->page = calloc(1, PAGE_RESERVE);
	if (!db->path || !db->page)
		return -ENOMEM;
	*ret = TAKE_PTR(db);
	return 0;
}

void db_disconnect(struct db *db)
{
	for (size_t i = 0; i < STMT_MAX_; i++) {
		(void)sqlite3_finalize(db->stmt[i]);
		db->stmt[i] = NULL;
	}
	(void)sqlite3_close(db->handle);
	db->handle = NULL;
	db_boots_free(&db->boots); /* the next file has its own */
}

static int db_take_lock(struct db *db, const char **ret_why)
{
	int r = db_files_lock(db->path, &db->lock_fd);

	if (r == -ENOENT)
		*ret_why = db_why("%s: its folder does not exist", db->path);
	else if (r == -EBUSY)
		*ret_why = db_why("%s: another daemon has it", db->path);
	else if (r < 0)
		*ret_why = db_why("%s.lock: %s", db->path, strerror(-r));
	return r;
}

static int open_config(struct db *db, int option, int value)
{
	int rc = sqlite3_db_config(db->handle, option, value, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc);
}

int db_check_references(struct db *db, bool on)
{
	return open_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, on);
}

int db_connect(struct db *db, int flags)
{
	struct stat st;
	char wal[PATH_MAX];
	int r, rc;

	r = db_files_name(db->path, "-wal", wal);
	if (r < 0)
		return r;
	db->io_failures = db_vfs_failures();
	rc = sqlite3_open_v2(db->path, &db->handle,
			     flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, DB_VFS);
	if (rc != SQLITE_OK) {
		int e = db->handle ? sqlite3_system_errno(db->handle) : 0;

		r = db_fail(db, rc);
		/* The folder is there, as the lock is in it: no inode was free. The errno
		 * is that of SQLite's second try, which only reads. */
		if (e == ENOENT && db->lock_fd >= 0)
			e = ENOSPC;
		return rc == SQLITE_NOMEM || e == 0 ? r : -e;
	}
	(void)sqlite3_busy_timeout(db->handle, DB_BUSY_MSEC);
	/* Until the file is known to be ours, its WAL stays as it is, too. */
	if (stat(wal, &st) < 0 ? errno != ENOENT : st.st_size > 0)
		r = open_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1);
	if (r == 0)
		r = open_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1);
	if (r == 0)
		r = open_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
	if (r == 0)
		r = db_limit_schema(db);
	if (r == 0)
		r = db_check_references(db, false);
	if (r == 0)
		r = db_exec(db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;");
	return r;
}

/* Returns 0: the file is ours, or empty, *ret_new; negative errno, *ret_why. */
static int open_identify(struct db *db, bool *ret_new, const char **ret_why)
{
	int64_t id = 0, version = 0, objects = 0;
	int r;

	r = db_read_int(db, "PRAGMA application_id", &id);
	if (r == 0)
		r = db_read_int(db, "PRAGMA user_version", &version);
	if (r == 0)
		r = db_read_int(db, "SELECT count(*) FROM sqlite_schema", &objects);
	if (r < 0)
		return r;
	if (id == DB_DEVELOPMENT_ID) {
		*ret_why = db_why("%s: cannot be read: a development version of "
				  "softofflined wrote it",
				  db->path);
		return -DB_ERR_DEVELOPMENT;
	}
	if (id != DB_APPLICATION_ID && (id || version || objects)) {
		*ret_why = db_why("%s: the database of another program; give another "
				  "path, or move the file away",
				  db->path);
		return -EINVAL;
	}
	if (version > DB_SCHEMA_VERSION) {
		*ret_why =
			db_why("%s: its schema %lld is of a later version of "
			       "softofflined, this one knows up to %d; use that version, "
			       "or move the file away to begin a new one",
			       db->path, (long long)version, DB_SCHEMA_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (version < 0 || (version == 0 && objects))
		return -EUCLEAN;
	*ret_new = version == 0;
	return version == 0 ? 0 : db_check_shape(db, ret_why);
}

/* 1: WAL; 0: the file system cannot */
static int open_wal(struct db *db)
{
	_cleanup_(finalize_p) sqlite3_stmt *s = NULL;
	struct db_row row = { .s = NULL };
	int rc;

	rc = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		return db_fail(db, rc);
	row.s = s;
	return strcmp(db_col_text(&row), "wal") == 0;
}

static int boot_close_intents(struct db *db)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_ACTION_CLOSE, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, db->boot);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	r = db_step(db, b.s);
	(void)sqlite3_reset(b.s);
	return r < 0 ? r : 0;
}

static int boot_put(struct db *db, const struct db_options *o)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_BOOT_PUT, &b.s);

	if (r < 0)
		return r;
	db_bind_text(&b, o->boot_id);
	db_bind_int(&b, o->wall_offset.us);
	db_bind_int(&b, o->now.us);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	r = db_step(db, b.s);
	if (r < 0)
		return r;
	db->boot = sqlite3_column_int64(b.s, 0);
	(void)sqlite3_reset(b.s);
	db->stored_offset = o->wall_offset.us;
	return boot_close_intents(db);
}

static int open_prepare_all(struct db *db)
{
	for (enum stmt id = 0; id < STMT_MAX_; id++) {
		sqlite3_stmt *s;
		int r = db_stmt(db, id, &s);

		/* A table or column is missing: not the schema that its number says. */
		if (r < 0)
			return sqlite3_errcode(db->handle) == SQLITE_ERROR
				       ? db_judge(db, -EUCLEAN)
				       : r;
	}
	return 0;
}

static int open_create_schema(struct db *db)
{
	char sql[DB_SQL_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < db_tables_n; i++) {
		r = db_render_create(db_tables[i], sql, sizeof(sql));
		if (r == 0)
			r = db_exec(db, sql);
	}
	if (r == 0)
		r = db_exec(db, db_indexes);
	if (r == 0)
		r = db_exec(db, db_views);
	if (r == 0)
		r = db_pragma(db, "user_version", DB_SCHEMA_VERSION);
	return r < 0 ? r : db_pragma(db, "application_id", DB_APPLICATION_ID);
}

/* The tables of a new file, the boot's row and the page size, or nothing. Returns 1 and
 * *ret_why: pages are forgotten; 0; negative errno. */
static int boot_begin(struct db *db, const struct db_options *o, bool new,
		      const char **ret_why)
{
	int r = db_run(db, STMT_BEGIN);
	int repaged = 0;

	if (r == 0 && new)
		r = open_create_schema(db);
	if (r == 0)
		r = boot_put(db, o);
	if (r == 0)
		r = repaged = db_take_page_shift(db, o->page_shift, ret_why);
	if (r >= 0)
		r = db_run(db, STMT_COMMIT);
	if (r < 0)
		db_rollback(db);
	else
		db->page_shift = o->page_shift;
	return r < 0 ? r : repaged;
}

static int open_configure(struct db *db, bool new, const char **ret_why)
{
	int r = open_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0);

	/* It can only be chosen before the first table. */
	if (r == 0 && new)
		r = db_exec(db, "PRAGMA auto_vacuum = INCREMENTAL");
	if (r == 0)
		r = open_wal(db);
	if (r < 0)
		return r;
	if (r == 0) {
		*ret_why = db_why("%s: the file system cannot do WAL; readers and the "
				  "daemon will wait for each other",
				  db->path);
		r = db->unchecked ? db_check_sound(db, "1") : 0;
		if (r < 0)
			return r;
		db->unchecked = false;
	}
	db_watch_wal(db);
	r = db_exec(db, "PRAGMA synchronous = FULL");
	if (r == 0)
		r = db_pragma(db, "journal_size_limit", WAL_LIMIT);
	return r < 0 ? r : db_pragma(db, "cache_size", -CACHE_KIB);
}

int db_open_file(struct db *db, const struct db_options *o, enum db_opened *ret_how,
		 const char **ret_why)
{
	int64_t last_ce = 0;
	bool new = false, repaged = false;
	int r;

	r = db_files_make_private(db->path);
	if (r == 0)
		r = db_connect(db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (r == 0)
		r = open_identify(db, &new, ret_why);
	if (r == 0)
		db_files_narrow(db->path);
	db->unchecked = o->check_later && !new;
	if (r == 0)
		r = db->unchecked ? db_check_small_tables(db) : db_check_sound(db, "1");
	if (r == 0)
		r = open_configure(db, new, ret_why);
	if (r == 0)
		r = boot_begin(db, o, new, ret_why);
	repaged = r > 0;
	if (r >= 0)
		r = open_prepare_all(db);
	if (r == 0)
		r = db_read_int(db, "SELECT coalesce(max(id), 0) FROM ce", &last_ce);
	if (r == 0)
		r = db_apply_cap(db);
	if (r < 0) {
		db_disconnect(db);
		return r;
	}
	db->ce_before = (uint64_t)last_ce;
	db_note_place(db);
	db_rehearse(db);
	*ret_how = new ? DB_CREATED : repaged ? DB_REPAGED : DB_OPENED;
	return 0;
}

/* 1: SQLite would take the file for a new one, and it is not: it is empty and has a
 * backup, or it ends within its header (100 bytes in the smallest page, of 512). */
static int open_is_stump(const struct db *db)
{
	struct stat st;
	char backup[PATH_MAX];
	int r;

	if (stat(db->path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (st.st_size >= 512)
		return 0;
	r = db_files_name(db->path, ".bak", backup);
	return st.st_size > 0 ? 1 : r < 0 ? r : db_files_there(backup);
}

static int open_check_kind(const struct db *db, const char **ret_why)
{
	struct stat st;

	if (stat(db->path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(st.st_mode))
		return 0;
	*ret_why = db_why("%s: not a regular file; a database has to be one", db->path);
	return -EINVAL;
}

/* -EUCLEAN: only of a file whose content was read and is wrong. */
static int open_as_it_is(struct db *db, const struct db_options *o,
			 enum db_opened *ret_how, const char **ret_why)
{
	int resumed = db_finish_restore(db);
	int r = resumed < 0 ? resumed : open_is_stump(db);

	if (r > 0)
		snprintf(db->last_error, sizeof(db->last_error), "not a whole database");
	r = r > 0 ? -EUCLEAN : r < 0 ? r : db_open_file(db, o, ret_how, ret_why);
	if (r < 0)
		return r;
	db_drop_restore(db);
	if (*ret_how == DB_CREATED && db_retire_backup(db, ret_why) > 0)
		*ret_how = DB_RETIRED;
	if (resumed > 0) {
		*ret_how = DB_QUARANTINED;
		*ret_why =
			db_why("%s: restored from the backup; the damaged one had been "
			       "put aside before",
			       db->path);
	}
	return 0;
}

/* Renames the file of a development version and makes a new one. */
static int open_instead(struct db *db, const struct db_options *o,
			enum db_opened *ret_how, const char **ret_why)
{
	const char *why = NULL;
	int r = db_retire(db, ret_why);

	if (r == 0)
		r = db_open_file(db, o, ret_how, &why);
	if (r == 0)
		*ret_how = DB_RETIRED;
	else if (why)
		*ret_why = why;
	return r;
}

static int open_or_replace(struct db *db, const struct db_options *o,
			   enum db_opened *ret_how, const char **ret_why)
{
	const char *why = NULL;
	bool restored;
	int r = open_as_it_is(db, o, ret_how, ret_why);

	if (r == -DB_ERR_DEVELOPMENT)
		return open_instead(db, o, ret_how, ret_why);
	if (r != -EUCLEAN)
		return r;
	r = db_quarantine(db, &restored, ret_why);
	if (r < 0)
		return r;
	r = db_open_file(db, o, ret_how, &why);
	if (r == -EUCLEAN && restored) {
		/* The backup passed its check and cannot be opened: go on without it. */
		r = db_quarantine(db, NULL, ret_why);
		if (r == 0)
			r = db_open_file(db, o, ret_how, &why);
	}
	if (r == 0)
		*ret_how = DB_QUARANTINED;
	else if (why)
		*ret_why = why;
	return r;
}

static uint64_t db_stored_errors(void *userdata, uint64_t id)
{
	struct db *db = userdata;
	char sql[96];
	int64_t n = 0;

	snprintf(sql, sizeof(sql), "SELECT count FROM ce WHERE id = %lld",
		 (long long)(db->ce_before + id));
	return db_read_int(db, sql, &n) < 0 || n < 0 ? 0 : (uint64_t)n;
}

int db_open(struct db **ret, const struct db_options *options, enum db_opened *ret_how,
	    const char **ret_why)
{
	_cleanup_(db_close_p) struct db *db = NULL;
	int r;

	*ret_why = NULL;
	r = db_new(&db, options->path);
	if (r == 0)
		r = open_check_kind(db, ret_why);
	if (r == 0)
		r = db_take_lock(db, ret_why);
	if (r == 0)
		r = db_redo_new(&db->redo);
	if (r == 0)
		r = db_lost_new(&db->lost, db_stored_errors, db);
	if (r == 0) {
		db->max_size = options->max_size;
		db->retention = options->retention;
		memcpy(db->boot_id, options->boot_id, sizeof(db->boot_id));
		db->now = options->now;
		db->wall_offset = options->wall_offset;
		r = open_or_replace(db, options, ret_how, ret_why);
	}
	if (r < 0) {
		if (!*ret_why)
			*ret_why = db_why("%s: %s", options->path,
					  db && *db->last_error ? db->last_error
								: strerror(-r));
		return r;
	}
	db->errors = 0;
	*ret = TAKE_PTR(db);
	return 0;
}

int db_probe(const char *path)
{
	_cleanup_(db_close_p) struct db *db = NULL;
	const char *why;
	bool new = false;
	int r = db_new(&db, path);

	if (r == 0)
		r = db_connect(db, SQLITE_OPEN_READONLY);
	if (r == 0)
		r = open_identify(db, &new, &why);
	if (r == 0)
		r = new ? -ENODATA : db_check_sound(db, "1");
	return r;
}

bool db_is_none(int r)
{
	return r == -EUCLEAN || r == -ENODATA || r == -EINVAL || r == -EPROTONOSUPPORT ||
	       r == -DB_ERR_DEVELOPMENT || r == -ENOENT;
}

int db_open_readonly(struct db **ret, const char *path, const char **ret_why)
{
	_cleanup_(db_close_p) struct db *db = NULL;
	bool new = false;
	int r;

	*ret_why = NULL;
	r = db_new(&db, path);
	if (r == 0)
		r = open_check_kind(db, ret_why); /* a FIFO would have it wait for ever */
	if (r == 0)
		r = db_connect(db, SQLITE_OPEN_READONLY);
	if (r == 0)
		db_limit_steps(db);
	if (r == 0)
		r = open_identify(db, &new, ret_why);
	if (r == 0 && !new)
		r = db_read_page_shift(db, &db->page_shift);
	if (r == 0 && new) {
		*ret_why = db_why("%s: an empty database", path);
		r = -ENODATA;
	}
	if (r < 0) {
		if (!*ret_why)
			*ret_why = db_why("%s: %s", path,
					  r == -ENOENT            ? "no such database"
					  : db && *db->last_error ? db->last_error
								  : strerror(-r));
		return r;
	}
	/* Every row is of another boot, and the present clock is the wall clock. */
	db->now = usec(INT64_MAX);
	*ret = TAKE_PTR(db);
	return 0;
}

struct db *db_close(struct db *db)
{
	if (!db)
		return NULL;
	if (db->handle && db->boot) {
		(void)db_commit(db, db->now, db->wall_offset);
		db_checkpoint(db);
	}
	db_disconnect(db);
	close_p(&db->lock_fd);
	db_redo_free(&db->redo);
	db_lost_free(&db->lost);
	db_unread_free(&db->unread);
	free(db->page);
	free(db->path);
	free(db);
	return NULL;
}

static uint64_t db_file_size(const struct db *db, const char *suffix)
{
	struct stat st;
	char path[PATH_MAX];

	if (db_files_name(db->path, suffix, path) < 0 || stat(path, &st) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

uint64_t db_size(const struct db *db)
{
	uint64_t size = db_file_size(db, "");

	return size ? size + db_file_size(db, "-wal") : 0;
}

void db_set_checked(struct db *db)
{
	db->unchecked = false;
}

bool db_unchecked(const struct db *db)
{
	return db->unchecked;
}

uint64_t db_errors(const struct db *db)
{
	return db->errors;
}

const char *db_last_error(const struct db *db)
{
	return db->last_error;
}
