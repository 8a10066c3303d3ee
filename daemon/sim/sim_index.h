/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Numbers found by numbers, in a table that grows. All zero: empty.
 */

#include <stdint.h>

#define SIM_NOT_FOUND UINT32_MAX

struct sim_entry {
	uint64_t key;
	uint32_t value;
};

struct sim_index {
	struct sim_entry *rows; /* @n of them, in no order; owned */
	uint32_t *places;       /* of the hash table over @rows, 2^@bits; owned */
	unsigned int bits;
	uint32_t n;
};

/** The value of @key; SIM_NOT_FOUND. */
uint32_t sim_index_find(const struct sim_index *x, uint64_t key);

/** Puts @value in place of what @key had. Returns 0; -ENOMEM. */
int sim_index_put(struct sim_index *x, uint64_t key, uint32_t value);

/** Takes @key out, if it is there. */
void sim_index_remove(struct sim_index *x, uint64_t key);

/** Takes all keys out and frees the memory. */
void sim_index_clear(struct sim_index *x);
