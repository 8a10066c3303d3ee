/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A hash table with linear probing, at most half full. It does not know what its numbers
 * stand for.
 */

#include "sim/sim_index.h"

#include <errno.h>

#include "base/mem.h"

#define FIRST_ROOM 64

_wraps_ static uint32_t sim_index_home(const struct sim_index *x, uint64_t key)
{
	return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (x->room - 1);
}

/* Where @key is, or the free entry where it would go. */
static uint32_t sim_index_place(const struct sim_index *x, uint64_t key)
{
	uint32_t at = sim_index_home(x, key);

	while (x->entries[at].value > 0 && x->entries[at].key != key)
		at = (at + 1) & (x->room - 1);
	return at;
}

uint32_t sim_index_find(const struct sim_index *x, uint64_t key)
{
	uint32_t value = x->n > 0 ? x->entries[sim_index_place(x, key)].value : 0;

	return value > 0 ? value - 1 : SIM_NOT_FOUND;
}

static int sim_index_grow(struct sim_index *x)
{
	struct sim_index grown = { .room = x->room ? x->room * 2 : FIRST_ROOM,
				   .n = x->n };

	grown.entries = calloc(grown.room, sizeof(*grown.entries));
	if (!grown.entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->room; i++)
		if (x->entries[i].value > 0)
			grown.entries[sim_index_place(&grown, x->entries[i].key)] =
				x->entries[i];
	free(x->entries);
	*x = grown;
	return 0;
}

int sim_index_put(struct sim_index *x, uint64_t key, uint32_t value)
{
	struct sim_entry *entry;

	if (x->n >= x->room / 2 && sim_index_grow(x) < 0)
		return -ENOMEM;
	entry = &x->entries[sim_index_place(x, key)];
	x->n += entry->value == 0;
	*entry = (struct sim_entry){ .key = key, .value = value + 1 };
	return 0;
}

/* What was pushed past the gap moves back into it, or it would not be found again. */
void sim_index_remove(struct sim_index *x, uint64_t key)
{
	uint32_t mask = x->room - 1;
	uint32_t gap;

	if (sim_index_find(x, key) == SIM_NOT_FOUND)
		return;
	gap = sim_index_place(x, key);
	for (uint32_t at = (gap + 1) & mask; x->entries[at].value > 0;
	     at = (at + 1) & mask) {
		uint32_t home = sim_index_home(x, x->entries[at].key);

		/* It may lie anywhere from its home on. */
		if (((at + x->room - home) & mask) < ((at + x->room - gap) & mask))
			continue;
		x->entries[gap] = x->entries[at];
		gap = at;
	}
	x->entries[gap].value = 0;
	x->n--;
}

void sim_index_clear(struct sim_index *x)
{
	free(x->entries);
	*x = (struct sim_index){ 0 };
}
