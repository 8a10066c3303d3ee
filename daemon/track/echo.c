/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A small set-associative table by page. This runs with each event that a page is charged
 * with: no search is longer than a set. It counts nothing itself.
 */

#include "track/echo.h"

#include "base/mem.h"

#define LINE_BITS 6
#define PAGE_BITS 12

_wraps_ static unsigned int echo_set(uint64_t address)
{
	return (unsigned int)((address >> PAGE_BITS) * UINT64_C(0x9e3779b97f4a7c15) >>
			      59);
}
_Static_assert(ECHO_SETS == 1 << (64 - 59), "as many sets as the hash has values");

static bool echo_same_line(const struct echo_error *e, const struct ce_event *ev)
{
	unsigned int bits =
		e->grain_bits > ev->grain_bits ? e->grain_bits : ev->grain_bits;

	if (bits < LINE_BITS)
		bits = LINE_BITS;
	if (bits > PAGE_BITS)
		bits = PAGE_BITS;
	return e->n > 0 && e->address >> bits == ev->address.addr >> bits;
}

static bool echo_is_near(int64_t a, int64_t b)
{
	int64_t apart = usec_sub(usec(a), usec(b)).us;

	return apart <= ECHO_SPAN && apart >= -ECHO_SPAN;
}

/* Another source or controller may; another CPU must have found the same status. */
static bool echo_may_repeat(const struct echo_error *e, const struct ce_event *ev,
			    uint32_t reporter)
{
	return e->reporter >> 16 != reporter >> 16 ||
	       (ev->status != 0 && e->status == ev->status);
}

/* Notes @reporter among those of @e; false if it is none of the first to report it. */
static bool echo_add_repeater(struct echo_error *e, uint32_t *repeater, uint32_t reporter)
{
	if (e->n == ECHO_REPORTERS || e->reporter == reporter)
		return false;
	for (unsigned int i = 0; i + 1 < e->n; i++)
		if (repeater[i] == reporter)
			return false;
	repeater[e->n++ - 1] = reporter;
	return true;
}

/* The place of @ev's line in @set; ECHO_WAYS if it has none. */
static unsigned int echo_find(const struct echo_table *t, unsigned int set,
			      const struct ce_event *ev)
{
	const uint32_t page = (uint32_t)(ev->address.addr >> PAGE_BITS);
	unsigned int i;

	for (i = 0; i < ECHO_WAYS; i++)
		if (t->page[set][i] == page && echo_same_line(&t->errors[set][i], ev))
			break;
	return i;
}

bool echo_take(struct echo_table *t, const struct ce_event *ev)
{
	const uint32_t reporter =
		(uint32_t)ev->source << 24 | (uint32_t)ev->mc << 16 | ev->cpu;
	const unsigned int set = echo_set(ev->address.addr);
	unsigned int i = echo_find(t, set, ev);
	struct echo_error *e;

	if (i == ECHO_WAYS) {
		i = t->next[set];
		t->page[set][i] = (uint32_t)(ev->address.addr >> PAGE_BITS);
		t->next[set] = (uint8_t)((i + 1) % ECHO_WAYS);
		e = &t->errors[set][i];
	} else {
		e = &t->errors[set][i];
		if (echo_may_repeat(e, ev, reporter) &&
		    echo_is_near(e->time, ev->time.us) &&
		    echo_add_repeater(e, t->repeater[set][i], reporter))
			return true;
	}
	e->address = ev->address.addr;
	e->time = ev->time.us;
	e->status = ev->status;
	e->reporter = reporter;
	e->n = 1;
	e->grain_bits = ev->grain_bits;
	return false;
}
