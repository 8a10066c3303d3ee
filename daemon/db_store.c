/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writes rows, in groups. SQLite gives up a whole transaction when the disk is full in
 * the middle of it, so the changes of the open group are also kept in a log in memory:
 * after room was made they are done again, and one row that cannot be stored does not
 * take the others with it. It does not know what the rows mean.
 */

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "db_internal.h"

/* A thousand rows take some 300 KiB; a page with the largest threshold takes 16 KiB. */
#define LOG_SIZE (4U << 20)

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

/* Followed by its data, and padding to a multiple of 8. */
struct change {
	uint32_t kind;
	uint32_t size; /* with this header and the padding */
	int64_t index; /* CHANGE_DIMM, CHANGE_CELL, CHANGE_READER */
};

static int finish(struct db *db, struct db_bind *b)
{
	if (b->rc != SQLITE_OK)
		return db_fail(db, b->rc);
	return db_step(db, b->s);
}

static int64_t last_seen(const struct page_rec *rec)
{
	return rec->n_stamps ? rec->stamps[rec->n_stamps - 1] : rec->first_seen;
}

static int put_page(struct db *db, const struct page_rec *rec)
{
	_cleanup_(free_p) int64_t *stamps = NULL;
	struct db_bind b = { 0 };
	int size = (int)(rec->n_stamps * sizeof(*stamps));
	int r = db_stmt(db, STMT_PAGE_PUT, &b.s);

	if (r < 0)
		return r;
	stamps = malloc((size_t)size + 1);
	if (!stamps)
		return -ENOMEM;
	for (size_t i = 0; i < rec->n_stamps; i++)
		stamps[i] = (int64_t)htole64((uint64_t)rec->stamps[i]);

	db_bind_bits(&b, rec->pfn);
	db_bind_int(&b, db->boot);
	db_bind_int(&b, rec->dimm);
	db_bind_count(&b, rec->corrected_errors);
	db_bind_int(&b, rec->first_seen);
	db_bind_int(&b, last_seen(rec));
	db_bind_int(&b, rec->not_before);
	db_bind_text(&b, page_state_to_string((enum page_state)rec->state));
	db_bind_text(&b, reason_to_string((enum reason)rec->reason));
	db_bind_text(&b, result_to_string((enum result)rec->result));
	db_bind_int(&b, rec->attempts);
	db_bind_int(&b, rec->tries);
	db_bind_int(&b, rec->by_us);
	db_bind_rc(&b, sqlite3_bind_blob(b.s, ++b.i, stamps, size, SQLITE_STATIC));
	r = finish(db, &b);
	(void)sqlite3_clear_bindings(b.s); /* the stamps go */
	return r;
}

static int remove_page(struct db *db, const uint64_t *n)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_PAGE_REMOVE, &b.s);

	if (r < 0)
		return r;
	db_bind_bits(&b, *n);
	return finish(db, &b);
}

static int remove_dimm_pages(struct db *db, const uint64_t *index)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_DIMM_PAGES_REMOVE, &b.s);

	if (r < 0)
		return r;
	db_bind_bits(&b, *index);
	r = finish(db, &b);
	return r < 0 ? r : db_remove_dimm_cells(db, (int64_t)*index);
}

static int put_ce(struct db *db, const struct ce_row *row)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_CE_PUT, &b.s);

	if (r < 0)
		return r;
	if (row->id != 0)
		db_bind_bits(&b, db->ce_before + row->id);
	else
		db_bind_null(&b);
	db_bind_int(&b, db->boot);
	db_bind_int(&b, row->first);
	db_bind_int(&b, row->last);
	if (row->has_address)
		db_bind_bits(&b, row->address);
	else
		db_bind_null(&b);
	db_bind_count(&b, row->count);
	db_bind_int(&b, row->events);
	db_bind_int(&b, row->dimm);
	db_bind_int(&b, row->severity);
	db_bind_int(&b, row->grain_bits);
	db_bind_text(&b, result_to_string((enum result)row->unattributed));
	db_bind_int(&b, row->overflow);
	return finish(db, &b);
}

static int put_action(struct db *db, const struct action_row *row)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_ACTION_PUT, &b.s);

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
	return finish(db, &b);
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
	return finish(db, &b);
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
	r = finish(db, &b);
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
	return finish(db, &b);
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
	return finish(db, &b);
}

static int apply(struct db *db, const struct change *c)
{
	const void *data = c + 1;

	switch ((enum change_kind)c->kind) {
	case CHANGE_PAGE:
		return put_page(db, data);
	case CHANGE_REMOVE:
		return remove_page(db, data);
	case CHANGE_REMOVE_DIMM:
		return remove_dimm_pages(db, data);
	case CHANGE_CE:
		return put_ce(db, data);
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

/*
 * The group.
 */

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

		r = apply(db, c);
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
	r = finish(db, &b);
	return r < 0 ? r : db_run(db, STMT_COMMIT);
}

/* What was in the group before a row that cannot be stored. Ends the group: the next such
 * row need not do all of it again. */
static void save_rest(struct db *db)
{
	if (db->pending && (replay(db) < 0 || refresh_and_commit(db) < 0)) {
		db_rollback(db);
		db->lost += db->pending;
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
	/* a failure is counted there, and what follows is a new group */
	if (db->log_len + total > LOG_SIZE)
		(void)db_commit(db, db->now, db->wall_offset);
	return 0;
}

static int put(struct db *db, struct change head, const void *data, size_t size)
{
	size_t total = (sizeof(head) + size + 7) & ~(size_t)7;
	int r = reserve(db, total);

	if (r == 0) {
		size_t before = db->log_len;
		struct change *c = (void *)(db->log + before);

		head.size = (uint32_t)total;
		*c = head;
		memcpy(c + 1, data, size);
		db->log_len += total;
		r = begin(db);
		if (r == 0)
			r = apply(db, c);
		if (r < 0)
			r = retry(db, r, before);
	}
	if (r < 0)
		db->lost++;
	else
		db->pending++;
	return r;
}

int db_put_page(struct db *db, const struct page_rec *rec)
{
	return put(db, (struct change){ .kind = CHANGE_PAGE }, rec,
		   sizeof(*rec) + rec->n_stamps * sizeof(*rec->stamps));
}

int db_remove_page(struct db *db, pfn_t p)
{
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
		db->lost += db->pending;
	} else {
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
