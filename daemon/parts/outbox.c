/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Lists and counts of what waits between a decision and its execution. It does not know
 * the database, the worker or the engine.
 */

#include "parts/outbox.h"

#include <assert.h>
#include <string.h>

void outbox_follow(struct outbox *o, const struct input *in)
{
	assert(o->n_inputs < OUTBOX_INPUTS);
	o->inputs[o->n_inputs++] = *in;
}

bool outbox_next(struct outbox *o, usec_t now, struct input *ret)
{
	if (o->n_inputs == 0)
		return false;
	*ret = o->inputs[0];
	o->n_inputs--;
	memmove(o->inputs, o->inputs + 1, o->n_inputs * sizeof(*o->inputs));
	if (ret->now.us == 0)
		ret->now = now;
	return true;
}

void outbox_put(struct outbox *o, const struct offline_request *request)
{
	assert(!outbox_is_full(o));
	o->due[o->n_due++] = *request;
}

bool outbox_is_full(const struct outbox *o)
{
	return o->n_due == OUTBOX_GROUP;
}

unsigned int outbox_take(struct outbox *o, struct offline_request ret[OUTBOX_GROUP])
{
	unsigned int n = o->n_due;

	memcpy(ret, o->due, n * sizeof(*ret));
	o->n_due = 0;
	return n;
}

bool outbox_keep_dimm(struct outbox *o, uint16_t index)
{
	for (unsigned int i = 0; i < o->n_dimms; i++)
		if (o->dimms[i] == index)
			return true;
	if (o->n_dimms == MAX_ATTEMPTS)
		return false;
	o->dimms[o->n_dimms++] = index;
	return true;
}

unsigned int outbox_take_dimms(struct outbox *o, uint16_t ret[MAX_ATTEMPTS])
{
	unsigned int n = o->n_dimms;

	memcpy(ret, o->dimms, n * sizeof(*ret));
	o->n_dimms = 0;
	return n;
}

bool outbox_take_spent(struct outbox *o)
{
	bool spent = o->spent;

	o->spent = false;
	return spent;
}

void outbox_handed_over(struct outbox *o, unsigned int n, usec_t now)
{
	if (o->under_way == 0)
		o->since = now;
	o->under_way += n;
}

void outbox_answered(struct outbox *o, usec_t now)
{
	o->under_way--;
	o->since = now; /* of the next one, if there is one */
	o->late = false;
}

bool outbox_has_attempts(const struct outbox *o)
{
	return o->n_due > 0 || o->under_way > 0;
}

bool outbox_is_late(struct outbox *o, usec_t now, usec_t limit)
{
	if (o->under_way == 0 || o->late || usec_sub(now, o->since).us < limit.us)
		return false;
	o->late = true;
	return true;
}
