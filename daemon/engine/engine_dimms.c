/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What follows from a change of a DIMM's record: rows to store, a verdict to report,
 * pages to drop when another module sits in its slot. Which DIMM an event means is
 * dimm_table.h's; what kind of fault a DIMM has is engine_fault.c's.
 */

#include <errno.h>

#include "base/mem.h"
#include "engine/engine_internal.h"

void engine_store_dimm(struct engine *e, struct effects *out, uint16_t index)
{
	struct effect *f;

	if (!dimm_table_clean(&e->dimms, index))
		return;
	f = engine_emit(out, EFFECT_STORE_DIMM);
	f->dimm.rec = &e->dimms.rec[index];
	f->dimm.index = index;
}

void engine_store_dimms(struct engine *e, struct effects *out)
{
	for (unsigned int i = 0; i < e->dimms.n && e->dimms.n_dirty > 0; i++) {
		if (out->n == MAX_EFFECTS)
			return;
		engine_store_dimm(e, out, (uint16_t)i);
	}
}

_apart_ static void dimms_notice_verdict(struct engine *e, struct effects *out,
					 uint16_t dimm, enum verdict verdict)
{
	struct notice r = {
		.kind = NOTICE_VERDICT,
		.dimm = dimm,
		.verdict = verdict,
		.fault = e->dimms.rec[dimm].fault.class,
	};

	engine_notice(e, out, &r);
}

void engine_report_verdict(struct engine *e, struct effects *out, uint16_t dimm)
{
	enum verdict was = (enum verdict)e->dimms.reported_verdict[dimm];
	enum verdict verdict;

	if (dimm == DIMM_OTHER)
		return;
	verdict = fault_verdict(&e->dimms.rec[dimm], e->cfg.budget.pages_per_dimm, NULL);
	if (verdict == was)
		return;
	e->dimms.reported_verdict[dimm] = (uint8_t)verdict;
	if (verdict >= VERDICT_REPAIR || was >= VERDICT_REPAIR)
		dimms_notice_verdict(e, out, dimm, verdict);
}

/*
 * What the pages of the module that is gone were watched for says nothing of the new
 * module. Frames that are poisoned now, and pages under way, stay.
 */
static void dimms_drop_pages(struct engine *e, uint16_t index)
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

static void dimms_close(struct engine *e, struct effects *out, uint16_t index)
{
	struct notice r = { .kind = NOTICE_MODULE, .dimm = index };

	dimm_table_close(&e->dimms, &e->cfg, index);
	dimms_drop_pages(e, index);
	engine_emit(out, EFFECT_REMOVE_DIMM)->index = index;
	engine_store_dimm(e, out, index);
	engine_notice(e, out, &r);
}

int engine_take_module(struct engine *e, struct effects *out, const struct input *in)
{
	uint16_t index = in->module.index;

	if (index >= e->dimms.n || index == DIMM_OTHER || !in->module.serial[0])
		return -EINVAL;
	switch (dimm_table_note_module(&e->dimms, index, in->module.part,
				       in->module.serial)) {
	case DIMM_MODULE_SAME:
	case DIMM_MODULE_NAMED:
		break;
	case DIMM_MODULE_OTHER:
		dimms_close(e, out, index);
		break;
	}
	return 0;
}
