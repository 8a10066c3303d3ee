/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether what the engine knows is stored at the database's path, and what of that is
 * news for the journal. It is given what the calls of db.h returned; it calls nothing and
 * writes no line. A zeroed struct: a database without any trouble.
 */

#include <stdbool.h>

#include "base/units.h"

struct db_state {
	bool failing;    /* a row or a commit failed, and no group has worked since */
	bool row_failed; /* in the open group */
	bool incomplete; /* all that the engine knows is being stored once more */
	bool replaced;   /* by a new file, and not all that is known is stored in it */
	bool log_held;   /* a reader keeps the log from being emptied */
	bool away;       /* its files are not at the path */
	bool restored;   /* the engine was given what the file holds */
	usec_t retry_at; /* before, all that is known is not stored once more */
	int open_error;  /* why it could not be opened; 0: it could, or nobody tried */
	int away_error;  /* why its files could not be stored at the path again */
	int lock_error;  /* why PATH.lock is not ours */
	/* While there is no database: rows that the engine does not keep either, and the
	 * errors that they stood for. */
	uint64_t unstored_rows;
	uint64_t unstored_errors;
};

/** True if the database holds, at its path, all that it should hold. */
bool db_state_is_fine(const struct db_state *s);

/** A row or a commit failed. True: it worked until now. */
bool db_state_failed(struct db_state *s);

/**
 * A group ended; @stored: it had rows, and the commit worked. True: the database works
 * again, so all that the engine knows is to be stored once more. While single rows keep
 * failing that is tried at retry_at, or @at_once.
 */
bool db_state_committed(struct db_state *s, bool stored, usec_t now, bool at_once);

/**
 * A flush ended, @ok or not; @all: it was of all that the engine knows. True: all of it
 * is stored now.
 */
bool db_state_flushed(struct db_state *s, bool all, bool ok, usec_t now);

/** Whether a reader holds the log. True: that has changed. */
bool db_state_set_log(struct db_state *s, bool held);

/** What db_hold_lock() returned. True: that is news. */
bool db_state_set_lock(struct db_state *s, int r);

/** Its files are not at the path. True: they were until now. */
bool db_state_gone(struct db_state *s);

/** They could not be stored there again, because of @r. True: that is news. */
bool db_state_stays_away(struct db_state *s, int r);

/** It could not be opened, because of @r. True: that is news. */
bool db_state_not_opened(struct db_state *s, int r);

/** Without a database: one row that nothing keeps, which stood for @errors. */
void db_state_unstored(struct db_state *s, uint64_t errors);

/** It is open again, and what was counted meanwhile is stored. */
void db_state_opened_again(struct db_state *s);
