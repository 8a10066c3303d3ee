/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What softofflined --record has written: a folder with the format texts of the kernel's
 * tracepoints and the raw pages of its trace buffer, in the byte order of that machine.
 * trace/trace_record.h writes it.
 *
 * Memory errors of EDAC are read; where there is not one, those of machine checks.
 */

#include "backtest/backtest_row.h"

struct recording;

/**
 * Opens the recording in the folder @dir (an open file, kept by the caller). Returns 0 and
 * *ret, to be freed with recording_free(); -EINVAL: no recording, or of another byte
 * order; -ENOMEM; other negative errno. *ret_why says why (static text).
 */
int recording_open(struct recording **ret, int dir, const char **ret_why);

/** Frees @rec; NULL is fine. Returns NULL. */
struct recording *recording_free(struct recording *rec);

/**
 * The next error; times are microseconds since the start of the machine. Its texts are
 * valid until the next call. Returns 1 and *ret; 0 at the end; -EBADMSG: the rest of a
 * page makes no sense, *ret_why says so, and the next call goes on behind it; other
 * negative errno.
 */
int recording_next(struct recording *rec, struct backtest_row *ret, const char **ret_why);

/** Number of the latest page, from 1. */
uint64_t recording_page(const struct recording *rec);

/** Events that were lost before a page, as far as their number is known. */
uint64_t recording_lost(const struct recording *rec);
