/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rows and classes against a brute-force oracle that keeps every event; the same errors
 * at a later time, in another order within a second, or with a restart in the middle have
 * the same end; and a storm of a million errors on a hundred thousand pages never exceeds a
 * budget.
 *
 * -s SEED, or SEED in the environment, repeats one run.
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
#include "random.h"
#include "sim/sim.h"
#include "track/fault_map.h"

#define RUNS   20
#define EVENTS 700
#define LINES  120
#define START  (100 * USEC_PER_SEC)
#define WINDOW (7 * USEC_PER_DAY)

struct event {
	int64_t time;
	unsigned int line; /* index into run.coord */
	bool cpu;
	bool no_address;
};

/** One DIMM's errors, and what was done about them. */
struct run {
	struct sim *sim;
	uint64_t seed, state;
	struct dram_coord coord[LINES];
	struct event events[EVENTS];
	bool offlined[LINES]; /* by page; a page has one line */
};

static uint64_t first_seed = 1;
static unsigned int runs = RUNS;
static uint64_t storm_events;

_wraps_ static uint64_t draw(struct run *r, uint64_t below)
{
	r->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(r->state) % below;
}

static uint64_t line_of(unsigned int i)
{
	return (UINT64_C(0x40000) + i * 3) << 6; /* each in a page of its own */
}

static void watch(void *userdata, const struct effect *f)
{
	struct run *r = userdata;
	uint64_t page;

	if (f->kind != EFFECT_STORE_ACTION || f->action.result != RESULT_OFFLINED)
		return;
	page = (f->action.pfn - 0x40000) / 3;
	assert_true(page < LINES);
	r->offlined[page] = true;
}

/* Few rows and columns, so that they meet; every line has coordinates of its own. */
static void make_coords(struct run *r, unsigned int banks)
{
	for (unsigned int i = 0; i < LINES; i++) {
		struct dram_coord *c = &r->coord[i];

		c->have = DRAM_ROW | DRAM_COLUMN | DRAM_BANK | DRAM_RANK |
			  DRAM_SUB_CHANNEL | DRAM_CHIP;
		c->sub_channel = (uint8_t)draw(r, 2);
		c->chip = (uint8_t)(draw(r, 4) == 0);
		c->rank = (uint8_t)draw(r, 2);
		c->bank = (uint16_t)draw(r, banks);
		c->row = (uint32_t)draw(r, 40);
		c->column = i; /* some within one burst of eight */
	}
}

static struct run *new_run(uint64_t seed, unsigned int banks)
{
	struct run *r = calloc(1, sizeof(*r));
	int64_t now = START;

	assert_non_null(r);
	assert_int_equal(sim_new(&r->sim), 0);
	r->sim->userdata = r;
	r->sim->hooks.watch = watch;
	r->sim->now = START;
	r->seed = seed;
	r->state = mix(seed);
	r->sim->cfg.policy.page.count = 0;
	r->sim->cfg.policy.cell.count = 0;
	r->sim->cfg.budget.burst = 100000;
	r->sim->cfg.budget.pages_per_hour = 100000;
	make_coords(r, banks);
	for (unsigned int i = 0; i < EVENTS; i++) {
		now += (int64_t)draw(r, draw(r, 6) ? 3 * USEC_PER_SEC : WINDOW / 3);
		r->events[i] = (struct event){ .time = now,
					       .line = (unsigned int)draw(r, LINES),
					       .cpu = draw(r, 2),
					       .no_address = draw(r, 4) == 0 };
	}
	return r;
}

static void free_run(struct run *r)
{
	sim_free(r->sim);
	free(r);
}

static void give_event(struct run *r, const struct event *t)
{
	struct ce_event ev = {
		.time = usec(t->time - r->sim->base),
		.address = paddr(t->no_address ? 0 : line_of(t->line) << 6),
		.has_address = true,
		.count = 1,
		.grain_bits = 6,
		.label = { "A1", 2 },
		.coord = r->coord[t->line],
	};

	(void)sim_step(r->sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}

static void play(struct run *r, unsigned int restart_at)
{
	assert_int_equal(sim_start(r->sim), 0);
	for (unsigned int i = 0; i < EVENTS; i++) {
		sim_advance(r->sim, r->events[i].time);
		if (i == restart_at)
			assert_int_equal(sim_restart(r->sim, true), 0);
		give_event(r, &r->events[i]);
	}
	sim_advance(r->sim, r->sim->now + USEC_PER_DAY);
	assert_int_equal(r->sim->error, 0);
}

static bool same_row(const struct dram_coord *a, const struct dram_coord *b)
{
	return a->sub_channel == b->sub_channel && a->chip == b->chip &&
	       a->rank == b->rank && a->bank == b->bank && a->row == b->row;
}

/* True if two events of the row, of different bursts, lie within the window. */
static bool row_is_faulty(const struct run *r, const struct dram_coord *row)
{
	for (unsigned int i = 0; i < EVENTS; i++) {
		const struct dram_coord *a = &r->coord[r->events[i].line];

		if (!same_row(a, row))
			continue;
		for (unsigned int j = i + 1; j < EVENTS; j++) {
			const struct dram_coord *b = &r->coord[r->events[j].line];

			if (same_row(b, row) && a->column >> 3 != b->column >> 3 &&
			    r->events[j].time - r->events[i].time <= WINDOW)
				return true;
		}
	}
	return false;
}

static bool erred(const struct run *r, unsigned int line)
{
	for (unsigned int i = 0; i < EVENTS; i++)
		if (r->events[i].line == line && !r->events[i].no_address)
			return true;
	return false;
}

static bool is_wide(const struct run *r)
{
	return fault_is_wide(engine_dimm(r->sim->engine, 1)->fault.class);
}

/* Every page of a faulty row that erred is offlined, and no other. Errors without an
 * address count for the row, and name no page. */
static void test_rows(void **state)
{
	unsigned int faulty = 0, sound = 0;

	for (unsigned int i = 0; i < runs; i++) {
		struct run *r = new_run(first_seed + i, 3);

		/* Wide faults stop the rule; here rows are to be seen. */
		r->sim->cfg.policy.row = (struct threshold){ 2, { WINDOW } };
		for (unsigned int j = 0; j < EVENTS; j++)
			r->events[j].line %= 14;
		for (unsigned int j = 0; j < LINES; j++) {
			r->coord[j].row %= 4;
			r->coord[j].rank = 0;
		}
		play(r, EVENTS);
		assert_false(is_wide(r));
		for (unsigned int line = 0; line < LINES; line++) {
			bool want = erred(r, line) && row_is_faulty(r, &r->coord[line]);

			if (r->offlined[line] != want)
				fail_msg("seed %llu line %u: %d",
					 (unsigned long long)r->seed, line, want);
			faulty += want;
			sound += erred(r, line) && !want;
		}
		free_run(r);
	}
	assert_true(runs < RUNS || (faulty > 20 && sound > 20));
}

/* A cell that names no column may be any cell of its row. */
static bool is_vague(const struct dram_coord *c)
{
	return !(c->have & DRAM_COLUMN);
}

/* Cells that are another cell, or may be, do not count again. */
static bool counts(const struct run *r, unsigned int n, unsigned int i)
{
	if (!is_vague(&r->coord[i]))
		return true;
	for (unsigned int j = 0; j < n; j++)
		if (j != i && same_row(&r->coord[i], &r->coord[j]) &&
		    (j < i || !is_vague(&r->coord[j])))
			return false;
	return true;
}

/* The counts of the map against counting all cells with all cells. */
static void count_all(const struct run *r, unsigned int n, unsigned int focus,
		      struct fault_counts *ret)
{
	const struct dram_coord *f = &r->coord[focus];

	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < n; i++) {
		const struct dram_coord *a = &r->coord[i];
		bool row = true, bank = true, column = !is_vague(a), single = true;
		bool focused = fault_same_bank(a, f);

		if (!counts(r, n, i))
			continue;
		for (unsigned int j = 0; j < n; j++) {
			const struct dram_coord *b = &r->coord[j];

			if (!counts(r, n, j))
				continue;
			row = row && !(j < i && same_row(a, b));
			bank = bank && !(j < i && fault_same_bank(a, b));
			column = column && !(j < i && fault_same_bank(a, b) &&
					     !is_vague(b) && a->column == b->column);
			single = single &&
				 !(same_row(a, b) && a->column >> 3 != b->column >> 3);
		}
		ret->cells++;
		ret->rows += row;
		ret->banks += bank;
		ret->bank_rows += row && focused;
		ret->bank_columns += column && focused;
		ret->bank_single_rows += row && single && focused;
		ret->column_rows += single && focused && a->column == f->column;
	}
}

/* Errors of one cell may come with its address, without it, or both ways. */
static struct fault_cell *note_ways(struct run *r, struct fault_map *m, unsigned int i)
{
	const struct dram_coord *c = &r->coord[i];
	unsigned int ways = is_vague(c) ? 1 : 1 + (unsigned int)draw(r, 3);
	struct fault_cell *cell = NULL;

	for (unsigned int twice = 0; twice < 2; twice++) {
		if (ways & 1)
			fault_map_note(m, 1, fault_map_place(c), c, usec(i), &cell);
		if (ways & 2)
			fault_map_note(m, 1, i, c, usec(i), &cell);
	}
	return cell;
}

static bool is_like_another(const struct run *r, unsigned int i)
{
	for (unsigned int j = 0; j < i; j++)
		if (same_row(&r->coord[i], &r->coord[j]) &&
		    r->coord[i].column == r->coord[j].column)
			return true;
	return false;
}

static void make_count_coords(struct run *r)
{
	for (unsigned int j = 0; j < LINES; j++) {
		r->coord[j].column = (uint32_t)draw(r, 6) * 8 + j % 2;
		while (is_like_another(r, j))
			r->coord[j].row++;
		if (draw(r, 8) == 0)
			r->coord[j].have &= (uint8_t)~DRAM_COLUMN;
	}
}

static void test_counts(void **state)
{
	for (unsigned int i = 0; i < runs * 10; i++) {
		struct run *r = new_run(first_seed + i, 4);
		unsigned int n = 1 + (unsigned int)draw(r, LINES);
		struct fault_counts want, got;
		const struct fault_cell *cell = NULL;
		struct fault_cell focus_cell = { .line = 0 };
		struct fault_map *m;
		unsigned int focus = (unsigned int)draw(r, n);

		make_count_coords(r);
		assert_int_equal(fault_map_new(&m, 2, 4), 0);
		for (unsigned int j = 0; j < n; j++) {
			cell = note_ways(r, m, j);
			assert_non_null(cell);
			if (j == focus)
				focus_cell = *cell;
		}
		fault_map_count(m, 1, &focus_cell, usec(0), &got);
		count_all(r, n, focus, &want);
		if (got.cells != want.cells)
			fail_msg("seed %llu: %u cells, not %u",
				 (unsigned long long)r->seed, got.cells, want.cells);
		assert_int_equal(got.rows, want.rows);
		assert_int_equal(got.banks, want.banks);
		assert_int_equal(got.bank_rows, want.bank_rows);
		assert_int_equal(got.bank_columns, want.bank_columns);
		assert_int_equal(got.bank_single_rows, want.bank_single_rows);
		free_run(r);
		fault_map_free(m);
	}
}

static void compare(struct run *a, struct run *b, const char *what)
{
	const struct dimm_rec *x = engine_dimm(a->sim->engine, 1);
	const struct dimm_rec *y = engine_dimm(b->sim->engine, 1);

	for (unsigned int i = 0; i < LINES; i++)
		if (a->offlined[i] != b->offlined[i])
			fail_msg("seed %llu: %s made a difference to line %u",
				 (unsigned long long)a->seed, what, i);
	assert_int_equal(x->fault.class, y->fault.class);
	assert_int_equal(x->fault.cells, y->fault.cells);
	assert_int_equal(x->fault.rows, y->fault.rows);
	assert_int_equal(x->fault.faulty_rows, y->fault.faulty_rows);
	free_run(a);
	free_run(b);
}

/* Few lines: a row fault at most. What is done before a fault is known to be wide may
 * depend on which of two errors of one second came first. */
static void narrow(struct run *r)
{
	for (unsigned int j = 0; j < EVENTS; j++)
		r->events[j].line %= 14;
}

static void test_time_shift(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct run *a = new_run(first_seed + i, 3);
		struct run *b = new_run(first_seed + i, 3);
		int64_t shift = (int64_t)(i + 1) * 7919 * USEC_PER_SEC + 13;

		b->sim->now += shift;
		for (unsigned int j = 0; j < EVENTS; j++)
			b->events[j].time += shift;
		play(a, EVENTS);
		play(b, EVENTS);
		compare(a, b, "a shift of time");
	}
}

static void test_restart(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct run *a = new_run(first_seed + i, 3);
		struct run *b = new_run(first_seed + i, 3);

		play(a, EVENTS);
		play(b, (unsigned int)mix(i) % EVENTS);
		compare(a, b, "a restart");
	}
}

/* Neighbours in time of different CPUs change places, by up to a second. */
static void disorder(struct run *r)
{
	for (unsigned int i = 0; i + 1 < EVENTS; i++) {
		struct event a = r->events[i], b = r->events[i + 1];

		if (a.cpu == b.cpu || b.time - a.time > USEC_PER_SEC)
			continue;
		r->events[i] = b;
		r->events[i + 1] = a;
		i++;
	}
}

static void test_order(void **state)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct run *a = new_run(first_seed + i, 3);
		struct run *b = new_run(first_seed + i, 3);

		narrow(a);
		narrow(b);
		disorder(b);
		play(a, EVENTS);
		play(b, EVENTS);
		compare(a, b, "the order within a second");
	}
}

#define STORM_EVENTS 1000000
#define STORM_PAGES  100000
#define STORM_DIMMS  4
#define STORM_SPAN   (6 * USEC_PER_HOUR)

struct storm {
	uint64_t done, by_dimm[STORM_DIMMS], budget_notices;
	struct sim *sim;
};

static void storm_watch(void *userdata, const struct effect *f)
{
	struct storm *s = userdata;

	s->budget_notices += f->kind == EFFECT_NOTICE && f->notice.kind == NOTICE_BUDGET;
	if (f->kind != EFFECT_OFFLINE)
		return;
	s->done++;
	s->by_dimm[f->attempt.pfn.n % STORM_DIMMS]++;
}

/* A database that has lost everything. */
static int storm_keep(void *userdata, const struct effect *f)
{
	return 0;
}

static void storm_event(struct storm *s, uint64_t i)
{
	static const char *const labels[STORM_DIMMS] = { "A1", "B1", "C1", "D1" };
	uint64_t x = mix(i);
	uint64_t n = x % STORM_PAGES;
	struct ce_event ev = {
		.time = usec(START + (int64_t)i * (STORM_SPAN / (int64_t)storm_events)),
		.address = paddr((0x100000 + n) << 12 | (x >> 40) % 64 << 6),
		.has_address = true,
		.count = 1,
		.grain_bits = 6,
		.layer = { -1, -1, -1 },
		.label = { labels[n % STORM_DIMMS], 2 }
	};
	const struct config *cfg = &s->sim->cfg;
	uint64_t span = (uint64_t)(ev.time.us - START);

	/* For one of the DIMMs the driver names the cell; for the others it does not. */
	if (n % STORM_DIMMS == 0)
		ev.coord =
			(struct dram_coord){ .row = (uint32_t)(n >> 3),
					     .column = (uint32_t)(x >> 20) % 1024,
					     .bank = (uint16_t)(n % 16),
					     .have = DRAM_ROW | DRAM_COLUMN | DRAM_BANK };
	s->sim->now = ev.time.us;
	(void)sim_step(s->sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
	assert_true(s->done <= cfg->budget.total.value);
	assert_true(s->by_dimm[n % STORM_DIMMS] <= cfg->budget.pages_per_dimm);
	assert_true(s->done <=
		    cfg->budget.burst + 1 +
			    span * cfg->budget.pages_per_hour / (uint64_t)USEC_PER_HOUR);
}

static void storm(uint32_t per_hour, uint32_t per_dimm, uint64_t total)
{
	struct storm s = { .done = 0 };
	struct engine_status st;

	assert_int_equal(sim_new(&s.sim), 0);
	s.sim->cfg.budget.pages_per_hour = per_hour;
	s.sim->cfg.budget.pages_per_dimm = per_dimm;
	s.sim->cfg.budget.total = (struct amount){ AMOUNT_PAGES, total };
	s.sim->machine.ram_pages = 1 << 20;
	s.sim->machine.available_kib = 1 << 21;
	s.sim->now = START;
	s.sim->userdata = &s;
	s.sim->hooks = (struct sim_hooks){ .watch = storm_watch, .keep = storm_keep };
	assert_int_equal(sim_start(s.sim), 0);
	for (uint64_t i = 0; i < storm_events; i++)
		storm_event(&s, i);
	engine_status(s.sim->engine, usec(START + STORM_SPAN), &st);
	assert_true(st.verdict >= VERDICT_DEGRADED);
	assert_true(s.budget_notices > 0);
	assert_true(s.by_dimm[0] <= s.sim->cfg.policy.wide_fault_pages);
	assert_int_equal(engine_dimm(s.sim->engine, 0)->offlined, 0);
	sim_free(s.sim);
}

static void test_storm_hour(void **state)
{
	storm(10, 128, 100000);
}

static void test_storm_dimm_and_total(void **state)
{
	storm(100000, 50, 120);
}

int main(int argc, char **argv)
{
	const char *seed =
		argc == 3 && strcmp(argv[1], "-s") == 0 ? argv[2] : getenv("SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_time_shift),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_storm_hour),
		cmocka_unit_test(test_storm_dimm_and_total),
	};

	runs = (unsigned int)random_runs("runs", RUNS);
	storm_events = random_runs("events of a storm", STORM_EVENTS);
	if (seed) {
		first_seed = strtoull(seed, NULL, 0);
		runs = 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
