/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One recorded error, as a back-test reads it from any source.
 */

#include <stddef.h>

#include "base/units.h"
#include "event/dram_coord.h"

enum backtest_kind {
	BACKTEST_CE,          /* corrected, from a demand read or of unknown origin */
	BACKTEST_CE_SCRUB,    /* corrected, found by the patrol scrubber */
	BACKTEST_UNCORRECTED, /* uncorrected, deferred or fatal */
	BACKTEST_OTHER,       /* no error: information */
};

/** Text inside a buffer that another object owns: not terminated. */
struct backtest_text {
	const char *s;
	size_t len;
};

#define BACKTEST_NO_TIME INT64_MIN

struct backtest_row {
	int64_t time; /* microseconds since the epoch */
	int64_t first; /* its earliest event, if it stands for a time; 0: the same as @time */
	int64_t ue_time; /* time of the DIMM's UE; BACKTEST_NO_TIME */
	uint64_t address;
	uint64_t count;  /* errors, as reported */
	uint32_t events; /* events that reported them; at least 1 */
	enum backtest_kind kind;
	bool has_address;
	uint8_t grain_bits; /* log2 of the bytes that @address stands for; 0: exact */
	int16_t socket;     /* -1: unknown; the same for the next two */
	int16_t channel;
	int16_t slot;
	struct dram_coord coord;
	struct backtest_text dimm;   /* empty: unknown */
	struct backtest_text server; /* empty: unknown */
	/* Of our own tables: two modules with one label are two DIMMs. Empty: unknown. */
	struct backtest_text part;
	struct backtest_text serial;
	bool has_mc;
	uint8_t mc;
};
