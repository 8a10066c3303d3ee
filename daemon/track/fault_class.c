/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Makes a class from counts of distinct places, and advice from a class. The numbers and
 * the reasons for them are in the header. This file does not know how the counts were
 * made. It never asks how many errors there were, because one bad cell can make
 * thousands.
 */

#include "track/fault_class.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"

static bool is_column(const struct fault_counts *n)
{
	return n->column_rows >= CLASS_COLUMN_ROWS &&
	       2 * n->column_rows >= n->bank_single_rows;
}

enum fault_class fault_classify(const struct fault_counts *n)
{
	if (n->cells == 0)
		return FAULT_NONE;
	if (n->rows >= CLASS_RANK_ROWS && n->banks >= CLASS_RANK_BANKS)
		return FAULT_RANK;
	if (is_column(n))
		return FAULT_COLUMN;
	if (n->bank_rows >= CLASS_BANK_ROWS && n->bank_columns >= CLASS_BANK_COLUMNS)
		return FAULT_BANK;
	return n->faulty_rows > 0 ? FAULT_ROW : FAULT_CELL;
}

bool fault_is_scattered(const struct fault_counts *n)
{
	return n->rows >= CLASS_CHANNEL_ROWS && n->banks >= CLASS_CHANNEL_BANKS;
}

bool fault_is_wide(enum fault_class fault)
{
	switch (fault) {
	case FAULT_NONE:
	case FAULT_CELL:
	case FAULT_ROW:
		return false;
	case FAULT_COLUMN:
	case FAULT_BANK:
	case FAULT_RANK:
	case FAULT_CHANNEL:
		return true;
	case FAULT_MAX_:
		break;
	}
	return false;
}

/* A text that grows up to the end of its buffer and no further. */
struct line {
	char *buf;
	size_t len;
};

static _printf_(2, 3) void line_put(struct line *l, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(l->buf + l->len, CLASS_WHY_MAX - l->len, format, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n;
	if (l->len >= CLASS_WHY_MAX)
		l->len = CLASS_WHY_MAX - 1;
}

static void line_place(struct line *l, const struct dram_coord *c, bool column)
{
	if (c->have & DRAM_SUB_CHANNEL)
		line_put(l, "sub-channel %u ", c->sub_channel);
	if (c->have & DRAM_RANK)
		line_put(l, "rank %u ", c->rank);
	if (c->have & DRAM_CHIP)
		line_put(l, "chip %u ", c->chip);
	if (c->have & DRAM_BANK_GROUP)
		line_put(l, "bank group %u ", c->bank_group);
	if (c->have & DRAM_BANK)
		line_put(l, "bank %u ", c->bank);
	if (column && c->have & DRAM_COLUMN)
		line_put(l, "column 0x%x ", c->column);
	if (l->len > 0)
		l->buf[--l->len] = '\0'; /* the blank */
}

static void line_wide(struct line *l, const struct dimm_rec *d)
{
	const struct dimm_fault *f = &d->fault;

	switch (f->class) {
	case FAULT_COLUMN:
		line_put(l, "column fault: %u rows of ", f->extent);
		line_place(l, &f->at, true);
		line_put(l, " erred");
		break;
	case FAULT_BANK:
		line_put(l, "bank fault: %u rows of ", f->extent);
		line_place(l, &f->at, false);
		line_put(l, " erred in many columns");
		break;
	case FAULT_RANK:
		line_put(l, "fault of several banks: %u rows in %u banks erred", f->rows,
			 f->banks);
		break;
	case FAULT_CHANNEL:
		line_put(
			l,
			"channel fault: this and other DIMMs of the channel err alike (here "
			"%u rows in %u banks); look at slot, board and CPU first, then "
			"replace the DIMM",
			f->rows, f->banks);
		return;
	case FAULT_NONE:
	case FAULT_CELL:
	case FAULT_ROW:
	case FAULT_MAX_:
		break;
	}
	line_put(l, "; taking pages out of use does not help: replace the DIMM");
}

static void line_rows(struct line *l, const struct dimm_rec *d)
{
	const struct dimm_fault *f = &d->fault;

	line_put(l, "%u faulty row%s (%u cell%s in %u row%s of %u bank%s erred)",
		 f->faulty_rows, text_plural(f->faulty_rows), f->cells,
		 text_plural(f->cells), f->rows, text_plural(f->rows), f->banks,
		 text_plural(f->banks));
}

static void line_little(struct line *l, const struct dimm_rec *d)
{
	const struct dimm_fault *f = &d->fault;

	if (f->cells > 0)
		line_put(l, "%u cell%s in %u row%s erred", f->cells,
			 text_plural(f->cells), f->rows, text_plural(f->rows));
	else
		line_put(l, "%llu corrected error%s",
			 (unsigned long long)d->corrected_errors,
			 text_plural(d->corrected_errors));
	if (d->offlined > 0)
		line_put(l, "; %u page%s offlined", d->offlined,
			 text_plural(d->offlined));
}

static void line_uncorrected(struct line *l, const struct dimm_rec *d)
{
	line_put(l, "%llu uncorrected error%s", (unsigned long long)d->uncorrected_errors,
		 text_plural(d->uncorrected_errors));
}

/** What a verdict is based on. */
enum ground {
	GROUND_FORMER,
	GROUND_WIDE,
	GROUND_BUDGET,
	GROUND_UNCORRECTED_AGAIN, /* more than one, or one in addition to faulty rows */
	GROUND_ROWS_OF_A_BANK,
	GROUND_ROWS,
	GROUND_UNCORRECTED,
	GROUND_CORRECTED,
	GROUND_NOTHING,
};

static enum ground ground_of(const struct dimm_rec *d, uint32_t pages_per_dimm)
{
	bool rows = d->fault.class == FAULT_ROW;

	if (d->former)
		return GROUND_FORMER;
	if (fault_is_wide(d->fault.class))
		return GROUND_WIDE;
	if (d->offlined > 0 && d->offlined >= pages_per_dimm)
		return GROUND_BUDGET;
	if (d->uncorrected_errors > 1 || (d->uncorrected_errors > 0 && rows))
		return GROUND_UNCORRECTED_AGAIN;
	/* Repair cannot be counted on for more rows in one bank: JESD79-4 promises one
	 * for each bank group. */
	if (rows)
		return d->fault.bank_faulty_rows > 1 ? GROUND_ROWS_OF_A_BANK
						     : GROUND_ROWS;
	if (d->uncorrected_errors > 0)
		return GROUND_UNCORRECTED;
	return d->corrected_errors > 0 ? GROUND_CORRECTED : GROUND_NOTHING;
}

static enum verdict verdict_by(enum ground ground)
{
	switch (ground) {
	case GROUND_WIDE:
	case GROUND_BUDGET:
	case GROUND_UNCORRECTED_AGAIN:
	case GROUND_ROWS_OF_A_BANK:
		return VERDICT_REPLACE;
	case GROUND_ROWS:
	case GROUND_UNCORRECTED:
		return VERDICT_REPAIR;
	case GROUND_CORRECTED:
		return VERDICT_WATCH;
	case GROUND_FORMER:
	case GROUND_NOTHING:
		break;
	}
	return VERDICT_OK;
}

static void line_ground(struct line *l, enum ground ground, const struct dimm_rec *d,
			uint32_t pages_per_dimm)
{
	switch (ground) {
	case GROUND_FORMER:
		line_put(l, "another module has taken its place");
		break;
	case GROUND_WIDE:
		line_wide(l, d);
		break;
	case GROUND_BUDGET:
		line_put(l, "its budget of %u pages is used up: replace the DIMM",
			 pages_per_dimm);
		break;
	case GROUND_UNCORRECTED_AGAIN:
		line_uncorrected(l, d);
		if (d->fault.class == FAULT_ROW) {
			line_put(l, ", and ");
			line_rows(l, d);
		}
		line_put(l, ": replace the DIMM");
		break;
	case GROUND_ROWS_OF_A_BANK:
		line_rows(l, d);
		line_put(
			l,
			"; %u of them in one bank, more than post-package repair can fix: "
			"replace the DIMM",
			d->fault.bank_faulty_rows);
		break;
	case GROUND_ROWS:
		line_rows(l, d);
		line_put(
			l,
			"; cold reboot with post-package repair enabled; replace the DIMM "
			"if errors return");
		break;
	case GROUND_UNCORRECTED:
		line_uncorrected(l, d);
		line_put(
			l,
			"; cold reboot with memory test and post-package repair enabled; "
			"replace the DIMM if errors return");
		break;
	case GROUND_CORRECTED:
		line_little(l, d);
		break;
	case GROUND_NOTHING:
		line_put(l, "no errors");
		break;
	}
}

enum verdict fault_verdict(const struct dimm_rec *d, uint32_t pages_per_dimm,
			   char ret_why[CLASS_WHY_MAX])
{
	enum ground ground = ground_of(d, pages_per_dimm);
	struct line l = { .buf = ret_why };

	if (ret_why) {
		ret_why[0] = '\0';
		line_ground(&l, ground, d, pages_per_dimm);
	}
	return verdict_by(ground);
}
