/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who moved the poisoned-page counter. The kernel's events say so where it has them;
 * elsewhere the suspect is a guess. The ledger asks nobody, and does not know whether a
 * frame is poisoned.
 */

#include "engine/poison_ledger.h"

#include <string.h>

void poison_ledger_init(struct poison_ledger *l, unsigned int page_shift)
{
	*l = (struct poison_ledger){
		.page_kib = INT64_C(1) << (page_shift - 10),
		.kib = -1,
		.suspect = POISON_OTHER,
	};
}

/* The counter is at @kib now, because of @cause. */
static void ledger_enter(struct poison_ledger *l, struct poison_entries *ret, int64_t kib,
			 enum poison_cause cause, pfn_t p, usec_t now)
{
	ret->v[ret->n++] = (struct poison_entry){
		.row = {
			.time = now.us,
			.kib = kib,
			.delta_kib = l->kib < 0 ? 0 : kib - l->kib,
			.cause = cause,
			.pfn = p.n,
		},
	};
	l->kib = kib;
	l->entered = now;
}

/* Charges what soft_offline_event announced, as far as the counter has moved to @kib. */
static void ledger_charge_announced(struct poison_ledger *l, struct poison_entries *ret,
				    int64_t kib, usec_t now)
{
	for (int cause = 0; cause < POISON_CAUSE_MAX_; cause++) {
		struct poison_announced *a = &l->announced[cause];
		int64_t pages = (kib - l->kib) / l->page_kib;

		if (pages <= 0)
			return;
		if (pages > a->pages)
			pages = a->pages;
		if (pages == 0)
			continue;
		ledger_enter(l, ret, l->kib + pages * l->page_kib,
			     (enum poison_cause)cause, pages == 1 ? a->pfn : pfn(0), now);
		a->pages -= (uint32_t)pages;
	}
}

/* Charges a rise to @kib that no event of a soft offline explains. */
static void ledger_charge_rise(struct poison_ledger *l, struct poison_entries *ret,
			       int64_t kib, usec_t now)
{
	int64_t delta = kib - l->kib;
	int64_t by_failure = delta < l->failure_kib ? delta : l->failure_kib;

	if (by_failure > 0) {
		l->failure_kib -= by_failure;
		ledger_enter(l, ret, l->kib + by_failure, POISON_MEMORY_FAILURE,
			     l->failure_pfn, now);
	}
	l->unexplained_kib = delta - by_failure;
	l->unexplained_at = now;
	if (by_failure != delta)
		ledger_enter(l, ret, kib, l->suspect, pfn(0), now);
}

/* The counter is at @kib, and nothing that we did explains the difference. */
static void ledger_move(struct poison_ledger *l, struct poison_entries *ret, int64_t kib,
			usec_t now)
{
	int64_t delta;

	ledger_charge_announced(l, ret, kib, now);
	delta = kib - l->kib;
	if (delta == 0)
		return;
	if (delta > 0)
		ledger_charge_rise(l, ret, kib, now);
	else
		ledger_enter(l, ret, kib, POISON_RELEASED, pfn(0), now);
	ret->v[ret->n - 1].moved_kib = delta;
}

void poison_ledger_sample(struct poison_ledger *l, int64_t kib, usec_t now,
			  struct poison_entries *ret)
{
	ret->n = 0;
	if (l->kib < 0)
		ledger_enter(l, ret, kib, POISON_START, pfn(0), now);
	else if (kib != l->kib)
		ledger_move(l, ret, kib, now);
	else if (usec_sub(now, l->entered).us >= USEC_PER_DAY)
		ledger_enter(l, ret, kib, POISON_SAMPLE, pfn(0), now);
	/* What has not moved the counter by now never will. */
	l->failure_kib = 0;
	memset(l->announced, 0, sizeof(l->announced));
}

void poison_ledger_answer(struct poison_ledger *l, const struct action_row *row,
			  usec_t now, struct poison_entries *ret)
{
	int64_t ours = row->result == RESULT_OFFLINED ? l->page_kib : 0;
	int64_t before = row->poisoned_before_kib;
	int64_t after = row->poisoned_after_kib;

	ret->n = 0;
	if (before < 0 || after < 0 || row->result == RESULT_DRY_RUN)
		return;
	if (l->kib >= 0 && before != l->kib)
		ledger_move(l, ret, before, now);
	if (ours > after - before)
		ours = after - before > 0 ? after - before : 0;
	if (l->kib < 0)
		l->kib = before;
	if (ours > 0)
		ledger_enter(l, ret, before + ours, POISON_OFFLINED, pfn(row->pfn), now);
	if (after != l->kib)
		ledger_move(l, ret, after, now);
}

void poison_ledger_announce(struct poison_ledger *l, const struct soft_event *ev,
			    enum poison_cause cause, usec_t now,
			    struct poison_entries *ret)
{
	struct poison_announced *a = &l->announced[cause];

	ret->n = 0;
	/*
	 * The counter moves while the request runs: the last sample may have been early
	 * enough to see that and too early to know whose doing it was.
	 */
	if (l->unexplained_kib >= l->page_kib &&
	    ev->time.us - ev->duration_usec <= l->unexplained_at.us) {
		l->unexplained_kib -= l->page_kib;
		ledger_enter(l, ret, l->kib, cause, ev->pfn, now);
		return;
	}
	if (a->pages < UINT32_MAX)
		a->pages++;
	a->pfn = ev->pfn;
}

void poison_ledger_note_failure(struct poison_ledger *l, pfn_t p)
{
	l->failure_kib += l->page_kib;
	l->failure_pfn = p;
}
