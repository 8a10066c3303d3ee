/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What must hold of the engine on synthetic DIMMs with DRAM coordinates: no page goes
 * that its own errors and those of its row do not speak against, budgets hold, and the
 * same errors at a later time, in another order between CPUs, or with a restart in between end
 * the same. Machine and kernel are simulated.
 *
 * SEED in the environment repeats one set.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "faults.h"
#include "random.h"
#include "sim/sim.h"

#define SETS     3
#define OFFLINES 4096
#define DELAY    (USEC_PER_SEC - 1)
#define WIDE     8

DEFINE_CLEANUP(struct fault_set *, fault_set_free)

/** An error: when it happened, and when the daemon hears of it. */
struct event {
	const struct fault_error *error;
	int64_t time;
	int64_t heard;
};

struct offlined {
	uint64_t pfn;
	int64_t time;
};

/** One machine's errors through one engine. */
struct play {
	struct sim *sim;
	const struct fault_set *set;
	struct event *events;
	size_t n_events;
	size_t next; /* heard so far */
	int64_t shift;
	struct offlined offlined[OFFLINES];
	unsigned int n_offlined;
	int64_t wide[WIDE]; /* when faults became too wide to be offlined */
	unsigned int n_wide;
};

static bool same_machine(const struct fault_set *set, uint32_t a, uint32_t b)
{
	return a == b || (set->dimms[a].server[0] &&
			  strcmp(set->dimms[a].server, set->dimms[b].server) == 0);
}

/* The first DIMM of each machine stands for it. */
static bool leads(const struct fault_set *set, uint32_t dimm)
{
	for (uint32_t i = 0; i < dimm; i++)
		if (same_machine(set, i, dimm))
			return false;
	return true;
}

static uint64_t frame_of(const struct fault_error *e)
{
	return e->address >> 12;
}

/* Whether the errors heard so far speak against frame @pfn, by its own count. */
static bool page_rule(const struct play *p, uint64_t pfn)
{
	int64_t last = INT64_MIN;

	for (size_t i = 0; i < p->next; i++) {
		const struct event *t = &p->events[i];

		if (frame_of(t->error) != pfn)
			continue;
		if (last != INT64_MIN && llabs(t->time - last) <= USEC_PER_DAY)
			return true;
		last = t->time;
	}
	return false;
}

static bool same_row(const struct fault_error *a, const struct fault_error *b)
{
	return a->dimm == b->dimm && a->coord.row == b->coord.row &&
	       a->coord.bank == b->coord.bank &&
	       a->coord.bank_group == b->coord.bank_group &&
	       a->coord.rank == b->coord.rank && a->coord.chip == b->coord.chip &&
	       a->coord.sub_channel == b->coord.sub_channel;
}

/* The same by a row that an error of the page has named. */
static bool row_rule(const struct play *p, uint64_t pfn)
{
	for (size_t i = 0; i < p->next; i++) {
		const struct fault_error *own = p->events[i].error;

		if (frame_of(own) != pfn)
			continue;
		for (size_t j = 0; j < p->next; j++)
			for (size_t k = 0; k < j; k++)
				if (same_row(own, p->events[j].error) &&
				    same_row(own, p->events[k].error) &&
				    p->events[j].error->coord.column !=
					    p->events[k].error->coord.column &&
				    p->events[j].time - p->events[k].time <=
					    7 * USEC_PER_DAY)
					return true;
	}
	return false;
}

/* The same by a cache line that errs again. */
static bool cell_rule(const struct play *p, uint64_t pfn)
{
	for (size_t i = 0; i < p->next; i++)
		for (size_t j = 0; frame_of(p->events[i].error) == pfn && j < i; j++)
			if (p->events[i].error->address == p->events[j].error->address &&
			    p->events[i].time - p->events[j].time <= 90 * USEC_PER_DAY)
				return true;
	return false;
}

static void watch(void *userdata, const struct effect *f)
{
	struct play *p = userdata;

	if (f->kind == EFFECT_NOTICE && f->notice.kind == NOTICE_FAULT &&
	    fault_is_wide(f->notice.fault) && p->n_wide < WIDE)
		p->wide[p->n_wide++] = p->sim->now - p->shift;
	if (f->kind != EFFECT_OFFLINE)
		return;
	assert_true(p->n_offlined < OFFLINES);
	p->offlined[p->n_offlined++] =
		(struct offlined){ .pfn = f->attempt.pfn.n,
				   .time = p->sim->now - p->shift };
	if (!page_rule(p, f->attempt.pfn.n) && !cell_rule(p, f->attempt.pfn.n) &&
	    !row_rule(p, f->attempt.pfn.n))
		fail_msg("page 0x%llx was offlined for nothing",
			 (unsigned long long)f->attempt.pfn.n);
}

static int compare_heard(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->heard != y->heard)
		return x->heard < y->heard ? -1 : 1;
	return x->error->seq < y->error->seq ? -1 : x->error->seq > y->error->seq;
}

/* The errors of @leader's machine, up to the UE; those of odd CPUs heard late. */
static struct play *play_new(const struct fault_set *set, uint32_t leader, int64_t shift,
			     bool disorder)
{
	struct play *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->set = set;
	p->shift = shift;
	p->events = calloc(set->n_errors, sizeof(*p->events));
	assert_non_null(p->events);
	for (size_t i = 0; i < set->n_errors; i++) {
		const struct fault_error *e = &set->errors[i];
		uint64_t x = mix(e->seq);
		struct event *t = &p->events[p->n_events];

		if (!same_machine(set, e->dimm, leader))
			continue;
		t->error = e;
		t->time = e->time + (int64_t)(x % USEC_PER_SEC) - FAULT_START +
			  USEC_PER_DAY + shift;
		t->heard = t->time;
		if (disorder && x >> 63)
			t->heard += (int64_t)((x >> 20) % DELAY);
		p->n_events++;
	}
	qsort(p->events, p->n_events, sizeof(*p->events), compare_heard);
	assert_int_equal(sim_new(&p->sim), 0);
	p->sim->userdata = p;
	p->sim->hooks.watch = watch;
	p->sim->cfg.tracker.max_tracked_pages = 1024; /* no DIMM has more */
	p->sim->now = USEC_PER_HOUR + shift;
	return p;
}

static void play_free(struct play *p)
{
	sim_free(p->sim);
	free(p->events);
	free(p);
}

/* Budgets that decide nothing: what is compared is the rules. */
static void make_ample(struct play *p)
{
	p->sim->cfg.budget.burst = 100000;
	p->sim->cfg.budget.pages_per_hour = 100000;
}

static void give_event(struct play *p, const struct event *t)
{
	const struct fault_dimm *d = &p->set->dimms[t->error->dimm];
	struct ce_event ev = {
		.time = usec(t->time),
		.address = paddr(t->error->address),
		.count = 1,
		.grain_bits = 6,
		.layer = { d->channel, d->slot, -1 },
		.has_address = true,
		.label = { d->name, (uint32_t)strlen(d->name) },
		.coord = t->error->coord,
	};

	p->next++;
	(void)sim_step(p->sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
	assert_int_equal(p->sim->error, 0);
}

/* Plays all of it; @restart: how many errors before the daemon restarts, 0: never. */
static void play(struct play *p, size_t restart)
{
	assert_int_equal(sim_start(p->sim), 0);
	for (size_t i = 0; i < p->n_events; i++) {
		sim_advance(p->sim, p->events[i].heard);
		if (restart > 0 && i == restart)
			assert_int_equal(sim_restart(p->sim, true), 0);
		give_event(p, &p->events[i]);
	}
	sim_advance(p->sim, p->sim->now + USEC_PER_HOUR);
}

static bool was_offlined(const struct play *p, uint64_t pfn)
{
	for (unsigned int i = 0; i < p->n_offlined; i++)
		if (p->offlined[i].pfn == pfn)
			return true;
	return false;
}

/*
 * What is known now decides now: a page that crosses in the second in which its DIMM's
 * fault gets too wide may have gone before that was heard, or not.
 */
static bool at_the_turn(const struct play *p, int64_t time)
{
	for (unsigned int i = 0; i < p->n_wide; i++)
		if (llabs(p->wide[i] - time) <= DELAY)
			return true;
	return false;
}

static void check_pages(const struct play *a, const struct play *b, const char *what)
{
	for (unsigned int i = 0; i < a->n_offlined; i++)
		if (!was_offlined(b, a->offlined[i].pfn) &&
		    !at_the_turn(b, a->offlined[i].time))
			fail_msg("%s: %s: page 0x%llx is offlined or not",
				 a->set->dimms[a->events[0].error->dimm].name, what,
				 (unsigned long long)a->offlined[i].pfn);
}

static void check_dimms(const struct play *a, const struct play *b, const char *what)
{
	const struct engine *x = a->sim->engine, *y = b->sim->engine;

	assert_int_equal(engine_dimms(x), engine_dimms(y));
	for (uint16_t i = 1; i < engine_dimms(x); i++) {
		const struct dimm_rec *d = engine_dimm(x, i);
		char why_x[CLASS_WHY_MAX], why_y[CLASS_WHY_MAX];
		uint16_t j = 1;

		while (strcmp(engine_dimm(y, j)->label, d->label) != 0)
			j++;
		if (engine_dimm_verdict(x, i, why_x) !=
			    engine_dimm_verdict(y, j, why_y) ||
		    strcmp(why_x, why_y) != 0)
			fail_msg("%s: %s: \"%s\" became \"%s\"", d->label, what, why_x,
				 why_y);
		assert_int_equal(d->fault.class, engine_dimm(y, j)->fault.class);
		assert_int_equal(d->corrected_errors,
				 engine_dimm(y, j)->corrected_errors);
	}
}

static void check_same(const struct play *a, const struct play *b, const char *what)
{
	check_pages(a, b, what);
	check_pages(b, a, what);
	check_dimms(a, b, what);
}

typedef void (*machine_fn)(const struct fault_set *set, uint32_t leader);

static void each_machine(machine_fn fn)
{
	const char *env = getenv("SEED");
	uint64_t first = env ? strtoull(env, NULL, 0) : 11;

	for (uint64_t seed = first; seed < first + (env ? 1 : SETS); seed++) {
		_cleanup_(fault_set_free_p) struct fault_set *set = NULL;

		assert_int_equal(fault_set_new(&set, seed), 0);
		for (uint32_t i = 0; i < set->n_dimms; i++)
			if (leads(set, i) && set->dimms[i].fault != SYNTH_STORM)
				fn(set, i);
	}
}

static void later(const struct fault_set *set, uint32_t leader)
{
	struct play *a = play_new(set, leader, 0, false);
	struct play *b = play_new(set, leader, 7919 * USEC_PER_SEC + 13, false);

	play(a, 0);
	play(b, 0);
	assert_int_equal(a->n_offlined, b->n_offlined);
	for (unsigned int i = 0; i < a->n_offlined; i++) {
		assert_int_equal(a->offlined[i].pfn, b->offlined[i].pfn);
		assert_int_equal(a->offlined[i].time, b->offlined[i].time);
	}
	check_same(a, b, "a later time");
	play_free(a);
	play_free(b);
}

static void test_later(void **state)
{
	each_machine(later);
}

static void disordered(const struct fault_set *set, uint32_t leader)
{
	struct play *a = play_new(set, leader, 0, false);
	struct play *b = play_new(set, leader, 0, true);

	make_ample(a);
	make_ample(b);
	play(a, 0);
	play(b, 0);
	check_same(a, b, "the order between CPUs");
	play_free(a);
	play_free(b);
}

static void test_disordered(void **state)
{
	each_machine(disordered);
}

static void restarted(const struct fault_set *set, uint32_t leader)
{
	struct play *a = play_new(set, leader, 0, false);
	struct play *b = play_new(set, leader, 0, false);

	play(a, 0);
	play(b, 1 + mix(leader) % (b->n_events > 1 ? b->n_events - 1 : 1));
	check_same(a, b, "a restart");
	play_free(a);
	play_free(b);
}

static void test_restarted(void **state)
{
	each_machine(restarted);
}

/* Budgets far below what the faults would take. */
static void bounded(const struct fault_set *set, uint32_t leader)
{
	struct play *p = play_new(set, leader, 0, false);

	p->sim->cfg.budget.burst = 2;
	p->sim->cfg.budget.pages_per_hour = 1;
	p->sim->cfg.budget.pages_per_dimm = 5;
	p->sim->cfg.budget.total = (struct amount){ AMOUNT_PAGES, 6 };
	play(p, 0);
	assert_true(p->n_offlined <= 6);
	assert_true(sim_hour_max(p->sim) <= 3);
	for (uint16_t i = 1; i < engine_dimms(p->sim->engine); i++)
		assert_true(engine_dimm(p->sim->engine, i)->offlined <= 5);
	play_free(p);
}

static void test_bounded(void **state)
{
	each_machine(bounded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_disordered),
		cmocka_unit_test(test_restarted),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
