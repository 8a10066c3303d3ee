/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The start of the simulated daemon, and its end: what an engine is given first, in the
 * order of loop/daemon_start.c. It does not know what the stored rows are for.
 */

#include <errno.h>

#include "sim/sim.h"

static void sim_restore_rows(struct sim *s)
{
	const struct sim_store *st = &s->store;

	for (size_t i = 0; i < st->n_dimms; i++) {
		struct input in = { .kind = INPUT_RESTORE_DIMM };

		if (!st->dimms[i].used)
			continue;
		in.dimm.rec = &st->dimms[i].rec;
		in.dimm.index = (uint16_t)i;
		sim_restore_input(s, &in);
	}
	for (size_t i = 0; i < st->n_cells; i++) {
		struct input in = { .kind = INPUT_RESTORE_CELL };
		struct fault_cell rec = st->cells[i].rec;

		rec.other_boot = rec.other_boot || st->cells[i].boot != st->boot;
		in.cell.rec = &rec;
		in.cell.dimm = st->cells[i].dimm;
		in.cell.slot = st->cells[i].slot;
		sim_restore_input(s, &in);
	}
	for (size_t i = 0; i < st->n_pages; i++) {
		struct input in = { .kind = INPUT_RESTORE_PAGE };

		if (i == ce_tracker_capacity(engine_tracker(s->engine)))
			break;
		in.page.pfn = pfn(st->pages[i].rec->pfn);
		in.page.rec = st->pages[i].rec;
		in.page.other_boot = st->pages[i].boot != st->boot;
		sim_restore_input(s, &in);
	}
}

static void sim_restore_intents(struct sim *s)
{
	for (size_t i = 0; i < s->store.n_actions; i++) {
		struct action_row row = s->store.actions[i];
		struct input in = { .kind = INPUT_RESTORE_ACTION };

		if (row.result != RESULT_NONE)
			continue;
		in.action.row = &row;
		in.action.frame = sim_frame(s, pfn(row.pfn));
		sim_restore_input(s, &in);
	}
}

/* Returns 0 and *ret_more; -ENOMEM. */
static int sim_restore(struct sim *s, bool *ret_more)
{
	struct input in = { .kind = INPUT_RESTORE_TOTALS, .totals = &s->store.totals };
	int r = sim_store_sort_pages(&s->store);

	if (r < 0)
		return r;
	sim_store_new_engine(&s->store);
	if (s->store.has_totals)
		sim_restore_input(s, &in);
	in = (struct input){ .kind = INPUT_MEMORY,
			     .memory = { s->ram_print, s->module_print } };
	sim_restore_input(s, &in);
	sim_restore_rows(s);
	sim_restore_intents(s);
	*ret_more = s->store.n_pages > ce_tracker_capacity(engine_tracker(s->engine));
	return 0;
}

int sim_start(struct sim *s)
{
	struct input done = { .kind = INPUT_RESTORE_DONE };
	int r = s->open_rows ? engine_new_with_rows(&s->engine, &s->cfg, s->page_shift,
						    s->open_rows)
			     : engine_new(&s->engine, &s->cfg, s->page_shift);

	if (r < 0)
		return r;
	(void)sim_step(s, (struct input){ .kind = INPUT_CONTROLLERS,
					  .controllers.all_known = s->edac });
	(void)sim_step(s, (struct input){ .kind = INPUT_RAM, .ram = &s->ram });
	(void)sim_step(s, (struct input){ .kind = INPUT_MACHINE, .machine = s->machine });
	(void)sim_step(s, (struct input){ .kind = INPUT_KERNEL, .kernel = s->kernel });
	if (s->hooks.restore)
		done.restored.more_stored = s->hooks.restore(s->userdata);
	else
		r = sim_restore(s, &done.restored.more_stored);
	(void)sim_step(s, done);
	(void)sim_step(s, (struct input){ .kind = INPUT_POISON,
					  .poisoned_kib = s->poisoned_kib });
	return r < 0 ? r : s->error;
}

static void sim_stop(struct sim *s, bool flush)
{
	if (flush)
		sim_flush(s);
	s->engine = engine_free(s->engine);
	s->n_under_way = 0;
	s->reconcile_wanted = false;
	s->deadline_known = false;
}

int sim_restart(struct sim *s, bool flush)
{
	sim_stop(s, flush);
	return sim_start(s);
}

int sim_reboot(struct sim *s, bool flush, usec_t up, usec_t wall)
{
	int64_t base = s->now - up.us;
	usec_t shift = usec(s->base - base - wall.us);

	sim_stop(s, flush);
	s->base = base;
	sim_index_clear(&s->poisoned);
	s->poisoned_kib = 0;
	sim_store_new_boot(&s->store, shift, up);
	return sim_start(s);
}
