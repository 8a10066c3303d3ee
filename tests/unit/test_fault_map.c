/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The map of erring cells: whom it believes, what it lets go when it is full, what comes
 * back from a store; and the classes and verdicts with their sentences.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "track/fault_class.h"
#include "track/fault_map.h"

#define D             1 /* the DIMM */
#define PLACE_OF_ZERO UINT64_C(0x3815d9f1ef10b81)

static struct dram_coord at(uint16_t bank, uint32_t row, uint32_t column)
{
	return (struct dram_coord){ .bank = bank,
				    .row = row,
				    .column = column,
				    .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN };
}

static enum fault_news note(struct fault_map *m, uint64_t line, struct dram_coord c,
			    int64_t when)
{
	struct fault_cell *cell;

	return fault_map_note(m, D, line, &c, usec(when), &cell);
}

static struct fault_map *new_map(void)
{
	struct fault_map *m = NULL;

	assert_int_equal(fault_map_new(&m, 2, 8), 0);
	return m;
}

/* The same error without an address. */
static enum fault_news note_place(struct fault_map *m, struct dram_coord c, int64_t when)
{
	return note(m, fault_map_place(&c), c, when);
}

static void test_new(void **state)
{
	struct fault_map *m = NULL;

	assert_int_equal(fault_map_new(&m, 0, 1), -EINVAL);
	assert_int_equal(fault_map_new(&m, 1, 0), -EINVAL);
	assert_null(m);
	m = new_map();
	assert_true(fault_map_bytes(m) <= 8 * FAULT_MAP_BYTES_PER_DIMM + 512);
	assert_null(fault_map_find(m, D, 5));
	assert_int_equal(fault_map_cells(m, D), 0);
	assert_null(fault_map_free(m));
	assert_null(fault_map_free(NULL));
}

/* One event is believed, two against it are more; others' coordinates need a second. */
static void test_votes(void **state)
{
	struct fault_map *m = new_map();

	assert_int_equal(note(m, 1, at(1, 10, 8), 0), NEWS_CELL);
	assert_int_equal(note(m, 1, at(2, 20, 8), 1), NEWS_NONE);
	assert_int_equal(fault_map_find(m, D, 1)->coord.row, 10);
	assert_int_equal(note(m, 1, at(2, 20, 8), 2), NEWS_CELL);
	assert_int_equal(fault_map_find(m, D, 1)->coord.row, 20);
	for (int i = 0; i < 3; i++)
		assert_int_equal(note(m, 1, at(2, 20, 8), 3 + i), NEWS_NONE);
	assert_int_equal(fault_map_find(m, D, 1)->votes, FAULT_MAP_CERTAIN);

	assert_int_equal(note(m, 7, at(2, 20, 8), 9), NEWS_NONE);
	assert_int_equal(fault_map_find(m, D, 7)->votes, 0);
	assert_int_equal(note(m, 7, at(2, 20, 8), 10), NEWS_CELL);
	fault_map_free(m);
}

/*
 * An error without an address is a cell at its place. It doubts no address, no address
 * doubts it, and both at one place are one cell.
 */
static void test_places(void **state)
{
	struct dram_coord no_column = { .bank = 1,
					.row = 10,
					.have = DRAM_BANK | DRAM_ROW };
	struct dram_coord chip = at(1, 10, 8);
	struct fault_map *m = new_map();
	struct fault_counts n;
	struct fault_cell *cell;

	chip.device = 3;
	chip.have |= DRAM_DEVICE;
	assert_int_equal(note_place(m, at(1, 10, 8), 0), NEWS_CELL);
	cell = fault_map_find(m, D, fault_map_place(&chip));
	assert_non_null(cell);
	assert_false(fault_cell_has_address(cell));
	assert_int_equal(note_place(m, chip, 1), NEWS_NONE);
	assert_int_equal(cell->coord.device, 3);
	assert_int_equal(note(m, 7, at(1, 10, 8), 2), NEWS_CELL);
	assert_int_equal(note(m, 8, at(1, 10, 8), 3), NEWS_NONE); /* doubted by line 7 */
	fault_map_count(m, D, NULL, usec(0), &n);
	assert_int_equal(n.cells, 1);
	assert_int_equal(n.rows, 1);
	cell = fault_map_find(m, D, 7);
	assert_true(fault_cell_has_address(cell));
	assert_int_equal(fault_map_row_columns(m, D, cell, usec(3), usec(10)), 1);

	/* Without a column it may be any cell of its row, and is one if there is none. */
	assert_int_equal(note_place(m, no_column, 4), NEWS_CELL);
	assert_int_equal(fault_map_row_columns(m, D, cell, usec(4), usec(10)), 1);
	no_column.row = 11;
	assert_int_equal(note_place(m, no_column, 5), NEWS_CELL);
	fault_map_count(m, D, NULL, usec(0), &n);
	assert_int_equal(n.cells, 2);
	assert_int_equal(n.rows, 2);
	assert_int_equal(note_place(m, at(1, 11, 16), 6), NEWS_CELL);
	fault_map_count(m, D, NULL, usec(0), &n);
	assert_int_equal(n.cells, 2);
	assert_int_equal(note_place(m, at(1, 11, 24), 7), NEWS_CELL);
	fault_map_count(m, D, NULL, usec(0), &n);
	assert_int_equal(n.cells, 3);

	/* A page that is forgotten takes no place with it. */
	fault_map_forget_lines(m, D, 0, FAULT_MAP_PLACE - 1);
	assert_int_equal(fault_map_cells(m, D), 5);
	assert_false(fault_map_lines_faulty(m, D, 0, FAULT_MAP_PLACE - 1));
	fault_map_free(m);
}

/* Each part of a place makes another line of it, but not the DRAM chip. */
static void test_place_parts(void **state)
{
	struct dram_coord v[] = { at(0, 0, 0), at(1, 0, 0),  at(0, 1, 0), at(0, 0, 1),
				  at(0, 0, 0), at(0, 0, 0),  at(0, 0, 0), at(0, 0, 0),
				  at(0, 0, 0), at(256, 0, 0) };

	v[4].have |= DRAM_RANK;
	v[5].have |= DRAM_BANK_GROUP;
	v[6].have |= DRAM_SUB_CHANNEL;
	v[7].have |= DRAM_CHIP;
	v[8].have &= (uint8_t)~DRAM_COLUMN;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct dram_coord c = v[i];

		for (size_t j = 0; j < i; j++)
			assert_true(fault_map_place(&v[i]) != fault_map_place(&v[j]));
		assert_true((fault_map_place(&c) & FAULT_MAP_PLACE) != 0);
		assert_true(fault_map_place(&c) < 2 * FAULT_MAP_PLACE);
		c.device = 7;
		c.have |= DRAM_DEVICE;
		assert_true(fault_map_place(&c) == fault_map_place(&v[i]));
	}
	/* It is stored: a later version must make the same of it. */
	assert_true(fault_map_place(&v[0]) == PLACE_OF_ZERO);
}

static void test_rows(void **state)
{
	struct fault_map *m = new_map();
	struct fault_cell *cell;

	note(m, 1, at(1, 10, 8), 0);
	note(m, 2, at(1, 10, 15), 100); /* the same burst */
	cell = fault_map_find(m, D, 2);
	assert_int_equal(fault_map_row_columns(m, D, cell, usec(100), usec(1000)), 1);
	note(m, 3, at(1, 10, 16), 1100);
	note(m, 4, at(1, 11, 24), 1100);
	note(m, 5, at(2, 10, 24), 1100);
	cell = fault_map_find(m, D, 3);
	assert_int_equal(fault_map_row_columns(m, D, cell, usec(1100), usec(1000)), 2);
	assert_int_equal(fault_map_row_columns(m, D, cell, usec(1101), usec(1000)), 1);
	assert_false(cell->row_faulty);
	fault_map_set_faulty(m, D, cell);
	assert_true(fault_map_lines_faulty(m, D, 1, 1));
	assert_false(fault_map_lines_faulty(m, D, 4, 5));
	note(m, 6, at(1, 10, 800), 99999);
	assert_true(fault_map_find(m, D, 6)->row_faulty);
	assert_ptr_equal(fault_map_row_at(m, D, cell, 3), fault_map_find(m, D, 6));
	assert_null(fault_map_row_at(m, D, cell, 4));
	fault_map_free(m);
}

/* Full: the longest silent goes, cells of faulty rows last; another DIMM takes a place.
 */
static void test_bounded(void **state)
{
	struct fault_map *m = new_map();
	struct dram_coord c = at(1, 1, 1);
	struct fault_cell *cell;

	note(m, 1, at(9, 9, 8), -5);
	note(m, 2, at(9, 9, 16), -4);
	fault_map_set_faulty(m, D, fault_map_find(m, D, 1));
	for (uint32_t i = 3; i < 3 + 4 * FAULT_MAP_CELLS; i++)
		note(m, i, at(1, i, 8), i);
	assert_int_equal(fault_map_cells(m, D), FAULT_MAP_CELLS);
	assert_non_null(fault_map_find(m, D, 1));
	assert_non_null(fault_map_find(m, D, 2));
	assert_null(fault_map_find(m, D, 3));
	assert_non_null(fault_map_find(m, D, 2 + 4 * FAULT_MAP_CELLS));

	fault_map_note(m, 2, 1, &c, usec(1), &cell);
	fault_map_note(m, 3, 1, &c, usec(99999), &cell);
	assert_null(fault_map_find(m, 2, 1)); /* silent longest */
	assert_non_null(fault_map_find(m, 3, 1));
	assert_int_equal(fault_map_cells(m, D), FAULT_MAP_CELLS);
	fault_map_note(m, 8, 1, &c, usec(1), &cell); /* past the last index */
	assert_null(cell);
	fault_map_free(m);
}

#define LINES 4096

/* What the map is asked to hold: when each line erred last, and whether its row broke. */
struct model {
	int64_t last[LINES]; /* 0: not there */
	bool faulty[LINES];
};

static bool makes_room_before(const struct model *k, uint64_t a, uint64_t b)
{
	if (k->faulty[a] != k->faulty[b])
		return k->faulty[b];
	return k->last[a] != k->last[b] ? k->last[a] < k->last[b] : a < b;
}

static uint64_t longest_silent(const struct model *k)
{
	uint64_t victim = LINES;

	for (uint64_t i = 0; i < LINES; i++)
		if (k->last[i] && (victim == LINES || makes_room_before(k, i, victim)))
			victim = i;
	return victim;
}

static void model_note(struct model *k, struct fault_map *m, uint64_t line, int64_t when)
{
	if (!k->last[line] && fault_map_cells(m, D) == FAULT_MAP_CELLS)
		k->last[longest_silent(k)] = 0;
	if (!k->last[line])
		k->faulty[line] = false;
	k->last[line] = k->last[line] > when ? k->last[line] : when;
	note(m, line, at(1, (uint32_t)line, 8), when);
}

_wraps_ static uint32_t draw(uint64_t *random, uint32_t n)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (uint32_t)(*random >> 33) % n;
}

/* Out of order, seen again, forgotten, faulty: the same cell goes as if all were looked
 * at. */
static void test_who_makes_room(void **state)
{
	static struct model k;
	struct fault_map *m = new_map();
	uint64_t random = 1;

	for (int64_t i = 0; i < 20000; i++) {
		uint64_t line = draw(&random, i % 1000 < 500 ? LINES : 300);
		uint32_t what = draw(&random, 100);

		if (what == 0) {
			fault_map_forget_lines(m, D, line, line);
			k.last[line] = 0;
		} else if (what == 1 && k.last[line]) {
			fault_map_set_faulty(m, D, fault_map_find(m, D, line));
			k.faulty[line] = true;
		} else {
			model_note(&k, m, line, 1000 + i - draw(&random, 900));
		}
		for (uint64_t n = 0; i % 16 == 0 && n < LINES; n++)
			assert_int_equal(fault_map_find(m, D, n) != NULL, k.last[n] != 0);
	}
	fault_map_free(m);
}

static void copy_dirty(struct fault_map *from, struct fault_map *to)
{
	const struct fault_cell *cell;
	uint16_t dimm, slot;

	while ((cell = fault_map_take_dirty(from, &dimm, &slot)))
		if (cell->used)
			fault_map_restore(to, dimm, slot, cell);
	assert_false(fault_map_has_dirty(from));
}

static void test_restore(void **state)
{
	struct fault_map *m = new_map();
	struct fault_map *n = new_map();
	struct fault_counts a, b;
	struct fault_cell bad = { .line = 99, .used = true, .coord = at(0, 0, 0) };
	struct dram_coord place = at(1, 1000, 8);

	for (uint32_t i = 0; i < 100; i++)
		note(m, i, at((uint16_t)(i % 3), i / 5, i * 8), i);
	fault_map_set_faulty(m, D, fault_map_find(m, D, 1));
	fault_map_forget_lines(m, D, 90, 95);
	note_place(m, at(1, 1000, 8), 200);
	copy_dirty(m, n);
	assert_non_null(fault_map_find(n, D, fault_map_place(&place)));
	fault_map_count(m, D, fault_map_find(m, D, 50), usec(0), &a);
	fault_map_count(n, D, fault_map_find(n, D, 50), usec(0), &b);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(b.cells, 95);
	fault_map_restore(n, D, FAULT_MAP_CELLS, &bad);
	fault_map_restore(n, D, 0, &bad); /* taken */
	bad.coord.have = DRAM_ROW;
	fault_map_restore(n, D, 200, &bad);
	bad.coord = place;
	bad.line = fault_map_place(&place) ^ 1; /* another place's */
	fault_map_restore(n, D, 200, &bad);
	assert_int_equal(fault_map_cells(n, D), 95);
	fault_map_touch_all(n);
	assert_true(fault_map_has_dirty(n));
	fault_map_forget_dimm(n, D);
	assert_int_equal(fault_map_cells(n, D), 0);
	assert_false(fault_map_has_dirty(n));
	fault_map_free(m);
	fault_map_free(n);
}

static void test_classes(void **state)
{
	static const struct {
		struct fault_counts n;
		enum fault_class want;
	} rows[] = {
		{ { 0 }, FAULT_NONE },
		{ { .cells = 5, .rows = 5, .banks = 5 }, FAULT_CELL },
		{ { .cells = 5, .rows = 2, .faulty_rows = 1 }, FAULT_ROW },
		{ { .cells = 3, .column_rows = 3, .bank_single_rows = 6 }, FAULT_COLUMN },
		{ { .cells = 3, .column_rows = 3, .bank_single_rows = 7 }, FAULT_CELL },
		{ { .cells = 3, .column_rows = 2, .bank_single_rows = 2 }, FAULT_CELL },
		{ { .cells = 8, .bank_rows = 8, .bank_columns = 4 }, FAULT_BANK },
		{ { .cells = 8, .bank_rows = 7, .bank_columns = 7 }, FAULT_CELL },
		{ { .cells = 8, .bank_rows = 8, .bank_columns = 3 }, FAULT_CELL },
		{ { .cells = 16, .rows = 16, .banks = 4 }, FAULT_RANK },
		{ { .cells = 16, .rows = 15, .banks = 16 }, FAULT_CELL },
		{ { .cells = 16, .rows = 16, .banks = 3 }, FAULT_CELL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (fault_classify(&rows[i].n) != rows[i].want)
			fail_msg("row %zu", i);
}

static void test_verdicts(void **state)
{
	static const struct {
		struct dimm_rec d;
		enum verdict verdict;
		const char *why;
	} rows[] = {
		{ { .offlined = 0 }, VERDICT_OK, "no errors" },
		{ { .corrected_errors = 1 }, VERDICT_WATCH, "1 corrected error" },
		{ { .corrected_errors = 9,
		    .offlined = 1,
		    .fault = { .class = FAULT_CELL, .cells = 2, .rows = 1 } },
		  VERDICT_WATCH,
		  "2 cells in 1 row erred; 1 page offlined" },
		{ { .uncorrected_errors = 1 }, VERDICT_REPAIR, "1 uncorrected error;" },
		{ { .uncorrected_errors = 2 }, VERDICT_REPLACE, "2 uncorrected errors" },
		{ { .fault = { .class = FAULT_ROW,
			       .faulty_rows = 2,
			       .bank_faulty_rows = 1 } },
		  VERDICT_REPAIR,
		  "2 faulty rows" },
		{ { .fault = { .class = FAULT_ROW,
			       .faulty_rows = 2,
			       .bank_faulty_rows = 2 } },
		  VERDICT_REPLACE,
		  "2 of them in one bank" },
		{ { .uncorrected_errors = 1, .fault = { .class = FAULT_ROW } },
		  VERDICT_REPLACE,
		  "1 uncorrected error, and " },
		{ { .fault = { .class = FAULT_COLUMN,
			       .extent = 12,
			       .at = { .bank = 3,
				       .column = 8,
				       .have = DRAM_BANK | DRAM_COLUMN } } },
		  VERDICT_REPLACE,
		  "column fault: 12 rows of bank 3 column 0x8 erred; taking" },
		{ { .fault = { .class = FAULT_CHANNEL } }, VERDICT_REPLACE, "CPU first" },
		{ { .offlined = 5 },
		  VERDICT_REPLACE,
		  "its budget of 5 pages is used up" },
		{ { .offlined = 5, .former = true }, VERDICT_OK, "another module" },
	};
	char why[CLASS_WHY_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(fault_verdict(&rows[i].d, 5, NULL), rows[i].verdict);
		assert_int_equal(fault_verdict(&rows[i].d, 5, why), rows[i].verdict);
		if (!strstr(why, rows[i].why))
			fail_msg("%s", why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),      cmocka_unit_test(test_votes),
		cmocka_unit_test(test_places),   cmocka_unit_test(test_place_parts),
		cmocka_unit_test(test_rows),     cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_restore),  cmocka_unit_test(test_classes),
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_who_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
