/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One engine for each machine and policy, on a simulated machine (sim/sim.h) that always
 * does what it is asked. It notes what the engine did, and judges nothing. The one rule
 * of its own is the tumbling window, which the engine does not have.
 */

#include <errno.h>
#include <string.h>

#include "backtest/backtest_internal.h"
#include "base/mem.h"

/* The boot clock at the first row: long enough for any budget to be full. */
#define UPTIME USEC_PER_DAY

/* A row may stand for any number of events; after this many in one second, more events
 * change no decision. */
#define EVENTS_MAX CONFIG_MAX_THRESHOLD

/* Of the history, which nobody stores here. There is one engine for each machine and
 * policy, and a program of 32 bits has 4 GiB of addresses for all of them. */
#define OPEN_ROWS 64

static struct bt_score *run_score(const struct bt_run *run, uint32_t dimm)
{
	return &run->b->dimms[dimm].scores[run->policy];
}

/* The score of the DIMM that the engine calls @index; NULL if no row is of that DIMM. */
static struct bt_score *run_score_of(const struct bt_run *run, uint16_t index)
{
	if (index >= run->n_dimm_of || run->dimm_of[index] == NO_DIMM)
		return NULL;
	return run_score(run, run->dimm_of[index]);
}

/* A DIMM that the engine has just met for the first time is the DIMM of the row. */
static void run_note_dimms(struct bt_run *run)
{
	unsigned int n = engine_dimms(run->sim->engine);
	uint32_t *grown;

	if (n <= run->n_dimm_of)
		return;
	grown = reallocarray(run->dimm_of, n, sizeof(*grown));
	if (!grown) {
		run->sim->error = -ENOMEM;
		return;
	}
	run->dimm_of = grown;
	while (run->n_dimm_of < n)
		grown[run->n_dimm_of++] = run->dimm;
}

static void run_note_notice(struct bt_run *run, const struct notice *n)
{
	struct bt_score *score;

	run_note_dimms(run);
	score = run_score_of(run, n->dimm);
	if (n->kind == NOTICE_BUDGET && n->result == RESULT_BUDGET_HOUR)
		run->budget_hour = true;
	else if (n->kind == NOTICE_BUDGET && n->result == RESULT_BUDGET_TOTAL)
		run->budget_total = true;
	else if (n->kind == NOTICE_BUDGET && n->result == RESULT_BUDGET_DIMM && score)
		score->budget = true;
	else if (n->kind == NOTICE_VERDICT && n->verdict == VERDICT_REPLACE && score &&
		 score->replace_time == BACKTEST_NO_TIME)
		score->replace_time = run->sim->now;
}

/* Each attempt succeeds at once. */
static void run_note_offlined(struct bt_run *run, pfn_t p)
{
	uint32_t place = bt_peek_page(run->b, run->machine, p.n);
	struct bt_page *page;
	struct bt_score *score;

	if (place == NO_PAGE)
		return;
	page = bt_page_at(run->b, place);
	if (page->runs[run->policy].offlined_at != BACKTEST_NO_TIME)
		return;
	page->runs[run->policy].offlined_at = run->sim->now;
	score = run_score(run, page->dimm);
	score->pages_offlined++;
	if (score->first_action == BACKTEST_NO_TIME)
		score->first_action = run->sim->now;
}

static void run_watch(void *userdata, const struct effect *f)
{
	if (f->kind == EFFECT_NOTICE)
		run_note_notice(userdata, &f->notice);
	else if (f->kind == EFFECT_OFFLINE)
		run_note_offlined(userdata, f->attempt.pfn);
}

/* Keeps only what leaves the engine's table; for the rest, ask the engine. */
static int run_keep(void *userdata, const struct effect *f)
{
	const struct bt_run *run = userdata;
	const struct ce_tracker *t = engine_tracker(run->sim->engine);

	if (f->kind != EFFECT_STORE_PAGE || ce_tracker_peek(t, pfn(f->page->pfn)))
		return 0;
	return sim_store_effect(&run->sim->store, run->sim->engine, f);
}

static int run_start(struct backtest *b, uint32_t machine, unsigned int policy,
		     int64_t time)
{
	struct bt_run *run = &b->machines[machine].runs[policy];
	struct sim *sim;
	int r = sim_new(&sim);

	if (r < 0)
		return r;
	*run = (struct bt_run){
		.b = b, .sim = sim, .machine = machine, .policy = policy
	};
	run->dimm = NO_DIMM;
	sim->cfg = b->policies[policy]->cfg;
	sim->open_rows = OPEN_ROWS;
	sim->page_shift = b->page_shift;
	sim->machine.ram_pages = BACKTEST_RAM_PAGES;
	sim->machine.available_kib = BACKTEST_RAM_PAGES << (b->page_shift - 10);
	sim->poisoned_kib = SIM_NO_COUNTER;
	sim->now = time;
	sim->base = time - UPTIME;
	sim->hooks = (struct sim_hooks){ .watch = run_watch, .keep = run_keep };
	sim->userdata = run;
	r = sim_start(sim);
	if (r < 0)
		return r; /* perhaps without an engine */
	run_note_dimms(run);
	return sim->error;
}

int bt_start_machine(struct backtest *b, uint32_t machine, int64_t time)
{
	int r = 0;

	b->machines[machine].runs = calloc(b->n_policies, sizeof(struct bt_run));
	if (!b->machines[machine].runs)
		return -ENOMEM;
	for (unsigned int i = 0; r == 0 && i < b->n_policies; i++)
		r = run_start(b, machine, i, time);
	return r;
}

void bt_free_machine(struct backtest *b, struct bt_machine *m)
{
	for (unsigned int i = 0; m->runs && i < b->n_policies; i++) {
		sim_free(m->runs[i].sim);
		free(m->runs[i].dimm_of);
	}
	free(m->runs);
}

int bt_advance(struct backtest *b, unsigned int policy, uint32_t machine, int64_t time)
{
	struct bt_run *run = &b->machines[machine].runs[policy];

	if (run->deadline > time)
		return 0;
	run->dimm = NO_DIMM;
	sim_advance(run->sim, time);
	run->deadline = sim_deadline(run->sim);
	return run->sim->error;
}

static struct ce_event run_make_event(const struct bt_run *run, const struct bt_event *ev)
{
	const struct bt_dimm *dimm = &run->b->dimms[ev->dimm];
	const struct dram_coord none = { 0 };

	return (struct ce_event){
		.time = usec(run->sim->now - run->sim->base),
		.address = paddr(ev->address),
		.count = 1,
		.severity = ev->kind == BACKTEST_UNCORRECTED ? CE_UNCORRECTED
			    : ev->kind == BACKTEST_OTHER     ? CE_INFO
							     : CE_CORRECTED,
		.mc = (uint8_t)(dimm->mc >= 0       ? dimm->mc
				: dimm->socket >= 0 ? dimm->socket
						    : 0),
		.grain_bits = ev->grain_bits ? ev->grain_bits : 6,
		/* The channel is a place; the slot is none, because a table may name two
		 * modules that sat there one after the other. */
		.layer = { (int8_t)dimm->channel, -1, (int8_t)dimm->slot },
		.has_address = ev->has_address,
		.label = { dimm->name, (uint32_t)strlen(dimm->name) },
		.coord = run->b->policies[run->policy]->page_rule_only ? none : ev->coord,
	};
}

/* Counts in the tumbling window, and asks for the page when the count is reached. */
static void run_tumble(struct bt_run *run, const struct bt_event *ev, uint32_t page)
{
	const struct threshold *t = &run->b->policies[run->policy]->tumbling;
	struct bt_page *p = bt_page_at(run->b, page);
	struct bt_page_run *count = &p->runs[run->policy];
	struct input in = { .kind = INPUT_REQUEST_OFFLINE };

	if (count->window_start == BACKTEST_NO_TIME ||
	    usec_sub(usec(ev->time), usec(count->window_start)).us >= t->window.us) {
		count->window_start = ev->time;
		count->in_window = 0;
	}
	count->in_window += ev->events < t->count ? ev->events : t->count;
	if (count->in_window < t->count)
		return;
	count->in_window = 0;
	in.request.pfn = pfn(p->pfn);
	(void)sim_step(run->sim, in);
}

int bt_feed(struct backtest *b, unsigned int policy, const struct bt_event *ev,
	    uint32_t page)
{
	struct bt_run *run = &b->machines[b->dimms[ev->dimm].machine].runs[policy];
	uint32_t events = ev->events < EVENTS_MAX ? ev->events : EVENTS_MAX;
	uint64_t left = ev->count;
	struct ce_event event;
	struct input in = { .kind = INPUT_EVENT, .event = &event };

	run->sim->now = ev->time;
	run->dimm = ev->dimm;
	event = run_make_event(run, ev);
	for (uint32_t i = 0; i < events && run->sim->error == 0; i++) {
		if (i + 1 == events)
			event.count = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
		left -= left > 1;
		(void)sim_step(run->sim, in);
		run_note_dimms(run);
	}
	if (page != NO_PAGE && b->policies[policy]->tumbling.count > 0)
		run_tumble(run, ev, page);
	run->deadline = sim_deadline(run->sim);
	return run->sim->error;
}
