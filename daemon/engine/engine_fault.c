/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What errors have in common: rows whose pages go together, pages next to erring pages,
 * and the class of each DIMM's fault; and what follows for the DIMM: a verdict to report,
 * rows to store, pages to drop when another module sits in its slot. This file names
 * pages; engine_action.c decides whether and when a page is offlined. It names no page
 * that had no corrected error of its own.
 */

#include <errno.h>

#include "base/mem.h"
#include "engine/engine_internal.h"
#include "event/dram_parse.h"

/* Where RowThreshold= is off, rows are classified by this threshold. */
static const struct threshold default_row = { 2, { 7 * USEC_PER_DAY } };

/* In most real logs the pages of a faulty row lie within 64 frames of 4 KiB (21 of 29
 * rows). That is a property of the DRAM, whatever pages the kernel has. */
#define NEIGHBOUR_SHIFT 18
#define NEIGHBOUR_PAGES 2

static void fault_grow(uint32_t *most, uint32_t n)
{
	if (*most < n)
		*most = n;
}

static void fault_keep_evidence(struct dimm_fault *f, const struct fault_counts *n)
{
	fault_grow(&f->cells, n->cells);
	fault_grow(&f->rows, n->rows);
	fault_grow(&f->faulty_rows, n->faulty_rows);
	fault_grow(&f->bank_faulty_rows, n->bank_faulty_rows);
	fault_grow(&f->banks, n->banks);
	fault_grow(&f->devices, n->devices);
}

/* The widest class so far stays: a fault that is quiet for a month has not healed. */
static void fault_widen(struct engine *e, struct effects *out, uint16_t dimm,
			enum fault_class class, usec_t when)
{
	struct dimm_fault *f = &e->dimms.rec[dimm].fault;
	struct notice r;

	if (class <= f->class)
		return;
	f->class = class;
	f->since = when.us;
	dimm_table_touch(&e->dimms, dimm);
	if (class == FAULT_CELL)
		return; /* the page's first error was reported */
	r = (struct notice){
		.kind = NOTICE_FAULT, .dimm = dimm, .fault = class, .count = f->cells
	};
	engine_notice(e, out, &r);
	engine_report_verdict(e, out, dimm);
}

/* Errors scattered over many banks make a bad DIMM; two such DIMMs, a bad channel. */
static void fault_check_channel(struct engine *e, struct effects *out, uint16_t dimm,
				usec_t when)
{
	usec_t since = usec_sub(when, usec(CLASS_CHANNEL_WINDOW));
	struct fault_counts n;

	fault_map_count_day(e->faults, dimm, since, &n);
	if (!fault_is_scattered(&n))
		return;
	for (uint16_t i = DIMM_OTHER + 1; i < e->dimms.n; i++) {
		if (i == dimm || !dimm_table_same_channel(&e->dimms, i, dimm))
			continue;
		fault_map_count_day(e->faults, i, since, &n);
		if (!fault_is_scattered(&n))
			continue;
		fault_widen(e, out, dimm, FAULT_CHANNEL, when);
		fault_widen(e, out, i, FAULT_CHANNEL, when);
		return;
	}
}

static bool fault_has_place(enum fault_class class)
{
	return class == FAULT_COLUMN || class == FAULT_BANK;
}

/* The DIMM's fault is as wide as it can get, and all cells that can be kept are kept. */
static bool fault_is_settled(const struct engine *e, uint16_t dimm)
{
	const struct dimm_fault *f = &e->dimms.rec[dimm].fault;

	return f->cells >= FAULT_MAP_CELLS &&
	       (f->class == FAULT_CHANNEL ||
		(f->class == FAULT_RANK && !e->dimms.shares_channel[dimm]));
}

/*
 * A further new cell teaches nothing: the fault is settled, or it is wide, and a full map
 * has learned as many new cells in this second as it keeps. To enter still more would
 * only replace some of them by others that are as good a sample of the same storm. Then
 * the cell of a page is looked at only if the page has enough errors of its own to be
 * offlined.
 */
static bool fault_knows_enough(const struct engine *e, uint16_t dimm, usec_t when)
{
	return fault_is_settled(e, dimm) ||
	       (fault_is_wide(e->dimms.rec[dimm].fault.class) &&
		fault_map_is_flooded(e->faults, dimm, when));
}

static void fault_reclassify(struct engine *e, struct effects *out, uint16_t dimm,
			     const struct fault_cell *cell, usec_t when)
{
	struct dimm_fault *f = &e->dimms.rec[dimm].fault;
	struct fault_counts n;
	enum fault_class class;

	if (fault_is_settled(e, dimm))
		return;
	fault_map_count(e->faults, dimm, cell, usec_sub(when, usec(CLASS_WINDOW)), &n);
	class = fault_classify(&n);
	/* Two banks with a fault each are a fault of the rank. */
	if (fault_has_place(class) && fault_has_place(f->class) &&
	    !fault_same_bank(&f->at, &cell->coord))
		class = FAULT_RANK;
	fault_keep_evidence(f, &n);
	dimm_table_touch(&e->dimms, dimm);
	if (fault_has_place(class) && class >= f->class) {
		if (class > f->class) {
			f->extent = 0;
			f->at = cell->coord;
		}
		fault_grow(&f->extent,
			   class == FAULT_COLUMN ? n.column_rows : n.bank_rows);
	}
	fault_widen(e, out, dimm, class, when);
	if (e->dimms.shares_channel[dimm] && fault_is_scattered(&n))
		fault_check_channel(e, out, dimm, when);
}

/*
 * Puts the pages of the row that erred in line. Only cells of this boot count: in an
 * earlier boot their addresses may have been different. A page that the tracker evicted
 * is put in line when it errs again.
 */
static void fault_take_row(struct engine *e, uint16_t dimm, const struct fault_cell *cell)
{
	const struct fault_cell *c;

	for (uint32_t i = 0; (c = fault_map_row_at(e->faults, dimm, cell, i)); i++) {
		paddr_t a = paddr(c->line << FAULT_MAP_LINE_SHIFT);
		struct page_rec *rec =
			ce_tracker_find(e->tracker, paddr_to_pfn(a, e->page_shift));

		if (c->votes == 0 || c->other_boot || !fault_cell_has_address(c) ||
		    !rec || rec->n_stamps == 0 || rec->state != PAGE_WATCHED ||
		    rec->loading)
			continue;
		rec->result = RESULT_NONE;
		rec->tries = 0;
		engine_enqueue(e, rec, LIFE_CHOSEN, REASON_ROW_FAULT);
	}
}

/* True if the row of @cell became faulty by the event at @when. */
static bool fault_row_breaks(struct engine *e, uint16_t dimm,
			     const struct fault_cell *cell, usec_t when)
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

/** What an event says about a cell. */
struct cell_event {
	const struct fault_cell *cell; /* NULL: nothing */
	bool is_new;                   /* one more cell to be counted */
	bool passed_over; /* not looked at: it decides nothing for its page */
	bool again;       /* the cell erred before, within the window */
};

static bool fault_errs_again(const struct threshold *limit, const struct fault_cell *cell,
			     usec_t when)
{
	int64_t apart = usec_sub(when, usec(cell->last)).us;

	return limit->count > 0 && apart <= limit->window.us &&
	       apart >= -limit->window.us;
}

/* True and *ret if @ev names a row and its bank. */
static bool fault_read_place(const struct ce_event *ev, struct dram_coord *ret)
{
	const uint8_t needed = DRAM_ROW | DRAM_BANK;

	*ret = ev->coord;
	if (ret->have == 0)
		dram_coord_parse(ev, ret);
	return (ret->have & needed) == needed;
}

/* For a cell whose coordinates are not certain, or not known at all. */
static struct cell_event fault_learn_cell(struct engine *e, const struct ce_event *ev,
					  uint16_t dimm, struct cell_event ret)
{
	struct dram_coord coord;
	struct fault_cell *cell;

	if (!fault_read_place(ev, &coord))
		return (struct cell_event){ .cell = NULL };
	ret.is_new =
		fault_map_note(e->faults, dimm, ev->address.addr >> FAULT_MAP_LINE_SHIFT,
			       &coord, ev->time, &cell) == NEWS_CELL;
	ret.cell = cell;
	return ret;
}

/* Whether the page may be offlined now because of its cell or row. */
static bool fault_may_go_by_place(const struct engine *e, const struct page_rec *rec)
{
	switch ((enum page_state)rec->state) {
	case PAGE_WATCHED:
		return !engine_fault_forbids(e, rec);
	case PAGE_FAILED:
	case PAGE_REFUSED:
		return engine_may_go_again(e, rec) && !engine_fault_forbids(e, rec);
	case PAGE_PENDING:
	case PAGE_OFFLINED:
	case PAGE_STATE_MAX_:
		break;
	}
	return false;
}

/* It was silent for so long that it no longer counted. */
static bool fault_counts_again(const struct fault_cell *cell, usec_t when)
{
	return when.us - cell->last > CLASS_WINDOW;
}

static struct cell_event fault_note_cell(struct engine *e, const struct ce_event *ev,
					 const struct page_rec *rec, uint16_t dimm)
{
	uint64_t line = ev->address.addr >> FAULT_MAP_LINE_SHIFT;
	struct fault_cell *cell = fault_map_find(e->faults, dimm, line);
	struct cell_event ret = { .cell = cell };

	ret.again = cell && fault_errs_again(&e->dimms.rule[dimm].cell, cell, ev->time);
	if (cell && cell->votes >= FAULT_MAP_CERTAIN) {
		ret.is_new = fault_counts_again(cell, ev->time);
		fault_map_touch(e->faults, dimm, cell, ev->time);
		return ret;
	}
	if (!cell && fault_knows_enough(e, dimm, ev->time) &&
	    !fault_may_go_by_place(e, rec))
		return (struct cell_event){ .passed_over = true };
	return fault_learn_cell(e, ev, dimm, ret);
}

/* The frames that lie close to @rec, from the first to the last. */
struct fault_range {
	uint64_t first, last;
};

static struct fault_range fault_close_frames(const struct engine *e,
					     const struct page_rec *rec)
{
	uint64_t n = e->page_shift < NEIGHBOUR_SHIFT
			     ? UINT64_C(1) << (NEIGHBOUR_SHIFT - e->page_shift)
			     : 1;

	return (struct fault_range){ rec->pfn > n ? rec->pfn - n : 0, rec->pfn + n };
}

/* Counts the erring pages around @rec; a page of a faulty row counts twice. */
static unsigned int fault_neighbours(const struct engine *e, const struct page_rec *rec)
{
	const struct threshold *row = &e->dimms.rule[rec->dimm].row;
	const struct threshold *limit = row->count ? row : &default_row;
	struct fault_range close = fault_close_frames(e, rec);
	unsigned int n = 0;

	for (uint64_t p = close.first; p <= close.last; p++) {
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

static bool fault_has_neighbours(const struct engine *e, const struct page_rec *rec)
{
	return e->dimms.rule[rec->dimm].neighbour && rec->n_stamps > 0 &&
	       rec->state != PAGE_OFFLINED && fault_neighbours(e, rec) >= NEIGHBOUR_PAGES;
}

/* Puts pages close to @rec in line for which @rec is the neighbour that was missing. */
static void fault_take_neighbours(struct engine *e, const struct page_rec *rec)
{
	struct fault_range close = fault_close_frames(e, rec);

	for (uint64_t p = close.first; p <= close.last; p++) {
		struct page_rec *other = ce_tracker_find(e->tracker, pfn(p));

		if (!other || other == rec || other->state != PAGE_WATCHED ||
		    other->loading || other->dimm != rec->dimm ||
		    !fault_has_neighbours(e, other))
			continue;
		other->result = RESULT_NONE;
		other->tries = 0;
		engine_enqueue(e, other, LIFE_CHOSEN, REASON_NEIGHBOUR);
	}
}

/* What the event at @when made of its cell, NULL if it has none, its row and its DIMM. */
static void fault_take_cell(struct engine *e, struct effects *out, uint16_t dimm,
			    const struct fault_cell *cell, bool is_new, usec_t when)
{
	const bool breaks = cell && fault_row_breaks(e, dimm, cell, when);

	if (breaks && e->dimms.rule[dimm].row.count > 0)
		fault_take_row(e, dimm, cell);
	if (breaks || is_new)
		fault_reclassify(e, out, dimm, cell, when);
}

enum reason engine_fault_event(struct engine *e, struct effects *out,
			       const struct ce_event *ev, const struct page_rec *rec,
			       uint16_t dimm)
{
	struct cell_event news = fault_note_cell(e, ev, rec, dimm);
	const struct fault_cell *cell = news.cell;

	fault_take_cell(e, out, dimm, cell, news.is_new, ev->time);
	if (cell && cell->votes > 0 && cell->row_faulty &&
	    e->dimms.rule[dimm].row.count > 0)
		return REASON_ROW_FAULT;
	if (news.again)
		return REASON_CELL_FAULT;
	if (cell || news.passed_over || !fault_has_neighbours(e, rec))
		return REASON_NONE;
	fault_take_neighbours(e, rec);
	return REASON_NEIGHBOUR;
}

void engine_fault_place(struct engine *e, struct effects *out, const struct ce_event *ev,
			uint16_t dimm)
{
	struct dram_coord coord;
	struct fault_cell *cell;
	uint64_t line;
	bool is_new;

	if (fault_knows_enough(e, dimm, ev->time) || !fault_read_place(ev, &coord))
		return;
	line = fault_map_place(&coord);
	cell = fault_map_find(e->faults, dimm, line);
	is_new = cell && fault_counts_again(cell, ev->time);
	if (fault_map_note(e->faults, dimm, line, &coord, ev->time, &cell) == NEWS_CELL)
		is_new = true;
	if (cell)
		fault_take_cell(e, out, dimm, cell, is_new, ev->time);
}

enum reason engine_fault_reason(const struct engine *e, const struct page_rec *rec)
{
	paddr_t first = pfn_to_paddr(pfn(rec->pfn), e->page_shift);
	uint64_t from = first.addr >> FAULT_MAP_LINE_SHIFT;
	uint64_t lines = UINT64_C(1) << (e->page_shift - FAULT_MAP_LINE_SHIFT);

	if (e->dimms.rule[rec->dimm].row.count > 0 &&
	    fault_map_lines_faulty(e->faults, rec->dimm, from, from + lines - 1))
		return REASON_ROW_FAULT;
	return fault_has_neighbours(e, rec) ? REASON_NEIGHBOUR : REASON_NONE;
}

enum wide_limit engine_wide_limit(const struct engine *e, const struct page_rec *rec,
				  uint32_t *ret_limit)
{
	const struct policy_rule *rule = &e->dimms.rule[rec->dimm];

	*ret_limit = 0;
	if (!fault_is_wide(dimm_table_module_class(&e->dimms, rec->dimm)))
		return WIDE_LIMIT_NONE;
	*ret_limit = rule->wide_fault_pages;
	if (dimm_table_module_offlined(&e->dimms, rec->dimm) >= rule->wide_fault_pages)
		return WIDE_LIMIT_PAGES;
	*ret_limit = rule->wide_fault_threshold;
	if (rule->wide_fault_threshold == 0 ||
	    rec->corrected_errors < rule->wide_fault_threshold)
		return WIDE_LIMIT_THRESHOLD;
	return WIDE_LIMIT_NONE;
}

bool engine_fault_forbids(const struct engine *e, const struct page_rec *rec)
{
	uint32_t limit;

	return engine_wide_limit(e, rec, &limit) != WIDE_LIMIT_NONE;
}

void engine_forget_cells(struct engine *e, pfn_t p)
{
	uint64_t from = pfn_to_paddr(p, e->page_shift).addr >> FAULT_MAP_LINE_SHIFT;
	uint64_t lines = UINT64_C(1) << (e->page_shift - FAULT_MAP_LINE_SHIFT);

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

void engine_store_dimm(struct engine *e, struct effects *out, uint16_t index)
{
	struct effect *f;

	if (!dimm_table_clean(&e->dimms, index))
		return;
	f = engine_emit(out, EFFECT_STORE_DIMM);
	f->dimm.rec = &e->dimms.rec[index];
	f->dimm.index = index;
	/* Counts that were taken over are stored nowhere twice: one transaction has both. */
	for (uint16_t i = index + 1; e->dimms.has_merged && i < e->dimms.n; i++)
		if (e->dimms.rec[i].same_as == index && out->n < MAX_EFFECTS &&
		    dimm_table_clean(&e->dimms, i)) {
			f = engine_emit(out, EFFECT_STORE_DIMM);
			f->dimm.rec = &e->dimms.rec[i];
			f->dimm.index = i;
		}
}

void engine_store_dimms(struct engine *e, struct effects *out)
{
	for (unsigned int i = 0; i < e->dimms.n && e->dimms.n_dirty > 0; i++) {
		if (out->n == MAX_EFFECTS)
			return;
		engine_store_dimm(e, out, (uint16_t)i);
	}
}

static void fault_notice_verdict(struct engine *e, struct effects *out, uint16_t dimm,
				 enum verdict was, enum verdict verdict)
{
	struct notice r = {
		.kind = NOTICE_VERDICT,
		.dimm = dimm,
		.verdict = verdict,
		.verdict_before = was,
		.fault = e->dimms.rec[dimm].fault.class,
	};

	engine_notice(e, out, &r);
}

static void fault_change_verdict(struct engine *e, struct effects *out, uint16_t dimm,
				 enum verdict verdict)
{
	enum verdict was = (enum verdict)e->dimms.reported_verdict[dimm];

	/* The ranks of a module have one verdict, reported once. */
	for (uint16_t i = e->dimms.next[dimm]; i != dimm; i = e->dimms.next[i]) {
		if (e->dimms.reported_verdict[i] == verdict)
			was = verdict;
		e->dimms.reported_verdict[i] = (uint8_t)verdict;
	}
	e->dimms.reported_verdict[dimm] = (uint8_t)verdict;
	if (verdict == was)
		return;
	if (verdict >= VERDICT_REPAIR || was >= VERDICT_REPAIR)
		fault_notice_verdict(e, out, dimm, was, verdict);
}

void engine_report_verdict(struct engine *e, struct effects *out, uint16_t dimm)
{
	enum verdict verdict;

	if (dimm == DIMM_OTHER)
		return;
	verdict = engine_dimm_verdict(e, dimm, NULL);
	if (verdict != (enum verdict)e->dimms.reported_verdict[dimm])
		fault_change_verdict(e, out, dimm, verdict);
}

/*
 * What the pages of the module that is gone were watched for says nothing of the new
 * module. Frames that are poisoned now, and pages under way, stay.
 */
static void fault_drop_pages(struct engine *e, uint16_t index)
{
	for (uint32_t i = 0; i < ce_tracker_slots(e->tracker); i++) {
		struct page_rec *rec = ce_tracker_at(e->tracker, i);

		if (!rec || rec->dimm != index)
			continue;
		if (rec->state == PAGE_OFFLINED || rec->in_flight || rec->loading)
			ce_tracker_touch(e->tracker, rec); /* to be stored again */
		else
			ce_tracker_remove(e->tracker, rec);
	}
	fault_map_forget_dimm(e->faults, index);
}

static void fault_close_dimm(struct engine *e, struct effects *out, uint16_t index)
{
	struct notice r = { .kind = NOTICE_MODULE, .dimm = index };

	dimm_table_close(&e->dimms, &e->cfg, index);
	fault_drop_pages(e, index);
	engine_emit(out, EFFECT_REMOVE_DIMM)->index = index;
	engine_store_dimm(e, out, index);
	engine_notice(e, out, &r);
}

int engine_take_module(struct engine *e, struct effects *out, const struct input *in)
{
	uint16_t index = in->module.index;

	if (index >= e->dimms.n || index == DIMM_OTHER || !in->module.serial[0])
		return -EINVAL;
	index = dimm_table_resolve(&e->dimms, index);
	switch (dimm_table_note_module(&e->dimms, index, in->module.part,
				       in->module.serial)) {
	case DIMM_MODULE_SAME:
		break;
	case DIMM_MODULE_NAMED:
		engine_report_verdict(e, out, index);
		break;
	case DIMM_MODULE_OTHER:
		fault_close_dimm(e, out, index);
		break;
	}
	return 0;
}

int engine_take_slot(struct engine *e, struct effects *out, const struct input *in)
{
	uint16_t index = in->slot.index;

	if (index >= e->dimms.n || index == DIMM_OTHER)
		return -EINVAL;
	dimm_table_note_slot(&e->dimms, &e->cfg, index, in->slot.name, in->slot.whole);
	engine_report_verdict(e, out, index);
	return 0;
}
