/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What one open database leaves to the next one at the same path, for a daemon that goes
 * on counting meanwhile: which stored pages the daemon does not know, under which numbers
 * its history stands, and what was lost.
 */

#include "store/db_internal.h"

struct db_heritage {
	struct db *of; /* closed but for what is kept */
};

struct db_heritage *db_close_for_next(struct db *db)
{
	struct db_heritage *h = calloc(1, sizeof(*h));
	struct db *kept = calloc(1, sizeof(*kept));
	struct db_missing missing;

	if (db && h && kept) {
		db_settle_lost(db, &missing);
		kept->ce_before = db->ce_before;
		kept->unread = TAKE_PTR(db->unread);
		kept->n_unread = db->n_unread;
		kept->unread_more = db->unread_more;
		kept->lost = db->lost;
		kept->missing = missing;
		db->n_unread = 0;
		h->of = TAKE_PTR(kept);
	}
	free(kept);
	db_close(db);
	if (h && !h->of) {
		free(h);
		h = NULL;
	}
	return h;
}

void db_heritage_note(struct db_heritage *h, pfn_t p)
{
	if (h)
		db_note_unread(h->of, p.n);
}

void db_inherit(struct db *db, struct db_heritage *h)
{
	if (!h)
		return;
	free(db->unread);
	db->unread = TAKE_PTR(h->of->unread);
	db->n_unread = h->of->n_unread;
	db->unread_more = h->of->unread_more;
	for (unsigned int i = 0; i < db->n_unread; i++)
		db_note_unread(db, db_unread_page(db, i)); /* of this file */
	db->ce_before = h->of->ce_before;
	db->lost = h->of->lost;
	db->missing = h->of->missing;
	db_heritage_free(h);
}

struct db_heritage *db_heritage_free(struct db_heritage *h)
{
	if (!h)
		return NULL;
	free(h->of->unread);
	free(h->of);
	free(h);
	return NULL;
}
