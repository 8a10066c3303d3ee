/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The attempts under way: which there are, how many more there may be, and what they cost
 * at most. This file does not know what an answer means, and decides about no page.
 */

#include "engine/attempts.h"

#include <stddef.h>

/* A record under way cannot be evicted: most of the tracker must stay free of them. */
#define TRACKER_SHARE 4

/*
 * Growth factor after a success. One success shows that this kernel does what it is asked
 * to do, and the pages of a storm wait for that. A later failure halves the number again.
 */
#define GROWTH 8

void attempts_init(struct attempts *a)
{
	*a = (struct attempts){ .at_once = 1, .filling = true };
}

bool attempts_may_start(struct attempts *a, unsigned int capacity)
{
	unsigned int most = capacity / TRACKER_SHARE;

	if (most > a->at_once)
		most = a->at_once;
	if (a->n >= most)
		a->filling = false;
	else if (a->n <= most / 2)
		a->filling = true;
	return a->filling;
}

struct attempt *attempts_start(struct attempts *a, const struct action_row *row,
			       usec_t now)
{
	struct attempt *new = &a->v[a->n++];
	unsigned int slot = a->n_writes++ % OWN_WRITES;

	*new = (struct attempt){ .row = *row, .write = slot };
	a->writes[slot] = (struct own_write){
		.set = true, .pfn = pfn(row->pfn), .from = now, .to = usec(USEC_NEVER)
	};
	return new;
}

struct attempt *attempts_find(struct attempts *a, uint64_t id)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (a->v[i].row.id == id)
			return &a->v[i];
	return NULL;
}

struct attempt *attempts_find_page(struct attempts *a, pfn_t p)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (a->v[i].row.pfn == p.n)
			return &a->v[i];
	return NULL;
}

struct attempt attempts_end(struct attempts *a, struct attempt *ended, usec_t now)
{
	struct attempt copy = *ended;

	a->writes[copy.write].to = now;
	*ended = a->v[--a->n];
	return copy;
}

void attempts_adapt(struct attempts *a, enum retry_kind what_follows)
{
	switch (what_follows) {
	case RETRY_DONE:
		a->at_once *= GROWTH;
		if (a->at_once > MAX_ATTEMPTS)
			a->at_once = MAX_ATTEMPTS;
		break;
	case RETRY_BACKOFF:
	case RETRY_HOURLY:
	case RETRY_NEXT_CE:
	case RETRY_NEVER:
		a->at_once = a->at_once > 1 ? a->at_once / 2 : 1;
		break;
	case RETRY_HOLD:
		a->at_once = 1;
		break;
	}
}

void attempts_mark_unstored(struct attempts *a)
{
	a->unstored = a->n;
}

const struct action_row *attempts_take_unstored(struct attempts *a)
{
	/* An attempt that ended in between stored its own row. */
	if (a->unstored > a->n)
		a->unstored = a->n;
	return a->unstored > 0 ? &a->v[--a->unstored].row : NULL;
}

unsigned int attempts_on_dimm(const struct attempts *a, uint16_t dimm)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < a->n; i++)
		n += a->v[i].row.dimm == dimm;
	return n;
}

uint64_t attempts_cost_kib(const struct attempts *a)
{
	uint64_t kib = 0;

	for (unsigned int i = 0; i < a->n; i++)
		kib += a->v[i].costs_kib;
	return kib;
}

bool attempts_made_event(const struct attempts *a, const struct soft_event *ev,
			 int64_t slack_usec)
{
	for (unsigned int i = 0; i < OWN_WRITES; i++) {
		const struct own_write *w = &a->writes[i];

		if (w->set && w->pfn.n == ev->pfn.n &&
		    ev->time.us + slack_usec >= w->from.us &&
		    ev->time.us - slack_usec <= w->to.us)
			return true;
	}
	return false;
}
