/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The counts that the map of cells keeps up to date, against counting all kept cells with
 * all kept cells: over random streams in the shapes of real faults, with few cells and
 * with far more than are kept, with and without addresses, columns and chips, while time
 * passes, cells make room, are forgotten, and come back from a store. Which cell makes
 * room is checked, too.
 *
 * test_fault_counts [-s SEED]: one seed.
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
#include "random.h"
#include "track/fault_class.h"
#include "track/fault_map.h"

#define D     2 /* the DIMM */
#define RUNS  4
#define STEPS 3000
#define DAY   USEC_PER_DAY

enum shape { CELL, ROW, COLUMN, BANK, BANKS, CHANNEL, SHAPES };

static const char *const shape_names[] = { "cell", "row",   "column",
					   "bank", "banks", "channel" };
static uint64_t first_seed = 1;
static unsigned int runs = RUNS;

/** The kept cells, as the map hands them out to be stored. */
struct kept {
	struct fault_cell v[FAULT_MAP_CELLS];
	uint16_t slot[FAULT_MAP_CELLS];
	unsigned int n;
};

struct stream {
	struct fault_map *m;
	enum shape shape;
	uint32_t lines;
	uint64_t seed, state;
	int64_t now;
	struct kept kept;
};

_wraps_ static uint64_t draw(struct stream *s, uint64_t below)
{
	s->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(s->state) % below;
}

/* Where line @i lies. All shapes have lines that share a burst, and some more banks. */
static struct dram_coord place_of(const struct stream *s, uint32_t i)
{
	uint64_t r = mix(s->seed << 32 | i);
	struct dram_coord c = { .have = DRAM_ROW | DRAM_COLUMN | DRAM_BANK | DRAM_RANK };

	c.bank = 3;
	c.row = i / 2;
	c.column = (uint32_t)(r % 7) * 8 + (uint32_t)(r >> 8) % 8 / 6;
	switch (s->shape) {
	case CELL:
		c.row = i;
		c.column = 8;
		break;
	case ROW:
		c.row = (uint32_t)(r % (s->lines / 60 + 1));
		c.column = i * 8 % 1024;
		break;
	case COLUMN:
		c.column = r % 16 ? 40 : 48;
		c.row = i;
		break;
	case BANK:
		break;
	case BANKS:
	case CHANNEL:
	case SHAPES:
		c.bank = (uint16_t)(i % 9);
		c.row = i / 20;
		break;
	}
	if (r >> 16 & 1) {
		c.have |= DRAM_DEVICE;
		c.device = (uint8_t)(r >> 20 & 7);
	}
	if ((r >> 32) % 9 == 0)
		c.have &= (uint8_t)~DRAM_COLUMN;
	if ((r >> 40) % 9 == 0)
		c.bank_group = 1, c.have |= DRAM_BANK_GROUP;
	return c;
}

static void keep(struct stream *s)
{
	const struct fault_cell *cell;
	struct kept *k = &s->kept;
	uint16_t dimm, slot;

	k->n = 0;
	fault_map_touch_all(s->m);
	while ((cell = fault_map_take_dirty(s->m, &dimm, &slot))) {
		if (!cell->used)
			continue;
		assert_int_equal(dimm, D);
		assert_true(k->n < FAULT_MAP_CELLS);
		k->slot[k->n] = slot;
		k->v[k->n++] = *cell;
	}
	assert_int_equal(k->n, fault_map_cells(s->m, D));
}

/* Counting all with all. */

static bool in_row(const struct fault_cell *a, const struct fault_cell *b)
{
	return fault_same_bank(&a->coord, &b->coord) && a->coord.row == b->coord.row;
}

static bool in_column(const struct fault_cell *a, const struct fault_cell *b)
{
	return a->coord.have & b->coord.have & DRAM_COLUMN &&
	       a->coord.column == b->coord.column;
}

static bool in_burst(const struct fault_cell *a, const struct fault_cell *b)
{
	return a->coord.have & b->coord.have & DRAM_COLUMN &&
	       a->coord.column >> 3 == b->coord.column >> 3;
}

static bool is_vague(const struct fault_cell *c)
{
	return !fault_cell_has_address(c) && !(c->coord.have & DRAM_COLUMN);
}

/** The cells that count, and what is asked of one of them. */
struct among {
	const struct fault_cell *v[FAULT_MAP_CELLS];
	unsigned int n;
};

/* It may be another cell of its row, or is the cell of an address again. */
static bool is_again(const struct among *all, unsigned int i)
{
	for (unsigned int j = 0; j < all->n; j++)
		if (j != i && in_row(all->v[i], all->v[j]) &&
		    (is_vague(all->v[i]) || (!fault_cell_has_address(all->v[i]) &&
					     fault_cell_has_address(all->v[j]) &&
					     in_column(all->v[i], all->v[j]))))
			return true;
	return false;
}

/* The row of cell @i has another column than the cell's. */
static bool has_more_columns(const struct among *all, unsigned int i)
{
	for (unsigned int j = 0; j < all->n; j++)
		if (j != i && in_row(all->v[i], all->v[j]) && !is_vague(all->v[j]) &&
		    !is_vague(all->v[i]) && !in_burst(all->v[i], all->v[j]))
			return true;
	return false;
}

static void count_focus(const struct among *all, unsigned int i, bool new_row,
			const struct fault_cell *focus, struct fault_counts *ret)
{
	const struct fault_cell *c = all->v[i];
	bool new_column = c->coord.have & DRAM_COLUMN, in_focus = in_column(c, focus);
	bool single = true;

	if (!fault_same_bank(&c->coord, &focus->coord))
		return;
	for (unsigned int j = 0; j < i; j++)
		if (fault_same_bank(&all->v[j]->coord, &c->coord) &&
		    in_column(all->v[j], c)) {
			new_column = false;
			in_focus = in_focus && !in_row(all->v[j], c);
		}
	for (unsigned int j = 0; j < all->n; j++)
		if (in_row(all->v[j], c) && has_more_columns(all, j))
			single = false;
	ret->bank_rows += new_row;
	ret->bank_single_rows += new_row && single;
	ret->bank_columns += new_column;
	ret->column_rows += in_focus && single;
}

static void count_all(const struct kept *k, const struct fault_cell *focus, int64_t since,
		      struct fault_counts *ret)
{
	struct among all = { .n = 0 };

	*ret = (struct fault_counts){ 0 };
	for (unsigned int i = 0; i < k->n; i++)
		if (k->v[i].votes > 0 && k->v[i].last >= since)
			all.v[all.n++] = &k->v[i];
	for (unsigned int i = 0; i < all.n; i++) {
		const struct fault_cell *c = all.v[i];
		bool row = true, bank = true, device = c->coord.have & DRAM_DEVICE;
		uint32_t faulty = c->row_faulty;

		for (unsigned int j = 0; j < i; j++) {
			const struct fault_cell *o = all.v[j];

			row = row && !in_row(o, c);
			bank = bank && !fault_same_bank(&o->coord, &c->coord);
			device = device && !(o->coord.have & DRAM_DEVICE &&
					     o->coord.device == c->coord.device);
		}
		ret->cells += !is_again(&all, i);
		ret->rows += row;
		ret->banks += bank;
		ret->devices += device;
		ret->faulty_rows += row && c->row_faulty;
		for (unsigned int j = 0; row && faulty && j < i; j++) {
			bool first = all.v[j]->row_faulty;

			for (unsigned int l = 0; l < j; l++)
				first = first && !in_row(all.v[l], all.v[j]);
			faulty += first && fault_same_bank(&all.v[j]->coord, &c->coord);
		}
		if (row && faulty > ret->bank_faulty_rows)
			ret->bank_faulty_rows = faulty;
		if (focus)
			count_focus(&all, i, row, focus, ret);
	}
}

#define SAME(field)                                                                      \
	if (got.field != want.field)                                                     \
	fail_msg("%s, %u lines, seed %llu, step %u: " #field " %u, not %u",              \
		 shape_names[s->shape], s->lines, (unsigned long long)s->seed, step,     \
		 got.field, want.field)

static void compare(struct stream *s, unsigned int step)
{
	const struct fault_cell *focus =
		s->kept.n > 0 ? &s->kept.v[draw(s, s->kept.n)] : NULL;
	int64_t since = s->now - CLASS_WINDOW, day = s->now - CLASS_CHANNEL_WINDOW;
	struct fault_counts got, want;

	if (draw(s, 8) == 0) /* any time, back and forth */
		since = s->now - (int64_t)draw(s, 2 * CLASS_WINDOW);
	/* The cell itself, or a copy of it. */
	fault_map_count(s->m, D,
			focus && draw(s, 2) ? fault_map_find(s->m, D, focus->line)
					    : focus,
			usec(since), &got);
	count_all(&s->kept, focus, since, &want);
	SAME(cells);
	SAME(rows);
	SAME(faulty_rows);
	SAME(bank_faulty_rows);
	SAME(banks);
	SAME(devices);
	SAME(bank_rows);
	SAME(bank_single_rows);
	SAME(bank_columns);
	SAME(column_rows);
	assert_int_equal(fault_classify(&got), fault_classify(&want));
	fault_map_count_day(s->m, D, usec(day), &got);
	count_all(&s->kept, NULL, day, &want);
	SAME(rows);
	SAME(banks);
}

/* The kept cell that makes room: by the words of the header. */
static uint64_t oldest_line(const struct kept *k)
{
	const struct fault_cell *best = &k->v[0];

	for (unsigned int i = 1; i < k->n; i++) {
		const struct fault_cell *c = &k->v[i];

		if (c->row_faulty != best->row_faulty ? best->row_faulty
		    : c->last != best->last           ? c->last < best->last
						      : c->line < best->line)
			best = c;
	}
	return best->line;
}

static void give_event(struct stream *s, unsigned int step)
{
	uint32_t i = (uint32_t)draw(s, s->lines);
	/* About one event in a hundred has the coordinates of another error. */
	struct dram_coord c = place_of(s, draw(s, 100) ? i : (uint32_t)draw(s, s->lines));
	bool no_address = draw(s, 5) == 0 && s->shape != CELL;
	uint64_t line = no_address ? fault_map_place(&c) : UINT64_C(0x4000) + i;
	int64_t when = s->now - (draw(s, 20) ? 0 : (int64_t)draw(s, USEC_PER_SEC));
	bool full = s->kept.n == FAULT_MAP_CELLS && !fault_map_find(s->m, D, line);
	uint64_t victim = full ? oldest_line(&s->kept) : 0;
	struct fault_cell *cell;

	if (draw(s, 60) == 0)
		when -= (int64_t)draw(s, 3 * DAY);
	fault_map_note(s->m, D, line, &c, usec(when), &cell);
	assert_non_null(cell);
	if (full && fault_map_find(s->m, D, victim))
		fail_msg("%s, seed %llu, step %u: another cell made room",
			 shape_names[s->shape], (unsigned long long)s->seed, step);
	if (full)
		assert_int_equal(fault_map_cells(s->m, D), FAULT_MAP_CELLS);
	if (!cell->row_faulty && cell->votes > 0 && draw(s, 3) &&
	    fault_map_row_columns(s->m, D, cell, usec(when), usec(7 * DAY)) >= 2)
		fault_map_set_faulty(s->m, D, cell);
}

/* A restart: the stored cells come back, in the order of their slots, or in another boot. */
static void restart(struct stream *s)
{
	bool other_boot = draw(s, 2);

	fault_map_free(s->m);
	assert_int_equal(fault_map_new(&s->m, 2, 4), 0);
	for (unsigned int i = 0; i < s->kept.n; i++) {
		struct fault_cell cell = s->kept.v[i];

		cell.other_boot = cell.other_boot || other_boot;
		fault_map_restore(s->m, D, s->kept.slot[i], &cell);
	}
	assert_int_equal(fault_map_cells(s->m, D), s->kept.n);
}

static void pass_time(struct stream *s)
{
	switch (draw(s, 400)) {
	case 0:
		s->now += (int64_t)draw(s, 40 * DAY);
		break;
	case 1:
	case 2:
	case 3:
		s->now += (int64_t)draw(s, 2 * DAY);
		break;
	default:
		s->now += (int64_t)draw(s, draw(s, 2) ? 60 * USEC_PER_SEC : 3);
		break;
	}
}

static void play(enum shape shape, uint32_t lines, uint64_t seed)
{
	struct stream *s = calloc(1, sizeof(*s));
	uint64_t from;

	assert_non_null(s);
	s->shape = shape;
	s->lines = lines;
	s->seed = seed;
	s->state = mix(seed * SHAPES + shape);
	s->now = 400 * DAY;
	assert_int_equal(fault_map_new(&s->m, 2, 4), 0);
	for (unsigned int step = 0; step < STEPS; step++) {
		pass_time(s);
		give_event(s, step);
		from = UINT64_C(0x4000) + draw(s, lines);
		if (draw(s, 150) == 0)
			fault_map_forget_lines(s->m, D, from, from + draw(s, 30));
		if (draw(s, 1500) == 0)
			fault_map_forget_dimm(s->m, D);
		keep(s);
		if (draw(s, 500) == 0)
			restart(s);
		/* An all with all of a full map takes its time. */
		if (s->kept.n < 40 || draw(s, 15) == 0)
			keep(s), compare(s, step);
	}
	fault_map_free(s->m);
	free(s);
}

static void play_shape(enum shape shape)
{
	static const uint32_t lines[] = { 3, 30, 300, 20000 };

	for (unsigned int i = 0; i < runs; i++)
		for (size_t j = 0; j < ARRAY_SIZE(lines); j++)
			play(shape, lines[j], first_seed + i);
}

static void test_cell(void **state)
{
	play_shape(CELL);
}

static void test_row(void **state)
{
	play_shape(ROW);
}

static void test_column(void **state)
{
	play_shape(COLUMN);
}

static void test_bank(void **state)
{
	play_shape(BANK);
}

static void test_banks(void **state)
{
	play_shape(BANKS);
}

/* Two DIMMs of one channel err alike; each has a map of its own. */
static void test_channel(void **state)
{
	play_shape(CHANNEL);
}

int main(int argc, char **argv)
{
	const char *seed =
		argc == 3 && strcmp(argv[1], "-s") == 0 ? argv[2] : getenv("SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cell),   cmocka_unit_test(test_row),
		cmocka_unit_test(test_column), cmocka_unit_test(test_bank),
		cmocka_unit_test(test_banks),  cmocka_unit_test(test_channel),
	};

	runs = (unsigned int)random_runs("runs", RUNS);
	if (seed) {
		first_seed = strtoull(seed, NULL, 0);
		runs = 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
