/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Makes notices of a status, and remembers which were given. It asks nobody.
 */

#include "notify/standing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/reason.h"

/* A condition: two with the same words are one. */
struct condition {
	char kind[REPORT_WORD_MAX];
	char dimm[DIMM_LABEL_MAX];
	char slot[sizeof(((struct notice_report *)NULL)->slot)];
	char verdict[REPORT_WORD_MAX];
};

struct standing {
	struct condition v[STANDING_MAX];
	unsigned int n;
};

struct teller {
	struct standing *before, *now;
	standing_fn fn;
	void *ctx;
};

/* The kinds that stand, and those that end them. */
static const struct {
	const char *begins, *ends;
} kinds[] = {
	{ "verdict", "" },
	{ "blind", "sees" },
	{ "hold", "released" },
	{ "database-failed", "database-works" },
};

struct standing *standing_new(void)
{
	return calloc(1, sizeof(struct standing));
}

struct standing *standing_free(struct standing *s)
{
	free(s);
	return NULL;
}

static struct condition condition_of(const struct notice_report *r)
{
	struct condition c = { 0 };

	snprintf(c.kind, sizeof(c.kind), "%s", r->kind);
	snprintf(c.dimm, sizeof(c.dimm), "%s", r->dimm);
	snprintf(c.slot, sizeof(c.slot), "%s", r->slot);
	if (strcmp(r->kind, "verdict") == 0)
		snprintf(c.verdict, sizeof(c.verdict), "%s", r->verdict);
	return c;
}

static bool condition_same_thing(const struct condition *a, const struct condition *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->dimm, b->dimm) == 0 &&
	       strcmp(a->slot, b->slot) == 0;
}

static void standing_drop(struct standing *s, const struct condition *c)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (condition_same_thing(&s->v[i], c)) {
			s->v[i] = s->v[--s->n];
			return;
		}
}

static void standing_add(struct standing *s, const struct condition *c)
{
	if (s->n < STANDING_MAX)
		s->v[s->n++] = *c;
}

static bool standing_has(const struct standing *s, const struct condition *c)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (condition_same_thing(&s->v[i], c) &&
		    strcmp(s->v[i].verdict, c->verdict) == 0)
			return true;
	return false;
}

void standing_heard(struct standing *s, const struct notice_report *r)
{
	struct condition c = condition_of(r);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		bool begins = strcmp(r->kind, kinds[i].begins) == 0;

		if (!begins && strcmp(r->kind, kinds[i].ends) != 0)
			continue;
		snprintf(c.kind, sizeof(c.kind), "%s", kinds[i].begins);
		standing_drop(s, &c);
		if (begins)
			standing_add(s, &c);
	}
}

static struct notice_report notice_of(const char *kind, const char *priority, int64_t now)
{
	struct notice_report r = { .time = now,
				   .error = REPORT_NO_NUMBER,
				   .reason = "none",
				   .result = "none",
				   .standing = 1 };

	snprintf(r.kind, sizeof(r.kind), "%s", kind);
	snprintf(r.priority, sizeof(r.priority), "%s", priority);
	return r;
}

static void teller_give(const struct teller *t, const struct notice_report *r)
{
	struct condition c = condition_of(r);

	if (!standing_has(t->before, &c))
		t->fn(t->ctx, r);
	standing_add(t->now, &c);
}

static void tell_dimm(const struct teller *t, const struct dimm_report *d, int64_t now)
{
	struct notice_report r = notice_of("verdict", "warning", now);
	enum verdict verdict;

	if (d->former == 1 || d->missing == 1 ||
	    verdict_from_string(d->verdict, &verdict) < 0 || verdict < VERDICT_REPAIR)
		return;
	if (verdict == VERDICT_REPLACE)
		snprintf(r.priority, sizeof(r.priority), "crit");
	snprintf(r.dimm, sizeof(r.dimm), "%s", d->label);
	if (strcmp(d->slot_match, "exact") == 0)
		snprintf(r.slot, sizeof(r.slot), "%s", d->slot);
	snprintf(r.part, sizeof(r.part), "%s", d->part);
	snprintf(r.fault, sizeof(r.fault), "%s", d->fault[0] ? d->fault : "none");
	snprintf(r.verdict, sizeof(r.verdict), "%s", d->verdict);
	snprintf(r.message, sizeof(r.message), "%.100s: verdict %.30s: %.350s.", d->label,
		 d->verdict, d->verdict_why);
	teller_give(t, &r);
}

static void tell_machine(const struct teller *t, const struct status_report *s,
			 int64_t now)
{
	struct notice_report r;

	if (s->source_up == 0) {
		/* In a virtual machine it is as expected. */
		bool guest = strcmp(s->source_cause, "guest") == 0;

		r = notice_of("blind", guest ? "warning" : "err", now);
		snprintf(r.message, sizeof(r.message),
			 "No memory error can be seen, and none is counted (%.30s): "
			 "%.180s; %.180s.",
			 s->source_state, s->source_why, s->source_remedy);
		teller_give(t, &r);
	}
	if (s->hold[0] && strcmp(s->hold, "none") != 0) {
		r = notice_of("hold", "err", now);
		snprintf(r.result, sizeof(r.result), "%s", s->hold);
		snprintf(
			r.message, sizeof(r.message),
			"Nothing is offlined for now: %.30s (%.250s). Counting continues; "
			"see softofflinectl check.",
			s->hold, s->hold_why);
		teller_give(t, &r);
	}
	if (s->db_ok == 0) {
		r = notice_of("database-failed", "err", now);
		snprintf(r.message, sizeof(r.message),
			 "Database: what is counted cannot be stored; see journalctl -u "
			 "softofflined. Counting continues.");
		teller_give(t, &r);
	}
}

void standing_tell(struct standing *s, const struct status_report *status,
		   const struct dimm_report *dimms, size_t n, int64_t now, standing_fn fn,
		   void *ctx)
{
	_cleanup_(free_p) struct standing *present = standing_new();
	struct teller t = { .before = s, .now = present, .fn = fn, .ctx = ctx };

	if (!present)
		return;
	for (size_t i = 0; i < n; i++)
		tell_dimm(&t, &dimms[i], now);
	tell_machine(&t, status, now);
	*s = *present;
}
