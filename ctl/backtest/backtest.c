/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A back-test from rows to counts: rows are put in order and charged to DIMM and page.
 * Each policy sees a row unless the policy would have prevented it. This file knows no
 * rule of any policy.
 */

#include <errno.h>
#include <string.h>

#include "backtest/backtest_internal.h"
#include "base/mem.h"

#define FIRST_ROWS 1024
#define LAST_TIME  (INT64_C(7258118400) * USEC_PER_SEC) /* 2200-01-01 */
#define QUEUE_ROWS ((size_t)2 * BACKTEST_ORDER_ROWS)

_Static_assert(QUEUE_ROWS % FIRST_ROWS == 0, "the queue doubles up to its full size");

int backtest_new(struct backtest **ret, const struct backtest_policy *const *policies,
		 unsigned int n, unsigned int page_shift)
{
	struct backtest *b;

	if (n == 0 || n > BACKTEST_MAX_POLICIES)
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	memcpy(b->policies, policies, n * sizeof(*policies));
	b->n_policies = n;
	b->page_shift = page_shift;
	b->pages.stride = sizeof(struct bt_page) + n * sizeof(struct bt_page_run);
	b->order.released = BACKTEST_NO_TIME;
	b->input.first = BACKTEST_NO_TIME;
	b->input.last = BACKTEST_NO_TIME;
	*ret = b;
	return 0;
}

struct backtest *backtest_free(struct backtest *b)
{
	if (b) {
		for (uint32_t i = 0; i < b->n_machines; i++)
			bt_free_machine(b, &b->machines[i]);
		bt_free_tables(b);
		free(b->order.v);
		free(b);
	}
	return NULL;
}

static bool is_corrected(const struct bt_event *ev)
{
	return ev->kind == BACKTEST_CE || ev->kind == BACKTEST_CE_SCRUB;
}

/* Charges a corrected error to its page. 0 and *ret, NO_PAGE if the row has no page;
 * -ENOMEM. */
static int backtest_charge_page(struct backtest *b, const struct bt_event *ev,
				uint32_t *ret)
{
	struct bt_dimm *d = &b->dimms[ev->dimm];
	struct bt_page *page;
	int r;

	*ret = NO_PAGE;
	if (!ev->has_address || ev->address == 0 || ev->grain_bits > b->page_shift) {
		b->input.unplaced += ev->count;
		return 0;
	}
	r = bt_find_page(b, d->machine, ev->address >> b->page_shift, ret);
	if (r < 0)
		return r;
	page = bt_page_at(b, *ret);
	if (r > 0) {
		page->dimm = ev->dimm;
		page->first_seen = ev->time;
		d->pages++;
	}
	page->ces += ev->count;
	if (page->first_seen > ev->time)
		page->first_seen = ev->time;
	return 0;
}

/* True if @policy never sees the row, because the page was out of use by then. */
static bool backtest_is_avoided(struct backtest *b, unsigned int policy,
				const struct bt_event *ev, uint32_t page)
{
	int64_t offlined_at;

	if (page == NO_PAGE)
		return false;
	offlined_at = bt_page_at(b, page)->runs[policy].offlined_at;
	if (offlined_at == BACKTEST_NO_TIME || ev->time < offlined_at)
		return false;
	b->dimms[ev->dimm].scores[policy].ces_avoided += ev->count;
	return ev->kind == BACKTEST_CE;
}

/*
 * Time passes for each policy whether the policy sees the error or not: pages that wait
 * for a budget are offlined as time passes, and the error's page may be one of them.
 */
static int backtest_give(struct backtest *b, const struct bt_event *ev, uint32_t page)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < b->n_policies; i++) {
		r = bt_advance(b, i, b->dimms[ev->dimm].machine, ev->time);
		if (r == 0 && !backtest_is_avoided(b, i, ev, page))
			r = bt_feed(b, i, ev, page);
	}
	return r;
}

/* Handles one row in its order. 0; -ENOMEM. */
static int backtest_take(struct backtest *b, const struct bt_event *ev)
{
	struct bt_dimm *d = &b->dimms[ev->dimm];
	struct bt_machine *m = &b->machines[d->machine];
	uint32_t page = NO_PAGE;
	int r = 0;

	if (ev->ue_time != BACKTEST_NO_TIME &&
	    (d->ticket == BACKTEST_NO_TIME || ev->ue_time < d->ticket))
		d->ticket = ev->ue_time;
	if (d->ticket != BACKTEST_NO_TIME && ev->time > d->ticket) {
		if (is_corrected(ev))
			b->input.after_ue += ev->count;
		return 0;
	}
	if (ev->kind == BACKTEST_UNCORRECTED &&
	    (d->first_ue == BACKTEST_NO_TIME || ev->time < d->first_ue))
		d->first_ue = ev->time;
	if (is_corrected(ev)) {
		d->ces += ev->count;
		b->input.ces += ev->count;
		r = backtest_charge_page(b, ev, &page);
	}
	if (r == 0 && !m->runs)
		r = bt_start_machine(b, d->machine, ev->time);
	return r < 0 ? r : backtest_give(b, ev, page);
}

static int order_compare(const void *a, const void *b)
{
	const struct bt_event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static bool order_is_sorted(const struct bt_order *o)
{
	for (size_t i = 1; i < o->n; i++)
		if (o->v[i].time < o->v[i - 1].time)
			return false;
	return true;
}

/* Handles the @n earliest rows of the queue. */
static int order_release(struct backtest *b, size_t n)
{
	struct bt_order *o = &b->order;
	int r = 0;

	if (o->n == 0)
		return 0;
	if (!order_is_sorted(o))
		qsort(o->v, o->n, sizeof(*o->v), order_compare);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (o->v[i].time < o->released)
			b->input.late++;
		else
			o->released = o->v[i].time;
		r = backtest_take(b, &o->v[i]);
	}
	o->n -= n;
	memmove(o->v, o->v + n, o->n * sizeof(*o->v));
	return r;
}

static int order_make_room(struct bt_order *o)
{
	size_t room = o->room ? o->room * 2 : FIRST_ROWS;
	struct bt_event *v;

	if (o->n < o->room)
		return 0;
	v = reallocarray(o->v, room, sizeof(*v));
	if (!v)
		return -ENOMEM;
	o->v = v;
	o->room = room;
	return 0;
}

/* Waiting pages are tried every hour: over the whole range of 64 bits that would never
 * end. */
static bool row_is_in_time(const struct backtest_row *row)
{
	return row->time >= 0 && row->time < LAST_TIME &&
	       (row->ue_time == BACKTEST_NO_TIME ||
		(row->ue_time >= 0 && row->ue_time < LAST_TIME));
}

int backtest_add(struct backtest *b, const struct backtest_row *row)
{
	struct bt_order *o = &b->order;
	struct bt_event *ev;
	uint32_t dimm;
	int r = order_make_room(o);

	b->input.rows++;
	if (!row_is_in_time(row)) {
		b->input.untimed++;
		return 0;
	}
	if (r == 0)
		r = bt_find_dimm(b, row, &dimm);
	if (r == -ENOSPC) {
		b->input.left_out++;
		return 0;
	}
	if (r < 0)
		return r;
	if (b->input.first == BACKTEST_NO_TIME || row->time < b->input.first)
		b->input.first = row->time;
	if (b->input.last == BACKTEST_NO_TIME || row->time > b->input.last)
		b->input.last = row->time;
	ev = &o->v[o->n++];
	*ev = (struct bt_event){ .time = row->time,
				 .seq = o->seq++,
				 .ue_time = row->ue_time,
				 .address = row->address,
				 .count = row->count ? row->count : 1,
				 .events = row->events ? row->events : 1,
				 .dimm = dimm,
				 .coord = row->coord,
				 .kind = (uint8_t)row->kind,
				 .grain_bits = row->grain_bits,
				 .has_address = row->has_address };
	return o->n == QUEUE_ROWS ? order_release(b, BACKTEST_ORDER_ROWS) : 0;
}

/*
 * Waiting for a budget continues until the DIMM's uncorrected error, or until the end of
 * the recorded time.
 */
static int backtest_finish_dimm(struct backtest *b, const struct bt_dimm *d)
{
	int64_t end = d->ticket != BACKTEST_NO_TIME ? d->ticket : b->input.last;
	int r = 0;

	if (!b->machines[d->machine].runs)
		return 0;
	for (unsigned int i = 0; r == 0 && i < b->n_policies; i++)
		r = bt_advance(b, i, d->machine, end);
	return r;
}

/* Which pages had an error up to the UE of their DIMM, and were out of use by then. */
static void backtest_count_before_ue(struct backtest *b)
{
	for (uint32_t i = 0; i < b->pages.n; i++) {
		const struct bt_page *page = bt_page_at(b, i);
		struct bt_dimm *d = &b->dimms[page->dimm];
		int64_t ue = bt_ue_of(d);

		if (ue == BACKTEST_NO_TIME || page->first_seen > ue)
			continue;
		d->pages_before_ue++;
		for (unsigned int j = 0; j < b->n_policies; j++) {
			int64_t at = page->runs[j].offlined_at;

			if (at != BACKTEST_NO_TIME && at <= ue)
				d->scores[j].offlined_before_ue++;
		}
	}
}

int backtest_finish(struct backtest *b)
{
	int r = order_release(b, b->order.n);

	for (uint32_t i = 0; r == 0 && i < b->n_dimms; i++)
		r = backtest_finish_dimm(b, &b->dimms[i]);
	b->input.dimms = b->n_dimms;
	for (uint32_t i = 0; i < b->n_dimms; i++)
		b->input.ue_dimms += bt_ue_of(&b->dimms[i]) != BACKTEST_NO_TIME;
	backtest_count_before_ue(b);
	return r;
}

void backtest_input(const struct backtest *b, struct backtest_input *ret)
{
	*ret = b->input;
}
