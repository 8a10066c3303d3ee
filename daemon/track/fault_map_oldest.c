/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Knows which cell of a full DIMM makes room. The cells of faulty rows and all others are
 * two rings, each in the order of last events, as far as it matters: a cell that had an
 * error since it was put in its place finds its new place when it is the first. So an
 * error of a known cell costs nothing here. This file removes nothing, and knows neither
 * coordinates nor lines.
 *
 * Why that is exact: no cell had an older last event than any cell before it when that one
 * was put in its place. So nothing is older than the first cell of a ring, unless the
 * first had an error since.
 */

#include "track/fault_map_internal.h"

static bool cell_is_older(const struct fault_cell *a, const struct fault_cell *b)
{
	return a->last != b->last ? a->last < b->last : a->line < b->line;
}

static struct fault_ages *block_ages(struct fault_block *b, uint16_t slot)
{
	return &b->ages[b->cells[slot].row_faulty ? 1 : 0];
}

void fault_age_enter(struct fault_block *b, uint16_t slot)
{
	struct fault_ages *ages = block_ages(b, slot);
	const struct fault_cell *cell = &b->cells[slot];
	uint8_t after = ages->n > 0 ? b->older[ages->first] : (uint8_t)slot;
	uint16_t steps = 0;

	while (steps < ages->n && cell_is_older(cell, &b->cells[after])) {
		after = b->older[after];
		steps++;
	}
	if (steps == ages->n)
		ages->first = (uint8_t)slot;
	if (ages->n == 0)
		b->newer[slot] = (uint8_t)slot;
	else
		b->newer[slot] = b->newer[after];
	b->older[slot] = after;
	b->older[b->newer[slot]] = (uint8_t)slot;
	b->newer[after] = (uint8_t)slot;
	b->erred_since[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	ages->n++;
}

void fault_age_leave(struct fault_block *b, uint16_t slot)
{
	struct fault_ages *ages = block_ages(b, slot);

	b->newer[b->older[slot]] = b->newer[slot];
	b->older[b->newer[slot]] = b->older[slot];
	if (ages->first == slot)
		ages->first = b->newer[slot];
	ages->n--;
}

uint16_t fault_choose_victim(struct fault_block *b)
{
	const struct fault_ages *ages = &b->ages[b->ages[0].n > 0 ? 0 : 1];

	while (b->erred_since[ages->first / 64] >> ages->first % 64 & 1) {
		uint16_t slot = ages->first;

		fault_age_leave(b, slot);
		fault_age_enter(b, slot);
	}
	return ages->first;
}
