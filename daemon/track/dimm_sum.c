/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Adds up records of DIMMs. It does not know which belong together.
 */

#include "track/dimm_sum.h"

#include <string.h>

#include "base/serial.h"

static void sum_add(uint64_t *to, uint64_t n)
{
	if (__builtin_add_overflow(*to, n, to))
		*to = UINT64_MAX;
}

static void sum_grow(uint32_t *most, uint32_t n)
{
	if (*most < n)
		*most = n;
}

void dimm_rec_take_last_ue(struct dimm_rec *to, const struct dimm_rec *from)
{
	if (from->uncorrected_errors == 0 ||
	    (to->uncorrected_errors > 0 && to->last_ue >= from->last_ue))
		return;
	to->last_ue = from->last_ue;
	to->last_ue_address = from->last_ue_address;
	to->last_ue_has_address = from->last_ue_has_address;
}

static void sum_counts(struct dimm_rec *to, const struct dimm_rec *from)
{
	dimm_rec_take_last_ue(to, from); /* while the counts say which has one */
	sum_add(&to->corrected_errors, from->corrected_errors);
	sum_add(&to->uncorrected_errors, from->uncorrected_errors);
	sum_add(&to->unattributed, from->unattributed);
	to->pages += from->pages;
	to->offlined += from->offlined;
	to->overflow = to->overflow || from->overflow;
	if (from->first_seen < to->first_seen)
		to->first_seen = from->first_seen;
	if (from->last_seen > to->last_seen)
		to->last_seen = from->last_seen;
}

void dimm_rec_take(struct dimm_rec *to, struct dimm_rec *from)
{
	struct dimm_fault fault =
		from->fault.class > to->fault.class ? from->fault : to->fault;

	sum_counts(to, from);
	for (int i = 0; i < 2; i++) {
		const struct dimm_fault *f = i == 0 ? &to->fault : &from->fault;

		sum_grow(&fault.cells, f->cells);
		sum_grow(&fault.rows, f->rows);
		sum_grow(&fault.faulty_rows, f->faulty_rows);
		sum_grow(&fault.bank_faulty_rows, f->bank_faulty_rows);
		sum_grow(&fault.banks, f->banks);
		sum_grow(&fault.devices, f->devices);
	}
	to->fault = fault;
	if (!dmi_serial_is_real(to->serial)) {
		memcpy(to->part, from->part, sizeof(to->part));
		memcpy(to->serial, from->serial, sizeof(to->serial));
	}
	if (!to->device[0])
		memcpy(to->device, from->device, sizeof(to->device));
	from->corrected_errors = from->uncorrected_errors = from->unattributed = 0;
	from->pages = from->offlined = 0;
	from->overflow = false;
	from->fault = (struct dimm_fault){ .class = FAULT_NONE };
}

void dimm_rec_add_rank(struct dimm_rec *to, const struct dimm_rec *rank)
{
	const struct dimm_fault was = to->fault, *f = &rank->fault;

	sum_counts(to, rank);
	if (f->class > was.class)
		to->fault = *f;
	to->fault.cells = was.cells + f->cells;
	to->fault.rows = was.rows + f->rows;
	to->fault.faulty_rows = was.faulty_rows + f->faulty_rows;
	to->fault.banks = was.banks + f->banks;
	to->fault.devices = was.devices + f->devices;
	sum_grow(&to->fault.bank_faulty_rows, was.bank_faulty_rows);
	sum_grow(&to->fault.bank_faulty_rows, f->bank_faulty_rows);
}
