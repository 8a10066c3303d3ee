/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From a change in the group's log to the rows that it means: which statement, and what
 * stands in its columns. It knows neither groups nor what becomes of a failure.
 */

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "store/db_internal.h"

void db_make_page(struct page_rec *rec)
{
	for (size_t i = 0; i < rec->n_stamps; i++)
		rec->stamps[i] = (int64_t)htole64((uint64_t)rec->stamps[i]);
}

static int64_t last_seen(const struct page_rec *rec)
{
	return rec->n_stamps ? (int64_t)le64toh((uint64_t)rec->stamps[rec->n_stamps - 1])
			     : rec->first_seen;
}

static void bind_page(const struct db *db, struct db_bind *b, const struct page_rec *rec)
{
	db_bind_bits(b, rec->pfn);
	db_bind_int(b, db->boot);
	db_bind_int(b, rec->dimm);
	db_bind_count(b, rec->corrected_errors);
	db_bind_int(b, rec->first_seen);
	db_bind_int(b, last_seen(rec));
	db_bind_int(b, rec->not_before);
	db_bind_text(b, page_state_to_string((enum page_state)rec->state));
	db_bind_text(b, reason_to_string((enum reason)rec->reason));
	db_bind_text(b, result_to_string((enum result)rec->result));
	db_bind_int(b, rec->attempts);
	db_bind_int(b, rec->tries);
	db_bind_int(b, rec->by_us);
	db_bind_rc(b, sqlite3_bind_blob(b->s, ++b->i, rec->stamps,
					(int)(rec->n_stamps * sizeof(*rec->stamps)),
					SQLITE_STATIC));
}

static int remove_page(struct db *db, const uint64_t *n)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_PAGE_REMOVE, &b.s);

	if (r < 0)
		return r;
	db_bind_bits(&b, *n);
	return db_finish(db, &b);
}

static int remove_dimm_pages(struct db *db, const uint64_t *index)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_DIMM_PAGES_REMOVE, &b.s);

	if (r < 0)
		return r;
	db_bind_bits(&b, *index);
	r = db_finish(db, &b);
	return r < 0 ? r : db_remove_dimm_cells(db, (int64_t)*index);
}

static void bind_ce(const struct db *db, struct db_bind *b, const struct ce_row *row)
{
	if (row->id != 0)
		db_bind_bits(b, db->ce_before + row->id);
	else
		db_bind_null(b);
	db_bind_int(b, db->boot);
	db_bind_int(b, row->first);
	db_bind_int(b, row->last);
	if (row->has_address)
		db_bind_bits(b, row->address);
	else
		db_bind_null(b);
	db_bind_count(b, row->count);
	db_bind_int(b, row->events);
	db_bind_int(b, row->dimm);
	db_bind_int(b, row->severity);
	db_bind_int(b, row->grain_bits);
	db_bind_text(b, result_to_string((enum result)row->unattributed));
	db_bind_int(b, row->overflow);
}

/* @n changes that follow one another in the log, in one statement that takes so many. */
static int put_rows(struct db *db, enum stmt id, const struct change *c, unsigned int n)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, id, &b.s);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < n; i++) {
		if (c->kind == CHANGE_PAGE)
			bind_page(db, &b, db_change_data(c));
		else
			bind_ce(db, &b, db_change_data(c));
		c = db_next_change(c);
	}
	return db_finish(db, &b);
}

int db_apply_several(struct db *db, const struct change *c)
{
	return put_rows(db, c->kind == CHANGE_PAGE ? STMT_PAGES_PUT : STMT_CES_PUT, c,
			DB_ROWS_AT_ONCE);
}

static int write_action(struct db *db, enum stmt id, const struct action_row *row)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, id, &b.s);

	if (r < 0)
		return r;
	db_bind_bits(&b, row->id);
	db_bind_int(&b, db->boot);
	db_bind_int(&b, row->time);
	db_bind_bits(&b, row->pfn);
	db_bind_text(&b, action_to_string(row->action));
	db_bind_text(&b, reason_to_string(row->reason));
	db_bind_text(&b, result_to_string(row->result));
	db_bind_text(&b, frame_kind_to_string(row->page_type));
	db_bind_int(&b, row->error);
	db_bind_int(&b, row->duration_usec);
	db_bind_int(&b, row->poisoned_before_kib);
	db_bind_int(&b, row->poisoned_after_kib);
	db_bind_int(&b, row->dimm);
	if (row->outcome == SOFT_UNKNOWN)
		db_bind_null(&b);
	else
		db_bind_text(&b, soft_outcome_to_string(row->outcome));
	return db_finish(db, &b);
}

static int put_action(struct db *db, const struct action_row *row)
{
	int r = write_action(db, STMT_ACTION_PUT, row);

	/* The id was another frame's: after a kill that forgot it was used. */
	if (r == 0 && sqlite3_changes(db->handle) == 0)
		r = write_action(db, STMT_ACTION_REPLACE, row);
	return r;
}

static int put_poison(struct db *db, const struct poison_row *row)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_POISON_PUT, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, db->boot);
	db_bind_int(&b, row->time);
	db_bind_int(&b, row->kib);
	db_bind_int(&b, row->delta_kib);
	db_bind_text(&b, poison_cause_to_string(row->cause));
	if (row->pfn != 0)
		db_bind_bits(&b, row->pfn);
	else
		db_bind_null(&b);
	return db_finish(db, &b);
}

static int put_dimm(struct db *db, int64_t index, const struct dimm_rec *rec)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_DIMM_PUT, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, index);
	db_bind_int(&b, db->boot);
	db_bind_text(&b, rec->label);
	db_bind_int(&b, rec->mc);
	db_bind_int(&b, rec->layer[0]);
	db_bind_int(&b, rec->layer[1]);
	db_bind_int(&b, rec->layer[2]);
	db_bind_int(&b, rec->overflow);
	db_bind_count(&b, rec->corrected_errors);
	db_bind_count(&b, rec->uncorrected_errors);
	db_bind_count(&b, rec->unattributed);
	db_bind_int(&b, rec->pages);
	db_bind_int(&b, rec->offlined);
	db_bind_int(&b, rec->first_seen);
	db_bind_int(&b, rec->last_seen);
	r = db_finish(db, &b);
	return r < 0 ? r : db_store_fault(db, index, rec);
}

static int put_total(struct db *db, const char *key, int64_t value)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_TOTAL_PUT, &b.s);

	if (r < 0)
		return r;
	db_bind_text(&b, key);
	db_bind_int(&b, value);
	return db_finish(db, &b);
}

static int64_t total_value(const struct totals *t, const struct db_total *field)
{
	uint64_t v;

	memcpy(&v, (const char *)t + field->offset, sizeof(v));
	if (field->kind == DB_TOTAL_COUNT && v > INT64_MAX)
		return INT64_MAX;
	return (int64_t)v;
}

/* Writes the fields of one sort that differ from what is stored. */
static int put_fields(struct db *db, const struct totals *t, bool spent)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < db_totals_n; i++) {
		const struct db_total *field = &db_totals[i];
		int64_t value = total_value(t, field);

		if (field->spent != spent ||
		    (db->totals_known && value == total_value(&db->totals, field)))
			continue;
		r = put_total(db, field->key, value);
	}
	return r;
}

static int put_attempts(struct db *db, const struct totals *t)
{
	char key[48];
	int r = 0;

	for (size_t i = 0; r == 0 && i < RESULT_MAX_; i++) {
		uint64_t n = t->attempts[i];

		if (db->totals_known && n == db->totals.attempts[i])
			continue;
		snprintf(key, sizeof(key), DB_TOTALS_ATTEMPTS "%s",
			 result_to_string((enum result)i));
		r = put_total(db, key, n > INT64_MAX ? INT64_MAX : (int64_t)n);
	}
	return r;
}

/* In a storm of refusals this is called once for each: only what changed is written. */
static int put_spent(struct db *db, const struct totals *t)
{
	int r = put_fields(db, t, true);

	if (r == 0)
		r = put_attempts(db, t);
	if (r == 0)
		totals_spend(&db->totals, t);
	else
		db->totals_known = false;
	return r;
}

static int put_totals(struct db *db, const struct totals *t)
{
	int r = put_total(db, DB_TOTALS_BOOT, db->boot);

	if (r == 0)
		r = put_fields(db, t, false);
	if (r == 0)
		r = put_spent(db, t);
	if (r == 0)
		db->totals = *t;
	db->totals_known = r == 0;
	return r;
}

static int put_reader(struct db *db, int64_t cpu, const uint64_t *read)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_READER_PUT, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, cpu);
	db_bind_int(&b, db->boot);
	db_bind_count(&b, *read);
	return db_finish(db, &b);
}

int db_apply(struct db *db, const struct change *c)
{
	const void *data = db_change_data(c);

	switch ((enum change_kind)c->kind) {
	case CHANGE_PAGE:
		return put_rows(db, STMT_PAGE_PUT, c, 1);
	case CHANGE_REMOVE:
		return remove_page(db, data);
	case CHANGE_REMOVE_DIMM:
		return remove_dimm_pages(db, data);
	case CHANGE_CE:
		return put_rows(db, STMT_CE_PUT, c, 1);
	case CHANGE_ACTION:
		return put_action(db, data);
	case CHANGE_POISON:
		return put_poison(db, data);
	case CHANGE_DIMM:
		return put_dimm(db, c->index, data);
	case CHANGE_CELL:
		return db_store_cell(db, c->index, data);
	case CHANGE_TOTALS:
		return put_totals(db, data);
	case CHANGE_SPENT:
		return put_spent(db, data);
	case CHANGE_READER:
		return put_reader(db, c->index, data);
	}
	return -EINVAL;
}
