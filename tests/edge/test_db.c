/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rows: what is put in comes back, in the same boot and in another, whatever the clock
 * did. What can happen to the file is in test_db_file.c.
 */

#include "db_fixture.h"

static void get_page(struct db *db, uint64_t n, union test_page *ret, bool want_other)
{
	const struct page_rec *rec;
	bool other = !want_other;

	assert_int_equal(db_get_page(db, pfn(n), &rec, &other), 0);
	assert_int_equal(other, want_other);
	assert_true(rec->n_stamps <= 8);
	memcpy(ret, rec, sizeof(*rec) + rec->n_stamps * sizeof(int64_t));
}

static void extreme_page_comes_back(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	union test_page in = page_of(UINT64_C(1) << 52, -5, 7);
	union test_page out;

	in.rec.corrected_errors = INT64_MAX;
	in.rec.not_before = USEC_NEVER;
	in.rec.dimm = MAX_DIMMS - 1;
	in.rec.state = PAGE_FAILED;
	in.rec.reason = REASON_REPLAYED;
	in.rec.result = RESULT_FORGOTTEN;
	in.rec.attempts = 63;
	in.rec.tries = 63;
	in.rec.by_us = 1;
	in.rec.queue_link = 77; /* of this process only: not stored */
	in.rec.dirty = 1;
	assert_int_equal(db_put_page(db, &in.rec), 0);
	assert_int_equal(db_pending(db), 1);
	get_page(db, UINT64_C(1) << 52, &out, false); /* before it is committed */
	must_commit(db);
	db_close(db);

	db = must_open(*state, DB_OPENED);
	get_page(db, UINT64_C(1) << 52, &out, false);
	in.rec.queue_link = 0;
	in.rec.dirty = 0;
	assert_memory_equal(&in, &out, sizeof(in.rec) + 2 * sizeof(int64_t));
}

static void counts_past_63_bits_are_held(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	union test_page in = page_of(1, 1, 2), out;
	struct totals t = { .events = UINT64_MAX }, back;

	in.rec.corrected_errors = UINT64_MAX;
	assert_int_equal(db_put_page(db, &in.rec), 0);
	assert_int_equal(db_put_totals(db, &t), 0);
	get_page(db, 1, &out, false);
	assert_true(out.rec.corrected_errors == INT64_MAX);
	assert_int_equal(db_get_totals(db, &back), 0);
	assert_true(back.events == INT64_MAX);
}

static void page_is_replaced_and_removed(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	union test_page p = page_of(9, 10, 20), out;
	const struct page_rec *rec;
	bool other;

	assert_int_equal(db_put_page(db, &p.rec), 0);
	p.rec.n_stamps = 0;
	p.rec.state = PAGE_OFFLINED;
	assert_int_equal(db_put_page(db, &p.rec), 0);
	assert_int_equal(db_pending(db), 2);
	get_page(db, 9, &out, false);
	assert_int_equal(out.rec.n_stamps, 0);
	assert_int_equal(out.rec.state, PAGE_OFFLINED);
	assert_int_equal(db_remove_page(db, pfn(9)), 0);
	assert_int_equal(db_get_page(db, pfn(9), &rec, &other), -ENOENT);
	must_commit(db);
}

/* An id that is given again, after a kill that forgot it, is the new row's alone. */
static void action_id_is_used_again(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	struct action_row row = action_of(1, RESULT_NONE);

	assert_int_equal(db_put_action(db, &row), 0);
	db_close(db);
	db = open_boot_b(f, NOW, OFFSET);
	row.pfn = 77;
	assert_int_equal(db_put_action(db, &row), 0);
	row.result = RESULT_OFFLINED;
	assert_int_equal(db_put_action(db, &row), 0);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM action"), 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM action JOIN boot"
				      " ON boot.id = action.boot WHERE pfn = 77 AND"
				      " result = 'offlined' AND boot_id LIKE 'bbbb%'"),
			 1);
}

/* What an attempt writes is tried at each start, and taken back. */
static void rehearsal_leaves_nothing(void **state)
{
	const struct fixture *f = *state;
	union test_page page = page_of(0, 10, 20);
	struct action_row last = action_of(1, RESULT_OFFLINED);
	struct db *db = must_open(f, DB_CREATED);

	assert_int_equal(db_pending(db), 0);
	assert_int_equal(db_errors(db), 0);
	assert_int_equal(db_put_page(db, &page.rec), 0);
	assert_int_equal(db_put_action(db, &last), 0);
	db_close(db);
	db_close(must_open(f, DB_OPENED));
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page WHERE last_seen = 20"),
			 1);
	assert_int_equal(ask(f->path, "SELECT sum(id) FROM action"), 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM dimm"), 0);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM poison"), 0);
	assert_int_equal(
		ask(f->path, "SELECT count(*) FROM totals WHERE key <> 'page_shift'"), 0);
}

/* A row of the CE history goes on counting under its id; the next process has ids of its
 * own, and what was pruned in between comes back whole. */
static void history_row_is_replaced(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	struct ce_row row = ce_of(0x1000, 10);

	row.id = 2; /* in no order */
	assert_int_equal(db_put_ce(db, &row), 0);
	row.id = 1;
	assert_int_equal(db_put_ce(db, &row), 0);
	must_commit(db);
	row.first = 5;
	row.last = 90;
	row.count = 29;
	row.events = 7;
	row.overflow = true;
	assert_int_equal(db_put_ce(db, &row), 0);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 2);
	assert_int_equal(ask(f->path,
			     "SELECT count(*) FROM ce WHERE first = 5 AND last = 90"
			     " AND count = 29 AND events = 7 AND overflow = 1"),
			 1);

	db = must_open(f, DB_OPENED);
	assert_int_equal(db_put_ce(db, &row), 0);
	must_commit(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 3);
	run_sql(f->path, "DELETE FROM ce");
	row.count = 30;
	assert_int_equal(db_put_ce(db, &row), 0);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT sum(count) FROM ce"), 30);
}

static void other_boot_moves_times(void **state)
{
	struct db *db = must_open(*state, DB_CREATED);
	union test_page p = page_of(9, 100, 200), out;

	p.rec.by_us = 1;
	p.rec.not_before = 300;
	assert_int_equal(db_put_page(db, &p.rec), 0);
	db_close(db);

	/* booted 1,000 s of wall time after the other boot did */
	db = open_boot_b(*state, NOW, OFFSET + 1000 * USEC_PER_SEC);
	get_page(db, 9, &out, true);
	assert_true(out.rec.first_seen == 100 - 1000 * USEC_PER_SEC);
	assert_true(out.rec.stamps[0] == 100 - 1000 * USEC_PER_SEC);
	assert_true(out.rec.stamps[1] == 200 - 1000 * USEC_PER_SEC);
	assert_true(out.rec.not_before == 300 - 1000 * USEC_PER_SEC);
	assert_int_equal(out.rec.by_us, 0);
	db_close(db);
}

static void future_is_held_at_now_and_distances_kept(void **state)
{
	struct db *db = must_open(*state, DB_CREATED);
	union test_page p = page_of(9, -3 * USEC_PER_DAY, 200), out;

	p.rec.not_before = 300;
	assert_int_equal(db_put_page(db, &p.rec), 0);
	db_close(db);

	/* the clock of this boot stands in 1998 */
	db = open_boot_b(*state, 50, INT64_C(900000000) * USEC_PER_SEC);
	get_page(db, 9, &out, true);
	/* the boot has ended before this one began: that is at 0 at the earliest, and now */
	assert_true(out.rec.stamps[1] == 50 - NOW + 200);
	assert_true(out.rec.stamps[0] == 50 - NOW - 3 * USEC_PER_DAY);
	assert_true(out.rec.not_before == 50 - NOW + 300);
	db_close(db);
}

/* Three boots a year apart, and then one that begins in 1970: what is a year old stays so,
 * and nothing of them lies in the future. */
static void clock_of_1970_makes_nothing_young(void **state)
{
	const int64_t year = 365 * USEC_PER_DAY;
	union test_page out;

	for (int i = 0; i < 3; i++) {
		struct db_options o = options_of(*state);
		union test_page p = page_of((uint64_t)i + 1, NOW - 9, NOW - 5);
		struct db *db;

		o.boot_id[0] = (char)('a' + i);
		o.wall_offset = usec(OFFSET + i * year);
		db = must_open_as(&o, i == 0 ? DB_CREATED : DB_OPENED);
		assert_int_equal(db_put_page(db, &p.rec), 0);
		/* The year that the boot lasts. */
		assert_int_equal(
			db_commit(db, usec(NOW + year - USEC_PER_DAY), o.wall_offset), 0);
		db_close(db);
	}
	for (int wrong = 0; wrong < 2; wrong++) {
		struct db_options o = options_of(*state);
		struct db *db;

		strcpy(o.boot_id, BOOT_B);
		o.now = usec(NOW + wrong);
		o.wall_offset = usec(wrong ? 0 : OFFSET + 3 * year);
		db = must_open_as(&o, DB_OPENED);
		for (int i = 0; i < 3; i++) {
			int64_t age, most = (3 - i) * year;

			get_page(db, (uint64_t)i + 1, &out, true);
			age = o.now.us - out.rec.stamps[1];
			/* Only how long the machine was off is not known. */
			assert_true(age <= most + 9);
			assert_true(age >= most - (3 - i) * USEC_PER_DAY);
		}
		/* The clock is put right while this boot lasts. */
		assert_int_equal(db_commit(db, o.now, usec(OFFSET + 3 * year)), 0);
		get_page(db, 2, &out, true);
		assert_true(out.rec.stamps[1] == NOW - 5 - 2 * year);
		db_close(db);
	}
}

static void clock_put_right_later_counts(void **state)
{
	struct db *db;
	struct db_options o = options_of(*state);
	union test_page p = page_of(9, 100, 200), out;

	o.wall_offset = usec(INT64_C(900000000) * USEC_PER_SEC);
	db = must_open_as(&o, DB_CREATED);
	assert_int_equal(db_put_page(db, &p.rec), 0);
	assert_int_equal(db_commit(db, usec(NOW), o.wall_offset), 0);
	/* nothing pending, and yet the new offset has to last */
	assert_int_equal(db_commit(db, usec(NOW + 1), usec(OFFSET)), 0);
	assert_int_equal(ask(o.path, "SELECT wall_offset FROM boot"), OFFSET);
	db_close(db);

	db = open_boot_b(*state, NOW, OFFSET + 7);
	get_page(db, 9, &out, true);
	assert_true(out.rec.stamps[1] == 193);
	db_close(db);
}

static void totals_keep_their_sentinels(void **state)
{
	struct db *db = must_open(*state, DB_CREATED);
	struct totals in = { .events = 1,
			     .corrected_errors = 2,
			     .uncorrected_errors = 3,
			     .unattributed = 4,
			     .events_lost = 5,
			     .malformed = 6,
			     .gaps = 10,
			     .next_action_id = 7,
			     .last_event = INT64_MIN,
			     .last_offline = INT64_MIN,
			     .bucket_level = -8,
			     .bucket_time = -9 };
	struct totals out;

	assert_int_equal(db_get_totals(db, &out), -ENOENT);
	for (size_t i = 0; i < RESULT_MAX_; i++)
		in.attempts[i] = 100 + i;
	assert_int_equal(db_put_totals(db, &in), 0);
	db_close(db);
	db = must_open(*state, DB_OPENED);
	assert_int_equal(db_get_totals(db, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	in.last_event = 1000;
	assert_int_equal(db_put_totals(db, &in), 0);
	db_close(db);

	db = open_boot_b(*state, NOW, OFFSET + 400);
	assert_int_equal(db_get_totals(db, &out), 0);
	assert_true(out.last_event == 600);
	assert_true(out.last_offline == INT64_MIN);
	assert_true(out.bucket_time == -409);
	assert_true(out.bucket_level == -8);
	db_close(db);
	/* the other way it ends at now, and what is in it moves along */
	db = open_boot_b(*state, NOW, OFFSET - 400);
	assert_int_equal(db_get_totals(db, &out), 0);
	assert_true(out.last_event == 1000);
	assert_true(out.last_offline == INT64_MIN);
	db_close(db);
}

static int keep_dimm(void *userdata, uint16_t index, const struct dimm_rec *rec)
{
	struct dimm_rec *all = userdata;

	all[index] = *rec;
	return 0;
}

/* Bytes: a dram_coord has no padding. */
static void assert_same_coord(const struct dram_coord *a, const struct dram_coord *b)
{
	assert_memory_equal(a, b, sizeof(*a));
}

static void assert_same_fault(const struct dimm_fault *a, const struct dimm_fault *b)
{
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->since, b->since);
	assert_int_equal(a->cells, b->cells);
	assert_int_equal(a->rows, b->rows);
	assert_int_equal(a->faulty_rows, b->faulty_rows);
	assert_int_equal(a->bank_faulty_rows, b->bank_faulty_rows);
	assert_int_equal(a->banks, b->banks);
	assert_int_equal(a->devices, b->devices);
	assert_int_equal(a->extent, b->extent);
	assert_same_coord(&a->at, &b->at);
}

static void assert_same_dimm(const struct dimm_rec *a, const struct dimm_rec *b)
{
	assert_string_equal(a->label, b->label);
	assert_int_equal(a->mc, b->mc);
	assert_memory_equal(a->layer, b->layer, sizeof(a->layer));
	assert_int_equal(a->overflow, b->overflow);
	assert_true(a->corrected_errors == b->corrected_errors);
	assert_true(a->uncorrected_errors == b->uncorrected_errors);
	assert_true(a->unattributed == b->unattributed);
	assert_int_equal(a->pages, b->pages);
	assert_int_equal(a->offlined, b->offlined);
	assert_true(a->first_seen == b->first_seen && a->last_seen == b->last_seen);
	assert_true(a->last_ue == b->last_ue && a->last_ue_address == b->last_ue_address);
	assert_same_fault(&a->fault, &b->fault);
	assert_string_equal(a->part, b->part);
	assert_string_equal(a->serial, b->serial);
	assert_int_equal(a->former, b->former);
}

static void dimms_come_back(void **state)
{
	static struct dimm_rec out[MAX_DIMMS];
	struct db *db = must_open(*state, DB_CREATED);
	struct dimm_rec in = { .mc = 255,
			       .layer = { -1, 127, 3 },
			       .overflow = true,
			       .corrected_errors = INT64_MAX,
			       .uncorrected_errors = 2,
			       .unattributed = 3,
			       .pages = UINT32_MAX,
			       .offlined = 5,
			       .first_seen = -6,
			       .last_seen = 7,
			       .last_ue = 6,
			       .last_ue_address = UINT64_MAX - 1,
			       .last_ue_has_address = true,
			       .fault = { .class = FAULT_COLUMN,
					  .since = 4,
					  .cells = 1,
					  .rows = 2,
					  .faulty_rows = 3,
					  .bank_faulty_rows = 4,
					  .banks = 5,
					  .devices = 6,
					  .extent = UINT32_MAX,
					  .at = { .bank = UINT16_MAX,
						  .column = UINT32_MAX,
						  .have = DRAM_BANK | DRAM_COLUMN } },
			       .part = "M393A4K40DB3-CWE",
			       .serial = "S1",
			       .former = true };
	struct dimm_rec last = { .label = "" };

	memset(in.label, 'x', sizeof(in.label) - 1);
	memset(out, 0, sizeof(out));
	assert_int_equal(db_put_dimm(db, 3, &in), 0);
	assert_int_equal(db_put_dimm(db, MAX_DIMMS - 1, &last), 0);
	db_close(db);
	db = must_open(*state, DB_OPENED);
	assert_int_equal(db_each_dimm(db, keep_dimm, out), 0);
	assert_same_dimm(&in, &out[3]);
	assert_same_dimm(&last, &out[MAX_DIMMS - 1]);
	db_close(db);

	db = open_boot_b(*state, NOW, OFFSET + 10);
	assert_int_equal(db_each_dimm(db, keep_dimm, out), 0);
	assert_true(out[3].first_seen == -16 && out[3].last_seen == -3);
	assert_int_equal(out[3].offlined, 0);
	assert_true(out[3].fault.since == -6);
	db_close(db);
}

struct kept_cells {
	struct fault_cell cell[4];
	unsigned int place[4];
	unsigned int n;
};

static int keep_cell(void *userdata, uint16_t dimm, uint16_t slot,
		     const struct fault_cell *cell)
{
	struct kept_cells *kept = userdata;

	assert_true(kept->n < 4);
	kept->cell[kept->n] = *cell;
	kept->place[kept->n++] = dimm * 1000U + slot;
	return 0;
}

static void cells_come_back(void **state)
{
	struct fault_cell in = { .line = UINT64_MAX >> FAULT_MAP_LINE_SHIFT,
				 .first = 5,
				 .last = 9,
				 .coord = { .row = UINT32_MAX,
					    .bank = 1,
					    .sub_channel = 1,
					    .rank = 255,
					    .chip = 6,
					    .have = DRAM_ROW | DRAM_BANK | DRAM_RANK |
						    DRAM_SUB_CHANNEL | DRAM_CHIP },
				 .votes = FAULT_MAP_CERTAIN,
				 .used = true,
				 .row_faulty = true };
	struct fault_cell none = { .used = false };
	struct kept_cells kept = { .n = 0 };
	struct db *db = must_open(*state, DB_CREATED);

	assert_int_equal(db_put_cell(db, MAX_DIMMS - 1, FAULT_MAP_CELLS - 1, &in), 0);
	assert_int_equal(db_put_cell(db, 1, 0, &in), 0);
	assert_int_equal(db_put_cell(db, 1, 1, &in), 0);
	assert_int_equal(db_put_cell(db, 2, 0, &in), 0);
	assert_int_equal(db_put_cell(db, 1, 1, &none), 0);
	assert_int_equal(db_remove_dimm_pages(db, 2), 0);
	db_close(db);
	db = must_open(*state, DB_OPENED);
	assert_int_equal(db_each_cell(db, keep_cell, &kept), 0);
	assert_int_equal(kept.n, 2);
	assert_int_equal(kept.place[0], 1000);
	assert_int_equal(kept.place[1], (MAX_DIMMS - 1) * 1000 + FAULT_MAP_CELLS - 1);
	assert_true(kept.cell[1].line == in.line && kept.cell[1].first == 5 &&
		    kept.cell[1].last == 9);
	assert_same_coord(&kept.cell[1].coord, &in.coord);
	assert_int_equal(kept.cell[1].votes, FAULT_MAP_CERTAIN);
	assert_true(kept.cell[1].used && kept.cell[1].row_faulty);
	assert_false(kept.cell[1].other_boot);
	db_close(db);

	kept.n = 0;
	db = open_boot_b(*state, NOW, OFFSET + 10);
	assert_int_equal(db_each_cell(db, keep_cell, &kept), 0);
	assert_true(kept.cell[0].other_boot);
	assert_true(kept.cell[0].first == -5 && kept.cell[0].last == -1);
	db_close(db);
}

static int keep_action(void *userdata, const struct action_row *row)
{
	struct action_row *a = userdata;

	a[a[0].id++ + 1] = *row;
	return 0;
}

static void assert_same_action(const struct action_row *a, const struct action_row *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->time, b->time);
	assert_int_equal(a->pfn, b->pfn);
	assert_int_equal(a->action, b->action);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->result, b->result);
	assert_int_equal(a->page_type, b->page_type);
	assert_int_equal(a->error, b->error);
	assert_int_equal(a->duration_usec, b->duration_usec);
	assert_int_equal(a->poisoned_before_kib, b->poisoned_before_kib);
	assert_int_equal(a->poisoned_after_kib, b->poisoned_after_kib);
	assert_int_equal(a->dimm, b->dimm);
	assert_int_equal(a->outcome, b->outcome);
}

static void only_open_intents_of_this_boot(void **state)
{
	struct db *db = must_open(*state, DB_CREATED);
	struct action_row a = action_of(1, RESULT_NONE), b = action_of(2, RESULT_NONE);
	struct action_row out[4] = { 0 };

	assert_int_equal(db_put_action(db, &a), 0);
	assert_int_equal(db_put_action(db, &b), 0);
	a.result = RESULT_OFFLINED;
	assert_int_equal(db_put_action(db, &a), 0); /* completed */
	db_close(db);
	db = must_open(*state, DB_OPENED);
	assert_int_equal(db_each_intent(db, keep_action, out), 0);
	assert_int_equal(out[0].id, 1);
	assert_same_action(&out[1], &b);
	db_close(db);

	db = open_boot_b(*state, NOW, OFFSET);
	out[0].id = 0;
	assert_int_equal(db_each_intent(db, keep_action, out), 0);
	assert_int_equal(out[0].id, 0);
	db_close(db);
}

static int keep_reader(void *userdata, uint16_t cpu, uint64_t read)
{
	uint64_t *by_cpu = userdata;

	by_cpu[cpu] = read;
	return 0;
}

static void how_far_was_read_is_of_its_boot(void **state)
{
	struct db *db = must_open(*state, DB_CREATED);
	uint64_t by_cpu[4] = { 0 };

	assert_int_equal(db_put_reader(db, 3, 17), 0);
	assert_int_equal(db_put_reader(db, 0, 5), 0);
	assert_int_equal(db_put_reader(db, 3, 18), 0);
	db_close(db);
	db = must_open(*state, DB_OPENED);
	assert_int_equal(db_each_reader(db, keep_reader, by_cpu), 0);
	assert_int_equal(by_cpu[0], 5);
	assert_int_equal(by_cpu[1], 0);
	assert_int_equal(by_cpu[3], 18);
	db_close(db);

	by_cpu[3] = 0;
	db = open_boot_b(*state, NOW, OFFSET);
	assert_int_equal(db_each_reader(db, keep_reader, by_cpu), 0);
	assert_int_equal(by_cpu[3], 0);
	db_close(db);
}

struct seen {
	unsigned int n;
	uint64_t pfn[8];
};

static int see_page(void *userdata, const struct page_rec *rec, bool other_boot)
{
	struct seen *s = userdata;

	s->pfn[s->n++] = rec->pfn;
	return rec->pfn == 1234 ? 42 : 0;
}

static void latest_pages_come(void **state)
{
	struct db *db = must_open(*state, DB_CREATED);
	union test_page a = page_of(1, 1, 500), b = page_of(2, 1, 900), c;
	struct seen s = { 0 };
	bool more = true;

	assert_int_equal(db_put_page(db, &a.rec), 0);
	assert_int_equal(db_put_page(db, &b.rec), 0);
	db_close(db);
	/* 600 us later: what is 100 here lies between the two of before, by wall clocks
	 * that nobody vouches for; the later boot is the later boot */
	db = open_boot_b(*state, NOW, OFFSET + 600);
	c = page_of(3, 1, 100);
	assert_int_equal(db_put_page(db, &c.rec), 0);
	assert_int_equal(db_each_page(db, 3, see_page, &s, &more), 0);
	assert_false(more);
	assert_int_equal(s.n, 3);
	s.n = 0;
	assert_int_equal(db_each_page(db, 2, see_page, &s, &more), 0);
	assert_true(more);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.pfn[0] + s.pfn[1], 2 + 3);
	s.n = 0;
	assert_int_equal(db_each_page(db, 1, see_page, &s, &more), 0);
	assert_true(more);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.pfn[0], 3);
	/* Two that were seen at the same time: no more than were asked for. */
	c = page_of(4, 1, 300);
	assert_int_equal(db_put_page(db, &c.rec), 0);
	s.n = 0;
	assert_int_equal(db_each_page(db, 1, see_page, &s, &more), 0);
	assert_true(more);
	assert_int_equal(s.n, 1);
	c = page_of(1234, 1, 3000);
	s.n = 0;
	assert_int_equal(db_put_page(db, &c.rec), 0);
	assert_int_equal(db_each_page(db, 9, see_page, &s, &more), 42);
	assert_int_equal(s.pfn[s.n - 1], 1234);
	db_close(db);
}

/* A later version, or a hand with the sqlite3 shell, may leave words and numbers that
 * mean nothing here. */
static void unknown_words_and_wild_numbers_are_harmless(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	union test_page p = page_of(9, 100, 200), out;

	assert_int_equal(db_put_page(db, &p.rec), 0);
	db_close(db);
	run_sql(f->path,
		"UPDATE page SET state = 'retired', reason = 'moon', result = '',"
		" dimm = 70000, corrected_errors = -4, attempts = 1000, tries = -1,"
		" stamps = x'09000000000000000300000000000000ff'");
	db = must_open(f, DB_OPENED);
	get_page(db, 9, &out, false);
	assert_int_equal(out.rec.state, PAGE_WATCHED);
	assert_int_equal(out.rec.reason, REASON_NONE);
	assert_int_equal(out.rec.result, RESULT_NONE);
	assert_int_equal(out.rec.dimm, DIMM_OTHER);
	assert_int_equal(out.rec.corrected_errors, 0);
	assert_int_equal(out.rec.attempts, 63);
	assert_int_equal(out.rec.tries, 0);
	assert_int_equal(out.rec.n_stamps, 2);
	assert_true(out.rec.stamps[0] == 9 && out.rec.stamps[1] == 9);
	db_close(db);
}

static void stamps_are_little_endian(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	union test_page p = page_of(9, 1, 258);

	assert_int_equal(db_put_page(db, &p.rec), 0);
	db_close(db);
	assert_int_equal(ask(f->path,
			     "SELECT stamps = x'01000000000000000201000000000000'"
			     " FROM page"),
			 1);
}

static void clocks(void **state)
{
	char id[BOOT_ID_MAX] = "";
	usec_t a = clock_boot(), b = clock_boot();

	assert_true(a.us > 0 && b.us >= a.us);
	/* this code is younger than 2020 */
	assert_true(clock_wall_offset().us + b.us > INT64_C(1577836800) * USEC_PER_SEC);
	assert_int_equal(clock_boot_id(id), 0);
	assert_int_equal(strlen(id), 36);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(extreme_page_comes_back),
		T(counts_past_63_bits_are_held),
		T(page_is_replaced_and_removed),
		T(rehearsal_leaves_nothing),
		T(action_id_is_used_again),
		T(history_row_is_replaced),
		T(other_boot_moves_times),
		T(future_is_held_at_now_and_distances_kept),
		T(clock_of_1970_makes_nothing_young),
		T(clock_put_right_later_counts),
		T(totals_keep_their_sentinels),
		T(dimms_come_back),
		T(cells_come_back),
		T(only_open_intents_of_this_boot),
		T(how_far_was_read_is_of_its_boot),
		T(latest_pages_come),
		T(unknown_words_and_wild_numbers_are_harmless),
		T(stamps_are_little_endian),
		cmocka_unit_test(clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
