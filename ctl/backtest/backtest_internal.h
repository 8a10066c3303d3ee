/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The back-test's state, shared by its files: backtest.c (puts rows in order and counts),
 * backtest_tables.c (names, DIMMs, machines, pages), backtest_engine.c (the engines, each
 * on a simulated machine), backtest_result.c (views).
 */

#include "backtest/backtest.h"
#include "sim/sim.h"

#define NO_PAGE UINT32_MAX
#define NO_DIMM UINT32_MAX

/** A row in the queue: its DIMM is found, its texts are dropped. */
struct bt_event {
	int64_t time;
	uint64_t seq; /* keeps rows of the same time in the order of the input */
	int64_t ue_time;
	uint64_t address;
	uint64_t count;
	uint32_t events;
	uint32_t dimm;
	struct dram_coord coord;
	uint8_t kind; /* enum backtest_kind */
	uint8_t grain_bits;
	bool has_address;
};

/** Rows that are being sorted: half of them wait for the other half. */
struct bt_order {
	struct bt_event *v;
	size_t n;
	size_t room; /* at most 2 * BACKTEST_ORDER_ROWS */
	uint64_t seq;
	int64_t released; /* time of the latest row that left the queue */
};

/** One page under one policy. */
struct bt_page_run {
	int64_t offlined_at;  /* BACKTEST_NO_TIME: not */
	int64_t window_start; /* of a tumbling window */
	uint32_t in_window;
};

struct bt_page {
	uint64_t pfn;
	uint64_t ces;
	int64_t first_seen;
	uint32_t machine;
	uint32_t dimm; /* DIMM of its first error */
	struct bt_page_run runs[];
};

/** One DIMM under one policy. */
struct bt_score {
	uint64_t ces_avoided;
	uint64_t pages_offlined;
	uint64_t offlined_before_ue; /* from backtest_finish() on */
	int64_t first_action;
	int64_t replace_time;
	bool budget; /* its own budget was met */
};

struct bt_dimm {
	char *name; /* owned */
	uint32_t machine;
	/* Where its first row saw it. A named DIMM is one module, so a later row with
	 * another channel is wrong about the channel. */
	int16_t socket;
	int16_t channel;
	int16_t slot;
	int16_t mc;       /* its controller's number, if that is known; -1 */
	int64_t ticket;   /* of its uncorrected error; BACKTEST_NO_TIME */
	int64_t first_ue; /* recorded as an error; BACKTEST_NO_TIME */
	uint64_t ces;
	uint64_t pages;
	uint64_t pages_before_ue; /* from backtest_finish() on */
	struct bt_score *scores;  /* by policy; owned */
};

/** One machine under one policy. The simulation has the times of the rows. */
struct bt_run {
	struct backtest *b;
	struct sim *sim;  /* owned */
	int64_t deadline; /* of the engine; before the first row time changes nothing */
	uint32_t machine;
	unsigned int policy;
	uint32_t dimm;     /* DIMM of the present row; NO_DIMM while time passes */
	uint32_t *dimm_of; /* by the engine's index; owned */
	unsigned int n_dimm_of;
	bool budget_hour;
	bool budget_total;
};

struct bt_machine {
	struct bt_run *runs; /* by policy; owned; NULL before the first row */
};

/** Texts, each stored once, found by their bytes. */
struct bt_names {
	char **v;
	uint32_t n;
	uint32_t room;
	uint32_t *index; /* number + 1; 0: free */
	uint32_t mask;
};

struct bt_pages {
	char *v; /* struct bt_page, each of @stride bytes */
	size_t stride;
	uint32_t n;
	uint32_t room;
	uint32_t *index; /* number + 1; 0: free */
	uint32_t mask;
};

struct backtest {
	const struct backtest_policy *policies[BACKTEST_MAX_POLICIES];
	unsigned int n_policies;
	unsigned int page_shift;
	struct bt_order order;
	struct bt_names dimm_keys;
	struct bt_names machine_keys;
	struct bt_names
		label_keys; /* of DIMMs, without what tells two of one label apart */
	struct bt_dimm *dimms;
	uint32_t dimm_room;
	uint32_t n_dimms;
	struct bt_machine *machines;
	uint32_t machine_room;
	uint32_t n_machines;
	struct bt_pages pages;
	struct backtest_input input;
};

/* backtest_tables.c */
int bt_find_dimm(struct backtest *b, const struct backtest_row *row, uint32_t *ret);
int bt_find_page(struct backtest *b, uint32_t machine, uint64_t pfn, uint32_t *ret);
struct bt_page *bt_page_at(const struct backtest *b, uint32_t page);
uint32_t bt_peek_page(const struct backtest *b, uint32_t machine, uint64_t pfn);
void bt_free_tables(struct backtest *b);

/* backtest_result.c */
int64_t bt_ue_of(const struct bt_dimm *d);

/* backtest_engine.c */

/** Makes the engines of @machine; @time is its first row's. Returns 0; -ENOMEM. */
int bt_start_machine(struct backtest *b, uint32_t machine, int64_t time);

/** Frees what @m holds. */
void bt_free_machine(struct backtest *b, struct bt_machine *m);

/**
 * Gives one row to the engine; call bt_advance() to the row's time first. @page: NO_PAGE
 * if the row names none. Returns 0; negative as sim.error.
 */
int bt_feed(struct backtest *b, unsigned int policy, const struct bt_event *ev,
	    uint32_t page);

/** Lets the engine do what it has waited with, up to @time. Returns as bt_feed(). */
int bt_advance(struct backtest *b, unsigned int policy, uint32_t machine, int64_t time);
