/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Numbers found by numbers: a hash table with open addressing. All zero: empty.
 */

#include <stdint.h>

#define SIM_NOT_FOUND UINT32_MAX

struct sim_index {
	struct sim_entry {
		uint64_t key;
		uint32_t value; /* plus one; 0: the entry is free */
	} * entries;            /* owned */
	uint32_t room;          /* a power of two */
	uint32_t n;
};

/** The value of @key; SIM_NOT_FOUND. */
uint32_t sim_index_find(const struct sim_index *x, uint64_t key);

/** Puts @value, below SIM_NOT_FOUND, in place of what @key had. Returns 0; -ENOMEM. */
int sim_index_put(struct sim_index *x, uint64_t key, uint32_t value);

/** Takes @key out, if it is there. */
void sim_index_remove(struct sim_index *x, uint64_t key);

/** Takes all keys out and frees the memory. */
void sim_index_clear(struct sim_index *x);
