/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a story may state about the engine at a moment, next to the effects:
 *
 *   expect page ADDR [state=] [result=] [reason=] [count=] [attempts=] [tries=] [by-us=]
 *                    [stamps=]
 *   expect no-page ADDR
 *   expect totals [events=] [ces=] [ues=] [unattributed=] [lost=] [malformed=] [gaps=]
 *   expect dimm LABEL [ces=] [ues=] [unattributed=] [offlined=] [overflow=] [verdict=]
 *                     [pages=]
 *   expect status [verdict=] [hold=] [waiting=] [tracked=] [offlined=] [hour-used=]
 *                 [poisoned=] [by-us=] [by-others=]
 *   expect stored [pages=] [ce-rows=] [ce-count=] [actions=]
 *   expect writes N    expect hour-max N    expect deadline TIME|never
 *
 * It only looks.
 */

#include <errno.h>
#include <string.h>

#include "story.h"

/* A fact, and what the story says of it, if it does. */
static void check_word(struct story *s, const struct words *w, const char *key,
		       const char *got)
{
	const char *value = words_value(w, 2, key);

	if (value && strcmp(value, got) != 0)
		story_fail(s, "%s %s: expected %s=%s, got %s", w->v[1],
			   w->n > 2 ? w->v[2] : "", key, value, got);
}

static void check_number(struct story *s, const struct words *w, const char *key,
			 int64_t got)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)got);
	check_word(s, w, key, text);
}

static int expect_page(struct story *s, const struct words *w)
{
	const struct sim *sim = story_sim(s);
	bool absent = strcmp(w->v[1], "no-page") == 0;
	const struct page_rec *rec;
	uint64_t a;

	if (w->n < 3 || parse_u64(w->v[2], &a) < 0)
		return -EINVAL;
	rec = ce_tracker_peek(engine_tracker(sim->engine),
			      paddr_to_pfn(paddr(a), sim->page_shift));
	if (absent == !rec) {
		if (!rec)
			return 0;
	} else {
		story_fail(s, "page %s is %stracked", w->v[2], rec ? "" : "not ");
		return 0;
	}
	check_word(s, w, "state", page_state_to_string((enum page_state)rec->state));
	check_word(s, w, "result", result_to_string((enum result)rec->result));
	check_word(s, w, "reason", reason_to_string((enum reason)rec->reason));
	check_number(s, w, "count", (int64_t)rec->corrected_errors);
	check_number(s, w, "attempts", rec->attempts);
	check_number(s, w, "tries", rec->tries);
	check_number(s, w, "by-us", rec->by_us);
	check_number(s, w, "stamps", rec->n_stamps);
	return 0;
}

static int expect_totals(struct story *s, const struct words *w)
{
	const struct totals *t = engine_totals(story_sim(s)->engine);

	check_number(s, w, "events", (int64_t)t->events);
	check_number(s, w, "ces", (int64_t)t->corrected_errors);
	check_number(s, w, "ues", (int64_t)t->uncorrected_errors);
	check_number(s, w, "unattributed", (int64_t)t->unattributed);
	check_number(s, w, "lost", (int64_t)t->events_lost);
	check_number(s, w, "malformed", (int64_t)t->malformed);
	check_number(s, w, "gaps", (int64_t)t->gaps);
	return 0;
}

static int expect_dimm(struct story *s, const struct words *w)
{
	const struct engine *e = story_sim(s)->engine;

	if (w->n < 3)
		return -EINVAL;
	for (uint16_t i = 0; i < engine_dimms(e); i++) {
		const struct dimm_rec *d = engine_dimm(e, i);

		if (strcmp(d->label, w->v[2]) != 0)
			continue;
		check_number(s, w, "ces", (int64_t)d->corrected_errors);
		check_number(s, w, "ues", (int64_t)d->uncorrected_errors);
		check_number(s, w, "ue-address", (int64_t)d->last_ue_address);
		check_number(s, w, "unattributed", (int64_t)d->unattributed);
		check_number(s, w, "offlined", d->offlined);
		check_number(s, w, "pages", d->pages);
		check_number(s, w, "overflow", d->overflow);
		check_number(s, w, "former", d->former);
		check_word(s, w, "fault", fault_class_to_string(d->fault.class));
		check_number(s, w, "cells", d->fault.cells);
		check_number(s, w, "rows", d->fault.rows);
		check_number(s, w, "banks", d->fault.banks);
		check_word(s, w, "verdict",
			   verdict_to_string(engine_dimm_verdict(e, i, NULL)));
		return 0;
	}
	story_fail(s, "no DIMM \"%s\"", w->v[2]);
	return 0;
}

static int expect_status(struct story *s, const struct words *w)
{
	const struct sim *sim = story_sim(s);
	struct engine_status st;

	engine_status(sim->engine, usec(sim->now - sim->base), &st);
	check_word(s, w, "verdict", verdict_to_string(st.verdict));
	check_word(s, w, "source", sight_cause_to_string(st.sight));
	check_word(s, w, "hold", result_to_string(st.hold));
	check_word(s, w, "waiting", result_to_string(st.waiting_for));
	check_number(s, w, "tracked", st.tracked);
	check_number(s, w, "offlined", st.offlined_by_us);
	check_number(s, w, "hour-used", st.hour_used);
	check_number(s, w, "poisoned", st.poisoned_kib);
	check_number(s, w, "by-us", st.by_us_kib);
	check_number(s, w, "by-others", st.by_others_kib);
	return 0;
}

static int expect_stored(struct story *s, const struct words *w)
{
	const struct sim_store *st = &story_sim(s)->store;

	check_number(s, w, "pages", (int64_t)st->n_pages);
	check_number(s, w, "ce-rows", (int64_t)st->ce_rows);
	check_number(s, w, "ce-count", (int64_t)st->ce_count);
	check_number(s, w, "actions", (int64_t)st->n_actions);
	return 0;
}

static int expect_number(struct story *s, const struct words *w)
{
	const struct sim *sim = story_sim(s);
	bool writes = strcmp(w->v[1], "writes") == 0;
	uint64_t got = writes ? sim->writes : sim_hour_max(sim);
	uint64_t n;

	if (w->n != 3 || parse_u64(w->v[2], &n) < 0)
		return -EINVAL;
	if (n != got)
		story_fail(s, "%s: expected %llu, got %llu", w->v[1],
			   (unsigned long long)n, (unsigned long long)got);
	return 0;
}

static int expect_deadline(struct story *s, const struct words *w)
{
	const struct sim *sim = story_sim(s);
	usec_t at = engine_deadline(sim->engine);
	char text[TIME_TEXT_MAX];
	usec_t when = usec(USEC_NEVER);

	if (w->n != 3 ||
	    (strcmp(w->v[2], "never") != 0 && parse_time(w->v[2], &when) < 0))
		return -EINVAL;
	if (at.us != USEC_NEVER)
		at = sim_time(sim, at.us);
	if (at.us != when.us)
		story_fail(s, "deadline: expected %s, got %s", w->v[2],
			   at.us == USEC_NEVER ? "never" : format_time(at, text));
	return 0;
}

static const struct {
	const char *word;
	int (*fn)(struct story *s, const struct words *w);
} facts[] = {
	{ "page", expect_page },         { "no-page", expect_page },
	{ "totals", expect_totals },     { "dimm", expect_dimm },
	{ "status", expect_status },     { "stored", expect_stored },
	{ "writes", expect_number },     { "hour-max", expect_number },
	{ "deadline", expect_deadline },
};

int expect_check(struct story *s, const struct words *w)
{
	for (size_t i = 0; w->n > 1 && i < ARRAY_SIZE(facts); i++)
		if (strcmp(w->v[1], facts[i].word) == 0)
			return facts[i].fn(s, w);
	return -EINVAL;
}
