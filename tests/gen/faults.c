/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Faults as shapes in DRAM coordinates, errors as draws from them, addresses by a map
 * such as memory controllers have. It knows nothing of policies, and rounds nothing: all
 * arithmetic is on integers.
 *
 * What the shapes are modelled on: a row's errors lie within 64 frames, on 2 to 11 pages
 * with an error or two each; a bad column shows itself on hundreds of pages, once on
 * each; most erring DIMMs have one bad cell; about one in three that die shows next to
 * nothing before.
 */

#include "faults.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define DAYS    60
#define ROWS    (1U << 17)
#define COLUMNS (1U << 10)
#define STORM   6000
#define WRONG   100 /* one error in this number has another's coordinates */

#define HOURS(n) (USEC_PER_HOUR * (n))

struct maker {
	struct fault_set *set;
	size_t dimm_room;
	size_t error_room;
	uint64_t state;
	uint64_t part_state; /* of the parts that only some DRAM has */
	bool failed;
};

/** Where a fault lies; the parts that vary are drawn for each error. */
struct place {
	struct dram_coord coord;
	uint8_t channel;
	uint64_t shift; /* added to the address, in rows */
};

static const char *const words[] = {
#define X(id, word) word,
	SYNTH_LIST(X)
#undef X
};

const char *synth_fault_to_string(enum synth_fault fault)
{
	return words[fault];
}

/* SplitMix64, by Sebastiano Vigna; public domain. */
_wraps_ static uint64_t next(struct maker *m)
{
	uint64_t z = m->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* From 0 to @below - 1; the bias of the modulo is of no concern here. */
static uint32_t draw(struct maker *m, uint32_t below)
{
	return (uint32_t)(next(m) >> 32) % below;
}

static int64_t draw_between(struct maker *m, int64_t low, int64_t high)
{
	return low + (int64_t)(next(m) >> 1) % (high - low + 1);
}

/*
 * Lines of 64 bytes go round four channels and four bank groups; the 128 lines of a row
 * then lie in 32 frames side by side, four in each.
 */
static uint64_t address_of(const struct place *p, const struct dram_coord *c)
{
	uint64_t row = (c->row + p->shift) % ROWS;

	return UINT64_C(0x100000000) +
	       ((uint64_t)(p->channel & 3) << 6 | (uint64_t)c->bank_group << 8 |
		(uint64_t)(c->column >> 3) << 10 | (uint64_t)c->bank << 17 |
		(uint64_t)c->rank << 19 | row << 20 |
		(uint64_t)(c->sub_channel & 1) << 37 | (uint64_t)(c->chip & 1) << 38);
}

/* A stream of its own: a DIMM's faults do not depend on what its DRAM is made of. */
_wraps_ static uint8_t draw_half(struct maker *m)
{
	struct maker other = { .state = m->part_state };
	uint64_t v = next(&other);

	m->part_state = other.state;
	return v & 1;
}

static struct dram_coord draw_coord(struct maker *m)
{
	return (struct dram_coord){ .row = draw(m, ROWS),
				    .column = draw(m, COLUMNS / 8) * 8,
				    .bank = (uint16_t)draw(m, 4),
				    .bank_group = (uint8_t)draw(m, 4),
				    .rank = (uint8_t)draw(m, 2),
				    .device = (uint8_t)draw(m, 18),
				    .sub_channel = draw_half(m),
				    .chip = draw_half(m),
				    .have = DRAM_SUB_CHANNEL | DRAM_RANK | DRAM_CHIP |
					    DRAM_DEVICE | DRAM_BANK_GROUP | DRAM_BANK |
					    DRAM_ROW | DRAM_COLUMN };
}

static void *grow(void *v, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 256;
	void *grown = reallocarray(v, wanted, size);

	if (grown)
		*room = wanted;
	return grown;
}

static uint32_t add_dimm(struct maker *m, enum synth_fault fault, const char *server)
{
	struct fault_set *set = m->set;

	if (set->n_dimms == m->dimm_room) {
		struct fault_dimm *v =
			grow(set->dimms, &m->dimm_room, sizeof(*set->dimms));

		if (!v) {
			m->failed = true;
			return 0;
		}
		set->dimms = v;
	}
	set->dimms[set->n_dimms] = (struct fault_dimm){
		.fault = fault,
		.ue_time = FAULT_NO_UE,
		.channel = (int8_t)draw(m, 8),
	};
	snprintf(set->dimms[set->n_dimms].name, FAULT_NAME_MAX, "%s-%03zu", words[fault],
		 set->n_dimms);
	snprintf(set->dimms[set->n_dimms].server, FAULT_NAME_MAX, "%s", server);
	return (uint32_t)set->n_dimms++;
}

static void add_error(struct maker *m, uint32_t dimm, const struct place *p, int64_t time)
{
	struct fault_set *set = m->set;
	struct fault_error *e;

	if (set->n_errors == m->error_room) {
		e = grow(set->errors, &m->error_room, sizeof(*set->errors));
		if (!e) {
			m->failed = true;
			return;
		}
		set->errors = e;
	}
	e = &set->errors[set->n_errors];
	*e = (struct fault_error){ .time = time - time % USEC_PER_SEC,
				   .address = address_of(p, &p->coord),
				   .coord = p->coord,
				   .dimm = dimm,
				   .seq = (uint32_t)set->n_errors,
				   .scrub = draw(m, 16) == 0 };
	/* Two registers are read, and what the second says may be of the next error. */
	if (draw(m, WRONG) == 0) {
		e->coord = set->n_errors > 0 && draw(m, 2)
				   ? set->errors[set->n_errors - 1].coord
				   : draw_coord(m);
		set->dimms[dimm].wrong++;
	}
	set->dimms[dimm].ces++;
	set->n_errors++;
}

static struct place draw_place(struct maker *m, uint32_t dimm)
{
	return (struct place){ .coord = draw_coord(m),
			       .channel = (uint8_t)m->set->dimms[dimm].channel };
}

static int64_t draw_start(struct maker *m)
{
	return FAULT_START + draw_between(m, 0, HOURS(24 * (DAYS - 20)));
}

/* The DIMM dies some time after the last of its errors. */
static void die(struct maker *m, uint32_t dimm, int64_t after)
{
	m->set->dimms[dimm].ue_time =
		after + draw_between(m, HOURS(1), HOURS(30)) - after % USEC_PER_SEC;
	m->set->dimms[dimm].ue_time -= m->set->dimms[dimm].ue_time % USEC_PER_SEC;
}

static void make_noise(struct maker *m)
{
	uint32_t dimm = add_dimm(m, SYNTH_NOISE, "");
	uint32_t n = 1 + draw(m, 3);

	for (uint32_t i = 0; i < n; i++) {
		struct place p = draw_place(m, dimm);

		add_error(m, dimm, &p, draw_start(m));
	}
}

/* Read now and then, with hours or days in between, or many times within minutes. */
static void make_cell(struct maker *m)
{
	uint32_t dimm = add_dimm(m, SYNTH_CELL, "");
	struct place p = draw_place(m, dimm);
	uint32_t n = 3 + draw(m, draw(m, 4) ? 40 : 400);
	int64_t time = draw_start(m);

	for (uint32_t i = 0; i < n; i++) {
		add_error(m, dimm, &p, time);
		time += draw(m, 3) ? draw_between(m, USEC_PER_SEC, HOURS(2))
				   : draw_between(m, HOURS(2), HOURS(60));
	}
}

static void make_storm(struct maker *m)
{
	uint32_t dimm = add_dimm(m, SYNTH_STORM, "");
	struct place p = draw_place(m, dimm);
	int64_t time = draw_start(m);

	for (uint32_t i = 0; i < STORM; i++) {
		add_error(m, dimm, &p, time);
		time += draw_between(m, 0, 9 * USEC_PER_SEC);
	}
}

/* A row: its cells err in no order, most of them once or twice. */
static void make_row(struct maker *m, enum synth_fault fault, bool dies)
{
	uint32_t dimm = add_dimm(m, fault, "");
	struct place p = draw_place(m, dimm);
	uint32_t columns[12];
	uint32_t n_columns = 4 + draw(m, 9);
	uint32_t n = n_columns + draw(m, dies ? 16 : 60);
	int64_t time = draw_start(m);

	for (uint32_t i = 0; i < n_columns; i++)
		columns[i] = draw(m, COLUMNS / 8) * 8;
	for (uint32_t i = 0; i < n; i++) {
		p.coord.column = columns[i < n_columns ? i : draw(m, n_columns)];
		if (fault == SYNTH_SHIFT && i == n / 2) {
			p.shift = 64 + draw(m, 1024);
			time += HOURS(1);
		}
		add_error(m, dimm, &p, time);
		time += draw_between(m, USEC_PER_SEC, dies ? HOURS(3) : HOURS(20));
	}
	if (dies)
		die(m, dimm, time);
}

/* One column of a bank: another row each time, seldom the same twice. */
static void make_column(struct maker *m, bool dies)
{
	uint32_t dimm = add_dimm(m, SYNTH_COLUMN, "");
	struct place p = draw_place(m, dimm);
	uint32_t n = 60 + draw(m, 180);
	int64_t time = draw_start(m);

	for (uint32_t i = 0; i < n; i++) {
		p.coord.row = draw(m, ROWS);
		add_error(m, dimm, &p, time);
		time += draw_between(m, USEC_PER_SEC, HOURS(1));
		if (draw(m, 8) == 0)
			add_error(m, dimm, &p, time);
	}
	if (dies)
		die(m, dimm, time);
}

/* Anywhere in one bank, or in several, of one device. */
static void make_banks(struct maker *m, enum synth_fault fault, bool dies)
{
	uint32_t dimm = add_dimm(m, fault, "");
	struct place p = draw_place(m, dimm);
	uint32_t n = 40 + draw(m, 160);
	int64_t time = draw_start(m);

	for (uint32_t i = 0; i < n; i++) {
		p.coord.row = draw(m, ROWS);
		p.coord.column = draw(m, COLUMNS / 8) * 8;
		if (fault == SYNTH_BANKS) {
			p.coord.bank = (uint16_t)draw(m, 4);
			p.coord.bank_group = (uint8_t)draw(m, 4);
		}
		add_error(m, dimm, &p, time);
		time += draw_between(m, USEC_PER_SEC, HOURS(2));
		if (draw(m, 5) == 0)
			add_error(m, dimm, &p, time);
	}
	if (dies)
		die(m, dimm, time);
}

/* Both DIMMs of a channel, anywhere, any device. */
static void make_channel(struct maker *m, const char *server)
{
	uint32_t dimms[2];
	uint32_t n = 80 + draw(m, 120);
	int64_t time = draw_start(m);

	for (int i = 0; i < 2; i++)
		dimms[i] = add_dimm(m, SYNTH_CHANNEL, server);
	if (m->failed)
		return;
	m->set->dimms[dimms[1]].channel = m->set->dimms[dimms[0]].channel;
	m->set->dimms[dimms[1]].slot = 1;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = draw(m, 2);
		struct place p = draw_place(m, dimms[slot]);

		/* The upper half of the memory is the second slot's. */
		p.coord.row = p.coord.row / 2 + slot * (ROWS / 2);
		add_error(m, dimms[slot], &p, time);
		time += draw_between(m, USEC_PER_SEC, HOURS(2));
	}
}

static void make_sudden(struct maker *m)
{
	uint32_t dimm = add_dimm(m, SYNTH_SUDDEN, "");
	int64_t time = draw_start(m);

	for (int i = 0; i < 2; i++) {
		struct place p = draw_place(m, dimm);

		add_error(m, dimm, &p, time);
		time += draw_between(m, USEC_PER_SEC, HOURS(4));
	}
	die(m, dimm, time);
}

static void make_all(struct maker *m)
{
	for (int i = 0; i < 10; i++)
		make_noise(m);
	for (int i = 0; i < 36; i++)
		make_cell(m);
	for (int i = 0; i < 2; i++)
		make_storm(m);
	for (int i = 0; i < 14; i++)
		make_row(m, SYNTH_ROW, i < 6);
	for (int i = 0; i < 2; i++)
		make_row(m, SYNTH_SHIFT, false);
	for (int i = 0; i < 8; i++)
		make_column(m, i < 3);
	for (int i = 0; i < 4; i++)
		make_banks(m, SYNTH_BANK, i < 2);
	for (int i = 0; i < 4; i++)
		make_banks(m, SYNTH_BANKS, i < 2);
	make_channel(m, "server-a");
	make_channel(m, "server-b");
	for (int i = 0; i < 8; i++)
		make_sudden(m);
}

static int compare_errors(const void *a, const void *b)
{
	const struct fault_error *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

int fault_set_new(struct fault_set **ret, uint64_t seed)
{
	struct maker m = { .set = calloc(1, sizeof(*m.set)), .state = seed };

	if (!m.set)
		return -ENOMEM;
	make_all(&m);
	if (m.failed) {
		fault_set_free(m.set);
		return -ENOMEM;
	}
	qsort(m.set->errors, m.set->n_errors, sizeof(*m.set->errors), compare_errors);
	*ret = m.set;
	return 0;
}

struct fault_set *fault_set_free(struct fault_set *set)
{
	if (set) {
		free(set->dimms);
		free(set->errors);
		free(set);
	}
	return NULL;
}
