/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * mcelog's log: each machine check as a block of lines, in its own file or in syslog. Pure.
 *
 * Facts: dump_mce() of mcelog.c: "MCE 0", "CPU 0 BANK 7 TSC ...", "MISC ... ADDR ...",
 * "TIME SECONDS DATE", words, "STATUS ... MCGSTATUS ...", "MCGCAP ... APICID ...
 * SOCKETID ...", "CPUID Vendor Intel Family 6 Model 85". Numbers are hexadecimal but for
 * those of CPU, BANK, TIME, family and model.
 */

#include "event/mce_decode.h"
#include "imports/log_time.h"

/** The block that is being read. Begin with mcelog_init(). */
struct mcelog {
	struct log_time time;
	struct mce_record record;
	int64_t at;  /* microseconds since the epoch; BACKTEST_NO_TIME */
	bool any;    /* the block has begun */
	bool status; /* it has its status */
	char label[MCE_LABEL_MAX];
};

/** @now: microseconds since the epoch. */
void mcelog_init(struct mcelog *m, int64_t now);

/**
 * Reads one line. Returns 1 and *ret if it ends a block that is a memory error; the texts
 * of *ret are in @m until the next call; 0: it does not; -EBADMSG: the block is such an
 * error and is not usable: *ret_why (static text).
 */
int mcelog_line(struct mcelog *m, struct backtest_text line, struct backtest_row *ret,
		const char **ret_why);

/** Ends the log: the last block. Returns as mcelog_line(). */
int mcelog_end(struct mcelog *m, struct backtest_row *ret, const char **ret_why);

/** True if @line can only be of such a log. */
bool mcelog_is_line(struct backtest_text line);

/**
 * @check as a row: a memory error of @time, whose label is written to @label. False if it
 * is another machine check.
 */
bool mcelog_make_row(const struct mce_record *check, int64_t time,
		     char label[MCE_LABEL_MAX], struct backtest_row *ret);
