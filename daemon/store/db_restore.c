/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads back what a daemon starts from, with times on the clock of the present boot. It
 * trusts no value in the file: every number is held within what its field can mean, an
 * unknown word becomes the harmless one.
 *
 * All times of a row are moved by the same amount, so that its events keep their
 * distances: if the wall clock stood wrong, events that lay days apart must not fall into
 * one window.
 */

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "store/db_internal.h"

/* The largest value of a bit field is all ones. */
#define MAX_BITS(n) ((1 << (n)) - 1)

usec_t db_shift_of(const struct db *db, int64_t boot, usec_t offset, usec_t latest)
{
	usec_t shift;

	if (boot == db->boot)
		return usec(0);
	shift = usec_sub(offset, db->wall_offset);
	if (usec_add(latest, shift).us > db->now.us)
		shift = usec_sub(db->now, latest);
	return shift;
}

/* INT64_MIN says "never" and stays. */
static int64_t moved(int64_t t, usec_t shift)
{
	return t == INT64_MIN ? t : usec_add(usec(t), shift).us;
}

static void read_stamps(struct db_row *row, struct page_rec *rec)
{
	const uint8_t *blob = sqlite3_column_blob(row->s, row->i);
	size_t n = (size_t)sqlite3_column_bytes(row->s, row->i) / sizeof(int64_t);
	uint64_t v;

	row->i++;
	if (n > UINT16_MAX) {
		blob += (n - UINT16_MAX) * sizeof(v);
		n = UINT16_MAX;
	}
	rec->n_stamps = (uint16_t)n;
	for (size_t i = 0; i < n; i++) {
		int64_t t;

		memcpy(&v, blob + i * sizeof(v), sizeof(v));
		t = (int64_t)le64toh(v);
		/* ascending is what the tracker builds on */
		rec->stamps[i] = i && t < rec->stamps[i - 1] ? rec->stamps[i - 1] : t;
	}
}

static uint16_t col_dimm(struct db_row *row)
{
	int64_t dimm = db_col_int(row);

	return dimm < 0 || dimm >= MAX_DIMMS ? DIMM_OTHER : (uint16_t)dimm;
}

static void move_page(struct page_rec *rec, const struct db *db, usec_t shift)
{
	rec->first_seen = moved(rec->first_seen, shift);
	for (size_t i = 0; i < rec->n_stamps; i++)
		rec->stamps[i] = moved(rec->stamps[i], shift);
	if (rec->not_before != USEC_NEVER)
		rec->not_before = moved(rec->not_before, shift);
	if (rec->not_before != USEC_NEVER && rec->not_before > db->now.us)
		rec->not_before = db->now.us;
}

/* Reads the row into db->page. */
static void read_page(struct db *db, sqlite3_stmt *s, bool *ret_other_boot)
{
	struct db_row row = { s, 0 };
	struct page_rec *rec = db->page;
	int64_t boot, latest;
	usec_t offset;

	*rec = (struct page_rec){ 0 };
	rec->pfn = db_col_bits(&row);
	boot = db_col_int(&row);
	offset = usec(db_col_int(&row));
	rec->dimm = col_dimm(&row);
	rec->corrected_errors = db_col_count(&row);
	rec->first_seen = db_col_int(&row);
	rec->not_before = db_col_int(&row);
	rec->state = (unsigned int)db_col_page_state(&row) & MAX_BITS(4);
	rec->reason = (unsigned int)db_col_reason(&row) & MAX_BITS(4);
	rec->result = (unsigned int)db_col_result(&row) & MAX_BITS(6);
	rec->attempts = (unsigned int)db_col_range(&row, 0, MAX_BITS(6)) & MAX_BITS(6);
	rec->tries = (unsigned int)db_col_range(&row, 0, MAX_BITS(6)) & MAX_BITS(6);
	rec->by_us = db_col_int(&row) != 0 && boot == db->boot;
	read_stamps(&row, rec);

	*ret_other_boot = boot != db->boot;
	latest = rec->n_stamps ? rec->stamps[rec->n_stamps - 1] : rec->first_seen;
	if (latest < rec->first_seen)
		latest = rec->first_seen;
	if (*ret_other_boot)
		move_page(rec, db, db_shift_of(db, boot, offset, usec(latest)));
}

/* The statement @id with @limit bound. Returns 0 or negative errno. */
static int limited(struct db *db, enum stmt id, uint32_t limit, sqlite3_stmt **ret)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, id, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, limit);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	*ret = b.s;
	return 0;
}

int db_each_page(struct db *db, uint32_t limit, db_page_fn fn, void *userdata,
		 bool *ret_more)
{
	bool other_boot;
	sqlite3_stmt *s;
	int r = limited(db, STMT_PAGES, limit, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		read_page(db, s, &other_boot);
		r = fn(userdata, db->page, other_boot);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(s);
	if (r == 0)
		r = limited(db, STMT_PAGES_MORE, limit, &s);
	if (r != 0)
		return r;
	r = db_step(db, s);
	(void)sqlite3_reset(s);
	if (r < 0)
		return r;
	*ret_more = r > 0;
	return 0;
}

int db_peek_page(struct db *db, pfn_t p, const struct page_rec **ret,
		 bool *ret_other_boot)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_PAGE, &b.s);

	if (r < 0)
		return r;
	db_bind_bits(&b, p.n);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	r = db_step(db, b.s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	read_page(db, b.s, ret_other_boot);
	(void)sqlite3_reset(b.s);
	*ret = db->page;
	return 0;
}

int db_get_page(struct db *db, pfn_t p, const struct page_rec **ret, bool *ret_other_boot)
{
	int r = db_peek_page(db, p, ret, ret_other_boot);

	if (r < 0 && r != -ENOENT)
		db_note_unread(db, p.n);
	else
		db_forget_unread(db, p.n); /* the caller knows what is stored */
	return r;
}

static int read_dimm(struct db *db, sqlite3_stmt *s, int64_t *ret_index,
		     struct dimm_rec *rec)
{
	struct db_row row = { s, 0 };
	int64_t boot;
	usec_t offset, shift;
	int r;

	*ret_index = db_col_int(&row);
	boot = db_col_int(&row);
	offset = usec(db_col_int(&row));
	*rec = (struct dimm_rec){ 0 };
	db_col_copy(&row, rec->label, sizeof(rec->label));
	rec->mc = (uint8_t)db_col_range(&row, 0, UINT8_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(rec->layer); i++)
		rec->layer[i] = (int8_t)db_col_range(&row, -1, INT8_MAX);
	rec->overflow = db_col_int(&row) != 0;
	rec->corrected_errors = db_col_count(&row);
	rec->uncorrected_errors = db_col_count(&row);
	rec->unattributed = db_col_count(&row);
	rec->pages = (uint32_t)db_col_range(&row, 0, UINT32_MAX);
	rec->offlined = (uint32_t)db_col_range(&row, 0, UINT32_MAX);
	rec->first_seen = db_col_int(&row);
	rec->last_seen = db_col_int(&row);

	shift = db_shift_of(db, boot, offset,
			    usec_max(usec(rec->first_seen), usec(rec->last_seen)));
	rec->first_seen = moved(rec->first_seen, shift);
	rec->last_seen = moved(rec->last_seen, shift);
	r = db_read_fault(db, *ret_index, rec);
	rec->fault.since = moved(rec->fault.since, shift);
	/* Of the present boot, says its declaration; who only reads does not know it. */
	if (db->boot && boot != db->boot)
		rec->offlined = 0;
	return r;
}

int db_each_dimm(struct db *db, db_dimm_fn fn, void *userdata)
{
	sqlite3_stmt *s;
	struct dimm_rec rec;
	int64_t index;
	int r = db_stmt(db, STMT_DIMMS, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		r = read_dimm(db, s, &index, &rec);
		if (r < 0)
			break;
		if (index < 0 || index >= MAX_DIMMS)
			continue;
		r = fn(userdata, (uint16_t)index, &rec);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(s);
	return r;
}

static void read_action(sqlite3_stmt *s, struct action_row *a)
{
	struct db_row row = { s, 0 };
	const char *outcome;

	a->id = db_col_bits(&row);
	a->time = db_col_int(&row);
	a->pfn = db_col_bits(&row);
	a->action = db_col_action(&row);
	a->reason = db_col_reason(&row);
	a->result = db_col_result(&row);
	a->page_type = db_col_frame_kind(&row);
	a->error = (int32_t)db_col_range(&row, INT32_MIN, INT32_MAX);
	a->duration_usec = db_col_int(&row);
	a->poisoned_before_kib = db_col_int(&row);
	a->poisoned_after_kib = db_col_int(&row);
	a->dimm = col_dimm(&row);
	outcome = db_col_text(&row);
	a->outcome = soft_outcome_from_word(outcome, strlen(outcome));
}

int db_each_intent(struct db *db, db_action_fn fn, void *userdata)
{
	struct db_bind b = { 0 };
	struct action_row action;
	int r = db_stmt(db, STMT_INTENTS, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, db->boot);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	while ((r = db_step(db, b.s)) > 0) {
		read_action(b.s, &action);
		r = fn(userdata, &action);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(b.s);
	return r;
}

int db_each_reader(struct db *db, db_reader_fn fn, void *userdata)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_READERS, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, db->boot);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	while ((r = db_step(db, b.s)) > 0) {
		struct db_row row = { b.s, 0 };
		uint16_t cpu = (uint16_t)db_col_range(&row, 0, UINT16_MAX);

		r = fn(userdata, cpu, db_col_count(&row));
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(b.s);
	return r;
}

static void set_total(struct totals *t, const struct db_total *field, int64_t v)
{
	if (field->kind == DB_TOTAL_COUNT && v < 0)
		v = 0;
	memcpy((char *)t + field->offset, &v, sizeof(v));
}

/* False if the key is not one of these. */
static bool read_attempts(struct totals *t, const char *key, int64_t v)
{
	size_t n = strlen(DB_TOTALS_ATTEMPTS);
	enum result result;

	if (strncmp(key, DB_TOTALS_ATTEMPTS, n) != 0 ||
	    result_from_string(key + n, &result) < 0)
		return false;
	t->attempts[result] = v < 0 ? 0 : (uint64_t)v;
	return true;
}

static void read_total(const struct db *db, sqlite3_stmt *s, struct totals *t)
{
	struct db_row row = { s, 0 };
	const char *key = db_col_text(&row);
	int64_t v = db_col_int(&row);
	int64_t boot = db_col_int(&row);
	usec_t offset = usec(db_col_int(&row));

	if (read_attempts(t, key, v))
		return;
	for (size_t i = 0; i < db_totals_n; i++) {
		const struct db_total *field = &db_totals[i];

		if (strcmp(field->key, key) != 0)
			continue;
		if (field->kind == DB_TOTAL_TIME)
			v = moved(v, db_shift_of(db, boot, offset, usec(v)));
		set_total(t, field, v);
	}
}

int db_get_totals(struct db *db, struct totals *ret)
{
	struct totals t = {
		.last_event = INT64_MIN,
		.last_offline = INT64_MIN,
	};
	unsigned int n = 0;
	sqlite3_stmt *s;
	int r = db_stmt(db, STMT_TOTALS, &s);

	if (r < 0)
		return r;
	for (; (r = db_step(db, s)) > 0; n++)
		read_total(db, s, &t);
	if (r < 0)
		return r;
	if (n == 0)
		return -ENOENT;
	*ret = t;
	return 0;
}
