/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The store keeps what the daemon counted, decided and did. It is the only door to
 * SQLite: one file in WAL mode, rows written in groups. It may touch SQLite and the files
 * of the database, nothing else.
 *
 * The database is memory and evidence, not brain: when it fails, its functions say so and
 * the daemon goes on deciding from what it holds.
 *
 * Times in the file are microseconds on CLOCK_BOOTTIME of the boot that a row names;
 * table boot holds each boot's offset to the wall clock, as last known, so that a clock
 * that is put right later puts right what was written before. Views give wall time.
 */

#include <errno.h>
#include <stddef.h>

#include "ce_tracker.h"
#include "host/clock.h"
#include "track/fault_map.h"
#include "track/module_list.h"
#include "track/records.h"

#define DB_APPLICATION_ID 0x736f6664 /* "sofd" */
#define DB_DEVELOPMENT_ID                                                                \
	0x534f4644 /* "SOFD": of the versions before the first release */
#define DB_SCHEMA_VERSION 1
#define DB_GROUP_ROWS     1000 /* rows changed before a commit is due */

struct db;

struct db_options {
	const char *path;
	uint64_t max_size;         /* bytes; the cap of pages in the file */
	usec_t retention;          /* of CE history, actions and samples */
	char boot_id[BOOT_ID_MAX]; /* of the present boot */
	usec_t now;                /* CLOCK_BOOTTIME */
	usec_t wall_offset;
	unsigned int page_shift; /* log2 of the kernel's page size; 0: not known */
	bool check_later;        /* the caller has the file checked if db_unchecked() */
};

enum db_opened {
	DB_OPENED,  /* it was there and is sound */
	DB_CREATED, /* it was not there */
	/* it was damaged: renamed to PATH.corrupt-TIME, a backup or a new one */
	DB_QUARANTINED,
	/* a development version wrote it: renamed to PATH.development, a new one */
	DB_RETIRED,
	/* it is of a kernel with another page size: its pages are forgotten */
	DB_REPAGED,
};

/**
 * Opens or makes the database and runs quick_check. With @check_later it looks only at
 * the tables that decisions are made from (boot, dimm, fault, module, cell, totals,
 * reader) and leaves pages and histories to db_check_start(): reading all of a large file
 * takes longer than all else that a start does. It still checks the whole file if the
 * file system cannot do WAL and a long look would keep the daemon from writing.
 *
 * Returns 0, *ret, *ret_how; -EPROTONOSUPPORT: a newer schema, -EINVAL: the database of
 * another program or no regular file (nothing is touched); -EBUSY: another daemon has it;
 * -ENOENT: its folder does not exist; -ENOMEM; -EIO or another negative errno. On
 * failure, when a file was put aside, when pages are forgotten, and when the file system
 * cannot do WAL, *ret_why is one line for the operator (static storage); NULL if there is
 * nothing to say.
 */
int db_open(struct db **ret, const struct db_options *options, enum db_opened *ret_how,
	    const char **ret_why);

/** A development version wrote the file. No system call returns this errno for a file. */
#define DB_ERR_DEVELOPMENT EBADSLT

/**
 * Opens for reading only, for the CLI while no daemon runs; takes no lock, changes and
 * renames nothing. As db_open(); -ENODATA: no tables in it; -EUCLEAN: damaged;
 * -DB_ERR_DEVELOPMENT. There is no present boot: the times of all rows are wall
 * time, each row is of another boot, and writing is -EROFS.
 */
int db_open_readonly(struct db **ret, const char *path, const char **ret_why);

/**
 * Whether a daemon has the database at @path open, by the lock next to it. Returns 1 or
 * 0; negative errno if that cannot be known: only root may look at the lock.
 */
int db_in_use(const char *path);

/** log2 of the page size that the frame numbers in the file count by; 0: not known. */
unsigned int db_page_shift(const struct db *db);

/** Commits what is pending, checkpoints and closes; NULL is fine. Returns NULL. */
struct db *db_close(struct db *db);

/** True if db_open() has left the check of the whole file to its caller. */
bool db_unchecked(const struct db *db);
/** The caller has checked the whole file, and it is sound. */
void db_set_checked(struct db *db);

/*
 * The check of the whole file, in a thread. It neither waits for the daemon's writes nor
 * delays them, and sees the file as it was when the check began.
 */
struct db_check;

/** Starts it. Returns 0 and *ret, to be freed with db_check_stop(); negative errno. */
int db_check_start(struct db_check **ret, const char *path);

/** A file descriptor that is readable once the check has ended. */
int db_check_fd(const struct db_check *c);

/**
 * The result of a check that has ended. 0: the file is sound; -EUCLEAN: it is damaged,
 * and db_open() without check_later puts it aside; other negative errno: it cannot be
 * known.
 */
int db_check_result(const struct db_check *c);

/** Ends the check, finished or not; NULL is fine. Returns NULL. */
struct db_check *db_check_stop(struct db_check *c);

/*
 * Writing. Each opens the group's transaction if none is open, and changes no row on
 * failure.
 *
 * Return 0; -ENOSPC: the disk or the cap is full, after pruning what could be pruned;
 * -EIO and others as SQLite failed. A failure does not break the group: the other rows
 * are committed.
 */
int db_put_page(struct db *db, const struct page_rec *rec);
/**
 * As db_put_page() and db_put_ce() for each of @n rows: pointers to struct page_rec and
 * to struct ce_row. One statement writes several rows, which takes three quarters of the
 * time. Return the last failure, and then all other rows are stored; 0 without one.
 */
int db_put_pages(struct db *db, const void *const *recs, unsigned int n);
int db_put_ces(struct db *db, const void *const *rows, unsigned int n);
int db_remove_page(struct db *db, pfn_t p);
/** Removes every page and cell of DIMM @index. */
int db_remove_dimm_pages(struct db *db, uint16_t index);
/**
 * A row with an id replaces the row that was stored under that id since db_open(). A row
 * whose id is 0 is a new row. Use only one of both ways on one @db: they share numbers.
 */
int db_put_ce(struct db *db, const struct ce_row *row);
int db_put_action(struct db *db, const struct action_row *row);
int db_put_poison(struct db *db, const struct poison_row *row);
int db_put_dimm(struct db *db, uint16_t index, const struct dimm_rec *rec);
/** @cell->used false: removes the row of the slot. */
int db_put_cell(struct db *db, uint16_t dimm, uint16_t slot,
		const struct fault_cell *cell);
int db_put_totals(struct db *db, const struct totals *totals);
/** Stores only the fields of @totals that totals_spend() copies. */
int db_put_spent(struct db *db, const struct totals *totals);
/** @read: how many of @cpu's events the rows up to and including the open group account
 * for. */
int db_put_reader(struct db *db, uint16_t cpu, uint64_t read);

/** Stores @l in place of the list that was stored. */
int db_put_inventory(struct db *db, const struct module_list *l);

/**
 * Ends the group: after it returned 0, everything written before is durable (synchronous
 * FULL). @now and @wall_offset refresh the boot's row. Without an open group it does
 * nothing, unless the wall clock was set by more than a second: that is stored at once.
 * If the disk or the cap is full, the oldest history is pruned and the group tried again.
 * Returns 0 or negative errno; then the group is rolled back and the rows are lost, which
 * db_lost_rows() counts.
 */
int db_commit(struct db *db, usec_t now, usec_t wall_offset);

/** Rows changed in the open group; 0 if none is open. */
unsigned int db_pending(const struct db *db);

/**
 * To be called when there is nothing else to do: moves what is committed out of the WAL
 * into the file, if it is worth it. That takes as long as the disk takes to write a few
 * megabytes and sync them. So the caller does not do it while pages wait to be offlined;
 * then a commit does it once the WAL is too long. It is not done in a thread: in SQLite
 * before 3.51.3 a checkpoint of one connection next to a commit of another can damage the
 * file
 * (https://sqlite.org/wal.html#walresetbug).
 */
void db_rest(struct db *db);

/*
 * The length of the log (WAL). A reader that stays in its transaction keeps it from being
 * emptied. At a quarter of the cap (8 MiB at least) rows of the histories are left out
 * and count as lost. At half of the cap the caller is to leave what the engine holds
 * where it is. At all of it pages are left out, too; a caller that does so puts pages
 * only when they leave its table. What an attempt writes is stored in any case.
 */
enum db_log { DB_LOG_FINE, DB_LOG_HELD, DB_LOG_LONG, DB_LOG_FULL };

/** As of the last commit. */
enum db_log db_log_state(const struct db *db);
/** Tries to empty a log that is held, without waiting, unless a group is open. Returns
 * the state after that. */
enum db_log db_log_try(struct db *db);
/**
 * Why the log is held, as far as that can be known, as a clause: "sqlite3 (process 4711)
 * stays in a transaction".
 */
void db_log_holders(const struct db *db, char *ret, size_t size);

/**
 * Rows that were to be written and are not in the file, and failures, since db_open(). A
 * row counts once, and not any more when it is stored after all. DIMMs, cells and totals
 * that cannot be stored are not counted: the caller puts them again.
 */
uint64_t db_lost_rows(const struct db *db);
uint64_t db_errors(const struct db *db);

struct db_missing {
	uint64_t rows;
	uint64_t errors; /* that rows of the history counted */
	/* more rows failed than can be noted: some of these are stored */
	bool at_most;
};

/**
 * To be called when the database works again, and the caller has put and committed all
 * that it still knows: rows that are not stored by then are lost for good. *ret: what was
 * lost since the call before.
 */
void db_settle_lost(struct db *db, struct db_missing *ret);

/** Rows lost for good since db_open(). Never falls. */
uint64_t db_missing_rows(const struct db *db);

/**
 * Whether the files at the path are the files that are open; true too if that cannot be
 * known. If not, *ret_why names the first one that is not (static storage).
 */
bool db_is_in_place(const struct db *db, const char **ret_why);

/**
 * Stores all that the open files hold, and the open group, in a new file at the path, and
 * goes on with that file. A database of ours that is at the path now, whole or damaged,
 * is renamed to PATH.replaced-TIME.
 *
 * Returns 0, *ret_why says what was done. Negative errno: the files that were open are
 * still in use unless db_is_open() is false, and *ret_why says why or is NULL. -EEXIST:
 * what is at the path is not ours, and stays; -ENOENT: the folder is gone; -ENOSPC; -EIO
 * and others.
 */
int db_bring_back(struct db *db, const char **ret_why);

/** False after a db_bring_back() that could not open the file it had made: close it. */
bool db_is_open(const struct db *db);

/**
 * Makes sure that the file at PATH.lock is the file that is locked. Returns 0: it is; 1:
 * the lock had been removed or replaced, and is taken again; -EBUSY: another program
 * holds the file that is there now; other negative errno.
 */
int db_hold_lock(struct db *db);

struct db_heritage;

/**
 * Closes @db as db_close(), for a caller that goes on counting. Returns what the next
 * database at the path has to know: give it to db_inherit() or db_heritage_free(). NULL
 * without memory.
 */
struct db_heritage *db_close_for_next(struct db *db);
/** Page @p was asked for while no database is open; NULL is fine. */
void db_heritage_note(struct db_heritage *h, pfn_t p);
/** Hands @h, which is freed, to the database that was opened next; NULL is fine. */
void db_inherit(struct db *db, struct db_heritage *h);
/** Frees @h; NULL is fine. Returns NULL. */
struct db_heritage *db_heritage_free(struct db_heritage *h);

/** Bytes of the database file and its WAL now; 0 if they cannot be read. */
uint64_t db_size(const struct db *db);

/** SQLite's words for the last failure, one line; "" if there was none. */
const char *db_last_error(const struct db *db);

/**
 * Housekeeping: deletes at most @max_rows rows past the retention, or the oldest if the
 * file nears its cap; gives pages back to the file system. To be called now and then.
 * Returns the rows deleted, or negative errno.
 */
int db_prune(struct db *db, usec_t now, unsigned int max_rows);

/** Changes cap and retention of an open database. Returns 0 or negative errno. */
int db_set_limits(struct db *db, uint64_t max_size, usec_t retention);

/**
 * Copies the database to PATH.bak, through a temporary file and a rename. A damaged
 * database is restored from it. Returns 0 or negative errno.
 */
int db_backup(struct db *db);

/*
 * Reading back at start. Each row goes to the callback, its times moved to the clock of
 * the present boot. Times of an earlier boot are moved through the wall clock, never into
 * the future; @other_boot is true for them. All times of a row are moved by the same
 * amount, so distances stay.
 *
 * A callback that returns non-zero ends the walk, which returns the same. It may write to
 * @db, but not read, commit or prune. Otherwise they return 0 or negative errno.
 */
typedef int (*db_page_fn)(void *userdata, const struct page_rec *rec, bool other_boot);
typedef int (*db_dimm_fn)(void *userdata, uint16_t index, const struct dimm_rec *rec);
typedef int (*db_cell_fn)(void *userdata, uint16_t dimm, uint16_t slot,
			  const struct fault_cell *cell);
typedef int (*db_reader_fn)(void *userdata, uint16_t cpu, uint64_t read);
typedef int (*db_action_fn)(void *userdata, const struct action_row *row);

/**
 * At most @limit pages, those of the latest boots with the latest last_seen, in no
 * order; *ret_more: there were more.
 */
int db_each_page(struct db *db, uint32_t limit, db_page_fn fn, void *userdata,
		 bool *ret_more);
int db_each_dimm(struct db *db, db_dimm_fn fn, void *userdata);
/** Cells, by DIMM and slot; other_boot: not seen in the present boot. */
int db_each_cell(struct db *db, db_cell_fn fn, void *userdata);
/** Actions of the present boot that were stored as intents and never completed, by id. */
int db_each_intent(struct db *db, db_action_fn fn, void *userdata);
/** What db_put_reader() stored in the present boot. */
int db_each_reader(struct db *db, db_reader_fn fn, void *userdata);
/** The rows that db_put_inventory() stored last; none are fine. */
int db_get_inventory(struct db *db, struct module_list *ret);
/** 0 and *ret; -ENOENT if none were stored. */
int db_get_totals(struct db *db, struct totals *ret);

/**
 * One page, for a caller that counts on from there: 0 and *ret, a record in the storage
 * of @db valid until the next call; -ENOENT; other negative errno: it could not be read,
 * and what the caller puts of that page is then added to what is stored.
 */
int db_get_page(struct db *db, pfn_t p, const struct page_rec **ret,
		bool *ret_other_boot);
/** The same, for a caller that only shows it. */
int db_peek_page(struct db *db, pfn_t p, const struct page_rec **ret,
		 bool *ret_other_boot);

/*
 * Reports, for bus and CLI: times in microseconds since the epoch.
 */
struct db_page {
	uint64_t pfn;
	char dimm[DIMM_LABEL_MAX];
	uint64_t corrected_errors;
	int64_t first_seen;
	int64_t last_seen;
	char state[16];
	char reason[16];
	char result[16];
	uint32_t attempts;
};

struct db_history {
	int64_t time;
	uint64_t pfn;
	char action[16];
	char reason[16];
	char result[16];
	int32_t error;
	char page_type[16];
	int64_t duration_usec;
	int64_t poisoned_before_kib; /* -1: not known */
	int64_t poisoned_after_kib;
	char outcome[24]; /* the kernel's own word; empty if it named none */
};

struct db_ce {
	int64_t first;
	int64_t last;
	bool has_address;
	uint64_t address;
	uint64_t count;
	uint32_t events;
	uint16_t index; /* of the DIMM, as it was stored */
	char dimm[DIMM_LABEL_MAX];
	uint8_t severity;
	char unattributed[16]; /* "none", or why no page was charged */
	char registers[CE_REGISTERS_MAX];
};

typedef int (*db_list_page_fn)(void *userdata, const struct db_page *row);
typedef int (*db_history_fn)(void *userdata, const struct db_history *row);
typedef int (*db_ce_fn)(void *userdata, const struct db_ce *row);

struct db_filter {
	const char *state; /* NULL: any (pages) */
	bool has_pfn;      /* history and CEs of one page */
	uint64_t pfn;
	unsigned int page_shift; /* to find CEs by frame */
	int64_t since;           /* wall time; INT64_MIN: no bound */
	int64_t until;           /* wall time; INT64_MAX: no bound */
	uint32_t limit;          /* newest rows, listed oldest first; 0: no bound */
};

int db_list_pages(struct db *db, const struct db_filter *f, db_list_page_fn fn, void *u);
int db_list_history(struct db *db, const struct db_filter *f, db_history_fn fn, void *u);
int db_list_ces(struct db *db, const struct db_filter *f, db_ce_fn fn, void *u);

/**
 * The same in parts, so that a long list delays nothing else. Each call looks at @rows
 * rows (1 at least) from *cursor on (0: the newest), and hands on the rows that match @f,
 * the newest first, f->limit at most. *cursor is then where to go on; 0: that was all.
 * CEs of one page are found in the index and come all at once, oldest first.
 *
 * Return 0, negative errno, or what @fn returned.
 */
int db_browse_history(struct db *db, const struct db_filter *f, uint32_t rows,
		      uint64_t *cursor, db_history_fn fn, void *u);
int db_browse_ces(struct db *db, const struct db_filter *f, uint32_t rows,
		  uint64_t *cursor, db_ce_fn fn, void *u);

/**
 * Totals and the counts that status shows, from the file alone (CLI without a daemon).
 * The times in @totals are wall time too; INT64_MIN stays.
 */
struct db_summary {
	struct totals totals;
	uint32_t pages[PAGE_STATE_MAX_];
	int64_t poisoned_kib; /* last sample; -1: none */
	int64_t last_commit;  /* wall time */
};
int db_get_summary(struct db *db, struct db_summary *ret);
