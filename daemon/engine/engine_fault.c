/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What errors have in common: rows whose pages go together, pages beside erring pages,
 * and the class of each DIMM's fault. It names pages and DIMMs; whether and when
 * something is done about them is engine_action.c's. No page is named that had no
 * corrected error of its own.
 */

#include <string.h>

#include "base/mem.h"
#include "engine/engine_internal.h"

/* Rows are classified by this even where RowThreshold= is off. */
static const struct threshold default_row = { 2, { 7 * USEC_PER_DAY } };

/* Pages of a faulty row lie within 64 frames in most real logs (21 of 29 rows). */
#define NEIGHBOUR_FRAMES 64
#define NEIGHBOUR_PAGES  2

static void grow(uint32_t *most, uint32_t n)
{
	if (*most < n)
		*most = n;
}

static void keep_evidence(struct dimm_fault *f, const struct fault_counts *n)
{
	grow(&f->cells, n->cells);
	grow(&f->rows, n->rows);
	grow(&f->faulty_rows, n->faulty_rows);
	grow(&f->bank_faulty_rows, n->bank_faulty_rows);
	grow(&f->banks, n->banks);
	grow(&f->devices, n->devices);
}

/* The widest class so far stays: a fault does not heal by being quiet for a month. */
static void widen(struct engine *e, struct effects *out, uint16_t dimm,
		  enum fault_class class, usec_t when)
{
	struct dimm_fault *f = &e->dimms.rec[dimm].fault;
	struct notice r = { .kind = NOTICE_FAULT, .dimm = dimm, .fault = class };

	if (class <= f->class)
		return;
	f->class = class;
	f->since = when.us;
	dimm_table_touch(&e->dimms, dimm);
	if (class == FAULT_CELL)
		return; /* the page's first error was told */
	r.count = f->cells;
	engine_notice(e, out, &r);
	engine_report_verdict(e, out, dimm);
}

/* One DIMM scattered over many banks is a bad DIMM; two of a channel are a bad channel.
 */
static void check_channel(struct engine *e, struct effects *out, uint16_t dimm,
			  usec_t when)
{
	usec_t since = usec_sub(when, usec(FAULT_CHANNEL_WINDOW));
	struct fault_counts n;

	fault_map_count(e->faults, dimm, NULL, since, &n);
	if (!fault_is_scattered(&n))
		return;
	for (uint16_t i = DIMM_OTHER + 1; i < e->dimms.n; i++) {
		if (i == dimm || !dimm_table_same_channel(&e->dimms, i, dimm))
			continue;
		fault_map_count(e->faults, i, NULL, since, &n);
		if (!fault_is_scattered(&n))
			continue;
		widen(e, out, dimm, FAULT_CHANNEL, when);
		widen(e, out, i, FAULT_CHANNEL, when);
		return;
	}
}

static bool has_place(enum fault_class class)
{
	return class == FAULT_COLUMN || class == FAULT_BANK;
}

/*
 * The DIMM's fault is as wide as it gets, by as many cells as are kept: a storm teaches
 * no more. Only pages hot enough to go all the same have their cells looked at.
 */
static bool is_known_enough(const struct engine *e, uint16_t dimm)
{
	const struct dimm_fault *f = &e->dimms.rec[dimm].fault;

	return f->cells >= FAULT_CELLS &&
	       (f->class == FAULT_CHANNEL ||
		(f->class == FAULT_RANK && !e->dimms.shares_channel[dimm]));
}

_apart_ static void classify(struct engine *e, struct effects *out, uint16_t dimm,
			     const struct fault_cell *cell, usec_t when)
{
	struct dimm_fault *f = &e->dimms.rec[dimm].fault;
	struct fault_counts n;
	enum fault_class class;

	if (is_known_enough(e, dimm))
		return;
	fault_map_count(e->faults, dimm, cell, usec_sub(when, usec(FAULT_WINDOW)), &n);
	class = fault_classify(&n);
	/* Two banks that each have a fault of their own are several banks. */
	if (has_place(class) && has_place(f->class) &&
	    !fault_same_bank(&f->at, &cell->coord))
		class = FAULT_RANK;
	keep_evidence(f, &n);
	dimm_table_touch(&e->dimms, dimm);
	if (has_place(class) && class >= f->class) {
		if (class > f->class) {
			f->extent = 0;
			f->at = cell->coord;
		}
		grow(&f->extent, class == FAULT_COLUMN ? n.column_rows : n.bank_rows);
	}
	widen(e, out, dimm, class, when);
	if (e->dimms.shares_channel[dimm] && n.rows >= FAULT_CHANNEL_ROWS)
		check_channel(e, out, dimm, when);
}

/*
 * Pages of the row that erred, in this boot: before, the addresses may have been others.
 * What the tracker had to let go acts when it errs again.
 */
_apart_ static void take_row(struct engine *e, uint16_t dimm,
			     const struct fault_cell *cell)
{
	const struct fault_cell *c;

	for (uint32_t i = 0; (c = fault_map_row_at(e->faults, dimm, cell, i)); i++) {
		paddr_t a = paddr(c->line << FAULT_LINE_SHIFT);
		struct page_rec *rec =
			ce_tracker_find(e->tracker, paddr_to_pfn(a, e->page_shift));

		if (c->votes == 0 || c->other_boot || !rec || rec->n_stamps == 0 ||
		    rec->state != PAGE_WATCHED || rec->loading)
			continue;
		rec->result = RESULT_NONE;
		rec->tries = 0;
		engine_enqueue(e, rec, LIFE_CHOSEN, REASON_ROW_FAULT);
	}
}

/* True if the row of @cell became faulty by the event at @when. */
static bool row_breaks(struct engine *e, uint16_t dimm, const struct fault_cell *cell,
		       usec_t when)
{
	const struct threshold *own = &e->dimms.rule[dimm].row;
	const struct threshold *limit = own->count ? own : &default_row;

	if (cell->row_faulty || cell->votes == 0 ||
	    (!cell->row_shared && limit->count > 1))
		return false;
	if (fault_map_row_columns(e->faults, dimm, cell, when, limit->window) <
	    limit->count)
		return false;
	fault_map_set_faulty(e->faults, dimm, cell);
	return true;
}

/** What an event says of a cell. */
struct cell_event {
	const struct fault_cell *cell; /* NULL: nothing */
	bool is_new;                   /* one more to be counted */
	bool passed_over;              /* not looked at: its page does not go by it */
	bool again;                    /* it erred before, within the window */
};

static bool errs_again(const struct threshold *limit, const struct fault_cell *cell,
		       usec_t when)
{
	int64_t apart = usec_sub(when, usec(cell->last)).us;

	return limit->count > 0 && apart <= limit->window.us &&
	       apart >= -limit->window.us;
}

/* The coordinates of its cell are not certain, or not known at all. */
_apart_ static struct cell_event learn_cell(struct engine *e, const struct ce_event *ev,
					    uint16_t dimm, struct cell_event ret)
{
	const uint8_t needed = DRAM_ROW | DRAM_BANK;
	struct dram_coord coord = ev->coord;
	struct fault_cell *cell;

	if (coord.have == 0 && dimm_table_has_no_coords(&e->dimms, dimm, ev))
		return (struct cell_event){ .cell = NULL };
	if (coord.have == 0) {
		dram_coord_parse(ev, &coord);
		if (coord.have == 0)
			dimm_table_note_no_coords(&e->dimms, dimm, ev);
	}
	if ((coord.have & needed) != needed)
		return (struct cell_event){ .cell = NULL };
	ret.is_new = fault_map_note(e->faults, dimm, ev->address.addr >> FAULT_LINE_SHIFT,
				    &coord, ev->time, &cell) == FAULT_NEW_CELL;
	ret.cell = cell;
	return ret;
}

/* Whether something would be done about the page now if its cell, or row, said so. */
static bool may_go_by_place(const struct engine *e, const struct page_rec *rec)
{
	switch ((enum page_state)rec->state) {
	case PAGE_WATCHED:
		return !engine_fault_forbids(e, rec);
	case PAGE_FAILED:
	case PAGE_REFUSED:
		return e->now.us >= rec->not_before && !engine_fault_forbids(e, rec);
	case PAGE_PENDING:
	case PAGE_OFFLINED:
	case PAGE_STATE_MAX_:
		break;
	}
	return false;
}

static struct cell_event note_cell(struct engine *e, const struct ce_event *ev,
				   const struct page_rec *rec, uint16_t dimm)
{
	uint64_t line = ev->address.addr >> FAULT_LINE_SHIFT;
	struct fault_cell *cell = fault_map_find(e->faults, dimm, line);
	struct cell_event ret = { .cell = cell };

	ret.again = cell && errs_again(&e->dimms.rule[dimm].cell, cell, ev->time);
	if (cell && cell->votes >= FAULT_CERTAIN) {
		/* Silent for so long that it was not counted any more. */
		ret.is_new = ev->time.us - cell->last > FAULT_WINDOW;
		fault_map_touch(e->faults, dimm, cell, ev->time);
		return ret;
	}
	if (!cell && is_known_enough(e, dimm) && !may_go_by_place(e, rec))
		return (struct cell_event){ .passed_over = true };
	return learn_cell(e, ev, dimm, ret);
}

/* Erring pages around @p, those of faulty rows counted twice. */
static unsigned int neighbours(const struct engine *e, const struct page_rec *rec)
{
	const struct threshold *row = &e->dimms.rule[rec->dimm].row;
	const struct threshold *limit = row->count ? row : &default_row;
	uint64_t first = rec->pfn > NEIGHBOUR_FRAMES ? rec->pfn - NEIGHBOUR_FRAMES : 0;
	unsigned int n = 0;

	for (uint64_t p = first; p <= rec->pfn + NEIGHBOUR_FRAMES; p++) {
		const struct page_rec *other = ce_tracker_peek(e->tracker, pfn(p));
		usec_t apart;

		if (!other || other == rec || other->n_stamps == 0 ||
		    other->dimm != rec->dimm)
			continue;
		apart = usec_sub(page_rec_last_seen(rec), page_rec_last_seen(other));
		if (apart.us <= limit->window.us && apart.us >= -limit->window.us)
			n += other->reason == REASON_ROW_FAULT ? NEIGHBOUR_PAGES : 1;
	}
	return n;
}

static bool has_neighbours(const struct engine *e, const struct page_rec *rec)
{
	return e->dimms.rule[rec->dimm].neighbour && rec->n_stamps > 0 &&
	       rec->state != PAGE_OFFLINED && neighbours(e, rec) >= NEIGHBOUR_PAGES;
}

/* A page that erred may be what others close by were waiting for. */
_apart_ static void take_neighbours(struct engine *e, const struct page_rec *rec)
{
	uint64_t first = rec->pfn > NEIGHBOUR_FRAMES ? rec->pfn - NEIGHBOUR_FRAMES : 0;

	for (uint64_t p = first; p <= rec->pfn + NEIGHBOUR_FRAMES; p++) {
		struct page_rec *other = ce_tracker_find(e->tracker, pfn(p));

		if (!other || other == rec || other->state != PAGE_WATCHED ||
		    other->loading || other->dimm != rec->dimm ||
		    !has_neighbours(e, other))
			continue;
		other->result = RESULT_NONE;
		other->tries = 0;
		engine_enqueue(e, other, LIFE_CHOSEN, REASON_NEIGHBOUR);
	}
}

enum reason engine_fault_event(struct engine *e, struct effects *out,
			       const struct ce_event *ev, const struct page_rec *rec,
			       uint16_t dimm)
{
	struct cell_event news = note_cell(e, ev, rec, dimm);
	const struct fault_cell *cell = news.cell;
	bool breaks = cell && row_breaks(e, dimm, cell, ev->time);

	if (breaks && e->dimms.rule[dimm].row.count > 0)
		take_row(e, dimm, cell);
	if (breaks || news.is_new)
		classify(e, out, dimm, cell, ev->time);
	if (cell && cell->votes > 0 && cell->row_faulty &&
	    e->dimms.rule[dimm].row.count > 0)
		return REASON_ROW_FAULT;
	if (news.again)
		return REASON_CELL_FAULT;
	if (cell || news.passed_over || !has_neighbours(e, rec))
		return REASON_NONE;
	take_neighbours(e, rec);
	return REASON_NEIGHBOUR;
}

enum reason engine_fault_reason(const struct engine *e, const struct page_rec *rec)
{
	paddr_t first = pfn_to_paddr(pfn(rec->pfn), e->page_shift);
	uint64_t from = first.addr >> FAULT_LINE_SHIFT;
	uint64_t lines = UINT64_C(1) << (e->page_shift - FAULT_LINE_SHIFT);

	if (e->dimms.rule[rec->dimm].row.count > 0 &&
	    fault_map_lines_faulty(e->faults, rec->dimm, from, from + lines - 1))
		return REASON_ROW_FAULT;
	return has_neighbours(e, rec) ? REASON_NEIGHBOUR : REASON_NONE;
}

bool engine_fault_forbids(const struct engine *e, const struct page_rec *rec)
{
	const struct dimm_rec *d = &e->dimms.rec[rec->dimm];

	if (!fault_is_wide(d->fault.class))
		return false;
	return d->offlined >= FAULT_LAST_PAGES || rec->corrected_errors < FAULT_HOT_PAGE;
}

void engine_forget_cells(struct engine *e, pfn_t p)
{
	uint64_t from = pfn_to_paddr(p, e->page_shift).addr >> FAULT_LINE_SHIFT;
	uint64_t lines = UINT64_C(1) << (e->page_shift - FAULT_LINE_SHIFT);

	for (uint16_t i = 0; i < e->dimms.n; i++)
		fault_map_forget_lines(e->faults, i, from, from + lines - 1);
}

void engine_store_cells(struct engine *e, struct effects *out)
{
	const struct fault_cell *cell;
	uint16_t dimm, slot;

	while (out->n < MAX_EFFECTS &&
	       (cell = fault_map_take_dirty(e->faults, &dimm, &slot))) {
		struct effect *f = engine_emit(out, EFFECT_STORE_CELL);

		f->cell.rec = cell;
		f->cell.dimm = dimm;
		f->cell.slot = slot;
	}
}
