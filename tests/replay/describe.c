/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Effects as lines of words, in the spelling that stories use. It judges nothing.
 */

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "script.h"

struct text {
	char *buf;
	size_t size;
	size_t len;
};

_printf_(2, 3) static void put(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->buf + t->len, t->size - t->len, format, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
	if (t->len >= t->size)
		t->len = t->size - 1;
}

static void put_page(const struct sim *s, struct text *t, pfn_t p)
{
	put(t, " 0x%llx", (unsigned long long)pfn_to_paddr(p, s->page_shift).addr);
}

static void describe_notice(const struct sim *s, const struct notice *r, struct text *t)
{
	char time[TIME_TEXT_MAX], held_by[WIDE_LIMIT_TEXT_MAX];

	put(t, "notice %s", notice_to_string(r->kind));
	if (r->has_pfn)
		put_page(s, t, r->pfn);
	put(t, " %s reason=%s dimm=%u count=%llu in-window=%u",
	    result_to_string(r->result), reason_to_string(r->reason), r->dimm,
	    (unsigned long long)r->count, r->in_window);
	if (r->kind == NOTICE_POISON_MOVED)
		put(t, " cause=%s", poison_cause_to_string(r->cause));
	if (r->kind == NOTICE_BLIND || r->kind == NOTICE_SEES)
		put(t, " source=%s", sight_cause_to_string(r->sight));
	if (r->kind == NOTICE_FAULT || r->kind == NOTICE_VERDICT)
		put(t, " fault=%s verdict=%s", fault_class_to_string(r->fault),
		    verdict_to_string(r->verdict));
	if (r->held_by != WIDE_LIMIT_NONE)
		put(t, " %s", wide_limit_text(r->held_by, r->held_limit, held_by));
	if (r->kind == NOTICE_VERDICT)
		put(t, " was=%s", verdict_to_string(r->verdict_before));
	put(t, " delta=%+lld errno=%s", (long long)r->delta_kib, errno_name(r->error));
	if (r->retry_at.us != 0)
		put(t, " retry=%s",
		    format_time(usec_sub(r->retry_at, usec(s->now - s->base)), time));
}

static void describe_action(const struct sim *s, const struct action_row *row,
			    struct text *t)
{
	switch (row->action) {
	case ACTION_OFFLINE:
		put(t, row->result == RESULT_NONE ? "intent" : "result");
		break;
	case ACTION_REFUSE:
		put(t, "refused");
		break;
	case ACTION_OBSERVE:
		put(t, "observed");
		break;
	case ACTION_FORGET:
		put(t, "forgotten");
		break;
	case ACTION_FOREIGN:
		put(t, "foreign");
		break;
	case ACTION_MAX_:
		put(t, "invalid");
		break;
	}
	put_page(s, t, pfn(row->pfn));
	put(t,
	    " %s reason=%s errno=%s type=%s outcome=%s kib=%lld..%lld took=%lldus id=%llu",
	    result_to_string(row->result), reason_to_string(row->reason),
	    errno_name(row->error), frame_kind_to_string(row->page_type),
	    soft_outcome_to_string(row->outcome), (long long)row->poisoned_before_kib,
	    (long long)row->poisoned_after_kib, (long long)row->duration_usec,
	    (unsigned long long)row->id);
}

static void describe_attempt(const struct sim *s, pfn_t p, struct text *t)
{
	const struct page_rec *rec = ce_tracker_peek(engine_tracker(s->engine), p);

	put(t, "offline");
	put_page(s, t, p);
	put(t, " %s", rec ? reason_to_string((enum reason)rec->reason) : "no-record");
}

static void describe_poison(const struct sim *s, const struct poison_row *row,
			    struct text *t)
{
	put(t, "poison %s %+lld total=%lld", poison_cause_to_string(row->cause),
	    (long long)row->delta_kib, (long long)row->kib);
	if (row->pfn != 0)
		put_page(s, t, pfn(row->pfn));
}

bool describe_effect(const struct sim *s, const struct effect *f, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };

	switch (f->kind) {
	case EFFECT_PROBE:
		put(&t, "probe");
		put_page(s, &t, f->pfn);
		return true;
	case EFFECT_OFFLINE:
		describe_attempt(s, f->attempt.pfn, &t);
		return true;
	case EFFECT_STORE_ACTION:
		describe_action(s, &f->action, &t);
		return true;
	case EFFECT_STORE_POISON:
		describe_poison(s, &f->poison, &t);
		return true;
	case EFFECT_KERNEL:
		put(&t, "look-at-kernel");
		return true;
	case EFFECT_RECONCILE:
		put(&t, "reconcile");
		return true;
	case EFFECT_NOTICE:
		describe_notice(s, &f->notice, &t);
		return true;
	case EFFECT_REPLY:
		put(&t, "reply");
		put_page(s, &t, f->reply.pfn);
		put(&t, " %s errno=%s", result_to_string(f->reply.result),
		    errno_name(f->reply.error));
		return true;
	case EFFECT_LOAD:
		put(&t, "load");
		put_page(s, &t, f->pfn);
		return true;
	case EFFECT_REMOVE_PAGE:
		put(&t, "remove");
		put_page(s, &t, f->pfn);
		return true;
	case EFFECT_REMOVE_DIMM:
	case EFFECT_STORE_PAGE:
	case EFFECT_STORE_CE:
	case EFFECT_STORE_DIMM:
	case EFFECT_STORE_CELL:
	case EFFECT_STORE_TOTALS:
	case EFFECT_STORE_SPENT:
		break;
	}
	return false;
}

bool describe_must_be_expected(const char *line)
{
	static const char *const words[] = {
		"offline ",
		"result ",
		"refused ",
		"observed ",
		"forgotten ",
		"foreign ",
		"reply ",
		"notice threshold ",
		"notice failed ",
		"notice budget ",
		"notice fault ",
		"notice verdict ",
		"notice module ",
		"notice hold ",
		"notice blind ",
		"notice sees ",
		"notice released ",
		"notice poison-lost ",
		"notice poison-moved ",
		"notice recovered ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(line, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}
