/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A DIMM whose fault is as wide as it gets: what a storm over it still teaches, and what
 * goes on as before. What a fault's class is stands in tests/replay.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/input.h"
#include "track/fault_class.h"
#include "track/fault_map.h"

#define SECOND USEC_PER_SEC

static struct effects out;
static int64_t now;

static void give(struct engine *e, struct input in)
{
	in.now = usec(now);
	assert_int_equal(engine_step(e, &in, &out), 0);
}

static struct engine *new_engine(void)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	struct engine *e = NULL;

	assert_non_null(cfg);
	config_init(cfg);
	cfg->policy.neighbour = true;
	cfg->policy.page.count = 0;
	assert_int_equal(engine_new(&e, cfg, 12), 0);
	now = 0;
	give(e, (struct input){ .kind = INPUT_RESTORE_DONE });
	return e;
}

/* One error of cell @n: each has a page and a row of its own, and eight banks in turn. */
static void err(struct engine *e, unsigned int n, const char *label, int8_t slot)
{
	struct ce_event ev = {
		.address = paddr(UINT64_C(0x10000000) + n * UINT64_C(0x1000)),
		.has_address = true,
		.count = 1,
		.layer = { 0, slot, -1 },
		.label = { label, 1 },
		.coord = { .row = n,
			   .column = 8 * (n % 97),
			   .bank = (uint16_t)(n % 8),
			   .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN },
	};

	now += SECOND;
	ev.time = usec(now);
	give(e, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}

static unsigned int cells_to_store(struct engine *e)
{
	unsigned int n = 0;

	do {
		give(e, (struct input){ .kind = INPUT_FLUSH });
		for (unsigned int i = 0; i < out.n; i++)
			n += out.v[i].kind == EFFECT_STORE_CELL;
	} while (out.more);
	return n;
}

/* Index 0 is the memory that nothing names. */
static enum fault_class class_of(const struct engine *e, uint16_t index)
{
	return engine_dimm(e, index)->fault.class;
}

static enum page_state state_of(const struct engine *e, unsigned int n)
{
	const struct page_rec *rec =
		ce_tracker_peek(engine_tracker(e), pfn(UINT64_C(0x10000) + n));

	assert_non_null(rec);
	return (enum page_state)rec->state;
}

/* All cells are kept until the class is certain; then new ones are passed over, and those
 * that are kept are seen again. */
static void test_alone(void **state)
{
	struct engine *e = new_engine();
	uint64_t before;

	for (unsigned int n = 0; n < FAULT_MAP_CELLS; n++)
		err(e, n, "A", 0);
	assert_int_equal(class_of(e, 1), FAULT_RANK);
	assert_int_equal(engine_dimm(e, 1)->fault.cells, FAULT_MAP_CELLS);
	assert_int_equal(cells_to_store(e), FAULT_MAP_CELLS);

	before = engine_dimm(e, 1)->corrected_errors;
	for (unsigned int n = FAULT_MAP_CELLS; n < 3 * FAULT_MAP_CELLS; n++)
		err(e, n, "A", 0);
	assert_int_equal(cells_to_store(e), 0);
	assert_int_equal(engine_dimm(e, 1)->corrected_errors,
			 before + 2 * FAULT_MAP_CELLS);
	assert_int_equal(ce_tracker_count(engine_tracker(e)), 3 * FAULT_MAP_CELLS);
	/* That no cell was looked for is not "the driver names none": no neighbours. */
	assert_int_equal(state_of(e, 2 * FAULT_MAP_CELLS), PAGE_WATCHED);

	err(e, 7, "A", 0);
	assert_int_equal(cells_to_store(e), 1);
	engine_free(e);
}

/* Pages with 16 errors of their own go all the same, here by their cells. */
static void test_hot_page(void **state)
{
	struct engine *e = new_engine();
	const struct machine machine = { .ram_pages = 1 << 22, .available_kib = 1 << 23 };

	give(e, (struct input){ .kind = INPUT_MACHINE, .machine = machine });
	for (unsigned int n = 0; n < 2 * FAULT_MAP_CELLS; n++)
		err(e, n, "A", 0);
	(void)cells_to_store(e);
	for (unsigned int i = 1; i < 16; i++)
		err(e, 5000, "A", 0);
	assert_int_equal(cells_to_store(e), 0);
	assert_int_equal(state_of(e, 5000), PAGE_WATCHED);
	err(e, 5000, "A", 0);
	err(e, 5000, "A", 0);
	assert_int_equal(state_of(e, 5000), PAGE_PENDING);
	assert_true(cells_to_store(e) > 0);
	engine_free(e);
}

/* With another DIMM on the channel the fault may yet be the channel's. */
static void test_beside_another(void **state)
{
	struct engine *e = new_engine();

	err(e, 0, "B", 1);
	for (unsigned int n = 1; n < 2 * FAULT_MAP_CELLS; n++)
		err(e, n, "A", 0);
	assert_int_equal(class_of(e, 2), FAULT_RANK);
	assert_int_equal(cells_to_store(e), FAULT_MAP_CELLS + 1);
	err(e, 2 * FAULT_MAP_CELLS, "A", 0);
	assert_true(cells_to_store(e) > 0);
	for (unsigned int n = 3 * FAULT_MAP_CELLS; n < 4 * FAULT_MAP_CELLS; n++)
		err(e, n, "B", 1);
	assert_int_equal(class_of(e, 1), FAULT_CHANNEL);
	assert_int_equal(class_of(e, 2), FAULT_CHANNEL);
	(void)cells_to_store(e);

	/* Now both are known. */
	for (unsigned int n = 5 * FAULT_MAP_CELLS; n < 6 * FAULT_MAP_CELLS; n++) {
		err(e, n, "A", 0);
		err(e, n + FAULT_MAP_CELLS, "B", 1);
	}
	assert_int_equal(cells_to_store(e), 0);
	engine_free(e);
}

/* After an operator's "forget" the page begins again. */
static void test_forgotten(void **state)
{
	struct engine *e = new_engine();
	struct input in = { .kind = INPUT_REQUEST_FORGET_DIMM, .index = 1 };

	for (unsigned int n = 0; n < 2 * FAULT_MAP_CELLS; n++)
		err(e, n, "A", 0);
	(void)cells_to_store(e);
	give(e, in);
	(void)cells_to_store(e);
	err(e, 5000, "A", 0);
	assert_int_equal(class_of(e, 1), FAULT_CELL);
	assert_int_equal(cells_to_store(e), 1);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_hot_page),
		cmocka_unit_test(test_beside_another),
		cmocka_unit_test(test_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
