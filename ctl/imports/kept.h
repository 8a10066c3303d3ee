/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What was imported: a table in a file of its own next to the database, which softofflinectl
 * alone reads and writes. The daemon never opens it.
 */

#include "imports/history.h"

#define KEPT_SUFFIX   ".imported"
#define KEPT_ROWS_MAX 1000000

struct kept_row {
	struct history_row row;
	char *texts;  /* owned; those of @row */
	size_t place; /* in the file */
	size_t skip;  /* of a matched row: no row before this one is not */
	bool matched;
};

struct kept {
	struct kept_row *v; /* owned */
	size_t n;
	size_t room;
};

void kept_done(struct kept *k);

/** Adds a copy of @row. Returns 0; -ENOMEM; -EFBIG: KEPT_ROWS_MAX. */
int kept_add(struct kept *k, const struct history_row *row);

/**
 * Reads all rows of @fd. Returns 0; -EINVAL: line *ret_line is refused, *ret_why (static
 * text) says why; -EFBIG; -ENOMEM; negative errno of reading.
 */
int kept_read(struct kept *k, int fd, int64_t tomorrow, uint64_t *ret_line,
	      const char **ret_why);

/** Reads what was imported next to the database at @db; nothing is fine. Returns 0;
 * negative errno, *ret_why (static storage). */
int kept_load(struct kept *k, const char *db, const char **ret_why);

/** What an import has done. */
struct kept_sums {
	uint64_t rows; /* of the file */
	uint64_t added;
	uint64_t
		updated; /* the same errors were known, and the file knows more of them */
	uint64_t known;
	uint64_t kept; /* all that is kept now */
};

/**
 * Adds @rows to what is kept next to the database at @db, in one step: all of them or none.
 * A row that is there is not added again. Returns 0; -EBUSY: another import is at it; other
 * negative errno, *ret_why (static storage).
 */
int kept_store(struct kept *rows, const char *db, struct kept_sums *ret,
	       const char **ret_why);

/** Sorts by cell and start, for kept_match(). */
void kept_sort_cells(struct kept *k);

/** Marks the first row that tells of the same errors as @row and is not marked. True if
 * there is one. */
bool kept_match(struct kept *k, const struct history_row *row);

/** Sorts by time; rows of one time as they came. */
void kept_sort_time(struct kept *k);
