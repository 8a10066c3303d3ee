/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two rings: the machine checks and the mc_events that came last. With each mc_event this
 * costs one entry of a ring as long as no machine check waits. It does not know which
 * tracepoints the kernel has, nor what counting is.
 */

#include "track/twins.h"

#include "base/mem.h"

enum check_state {
	CHECK_NONE, /* the place is free, or its error has its twin */
	CHECK_HELD,
	CHECK_COUNTED,
};

#define LINE_BITS 6
#define PAGE_BITS 12 /* of x86, the only one with machine checks of this kind */

static int64_t twins_distance(int64_t a, int64_t b)
{
	usec_t d = a > b ? usec_sub(usec(a), usec(b)) : usec_sub(usec(b), usec(a));

	return d.us;
}

static bool twins_same_line(uint64_t a, uint8_t a_bits, uint64_t b, uint8_t b_bits)
{
	unsigned int bits = a_bits > b_bits ? a_bits : b_bits;

	if (bits < LINE_BITS)
		bits = LINE_BITS;
	if (bits > PAGE_BITS)
		bits = PAGE_BITS;
	return a >> bits == b >> bits;
}

/* How far apart the two are; -1: they are two errors. */
static int64_t twins_apart(const struct mce_error *e, int64_t time, uint64_t address,
			   uint8_t grain_bits, uint16_t cpu, bool corrected)
{
	int64_t apart = twins_distance(e->time.us, time);

	if ((e->severity == CE_CORRECTED) != corrected)
		return -1;
	if (e->has_address && address != 0)
		return apart <= TWINS_SPAN &&
				       twins_same_line(e->address.addr, e->grain_bits,
						       address, grain_bits)
			       ? apart
			       : -1;
	return e->traced == cpu && e->time.us <= time && apart <= TWINS_NEAR ? apart : -1;
}

static void twins_leave(struct twins *t, unsigned int i, enum check_state state)
{
	t->held -= t->checks[i].state == CHECK_HELD;
	t->counted -= t->checks[i].state == CHECK_COUNTED;
	t->counted += state == CHECK_COUNTED;
	t->checks[i].state = (uint8_t)state;
}

static void twins_note_event(struct twins *t, const struct ce_event *ev, bool open)
{
	unsigned int i = t->next_event;

	t->events[i].time = ev->time.us;
	t->events[i].address = ev->has_address ? ev->address.addr : 0;
	t->events[i].cpu = ev->cpu;
	t->events[i].grain_bits = ev->grain_bits;
	t->events[i].corrected = ev->severity == CE_CORRECTED;
	t->events[i].open = open;
	t->next_event = (i + 1) % TWINS_EVENTS;
}

/* The newest first: they are nearest, and the last one is most often the twin. */
static int twins_find_check(const struct twins *t, const struct ce_event *ev)
{
	unsigned int left = t->held + t->counted;
	int64_t best = INT64_MAX;
	int found = -1;

	for (unsigned int n = 0; n < TWINS_CHECKS && left > 0 && best > 0; n++) {
		unsigned int i = (t->next_check + TWINS_CHECKS - 1 - n) % TWINS_CHECKS;
		int64_t apart;

		if (t->checks[i].state == CHECK_NONE)
			continue;
		left--;
		apart = twins_apart(&t->checks[i].error, ev->time.us,
				    ev->has_address ? ev->address.addr : 0,
				    ev->grain_bits, ev->cpu,
				    ev->severity == CE_CORRECTED);
		if (apart < 0 || apart >= best)
			continue;
		best = apart;
		found = (int)i;
	}
	return found;
}

bool twins_take_event(struct twins *t, struct ce_event *ev)
{
	int i = t->held + t->counted > 0 ? twins_find_check(t, ev) : -1;
	bool count;

	twins_note_event(t, ev, i < 0);
	if (i < 0)
		return true;
	count = t->checks[i].state == CHECK_HELD;
	ev->status = t->checks[i].error.status;
	ev->cpu = t->checks[i].error.cpu;
	twins_leave(t, (unsigned int)i, CHECK_NONE);
	return count;
}

static bool twins_was_reported(struct twins *t, const struct mce_error *e)
{
	int64_t best = INT64_MAX;
	int found = -1;

	for (unsigned int i = 0; i < TWINS_EVENTS; i++) {
		int64_t apart;

		if (!t->events[i].open)
			continue;
		apart = twins_apart(e, t->events[i].time, t->events[i].address,
				    t->events[i].grain_bits, t->events[i].cpu,
				    t->events[i].corrected);
		if (apart < 0 || apart >= best)
			continue;
		best = apart;
		found = (int)i;
	}
	if (found >= 0)
		t->events[found].open = false;
	return found >= 0;
}

/* The one that came first; -1: none waits. */
static int twins_oldest(const struct twins *t)
{
	for (unsigned int n = 0; n < TWINS_CHECKS && t->held > 0; n++) {
		unsigned int i = (t->next_check + n) % TWINS_CHECKS;

		if (t->checks[i].state == CHECK_HELD)
			return (int)i;
	}
	return -1;
}

bool twins_take_check(struct twins *t, const struct mce_error *e, struct mce_error *ret)
{
	unsigned int i = t->next_check;
	bool full = false;
	int oldest;

	if (twins_was_reported(t, e))
		return false;
	/* One that waits in the place that is to be used is the oldest, too. */
	oldest = t->held >= TWINS_HELD || t->checks[i].state == CHECK_HELD
			 ? twins_oldest(t)
			 : -1;
	if (oldest >= 0) {
		*ret = t->checks[oldest].error;
		twins_leave(t, (unsigned int)oldest, CHECK_COUNTED);
		full = true;
	}
	twins_leave(t, i, CHECK_NONE);
	t->checks[i].error = *e;
	t->checks[i].state = CHECK_HELD;
	t->held++;
	t->next_check = (i + 1) % TWINS_CHECKS;
	return full;
}

static bool twins_is_over(const struct twins *t, unsigned int i, usec_t upto,
			  int64_t span)
{
	return usec_sub(upto, t->checks[i].error.time).us > span;
}

bool twins_take_due(struct twins *t, usec_t upto, struct mce_error *ret)
{
	for (unsigned int n = 0; n < TWINS_CHECKS && t->held + t->counted > 0; n++) {
		unsigned int i = (t->next_check + n) % TWINS_CHECKS;

		if (t->checks[i].state == CHECK_COUNTED &&
		    twins_is_over(t, i, upto, 2 * TWINS_SPAN))
			twins_leave(t, i, CHECK_NONE);
		if (t->checks[i].state != CHECK_HELD ||
		    !twins_is_over(t, i, upto, TWINS_SPAN))
			continue;
		*ret = t->checks[i].error;
		twins_leave(t, i, CHECK_COUNTED);
		return true;
	}
	return false;
}

usec_t twins_deadline(const struct twins *t)
{
	int64_t first = USEC_NEVER;

	for (unsigned int i = 0; i < TWINS_CHECKS && t->held > 0; i++)
		if (t->checks[i].state == CHECK_HELD &&
		    t->checks[i].error.time.us < first)
			first = t->checks[i].error.time.us;
	return first == USEC_NEVER ? usec(first)
				   : usec_add(usec(first), usec(TWINS_SPAN + 1));
}

unsigned int twins_waiting(const struct twins *t, uint16_t cpu)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < TWINS_CHECKS && t->held > 0; i++)
		n += t->checks[i].state == CHECK_HELD && t->checks[i].error.traced == cpu;
	return n;
}
