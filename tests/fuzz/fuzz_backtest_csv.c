/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a table of recorded errors. Each row that is accepted must be within its
 * type's bounds and the line numbers must rise; the same bytes in single pieces must give
 * the same rows. What is accepted goes through a back-test, which must add up.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/backtest.h"
#include "backtest/backtest_csv.h"
#include "base/mem.h"

#define ROWS_MAX 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(struct backtest *, backtest_free)

struct memory {
	const uint8_t *at;
	size_t left;
	size_t piece;
};

static void require(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "fuzz_backtest_csv: %s\n", what);
	abort();
}

static ssize_t read_memory(void *userdata, char *buf, size_t size)
{
	struct memory *m = userdata;
	size_t n = m->left < m->piece ? m->left : m->piece;

	n = n < size ? n : size;
	if (n > 0)
		memcpy(buf, m->at, n);
	m->at += n;
	m->left -= n;
	return (ssize_t)n;
}

_wraps_ static uint64_t mix(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static uint64_t mix_row(uint64_t sum, const struct backtest_row *row)
{
	sum = mix(sum, (uint64_t)row->time);
	sum = mix(sum, (uint64_t)row->ue_time);
	sum = mix(sum, row->has_address ? row->address : 0);
	sum = mix(sum, row->coord.have);
	sum = mix(sum, row->dimm.len);
	for (size_t i = 0; i < row->dimm.len; i++)
		sum = mix(sum, (unsigned char)row->dimm.s[i]);
	return mix(sum, (uint64_t)row->kind);
}

static void check_row(const struct backtest_row *row)
{
	require(row->time != BACKTEST_NO_TIME, "a row without a time");
	require(row->dimm.len <= 255 && row->server.len <= 255, "a name too long");
	require(row->socket >= -1 && row->channel >= -1 && row->slot >= -1 &&
			row->socket <= 127 && row->channel <= 127 && row->slot <= 127,
		"a place out of range");
	require(row->kind <= BACKTEST_OTHER, "an unknown kind");
	require(row->count >= 1 && row->events >= 1, "no count");
}

/* Reads all of it; a sum over what was read. @b: takes the rows, NULL for none. */
static uint64_t read_all(struct csv *csv, struct memory m, struct backtest *b)
{
	struct backtest_row row;
	const char *why = NULL;
	uint64_t line = 0, sum = 1;
	unsigned int n = 0;
	int r = csv_open(csv, read_memory, &m, &why);

	require(r == 0 || (r == -EINVAL && why && *why), "a refusal without a reason");
	while (r == 0 && n++ < ROWS_MAX) {
		int got = csv_next(csv, &row, &why);

		if (got == 0)
			break;
		require(got == 1 || got == -EBADMSG, "an error from nowhere");
		require(csv->line > line, "lines that do not rise");
		line = csv->line;
		if (got < 0) {
			require(why && *why, "a bad row without a reason");
			sum = mix(sum, line);
			continue;
		}
		check_row(&row);
		sum = mix_row(sum, &row);
		if (b)
			require(backtest_add(b, &row) == 0, "a row was not taken");
	}
	return sum;
}

static void check_results(struct backtest *b)
{
	struct backtest_input in;
	struct backtest_total t;
	struct backtest_result r;

	require(backtest_finish(b) == 0, "the end was not taken");
	backtest_input(b, &in);
	backtest_total(b, 0, &t);
	require(t.ces == in.ces && t.ces_avoided <= t.ces, "CEs that do not add up");
	require(t.pages_offlined <= t.pages, "pages without an error of their own");
	require(t.offlined_before_ue <= t.pages_before_ue, "more covered than seen");
	for (unsigned int i = 0; i < in.dimms; i++) {
		backtest_result(b, 0, i, &r);
		require(r.pages_offlined <= r.pages && r.ces_avoided <= r.ces,
			"a DIMM that does not add up");
		for (const char *c = r.dimm; *c; c++)
			require(*c >= ' ' && *c <= '~', "a name that is not printable");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(free_p) struct backtest_policy *policy = malloc(sizeof(*policy));
	const struct backtest_policy *const policies[] = { policy };
	_cleanup_(free_p) struct csv *csv = malloc(sizeof(*csv));
	_cleanup_(backtest_free_p) struct backtest *b = NULL;
	struct memory whole = { data, size, 65536 };
	struct memory pieces = { data, size, 1 };

	require(policy && csv, "no memory");
	require(backtest_policy_get("default", policy) == 0, "no policy");
	policy->cfg.tracker.max_tracked_pages = 64;
	require(backtest_new(&b, policies, 1, 12) == 0, "no back-test");
	require(read_all(csv, whole, b) == read_all(csv, pieces, NULL),
		"other rows from other pieces");
	check_results(b);
	return 0;
}
