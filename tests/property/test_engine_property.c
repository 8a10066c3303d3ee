/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What must hold of the engine whatever happens: it spends no more than its budgets, and
 * acts only on pages with evidence, after a probe, a bounded number of times an hour. The
 * same story at another time, in another order of the CPUs, or with a restart inside has
 * the same end. Machine and kernel are those of the replay tests, with random answers.
 *
 * -s SEED, or SEED in the environment, repeats one run.
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
#include "random.h"
#include "sim/sim.h"

#define RUNS     24
#define PAGES    60
#define DIMMS    3
#define EVENTS   1500
#define OFFLINES 8192
#define START    (100 * USEC_PER_SEC)

struct event {
	int64_t time;
	uint64_t page;
	bool cpu;
};

struct attempt {
	int64_t time;
	uint64_t page;
	bool done;
};

struct under_way {
	uint64_t id;
	uint64_t page;
	unsigned int attempt; /* its place in run.attempts */
};

/** One run, and what was seen in it. */
struct run {
	struct sim *sim;
	uint64_t seed, state, answer_salt;
	bool friendly; /* the kernel does what it is asked */
	struct event events[EVENTS];
	unsigned int n_events;
	unsigned int charged[PAGES];
	unsigned int tries[PAGES];
	struct attempt attempts[OFFLINES];
	unsigned int n_attempts;
	bool probed;
	uint64_t probed_pfn;
	struct under_way under_way[MAX_ATTEMPTS]; /* asked, not answered */
	unsigned int n_under_way;
	struct under_way orphans[MAX_ATTEMPTS]; /* of an engine that is gone */
	unsigned int n_orphans;
	unsigned int at_once, most; /* there may be, and were at most */
	struct soft_event soft;     /* of the last random input */
};

static uint64_t first_seed = 1;
static unsigned int runs = RUNS;

_wraps_ static uint64_t draw(struct run *r, uint64_t below)
{
	r->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(r->state) % below;
}

static pfn_t page_pfn(uint64_t page)
{
	return pfn(0x10000 + page * 7);
}

static uint64_t pfn_page(pfn_t p)
{
	return (p.n - 0x10000) / 7;
}

/* The answer depends on page and attempt only, not on what else has happened. */
static struct sim_answer random_answer(void *userdata, pfn_t p)
{
	static const int errors[] = { EBUSY,  EBUSY, EBUSY, ENOMEM, EIO,
				      EINVAL, ENXIO, EINTR, EAGAIN, EDOM };
	struct run *r = userdata;
	uint64_t page = pfn_page(p);
	uint64_t x = mix(r->answer_salt ^ page << 32 ^ r->tries[page]++);
	struct sim_answer a = { 0 };

	a.took = usec((int64_t)((x >> 36) % 4) * 700000);
	if (r->friendly)
		return a;
	if (x % 3 == 0)
		a.error = errors[(x >> 8) % ARRAY_SIZE(errors)];
	a.spoils = (x >> 16) % 16 == 0;
	a.poisons = (x >> 20) % 16 == 0;
	a.has_delta = (x >> 24) % 8 == 0;
	a.delta_kib = (int64_t)((x >> 28) % 64) - 32;
	return a;
}

static struct under_way *find(struct under_way *v, unsigned int n, uint64_t id)
{
	for (unsigned int i = 0; i < n; i++)
		if (v[i].id == id)
			return &v[i];
	return NULL;
}

static bool is_under_way(const struct run *r, uint64_t page)
{
	for (unsigned int i = 0; i < r->n_under_way; i++)
		if (r->under_way[i].page == page)
			return true;
	return false;
}

static void note_attempt(struct run *r, const struct effect *f)
{
	assert_true(r->n_under_way < r->at_once);
	r->under_way[r->n_under_way++] =
		(struct under_way){ .id = f->attempt.id,
				    .page = pfn_page(f->attempt.pfn),
				    .attempt = r->n_attempts };
	r->most = r->most < r->n_under_way ? r->n_under_way : r->most;
}

/* Returns the place of the attempt. */
static unsigned int end_attempt(struct run *r, uint64_t id)
{
	struct under_way *f = find(r->under_way, r->n_under_way, id);
	unsigned int attempt = f ? f->attempt : OFFLINES;

	assert_true(attempt < OFFLINES);
	*f = r->under_way[--r->n_under_way];
	return attempt;
}

/* Eight times as many after each success, half after each failure. */
static void learn(struct run *r, enum result result)
{
	if (policy_retry(&r->sim->cfg, result, 0) != RETRY_DONE)
		r->at_once = (r->at_once + 1) / 2;
	else if (r->at_once < MAX_ATTEMPTS / 8)
		r->at_once *= 8;
	else
		r->at_once = MAX_ATTEMPTS;
}

/* A new engine starts with one attempt at a time; it settles the intents of the old
 * engine, whose attempts nobody answers. */
static void forget_attempts(struct run *r)
{
	memcpy(r->orphans, r->under_way, sizeof(r->orphans));
	r->n_orphans = r->n_under_way;
	r->n_under_way = 0;
	r->at_once = 1;
	r->probed = false;
}

/* At start: by what the frame looks like. True if @row is of such an attempt. */
static bool settles_orphan(struct run *r, const struct action_row *row)
{
	struct under_way *f = find(r->orphans, r->n_orphans, row->id);

	if (!f)
		return false;
	r->attempts[f->attempt].done = row->result == RESULT_OFFLINED;
	*f = r->orphans[--r->n_orphans];
	return true;
}

static void see_answer(struct run *r, const struct action_row *row)
{
	assert_string_not_equal(result_to_string(row->result), "invalid-value");
	assert_string_not_equal(reason_to_string(row->reason), "invalid-value");
	assert_string_not_equal(action_to_string(row->action), "invalid-value");
	assert_int_not_equal(row->reason, REASON_NONE);
	assert_int_not_equal(row->id, 0);
	if (row->action != ACTION_OFFLINE || row->result == RESULT_NONE)
		return;
	if (settles_orphan(r, row))
		return;
	r->attempts[end_attempt(r, row->id)].done = row->result == RESULT_OFFLINED;
	learn(r, row->result);
}

static void watch(void *userdata, const struct effect *f)
{
	struct run *r = userdata;
	uint64_t page;

	if (f->kind == EFFECT_PROBE) {
		assert_false(is_under_way(r, pfn_page(f->pfn)));
		r->probed = true;
		r->probed_pfn = f->pfn.n;
	} else if (f->kind == EFFECT_STORE_ACTION) {
		see_answer(r, &f->action);
	} else if (f->kind == EFFECT_OFFLINE) {
		page = pfn_page(f->attempt.pfn);
		assert_true(r->probed && r->probed_pfn == f->attempt.pfn.n);
		assert_false(is_under_way(r, page));
		assert_true(page < PAGES);
		assert_true(r->charged[page] >= r->sim->cfg.policy.page.count);
		assert_true(r->n_attempts < OFFLINES);
		r->probed = false;
		note_attempt(r, f);
		r->attempts[r->n_attempts++] =
			(struct attempt){ .time = r->sim->now, .page = page };
	}
}

static struct run *new_run(uint64_t seed)
{
	struct run *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(sim_new(&r->sim), 0);
	r->sim->userdata = r;
	r->sim->hooks.watch = watch;
	r->sim->hooks.answer = random_answer;
	r->sim->now = START;
	r->seed = seed;
	r->state = mix(seed);
	r->answer_salt = mix(seed + 1);
	forget_attempts(r);
	r->sim->cfg.policy.page.count = 1 + (uint32_t)draw(r, 5);
	r->sim->cfg.policy.page.window =
		usec((int64_t)(1 + draw(r, 48)) * 1800 * USEC_PER_SEC);
	return r;
}

static void free_run(struct run *r)
{
	sim_free(r->sim);
	free(r);
}

static void free_runs(struct run *a, struct run *b)
{
	free_run(a);
	free_run(b);
}

/* Mostly a few pages, as in life; gaps from nothing to hours. */
static void make_events(struct run *r)
{
	int64_t now = START;

	r->n_events = EVENTS;
	for (unsigned int i = 0; i < EVENTS; i++) {
		uint64_t page = draw(r, 3) ? draw(r, 8) : draw(r, PAGES);

		if (draw(r, 3))
			now += (int64_t)draw(r, draw(r, 20) ? 60 : 14400) * USEC_PER_SEC +
			       (int64_t)draw(r, 999983);
		r->events[i] =
			(struct event){ .time = now, .page = page, .cpu = draw(r, 2) };
	}
}

static void give_event(struct run *r, const struct event *t)
{
	static const char *const labels[DIMMS] = { "A1", "B1", "C1" };
	struct ce_event ev = {
		.time = usec(t->time - r->sim->base),
		.address = pfn_to_paddr(page_pfn(t->page), r->sim->page_shift),
		.has_address = true,
		.count = 1,
		.grain_bits = 6,
		.label = { labels[t->page % DIMMS], 2 },
	};

	r->charged[t->page]++;
	(void)sim_step(r->sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}

/* Nothing may wait for a tick that changes nothing. */
static void check_deadline(struct run *r)
{
	for (int i = 0; engine_deadline(r->sim->engine).us <= r->sim->now; i++) {
		(void)sim_step(r->sim, (struct input){ .kind = INPUT_TICK });
		assert_true(i < 50);
	}
	assert_int_equal(r->sim->error, 0);
}

static void play(struct run *r)
{
	assert_int_equal(sim_start(r->sim), 0);
	for (unsigned int i = 0; i < r->n_events; i++) {
		sim_advance(r->sim, r->events[i].time);
		give_event(r, &r->events[i]);
		check_deadline(r);
	}
	sim_advance(r->sim, r->sim->now + 3 * USEC_PER_DAY);
	check_deadline(r);
}

static bool was_offlined(const struct run *r, uint64_t page)
{
	for (unsigned int i = 0; i < r->n_attempts; i++)
		if (r->attempts[i].page == page && r->attempts[i].done)
			return true;
	return false;
}

static void check_same_end(const struct run *a, const struct run *b, const char *what)
{
	for (uint64_t page = 0; page < PAGES; page++)
		if (was_offlined(a, page) != was_offlined(b, page))
			fail_msg("seed %llu: %s made a difference",
				 (unsigned long long)a->seed, what);
}

/* Successes between any two: not more than the bucket and what flowed into it. */
static void check_hour_budget(const struct run *r)
{
	const struct config *cfg = &r->sim->cfg;

	for (unsigned int i = 0; i < r->n_attempts; i++) {
		int64_t n = 0;

		for (unsigned int j = i; j < r->n_attempts && r->attempts[i].done; j++) {
			int64_t span = r->attempts[j].time - r->attempts[i].time;
			int64_t limit = cfg->budget.burst +
					span * cfg->budget.pages_per_hour / USEC_PER_HOUR;

			n += r->attempts[j].done;
			if (n > limit)
				fail_msg("seed %llu: %lld pages within %lld s",
					 (unsigned long long)r->seed, (long long)n,
					 (long long)(span / USEC_PER_SEC));
		}
	}
}

static void check_attempts(const struct run *r)
{
	for (unsigned int i = 0; i < r->n_attempts; i++) {
		unsigned int n = 0;

		for (unsigned int j = i; j < r->n_attempts; j++)
			n += r->attempts[j].page == r->attempts[i].page &&
			     r->attempts[j].time - r->attempts[i].time < USEC_PER_HOUR;
		assert_true(n <= r->sim->cfg.retry.tries + 1);
	}
}

static void check_budgets(const struct run *r)
{
	uint64_t done[DIMMS] = { 0 };
	uint64_t all = 0;

	for (unsigned int i = 0; i < r->n_attempts; i++) {
		done[r->attempts[i].page % DIMMS] += r->attempts[i].done;
		all += r->attempts[i].done;
	}
	for (unsigned int d = 0; d < DIMMS; d++)
		assert_true(done[d] <= r->sim->cfg.budget.pages_per_dimm);
	assert_true(all <= r->sim->cfg.budget.total.value);
	check_hour_budget(r);
	check_attempts(r);
}

static void test_budgets(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct run *r = new_run(first_seed + i);
		struct config *cfg = &r->sim->cfg;

		cfg->budget.burst = 1 + (uint32_t)draw(r, 5);
		cfg->budget.pages_per_hour = (uint32_t)draw(r, 8);
		cfg->budget.pages_per_dimm = (uint32_t)draw(r, 15);
		cfg->budget.total =
			(struct amount){ .unit = AMOUNT_PAGES, .value = draw(r, 40) };
		make_events(r);
		play(r);
		check_budgets(r);
		free_run(r);
	}
}

/* Events, and budgets that do not decide anything. */
static void ample_events(struct run *r)
{
	make_events(r);
	r->sim->cfg.budget.burst = 100000;
	r->sim->cfg.budget.pages_per_hour = 100000;
	r->sim->cfg.budget.pages_per_dimm = 100000;
}

/* All of it later: the same attempts at the same distances. */
static void test_time_shift(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		int64_t shift = (int64_t)(i + 1) * 7919 * USEC_PER_SEC + 13;
		struct run *a = new_run(first_seed + i);
		struct run *b = new_run(first_seed + i);

		make_events(a);
		make_events(b);
		b->sim->now += shift;
		for (unsigned int j = 0; j < b->n_events; j++)
			b->events[j].time += shift;
		play(a);
		play(b);
		assert_int_equal(a->n_attempts, b->n_attempts);
		for (unsigned int j = 0; j < a->n_attempts; j++) {
			assert_int_equal(a->attempts[j].page, b->attempts[j].page);
			assert_int_equal(a->attempts[j].time + shift,
					 b->attempts[j].time);
		}
		free_runs(a, b);
	}
}

/* Lets the events of one CPU come in up to a second late, each CPU in its own order. */
static void disorder(struct run *r)
{
	struct event late[EVENTS];
	unsigned int n = 0, out = 0;
	struct event sorted[EVENTS];

	for (unsigned int i = 0; i < r->n_events; i++) {
		const struct event *t = &r->events[i];

		while (n > 0 && t->time - late[0].time > USEC_PER_SEC) {
			sorted[out++] = late[0];
			memmove(late, late + 1, --n * sizeof(*late));
		}
		if (t->cpu)
			late[n++] = *t;
		else
			sorted[out++] = *t;
	}
	memcpy(sorted + out, late, n * sizeof(*late));
	memcpy(r->events, sorted, sizeof(sorted[0]) * r->n_events);
}

static void test_order(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct run *a = new_run(first_seed + i);
		struct run *b = new_run(first_seed + i);

		a->friendly = b->friendly = true;
		ample_events(a);
		ample_events(b);
		disorder(b);
		play(a);
		play(b);
		check_same_end(a, b, "the order between CPUs");
		free_runs(a, b);
	}
}

/* An orderly restart in the middle, when no attempt is under way. */
static void restart_within(struct run *r, unsigned int at)
{
	bool done = false;

	assert_int_equal(sim_start(r->sim), 0);
	for (unsigned int i = 0; i < r->n_events; i++) {
		sim_advance(r->sim, r->events[i].time);
		if (i >= at && !done && r->n_under_way == 0) {
			forget_attempts(r);
			assert_int_equal(sim_restart(r->sim, true), 0);
			done = true;
		}
		give_event(r, &r->events[i]);
		check_deadline(r);
	}
	sim_advance(r->sim, r->sim->now + 3 * USEC_PER_DAY);
	assert_true(done);
}

static void test_restart(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct run *a = new_run(first_seed + i);
		struct run *b = new_run(first_seed + i);
		unsigned int at = (unsigned int)draw(a, EVENTS / 2);

		b->state = a->state;
		ample_events(a);
		ample_events(b);
		play(a);
		restart_within(b, at);
		check_same_end(a, b, "a restart");
		assert_int_equal(a->n_attempts, b->n_attempts);
		for (unsigned int j = 0; j < engine_dimms(a->sim->engine); j++)
			assert_int_equal(engine_dimm(a->sim->engine, (uint16_t)j)
						 ->corrected_errors,
					 engine_dimm(b->sim->engine, (uint16_t)j)
						 ->corrected_errors);
		free_runs(a, b);
	}
}

/* Crashes, at any moment, must never lead to more than the budgets. */
static void test_crashes(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct run *r = new_run(first_seed + i);
		struct config *cfg = &r->sim->cfg;

		cfg->budget.burst = 3;
		cfg->budget.pages_per_hour = 4;
		cfg->budget.pages_per_dimm = 6;
		cfg->budget.total = (struct amount){ .unit = AMOUNT_PAGES, .value = 14 };
		make_events(r);
		r->friendly = true;
		assert_int_equal(sim_start(r->sim), 0);
		for (unsigned int j = 0; j < r->n_events; j++) {
			sim_advance(r->sim, r->events[j].time);
			give_event(r, &r->events[j]);
			check_deadline(r);
			if (draw(r, 40) == 0) {
				forget_attempts(r);
				assert_int_equal(sim_restart(r->sim, false), 0);
				assert_int_equal(r->n_orphans, 0);
			}
		}
		check_budgets(r);
		free_run(r);
	}
}

static struct frame random_frame(struct run *r)
{
	return (struct frame){ .flags = mix(r->state) & mix(r->state + 1),
			       .huge_kib = draw(r, 3) * 2048,
			       .readable = draw(r, 4) != 0,
			       .absent = draw(r, 16) == 0,
			       .in_ram = draw(r, 8) != 0 };
}

static struct offline_answer random_offline_answer(struct run *r)
{
	return (struct offline_answer){
		.error = draw(r, 2) ? (int)draw(r, 200) : 0,
		.before = random_frame(r),
		.after = random_frame(r),
		.poisoned_before_kib = (int64_t)draw(r, 1000) - 1,
		.poisoned_after_kib = (int64_t)draw(r, 1000) - 1,
	};
}

static struct soft_event random_soft(struct run *r, pfn_t p)
{
	return (struct soft_event){
		.time = usec((int64_t)draw(r, 1u << 30)),
		.pfn = draw(r, 50) ? p : pfn(UINT64_MAX - draw(r, 2)),
		.origin = (enum soft_origin)draw(r, SOFT_ORIGIN_MAX_),
		.kind = (enum frame_kind)draw(r, FRAME_KIND_MAX_),
		.outcome = (enum soft_outcome)draw(r, SOFT_OUTCOME_MAX_),
		.error = draw(r, 2) ? (int)draw(r, 200) : 0,
		.duration_usec = draw(r, 20) ? (int64_t)draw(r, 10000) : INT64_MAX,
	};
}

/* Anything at all, asked for or not. */
static struct input random_input(struct run *r, struct ce_event *ev)
{
	static const enum input_kind kinds[] = {
		INPUT_TICK,   INPUT_EVENT,   INPUT_EVENT,           INPUT_PROBE,
		INPUT_PROBE,  INPUT_ANSWER,  INPUT_ANSWER,          INPUT_FRAME,
		INPUT_POISON, INPUT_MACHINE, INPUT_REQUEST_OFFLINE, INPUT_KERNEL,
		INPUT_FLUSH,  INPUT_LOADED,  INPUT_REQUEST_FORGET,  INPUT_RESTORE_DONE,
		INPUT_SOFT,   INPUT_SOFT,
	};
	struct input in = { .kind = kinds[draw(r, ARRAY_SIZE(kinds))] };
	pfn_t p = page_pfn(draw(r, PAGES));

	*ev = (struct ce_event){ .time = usec((int64_t)draw(r, 1u << 30)),
				 .address = pfn_to_paddr(p, 12),
				 .has_address = true,
				 .count = (uint32_t)draw(r, 3),
				 .label = { "ABCDEFGH", (uint32_t)draw(r, 9) } };
	if (in.kind == INPUT_EVENT) {
		in.event = ev;
	} else if (in.kind == INPUT_PROBE) {
		in.probe.pfn = r->probed && draw(r, 4) ? pfn(r->probed_pfn) : p;
		in.probe.frame = random_frame(r);
		in.probe.machine = r->sim->machine;
	} else if (in.kind == INPUT_ANSWER) {
		in.answer.id = r->n_under_way > 0 && draw(r, 4)
				       ? r->under_way[draw(r, r->n_under_way)].id
				       : draw(r, 9999);
		in.answer.answer = random_offline_answer(r);
	} else if (in.kind == INPUT_FRAME) {
		in.frame.pfn = p;
		in.frame.frame = random_frame(r);
	} else if (in.kind == INPUT_POISON) {
		in.poisoned_kib = (int64_t)draw(r, 1000) - 1;
	} else if (in.kind == INPUT_MACHINE) {
		in.machine = r->sim->machine;
	} else if (in.kind == INPUT_KERNEL) {
		in.kernel.enabled = (enum soft_switch)draw(r, SWITCH_ABSENT + 1);
		in.kernel.collector_acts = (enum fact)draw(r, FACT_YES + 1);
	} else if (in.kind == INPUT_SOFT) {
		r->soft = random_soft(r, p);
		in.soft.event = &r->soft;
		in.soft.asker = (enum soft_asker)draw(r, SOFT_ASKER_OTHERS + 1);
	} else if (in.kind == INPUT_LOADED) {
		in.page.pfn = p;
	} else {
		in.request.pfn = p;
	}
	return in;
}

/* Only an answer to what was asked is taken; one look at a time. */
static void check_chaos(struct run *r, const struct input *in, int result,
			const struct effects *out)
{
	bool answers = in->kind == INPUT_ANSWER &&
		       find(r->under_way, r->n_under_way, in->answer.id);
	bool answers_probe =
		in->kind == INPUT_PROBE && r->probed && in->probe.pfn.n == r->probed_pfn;

	if (in->kind == INPUT_ANSWER || in->kind == INPUT_PROBE)
		assert_int_equal(result, answers || answers_probe ? 0 : -EINVAL);
	if (in->kind == INPUT_RESTORE_DONE)
		assert_int_equal(result, -EINVAL);
	if (answers)
		(void)end_attempt(r, in->answer.id);
	r->probed = r->probed && !answers_probe;
	for (unsigned int i = 0; i < out->n; i++) {
		if (out->v[i].kind == EFFECT_PROBE) {
			assert_false(r->probed ||
				     is_under_way(r, pfn_page(out->v[i].pfn)));
			r->probed = true;
			r->probed_pfn = out->v[i].pfn.n;
		} else if (out->v[i].kind == EFFECT_OFFLINE) {
			assert_true(answers_probe);
			assert_int_equal(out->v[i].attempt.pfn.n, in->probe.pfn.n);
			note_attempt(r, &out->v[i]);
			r->n_attempts++;
		}
	}
}

static void test_chaos(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct run *r = new_run(first_seed + i);
		struct effects out;
		struct ce_event ev;
		int64_t now = 0;

		r->sim->hooks.watch = NULL;
		r->sim->now = 0;
		r->at_once = MAX_ATTEMPTS; /* any answer may come: not followed */
		assert_int_equal(sim_start(r->sim), 0);
		for (unsigned int j = 0; j < 20000; j++) {
			struct input in = random_input(r, &ev);

			now += (int64_t)draw(r, draw(r, 50) ? 1000000 : 3600000000);
			in.now = usec(draw(r, 9) ? now : now - 5000000);
			check_chaos(r, &in, engine_step(r->sim->engine, &in, &out), &out);
		}
		assert_true(r->n_attempts > 10 && r->most > 1);
		assert_int_equal(engine_impossible(r->sim->engine), 0);
		free_run(r);
	}
}

int main(int argc, char **argv)
{
	const char *seed =
		argc == 3 && strcmp(argv[1], "-s") == 0 ? argv[2] : getenv("SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budgets), cmocka_unit_test(test_time_shift),
		cmocka_unit_test(test_order),   cmocka_unit_test(test_restart),
		cmocka_unit_test(test_crashes), cmocka_unit_test(test_chaos),
	};

	if (seed) {
		first_seed = strtoull(seed, NULL, 0);
		runs = 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
