/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * When a line of a log was written: the time at its start, in the notations of
 * journalctl(1), dmesg(1) and syslog. Pure: "now" is an argument.
 */

#include "backtest/backtest_row.h"

/** What earlier lines of the log said. Begin with log_time_init(). */
struct log_time {
	int64_t now;    /* microseconds since the epoch */
	int64_t latest; /* of a line whose stamp has no year; BACKTEST_NO_TIME */
	/* Stamps that count from the start of the machine: what is added to them. */
	int64_t boot_base;
	int64_t boot_latest;
	uint64_t since_boot; /* lines with such a stamp */
	uint64_t turned;     /* lines without a year that go back in time by a day */
};

void log_time_init(struct log_time *t, int64_t now);

/** What stands before the text of a line. */
struct log_stamp {
	int64_t time;              /* microseconds since the epoch */
	struct backtest_text host; /* empty: not named */
	size_t len;                /* of the stamp and the blanks behind it */
};

/**
 * Reads the stamp at the start of @line. Known are "Jan  7 17:12:47", the same with the
 * day of the week and the year in brackets (dmesg -T), ISO 8601 with blank, T, comma,
 * point and zone, with the day of the week before it (journalctl -o short-full), seconds
 * since the epoch with a fraction (short-unix), and seconds since the start in brackets.
 * A stamp without a zone is local time. A stamp without a year is of the latest year that
 * does not put it after tomorrow. Seconds since the start count from 1970; where they go
 * back the machine has started again, and they continue from the latest.
 *
 * Returns 0 and *ret; -EINVAL: no stamp.
 */
int log_time_read(struct log_time *t, struct backtest_text line, struct log_stamp *ret);
