/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writes rows, in groups. SQLite gives up a whole transaction when the disk is full in
 * the middle of it, so the changes of the open group are also kept in memory (db_redo.h):
 * after room was made they are made again, and a row that cannot be stored does not take
 * the others with it. It does not know what the rows mean.
 */

#include <errno.h>
#include <string.h>

#include "store/db_internal.h"

void db_rollback(struct db *db)
{
	db->totals_known = false;
	if (db->handle && !sqlite3_get_autocommit(db->handle))
		(void)db_run(db, STMT_ROLLBACK);
}

/* A program that locks the file for long costs the daemon one wait, not one for each
 * row. */
static int store_begin(struct db *db)
{
	int r;

	if (!sqlite3_get_autocommit(db->handle))
		return 0;
	if (db->busy)
		(void)sqlite3_busy_timeout(db->handle, 0);
	r = db_run(db, STMT_BEGIN);
	(void)sqlite3_busy_timeout(db->handle, DB_BUSY_MSEC);
	db->busy = r == -EBUSY;
	return r;
}

static void store_drop_group(struct db *db)
{
	db->pending = 0;
	db->redo.len = 0;
}

/* Makes all changes of the group again; on failure no transaction is open. */
static int store_redo(struct db *db)
{
	const struct change *c = NULL;
	int r = store_begin(db);

	while (r == 0 && (c = db_redo_next(&db->redo, c)))
		r = db_apply(db, c);
	if (r < 0)
		db_rollback(db);
	return r;
}

static int store_refresh_and_commit(struct db *db)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_BOOT_REFRESH, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, db->wall_offset.us);
	db_bind_int(&b, db->now.us);
	db_bind_int(&b, db->boot);
	r = db_finish(db, &b);
	return r < 0 ? r : db_run(db, STMT_COMMIT);
}

/* Stores the changes that came before one that cannot be stored, and ends the group: the
 * next change that fails does not have them made once more. */
static void store_save_rest(struct db *db)
{
	if (db->pending && (store_redo(db) < 0 || store_refresh_and_commit(db) < 0)) {
		db_rollback(db);
		db_lost_add_group(&db->lost, &db->redo);
	} else {
		db_lost_found(&db->lost, &db->redo);
	}
	store_drop_group(db);
}

/* The last change of the group, from byte @before on, failed with @error. */
static int store_retry(struct db *db, int error, size_t before)
{
	bool intact = !sqlite3_get_autocommit(db->handle);
	int r = error;

	if (error == -ENOSPC || !intact) {
		db_rollback(db);
		if (error == -ENOSPC)
			db_make_room(db);
		r = store_redo(db);
		if (r == 0)
			return 0;
		intact = false;
	}
	db->redo.len = before;
	if (!intact)
		store_save_rest(db);
	return r;
}

/* Room for @total bytes of changes, after ending the group if there is none. */
static int store_reserve(struct db *db, size_t total)
{
	int r = db_redo_room(&db->redo, total);

	/* A commit that fails is returned, though this change might be stored: the caller
	 * has to know that the changes before it are lost. */
	return r == 0 ? db_commit(db, db->now, db->wall_offset) : r < 0 ? r : 0;
}

/* There is room for it. */
static const struct change *store_append(struct db *db, struct change head,
					 const void *data, size_t size)
{
	struct change *c = db_redo_append(&db->redo, head, data, size);

	if (head.kind == CHANGE_PAGE) {
		struct page_rec *rec = (void *)(c + 1);

		db_unread_add(&db->unread, rec);
		db_stamps_to_le(rec);
	}
	return c;
}

/* Whether a page may be written: not over a record that could not be read. */
static int store_check_unread(struct db *db, const struct page_rec *rec)
{
	const struct page_rec *stored = NULL;
	bool other_boot = false;
	int r = db_unread_look(&db->unread, rec->pfn);

	if (r <= 0)
		return r;
	r = db_peek_page(db, pfn(rec->pfn), &stored, &other_boot);
	if (r < 0 && r != -ENOENT)
		return r;
	db_unread_found(&db->unread, rec->pfn, r == 0 ? stored : NULL, other_boot);
	return 0;
}

static int store_put(struct db *db, struct change head, const void *data, size_t size)
{
	int r = 0;

	if (db_log_leaves_out(db, (enum change_kind)head.kind)) {
		/* No failure for each: the state of the log says why. */
		db_lost_add(&db->lost, head.kind, data);
		return 0;
	}
	if (head.kind == CHANGE_PAGE)
		r = store_check_unread(db, data);
	if (r == 0)
		r = store_reserve(db, db_redo_size(size));
	if (r == 0) {
		size_t before = db->redo.len;
		const struct change *c = store_append(db, head, data, size);

		r = store_begin(db);
		if (r == 0)
			r = db_apply(db, c);
		if (r < 0)
			r = store_retry(db, r, before);
	}
	if (r < 0)
		db_lost_add(&db->lost, head.kind, data);
	else
		db->pending++;
	return r;
}

static size_t store_page_size(const struct page_rec *rec)
{
	return sizeof(*rec) + rec->n_stamps * sizeof(*rec->stamps);
}

static size_t store_row_size(enum change_kind kind, const void *row)
{
	return kind == CHANGE_PAGE ? store_page_size(row) : ce_row_size(row);
}

/*
 * A statement failed and SQLite has undone it, and may have given up the whole group:
 * then the group is made again. Returns 0; negative errno if the group is lost.
 */
static int store_reopen(struct db *db)
{
	int r;

	if (!sqlite3_get_autocommit(db->handle) || db->pending == 0)
		return 0;
	db_rollback(db); /* forgets the cached totals: they were rolled back */
	r = store_redo(db);
	if (r == -ENOSPC) {
		db_make_room(db);
		r = store_redo(db);
	}
	if (r == 0)
		return 0;
	db_lost_add_group(&db->lost, &db->redo);
	store_drop_group(db);
	return r;
}

/*
 * Puts DB_ROWS_AT_ONCE rows by one statement. *ret_done: they are written; if not,
 * nothing has changed. Returns 0; negative errno if the rows before them in the group are
 * lost.
 */
static int store_put_at_once(struct db *db, enum change_kind kind,
			     const void *const *rows, bool *ret_done)
{
	const struct change *first = NULL;
	size_t total = 0, before;
	int r;

	*ret_done = false;
	for (unsigned int i = 0; i < DB_ROWS_AT_ONCE; i++)
		total += db_redo_size(store_row_size(kind, rows[i]));
	r = store_reserve(db, total);
	if (r < 0)
		return r;
	before = db->redo.len;
	for (unsigned int i = 0; i < DB_ROWS_AT_ONCE; i++) {
		const struct change *c =
			store_append(db, (struct change){ .kind = kind }, rows[i],
				     store_row_size(kind, rows[i]));

		first = first ? first : c;
	}
	if (store_begin(db) == 0 && db_apply_several(db, first) == 0) {
		db->pending += DB_ROWS_AT_ONCE;
		*ret_done = true;
		return 0;
	}
	db->redo.len = before;
	return store_reopen(db);
}

/* Where the statement for several rows failed, the rows are put one by one: so the bad
 * one is found and the others are stored. */
static int store_put_run(struct db *db, enum change_kind kind, const void *const *rows,
			 unsigned int n)
{
	int last = 0;

	for (unsigned int i = 0; i < n;) {
		bool done = false;
		int r = 0;

		if (n - i >= DB_ROWS_AT_ONCE && i % DB_ROWS_AT_ONCE == 0 &&
		    !db_log_leaves_out(db, kind) && db->unread.n == 0 &&
		    !db->unread.overflowed)
			r = store_put_at_once(db, kind, rows + i, &done);
		last = r < 0 ? r : last;
		if (done) {
			i += DB_ROWS_AT_ONCE;
			continue;
		}
		r = store_put(db, (struct change){ .kind = kind }, rows[i],
			      store_row_size(kind, rows[i]));
		last = r < 0 ? r : last;
		i++;
	}
	return last;
}

int db_put_pages(struct db *db, const void *const *recs, unsigned int n)
{
	return store_put_run(db, CHANGE_PAGE, recs, n);
}

int db_put_ces(struct db *db, const void *const *rows, unsigned int n)
{
	return store_put_run(db, CHANGE_CE, rows, n);
}

int db_put_page(struct db *db, const struct page_rec *rec)
{
	return store_put(db, (struct change){ .kind = CHANGE_PAGE }, rec,
			 store_page_size(rec));
}

int db_remove_page(struct db *db, pfn_t p)
{
	db_unread_forget(&db->unread, p.n);
	return store_put(db, (struct change){ .kind = CHANGE_REMOVE }, &p.n, sizeof(p.n));
}

int db_remove_dimm_pages(struct db *db, uint16_t index)
{
	uint64_t wide = index;

	return store_put(db, (struct change){ .kind = CHANGE_REMOVE_DIMM }, &wide,
			 sizeof(wide));
}

int db_put_ce(struct db *db, const struct ce_row *row)
{
	return store_put(db, (struct change){ .kind = CHANGE_CE }, row, ce_row_size(row));
}

int db_put_action(struct db *db, const struct action_row *row)
{
	return store_put(db, (struct change){ .kind = CHANGE_ACTION }, row, sizeof(*row));
}

int db_put_poison(struct db *db, const struct poison_row *row)
{
	return store_put(db, (struct change){ .kind = CHANGE_POISON }, row, sizeof(*row));
}

int db_put_dimm(struct db *db, uint16_t index, const struct dimm_rec *rec)
{
	return store_put(db, (struct change){ .kind = CHANGE_DIMM, .index = index }, rec,
			 sizeof(*rec));
}

int db_put_cell(struct db *db, uint16_t dimm, uint16_t slot,
		const struct fault_cell *cell)
{
	struct change head = { .kind = CHANGE_CELL };

	head.index = (int64_t)dimm * FAULT_MAP_CELLS + slot;
	return store_put(db, head, cell, sizeof(*cell));
}

int db_put_totals(struct db *db, const struct totals *totals)
{
	return store_put(db, (struct change){ .kind = CHANGE_TOTALS }, totals,
			 sizeof(*totals));
}

int db_put_spent(struct db *db, const struct totals *totals)
{
	return store_put(db, (struct change){ .kind = CHANGE_SPENT }, totals,
			 sizeof(*totals));
}

int db_put_reader(struct db *db, uint16_t cpu, uint64_t read)
{
	return store_put(db, (struct change){ .kind = CHANGE_READER, .index = cpu },
			 &read, sizeof(read));
}

int db_put_inventory(struct db *db, const struct module_list *l)
{
	int64_t n = l->n;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < l->n; i++)
		r = store_put(db, (struct change){ .kind = CHANGE_INVENTORY, .index = i },
			      &l->v[i], sizeof(l->v[i]));
	return r < 0 ? r
		     : store_put(db, (struct change){ .kind = CHANGE_INVENTORY_TRIM }, &n,
				 sizeof(n));
}

int db_commit(struct db *db, usec_t now, usec_t wall_offset)
{
	int64_t step;
	int r;

	if (!db->boot)
		return 0;
	db->now = now;
	db->wall_offset = wall_offset;
	step = usec_sub(wall_offset, usec(db->stored_offset)).us;
	if (!db->pending && step <= USEC_PER_SEC && step >= -USEC_PER_SEC) {
		db_rollback(db);
		return 0;
	}
	r = store_begin(db);
	if (r == 0)
		r = store_refresh_and_commit(db);
	if (r < 0) {
		db_rollback(db);
		if (r == -ENOSPC)
			db_make_room(db);
		r = store_redo(db);
		if (r == 0)
			r = store_refresh_and_commit(db);
	}
	if (r < 0) {
		db_rollback(db);
		db_lost_add_group(&db->lost, &db->redo);
	} else {
		db_lost_found(&db->lost, &db->redo);
		db->stored_offset = wall_offset.us;
		db_bound_wal(db);
	}
	store_drop_group(db);
	return r;
}

unsigned int db_pending(const struct db *db)
{
	return db->pending;
}

/* Not by store_put(), which makes room where there is none. */
void db_rehearse(struct db *db)
{
	static const struct action_row intent = { .id = INT64_MAX };
	static const struct action_row answer = { .id = INT64_MAX,
						  .result = RESULT_OFFLINED };
	static const struct poison_row poison = { .cause = POISON_OFFLINED };
	static const struct page_rec page;
	static const struct dimm_rec dimm;
	static const struct totals totals;
	static const struct {
		enum change_kind kind;
		const void *data;
		size_t size;
	} rows[] = {
		{ CHANGE_ACTION, &intent, sizeof(intent) },
		{ CHANGE_PAGE, &page, sizeof(page) },
		{ CHANGE_ACTION, &answer, sizeof(answer) },
		{ CHANGE_POISON, &poison, sizeof(poison) },
		{ CHANGE_PAGE, &page, sizeof(page) },
		{ CHANGE_DIMM, &dimm, sizeof(dimm) },
		{ CHANGE_SPENT, &totals, sizeof(totals) },
	};
	uint64_t errors = db->errors;
	int r;

	db->busy = true; /* does not wait for another program */
	r = store_begin(db);
	db->busy = false;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
		r = db_apply(db, store_append(db, (struct change){ .kind = rows[i].kind },
					      rows[i].data, rows[i].size));
	db_rollback(db);
	store_drop_group(db);
	db->errors = errors;
}

/*
 * What could not be stored, and what the next database has to know.
 */

uint64_t db_lost_rows(const struct db *db)
{
	return db_lost_count(&db->lost);
}

uint64_t db_missing_rows(const struct db *db)
{
	return db->lost.rows;
}

void db_settle_lost(struct db *db, struct db_missing *ret)
{
	db_lost_settle(&db->lost, ret);
}

struct db_heritage {
	uint64_t ce_before;
	struct db_unread unread;
	uint64_t lost_rows;
	struct db_missing missing;
};

struct db_heritage *db_close_for_next(struct db *db)
{
	struct db_heritage *h = db ? calloc(1, sizeof(*h)) : NULL;

	if (h) {
		db_settle_lost(db, &h->missing);
		h->lost_rows = db->lost.rows;
		h->ce_before = db->ce_before;
		h->unread = db->unread;
		db->unread = (struct db_unread){ 0 };
	}
	db_close(db);
	return h;
}

void db_heritage_note(struct db_heritage *h, pfn_t p)
{
	if (h)
		db_unread_note(&h->unread, p.n);
}

void db_inherit(struct db *db, struct db_heritage *h)
{
	if (!h)
		return;
	db_unread_free(&db->unread);
	db->unread = h->unread;
	h->unread = (struct db_unread){ 0 };
	db_unread_restart(&db->unread);
	db->ce_before = h->ce_before;
	db->lost.rows = h->lost_rows;
	db->lost.missing = h->missing;
	db_heritage_free(h);
}

struct db_heritage *db_heritage_free(struct db_heritage *h)
{
	if (!h)
		return NULL;
	db_unread_free(&h->unread);
	free(h);
	return NULL;
}
