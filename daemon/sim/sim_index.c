/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The index of base/index.h with rows of its own, at most half full. It does not know
 * what its numbers stand for.
 */

#include "sim/sim_index.h"

#include <errno.h>

#include "base/index.h"

#define FIRST_BITS 7

static uint64_t sim_index_key(const void *owner, uint32_t number)
{
	const struct sim_index *x = owner;

	return x->rows[number].key;
}

/* The number of the key's row; INDEX_NONE. */
static uint32_t sim_index_row(const struct sim_index *x, uint64_t key)
{
	struct index index;

	if (x->n == 0)
		return INDEX_NONE;
	index = index_in(x->places, x->bits);
	return index_find(&index, key, sim_index_key, x);
}

uint32_t sim_index_find(const struct sim_index *x, uint64_t key)
{
	uint32_t row = sim_index_row(x, key);

	return row == INDEX_NONE ? SIM_NOT_FOUND : x->rows[row].value;
}

static void sim_index_set(struct sim_index *x, uint32_t row)
{
	struct index index = index_in(x->places, x->bits);

	index_set(&index, index_place(&index, x->rows[row].key, sim_index_key, x), row);
}

static int sim_index_grow(struct sim_index *x)
{
	unsigned int bits = x->bits ? x->bits + 1 : FIRST_BITS;
	struct sim_entry *rows =
		reallocarray(x->rows, (size_t)1 << (bits - 1), sizeof(*rows));
	uint32_t *places;

	if (!rows)
		return -ENOMEM;
	x->rows = rows;
	places = calloc((size_t)1 << bits, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(x->places);
	x->places = places;
	x->bits = bits;
	for (uint32_t row = 0; row < x->n; row++)
		sim_index_set(x, row);
	return 0;
}

int sim_index_put(struct sim_index *x, uint64_t key, uint32_t value)
{
	uint32_t row = sim_index_row(x, key);

	if (row != INDEX_NONE) {
		x->rows[row].value = value;
		return 0;
	}
	if (x->n >= UINT32_C(1) << x->bits >> 1 && sim_index_grow(x) < 0)
		return -ENOMEM;
	x->rows[x->n] = (struct sim_entry){ .key = key, .value = value };
	sim_index_set(x, x->n++);
	return 0;
}

/* The last row takes the place of the one that goes. */
void sim_index_remove(struct sim_index *x, uint64_t key)
{
	struct index index = index_in(x->places, x->bits ? x->bits : FIRST_BITS);
	uint32_t row = sim_index_row(x, key);
	struct sim_entry last;

	if (row == INDEX_NONE)
		return;
	index_remove(&index, key, sim_index_key, x);
	last = x->rows[x->n - 1];
	if (row < x->n - 1) {
		index_remove(&index, last.key, sim_index_key, x);
		x->rows[row] = last;
		sim_index_set(x, row);
	}
	x->n--;
}

void sim_index_clear(struct sim_index *x)
{
	free(x->rows);
	free(x->places);
	*x = (struct sim_index){ 0 };
}
