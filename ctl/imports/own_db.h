/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The history in softofflined's own database as rows of a back-test, with the DRAM
 * coordinates of the cells that the daemon knew.
 */

#include "backtest/backtest_row.h"
#include "db.h"

/** What is stored of a row's DIMM; each may be NULL. */
struct own_dimm {
	const struct dimm_rec *rec;
	const struct module_rec *module; /* that was in the slot at the last start */
};

/** Gets each row. Non-zero ends the reading. */
typedef int (*own_row_fn)(void *userdata, const struct backtest_row *row,
			  const struct own_dimm *dimm);

/**
 * Reads the database at @path, oldest rows first. A row that named no page names none. A
 * row that stands for a time has its start in row->first.
 *
 * Returns 0; -ENOMEM; what @fn returned; other negative errno, *ret_why (static storage).
 */
int own_db_read(const char *path, own_row_fn fn, void *userdata, const char **ret_why);
