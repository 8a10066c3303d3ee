/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The DIMMs of a database, judged as the daemon judges its own: ranks of one module
 * share a verdict. Both status and dimms take their verdicts from here.
 */

#include "db.h"
#include "track/dimm_module.h"
#include "track/module_list.h"

struct stored_dimms {
	struct dimm_rec *rec; /* without those whose counts another record has */
	uint16_t *index;      /* of each, in the database */
	uint16_t *first;      /* of each: the first rank of its module */
	unsigned int n;
	struct module_list *modules;
	bool has_modules; /* false: a file of an earlier version has no such list */
};

void stored_dimms_done(struct stored_dimms *s);

/** Reads them. Returns 0 and *ret, to be given to stored_dimms_done(), also on an error;
 * negative errno. */
int stored_dimms_read(struct db *db, struct stored_dimms *ret);

/** The verdict of DIMM @i, whose budget is @pages_per_dimm, and its sentence. */
enum verdict stored_dimms_verdict(const struct stored_dimms *s, unsigned int i,
				  uint32_t pages_per_dimm, char ret_why[CLASS_WHY_MAX]);
