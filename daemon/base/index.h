/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * An index from 64-bit keys to numbers of a table, such as slots. It keeps the numbers
 * only: the table that it belongs to holds the keys and shows them through an
 * index_key_fn. So an entry is four bytes, and a table finds its records through one
 * cache line of the index. A file whose numbers are below 65535 defines INDEX_ENTRY as
 * uint16_t before it includes this header, and has entries of two bytes.
 *
 * Multiplicative hashing, linear probing, deletion by shifting back: there are no marks
 * of deleted entries, and an index does not get slower with its age. The entries are the
 * owner's memory; it keeps at least one of them free, and never puts a key twice.
 *
 * Everything is compiled into its caller, so that @key_of costs no call.
 */

#include <stdint.h>

#include "base/mem.h"

#define INDEX_NONE UINT32_MAX

#ifndef INDEX_ENTRY
#define INDEX_ENTRY uint32_t
#endif

struct index {
	INDEX_ENTRY *entries; /* numbers + 1; 0: free */
	uint32_t mask;
	unsigned int shift;
};

/** The key of @number in the table @owner. */
typedef uint64_t (*index_key_fn)(const void *owner, uint32_t number);

/** An index in 2^@bits @entries, 1 to 31; zeroed entries are an empty index. */
static inline struct index index_in(INDEX_ENTRY *entries, unsigned int bits)
{
	return (struct index){ entries, (UINT32_C(1) << bits) - 1, 64 - bits };
}

/** Where @key would be if there were no other key; also for tables without probing. */
_wraps_ static inline uint32_t index_home(uint64_t key, unsigned int shift)
{
	return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> shift);
}

/** The place of @key, or the free one where index_set() is to put it. */
static _inlined_ uint32_t index_place(const struct index *x, uint64_t key,
				      index_key_fn key_of, const void *owner)
{
	uint32_t at = index_home(key, x->shift);

	while (x->entries[at] && key_of(owner, x->entries[at] - 1U) != key)
		at = (at + 1) & x->mask;
	return at;
}

/** The number at @place, INDEX_NONE if the place is free. */
static inline uint32_t index_at(const struct index *x, uint32_t place)
{
	return x->entries[place] ? x->entries[place] - 1U : INDEX_NONE;
}

/** Puts @number, below what an entry holds, at @place as index_place() found it for its key. */
static inline void index_set(struct index *x, uint32_t place, uint32_t number)
{
	x->entries[place] = (INDEX_ENTRY)(number + 1);
}

/** The number of @key, or INDEX_NONE. */
static _inlined_ uint32_t index_find(const struct index *x, uint64_t key,
				     index_key_fn key_of, const void *owner)
{
	return index_at(x, index_place(x, key, key_of, owner));
}

/** Removes @key. Its number, and those after it, must still show their keys. */
_wraps_ static inline void index_remove(struct index *x, uint64_t key,
					index_key_fn key_of, const void *owner)
{
	uint32_t hole = index_place(x, key, key_of, owner);
	uint32_t at = hole;

	for (;;) {
		uint32_t home;

		at = (at + 1) & x->mask;
		if (!x->entries[at])
			break;
		home = index_home(key_of(owner, x->entries[at] - 1U), x->shift);
		if (((at - home) & x->mask) >= ((at - hole) & x->mask)) {
			x->entries[hole] = x->entries[at];
			hole = at;
		}
	}
	x->entries[hole] = 0;
}
