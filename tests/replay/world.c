/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Plays everything that is outside of the engine: performs its effects on scripted
 * memory, answers for the kernel, keeps the store, moves the clock. It does not know what
 * a story expects.
 */

#include "world.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define SEEN_MAX    256
#define TICKS_MAX   50000
#define STANDSTILLS 1000 /* ticks at one moment; more is a busy loop */

void world_init(struct world *w, world_see_fn see, void *userdata)
{
	memset(w, 0, sizeof(*w));
	config_init(&w->cfg);
	w->page_shift = 12;
	w->machine = (struct machine){ .ram_pages = 1 << 22,
				       .available_kib = 8 << 20,
				       .pressure_known = true };
	w->kernel = (struct kernel_state){ FACT_YES, SWITCH_ON, FACT_YES };
	w->see = see;
	w->userdata = userdata;
	store_init(&w->store);
}

void world_done(struct world *w)
{
	engine_free(w->engine);
	store_done(&w->store);
	free(w->poisoned);
	free(w->offlined_at);
}

usec_t world_story_time(const struct world *w, int64_t engine_time)
{
	return usec_add(usec(engine_time), usec(w->base));
}

static bool is_poisoned(const struct world *w, pfn_t p, size_t *ret_place)
{
	for (size_t i = 0; i < w->n_poisoned; i++) {
		if (w->poisoned[i] == p.n) {
			*ret_place = i;
			return true;
		}
	}
	return false;
}

void world_poison(struct world *w, pfn_t p)
{
	uint64_t *grown;
	size_t place;

	if (is_poisoned(w, p, &place))
		return;
	grown = realloc(w->poisoned, (w->n_poisoned + 1) * sizeof(*grown));
	if (!grown) {
		w->failed = true;
		return;
	}
	w->poisoned = grown;
	grown[w->n_poisoned++] = p.n;
}

void world_unpoison(struct world *w, pfn_t p)
{
	size_t place;

	if (is_poisoned(w, p, &place))
		w->poisoned[place] = w->poisoned[--w->n_poisoned];
}

static bool in_ram(const struct world *w, pfn_t p)
{
	uint64_t a = pfn_to_paddr(p, w->page_shift).addr;

	for (unsigned int i = 0; i < w->ram.n; i++)
		if (a >= w->ram.ranges[i].start.addr && a <= w->ram.ranges[i].end.addr)
			return true;
	return !w->ram.known;
}

struct frame world_frame(const struct world *w, pfn_t p)
{
	struct frame f = { .readable = true,
			   .flags = UINT64_C(1) << KPF_LRU | UINT64_C(1) << KPF_ANON };
	size_t place;

	for (unsigned int i = 0; i < w->n_frames; i++)
		if (w->frames[i].any_page || w->frames[i].pfn == p.n)
			f = w->frames[i].frame;
	f.in_ram = in_ram(w, p);
	if (f.readable && is_poisoned(w, p, &place))
		f.flags |= UINT64_C(1) << KPF_HWPOISON;
	return f;
}

static struct script_answer next_answer(struct world *w, pfn_t p)
{
	if (w->answer)
		return w->answer(w->userdata, p);
	for (unsigned int i = 0; i < w->n_answers; i++) {
		struct script_answer *a = &w->answers[i];

		if (a->left > 0 && (a->any_page || a->pfn == p.n)) {
			a->left--;
			return *a;
		}
	}
	return (struct script_answer){ 0 };
}

static void note_offlined(struct world *w)
{
	int64_t *grown = realloc(w->offlined_at, (w->n_offlined + 1) * sizeof(*grown));

	if (!grown) {
		w->failed = true;
		return;
	}
	w->offlined_at = grown;
	grown[w->n_offlined++] = w->now;
}

unsigned int world_hour_max(const struct world *w)
{
	unsigned int most = 0;
	size_t first = 0;

	for (size_t i = 0; i < w->n_offlined; i++) {
		while (w->offlined_at[i] - w->offlined_at[first] >= USEC_PER_HOUR)
			first++;
		if (i - first + 1 > most)
			most = (unsigned int)(i - first + 1);
	}
	return most;
}

/* The write to soft_offline_page: what it does at once, and the answer for later. */
static void write_page(struct world *w, uint64_t id, pfn_t p)
{
	struct script_answer script = next_answer(w, p);
	int64_t begins =
		w->n_under_way > 0 ? w->under_way[w->n_under_way - 1].due : w->now;
	struct under_way *u = &w->under_way[w->n_under_way++];
	struct offline_answer *a = &u->answer.answer.answer;
	int64_t page_kib = INT64_C(1) << (w->page_shift - 10);

	w->writes++;
	*u = (struct under_way){ .silent = script.silent, .tells = script.tells };
	u->answer.kind = INPUT_ANSWER;
	u->answer.answer.id = id;
	a->error = script.error;
	a->dry_run = script.dry_run;
	a->before = world_frame(w, p);
	a->poisoned_before_kib = w->poisoned_kib;
	a->duration_usec = script.took.us;
	if (((script.error == 0 && !script.spoils) || script.poisons) &&
	    !script.dry_run && !frame_is_poisoned(&a->before)) {
		world_poison(w, p);
		note_offlined(w);
		w->poisoned_kib += script.moves ? 0 : page_kib;
	}
	w->poisoned_kib += script.moves ? script.delta_kib : 0;
	a->after = world_frame(w, p);
	a->poisoned_after_kib = w->poisoned_kib;
	u->event = (struct soft_event){ .pfn = p,
					.origin = SOFT_BY_SYSFS,
					.outcome = script.outcome,
					.error = script.error,
					.duration_usec = script.took.us };
	u->due = begins + script.took.us;
}

static void load(struct world *w, pfn_t p)
{
	const struct stored_page *page = store_find(&w->store, p);
	struct input in = { .kind = INPUT_LOADED };

	in.page.pfn = p;
	in.page.rec = page ? page->rec : NULL;
	in.page.other_boot = page && page->boot != w->store.boot;
	(void)world_step(w, in);
}

static void probe(struct world *w)
{
	struct input in = { .kind = INPUT_PROBE };

	w->probe_wanted = false;
	in.probe.pfn = w->probe_pfn;
	in.probe.frame = world_frame(w, w->probe_pfn);
	in.probe.machine = w->machine;
	(void)world_step(w, in);
}

static void look_at_kernel(struct world *w)
{
	w->kernel_wanted = false;
	(void)world_step(w, (struct input){ .kind = INPUT_KERNEL, .kernel = w->kernel });
}

static void perform(struct world *w, const struct effects *out)
{
	char line[SEEN_MAX];

	for (unsigned int i = 0; i < out->n; i++) {
		if (w->watch)
			w->watch(w->userdata, &out->v[i]);
		if (w->see && describe_effect(w, &out->v[i], line, sizeof(line)))
			w->see(w->userdata, line);
		if (store_effect(&w->store, w->engine, &out->v[i]) < 0)
			w->failed = true;
	}
	for (unsigned int i = 0; i < out->n; i++)
		if (out->v[i].kind == EFFECT_LOAD)
			load(w, out->v[i].pfn);
	for (unsigned int i = 0; i < out->n; i++) {
		if (out->v[i].kind == EFFECT_PROBE) {
			w->probe_pfn = out->v[i].pfn;
			w->probe_wanted = true;
		} else if (out->v[i].kind == EFFECT_KERNEL) {
			w->kernel_wanted = true;
		} else if (out->v[i].kind == EFFECT_OFFLINE) {
			write_page(w, out->v[i].attempt.id, out->v[i].attempt.pfn);
		} else if (out->v[i].kind == EFFECT_RECONCILE) {
			w->reconcile_wanted = true;
		}
	}
}

/* The kernel does one after the other: who never answers holds up the rest. */
static bool answer_due(const struct world *w, int64_t at)
{
	return w->n_under_way > 0 && !w->under_way[0].silent && w->under_way[0].due <= at;
}

static void deliver(struct world *w)
{
	struct under_way done = w->under_way[0];
	struct input told = { .kind = INPUT_SOFT };

	w->n_under_way--;
	memmove(w->under_way, w->under_way + 1, w->n_under_way * sizeof(done));
	done.event.time = usec(w->now - w->base);
	told.soft.event = &done.event;
	if (done.tells)
		(void)world_step(w, told);
	(void)world_step(w, done.answer);
}

static bool has_work(const struct world *w)
{
	return w->probe_wanted || w->kernel_wanted || w->reconcile_wanted ||
	       answer_due(w, w->now);
}

int world_step(struct world *w, struct input in)
{
	struct effects out;
	int r;

	in.now = usec(w->now - w->base);
	r = engine_step(w->engine, &in, &out);
	assert(engine_impossible(w->engine) == 0);
	w->steps++;
	w->depth++;
	perform(w, &out);
	w->depth--;
	/* Not from within: hundreds of pages may be refused in a row. */
	while (w->depth == 0 && has_work(w)) {
		w->depth++;
		if (w->probe_wanted)
			probe(w);
		else if (w->kernel_wanted)
			look_at_kernel(w);
		else if (answer_due(w, w->now))
			deliver(w);
		else
			world_reconcile(w);
		w->depth--;
	}
	return r;
}

void world_reconcile(struct world *w)
{
	w->reconcile_wanted = false;
	for (uint32_t i = 0; i < ce_tracker_slots(engine_tracker(w->engine)); i++) {
		const struct page_rec *rec =
			ce_tracker_peek_at(engine_tracker(w->engine), i);
		struct input in = { .kind = INPUT_FRAME };

		if (!rec)
			continue;
		in.frame.pfn = pfn(rec->pfn);
		in.frame.frame = world_frame(w, in.frame.pfn);
		(void)world_step(w, in);
	}
}

void world_flush(struct world *w)
{
	struct input in = { .kind = INPUT_FLUSH, .now = usec(w->now - w->base) };
	struct effects out;

	do {
		(void)engine_step(w->engine, &in, &out);
		perform(w, &out);
	} while (out.more);
}

bool world_is_spent(const struct world *w)
{
	return w->max_steps > 0 && w->steps >= w->max_steps;
}

void world_advance(struct world *w, int64_t to)
{
	unsigned int standstills = 0;

	for (unsigned int ticks = 0; w->engine && ticks < TICKS_MAX; ticks++) {
		int64_t at = world_story_time(w, engine_deadline(w->engine).us).us;
		bool answer = answer_due(w, at);

		at = answer ? w->under_way[0].due : at;
		if (at > to || world_is_spent(w))
			break;
		standstills = at > w->now ? 0 : standstills + 1;
		if (standstills > STANDSTILLS) {
			if (w->see)
				w->see(w->userdata, "standstill");
			w->stands_still = true;
			w->failed = true;
			break;
		}
		w->now = at > w->now ? at : w->now;
		if (answer)
			deliver(w);
		else
			(void)world_step(w, (struct input){ .kind = INPUT_TICK });
	}
	w->now = to > w->now ? to : w->now;
}

static void restore_rows(struct world *w)
{
	struct store *s = &w->store;

	if (s->has_totals)
		(void)world_step(w, (struct input){ .kind = INPUT_RESTORE_TOTALS,
						    .totals = &s->totals });
	(void)world_step(w,
			 (struct input){ .kind = INPUT_MEMORY,
					 .memory = { w->ram_print, w->module_print } });
	for (size_t i = 0; i < s->n_dimms; i++) {
		struct input in = { .kind = INPUT_RESTORE_DIMM };
		struct dimm_rec rec = s->dimms[i].rec;

		if (!s->dimms[i].used)
			continue;
		in.dimm.rec = &rec;
		in.dimm.index = (uint16_t)i;
		(void)world_step(w, in);
	}
	for (size_t i = 0; i < s->n_cells; i++) {
		struct input in = { .kind = INPUT_RESTORE_CELL };
		struct fault_cell rec = s->cells[i].rec;

		rec.other_boot = rec.other_boot || s->cells[i].boot != s->boot;
		in.cell.rec = &rec;
		in.cell.dimm = s->cells[i].dimm;
		in.cell.slot = s->cells[i].slot;
		(void)world_step(w, in);
	}
	store_sort_pages(s);
	for (size_t i = 0; i < s->n_pages; i++) {
		struct input in = { .kind = INPUT_RESTORE_PAGE };

		if (i == ce_tracker_capacity(engine_tracker(w->engine)))
			break;
		in.page.pfn = pfn(s->pages[i].rec->pfn);
		in.page.rec = s->pages[i].rec;
		in.page.other_boot = s->pages[i].boot != s->boot;
		(void)world_step(w, in);
	}
}

static void restore_intents(struct world *w)
{
	for (size_t i = 0; i < w->store.n_actions; i++) {
		struct action_row row = w->store.actions[i];
		struct input in = { .kind = INPUT_RESTORE_ACTION };

		if (row.result != RESULT_NONE)
			continue;
		in.action.row = &row;
		in.action.frame = world_frame(w, pfn(row.pfn));
		(void)world_step(w, in);
	}
}

int world_start(struct world *w)
{
	struct input in = { .kind = INPUT_RESTORE_DONE };
	int r = engine_new(&w->engine, &w->cfg, w->page_shift);

	if (r < 0)
		return r;
	store_new_engine(&w->store);
	(void)world_step(w, (struct input){ .kind = INPUT_RAM, .ram = &w->ram });
	(void)world_step(w,
			 (struct input){ .kind = INPUT_MACHINE, .machine = w->machine });
	(void)world_step(w, (struct input){ .kind = INPUT_KERNEL, .kernel = w->kernel });
	restore_rows(w);
	restore_intents(w);
	in.restored.more_stored =
		w->store.n_pages > ce_tracker_capacity(engine_tracker(w->engine));
	(void)world_step(w, in);
	(void)world_step(w, (struct input){ .kind = INPUT_POISON,
					    .poisoned_kib = w->poisoned_kib });
	return 0;
}

static void stop(struct world *w, bool flush)
{
	if (flush)
		world_flush(w);
	w->engine = engine_free(w->engine);
	w->n_under_way = 0;
	w->probe_wanted = false;
	w->kernel_wanted = false;
	w->reconcile_wanted = false;
}

int world_restart(struct world *w, bool flush)
{
	stop(w, flush);
	return world_start(w);
}

int world_reboot(struct world *w, bool flush, usec_t up, usec_t wall)
{
	int64_t base = w->now - up.us;
	usec_t shift = usec(w->base - base - wall.us);

	stop(w, flush);
	w->base = base;
	w->n_poisoned = 0;
	w->poisoned_kib = 0;
	store_new_boot(&w->store, shift, up);
	return world_start(w);
}
