/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Open rows of the CE history in a direct-mapped table: a cell and its DIMM choose the
 * place, and whoever wants a taken place closes the row that is in it. It knows nothing
 * of pages, thresholds or the database.
 */

#include "ce_history.h"

#include <errno.h>
#include <stdlib.h>

struct open_row {
	struct ce_row row;
	bool used;
};

struct ce_history {
	struct open_row *rows;
	uint32_t mask;
	unsigned int shift;
	uint32_t open;
	uint32_t next; /* where ce_history_take() goes on */
};

int ce_history_new(struct ce_history **ret, uint32_t slots)
{
	struct ce_history *h;

	if (slots < 2 || (slots & (slots - 1)) != 0)
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->rows = calloc(slots, sizeof(*h->rows));
	if (!h->rows) {
		free(h);
		return -ENOMEM;
	}
	h->mask = slots - 1;
	h->shift = 64U - (unsigned int)__builtin_ctz(slots);
	*ret = h;
	return 0;
}

struct ce_history *ce_history_free(struct ce_history *h)
{
	if (h) {
		free(h->rows);
		free(h);
	}
	return NULL;
}

static bool same_cell(const struct ce_row *a, const struct ce_row *b)
{
	return a->address == b->address && a->dimm == b->dimm &&
	       a->severity == b->severity && a->grain_bits == b->grain_bits &&
	       a->unattributed == b->unattributed && a->has_address == b->has_address;
}

static bool same_second(const struct ce_row *open, const struct ce_row *row)
{
	int64_t first = open->first < row->first ? open->first : row->first;
	int64_t last = open->last > row->last ? open->last : row->last;

	return usec_sub(usec(last), usec(first)).us < USEC_PER_SEC;
}

static void join(struct ce_row *open, const struct ce_row *row)
{
	open->first = open->first < row->first ? open->first : row->first;
	open->last = open->last > row->last ? open->last : row->last;
	open->count += row->count;
	open->events += row->events;
	open->overflow = open->overflow || row->overflow;
}

bool ce_history_add(struct ce_history *h, const struct ce_row *row,
		    struct ce_row *ret_closed)
{
	uint64_t key = (row->address >> 3) ^ ((uint64_t)row->dimm << 40) ^
		       ((uint64_t)row->severity << 56);
	struct open_row *o = &h->rows[(key * UINT64_C(0x9e3779b97f4a7c15)) >> h->shift];

	if (o->used && same_cell(&o->row, row) && same_second(&o->row, row)) {
		join(&o->row, row);
		return false;
	}
	if (o->used)
		*ret_closed = o->row;
	else
		h->open++;
	o->row = *row;
	if (o->used)
		return true;
	o->used = true;
	return false;
}

bool ce_history_take(struct ce_history *h, struct ce_row *ret)
{
	if (h->open == 0)
		return false;
	while (!h->rows[h->next].used)
		h->next = (h->next + 1) & h->mask;
	*ret = h->rows[h->next].row;
	h->rows[h->next].used = false;
	h->open--;
	return true;
}

uint32_t ce_history_open(const struct ce_history *h)
{
	return h->open;
}
