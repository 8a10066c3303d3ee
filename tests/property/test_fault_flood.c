/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Storms over wide faults with far more cells than are kept: the class of the DIMM is what
 * counting every cell that has erred says, at the end of each second and in whatever
 * shape the fault goes on to spread, although the map learns no more new cells in a second
 * than it keeps.
 *
 * test_fault_flood [-s SEED]: one seed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/input.h"
#include "random.h"
#include "track/fault_class.h"
#include "track/fault_map.h"

#define RUNS    2
#define SECONDS 2
#define EVENTS  6000 /* of a second */
#define BANKS   16
#define ROWS    5000
#define COLUMNS 128

/** What has erred, without any bound. */
struct all {
	bool cell[BANKS][ROWS][COLUMNS];
	uint16_t columns_of[BANKS][ROWS];
	uint16_t cells_of[BANKS][COLUMNS];
	uint32_t rows[BANKS];
	uint32_t columns[BANKS];
	uint64_t cells;
};

struct flood {
	struct engine *e;
	struct all *all;
	uint64_t state;
	int64_t now;
	enum fault_class want;
};

static uint64_t first_seed = 1;
static unsigned int runs = RUNS;
static struct effects out;

_wraps_ static uint64_t draw(struct flood *f, uint64_t below)
{
	f->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(f->state) % below;
}

static void give(struct flood *f, struct input in)
{
	in.now = usec(f->now);
	assert_int_equal(engine_step(f->e, &in, &out), 0);
}

static void note(struct all *all, uint32_t bank, uint32_t row, uint32_t column)
{
	if (all->cell[bank][row][column])
		return;
	all->cell[bank][row][column] = true;
	all->cells++;
	all->rows[bank] += all->columns_of[bank][row]++ == 0;
	all->columns[bank] += all->cells_of[bank][column]++ == 0;
}

/* The class by all cells, with the numbers of one bank and one column. */
static enum fault_class classify(const struct all *all, uint32_t bank, uint32_t column)
{
	struct fault_counts n = { .cells = all->cells > 0 };

	for (uint32_t i = 0; i < BANKS; i++) {
		n.rows += all->rows[i];
		n.banks += all->rows[i] > 0;
	}
	n.bank_rows = all->rows[bank];
	n.bank_columns = all->columns[bank];
	for (uint32_t row = 0; row < ROWS; row++) {
		bool single = all->columns_of[bank][row] == 1;

		n.faulty_rows += all->columns_of[bank][row] > 1;
		n.bank_single_rows += single;
		n.column_rows += single && all->cell[bank][row][column];
	}
	return fault_classify(&n);
}

/* As the engine: the widest of all, and two banks with a fault are one of the rank. */
static void judge(struct flood *f)
{
	uint32_t faulty = 0;

	for (uint32_t bank = 0; bank < BANKS; bank++) {
		enum fault_class class = FAULT_NONE;

		for (uint32_t column = 0; column < COLUMNS; column++) {
			enum fault_class by = classify(f->all, bank, column);

			class = by > class ? by : class;
		}
		f->want = class > f->want ? class : f->want;
		faulty += f->all->rows[bank] > 0 &&
			  (class == FAULT_BANK || class == FAULT_COLUMN);
	}
	if (faulty > 1 && f->want < FAULT_RANK)
		f->want = FAULT_RANK;
}

/* A column fails, then its bank, then the rank: one event in ten is of another bank. */
static void err(struct flood *f, enum fault_class shape)
{
	uint32_t bank =
		shape == FAULT_RANK && draw(f, 10) == 0 ? (uint32_t)draw(f, BANKS) : 3;
	uint32_t row = (uint32_t)draw(f, ROWS);
	uint32_t column = shape == FAULT_COLUMN ? 7 : (uint32_t)draw(f, COLUMNS);
	uint64_t line = ((uint64_t)bank * ROWS + row) * COLUMNS + column;
	struct ce_event ev = {
		.time = usec(f->now),
		.address = paddr(UINT64_C(0x10000000) + (line << FAULT_MAP_LINE_SHIFT)),
		.has_address = true,
		.count = 1,
		.layer = { 0, 0, -1 },
		.label = { "A", 1 },
		.coord = { .row = row,
			   .column = column << FAULT_MAP_BURST_SHIFT,
			   .bank = (uint16_t)bank,
			   .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN },
	};

	note(f->all, bank, row, column);
	give(f, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}

static void play_second(struct flood *f, enum fault_class shape, uint64_t seed)
{
	enum fault_class got;

	for (unsigned int i = 0; i < EVENTS; i++) {
		f->now += USEC_PER_SEC / EVENTS;
		err(f, shape);
	}
	f->now += USEC_PER_SEC / EVENTS;
	judge(f);
	got = engine_dimm(f->e, 1)->fault.class;
	if (got != f->want || got != shape)
		fail_msg("seed %llu, %s: the class is %s, not %s",
			 (unsigned long long)seed, fault_class_to_string(shape),
			 fault_class_to_string(got), fault_class_to_string(f->want));
}

static void play(uint64_t seed)
{
	static const enum fault_class shapes[] = { FAULT_COLUMN, FAULT_BANK, FAULT_RANK };
	struct flood f = { .state = mix(seed), .all = calloc(1, sizeof(*f.all)) };
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));

	assert_non_null(f.all);
	assert_non_null(cfg);
	config_init(cfg);
	assert_int_equal(engine_new(&f.e, cfg, 12), 0);
	give(&f, (struct input){ .kind = INPUT_RESTORE_DONE });
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		for (unsigned int second = 0; second < SECONDS; second++)
			play_second(&f, shapes[i], seed);
	/* It was no storm that a map holds. */
	assert_true(f.all->cells > 10 * FAULT_MAP_CELLS);
	engine_free(f.e);
	free(f.all);
}

static void test_flood(void **state)
{
	for (unsigned int i = 0; i < runs; i++)
		play(first_seed + i);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_flood) };
	const char *seed =
		argc == 3 && strcmp(argv[1], "-s") == 0 ? argv[2] : getenv("SEED");

	runs = (unsigned int)random_runs("runs", RUNS);
	if (seed) {
		first_seed = strtoull(seed, NULL, 0);
		runs = 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
