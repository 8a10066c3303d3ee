/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Keeps the open rows of the CE history in a direct-mapped table. A cell and its DIMM
 * choose the place. If another cell's row is in that place, that row is closed. Rows that
 * must be stored form a list through the table. This file knows nothing of pages,
 * thresholds or the database.
 */

#include "track/ce_history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/mem.h"

#define NO_SLOT    UINT32_MAX
#define SHARE      8 /* a row covers one SHARE-th of its cell's age */
#define LONGEST    (7 * USEC_PER_DAY)
#define CACHE_LINE 64
#define NO_ROOM    UINT32_MAX /* events that a row can count */

/* An open row: one cache line, because each event touches one row. */
struct open_row {
	uint64_t id; /* 0: the place is free */
	int64_t first;
	int64_t last;
	int64_t since; /* first event of the cell since it took the place */
	uint64_t address;
	uint64_t count;
	uint32_t events;
	uint32_t next;      /* in the list of pending rows */
	uint64_t kind : 48; /* row_kind() */
	uint64_t fine : 8;  /* rows of one second that the cell has had */
	uint64_t overflow : 1;
	uint64_t pending : 1;   /* is in that list */
	uint64_t registers : 1; /* the text at its place among the registers is its own */
};

_Static_assert(sizeof(struct open_row) == CACHE_LINE, "or an event touches two");

struct ce_history {
	void *memory; /* rows, unaligned */
	struct open_row *rows;
	char (*registers)[CE_REGISTERS_MAX]; /* by row; few machines print them */
	uint32_t slots;
	unsigned int shift;
	uint32_t first_pending; /* oldest first: appended rows pack the file */
	uint32_t last_pending;
	uint32_t pending;
	uint64_t last_id;
};

int ce_history_new(struct ce_history **ret, uint32_t slots)
{
	struct ce_history *h;

	if (slots < 2 || (slots & (slots - 1)) != 0)
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	/* Zeroed by the allocator: rows that are never used take no memory. */
	h->memory = calloc(slots + 1, sizeof(*h->rows));
	h->registers = calloc(slots, sizeof(*h->registers));
	if (!h->memory || !h->registers) {
		ce_history_free(h);
		return -ENOMEM;
	}
	h->rows = (struct open_row *)(((uintptr_t)h->memory + CACHE_LINE - 1) &
				      ~(uintptr_t)(CACHE_LINE - 1));
	h->slots = slots;
	h->shift = 64U - (unsigned int)__builtin_ctz(slots);
	h->first_pending = NO_SLOT;
	*ret = h;
	return 0;
}

struct ce_history *ce_history_free(struct ce_history *h)
{
	if (h) {
		free(h->memory);
		free(h->registers);
		free(h);
	}
	return NULL;
}

/* What distinguishes the rows of one address, as one number that can be compared. */
static uint64_t row_kind(const struct ce_row *row)
{
	return row->dimm | (uint64_t)row->severity << 16 |
	       (uint64_t)row->grain_bits << 24 | (uint64_t)row->unattributed << 32 |
	       (uint64_t)row->has_address << 40;
}

/* The same number for an event: the row_kind() of the row that it would make. */
static uint64_t event_kind(const struct ce_event *ev, uint16_t dimm, enum result why)
{
	return dimm | (uint64_t)(uint8_t)ev->severity << 16 |
	       (uint64_t)ev->grain_bits << 24 | (uint64_t)(uint8_t)why << 32 |
	       (uint64_t)(ev->has_address && ev->address.addr != 0) << 40;
}

static struct open_row *row_place(const struct ce_history *h, uint64_t address,
				  uint64_t kind)
{
	uint64_t dimm = kind & 0xffff;
	uint64_t severity = kind >> 16 & 0xff;
	uint64_t key = (address >> 3) ^ (dimm << 40) ^ (severity << 56);

	return &h->rows[index_home(key, h->shift)];
}

static bool row_is_of(const struct open_row *o, uint64_t address, uint64_t kind)
{
	return o->id != 0 && o->address == address && o->kind == kind;
}

/* How long a row that begins at @first may cover. */
static int64_t row_span(const struct open_row *o, int64_t first)
{
	int64_t share = usec_sub(usec(first), usec(o->since)).us / SHARE;

	if (o->fine < CE_HISTORY_FINE || share < USEC_PER_SEC)
		return USEC_PER_SEC;
	return share < LONGEST ? share : LONGEST;
}

/* Counts an event at @when if the row covers that time. */
static bool row_join(struct open_row *o, int64_t when, uint64_t count, bool overflow)
{
	int64_t first = o->first < when ? o->first : when;
	int64_t last = o->last > when ? o->last : when;

	if (usec_sub(usec(last), usec(first)).us >= row_span(o, first) ||
	    o->events == NO_ROOM)
		return false;
	o->first = first;
	o->last = last;
	o->count += count;
	o->events++;
	o->overflow |= overflow;
	return true;
}

/* Writes no more of @ret than the row has. */
static void row_copy(const struct ce_history *h, const struct open_row *o,
		     struct ce_row *ret)
{
	ret->id = o->id;
	ret->first = o->first;
	ret->last = o->last;
	ret->address = o->address;
	ret->count = o->count;
	ret->events = o->events;
	ret->dimm = (uint16_t)o->kind;
	ret->severity = (uint8_t)(o->kind >> 16);
	ret->grain_bits = (uint8_t)(o->kind >> 24);
	ret->unattributed = (uint8_t)(o->kind >> 32);
	ret->has_address = o->kind >> 40 & 1;
	ret->overflow = o->overflow;
	ret->registers[0] = '\0';
	if (o->registers)
		memcpy(ret->registers, h->registers[o - h->rows],
		       strlen(h->registers[o - h->rows]) + 1);
}

static void history_set_pending(struct ce_history *h, struct open_row *o)
{
	if (o->pending)
		return;
	o->pending = true;
	o->next = NO_SLOT;
	if (h->first_pending == NO_SLOT)
		h->first_pending = (uint32_t)(o - h->rows);
	else
		h->rows[h->last_pending].next = (uint32_t)(o - h->rows);
	h->last_pending = (uint32_t)(o - h->rows);
	h->pending++;
}

/* The next row of the same cell, or the first of another one. */
static void history_begin_row(struct ce_history *h, struct open_row *o,
			      const struct ce_row *row)
{
	if (!row_is_of(o, row->address, row_kind(row))) {
		o->since = row->first;
		o->fine = 0;
	} else if (o->fine < CE_HISTORY_FINE) {
		o->fine++;
	}
	o->id = ++h->last_id;
	o->first = row->first;
	o->last = row->last;
	o->address = row->address;
	o->count = row->count;
	o->events = row->events;
	o->kind = row_kind(row);
	o->overflow = row->overflow;
	o->registers = row->registers[0] != '\0';
	if (o->registers)
		memcpy(h->registers[o - h->rows], row->registers,
		       strlen(row->registers) + 1);
}

bool ce_history_join(struct ce_history *h, const struct ce_event *ev, uint16_t dimm,
		     enum result why)
{
	uint64_t address = ev->has_address ? ev->address.addr : 0;
	uint64_t kind = event_kind(ev, dimm, why);
	struct open_row *o = row_place(h, address, kind);

	if (!row_is_of(o, address, kind) ||
	    !row_join(o, ev->time.us, ev->count ? ev->count : 1, ev->overflow))
		return false;
	history_set_pending(h, o);
	return true;
}

bool ce_history_add(struct ce_history *h, const struct ce_row *row,
		    struct ce_row *ret_closed)
{
	uint64_t kind = row_kind(row);
	struct open_row *o = row_place(h, row->address, kind);
	bool closed = false;

	if (!row_is_of(o, row->address, kind) ||
	    !row_join(o, row->first, row->count, row->overflow)) {
		closed = o->pending;
		if (closed)
			row_copy(h, o, ret_closed);
		history_begin_row(h, o, row);
	}
	history_set_pending(h, o);
	return closed;
}

bool ce_history_take(struct ce_history *h, struct ce_row *ret)
{
	struct open_row *o;

	if (h->first_pending == NO_SLOT)
		return false;
	o = &h->rows[h->first_pending];
	h->first_pending = o->next;
	h->pending--;
	o->pending = false;
	row_copy(h, o, ret);
	return true;
}

uint32_t ce_history_pending(const struct ce_history *h)
{
	return h->pending;
}

void ce_history_forget(struct ce_history *h)
{
	for (uint32_t i = 0; i < h->slots; i++)
		if (h->rows[i].id != 0)
			history_set_pending(h, &h->rows[i]);
}
