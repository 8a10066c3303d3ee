/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The attempts that are under way: which there are, how many more there may be, what they
 * will have cost at most. It does not know what an answer means, and decides about no
 * page.
 */

#include "engine/engine_internal.h"

/* Records under way are never evicted: most of the table must be others. */
#define TABLE_SHARE 4

/* So many times as many after each success. One answer shows that this kernel does as it
 * is asked; what fails after it halves them again, and pages of a storm wait for this. */
#define GROWTH 8

void engine_init_flights(struct engine *e)
{
	e->at_once = 1;
	e->filling = true;
}

bool engine_may_start(struct engine *e)
{
	unsigned int most = ce_tracker_capacity(e->tracker) / TABLE_SHARE;

	if (most > e->at_once)
		most = e->at_once;
	if (e->n_attempts >= most)
		e->filling = false;
	else if (e->n_attempts <= most / 2)
		e->filling = true;
	return e->filling;
}

struct attempt *engine_start_attempt(struct engine *e, const struct action_row *row)
{
	struct attempt *a = &e->attempts[e->n_attempts++];
	unsigned int slot = e->n_writes++ % OWN_WRITES;

	*a = (struct attempt){ .row = *row,
			       .by_operator = e->look.by_operator,
			       .cookie = e->look.cookie,
			       .write = slot };
	e->writes[slot] = (struct own_write){
		.set = true, .pfn = pfn(row->pfn), .from = e->now, .to = usec(USEC_NEVER)
	};
	return a;
}

struct attempt *engine_find_attempt(struct engine *e, uint64_t id)
{
	for (unsigned int i = 0; i < e->n_attempts; i++)
		if (e->attempts[i].row.id == id)
			return &e->attempts[i];
	return NULL;
}

struct attempt *engine_attempt_on(struct engine *e, pfn_t p)
{
	for (unsigned int i = 0; i < e->n_attempts; i++)
		if (e->attempts[i].row.pfn == p.n)
			return &e->attempts[i];
	return NULL;
}

struct attempt engine_end_attempt(struct engine *e, struct attempt *a)
{
	struct attempt ended = *a;

	e->writes[ended.write].to = e->now;
	*a = e->attempts[--e->n_attempts];
	return ended;
}

void engine_learn(struct engine *e, enum retry_kind what_follows)
{
	switch (what_follows) {
	case RETRY_DONE:
		e->at_once *= GROWTH;
		if (e->at_once > MAX_ATTEMPTS)
			e->at_once = MAX_ATTEMPTS;
		break;
	case RETRY_BACKOFF:
	case RETRY_HOURLY:
	case RETRY_NEXT_CE:
	case RETRY_NEVER:
		e->at_once = e->at_once > 1 ? e->at_once / 2 : 1;
		break;
	case RETRY_HOLD:
		e->at_once = 1;
		break;
	}
}

unsigned int engine_under_way_on(const struct engine *e, uint16_t dimm)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < e->n_attempts; i++)
		n += e->attempts[i].row.dimm == dimm;
	return n;
}

uint64_t engine_under_way_kib(const struct engine *e)
{
	uint64_t kib = 0;

	for (unsigned int i = 0; i < e->n_attempts; i++)
		kib += e->attempts[i].costs_kib;
	return kib;
}

bool engine_own_write(const struct engine *e, const struct soft_event *ev,
		      int64_t slack_usec)
{
	for (unsigned int i = 0; i < OWN_WRITES; i++) {
		const struct own_write *w = &e->writes[i];

		if (w->set && w->pfn.n == ev->pfn.n &&
		    ev->time.us + slack_usec >= w->from.us &&
		    ev->time.us - slack_usec <= w->to.us)
			return true;
	}
	return false;
}
