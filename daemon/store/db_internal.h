/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the db*.c files share among themselves; nobody else includes it. It is the only
 * header that knows SQLite.
 */

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/mem.h"
#include "db.h"
#include "store/db_schema.h"

/** A file, whatever its name is now. */
struct db_file_id {
	bool known;
	dev_t dev;
	ino_t ino;
};

#define DB_FILES 3 /* the file, its -wal and its -shm */

struct db {
	sqlite3 *handle;
	sqlite3_stmt *stmt[STMT_MAX_];
	char *path;
	int lock_fd;  /* PATH.lock, flocked; -1: reading only */
	int64_t boot; /* row of the present boot; 0: none, reading only */
	char boot_id[BOOT_ID_MAX];
	struct db_file_id place[DB_FILES]; /* as they were when it was opened */
	usec_t now;                        /* as last told */
	usec_t wall_offset;
	int64_t stored_offset; /* as the boot's row has it */
	uint64_t ce_before;    /* the last row of the CE history when it was opened */
	uint64_t max_size;
	usec_t retention;
	int wal_pages;     /* in the WAL, and not known to be moved into the file */
	int wal_most;      /* ... at most, if no reader is in the way */
	int log_pages;     /* in the WAL at the last commit */
	int log_step;      /* of these: from there on it is held, see enum db_log */
	bool busy;         /* the last BEGIN waited in vain */
	bool unchecked;    /* the file as a whole, see db_unchecked() */
	bool boots_pruned; /* no boot is left that no row names */
	unsigned int io_failures;  /* db_io_failures() when it was opened */
	unsigned int pending;      /* rows in the open group */
	uint64_t lost;             /* rows, for good */
	struct db_missing missing; /* ... since db_settle_lost() */
	struct db_unread *unread;  /* see db_unread.c */
	unsigned int n_unread;
	bool unread_more;       /* ... than can be noted */
	struct db_lost *failed; /* may be stored yet, see db_lost.c; NULL: reading only */
	uint64_t errors;
	struct totals totals;  /* as table totals has them, the open group included */
	bool totals_known;     /* ... unless it was rolled back */
	struct page_rec *page; /* what was read last, with room for UINT16_MAX stamps */
	uint8_t *log;          /* the changes of the open group, to do them again */
	size_t log_len;
	uint64_t steps_left; /* that reading may take, see db_limit_steps() */
	char last_error[256];
};

/** One line for the operator, in static storage that the call after next overwrites. */
const char *db_why(const char *format, ...) _printf_(1, 2);

/*
 * SQLite (db_sqlite.c).
 */

#define DB_BUSY_MSEC 5000

/** Negative errno for an SQLite result code; 0 for SQLITE_OK, _ROW and _DONE. */
int db_errno(int rc);

/** Makes spaces of the line breaks in @text. */
void db_one_line(char *text);

/** Counts a failure, keeps SQLite's words for it, returns its db_judge()d errno. */
int db_fail(struct db *db, int rc);

/**
 * What @r, a finding, is worth: -EIO in place of -EUCLEAN if looking has failed since
 * the file was opened, since then it may be no more than that. Else @r.
 */
int db_judge(struct db *db, int r);

static inline void finalize_p(sqlite3_stmt **s)
{
	(void)sqlite3_finalize(*s);
}

/**
 * The statement @id, reset and ready to be bound, prepared at its first use. Returns 0
 * and *ret, owned by @db; or negative errno.
 */
int db_stmt(struct db *db, enum stmt id, sqlite3_stmt **ret);

/** Steps once. Returns 1: a row; 0: done, statement reset; negative errno, reset. */
int db_step(struct db *db, sqlite3_stmt *s);

/** Runs what is bound: as db_step(); negative errno too if binding failed. */
int db_finish(struct db *db, struct db_bind *b);

/** Runs a statement that takes no parameter and gives no row. 0 or negative errno. */
int db_run(struct db *db, enum stmt id);

/** Runs text without parameters. Returns 0 or negative errno. */
int db_exec(struct db *db, const char *sql);

/** First column of the first row of the constant @sql as a number: 0, negative errno. */
int db_read_int(struct db *db, const char *sql, int64_t *ret);

/** Sets the pragma @name to a number. Returns 0 or negative errno. */
int db_pragma(struct db *db, const char *name, int64_t value);

/**
 * Moves the WAL into the file and truncates it, unless a reader is in the way: never
 * waits.
 */
void db_checkpoint(struct db *db);

/** Has SQLite tell of the WAL's length instead of emptying it when it likes to. */
void db_watch_wal(struct db *db);

/** After a commit: moves the WAL into the file if it has become too long. */
void db_bound_wal(struct db *db);

/** PATH with @suffix in @ret, PATH_MAX bytes. Returns 0 or -ENAMETOOLONG. */
int db_path(const struct db *db, const char *suffix, char *ret);

/** Sets the page cap from max_size. Returns 0 or negative errno. */
int db_apply_cap(struct db *db);

/** The cap in pages of the file. Returns 0 or negative errno. */
int db_cap_pages(struct db *db, int64_t *ret_pages);

/*
 * Looking at files (db_vfs.c).
 */

#define DB_VFS "softofflined"

/** Makes DB_VFS known to SQLite: its own file functions, counted. To be called once. */
void db_register_vfs(void);

/** Failures of this thread to read a file of DB_VFS or to find out what is there. */
unsigned int db_io_failures(void);

/*
 * The files and who may read them: root, whatever the umask (db_files.c).
 */

/** Makes an empty file of mode 0600 if none is at @path. Returns 0 or negative errno. */
int db_make_private(const char *path);

/** Narrows the files of the database, which is known to be ours, to 0600. */
void db_narrow_all(const struct db *db);

/** 1 if something is at @path, 0 if nothing; negative errno if that cannot be told. */
int db_is_there(const char *path);

/*
 * Opening (db.c).
 */

/** Connects to the file, with SQLite's @flags. Returns 0 or negative errno. */
int db_connect(struct db *db, int flags);

/**
 * Whether a row must name a boot that is there. Checking it took a tenth of the time of
 * each row that is written, all of which name the present boot; it is needed where boots
 * are deleted. Returns 0 or negative errno.
 */
int db_check_references(struct db *db, bool on);

/**
 * 0 if @path is a sound database of ours with tables in it. db_is_none() of what it
 * returns: it is something else; other negative errno: that cannot be told.
 */
int db_probe(const char *path);

/** Opens what is at the path, or makes it, for the present boot. As db_open(). */
int db_open_file(struct db *db, const struct db_options *o, enum db_opened *ret_how,
		 const char **ret_why);

/** Closes the connection and nothing else. */
void db_disconnect(struct db *db);

/** Whether @r of db_probe() is a finding: no sound database of ours is there. */
bool db_is_none(int r);

/** A struct db with nothing open. Returns 0, *ret to be closed by db_close(); -ENOMEM. */
int db_new(struct db **ret, const char *path);

/*
 * Is it sound (db_check.c).
 */

/**
 * SQLite's check of @what, a table, or "1" for all of the file. Returns 0; -EUCLEAN: its
 * content is wrong; other negative errno: that cannot be told. db_last_error() has words.
 */
int db_check_sound(struct db *db, const char *what);

/** db_check_sound() of the tables that a wrong decision could come of, without pages. */
int db_check_small_tables(struct db *db);

/*
 * What a file may do to its reader (db_check.c).
 */

/** Bounds what the schema and the values in the file may be. Returns 0, negative errno.
 */
int db_limit_schema(struct db *db);

/** Ends reading that takes more steps than a file of this size can need. */
void db_limit_steps(struct db *db);

/**
 * Whether our tables are tables, with columns that are stored. A missing one is left to
 * the statements. Returns 0; -EINVAL and *ret_why: not so; other negative errno.
 */
int db_check_shape(struct db *db, const char **ret_why);

/*
 * Rows (db_rows.c).
 */

enum change_kind {
	CHANGE_PAGE,
	CHANGE_REMOVE,
	CHANGE_REMOVE_DIMM,
	CHANGE_CE,
	CHANGE_ACTION,
	CHANGE_POISON,
	CHANGE_DIMM,
	CHANGE_CELL,
	CHANGE_TOTALS,
	CHANGE_SPENT,
	CHANGE_READER,
};

/** In the group's log; followed by its data, and padding to a multiple of 8. */
struct change {
	uint32_t kind;
	uint32_t size; /* with this header and the padding */
	int64_t index; /* CHANGE_DIMM, CHANGE_CELL, CHANGE_READER */
};

static inline const void *db_change_data(const struct change *c)
{
	return c + 1;
}

static inline const struct change *db_next_change(const struct change *c)
{
	return (const void *)((const char *)c + c->size);
}

/** Makes a change. Returns 0; negative errno, and then it has changed nothing. */
int db_apply(struct db *db, const struct change *c);

/**
 * Makes DB_ROWS_AT_ONCE changes that follow one another, all of the kind CHANGE_PAGE or
 * all of CHANGE_CE, or none of them. Returns as db_apply().
 */
int db_apply_several(struct db *db, const struct change *c);

/** Makes the stamps little-endian, as CHANGE_PAGE and the file have them. */
void db_stamps_to_le(struct page_rec *rec);

/*
 * The log (db_log.c).
 */

/** Whether a change of @kind is not to be written, as the log is too long. */
bool db_log_leaves_out(const struct db *db, enum change_kind kind);

/*
 * Group (db_store.c).
 */

/** Makes the log of the open group. Returns 0 or -ENOMEM. */
int db_log_new(struct db *db);

/**
 * Writes, and takes back, what an attempt writes. The first one comes when memory fails
 * and many may be waiting; what SQLite needs for it is then in memory. A failure is no
 * news: the attempt will tell.
 */
void db_rehearse(struct db *db);

/** Ends an open transaction without its changes. */
void db_rollback(struct db *db);

/*
 * What could not be stored (db_lost.c).
 */

/** Makes the table of it. Returns 0 or -ENOMEM. */
int db_lost_new(struct db *db);
/** A change, all of the group's log: could not be stored. */
void db_lose(struct db *db, enum change_kind kind, const void *data);
void db_lose_group(struct db *db);
/** All of the group's log is stored: what of it had failed before is not lost. */
void db_find_group(struct db *db);

/*
 * Pages whose stored record could not be read (db_unread.c).
 */

/** The record of @pfn could not be read; it could, or there is none. */
void db_note_unread(struct db *db, uint64_t pfn);
void db_forget_unread(struct db *db, uint64_t pfn);
/** The page that is number @i of the n_unread. */
uint64_t db_unread_page(const struct db *db, unsigned int i);
/**
 * To be called before the page is written. Returns 0: it may be, after db_add_unread();
 * negative errno: its stored record still cannot be read, and is not to be written over.
 */
int db_look_at_unread(struct db *db, uint64_t pfn);
/** Adds to @rec, which is about to be written, what is stored and was not known. */
void db_add_unread(struct db *db, struct page_rec *rec);

/*
 * The place of the files (db_place.c).
 */

/** Notes which files are open, for db_is_in_place(). */
void db_note_place(struct db *db);

/*
 * Housekeeping (db_prune.c).
 */

/** A copy of all that is committed at @path, where nothing is, on disk. 0 or negative. */
int db_copy_to(struct db *db, const char *path);

/** Makes the names in the folder of the database last. Returns 0 or negative errno. */
int db_sync_folder(const struct db *db);

/** Deletes some of the oldest rows because the disk or the cap is full. */
void db_make_room(struct db *db);

/**
 * Puts the damaged file and its WAL aside and a sound backup, if there is one, into its
 * place; no backup is looked for if @ret_restored is NULL. No connection may be open.
 * Returns 0, *ret_why and *ret_restored; negative errno, *ret_why: all files are where
 * they were, because the backup cannot be read or copied, or nothing can be renamed.
 */
int db_quarantine(struct db *db, bool *ret_restored, const char **ret_why);

/**
 * Renames a file of a development version, what SQLite has beside it, and its backup to
 * PATH.development, PATH.development-wal and so on; if one of these names is taken, to
 * PATH.development-TIME. No connection may be open. Returns 0 and *ret_why: what was done;
 * negative errno, *ret_why: the files cannot be renamed.
 */
int db_retire(struct db *db, const char **ret_why);

/**
 * Before the file is opened: 1 if it was not there and the copy of the backup, which a
 * db_quarantine() that was killed had made, has taken its place; 0 if not. What is no
 * sound database of ours is left alone. Negative errno: what is there cannot be told.
 */
int db_finish_restore(const struct db *db);

/** Once the file is known to be ours: removes a copy that was not finished or not used.
 */
void db_drop_restore(const struct db *db);
