/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Keeps the file small: retention by age and by size. A page that is offlined or about to
 * be is never deleted, nor is a DIMM. Of the other rows the CE history is deleted first
 * and watched pages last.
 */

#include <errno.h>
#include <limits.h>

#include "store/db_internal.h"

#define BATCH        500  /* rows deleted in one transaction */
#define ROOM_ROWS    4000 /* deleted at once when a row finds no room */
#define NEAR_CAP     90   /* percent */
#define SPARE_PAGES  64   /* free pages that stay in the file */
#define VACUUM_PAGES 1024 /* returned to the file system in one call */

/* Deletes at most @n rows, older than *cutoff if there is one. Returns how many. */
static int prune_some(struct db *db, enum stmt id, const int64_t *cutoff, unsigned int n)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, id, &b.s);

	if (r < 0)
		return r;
	if (cutoff)
		db_bind_int(&b, *cutoff);
	else
		db_bind_null(&b);
	db_bind_int(&b, n);
	if (id == STMT_PRUNE_ACTION)
		db_bind_int(&b, db->boot);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	r = db_step(db, b.s);
	return r < 0 ? r : sqlite3_changes(db->handle);
}

static unsigned int prune_batch(unsigned int left)
{
	return left < BATCH ? left : BATCH;
}

/* Deletes at most @n rows past *cutoff in batches. Returns how many. */
static int prune_old(struct db *db, enum stmt id, const int64_t *cutoff, unsigned int n)
{
	unsigned int deleted = 0;

	while (deleted < n) {
		unsigned int batch = prune_batch(n - deleted);
		int r = prune_some(db, id, cutoff, batch);

		if (r < 0)
			return r;
		deleted += (unsigned int)r;
		if ((unsigned int)r < batch)
			break;
	}
	return (int)deleted;
}

/* Deletes at most @n of the oldest rows, whatever their age. Returns how many. */
static int prune_oldest(struct db *db, unsigned int n)
{
	static const enum stmt order[] = { STMT_PRUNE_CE, STMT_PRUNE_POISON,
					   STMT_PRUNE_ACTION, STMT_PRUNE_WATCHED };
	unsigned int deleted = 0;

	for (size_t i = 0; i < ARRAY_SIZE(order) && deleted < n; i++) {
		int r = prune_old(db, order[i], NULL, n - deleted);

		if (r < 0)
			return r;
		deleted += (unsigned int)r;
	}
	return (int)deleted;
}

static int prune_by_age(struct db *db, unsigned int n)
{
	static const enum stmt all[] = { STMT_PRUNE_CE, STMT_PRUNE_POISON,
					 STMT_PRUNE_ACTION, STMT_PRUNE_PAGE };
	usec_t unlived, today = usec_add(db->now, db->wall_offset);
	unsigned int deleted = 0;
	int64_t cutoff;

	if (!db_boots_unlived(db, &unlived))
		return 0;
	cutoff = usec_sub(usec_sub(today, unlived), db->retention).us;
	for (size_t i = 0; i < ARRAY_SIZE(all) && deleted < n; i++) {
		int r = prune_old(db, all[i], &cutoff, n - deleted);

		if (r < 0)
			return r;
		deleted += (unsigned int)r;
	}
	return (int)deleted;
}

static int prune_near_cap(struct db *db, bool *ret)
{
	int64_t pages, spare, cap;
	int r = db_read_int(db, "PRAGMA page_count", &pages);

	if (r == 0)
		r = db_read_int(db, "PRAGMA freelist_count", &spare);
	if (r == 0)
		r = db_cap_pages(db, &cap);
	if (r == 0)
		*ret = (pages - spare) * 100 > cap * NEAR_CAP;
	return r;
}

static int prune_by_size(struct db *db, unsigned int n)
{
	unsigned int deleted = 0;

	while (deleted < n) {
		bool near;
		int r = prune_near_cap(db, &near);

		if (r == 0 && near)
			r = prune_oldest(db, prune_batch(n - deleted));
		if (r < 0)
			return r;
		if (r == 0)
			break;
		deleted += (unsigned int)r;
	}
	return (int)deleted;
}

/* Returns pages to the file system. Returns 1 if there were any. */
static int prune_give_back(struct db *db)
{
	char sql[64];
	int64_t pages, spare, cap, n;
	int r = db_read_int(db, "PRAGMA freelist_count", &spare);

	if (r == 0)
		r = db_read_int(db, "PRAGMA page_count", &pages);
	if (r == 0)
		r = db_cap_pages(db, &cap);
	if (r < 0)
		return r;
	n = spare - SPARE_PAGES;
	if (n < pages - cap)
		n = pages - cap;
	if (n <= 0 || spare == 0)
		return 0;
	if (n > VACUUM_PAGES)
		n = VACUUM_PAGES;
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%lld)", (long long)n);
	r = db_exec(db, sql);
	return r < 0 ? r : 1;
}

/* Deletes some boots that no row names any more, but leaves one of each 10 days. It reads
 * all of the histories, so it stops once no such boot is left: no boot is added while the
 * database is open. */
static int prune_boots(struct db *db)
{
	struct db_bind b = { 0 };
	int r;

	if (db->boots_pruned)
		return 0;
	r = db_check_references(db, true);
	if (r == 0)
		r = db_stmt(db, STMT_PRUNE_BOOT, &b.s);
	if (r == 0) {
		db_bind_int(&b, db->boot);
		r = b.rc != SQLITE_OK ? db_fail(db, b.rc) : db_step(db, b.s);
	}
	if (r == 0)
		db->boots_pruned = sqlite3_changes(db->handle) == 0;
	(void)db_check_references(db, false);
	return r;
}

int db_prune(struct db *db, usec_t now, unsigned int max_rows)
{
	int aged, sized = 0;
	int r;

	if (max_rows > INT_MAX)
		max_rows = INT_MAX;
	r = db_commit(db, now, db->wall_offset);
	if (r == 0)
		r = db_apply_cap(db);
	if (r < 0)
		return r;
	if (db_log_try(db) != DB_LOG_FINE)
		return 0; /* deleting would make the log longer, and the file no shorter */
	aged = prune_by_age(db, max_rows);
	if (aged >= 0)
		r = prune_boots(db);
	if (r < 0)
		return r;
	if (aged >= 0)
		sized = prune_by_size(db, max_rows - (unsigned int)aged);
	if (aged < 0 || sized < 0)
		return aged < 0 ? aged : sized;
	r = prune_give_back(db);
	if (r < 0)
		return r;
	if (r > 0 || aged + sized >= BATCH)
		db_checkpoint(db);
	return aged + sized;
}

void db_make_room(struct db *db)
{
	/* The WAL may hold free pages; on a full disk both may fail. */
	db_checkpoint(db);
	(void)prune_oldest(db, ROOM_ROWS);
	db_checkpoint(db);
}
