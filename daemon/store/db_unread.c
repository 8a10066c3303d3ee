/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A short list of pages, and what is stored of those that could be read since. It reads
 * nothing itself.
 */

#include "store/db_unread.h"

#include <errno.h>

#include "base/mem.h"

#define PAGES_MAX 4096U /* failed reads: more are of a disk that is gone */

struct db_unread_page {
	uint64_t pfn;
	bool read;           /* what follows is known */
	bool acted;          /* something was done with the page in the present boot */
	struct page_rec rec; /* as it is stored, without stamps; no errors: none is */
};

static struct db_unread_page *unread_find(const struct db_unread *u, uint64_t pfn)
{
	for (unsigned int i = 0; i < u->n; i++)
		if (u->pages[i].pfn == pfn)
			return &u->pages[i];
	return NULL;
}

void db_unread_note(struct db_unread *u, uint64_t pfn)
{
	struct db_unread_page *page = unread_find(u, pfn), *more;

	if (page) {
		page->read = false; /* it has been written since */
		return;
	}
	more = u->n < PAGES_MAX ? reallocarray(u->pages, u->n + 1, sizeof(*more)) : NULL;
	if (!more) {
		u->overflowed = true;
		return;
	}
	u->pages = more;
	more[u->n].pfn = pfn;
	more[u->n++].read = false;
}

void db_unread_forget(struct db_unread *u, uint64_t pfn)
{
	struct db_unread_page *page = unread_find(u, pfn);

	if (page)
		*page = u->pages[--u->n];
}

void db_unread_restart(struct db_unread *u)
{
	for (unsigned int i = 0; i < u->n; i++)
		u->pages[i].read = false;
}

int db_unread_look(const struct db_unread *u, uint64_t pfn)
{
	const struct db_unread_page *page = unread_find(u, pfn);

	if (u->overflowed)
		return -EIO;
	return page && !page->read;
}

void db_unread_found(struct db_unread *u, uint64_t pfn, const struct page_rec *rec,
		     bool other_boot)
{
	struct db_unread_page *page = unread_find(u, pfn);

	if (!page)
		return;
	page->read = true;
	page->rec = rec ? *rec : (struct page_rec){ 0 };
	page->acted = rec && rec->state != PAGE_WATCHED && !other_boot;
}

void db_unread_add(const struct db_unread *u, struct page_rec *rec)
{
	const struct db_unread_page *page = unread_find(u, rec->pfn);
	const struct page_rec *stored = page ? &page->rec : NULL;

	if (!page || !page->read || stored->corrected_errors == 0)
		return;
	if (__builtin_add_overflow(rec->corrected_errors, stored->corrected_errors,
				   &rec->corrected_errors))
		rec->corrected_errors = UINT64_MAX;
	if (stored->first_seen < rec->first_seen)
		rec->first_seen = stored->first_seen;
	/* What was done since is newer; a page that is only watched decides nothing. */
	if (!page->acted || rec->state != PAGE_WATCHED)
		return;
	page_rec_copy_decision(rec, stored);
	rec->not_before = stored->not_before;
}

void db_unread_free(struct db_unread *u)
{
	free(u->pages);
	*u = (struct db_unread){ 0 };
}
