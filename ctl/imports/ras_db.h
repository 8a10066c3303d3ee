/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * rasdaemon's database: the only door to it. Rows of table mc_event; where that has none,
 * those of mce_record. It is opened for reading, and nothing in it is run.
 *
 * Facts: ras-record.c and ras-mc-handler.c of rasdaemon. Column grain is the tracepoint's
 * grain_bits. Versions before 0.6.5 or so bound the address as 32 bits with a sign
 * (sqlite3_bind_int), so what lies above is lost, and half of the numbers are negative.
 */

#include "backtest/backtest_row.h"

struct ras_db;

/**
 * Opens the database at @path. Returns 0 and *ret, to be freed with ras_db_close();
 * -EINVAL: no such tables; -EBUSY; -EIO; -ENOMEM: *ret_why says why (static storage).
 */
int ras_db_open(struct ras_db **ret, const char *path, const char **ret_why);

/** Closes @db; NULL is fine. Returns NULL. */
struct ras_db *ras_db_close(struct ras_db *db);

/**
 * The next row, in the order in which they were stored. Returns 1 and *ret, whose texts
 * are valid until the next call; 0 at the end; -EBADMSG: the row is not usable, *ret_why
 * says why (static text); -EIO: the file cannot be read, *ret_why.
 */
int ras_db_next(struct ras_db *db, struct backtest_row *ret, const char **ret_why);

/** The id of the latest row. */
uint64_t ras_db_row(const struct ras_db *db);

/** True if no address of the table needs more than 31 bits: they may all be cut. */
bool ras_db_is_low(const struct ras_db *db);
