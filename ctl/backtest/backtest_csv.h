/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Recorded errors as comma-separated text: bytes -> records -> rows. Columns are found by
 * the names in the header. Memory is fixed, and a row allocates nothing.
 */

#include <sys/types.h>

#include "backtest/backtest_row.h"

#define CSV_RECORD_MAX  65536 /* bytes of one record, its line end included */
#define CSV_COLUMNS_MAX 256

/**
 * Where the bytes come from: fills @buf with up to @size of them. Returns how many, 0 at
 * the end, or negative errno.
 */
typedef ssize_t (*csv_read_fn)(void *userdata, char *buf, size_t size);

/** The columns that are looked for; their names are in backtest_csv.c. */
enum csv_column {
	CSV_TIME,
	CSV_DIMM,
	CSV_SERVER,
	CSV_PA,
	CSV_SOCKET,
	CSV_CHANNEL,
	CSV_SLOT,
	CSV_SUB_CHANNEL,
	CSV_RANK,
	CSV_CHIP,
	CSV_DEVICE,
	CSV_BANK_GROUP,
	CSV_BANK,
	CSV_ROW,
	CSV_COLUMN,
	CSV_TYPE,
	CSV_UE_TIME,
	CSV_COUNT,
	CSV_FIRST,
	CSV_EVENTS,
	CSV_GRAIN,
	CSV_MESSAGE,
	CSV_DETAIL,
	CSV_COLUMN_MAX_, /* any other column */
};

struct csv {
	csv_read_fn read;
	void *userdata;
	char buf[CSV_RECORD_MAX];
	size_t start;  /* bytes that no record has used yet */
	size_t end;    /* bytes read */
	bool at_end;   /* there are no more bytes to read */
	bool in_long;  /* in a record that is too long, until its line ends */
	uint64_t line; /* of the latest record, from 1 */
	uint64_t next_line;
	char separator;
	unsigned int n_columns;
	uint8_t columns[CSV_COLUMNS_MAX]; /* enum csv_column of each column */
	bool have[CSV_COLUMN_MAX_];
	bool decimal; /* of rasdaemon's table: its addresses are decimal */

	/* What makes a caller doubt the notation. */
	bool hex_seen;         /* an address has a letter or 0x */
	uint64_t plain_digits; /* of different addresses that have neither */
	uint64_t last_address;
	uint64_t odd_times; /* rows before the year 2000 */
	int64_t tomorrow; /* rows after it are refused; INT64_MAX until the caller sets it */
};

/* 1 January 2000, in microseconds since the epoch. */
#define CSV_YEAR_2000 (INT64_C(946684800) * USEC_PER_SEC)

/** So many digits without any letter are no accident: 0.625 to the 20th is 1 in 12,000. */
#define CSV_PLAIN_DIGITS 20

/**
 * Reads the header: the first line that is neither blank nor a comment. The columns of
 * rasdaemon's table mc_event ("timestamp", "err_type", "address", "label", "err_count") are
 * known under these names, too, if the first three are there. The separator is
 * the comma, semicolon or tabulator: the one that the line has most of. With
 * "driver_detail" or "top_layer" it is such a table whatever the others are called:
 * addresses without 0x are decimal, and texts of the driver give coordinates.
 *
 * Returns 0; -EINVAL: the file is no such table, *ret_why says why (static text);
 * negative errno of @read.
 */
int csv_open(struct csv *csv, csv_read_fn read, void *userdata, const char **ret_why);

/**
 * Reads the next row; blank lines and lines that begin with '#' are skipped. Texts in
 * *ret point into @csv and are valid until the next call.
 *
 * Returns 1 and *ret; 0 at the end; -EBADMSG: the row is not usable, *ret_why says why
 * (static text), @csv->line says where, and the next call continues after the row;
 * negative errno of @read.
 */
int csv_next(struct csv *csv, struct backtest_row *ret, const char **ret_why);

/** True if the addresses that were read may well be decimal. */
bool csv_is_decimal(const struct csv *csv);

/*
 * The notations within a row, each of @len bytes at @text.
 *
 * Return 0 and *ret; -EINVAL for another notation.
 */

/**
 * A time as microseconds since the epoch. Seconds, with or without a fraction, or whole
 * milliseconds, microseconds or nanoseconds, distinguished by their size (seconds end in
 * the year 5138); or ISO 8601 date and time, in UTC unless the text has an offset.
 */
int csv_parse_time(const char *text, size_t len, int64_t *ret);

/** An address in hexadecimal, with or without 0x; if @decimal, decimal without it. */
int csv_parse_address(const char *text, size_t len, bool decimal, uint64_t *ret);

/** The kind of error: "CE", "CE.READ", "CE.SCRUB", "UE" and the words of drivers. */
int csv_parse_kind(const char *text, size_t len, enum backtest_kind *ret);
