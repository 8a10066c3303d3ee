/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Random numbers for tests: the same from one seed on every machine (xorshift, Marsaglia
 * 2003). And how many of the runs that they make.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/** The number after *state, which must not be 0. */
_wraps_ static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/** Spreads the bits of @x: numbers that lie close become numbers that do not (Stafford's
 * mix 13). */
_wraps_ static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/**
 * How many of @all runs to make: all, or a part, such as a tenth with SHORTER=10 in the
 * environment, for a processor that is emulated. At least one, and it is said.
 */
static inline uint64_t random_runs(const char *what, uint64_t all)
{
	const char *text = getenv("SHORTER");
	uint64_t part = text ? strtoull(text, NULL, 10) : 1;

	if (part <= 1)
		return all;
	part = all < part ? 1 : all / part;
	printf("shortened by SHORTER=%s: %llu %s instead of %llu\n", text,
	       (unsigned long long)part, what, (unsigned long long)all);
	return part;
}
