/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The history in softofflined's own database, with the DRAM coordinates of the cells that
 * the daemon knew, and what was imported next to it.
 */

#include "imports/history.h"

/** Gets each row, valid for the call. Non-zero ends the reading. */
typedef int (*own_row_fn)(void *userdata, const struct history_row *row);

/**
 * Reads the database at @path, oldest rows first. A row that named no page names none.
 * @server: whose errors the database has. An imported row is left out if the database
 * tells of the same errors. Without a database what was imported is read alone.
 *
 * Returns 0; -ENOMEM; what @fn returned; other negative errno, *ret_why (static storage).
 */
int own_db_read(const char *path, const char *server, own_row_fn fn, void *userdata,
		const char **ret_why);
