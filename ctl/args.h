/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The command line as data, and the notations that operators type: addresses, times.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGS_MAX_WORDS 32
#define ARGS_TEXT_MAX  256

/** Options, as bits: those on the command line, and those that a verb takes. */
enum args_option {
	ARGS_JSON = 1 << 0,
	ARGS_DB = 1 << 1,
	ARGS_NO_LEGEND = 1 << 2,
	ARGS_LINES = 1 << 3,
	ARGS_SINCE = 1 << 4,
	ARGS_STATE = 1 << 5,
	ARGS_EXIT_CODE = 1 << 6,
	ARGS_HELP = 1 << 7,
	ARGS_VERSION = 1 << 8,
	ARGS_CONFIG = 1 << 9,
	ARGS_POLICY = 1 << 10,
	ARGS_INPUT = 1 << 11,
	ARGS_STRICT = 1 << 12,
	ARGS_FORMAT = 1 << 13,
	ARGS_AS = 1 << 14,
	ARGS_EXEC = 1 << 15,
	ARGS_WIDE = 1 << 16,
	ARGS_SERVER = 1 << 17,
};

#define ARGS_MAX_LIST 16

/** The values of an option that may be repeated. */
struct args_list {
	const char *v[ARGS_MAX_LIST];
	unsigned int n;
};

/** The command line. All strings belong to argv. */
struct args {
	unsigned int given; /* bits of enum args_option */
	const char *db;
	const char *since; /* for args_parse_moment() */
	const char *state;
	const char *input;
	const char *format; /* NULL: not given */
	const char *as;
	const char *exec;
	const char *server;
	struct args_list configs;
	struct args_list policies;
	uint32_t lines; /* 0: all */
	const char *words[ARGS_MAX_WORDS];
	unsigned int n_words;
};

/**
 * Reads the command line; options may stand anywhere before "--". Returns 0 and *ret, or
 * -EINVAL and one line in @ret_why.
 */
int args_parse(struct args *ret, int argc, char *const *argv,
	       char ret_why[ARGS_TEXT_MAX]);

/** "--state" and so on, of one option. */
const char *args_option_name(enum args_option option);

/**
 * Reads "0xADDRESS" or "pfn:0xNUMBER". A number without prefix is refused, because it
 * could be decimal or hexadecimal. @page_shift turns a frame number into an address.
 *
 * Returns 0 and *ret; -EINVAL (another notation); -ERANGE (more than 64 bits).
 */
int args_parse_address(const char *text, unsigned int page_shift, uint64_t *ret);

/** True if @text can only mean an address, also a wrong one. */
bool args_looks_like_address(const char *text);

/**
 * Reads a time: a span before @now ("2h", "3d"), "YYYY-MM-DD", "YYYY-MM-DD HH:MM" or
 * "YYYY-MM-DD HH:MM:SS" in local time, or "@SECONDS" since the epoch. @now and *ret are
 * microseconds since the epoch.
 *
 * Returns 0 and *ret; -EINVAL.
 */
int args_parse_moment(const char *text, int64_t now, int64_t *ret);

/**
 * The one of the @n words in @table (a char pointer at the start of each @stride bytes)
 * that is nearest to @word; NULL if no word is near enough.
 */
const char *args_nearest(const char *word, const void *table, size_t n, size_t stride);
