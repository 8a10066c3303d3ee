/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Effects performed on a simulated machine, and the inputs that follow from them. It
 * decides nothing, and does not know who drives it or what is expected of the engine.
 */

#include "sim/sim.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define STANDSTILLS_MAX 1000 /* inputs at one moment because of deadlines */
#define NORMAL_LOOKS    (UINT64_C(1) << KPF_LRU | UINT64_C(1) << KPF_ANON)

int sim_new(struct sim **ret)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	config_init(&s->cfg);
	s->page_shift = 12;
	s->machine = (struct machine){ .ram_pages = 1 << 22,
				       .available_kib = 8 << 20,
				       .pressure_known = true };
	s->kernel = (struct kernel_state){ FACT_YES, SWITCH_ON, FACT_YES, FACT_UNKNOWN };
	*ret = s;
	return 0;
}

struct sim *sim_free(struct sim *s)
{
	if (s) {
		engine_free(s->engine);
		sim_store_done(&s->store);
		sim_index_clear(&s->poisoned);
		free(s->offlined_at);
		free(s);
	}
	return NULL;
}

static void sim_note_error(struct sim *s, int r)
{
	if (r < 0 && s->error == 0)
		s->error = r;
}

usec_t sim_time(const struct sim *s, int64_t engine_time)
{
	return usec_add(usec(engine_time), usec(s->base));
}

bool sim_is_spent(const struct sim *s)
{
	return s->max_steps > 0 && s->steps >= s->max_steps;
}

void sim_poison(struct sim *s, pfn_t p)
{
	sim_note_error(s, sim_index_put(&s->poisoned, p.n, 0));
}

void sim_unpoison(struct sim *s, pfn_t p)
{
	sim_index_remove(&s->poisoned, p.n);
}

struct frame sim_frame(const struct sim *s, pfn_t p)
{
	struct frame f = { .readable = true, .flags = NORMAL_LOOKS };

	if (s->hooks.frame)
		f = s->hooks.frame(s->userdata, p);
	f.in_ram = ram_map_contains(&s->ram, pfn_to_paddr(p, s->page_shift));
	/* A frame without a page structure shows no flag, whatever it was. */
	if (f.readable && !f.absent && sim_index_find(&s->poisoned, p.n) != SIM_NOT_FOUND)
		f.flags |= UINT64_C(1) << KPF_HWPOISON;
	return f;
}

unsigned int sim_hour_max(const struct sim *s)
{
	unsigned int most = 0;
	size_t first = 0;

	for (size_t i = 0; i < s->n_offlined; i++) {
		while (s->offlined_at[i] - s->offlined_at[first] >= USEC_PER_HOUR)
			first++;
		if (i - first + 1 > most)
			most = (unsigned int)(i - first + 1);
	}
	return most;
}

static void sim_note_offlined(struct sim *s)
{
	int64_t *grown;

	/* Grows at each power of two. */
	if ((s->n_offlined & (s->n_offlined + 1)) == 0) {
		grown = reallocarray(s->offlined_at, 2 * s->n_offlined + 1,
				     sizeof(*grown));
		if (!grown) {
			sim_note_error(s, -ENOMEM);
			return;
		}
		s->offlined_at = grown;
	}
	s->offlined_at[s->n_offlined++] = s->now;
}

/* What the write to soft_offline_page does to frame and counter. */
static void sim_write(struct sim *s, pfn_t p, const struct sim_answer *how,
		      struct offline_answer *ret)
{
	int64_t delta = 0;

	*ret = (struct offline_answer){ .error = how->error,
					.dry_run = how->dry_run,
					.duration_usec = how->took.us,
					.before = sim_frame(s, p),
					.poisoned_before_kib = s->poisoned_kib };
	ret->after = ret->before;
	if (((how->error == 0 && !how->spoils) || how->poisons) && !how->dry_run &&
	    !frame_is_poisoned(&ret->before)) {
		sim_poison(s, p);
		sim_note_offlined(s);
		ret->after = sim_frame(s, p);
		delta = INT64_C(1) << (s->page_shift - 10);
	}
	if (how->has_delta)
		delta = how->delta_kib;
	if (s->poisoned_kib != SIM_NO_COUNTER)
		s->poisoned_kib += delta;
	ret->poisoned_after_kib = s->poisoned_kib;
	s->writes++;
}

/* The frame changes at once, the answer comes later. */
static void sim_attempt(struct sim *s, uint64_t id, pfn_t p)
{
	struct sim_answer how = { 0 };
	struct sim_attempt *attempt = &s->under_way[s->n_under_way];
	int64_t begins = s->n_under_way > 0 ? attempt[-1].due : s->now;

	assert(s->n_under_way < MAX_ATTEMPTS);
	if (s->hooks.answer)
		how = s->hooks.answer(s->userdata, p);
	s->n_under_way++;
	attempt->id = id;
	attempt->silent = how.silent;
	attempt->has_event = how.has_event;
	attempt->due = begins + how.took.us;
	sim_write(s, p, &how, &attempt->answer);
	attempt->event = (struct soft_event){ .pfn = p,
					      .origin = SOFT_BY_SYSFS,
					      .outcome = how.outcome,
					      .error = how.error,
					      .duration_usec = how.took.us };
}

/* Appends an input; the caller sets the member that belongs to @kind. */
static struct input *sim_follow(struct sim *s, enum input_kind kind)
{
	struct input *in = &s->following[(s->first + s->n_following) % SIM_FOLLOWING_MAX];

	assert(s->n_following < SIM_FOLLOWING_MAX);
	s->n_following++;
	in->kind = kind;
	return in;
}

/*
 * The counter comes first, so that a move that others caused is not charged to the attempt.
 * While attempts are under way, nobody knows who caused a move.
 */
static void sim_look(struct sim *s, pfn_t p)
{
	struct input *in;

	if (s->poisoned_kib != SIM_NO_COUNTER && s->n_under_way == 0)
		sim_follow(s, INPUT_POISON)->poisoned_kib = s->poisoned_kib;
	in = sim_follow(s, INPUT_PROBE);
	in->probe.pfn = p;
	in->probe.frame = sim_frame(s, p);
	in->probe.machine = s->machine;
}

static void sim_perform(struct sim *s, const struct effect *f)
{
	if (s->hooks.watch)
		s->hooks.watch(s->userdata, f);
	switch (f->kind) {
	case EFFECT_PROBE:
		sim_look(s, f->pfn);
		break;
	case EFFECT_OFFLINE:
		sim_attempt(s, f->attempt.id, f->attempt.pfn);
		break;
	case EFFECT_LOAD:
		sim_follow(s, INPUT_LOADED)->page.pfn = f->pfn;
		break;
	case EFFECT_KERNEL:
		sim_follow(s, INPUT_KERNEL)->kernel = s->kernel;
		break;
	case EFFECT_RECONCILE:
		s->reconcile_wanted = true;
		break;
	case EFFECT_STORE_PAGE:
	case EFFECT_REMOVE_PAGE:
	case EFFECT_REMOVE_DIMM:
	case EFFECT_STORE_CE:
	case EFFECT_STORE_ACTION:
	case EFFECT_STORE_POISON:
	case EFFECT_STORE_DIMM:
	case EFFECT_STORE_CELL:
	case EFFECT_STORE_TOTALS:
	case EFFECT_STORE_SPENT:
		sim_note_error(s, s->hooks.keep
					  ? s->hooks.keep(s->userdata, f)
					  : sim_store_effect(&s->store, s->engine, f));
		break;
	case EFFECT_NOTICE:
	case EFFECT_REPLY:
		break;
	}
}

/* What is stored of a page is fetched only now: it is valid until the next effect. */
static void sim_fetch(struct sim *s, struct input *in)
{
	const struct sim_page *page;

	in->page.rec = NULL;
	in->page.other_boot = false;
	if (s->hooks.load) {
		in->page.rec =
			s->hooks.load(s->userdata, in->page.pfn, &in->page.other_boot);
		return;
	}
	page = sim_store_find(&s->store, in->page.pfn);
	if (!page)
		return;
	in->page.rec = page->rec;
	in->page.other_boot = page->boot != s->store.boot;
}

static int sim_give(struct sim *s, struct input *in)
{
	struct effects out;
	int r;

	in->now = usec(s->now - s->base);
	r = engine_step(s->engine, in, &out);
	s->steps++;
	s->deadline_known = false;
	for (unsigned int i = 0; i < out.n; i++)
		sim_perform(s, &out.v[i]);
	return r;
}

/* One input, and what follows from it. */
static int sim_turn(struct sim *s, struct input *in)
{
	int r = sim_give(s, in);

	while (s->n_following > 0) {
		struct input *next = &s->following[s->first];

		s->first = (s->first + 1) % SIM_FOLLOWING_MAX;
		s->n_following--;
		if (next->kind == INPUT_LOADED)
			sim_fetch(s, next);
		(void)sim_give(s, next);
	}
	s->first = 0;
	return r;
}

void sim_restore_input(struct sim *s, const struct input *in)
{
	struct input copy = *in;

	(void)sim_turn(s, &copy);
}

static bool sim_answer_is_due(const struct sim *s, int64_t at)
{
	return s->n_under_way > 0 && !s->under_way[0].silent && s->under_way[0].due <= at;
}

static void sim_answer(struct sim *s)
{
	struct sim_attempt done = s->under_way[0];
	struct input in = { .kind = INPUT_SOFT };

	s->n_under_way--;
	memmove(s->under_way, s->under_way + 1, s->n_under_way * sizeof(done));
	if (done.has_event) {
		done.event.time = usec(s->now - s->base);
		in.soft.event = &done.event;
		(void)sim_turn(s, &in);
	}
	in = (struct input){ .kind = INPUT_ANSWER };
	in.answer.id = done.id;
	in.answer.answer = done.answer;
	(void)sim_turn(s, &in);
}

static void sim_answer_due(struct sim *s)
{
	while (sim_answer_is_due(s, s->now))
		sim_answer(s);
}

static void sim_look_at_all(struct sim *s)
{
	s->reconcile_wanted = false;
	for (uint32_t i = 0; i < ce_tracker_slots(engine_tracker(s->engine)); i++) {
		const struct page_rec *rec =
			ce_tracker_peek_at(engine_tracker(s->engine), i);
		struct input in = { .kind = INPUT_FRAME };

		if (!rec)
			continue;
		in.frame.pfn = pfn(rec->pfn);
		in.frame.frame = sim_frame(s, in.frame.pfn);
		(void)sim_turn(s, &in);
		sim_answer_due(s);
	}
}

/* All that happens at this moment. */
static void sim_settle(struct sim *s)
{
	sim_answer_due(s);
	while (s->reconcile_wanted)
		sim_look_at_all(s);
}

int sim_step_at(struct sim *s, struct input *in)
{
	int r = sim_turn(s, in);

	if (s->n_under_way > 0 || s->reconcile_wanted)
		sim_settle(s);
	return r;
}

void sim_reconcile(struct sim *s)
{
	s->reconcile_wanted = true;
	sim_settle(s);
}

void sim_flush(struct sim *s)
{
	struct input in = { .kind = INPUT_FLUSH, .now = usec(s->now - s->base) };
	struct effects out;

	do {
		(void)engine_step(s->engine, &in, &out);
		for (unsigned int i = 0; i < out.n; i++)
			sim_perform(s, &out.v[i]);
	} while (out.more);
}

int64_t sim_deadline(struct sim *s)
{
	if (!s->deadline_known)
		s->deadline = sim_time(s, engine_deadline(s->engine).us).us;
	s->deadline_known = true;
	return s->deadline;
}

void sim_advance(struct sim *s, int64_t to)
{
	unsigned int standstills = 0;

	while (s->engine && s->error == 0 && !sim_is_spent(s)) {
		int64_t at = sim_deadline(s);
		bool answer = sim_answer_is_due(s, at);

		at = answer ? s->under_way[0].due : at;
		if (at > to)
			break;
		standstills = at > s->now ? 0 : standstills + 1;
		if (standstills > STANDSTILLS_MAX) {
			sim_note_error(s, -ETIME);
			break;
		}
		s->now = at > s->now ? at : s->now;
		if (answer)
			sim_settle(s);
		else
			(void)sim_step(s, (struct input){ .kind = INPUT_TICK });
	}
	s->now = to > s->now ? to : s->now;
}
