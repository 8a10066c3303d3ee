/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * For the files that share struct db (the trunk of the room): one open database. Its objects
 * have headers of their own, included below: columns and tables, the changes of the open
 * group, what was lost, what could not be read, files in a folder.
 */

#include <sqlite3.h>

#include "base/mem.h"
#include "db.h"
#include "store/db_files.h"
#include "store/db_lost.h"
#include "store/db_redo.h"
#include "store/db_schema.h"
#include "store/db_unread.h"

/** Where earlier boots lie, see db_boot_shift(). */
struct db_boots {
	struct boot_place *v; /* the newest first */
	size_t n;
	usec_t offset;  /* db->wall_offset when it was made */
	usec_t unlived; /* see db_boots_unlived() */
	bool known;
};

struct db {
	sqlite3 *handle;
	sqlite3_stmt *stmt[STMT_MAX_];
	char *path;
	int lock_fd;  /* PATH.lock, flocked; -1: reading only */
	int64_t boot; /* row of the present boot; 0: none, reading only */
	char boot_id[BOOT_ID_MAX];
	struct db_file_id place[DB_FILES]; /* as they were when it was opened */
	usec_t now;                        /* as of the last commit */
	usec_t wall_offset;
	int64_t stored_offset; /* as the boot's row has it */
	uint64_t ce_before;    /* the last row of the CE history when it was opened */
	uint64_t max_size;
	usec_t retention;
	unsigned int page_shift;  /* as the file has it, 0: not known */
	int wal_pages;            /* of the WAL, not known to be moved into the file */
	int wal_most;             /* the most of them, if no reader is in the way */
	int log_pages;            /* of the WAL at the last commit */
	int log_step;             /* from that many on the log is held, see enum db_log */
	bool busy;                /* the last BEGIN waited in vain */
	bool unchecked;           /* the file as a whole, see db_unchecked() */
	bool boots_pruned;        /* no boot is left that may be deleted */
	unsigned int io_failures; /* db_vfs_failures() when it was opened */
	unsigned int pending;     /* rows in the open group */
	struct db_redo redo;      /* the changes of the open group */
	struct db_lost lost;
	struct db_unread unread;
	struct db_boots boots;
	uint64_t errors;
	struct totals totals;  /* as table totals has them, the open group included */
	bool totals_known;     /* false: a rollback has changed the table */
	struct page_rec *page; /* what was read last, with room for UINT16_MAX stamps */
	uint64_t steps_left;   /* that reading may take, see db_limit_steps() */
	char last_error[256];
};

/** One line for the operator, in static storage that the call after next overwrites. */
const char *db_why(const char *format, ...) _printf_(1, 2);

/*
 * Boots (db_boots.c).
 */

/**
 * How far the times of a row of boot @boot, whose last known wall offset is @offset, are
 * to be moved to be times of the present boot: by the wall clock, but no boot may have
 * ended after the next one began.
 */
usec_t db_boot_shift(struct db *db, int64_t boot, usec_t offset);

/**
 * How much too far the wall clock is from the oldest stored boot, for what is to be
 * deleted for its age: the time between the end of a boot and the start of the next one
 * counts up to 30 days, and this is the sum of what all of them have beyond. So a clock
 * that is years ahead for an hour costs no history; after a real pause of years the rows
 * before it stay longer, and MaxSize bounds them. Returns true and *ret; false if the boots
 * cannot be read now: no age is certain then.
 */
bool db_boots_unlived(struct db *db, usec_t *ret);
void db_boots_free(struct db_boots *b);

/*
 * SQLite (db_sqlite.c).
 */

#define DB_BUSY_MSEC 5000

/** Makes spaces of the line breaks in @text. */
void db_one_line(char *text);

/** Counts a failure, keeps SQLite's words for it, returns its db_judge()d errno. */
int db_fail(struct db *db, int rc);

/**
 * Weighs the finding @r: returns -EIO in place of -EUCLEAN if a read has failed since the
 * file was opened, for then the content may be right. Else @r.
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

/** Moves the WAL into the file and truncates it, unless a reader is in the way. Never
 * waits. */
void db_checkpoint(struct db *db);

/** From now on each commit notes the WAL's length, and SQLite empties it only on demand.
 * */
void db_watch_wal(struct db *db);

/** After a commit: moves the WAL into the file if it has become too long. */
void db_bound_wal(struct db *db);

/** Sets the page cap from max_size. Returns 0 or negative errno. */
int db_apply_cap(struct db *db);

/** The cap in pages of the file. Returns 0 or negative errno. */
int db_cap_pages(struct db *db, int64_t *ret_pages);

/*
 * Opening (db.c).
 */

/** Connects to the file, with SQLite's @flags. Returns 0 or negative errno. */
int db_connect(struct db *db, int flags);

/**
 * Whether a row must name a boot that is there. The check took a tenth of the time of
 * each row that is written, and every such row names the present boot. It is needed where
 * boots are deleted. Returns 0 or negative errno.
 */
int db_check_references(struct db *db, bool on);

/**
 * Looks at the file at @path. Returns 0: a sound database of ours with tables in it; an
 * errno for which db_is_none() is true: something else; other negative errno: it cannot
 * be known.
 */
int db_probe(const char *path);

/** Whether @r of db_probe() is a finding: no sound database of ours is there. */
bool db_is_none(int r);

/** Opens what is at the path, or makes it, for the present boot. As db_open(). */
int db_open_file(struct db *db, const struct db_options *o, enum db_opened *ret_how,
		 const char **ret_why);

/** Closes the connection and nothing else. */
void db_disconnect(struct db *db);

/** A struct db with nothing open. Returns 0, *ret to be closed by db_close(); -ENOMEM. */
int db_new(struct db **ret, const char *path);

/*
 * May the file be read, and is it sound (db_check.c).
 */

/** Bounds the schema and the values in the file. Returns 0 or negative errno. */
int db_limit_schema(struct db *db);

/** Ends reading that takes more steps than a file of this size can need. */
void db_limit_steps(struct db *db);

/**
 * Whether our tables are tables, with columns that are stored. A table that is missing is
 * found when the statements are prepared. Returns 0; -EINVAL and *ret_why: they are not;
 * other negative errno.
 */
int db_check_shape(struct db *db, const char **ret_why);

/**
 * SQLite's check of @what, a table, or "1" for all of the file. Returns 0; -EUCLEAN: its
 * content is wrong; other negative errno: it cannot be known. db_last_error() has words.
 */
int db_check_sound(struct db *db, const char *what);

/** db_check_sound() of the tables that decisions are made from, without pages. */
int db_check_small_tables(struct db *db);

/*
 * Rows (db_rows.c).
 */

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
 * The length of the WAL (db_log.c).
 */

/** Whether a change of @kind is left out because the WAL is too long. */
bool db_log_leaves_out(const struct db *db, enum change_kind kind);

/*
 * The group (db_store.c).
 */

/**
 * Warms SQLite's caches with a dummy attempt that is rolled back: the first attempt comes
 * when memory fails. Errors are ignored: the attempt itself reports them.
 */
void db_rehearse(struct db *db);

/** Ends an open transaction without its changes, and forgets the cached totals. */
void db_rollback(struct db *db);

/*
 * The size of a page (db_boots.c).
 */

/** log2 of the page size that the file's frame numbers count by; *ret is 0 if the file does
 * not say. Returns 0 or negative errno. */
int db_read_page_shift(struct db *db, unsigned int *ret);

/**
 * Notes that frames are of 2^@shift bytes from now on (0: not known, nothing is done). If
 * they were of another size, forgets all pages and gives the rows of the histories the
 * frame numbers of the same addresses. Within a transaction. Returns 1 and *ret_why: it has
 * forgotten pages; 0; negative errno.
 */
int db_take_page_shift(struct db *db, unsigned int shift, const char **ret_why);

/*
 * Room (db_prune.c).
 */

/** Deletes some of the oldest rows because the disk or the cap is full. */
void db_make_room(struct db *db);

/*
 * What is at the path (db_place.c).
 */

/** Notes which files are open, for db_is_in_place(). */
void db_note_place(struct db *db);

/**
 * Puts the damaged file and its WAL aside and a sound backup, if there is one, into its
 * place; with @ret_restored NULL it does not look for a backup. No connection may be
 * open. Returns 0, *ret_why and *ret_restored; negative errno, *ret_why: all files are
 * where they were, because the backup cannot be read or copied, or nothing can be
 * renamed.
 */
int db_quarantine(struct db *db, bool *ret_restored, const char **ret_why);

/**
 * Renames a file of a development version, SQLite's files next to it, and its backup to
 * PATH.development, PATH.development-wal and so on; if one of these names is taken, to
 * PATH.development-TIME. No connection may be open. Returns 0 and *ret_why: what was
 * done; negative errno, *ret_why: the files cannot be renamed.
 */
int db_retire(struct db *db, const char **ret_why);
/** If only the backup is of a development version: renames it. Returns 1 and *ret_why; 0 if
 * there is no such backup; negative errno. */
int db_retire_backup(struct db *db, const char **ret_why);

/**
 * Before the file is opened: finishes a db_quarantine() that was killed. Returns 1: the
 * file was not there, and a copy of the backup has taken its place; 0: nothing was done;
 * negative errno: it cannot be known what is there. A copy that is no sound database of
 * ours is left alone.
 */
int db_finish_restore(const struct db *db);

/** Once the file is known to be ours: removes a copy that was not finished or not used.
 * */
void db_drop_restore(const struct db *db);
