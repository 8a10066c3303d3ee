/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Synthetic memory that fails: DIMMs with one fault each, and the errors that they
 * report. The same seed makes the same errors on every machine: integers only, and a
 * generator of its own.
 */

#include <stddef.h>

#include "base/units.h"
#include "event/dram_coord.h"

/* X(identifier, word): what is wrong with a DIMM */
#define SYNTH_LIST(X)                                                                    \
	X(NOISE, "noise")     /* a few single errors, nothing wrong */                   \
	X(CELL, "cell")       /* one cell */                                             \
	X(STORM, "storm")     /* one cell, as fast as it is read */                      \
	X(ROW, "row")         /* cells of one row */                                     \
	X(COLUMN, "column")   /* one column, in many rows of a bank */                   \
	X(BANK, "bank")       /* anywhere in one bank */                                 \
	X(BANKS, "banks")     /* anywhere in several banks of one device */              \
	X(CHANNEL, "channel") /* anywhere on both DIMMs of a channel */                  \
	X(SHIFT, "shift")     /* one row; a reboot in between moves the addresses */     \
	X(SUDDEN, "sudden")   /* two errors, then an uncorrected one */

#define X(id, word) SYNTH_##id,
enum synth_fault { SYNTH_LIST(X) SYNTH_MAX_ };
#undef X

/** The word of @fault. */
const char *synth_fault_to_string(enum synth_fault fault);

#define FAULT_NAME_MAX 24
#define FAULT_START    (INT64_C(1704067200) * USEC_PER_SEC) /* 2024-01-01 00:00:00 UTC */
#define FAULT_NO_UE    INT64_MIN

struct fault_dimm {
	char name[FAULT_NAME_MAX];
	char server[FAULT_NAME_MAX]; /* "": it is alone in its machine */
	enum synth_fault fault;
	int64_t ue_time; /* microseconds since the epoch; FAULT_NO_UE */
	uint32_t ces;
	uint32_t wrong; /* CEs with the coordinates of another error */
	int8_t channel;
	int8_t slot;
};

struct fault_error {
	int64_t time; /* microseconds since the epoch, whole seconds */
	uint64_t address;
	struct dram_coord coord;
	uint32_t dimm;
	uint32_t seq;
	bool scrub;
};

struct fault_set {
	struct fault_dimm *dimms;
	size_t n_dimms;
	struct fault_error *errors; /* in order of time */
	size_t n_errors;
};

/**
 * Makes the standard set: 92 DIMMs over two months, in proportions that follow what has
 * been published of real ones. 1 % of the errors carry the coordinates of another one.
 * Returns 0 and *ret, to be freed with fault_set_free(); -ENOMEM.
 */
int fault_set_new(struct fault_set **ret, uint64_t seed);

/** Frees @set; NULL is fine. Returns NULL. */
struct fault_set *fault_set_free(struct fault_set *set);
