/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A row of the history as softofflinectl export writes it and import reads it: one form as a
 * table, one as JSON. What is written is read back to the same row, and written again it is
 * the same line.
 */

#include <stdio.h>

#include "backtest/backtest_row.h"

#define HISTORY_TEXT_MAX 1024           /* bytes of a text, and its end */
#define HISTORY_HERE     "this machine" /* the server of which nobody knows the name */

/** All errors of one cell within a time. Texts are printable ASCII and may be empty. */
struct history_row {
	int64_t time; /* of the newest error; microseconds since the epoch */
	int64_t first;
	struct backtest_text server;
	struct backtest_text dimm;
	/* Of the DIMM, as far as they are certain. */
	struct backtest_text slot;
	struct backtest_text part;
	struct backtest_text serial;
	int16_t mc; /* -1: not known; the same for the layers */
	int16_t layer[3];
	enum backtest_kind kind;
	bool has_address;
	uint64_t address;
	uint64_t count;
	uint32_t events;
	struct dram_coord coord;
};

/** Copies @text to @to, of @size bytes, and ends it: what is not printable as %NN. */
struct backtest_text history_printable(char *to, size_t size, const char *text);

/** Writes the heading of the table, and a row. */
void history_write_heading(FILE *f);
void history_write_csv(FILE *f, const struct history_row *row);

/** Writes a row as JSON in one line. Returns 0; -ENOMEM. */
int history_write_json(FILE *f, const struct history_row *row);

/** Rows of one file, in the form that its first line shows. */
struct history_reader {
	bool begun;
	bool json;
	int64_t tomorrow; /* a later row is refused */
	char texts[5][HISTORY_TEXT_MAX];
};

/**
 * Reads one line, without its end. Returns 1 and *ret, whose texts are valid until the
 * next call; 0: it is the heading; -EINVAL and *ret_why (static text); -ENOMEM.
 */
int history_read_line(struct history_reader *h, struct backtest_text line,
		      struct history_row *ret, const char **ret_why);

/**
 * Rows of one cell that begin within this time are the same row, then or later: a row grows
 * while its errors go on, rows of a cell begin a second apart, and the start of a row moves
 * a little with each look at the wall clock.
 */
#define HISTORY_SAME (USEC_PER_SEC / 2)

/** Orders by cell: machine, DIMM, kind, address. -1, 0 or 1. */
int history_compare_cell(const struct history_row *a, const struct history_row *b);

/** Which of two rows of one cell says more: less than 0 if @b does. */
int history_compare_age(const struct history_row *a, const struct history_row *b);

/** The row for a back-test; borrows the texts. */
void history_to_backtest(const struct history_row *row, struct backtest_row *ret);
