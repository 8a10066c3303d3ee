/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Lists what is stored, in wall time and in the words that stand in the file. It does not
 * use the present boot, so it serves the daemon and the CLI without one alike.
 */

#include <errno.h>
#include <string.h>

#include "store/db_internal.h"

static int64_t wall(int64_t t, int64_t offset)
{
	return t == INT64_MIN ? t : usec_add(usec(t), usec(offset)).us;
}

static void list_bind_bounds(struct db_bind *b, const struct db_filter *f)
{
	db_bind_int(b, f->since);
	db_bind_int(b, f->until);
}

static void list_bind_pfn(struct db_bind *b, const struct db_filter *f)
{
	db_bind_int(b, f->has_pfn ? (int64_t)f->pfn : INT64_MIN);
	db_bind_int(b, f->has_pfn ? (int64_t)f->pfn : INT64_MAX);
}

/* SQLite takes a negative limit for none. */
static void list_bind_limit(struct db_bind *b, const struct db_filter *f)
{
	db_bind_int(b, f->limit ? (int64_t)f->limit : -1);
}

/* The row from column @first on; its times are moved to the wall clock. */
static void list_read(const struct db_table *t, sqlite3_stmt *s, int first, void *rec)
{
	struct db_row row = { .s = s, .i = first };
	struct db_shift shift = { .now = usec(INT64_MAX) };

	db_read_columns(&row, t, rec);
	shift.by = usec(db_col_int(&row));
	db_move_times(t, rec, &shift);
}

int db_list_pages(struct db *db, const struct db_filter *f, db_list_page_fn fn, void *u)
{
	struct db_bind b = { 0 };
	struct db_page page = { 0 };
	int r = db_stmt(db, STMT_REPORT_PAGES, &b.s);

	if (r < 0)
		return r;
	list_bind_bounds(&b, f);
	list_bind_pfn(&b, f);
	if (f->state)
		db_bind_text(&b, f->state);
	else
		db_bind_null(&b);
	list_bind_limit(&b, f);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	while ((r = db_step(db, b.s)) > 0) {
		list_read(&db_page_list, b.s, 0, &page);
		r = fn(u, &page);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(b.s);
	(void)sqlite3_clear_bindings(b.s); /* the caller may free f->state */
	return r;
}

int db_list_history(struct db *db, const struct db_filter *f, db_history_fn fn, void *u)
{
	struct db_bind b = { 0 };
	struct db_history history = { 0 };
	int r = db_stmt(db, STMT_REPORT_HISTORY, &b.s);

	if (r < 0)
		return r;
	list_bind_bounds(&b, f);
	list_bind_pfn(&b, f);
	list_bind_limit(&b, f);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	while ((r = db_step(db, b.s)) > 0) {
		list_read(&db_history_list, b.s, 1, &history);
		r = fn(u, &history);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(b.s);
	return r;
}

int db_list_ces(struct db *db, const struct db_filter *f, db_ce_fn fn, void *u)
{
	struct db_bind b = { 0 };
	struct db_ce ce = { 0 };
	int r = db_stmt(db, f->has_pfn ? STMT_REPORT_FRAME_CES : STMT_REPORT_CES, &b.s);

	if (r < 0)
		return r;
	list_bind_bounds(&b, f);
	list_bind_limit(&b, f);
	if (f->has_pfn) {
		/* A frame never lies across 2^63, so its addresses stay in order as
		 * signed numbers. */
		uint64_t first = pfn_to_paddr(pfn(f->pfn), f->page_shift).addr;

		db_bind_bits(&b, first);
		db_bind_bits(&b, first + ((UINT64_C(1) << f->page_shift) - 1));
	}
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	while ((r = db_step(db, b.s)) > 0) {
		list_read(&db_ce_list, b.s, 1, &ce);
		r = fn(u, &ce);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(b.s);
	return r;
}

/* A walk from the newest row down. */
struct browse {
	sqlite3_stmt *s;
	uint32_t rows;   /* still to be looked at */
	uint32_t handed; /* rows that went to the callback */
	uint64_t next;   /* id of the last row: the next part begins below it */
};

static int browse_begin(struct db *db, enum stmt id, uint32_t rows, uint64_t cursor,
			struct browse *ret)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, id, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, cursor && cursor < INT64_MAX ? (int64_t)cursor : INT64_MAX);
	db_bind_int(&b, rows);
	*ret = (struct browse){ .s = b.s, .rows = rows };
	return b.rc == SQLITE_OK ? 0 : db_fail(db, b.rc);
}

/* Returns 1 with the next row's id in @walk; 0 at the end of this part; negative errno.
 */
static int browse_next(struct db *db, struct browse *walk, const struct db_filter *f)
{
	int r;

	if (walk->rows == 0 || (f->limit && walk->handed == f->limit))
		return 0;
	r = db_step(db, walk->s);
	if (r > 0)
		walk->next = (uint64_t)sqlite3_column_int64(walk->s, 0);
	else
		walk->next = 0;
	walk->rows--;
	return r;
}

static void browse_end(struct browse *walk, int r, uint64_t *cursor)
{
	(void)sqlite3_reset(walk->s);
	if (r == 0)
		*cursor = walk->next;
}

int db_browse_history(struct db *db, const struct db_filter *f, uint32_t rows,
		      uint64_t *cursor, db_history_fn fn, void *u)
{
	struct db_history history = { 0 };
	struct browse walk = { 0 };
	int r = browse_begin(db, STMT_BROWSE_HISTORY, rows, *cursor, &walk);

	if (r < 0)
		return r;
	while ((r = browse_next(db, &walk, f)) > 0) {
		list_read(&db_history_list, walk.s, 1, &history);
		if (history.time < f->since || history.time > f->until ||
		    (f->has_pfn && history.pfn != f->pfn))
			continue;
		walk.handed++;
		r = fn(u, &history);
		if (r != 0)
			break;
	}
	browse_end(&walk, r, cursor);
	return r;
}

int db_browse_ces(struct db *db, const struct db_filter *f, uint32_t rows,
		  uint64_t *cursor, db_ce_fn fn, void *u)
{
	struct browse walk = { 0 };
	struct db_ce ce = { 0 };
	int r;

	if (f->has_pfn) {
		*cursor = 0;
		return db_list_ces(db, f, fn, u);
	}
	r = browse_begin(db, STMT_BROWSE_CES, rows, *cursor, &walk);
	if (r < 0)
		return r;
	while ((r = browse_next(db, &walk, f)) > 0) {
		list_read(&db_ce_list, walk.s, 1, &ce);
		if (ce.last < f->since || ce.first > f->until)
			continue;
		walk.handed++;
		r = fn(u, &ce);
		if (r != 0)
			break;
	}
	browse_end(&walk, r, cursor);
	return r;
}

static int list_count_pages(struct db *db, struct db_summary *sum)
{
	sqlite3_stmt *s;
	int r = db_stmt(db, STMT_COUNT_PAGES, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		struct db_row row = { .s = s };
		enum page_state state = PAGE_WATCHED;
		int64_t n;

		(void)page_state_from_string(db_col_text(&row), &state);
		n = db_col_int(&row);
		sum->pages[state] += n < 0            ? 0
				     : n > UINT32_MAX ? UINT32_MAX
						      : (uint32_t)n;
	}
	return r;
}

/* The totals with their times moved from the clock of the present boot to wall time. */
static int list_wall_totals(struct db *db, struct totals *t)
{
	int r = db_get_totals(db, t);

	if (r == -ENOENT) {
		*t = (struct totals){ .last_event = INT64_MIN,
				      .last_offline = INT64_MIN };
		return 0;
	}
	if (r < 0)
		return r;
	t->last_event = wall(t->last_event, db->wall_offset.us);
	t->last_offline = wall(t->last_offline, db->wall_offset.us);
	t->bucket_time = wall(t->bucket_time, db->wall_offset.us);
	return 0;
}

int db_get_summary(struct db *db, struct db_summary *ret)
{
	struct db_summary sum = { .poisoned_kib = -1, .last_commit = INT64_MIN };
	sqlite3_stmt *s;
	int r;

	r = list_wall_totals(db, &sum.totals);
	if (r == 0)
		r = list_count_pages(db, &sum);
	if (r == 0)
		r = db_stmt(db, STMT_LAST_POISON, &s);
	if (r == 0)
		r = db_step(db, s);
	if (r > 0) {
		sum.poisoned_kib = sqlite3_column_int64(s, 0);
		r = sqlite3_reset(s);
	}
	if (r == 0)
		r = db_stmt(db, STMT_LAST_COMMIT, &s);
	if (r == 0)
		r = db_step(db, s);
	if (r > 0) {
		sum.last_commit =
			wall(sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1));
		r = sqlite3_reset(s);
	}
	if (r < 0)
		return r;
	*ret = sum;
	return 0;
}
