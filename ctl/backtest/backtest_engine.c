/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * An engine and the machine around it, simulated: frames are ordinary pages, each soft
 * offline succeeds at once, what is stored stays in memory. It passes on what the engine
 * does and judges nothing; the one rule of its own is the tumbling window, which the
 * engine does not have.
 */

#include <errno.h>
#include <string.h>

#include "backtest/backtest_internal.h"
#include "base/mem.h"
#include "ce_tracker.h"
#include "engine/effect.h"
#include "engine/input.h"

/* Long enough after the clock's start for any budget to be full. */
#define BASE_TIME (USEC_PER_DAY)

/* A row may stand for any number of events; more of them in one second decide nothing. */
#define EVENTS_MAX CONFIG_MAX_THRESHOLD

#define STANDSTILLS 1000 /* ticks at one moment: the engine does not get on */

/** What the engine waits for. */
struct wanted {
	bool load;
	bool probe;
	bool offline;
	pfn_t pfn; /* to be loaded or looked at */
	pfn_t offline_pfn;
	uint64_t id;
};

/** One step's surroundings. */
struct stage {
	struct backtest *b;
	struct bt_machine *machine;
	struct bt_run *run;
	unsigned int policy;
	uint32_t machine_index;
	int64_t now;   /* of the engine */
	uint32_t dimm; /* that the row is of; NO_DIMM with a tick */
	struct wanted wanted;
	int error;
};

static int64_t to_engine(const struct bt_machine *m, int64_t time)
{
	return usec_add(usec_sub(usec(time), usec(m->base)), usec(BASE_TIME)).us;
}

static int64_t from_engine(const struct bt_machine *m, int64_t time)
{
	return usec_add(usec_sub(usec(time), usec(BASE_TIME)), usec(m->base)).us;
}

static struct machine make_machine(const struct backtest *b)
{
	return (struct machine){ .ram_pages = BACKTEST_RAM_PAGES,
				 .page_shift = b->page_shift,
				 .available_kib = BACKTEST_RAM_PAGES
						  << (b->page_shift - 10),
				 .pressure_known = true };
}

static struct frame make_frame(bool poisoned)
{
	return (struct frame){ .flags = UINT64_C(1) << KPF_LRU | UINT64_C(1) << KPF_ANON |
					(uint64_t)poisoned << KPF_HWPOISON,
			       .readable = true,
			       .in_ram = true };
}

static struct bt_page_run *page_run(const struct stage *s, uint64_t frame,
				    struct bt_page **ret_page)
{
	uint32_t page = bt_peek_page(s->b, s->machine_index, frame);

	if (page == NO_PAGE)
		return NULL;
	*ret_page = bt_page_at(s->b, page);
	return &(*ret_page)->runs[s->policy];
}

/* Keeps what leaves the engine's table; what is still in it can be asked for there. */
static void keep_page(struct stage *s, const struct page_rec *rec)
{
	const struct ce_tracker *t = engine_tracker(s->run->engine);
	size_t size = sizeof(*rec) + ce_tracker_stamps(t) * sizeof(rec->stamps[0]);
	struct bt_page *page;
	struct bt_page_run *run = page_run(s, rec->pfn, &page);

	if (!run || ce_tracker_peek(t, pfn(rec->pfn)))
		return;
	if (!run->stored)
		run->stored = malloc(size);
	if (run->stored)
		memcpy(run->stored, rec, size);
	else
		s->error = -ENOMEM;
}

static struct bt_score *score_of(const struct stage *s, uint32_t dimm)
{
	return &s->b->dimms[dimm].scores[s->policy];
}

static void note_budget(struct stage *s, const struct notice *r)
{
	if (r->result == RESULT_BUDGET_HOUR)
		s->run->budget_hour = true;
	else if (r->result == RESULT_BUDGET_TOTAL)
		s->run->budget_total = true;
	else if (r->result == RESULT_BUDGET_DIMM && r->dimm < s->run->n_dimm_of &&
		 s->run->dimm_of[r->dimm] != NO_DIMM)
		score_of(s, s->run->dimm_of[r->dimm])->budget = true;
}

static void note_offlined(struct stage *s, pfn_t p)
{
	int64_t now = from_engine(s->machine, s->now);
	struct bt_page *page;
	struct bt_page_run *run = page_run(s, p.n, &page);
	struct bt_score *score;

	if (!run || run->offlined_at != BACKTEST_NO_TIME)
		return;
	run->offlined_at = now;
	score = score_of(s, page->dimm);
	score->pages_offlined++;
	if (score->first_action == BACKTEST_NO_TIME)
		score->first_action = now;
}

static void note_verdict(struct stage *s, const struct notice *r)
{
	struct bt_score *score;

	if (r->verdict != VERDICT_REPLACE || r->dimm >= s->run->n_dimm_of ||
	    s->run->dimm_of[r->dimm] == NO_DIMM)
		return;
	score = score_of(s, s->run->dimm_of[r->dimm]);
	if (score->replace_time == BACKTEST_NO_TIME)
		score->replace_time = from_engine(s->machine, s->now);
}

static void take_effect(struct stage *s, const struct effect *f)
{
	switch (f->kind) {
	case EFFECT_PROBE:
		s->wanted.probe = true;
		s->wanted.pfn = f->pfn;
		break;
	case EFFECT_OFFLINE:
		s->wanted.offline = true;
		s->wanted.offline_pfn = f->attempt.pfn;
		s->wanted.id = f->attempt.id;
		break;
	case EFFECT_LOAD:
		s->wanted.load = true;
		s->wanted.pfn = f->pfn;
		break;
	case EFFECT_STORE_PAGE:
		keep_page(s, f->page);
		break;
	case EFFECT_NOTICE:
		if (f->notice.kind == NOTICE_BUDGET)
			note_budget(s, &f->notice);
		else if (f->notice.kind == NOTICE_VERDICT)
			note_verdict(s, &f->notice);
		break;
	/* No frame changes without the engine's doing, and nobody looks at the rest. */
	case EFFECT_KERNEL:
	case EFFECT_RECONCILE:
	case EFFECT_REMOVE_PAGE:
	case EFFECT_REMOVE_DIMM:
	case EFFECT_STORE_CE:
	case EFFECT_STORE_ACTION:
	case EFFECT_STORE_POISON:
	case EFFECT_STORE_DIMM:
	case EFFECT_STORE_CELL:
	case EFFECT_STORE_TOTALS:
	case EFFECT_STORE_SPENT:
	case EFFECT_REPLY:
		break;
	}
}

/* The engine may have met a DIMM for the first time: the one that the row is of. */
static void note_dimms(struct stage *s)
{
	unsigned int n = engine_dimms(s->run->engine);
	uint32_t *grown;

	if (n <= s->run->n_dimm_of)
		return;
	grown = reallocarray(s->run->dimm_of, n, sizeof(*grown));
	if (!grown) {
		s->error = -ENOMEM;
		return;
	}
	s->run->dimm_of = grown;
	while (s->run->n_dimm_of < n)
		grown[s->run->n_dimm_of++] = s->dimm;
}

static void step(struct stage *s, struct input in)
{
	struct effects out;

	in.now = usec(s->now);
	(void)engine_step(s->run->engine, &in, &out);
	note_dimms(s);
	for (unsigned int i = 0; i < out.n; i++)
		take_effect(s, &out.v[i]);
}

/*
 * What the outside answers. An attempt comes before the next look, so that there is never
 * more than one: here it takes no time.
 */
static struct input make_answer(struct stage *s)
{
	struct wanted w = s->wanted;
	struct input in = { 0 };
	struct bt_page_run *run;
	struct bt_page *page;

	if (w.load) {
		run = page_run(s, w.pfn.n, &page);
		in.kind = INPUT_LOADED;
		in.page.pfn = w.pfn;
		in.page.rec = run ? run->stored : NULL;
		s->wanted.load = false;
	} else if (w.offline) {
		in.kind = INPUT_ANSWER;
		in.answer.id = w.id;
		in.answer.answer.before = make_frame(false);
		in.answer.answer.after = make_frame(true);
		in.answer.answer.poisoned_before_kib = -1;
		in.answer.answer.poisoned_after_kib = -1;
		s->wanted.offline = false;
		note_offlined(s, w.offline_pfn);
	} else {
		in.kind = INPUT_PROBE;
		in.probe.pfn = w.pfn;
		in.probe.frame = make_frame(false);
		in.probe.machine = make_machine(s->b);
		s->wanted.probe = false;
	}
	return in;
}

static void give(struct stage *s, struct input in)
{
	step(s, in);
	while (s->error == 0 && (s->wanted.load || s->wanted.probe || s->wanted.offline))
		step(s, make_answer(s));
}

static struct stage make_stage(struct backtest *b, unsigned int policy, uint32_t machine)
{
	struct bt_machine *m = &b->machines[machine];

	return (struct stage){ .b = b,
			       .machine = m,
			       .run = &m->runs[policy],
			       .policy = policy,
			       .machine_index = machine,
			       .dimm = NO_DIMM };
}

static int start_run(struct backtest *b, struct bt_machine *m, unsigned int policy)
{
	static const struct ram_map anywhere; /* not known: every address is RAM */
	struct stage s = make_stage(b, policy, (uint32_t)(m - b->machines));
	int r;

	r = engine_new(&s.run->engine, &b->policies[policy]->cfg, b->page_shift);
	if (r < 0)
		return r;
	s.now = BASE_TIME;
	give(&s, (struct input){ .kind = INPUT_RAM, .ram = &anywhere });
	give(&s, (struct input){ .kind = INPUT_MACHINE, .machine = make_machine(b) });
	give(&s, (struct input){ .kind = INPUT_KERNEL,
				 .kernel = { FACT_YES, SWITCH_ABSENT, FACT_YES } });
	give(&s, (struct input){ .kind = INPUT_RESTORE_DONE });
	return s.error;
}

int bt_start_machine(struct backtest *b, struct bt_machine *m, int64_t time)
{
	int r = 0;

	m->base = time;
	m->runs = calloc(b->n_policies, sizeof(*m->runs));
	if (!m->runs)
		return -ENOMEM;
	for (unsigned int i = 0; r == 0 && i < b->n_policies; i++)
		r = start_run(b, m, i);
	return r;
}

void bt_free_machine(struct backtest *b, struct bt_machine *m)
{
	for (unsigned int i = 0; m->runs && i < b->n_policies; i++) {
		engine_free(m->runs[i].engine);
		free(m->runs[i].dimm_of);
	}
	free(m->runs);
}

static void tick(struct stage *s, int64_t to)
{
	unsigned int standstills = 0;
	int64_t at;

	while ((at = engine_deadline(s->run->engine).us) <= to &&
	       standstills < STANDSTILLS && s->error == 0) {
		standstills = at > s->now ? 0 : standstills + 1;
		s->now = at > s->now ? at : s->now;
		give(s, (struct input){ .kind = INPUT_TICK });
	}
}

/* Lets the engines do until @time what they wait with. 0; -ENOMEM. */
int bt_advance(struct backtest *b, unsigned int policy, uint32_t machine, int64_t time)
{
	struct bt_machine *m = &b->machines[machine];
	int64_t to = to_engine(m, time);
	struct stage s;

	if (m->runs[policy].deadline > to)
		return 0;
	s = make_stage(b, policy, machine);
	s.now = INT64_MIN;
	tick(&s, to);
	s.run->deadline = engine_deadline(s.run->engine).us;
	return s.error;
}

static struct ce_event make_event(const struct stage *s, const struct bt_event *ev)
{
	const struct bt_dimm *dimm = &s->b->dimms[ev->dimm];
	const struct dram_coord none = { 0 };

	return (struct ce_event){
		.time = usec(s->now),
		.address = paddr(ev->address),
		.count = 1,
		.severity = ev->kind == BACKTEST_UNCORRECTED ? CE_UNCORRECTED
			    : ev->kind == BACKTEST_OTHER     ? CE_INFO
							     : CE_CORRECTED,
		.mc = (uint8_t)(dimm->socket < 0 ? 0 : dimm->socket),
		.grain_bits = 6,
		.layer = { (int8_t)dimm->channel, (int8_t)dimm->slot, -1 },
		.has_address = ev->has_address,
		.label = { dimm->name, (uint32_t)strlen(dimm->name) },
		.coord = s->b->policies[s->policy]->page_rule_only ? none : ev->coord,
	};
}

/* Counts in the window that starts anew, and asks for the page when it is full. */
static void tumble(struct stage *s, const struct bt_event *ev, uint32_t page)
{
	const struct threshold *t = &s->b->policies[s->policy]->tumbling;
	struct bt_page *p = bt_page_at(s->b, page);
	struct bt_page_run *run = &p->runs[s->policy];
	struct input in = { .kind = INPUT_REQUEST_OFFLINE };

	if (run->window_start == BACKTEST_NO_TIME ||
	    usec_sub(usec(ev->time), usec(run->window_start)).us >= t->window.us) {
		run->window_start = ev->time;
		run->in_window = 0;
	}
	run->in_window += ev->events < t->count ? ev->events : t->count;
	if (run->in_window < t->count)
		return;
	run->in_window = 0;
	in.request.pfn = pfn(p->pfn);
	give(s, in);
}

/*
 * Gives one row to the engine, which bt_advance() has brought to its time. @page: NO_PAGE
 * if it names none. 0; -ENOMEM.
 */
int bt_feed(struct backtest *b, unsigned int policy, const struct bt_event *ev,
	    uint32_t page)
{
	struct stage s = make_stage(b, policy, b->dimms[ev->dimm].machine);
	uint32_t events = ev->events < EVENTS_MAX ? ev->events : EVENTS_MAX;
	uint64_t left = ev->count;
	struct ce_event event;
	struct input in = { .kind = INPUT_EVENT, .event = &event };

	s.now = to_engine(s.machine, ev->time);
	s.dimm = ev->dimm;
	event = make_event(&s, ev);
	for (uint32_t i = 0; i < events && s.error == 0; i++) {
		if (i + 1 == events)
			event.count = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
		left -= left > 1;
		give(&s, in);
	}
	if (page != NO_PAGE && b->policies[policy]->tumbling.count > 0)
		tumble(&s, ev, page);
	s.run->deadline = engine_deadline(s.run->engine).us;
	return s.error;
}
