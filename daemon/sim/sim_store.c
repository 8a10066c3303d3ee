/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The arrays of the store, and what happens to the times in them at a reboot. It does not
 * know what the rows are for.
 */

#include "sim/sim_store.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_PAGES 64

void sim_store_done(struct sim_store *s)
{
	for (size_t i = 0; i < s->n_pages; i++)
		free(s->pages[i].rec);
	free(s->pages);
	sim_index_clear(&s->page_index);
	free(s->dimms);
	free(s->cells);
	free(s->actions);
	free(s->ces);
}

const struct sim_page *sim_store_find(const struct sim_store *s, pfn_t p)
{
	uint32_t place = sim_index_find(&s->page_index, p.n);

	return place == SIM_NOT_FOUND ? NULL : &s->pages[place];
}

/* The page's place, made now if it is new; NULL: no memory. */
static struct sim_page *sim_store_place(struct sim_store *s, pfn_t p)
{
	uint32_t place = sim_index_find(&s->page_index, p.n);

	if (place != SIM_NOT_FOUND)
		return &s->pages[place];
	if (s->n_pages == s->page_room) {
		size_t room = s->page_room ? 2 * s->page_room : FIRST_PAGES;
		struct sim_page *grown = reallocarray(s->pages, room, sizeof(*grown));

		if (!grown)
			return NULL;
		s->pages = grown;
		s->page_room = room;
	}
	if (sim_index_put(&s->page_index, p.n, (uint32_t)s->n_pages) < 0)
		return NULL;
	s->pages[s->n_pages].rec = NULL;
	return &s->pages[s->n_pages++];
}

static int sim_store_put_page(struct sim_store *s, const struct page_rec *rec)
{
	size_t bytes = sizeof(*rec) + rec->n_stamps * sizeof(*rec->stamps);
	struct page_rec *copy = malloc(bytes);
	struct sim_page *place = copy ? sim_store_place(s, pfn(rec->pfn)) : NULL;

	if (!place) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, rec, bytes);
	free(place->rec);
	place->rec = copy;
	place->boot = s->boot;
	return 0;
}

static int sim_store_put_dimm(struct sim_store *s, const struct effect *f)
{
	size_t n = (size_t)f->dimm.index + 1;
	void *grown;

	if (n > s->n_dimms) {
		grown = realloc(s->dimms, n * sizeof(*s->dimms));
		if (!grown)
			return -ENOMEM;
		s->dimms = grown;
		memset(s->dimms + s->n_dimms, 0, (n - s->n_dimms) * sizeof(*s->dimms));
		s->n_dimms = n;
	}
	s->dimms[f->dimm.index].rec = *f->dimm.rec;
	s->dimms[f->dimm.index].used = true;
	return 0;
}

/* The last page takes the place of the one that goes. Its key is in the index: putting it
 * again needs no memory. */
static void sim_store_remove_at(struct sim_store *s, uint32_t place)
{
	struct sim_page last = s->pages[s->n_pages - 1];

	sim_index_remove(&s->page_index, s->pages[place].rec->pfn);
	free(s->pages[place].rec);
	s->n_pages--;
	if (place == s->n_pages)
		return;
	s->pages[place] = last;
	(void)sim_index_put(&s->page_index, last.rec->pfn, place);
}

static void sim_store_remove_page(struct sim_store *s, pfn_t p)
{
	uint32_t place = sim_index_find(&s->page_index, p.n);

	if (place != SIM_NOT_FOUND)
		sim_store_remove_at(s, place);
}

static void sim_store_remove_dimm(struct sim_store *s, uint16_t dimm)
{
	for (size_t i = s->n_pages; i > 0; i--)
		if (s->pages[i - 1].rec->dimm == dimm)
			sim_store_remove_at(s, (uint32_t)i - 1);
	for (size_t i = s->n_cells; i > 0; i--)
		if (s->cells[i - 1].dimm == dimm)
			s->cells[i - 1] = s->cells[--s->n_cells];
}

static int sim_store_put_cell(struct sim_store *s, const struct effect *f)
{
	size_t i = 0;
	void *grown;

	while (i < s->n_cells &&
	       (s->cells[i].dimm != f->cell.dimm || s->cells[i].slot != f->cell.slot))
		i++;
	if (!f->cell.rec->used) {
		if (i < s->n_cells)
			s->cells[i] = s->cells[--s->n_cells];
		return 0;
	}
	if (i == s->n_cells) {
		grown = realloc(s->cells, (i + 1) * sizeof(*s->cells));
		if (!grown)
			return -ENOMEM;
		s->cells = grown;
		s->n_cells++;
	}
	s->cells[i].rec = *f->cell.rec;
	s->cells[i].dimm = f->cell.dimm;
	s->cells[i].slot = f->cell.slot;
	s->cells[i].boot = s->boot;
	return 0;
}

/* Searched from the end: an answer comes soon after its intent. */
static int sim_store_put_action(struct sim_store *s, const struct action_row *row)
{
	struct action_row *grown;

	for (size_t i = s->n_actions; i > 0; i--) {
		if (s->actions[i - 1].id == row->id) {
			s->actions[i - 1] = *row;
			return 0;
		}
	}
	grown = realloc(s->actions, (s->n_actions + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->actions = grown;
	grown[s->n_actions++] = *row;
	return 0;
}

/* New rows come in any order of id: a row that closes overtakes one that stays open. */
static int sim_store_put_ce(struct sim_store *s, const struct ce_row *row)
{
	size_t place = s->ce_before + row->id - 1;
	uint64_t *grown;

	if (place >= s->ce_rows) {
		grown = realloc(s->ces, (place + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		memset(grown + s->ce_rows, 0, (place + 1 - s->ce_rows) * sizeof(*grown));
		s->ces = grown;
		s->ce_rows = place + 1;
	}
	s->ce_count += row->count - s->ces[place];
	s->ces[place] = row->count;
	return 0;
}

void sim_store_new_engine(struct sim_store *s)
{
	s->ce_before = s->ce_rows;
}

int sim_store_effect(struct sim_store *s, const struct engine *e, const struct effect *f)
{
	switch (f->kind) {
	case EFFECT_STORE_PAGE:
		return sim_store_put_page(s, f->page);
	case EFFECT_REMOVE_PAGE:
		sim_store_remove_page(s, f->pfn);
		break;
	case EFFECT_REMOVE_DIMM:
		sim_store_remove_dimm(s, f->index);
		break;
	case EFFECT_STORE_CELL:
		return sim_store_put_cell(s, f);
	case EFFECT_STORE_ACTION:
		return sim_store_put_action(s, &f->action);
	case EFFECT_STORE_DIMM:
		return sim_store_put_dimm(s, f);
	case EFFECT_STORE_TOTALS:
		s->totals = *engine_totals(e);
		s->has_totals = true;
		break;
	case EFFECT_STORE_SPENT:
		totals_spend(&s->totals, engine_totals(e));
		s->has_totals = true;
		break;
	case EFFECT_STORE_CE:
		return sim_store_put_ce(s, &f->ce);
	case EFFECT_STORE_POISON:
	case EFFECT_PROBE:
	case EFFECT_OFFLINE:
	case EFFECT_LOAD:
	case EFFECT_KERNEL:
	case EFFECT_RECONCILE:
	case EFFECT_NOTICE:
	case EFFECT_REPLY:
		break;
	}
	return 0;
}

/* The shift for a row whose newest time is @latest: the past stays in the past. */
static usec_t sim_store_shift_for(int64_t latest, usec_t shift, usec_t now)
{
	if (usec_add(usec(latest), shift).us > now.us)
		return usec_sub(now, usec(latest));
	return shift;
}

static void sim_store_move_time(int64_t *t, usec_t shift)
{
	if (*t != INT64_MIN && *t != USEC_NEVER)
		*t = usec_add(usec(*t), shift).us;
}

static void sim_store_move_page(struct page_rec *rec, usec_t shift, usec_t now)
{
	usec_t by = sim_store_shift_for(page_rec_last_seen(rec).us, shift, now);

	sim_store_move_time(&rec->first_seen, by);
	sim_store_move_time(&rec->not_before, by);
	if (rec->not_before != USEC_NEVER && rec->not_before > now.us)
		rec->not_before = now.us;
	for (uint32_t i = 0; i < rec->n_stamps; i++)
		sim_store_move_time(&rec->stamps[i], by);
	rec->by_us = 0;
}

/* Only intents of the present boot are found again. */
static void sim_store_close_intents(struct sim_store *s)
{
	for (size_t i = 0; i < s->n_actions; i++)
		if (s->actions[i].result == RESULT_NONE)
			s->actions[i].result = RESULT_INTERRUPTED;
}

void sim_store_new_boot(struct sim_store *s, usec_t shift, usec_t now)
{
	int64_t *times[] = { &s->totals.last_event, &s->totals.last_offline,
			     &s->totals.bucket_time };

	s->boot++;
	for (size_t i = 0; i < s->n_pages; i++)
		sim_store_move_page(s->pages[i].rec, shift, now);
	for (size_t i = 0; i < s->n_dimms; i++) {
		struct dimm_rec *d = &s->dimms[i].rec;
		usec_t by = sim_store_shift_for(d->last_seen, shift, now);

		sim_store_move_time(&d->first_seen, by);
		sim_store_move_time(&d->last_seen, by);
		sim_store_move_time(&d->fault.since, by);
		d->offlined = 0;
	}
	for (size_t i = 0; i < s->n_cells; i++) {
		usec_t by = sim_store_shift_for(s->cells[i].rec.last, shift, now);

		sim_store_move_time(&s->cells[i].rec.first, by);
		sim_store_move_time(&s->cells[i].rec.last, by);
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		sim_store_move_time(times[i], sim_store_shift_for(*times[i], shift, now));
	sim_store_close_intents(s);
}

static int sim_store_later_first(const void *a, const void *b)
{
	int64_t x = page_rec_last_seen(((const struct sim_page *)a)->rec).us;
	int64_t y = page_rec_last_seen(((const struct sim_page *)b)->rec).us;

	return x < y ? 1 : x > y ? -1 : 0;
}

int sim_store_sort_pages(struct sim_store *s)
{
	int r = 0;

	if (s->n_pages > 0)
		qsort(s->pages, s->n_pages, sizeof(*s->pages), sim_store_later_first);
	for (size_t i = 0; r == 0 && i < s->n_pages; i++)
		r = sim_index_put(&s->page_index, s->pages[i].rec->pfn, (uint32_t)i);
	return r;
}
