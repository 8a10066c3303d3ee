/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as recorded errors of any form: a table, a log, a database of rasdaemon. A
 * refusal comes with a reason, reading ends, and each row that is accepted is within its
 * type's bounds. Twice the same bytes are twice the same rows.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "imports/history.h"
#include "imports/imports.h"

#define ROWS_MAX 2000
#define NOW      (INT64_C(1612137600) * USEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(struct import *, import_free)

static void require(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "fuzz_imports: %s\n", what);
	abort();
}

static void check_row(const struct backtest_row *row)
{
	require(row->time != BACKTEST_NO_TIME && row->time <= NOW + USEC_PER_DAY,
		"a time that cannot be");
	require(row->dimm.len < HISTORY_TEXT_MAX && row->server.len < HISTORY_TEXT_MAX,
		"a name too long");
	require(row->socket >= -1 && row->channel >= -1 && row->slot >= -1 &&
			row->socket <= 127 && row->channel <= 127 && row->slot <= 127,
		"a place out of range");
	require(row->kind <= BACKTEST_OTHER && row->grain_bits <= 63,
		"no kind, no grain");
	require(row->count > 0 && row->events > 0, "no count");
}

/* A sum over the rows. */
_wraps_ static uint64_t read_all(const char *path)
{
	_cleanup_(import_free_p) struct import *im = NULL;
	struct backtest_row row;
	const char *why = NULL;
	uint64_t sum = 1;
	bool refused;
	int r = import_open(&im, path, NOW, 12, &why);

	require(r == 0 || (why && *why), "a refusal without a reason");
	for (unsigned int n = 0; r == 0 && n < ROWS_MAX; n++) {
		int got = import_next(im, &row, &why);

		if (got == 0 || (got < 0 && got != -EBADMSG))
			break;
		require(got > 0 || (why && *why), "a bad row without a reason");
		if (got > 0)
			check_row(&row);
		sum = (sum ^ import_line(im)) * 31 + (got > 0 ? (uint64_t)row.time : 7);
	}
	for (unsigned int i = 0; r == 0 && import_doubt(im, i, &refused); i++)
		require(i < 4, "doubts without end");
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(close_p) int fd = memfd_create("fuzz_imports", MFD_CLOEXEC);
	char path[64];

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	require(fd >= 0 && write(fd, data, size) == (ssize_t)size, "no file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(read_all(path) == read_all(path), "other rows from the same bytes");
	return 0;
}
