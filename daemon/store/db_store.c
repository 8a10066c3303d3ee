/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writes rows, in groups. SQLite gives up a whole transaction when the disk is full in
 * the middle of it, so the changes of the open group are also kept in a log in memory:
 * after room was made they are done again, and one row that cannot be stored does not
 * take the others with it. It does not know what the rows mean.
 */

#include <errno.h>
#include <string.h>

#include "store/db_internal.h"

/* A thousand rows take some 300 KiB; a page with the largest threshold takes 16 KiB. */
#define LOG_SIZE (4U << 20)

int db_log_new(struct db *db)
{
	/* what is never used is never touched, and so takes no memory */
	db->log = malloc(LOG_SIZE);
	return db->log ? 0 : -ENOMEM;
}

void db_rollback(struct db *db)
{
	db->totals_known = false;
	if (db->handle && !sqlite3_get_autocommit(db->handle))
		(void)db_run(db, STMT_ROLLBACK);
}

/* Somebody who sits on the file for long costs the daemon one wait, not one for each row.
 */
static int begin(struct db *db)
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

static void drop_group(struct db *db)
{
	db->pending = 0;
	db->log_len = 0;
}

/* Begins anew and does all that stands in the log; on failure nothing is open. */
static int replay(struct db *db)
{
	int r = begin(db);

	for (size_t at = 0; r == 0 && at < db->log_len;) {
		const struct change *c = (const void *)(db->log + at);

		r = db_apply(db, c);
		at += c->size;
	}
	if (r < 0)
		db_rollback(db);
	return r;
}

static int refresh_and_commit(struct db *db)
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

/* What was in the group before a row that cannot be stored. Ends the group: the next such
 * row need not do all of it again. */
static void save_rest(struct db *db)
{
	if (db->pending && (replay(db) < 0 || refresh_and_commit(db) < 0)) {
		db_rollback(db);
		db_lose_group(db);
	} else {
		db_find_group(db);
	}
	drop_group(db);
}

/* The last change in the log, from @before on, failed with @error. */
static int retry(struct db *db, int error, size_t before)
{
	bool intact = !sqlite3_get_autocommit(db->handle);
	int r = error;

	if (error == -ENOSPC || !intact) {
		db_rollback(db);
		if (error == -ENOSPC)
			db_make_room(db);
		r = replay(db);
		if (r == 0)
			return 0;
		intact = false;
	}
	db->log_len = before;
	if (!intact)
		save_rest(db);
	return r;
}

/* Room for it in the log, after ending the group if there is none. */
static int reserve(struct db *db, size_t total)
{
	if (!db->log)
		return -EROFS;
	if (total > LOG_SIZE)
		return -EMSGSIZE;
	/* The caller has to know if the rows before are gone, though this one might go
	 * in.
	 */
	if (db->log_len + total > LOG_SIZE)
		return db_commit(db, db->now, db->wall_offset);
	return 0;
}

static size_t change_size(size_t size)
{
	return (sizeof(struct change) + size + 7) & ~(size_t)7;
}

/* There is room for it. Returns where it stands in the log. */
static const struct change *append(struct db *db, struct change head, const void *data,
				   size_t size)
{
	struct change *c = (void *)(db->log + db->log_len);

	head.size = (uint32_t)change_size(size);
	*c = head;
	memcpy(c + 1, data, size);
	if (head.kind == CHANGE_PAGE) {
		db_add_unread(db, (void *)(c + 1));
		db_stamps_to_le((void *)(c + 1));
	}
	db->log_len += head.size;
	return c;
}

/* Of a page: not over a record that could not be read. */
static int may_write(struct db *db, enum change_kind kind, const void *data)
{
	if (kind == CHANGE_PAGE)
		return db_look_at_unread(db, ((const struct page_rec *)data)->pfn);
	return 0;
}

static int put(struct db *db, struct change head, const void *data, size_t size)
{
	int r;

	if (db_log_leaves_out(db, (enum change_kind)head.kind)) {
		/* no failure for each: the state of the log says why */
		db_lose(db, head.kind, data);
		return 0;
	}
	r = may_write(db, (enum change_kind)head.kind, data);
	if (r == 0)
		r = reserve(db, change_size(size));
	if (r == 0) {
		size_t before = db->log_len;
		const struct change *c = append(db, head, data, size);

		r = begin(db);
		if (r == 0)
			r = db_apply(db, c);
		if (r < 0)
			r = retry(db, r, before);
	}
	if (r < 0)
		db_lose(db, head.kind, data);
	else
		db->pending++;
	return r;
}

static size_t page_size(const struct page_rec *rec)
{
	return sizeof(*rec) + rec->n_stamps * sizeof(*rec->stamps);
}

static size_t row_size(enum change_kind kind, const void *row)
{
	return kind == CHANGE_PAGE ? page_size(row) : sizeof(struct ce_row);
}

/*
 * SQLite has undone the statement, and may have given up all of the group: then that is
 * done again. Returns 0; negative errno if it is lost.
 */
static int reopen(struct db *db)
{
	int r;

	if (!sqlite3_get_autocommit(db->handle) || db->pending == 0)
		return 0;
	db_rollback(db); /* what was known of the file is not so any more */
	r = replay(db);
	if (r == -ENOSPC) {
		db_make_room(db);
		r = replay(db);
	}
	if (r == 0)
		return 0;
	db_lose_group(db);
	drop_group(db);
	return r;
}

/*
 * DB_ROWS_AT_ONCE rows by one statement. *ret_done: they are written; if not, nothing has
 * changed. Returns 0; negative errno if the rows before them in the group are lost.
 */
static int put_at_once(struct db *db, enum change_kind kind, const void *const *rows,
		       bool *ret_done)
{
	const struct change *first = NULL;
	size_t total = 0, before;
	int r;

	*ret_done = false;
	for (unsigned int i = 0; i < DB_ROWS_AT_ONCE; i++)
		total += change_size(row_size(kind, rows[i]));
	r = reserve(db, total);
	if (r < 0)
		return r;
	before = db->log_len;
	for (unsigned int i = 0; i < DB_ROWS_AT_ONCE; i++) {
		const struct change *c = append(db, (struct change){ .kind = kind },
						rows[i], row_size(kind, rows[i]));

		first = first ? first : c;
	}
	if (begin(db) == 0 && db_apply_several(db, first) == 0) {
		db->pending += DB_ROWS_AT_ONCE;
		*ret_done = true;
		return 0;
	}
	db->log_len = before;
	return reopen(db);
}

/* Whose fault it was that several failed is found out by putting each by itself. */
static int put_all(struct db *db, enum change_kind kind, const void *const *rows,
		   unsigned int n)
{
	int last = 0;

	for (unsigned int i = 0; i < n;) {
		bool done = false;
		int r = 0;

		if (n - i >= DB_ROWS_AT_ONCE && i % DB_ROWS_AT_ONCE == 0 &&
		    !db_log_leaves_out(db, kind) && db->n_unread == 0 && !db->unread_more)
			r = put_at_once(db, kind, rows + i, &done);
		last = r < 0 ? r : last;
		if (done) {
			i += DB_ROWS_AT_ONCE;
			continue;
		}
		r = put(db, (struct change){ .kind = kind }, rows[i],
			row_size(kind, rows[i]));
		last = r < 0 ? r : last;
		i++;
	}
	return last;
}

int db_put_pages(struct db *db, const void *const *recs, unsigned int n)
{
	return put_all(db, CHANGE_PAGE, recs, n);
}

int db_put_ces(struct db *db, const void *const *rows, unsigned int n)
{
	return put_all(db, CHANGE_CE, rows, n);
}

int db_put_page(struct db *db, const struct page_rec *rec)
{
	return put(db, (struct change){ .kind = CHANGE_PAGE }, rec, page_size(rec));
}

int db_remove_page(struct db *db, pfn_t p)
{
	db_forget_unread(db, p.n);
	return put(db, (struct change){ .kind = CHANGE_REMOVE }, &p.n, sizeof(p.n));
}

int db_remove_dimm_pages(struct db *db, uint16_t index)
{
	uint64_t wide = index;

	return put(db, (struct change){ .kind = CHANGE_REMOVE_DIMM }, &wide,
		   sizeof(wide));
}

int db_put_ce(struct db *db, const struct ce_row *row)
{
	return put(db, (struct change){ .kind = CHANGE_CE }, row, sizeof(*row));
}

int db_put_action(struct db *db, const struct action_row *row)
{
	return put(db, (struct change){ .kind = CHANGE_ACTION }, row, sizeof(*row));
}

int db_put_poison(struct db *db, const struct poison_row *row)
{
	return put(db, (struct change){ .kind = CHANGE_POISON }, row, sizeof(*row));
}

int db_put_dimm(struct db *db, uint16_t index, const struct dimm_rec *rec)
{
	return put(db, (struct change){ .kind = CHANGE_DIMM, .index = index }, rec,
		   sizeof(*rec));
}

int db_put_cell(struct db *db, uint16_t dimm, uint16_t slot,
		const struct fault_cell *cell)
{
	struct change head = { .kind = CHANGE_CELL };

	head.index = (int64_t)dimm * FAULT_CELLS + slot;
	return put(db, head, cell, sizeof(*cell));
}

int db_put_totals(struct db *db, const struct totals *totals)
{
	return put(db, (struct change){ .kind = CHANGE_TOTALS }, totals, sizeof(*totals));
}

int db_put_spent(struct db *db, const struct totals *totals)
{
	return put(db, (struct change){ .kind = CHANGE_SPENT }, totals, sizeof(*totals));
}

int db_put_reader(struct db *db, uint16_t cpu, uint64_t read)
{
	return put(db, (struct change){ .kind = CHANGE_READER, .index = cpu }, &read,
		   sizeof(read));
}

static bool clock_was_set(const struct db *db)
{
	int64_t step = usec_sub(db->wall_offset, usec(db->stored_offset)).us;

	return step > USEC_PER_SEC || step < -USEC_PER_SEC;
}

int db_commit(struct db *db, usec_t now, usec_t wall_offset)
{
	int r;

	if (!db->boot)
		return 0;
	db->now = now;
	db->wall_offset = wall_offset;
	if (!db->pending && !clock_was_set(db)) {
		db_rollback(db);
		return 0;
	}
	r = begin(db);
	if (r == 0)
		r = refresh_and_commit(db);
	if (r < 0) {
		db_rollback(db);
		if (r == -ENOSPC)
			db_make_room(db);
		r = replay(db);
		if (r == 0)
			r = refresh_and_commit(db);
	}
	if (r < 0) {
		db_rollback(db);
		db_lose_group(db);
	} else {
		db_find_group(db);
		db->stored_offset = wall_offset.us;
		db_bound_wal(db);
	}
	drop_group(db);
	return r;
}

unsigned int db_pending(const struct db *db)
{
	return db->pending;
}

/* Not by put(), which makes room where there is none. */
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

	db->busy = true; /* whoever is in the way is not waited for */
	r = begin(db);
	db->busy = false;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
		r = db_apply(db, append(db, (struct change){ .kind = rows[i].kind },
					rows[i].data, rows[i].size));
	db_rollback(db);
	drop_group(db);
	db->errors = errors;
}
