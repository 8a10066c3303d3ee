/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Pages whose stored record was asked for and could not be read. The caller counts such a
 * page from nothing, and must not write that over what is stored: here both are added up,
 * once the stored record can be read, and until then the page is not written.
 */

#include <errno.h>

#include "store/db_internal.h"

#define MOST 4096U /* failed reads: more are of a disk that is gone */

struct db_unread {
	uint64_t pfn;
	bool read;       /* what follows is known */
	uint64_t errors; /* that are stored, 0 if nothing is */
	bool acted;      /* something was done with the page: the rest of its state */
	uint8_t state;
	uint8_t reason;
	uint8_t result;
	uint8_t attempts;
	uint8_t tries;
	bool by_us;
	int64_t first_seen;
	int64_t not_before;
};

static struct db_unread *find(struct db *db, uint64_t pfn)
{
	for (unsigned int i = 0; i < db->n_unread; i++)
		if (db->unread[i].pfn == pfn)
			return &db->unread[i];
	return NULL;
}

void db_note_unread(struct db *db, uint64_t pfn)
{
	struct db_unread *entry = find(db, pfn), *more;

	if (entry) {
		entry->read = false; /* it has been written since */
		return;
	}
	more = db->n_unread < MOST
		       ? reallocarray(db->unread, db->n_unread + 1, sizeof(*more))
		       : NULL;
	if (!more) {
		db->unread_more = true;
		return;
	}
	db->unread = more;
	more[db->n_unread++] = (struct db_unread){ .pfn = pfn };
}

void db_forget_unread(struct db *db, uint64_t pfn)
{
	struct db_unread *entry = find(db, pfn);

	if (entry)
		*entry = db->unread[--db->n_unread];
}

uint64_t db_unread_page(const struct db *db, unsigned int i)
{
	return db->unread[i].pfn;
}

static int read_entry(struct db *db, struct db_unread *entry)
{
	const struct page_rec *rec;
	bool other_boot;
	int r = db_peek_page(db, pfn(entry->pfn), &rec, &other_boot);

	if (r == -ENOENT)
		*entry = (struct db_unread){ .pfn = entry->pfn, .read = true };
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	*entry = (struct db_unread){
		.pfn = entry->pfn,
		.read = true,
		.errors = rec->corrected_errors,
		.acted = rec->state != PAGE_WATCHED && !other_boot,
		.state = rec->state,
		.reason = rec->reason,
		.result = rec->result,
		.attempts = rec->attempts,
		.tries = rec->tries,
		.by_us = rec->by_us,
		.first_seen = rec->first_seen,
		.not_before = rec->not_before,
	};
	return 0;
}

int db_look_at_unread(struct db *db, uint64_t pfn)
{
	struct db_unread *entry = find(db, pfn);

	if (db->unread_more)
		return -EIO; /* it cannot be told which ones */
	return entry && !entry->read ? read_entry(db, entry) : 0;
}

void db_add_unread(struct db *db, struct page_rec *rec)
{
	const struct db_unread *entry = find(db, rec->pfn);

	if (!entry || !entry->read || entry->errors == 0)
		return;
	if (__builtin_add_overflow(rec->corrected_errors, entry->errors,
				   &rec->corrected_errors))
		rec->corrected_errors = UINT64_MAX;
	if (entry->first_seen < rec->first_seen)
		rec->first_seen = entry->first_seen;
	/* What was done since is newer; what was not done decides nothing. */
	if (!entry->acted || rec->state != PAGE_WATCHED)
		return;
	rec->state = entry->state & 7U;
	rec->reason = entry->reason & 15U;
	rec->result = entry->result & 63U;
	rec->attempts = entry->attempts & 63U;
	rec->tries = entry->tries & 63U;
	rec->by_us = entry->by_us;
	rec->not_before = entry->not_before;
}
