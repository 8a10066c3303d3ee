/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The ring of waiting notices. It does not know what becomes of them.
 */

#include "notify/notice_queue.h"

#include <string.h>

static struct notice_entry *queue_at(struct notice_queue *q, unsigned int i)
{
	return &q->v[(q->first + i) % NOTICE_QUEUE_MAX];
}

static void queue_fold(struct notice_entry *e, const struct notice_report *r)
{
	char before[REPORT_WORD_MAX];

	memcpy(before, e->notice.verdict_before, sizeof(before));
	e->notice = *r;
	memcpy(e->notice.verdict_before, before, sizeof(before));
	e->times++;
}

void notice_queue_add(struct notice_queue *q, const struct notice_report *r)
{
	for (unsigned int i = 0; i < q->n; i++) {
		struct notice_entry *e = queue_at(q, i);

		if (strcmp(e->notice.kind, r->kind) == 0 &&
		    strcmp(e->notice.dimm, r->dimm) == 0) {
			queue_fold(e, r);
			return;
		}
	}
	if (q->n == NOTICE_QUEUE_MAX) {
		q->dropped++;
		return;
	}
	*queue_at(q, q->n++) = (struct notice_entry){ .notice = *r, .times = 1 };
}

bool notice_queue_take(struct notice_queue *q, struct notice_entry *ret,
		       uint64_t *ret_dropped)
{
	if (q->n == 0)
		return false;
	*ret = *queue_at(q, 0);
	q->first = (q->first + 1) % NOTICE_QUEUE_MAX;
	q->n--;
	*ret_dropped = q->dropped;
	q->dropped = 0;
	return true;
}
