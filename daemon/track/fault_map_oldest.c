/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Finds the cell of a full DIMM that makes room. One pass over the cells finds the next
 * few, so that a flood of new cells does not need a pass for each. The choice is the same
 * as with a pass for each. This file removes nothing, and knows neither coordinates nor
 * lines.
 */

#include "track/fault_map_internal.h"

static bool cell_goes_before(const struct fault_cell *a, const struct fault_cell *b)
{
	if (a->row_faulty != b->row_faulty)
		return b->row_faulty;
	return a->last != b->last ? a->last < b->last : a->line < b->line;
}

static void block_forget_oldest(struct fault_block *b)
{
	b->n_oldest = 0;
	b->first_oldest = 0;
}

void fault_note_age(struct fault_block *b, const struct fault_cell *cell)
{
	if (b->n_oldest > 0 && cell->last <= b->oldest[b->n_oldest - 1].last)
		block_forget_oldest(b);
}

static void block_find_oldest(struct fault_block *b)
{
	block_forget_oldest(b);
	for (uint16_t i = 0; i < FAULT_MAP_CELLS; i++) {
		const struct fault_cell *cell = &b->cells[i];
		uint8_t at = b->n_oldest;

		if (cell->row_faulty ||
		    (at == FAULT_MAP_OLDEST &&
		     !cell_goes_before(cell, &b->cells[b->oldest[at - 1].slot])))
			continue;
		if (at == FAULT_MAP_OLDEST)
			at--;
		else
			b->n_oldest++;
		for (;
		     at > 0 && cell_goes_before(cell, &b->cells[b->oldest[at - 1].slot]);
		     at--)
			b->oldest[at] = b->oldest[at - 1];
		b->oldest[at] = (struct fault_oldest){ cell->last, i };
	}
}

/* The next of the oldest cells that is still silent; FAULT_MAP_NO_SLOT if there is
 * none. */
static uint16_t block_next_oldest(struct fault_block *b)
{
	while (b->first_oldest < b->n_oldest) {
		const struct fault_oldest *o = &b->oldest[b->first_oldest++];
		const struct fault_cell *cell = &b->cells[o->slot];

		if (cell->last == o->last && !cell->row_faulty)
			return o->slot;
	}
	return FAULT_MAP_NO_SLOT;
}

static uint16_t block_oldest(const struct fault_block *b)
{
	uint16_t victim = 0;

	for (uint16_t i = 1; i < FAULT_MAP_CELLS; i++)
		if (cell_goes_before(&b->cells[i], &b->cells[victim]))
			victim = i;
	return victim;
}

uint16_t fault_choose_victim(struct fault_block *b)
{
	uint16_t slot = block_next_oldest(b);

	if (slot == FAULT_MAP_NO_SLOT) {
		block_find_oldest(b);
		slot = block_next_oldest(b);
	}
	return slot == FAULT_MAP_NO_SLOT ? block_oldest(b) : slot; /* all are faulty */
}
