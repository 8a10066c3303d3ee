/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Errors that somebody recorded, of whatever form: a table of ours, rasdaemon's database,
 * the kernel's log, mcelog's log, the folder of softofflined --record. The form is found by
 * looking at it.
 */

#include "backtest/backtest_row.h"

struct import;

/**
 * Opens the file at @path, "-" for standard input, which can be anything but a database.
 * @now: microseconds since the epoch. @page_shift: of the kernel that wrote a log.
 *
 * Returns 0 and *ret, to be freed with import_free(); -EINVAL: it holds no recorded
 * errors; -ENOMEM; other negative errno: it cannot be read. *ret_why says why (static
 * storage).
 */
int import_open(struct import **ret, const char *path, int64_t now,
		unsigned int page_shift, const char **ret_why);

/** Closes and frees @im; NULL is fine. Returns NULL. */
struct import *import_free(struct import *im);

/**
 * The next error. Its texts are valid until the next call. Returns 1 and *ret; 0 at the
 * end; -EBADMSG: it is not usable, *ret_why says why (static text), and the next call goes
 * on behind it; other negative errno: the file cannot be read, *ret_why.
 */
int import_next(struct import *im, struct backtest_row *ret, const char **ret_why);

/** Where the latest error stands: the line, in a database the id of its row, in a
 * recording the number of the page. */
uint64_t import_line(const struct import *im);

/**
 * To be called at the end: a sentence about what makes the whole doubtful, for
 * @i = 0, 1, ...; NULL past the last one (static storage). *ret_refused: it is so doubtful
 * that no result is to be shown.
 */
const char *import_doubt(const struct import *im, unsigned int i, bool *ret_refused);
