/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rows of the database as reports. It opens nothing and reads nothing.
 */

#include "tell/report_db.h"

#include <stdio.h>
#include <string.h>

static void set_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static uint64_t frame_address(uint64_t n, unsigned int page_shift)
{
	return pfn_to_paddr(pfn(n), page_shift).addr;
}

/* A counter that could not be read is -1 in the database. */
static int64_t kib(int64_t value)
{
	return value < 0 ? REPORT_NO_NUMBER : value;
}

void report_from_db_page(const struct db_page *row, unsigned int page_shift,
			 struct page_report *ret)
{
	*ret = (struct page_report){
		.pfn = row->pfn,
		.address = frame_address(row->pfn, page_shift),
		.corrected_errors = row->corrected_errors,
		.first_seen = row->first_seen,
		.last_seen = row->last_seen,
		.attempts = row->attempts,
	};
	set_text(ret->dimm, sizeof(ret->dimm), row->dimm);
	set_text(ret->state, sizeof(ret->state), row->state);
	set_text(ret->reason, sizeof(ret->reason), row->reason);
	set_text(ret->result, sizeof(ret->result), row->result);
}

void report_from_db_history(const struct db_history *row, unsigned int page_shift,
			    struct history_report *ret)
{
	*ret = (struct history_report){
		.time = row->time,
		.pfn = row->pfn,
		.address = frame_address(row->pfn, page_shift),
		.error = row->error,
		.duration_usec = row->duration_usec,
		.poisoned_before_kib = kib(row->poisoned_before_kib),
		.poisoned_after_kib = kib(row->poisoned_after_kib),
	};
	set_text(ret->action, sizeof(ret->action), row->action);
	set_text(ret->reason, sizeof(ret->reason), row->reason);
	set_text(ret->result, sizeof(ret->result), row->result);
	set_text(ret->page_type, sizeof(ret->page_type), row->page_type);
	set_text(ret->outcome, sizeof(ret->outcome), row->outcome);
}

void report_from_db_ce(const struct db_ce *row, struct ce_report *ret)
{
	*ret = (struct ce_report){
		.first = row->first,
		.last = row->last,
		.address = row->has_address ? row->address : REPORT_NO_ADDRESS,
		.count = row->count,
		.events = row->events,
	};
	set_text(ret->dimm, sizeof(ret->dimm), row->dimm);
	set_text(ret->severity, sizeof(ret->severity), report_severity(row->severity));
	set_text(ret->registers, sizeof(ret->registers), row->registers);
}

void report_from_dimm_rec(const struct dimm_rec *rec, struct dimm_report *ret)
{
	*ret = (struct dimm_report){
		.size_mib = REPORT_NO_NUMBER,
		.corrected_errors = rec->corrected_errors,
		.uncorrected_errors = rec->uncorrected_errors,
		.unattributed = rec->unattributed,
		.pages = rec->pages,
		.offlined = rec->offlined,
		.cells = rec->fault.cells,
		.rows = rec->fault.rows,
		.banks = rec->fault.banks,
		.former = rec->former,
		.since = rec->fault.class > FAULT_CELL ? rec->fault.since
						       : REPORT_NO_NUMBER,
		.last_uncorrected = REPORT_NO_NUMBER,
		.last_uncorrected_address = REPORT_NO_ADDRESS,
	};
	if (rec->uncorrected_errors > 0) {
		ret->last_uncorrected = rec->last_ue;
		if (rec->last_ue_has_address)
			ret->last_uncorrected_address = rec->last_ue_address;
		if (ret->since == REPORT_NO_NUMBER)
			ret->since = rec->last_ue;
	}
	set_text(ret->label, sizeof(ret->label), rec->label);
	set_text(ret->fault, sizeof(ret->fault),
		 rec->fault.class == FAULT_NONE
			 ? ""
			 : fault_class_to_string(rec->fault.class));
	set_text(ret->slot_match, sizeof(ret->slot_match), "unknown");
	set_text(ret->part, sizeof(ret->part), rec->part);
	set_text(ret->serial, sizeof(ret->serial), rec->serial);
	set_text(ret->identity, sizeof(ret->identity),
		 rec->serial[0] ? "exact" : "unknown");
	(void)report_location(rec->mc, rec->layer, ret->location, sizeof(ret->location));
}

struct db_filter report_db_filter(const struct report_filter *f, unsigned int page_shift)
{
	return (struct db_filter){
		.state = f->state,
		.has_pfn = f->has_address,
		.pfn = paddr_to_pfn(paddr(f->address), page_shift).n,
		.page_shift = page_shift,
		.since = f->since,
		.until = f->until,
		.limit = f->limit,
	};
}
