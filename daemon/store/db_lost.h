/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What could not be stored: each row once, until it is stored after all. The daemon keeps
 * most of what it knows and puts it again when the database works again.
 */

#include "db.h"
#include "store/db_redo.h"

/** Errors that row @id of the CE history counts in the file; 0: it is not there. */
typedef uint64_t (*db_lost_stored_fn)(void *userdata, uint64_t id);

struct db_lost {
	uint64_t rows;             /* lost for good */
	struct db_missing missing; /* of them, those since db_lost_settle() */
	struct db_lost_table
		*table; /* may be stored yet; NULL: nothing is ever written */
	db_lost_stored_fn stored;
	void *userdata;
};

/** Begins with nothing lost. Returns 0 or -ENOMEM. */
int db_lost_new(struct db_lost *l, db_lost_stored_fn stored, void *userdata);
void db_lost_free(struct db_lost *l);

/** The change, or each change in @group, could not be stored. */
void db_lost_add(struct db_lost *l, enum change_kind kind, const void *data);
void db_lost_add_group(struct db_lost *l, const struct db_redo *group);

/** All of @group is stored: what of it could not be stored before is not lost. */
void db_lost_found(struct db_lost *l, const struct db_redo *group);

/** What is not stored by now is lost for good; *ret: since the call before. */
void db_lost_settle(struct db_lost *l, struct db_missing *ret);

/** Rows that are lost or may be. */
uint64_t db_lost_count(const struct db_lost *l);
