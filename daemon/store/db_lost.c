/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What could not be stored, each row once, until it is stored after all: the daemon keeps
 * most of what it knows and gives it again when the database works again. What DIMMs,
 * cells and totals hold is always given again and never lost.
 */

#include <errno.h>

#include "store/db_internal.h"

#define SLOTS 65536U /* a power of two; a full disk for days fails more */

struct lost_row {
	uint64_t key;    /* id, or page */
	uint64_t errors; /* rows of the history: what the row counts */
	uint32_t kind;   /* enum change_kind + 1; 0: free */
};

struct db_lost {
	unsigned int n;
	struct lost_row rows[SLOTS];
};

int db_lost_new(struct db *db)
{
	/* what is never used is never touched, and so takes no memory */
	db->failed = calloc(1, sizeof(*db->failed));
	return db->failed ? 0 : -ENOMEM;
}

static _wraps_ uint32_t slot_of(uint32_t kind, uint64_t key)
{
	return (uint32_t)((key * 16 + kind) * UINT64_C(0x9e3779b97f4a7c15) >> 48) % SLOTS;
}

/* What is lost if the change is; false if it is given again, or takes something away. */
static bool describe(enum change_kind kind, const void *data, struct lost_row *ret)
{
	*ret = (struct lost_row){ .kind = (uint32_t)kind + 1 };
	switch (kind) {
	case CHANGE_CE:
		ret->key = ((const struct ce_row *)data)->id;
		ret->errors = ((const struct ce_row *)data)->count;
		return true;
	case CHANGE_ACTION:
		ret->key = ((const struct action_row *)data)->id;
		return true;
	case CHANGE_PAGE:
		ret->key = ((const struct page_rec *)data)->pfn;
		return true;
	case CHANGE_POISON:
		return true;
	case CHANGE_REMOVE:
	case CHANGE_REMOVE_DIMM:
	case CHANGE_DIMM:
	case CHANGE_CELL:
	case CHANGE_TOTALS:
	case CHANGE_SPENT:
	case CHANGE_READER:
		break;
	}
	return false;
}

static bool is_given_once(const struct lost_row *row)
{
	return row->kind == CHANGE_POISON + 1 ||
	       (row->kind == CHANGE_CE + 1 && row->key == 0);
}

static struct lost_row *find(struct db_lost *l, uint32_t kind, uint64_t key)
{
	uint32_t at = slot_of(kind, key);

	while (l->rows[at].kind && (l->rows[at].kind != kind || l->rows[at].key != key))
		at = (at + 1) % SLOTS;
	return &l->rows[at];
}

static void lose(struct db *db, uint64_t rows, uint64_t errors)
{
	db->lost += rows;
	db->missing.rows += rows;
	db->missing.errors += errors;
}

/* Of a row of the history that grew after it was stored only the rest is missing. */
static uint64_t stored_errors(struct db *db, uint64_t id)
{
	char sql[96];
	int64_t n = 0;

	snprintf(sql, sizeof(sql), "SELECT count FROM ce WHERE id = %lld",
		 (long long)(db->ce_before + id));
	return db_read_int(db, sql, &n) < 0 || n < 0 ? 0 : (uint64_t)n;
}

static void settle(struct db *db)
{
	for (uint32_t i = 0; db->failed->n > 0 && i < SLOTS; i++) {
		struct lost_row *row = &db->failed->rows[i];
		uint64_t stored;

		if (!row->kind)
			continue;
		stored = row->kind == CHANGE_CE + 1 ? stored_errors(db, row->key) : 0;
		lose(db, stored == 0, row->errors > stored ? row->errors - stored : 0);
		row->kind = 0;
		db->failed->n--;
	}
}

static void add(struct db *db, const struct lost_row *row)
{
	struct lost_row *known;

	if (is_given_once(row)) {
		lose(db, 1, row->errors);
		return;
	}
	if (db->failed->n >= SLOTS / 2) {
		db->missing.at_most = true;
		settle(db);
	}
	known = find(db->failed, row->kind, row->key);
	db->failed->n += known->kind == 0;
	*known = *row;
}

/* Those behind it in the row of full slots move up. */
static _wraps_ void take_out(struct db_lost *l, struct lost_row *row)
{
	uint32_t hole = (uint32_t)(row - l->rows);
	uint32_t at = hole;

	l->n--;
	for (;;) {
		uint32_t home;

		l->rows[hole].kind = 0;
		do {
			at = (at + 1) % SLOTS;
			if (!l->rows[at].kind)
				return;
			home = slot_of(l->rows[at].kind, l->rows[at].key);
		} while ((at - home) % SLOTS < (at - hole) % SLOTS);
		l->rows[hole] = l->rows[at];
		hole = at;
	}
}

void db_lose(struct db *db, enum change_kind kind, const void *data)
{
	struct lost_row row;

	if (db->failed && describe(kind, data, &row)) /* who only reads loses nothing */
		add(db, &row);
}

void db_lose_group(struct db *db)
{
	for (size_t at = 0; at < db->log_len;) {
		const struct change *c = (const void *)(db->log + at);

		db_lose(db, c->kind, db_change_data(c));
		at += c->size;
	}
}

void db_find_group(struct db *db)
{
	for (size_t at = 0; db->failed->n > 0 && at < db->log_len;) {
		const struct change *c = (const void *)(db->log + at);
		struct lost_row row, *known;

		at += c->size;
		if (!describe(c->kind, db_change_data(c), &row) || is_given_once(&row))
			continue;
		known = find(db->failed, row.kind, row.key);
		if (known->kind)
			take_out(db->failed, known);
	}
}

void db_settle_lost(struct db *db, struct db_missing *ret)
{
	settle(db);
	*ret = db->missing;
	db->missing = (struct db_missing){ 0 };
}

uint64_t db_lost_rows(const struct db *db)
{
	return db->lost + (db->failed ? db->failed->n : 0);
}

uint64_t db_missing_rows(const struct db *db)
{
	return db->lost;
}
