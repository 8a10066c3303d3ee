/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The database of the replay tests: arrays. It does to times what the real one does when
 * a boot is over, and knows nothing of what the rows are for.
 */

#include "sim/sim_store.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

void store_init(struct store *s)
{
	*s = (struct store){ 0 };
}

void store_done(struct store *s)
{
	for (size_t i = 0; i < s->n_pages; i++)
		free(s->pages[i].rec);
	free(s->pages);
	free(s->dimms);
	free(s->cells);
	free(s->actions);
	free(s->ces);
}

const struct stored_page *store_find(const struct store *s, pfn_t p)
{
	for (size_t i = 0; i < s->n_pages; i++)
		if (s->pages[i].rec->pfn == p.n)
			return &s->pages[i];
	return NULL;
}

static struct stored_page *place_for(struct store *s, pfn_t p)
{
	struct stored_page *grown;

	for (size_t i = 0; i < s->n_pages; i++)
		if (s->pages[i].rec->pfn == p.n)
			return &s->pages[i];
	grown = realloc(s->pages, (s->n_pages + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	s->pages = grown;
	grown[s->n_pages].rec = NULL;
	return &grown[s->n_pages];
}

static int put_page(struct store *s, const struct page_rec *rec)
{
	size_t bytes = sizeof(*rec) + rec->n_stamps * sizeof(*rec->stamps);
	struct page_rec *copy = malloc(bytes);
	struct stored_page *place = copy ? place_for(s, pfn(rec->pfn)) : NULL;

	if (!place) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, rec, bytes);
	if (!place->rec)
		s->n_pages++;
	free(place->rec);
	place->rec = copy;
	place->boot = s->boot;
	return 0;
}

static int put_dimm(struct store *s, const struct effect *f)
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

static void remove_dimm(struct store *s, uint16_t dimm)
{
	for (size_t i = s->n_pages; i > 0; i--) {
		if (s->pages[i - 1].rec->dimm != dimm)
			continue;
		free(s->pages[i - 1].rec);
		s->pages[i - 1] = s->pages[--s->n_pages];
	}
}

static void remove_dimm_cells(struct store *s, uint16_t dimm)
{
	for (size_t i = s->n_cells; i > 0; i--)
		if (s->cells[i - 1].dimm == dimm)
			s->cells[i - 1] = s->cells[--s->n_cells];
}

static int put_cell(struct store *s, const struct effect *f)
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

static void remove_page(struct store *s, pfn_t p)
{
	for (size_t i = 0; i < s->n_pages; i++) {
		if (s->pages[i].rec->pfn != p.n)
			continue;
		free(s->pages[i].rec);
		s->pages[i] = s->pages[--s->n_pages];
		return;
	}
}

static int put_action(struct store *s, const struct action_row *row)
{
	struct action_row *grown;

	for (size_t i = 0; i < s->n_actions; i++) {
		if (s->actions[i].id == row->id) {
			s->actions[i] = *row;
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
static int put_ce(struct store *s, const struct ce_row *row)
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

void store_new_engine(struct store *s)
{
	s->ce_before = s->ce_rows;
}

int store_effect(struct store *s, const struct engine *e, const struct effect *f)
{
	switch (f->kind) {
	case EFFECT_STORE_PAGE:
		return put_page(s, f->page);
	case EFFECT_REMOVE_PAGE:
		remove_page(s, f->pfn);
		break;
	case EFFECT_REMOVE_DIMM:
		remove_dimm(s, f->index);
		remove_dimm_cells(s, f->index);
		break;
	case EFFECT_STORE_CELL:
		return put_cell(s, f);
	case EFFECT_STORE_ACTION:
		return put_action(s, &f->action);
	case EFFECT_STORE_DIMM:
		return put_dimm(s, f);
	case EFFECT_STORE_TOTALS:
		s->totals = *engine_totals(e);
		s->has_totals = true;
		break;
	case EFFECT_STORE_SPENT:
		totals_spend(&s->totals, engine_totals(e));
		s->has_totals = true;
		break;
	case EFFECT_STORE_CE:
		return put_ce(s, &f->ce);
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
static usec_t shift_for(int64_t latest, usec_t shift, usec_t now)
{
	if (usec_add(usec(latest), shift).us > now.us)
		return usec_sub(now, usec(latest));
	return shift;
}

static void move_time(int64_t *t, usec_t shift)
{
	if (*t != INT64_MIN && *t != USEC_NEVER)
		*t = usec_add(usec(*t), shift).us;
}

static void move_page(struct page_rec *rec, usec_t shift, usec_t now)
{
	usec_t by = shift_for(page_rec_last_seen(rec).us, shift, now);

	move_time(&rec->first_seen, by);
	move_time(&rec->not_before, by);
	if (rec->not_before != USEC_NEVER && rec->not_before > now.us)
		rec->not_before = now.us;
	for (uint32_t i = 0; i < rec->n_stamps; i++)
		move_time(&rec->stamps[i], by);
	rec->by_us = 0;
}

/* Only intents of the present boot are found again. */
static void close_intents(struct store *s)
{
	for (size_t i = 0; i < s->n_actions; i++)
		if (s->actions[i].result == RESULT_NONE)
			s->actions[i].result = RESULT_INTERRUPTED;
}

void store_new_boot(struct store *s, usec_t shift, usec_t now)
{
	int64_t *times[] = { &s->totals.last_event, &s->totals.last_offline,
			     &s->totals.bucket_time };

	s->boot++;
	for (size_t i = 0; i < s->n_pages; i++)
		move_page(s->pages[i].rec, shift, now);
	for (size_t i = 0; i < s->n_dimms; i++) {
		struct dimm_rec *d = &s->dimms[i].rec;
		usec_t by = shift_for(d->last_seen, shift, now);

		move_time(&d->first_seen, by);
		move_time(&d->last_seen, by);
		move_time(&d->fault.since, by);
		d->offlined = 0;
	}
	for (size_t i = 0; i < s->n_cells; i++) {
		usec_t by = shift_for(s->cells[i].rec.last, shift, now);

		move_time(&s->cells[i].rec.first, by);
		move_time(&s->cells[i].rec.last, by);
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		move_time(times[i], shift_for(*times[i], shift, now));
	close_intents(s);
}

static int later_first(const void *a, const void *b)
{
	int64_t x = page_rec_last_seen(((const struct stored_page *)a)->rec).us;
	int64_t y = page_rec_last_seen(((const struct stored_page *)b)->rec).us;

	return x < y ? 1 : x > y ? -1 : 0;
}

void store_sort_pages(struct store *s)
{
	if (s->n_pages > 0)
		qsort(s->pages, s->n_pages, sizeof(*s->pages), later_first);
}
