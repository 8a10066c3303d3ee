/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Makes the database that the golden tests of softofflinectl look at: one page in every
 * state, their history and errors, at fixed times. Usage: make_db FILE
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/sight.h"
#include "db.h"

#define NOW    (INT64_C(5000) * USEC_PER_SEC)
#define OFFSET (INT64_C(1714560000) * USEC_PER_SEC) /* 2024-05-01 10:40:00 UTC */

DEFINE_CLEANUP(struct db *, db_close)

static int64_t at(int64_t seconds)
{
	return seconds * USEC_PER_SEC;
}

static int put_dimms(struct db *db)
{
	struct dimm_rec other = { .label = "other", .layer = { -1, -1, -1 } };
	struct dimm_rec a = { .label = "P1-DIMMA1",
			      .layer = { 0, 1, -1 },
			      .corrected_errors = 1204,
			      .uncorrected_errors = 1,
			      .unattributed = 3,
			      .pages = 5,
			      .offlined = 1 };
	struct dimm_rec b = { .label = "P2-\033[31mDIMM\377B1",
			      .mc = 1,
			      .layer = { 0, 0, 0 },
			      .corrected_errors = 2,
			      .pages = 1 };
	int r;

	r = db_put_dimm(db, 0, &other);
	if (r == 0)
		r = db_put_dimm(db, 1, &a);
	if (r == 0)
		r = db_put_dimm(db, 2, &b);
	return r;
}

static int put_pages(struct db *db)
{
	static const struct {
		uint64_t pfn;
		uint64_t errors;
		int64_t first, last;
		uint16_t dimm;
		enum page_state state;
		enum reason reason;
		enum result result;
		uint32_t attempts;
	} pages[] = {
		{ 0x1a2b3c, 11, 1000, 4000, 1, PAGE_OFFLINED, REASON_PAGE_THRESHOLD,
		  RESULT_OFFLINED, 1 },
		{ 0x1a2b3d, 2, 1100, 4100, 1, PAGE_PENDING, REASON_ROW_FAULT,
		  RESULT_BUDGET_HOUR, 0 },
		{ 0x1a2b3e, 4, 1200, 3900, 1, PAGE_FAILED, REASON_PAGE_THRESHOLD,
		  RESULT_BUSY, 8 },
		{ 0x1a2b3f, 5, 1300, 3800, 1, PAGE_REFUSED, REASON_PAGE_THRESHOLD,
		  RESULT_HUGE_PAGE, 0 },
		{ 0x200000, 1182, 1400, 4900, 1, PAGE_WATCHED, REASON_NONE, RESULT_NONE,
		  0 },
		{ 0x300000, 2, 4900, 4900, 2, PAGE_WATCHED, REASON_NONE, RESULT_NONE, 0 },
		{ 0x300040, 3, 4800, 4850, 2, PAGE_REFUSED, REASON_PAGE_THRESHOLD,
		  RESULT_WIDE_FAULT, 0 },
	};
	union {
		struct page_rec rec;
		char room[sizeof(struct page_rec) + 2 * sizeof(int64_t)];
	} page;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(pages); i++) {
		memset(&page, 0, sizeof(page));
		page.rec.pfn = pages[i].pfn;
		page.rec.corrected_errors = pages[i].errors;
		page.rec.first_seen = at(pages[i].first);
		page.rec.dimm = pages[i].dimm;
		page.rec.state = pages[i].state;
		page.rec.reason = pages[i].reason;
		page.rec.result = pages[i].result;
		page.rec.attempts = pages[i].attempts & 0x3f;
		page.rec.n_stamps = 2;
		page.rec.stamps[0] = at(pages[i].first);
		page.rec.stamps[1] = at(pages[i].last);
		r = db_put_page(db, &page.rec);
	}
	return r;
}

static const struct action_row actions[] = {
	{ .id = 1,
	  .pfn = 0x1a2b3e,
	  .action = ACTION_OFFLINE,
	  .reason = REASON_PAGE_THRESHOLD,
	  .result = RESULT_BUSY,
	  .page_type = FRAME_ANONYMOUS,
	  .error = EBUSY,
	  .duration_usec = 850,
	  .poisoned_before_kib = 0,
	  .poisoned_after_kib = 0,
	  .dimm = 1,
	  .outcome = SOFT_NOT_MIGRATED },
	{ .id = 2,
	  .pfn = 0x1a2b3c,
	  .action = ACTION_OFFLINE,
	  .reason = REASON_PAGE_THRESHOLD,
	  .result = RESULT_OFFLINED,
	  .page_type = FRAME_PAGE_CACHE,
	  .duration_usec = 1234,
	  .poisoned_before_kib = 0,
	  .poisoned_after_kib = 4,
	  .dimm = 1 },
	{ .id = 3,
	  .pfn = 0x1a2b3f,
	  .action = ACTION_REFUSE,
	  .reason = REASON_PAGE_THRESHOLD,
	  .result = RESULT_HUGE_PAGE,
	  .page_type = FRAME_HUGETLB,
	  .poisoned_before_kib = -1,
	  .poisoned_after_kib = -1,
	  .dimm = 1 },
	{ .id = 4,
	  .pfn = 0x1a2b3d,
	  .action = ACTION_REFUSE,
	  .reason = REASON_ROW_FAULT,
	  .result = RESULT_BUDGET_HOUR,
	  .page_type = FRAME_UNKNOWN,
	  .poisoned_before_kib = -1,
	  .poisoned_after_kib = -1,
	  .dimm = 1 },
};

static int put_history(struct db *db)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(actions); i++) {
		struct action_row row = actions[i];

		row.time = at(3000 + (int64_t)i * 60);
		r = db_put_action(db, &row);
	}
	return r;
}

static int put_errors(struct db *db)
{
	int r = 0;

	for (int i = 0; r == 0 && i < 24; i++) {
		struct ce_row row = { .first = at(1000 + i * 100),
				      .last = at(1000 + i * 100) + 5,
				      .address = 0x1a2b3c040 + (uint64_t)(i % 3) * 64,
				      .has_address = true,
				      .count = (uint64_t)i + 1,
				      .events = 1,
				      .dimm = 1 };

		r = db_put_ce(db, &row);
	}
	for (int i = 0; r == 0 && i < 2; i++) {
		struct ce_row row = { .first = at(4900 + i),
				      .last = at(4900 + i),
				      .address = i ? 0 : 0x300000080,
				      .has_address = i == 0,
				      .count = 1,
				      .events = 1,
				      .severity = i ? CE_UNCORRECTED : CE_CORRECTED,
				      .dimm = 2 };

		if (i == 0)
			strcpy(row.registers, "retry_rd_err_log[0001a209 00000000]"
					      " correrrcnt[0001 0000]");
		r = db_put_ce(db, &row);
	}
	return r;
}

/* Two cells of one row of DIMM 1, one of them not believed. */
static int put_cells(struct db *db)
{
	int r = 0;

	for (uint16_t i = 0; r == 0 && i < 3; i++) {
		struct fault_cell cell = { .line = (0x1a2b3c040 >> FAULT_MAP_LINE_SHIFT) +
						   i,
					   .first = at(1000),
					   .last = at(3000 + i),
					   .votes = i == 2 ? 0 : 3,
					   .used = true,
					   .coord = { .row = 0x1a,
						      .column = 8U * i,
						      .bank = 2,
						      .have = 0xff } };

		r = db_put_cell(db, 1, i, &cell);
	}
	return r;
}

static int put_sums(struct db *db)
{
	struct totals totals = { .events = 1190,
				 .sight = SIGHT_CAUSE_NO_DRIVER,
				 .corrected_errors = 1206,
				 .uncorrected_errors = 1,
				 .unattributed = 3,
				 .events_lost = 17,
				 .gaps = 2,
				 .next_action_id = 5,
				 .last_event = at(4901),
				 .last_offline = at(3060) };
	struct poison_row poison = { .time = at(3060),
				     .kib = 4,
				     .delta_kib = 4,
				     .cause = POISON_OFFLINED,
				     .pfn = 0x1a2b3c };
	int r;

	r = db_put_totals(db, &totals);
	return r < 0 ? r : db_put_poison(db, &poison);
}

static void put_module(struct module_list *l, const char *slot, int8_t layer,
		       bool missing)
{
	struct module_rec *m = module_list_add(l);

	snprintf(m->slot, sizeof(m->slot), "%s", slot);
	snprintf(m->locator, sizeof(m->locator), "%s", slot);
	snprintf(m->part, sizeof(m->part), "M393A4K40DB3-CWE");
	snprintf(m->serial, sizeof(m->serial), "S00000%u", l->n);
	m->slot_match = m->identity = SLOT_EXACT;
	m->has_serial = true;
	m->size_mib = 32768;
	m->missing = missing;
	if (layer >= 0) {
		m->counted = true;
		m->layer[0] = 0;
		m->layer[1] = layer;
		snprintf(m->label, sizeof(m->label), "CPU_SrcID#0_MC#0_Chan#0_DIMM#%d",
			 layer);
	}
}

/* The DIMM with errors, two without, one of them likely, a module that EDAC does not
 * have, and one that is missing. */
static int put_modules(struct db *db)
{
	_cleanup_(free_p) struct module_list *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	put_module(l, "P1-DIMMA1", 1, false);
	put_module(l, "P1-DIMMA2", 2, false);
	put_module(l, "P1-DIMMB1", 3, false);
	l->v[2].slot_match = l->v[2].identity = SLOT_LIKELY;
	put_module(l, "P2-DIMMC1", -1, false);
	put_module(l, "P2-DIMMD1", -1, true);
	return db_put_inventory(db, l);
}

static int fill(struct db *db)
{
	int r;

	r = put_dimms(db);
	if (r == 0)
		r = put_pages(db);
	if (r == 0)
		r = put_history(db);
	if (r == 0)
		r = put_errors(db);
	if (r == 0)
		r = put_cells(db);
	if (r == 0)
		r = put_sums(db);
	if (r == 0)
		r = put_modules(db);
	return r < 0 ? r : db_commit(db, usec(NOW), usec(OFFSET));
}

int main(int argc, char **argv)
{
	struct db_options options = { .max_size = UINT64_C(64) << 20,
				      .retention = usec(400 * USEC_PER_DAY),
				      .boot_id = "aaaaaaaa-0000-4000-8000-000000000001",
				      .now = usec(NOW),
				      .wall_offset = usec(OFFSET),
				      .page_shift = 12 };
	_cleanup_(db_close_p) struct db *db = NULL;
	enum db_opened how;
	const char *why = NULL;
	int r;

	if (argc != 2)
		return 2;
	options.path = argv[1];
	r = db_open(&db, &options, &how, &why);
	if (r == 0)
		r = fill(db);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", argv[1], why ? why : strerror(-r));
	return r < 0;
}
