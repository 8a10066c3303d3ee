/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Bytes to lines. Memory is fixed; a line allocates nothing.
 */

#include "backtest/backtest_csv.h"

#define LINES_MAX 16384 /* bytes of one line; of a longer one the rest is left out */

struct lines {
	csv_read_fn read;
	void *userdata;
	uint64_t line; /* number of the latest, from 1 */
	size_t start;  /* bytes that no line has used yet */
	size_t end;    /* bytes read */
	bool at_end;
	bool in_long; /* the rest of a line that was too long is still to be read */
	char buf[LINES_MAX];
};

void lines_init(struct lines *l, csv_read_fn read, void *userdata);

/**
 * The next line, without its end, in *ret until the next call. Returns 1; 0 at the end;
 * negative errno of the read function.
 */
int lines_next(struct lines *l, struct backtest_text *ret);
