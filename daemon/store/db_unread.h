/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Pages whose stored record was asked for and could not be read. The caller counts such a
 * page from nothing, and must not write that over what is stored: here both are added up,
 * once the stored record can be read, and until then the page is not written.
 */

#include "base/units.h"
#include "ce_tracker.h"

struct db_unread {
	struct db_unread_page *pages;
	unsigned int n;
	bool overflowed; /* there are more, and nobody knows which */
};

/** The record of @pfn could not be read. */
void db_unread_note(struct db_unread *u, uint64_t pfn);

/** It could be read, or there is none, or it is of no interest any more. */
void db_unread_forget(struct db_unread *u, uint64_t pfn);

/** No record is known any more: the file is another one. */
void db_unread_restart(struct db_unread *u);

/**
 * Before @pfn is written. Returns 0: it may be, after db_unread_add(); 1: its record is
 * to be read first, for db_unread_found(); -EIO: it may not be.
 */
int db_unread_look(const struct db_unread *u, uint64_t pfn);

/** The record of @pfn, of another boot or not; NULL: there is none. */
void db_unread_found(struct db_unread *u, uint64_t pfn, const struct page_rec *rec,
		     bool other_boot);

/** Adds to @rec, which is about to be written, what is stored and was not known. */
void db_unread_add(const struct db_unread *u, struct page_rec *rec);

void db_unread_free(struct db_unread *u);
