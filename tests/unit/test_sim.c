/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The simulated outside by itself: in which order effects are performed and answered, how
 * the kernel's answers change frames and counter, what survives a restart. What the engine
 * decides is tested by the stories in tests/replay.
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

#define SEEN_MAX 64

struct room {
	struct sim *sim;
	enum effect_kind seen[SEEN_MAX]; /* of an attempt */
	unsigned int n_seen;
	struct sim_answer answer;
	unsigned int kept;
	unsigned int loads;
	unsigned int restores;
};

static void watch(void *userdata, const struct effect *f)
{
	struct room *room = userdata;

	if ((f->kind == EFFECT_LOAD || f->kind == EFFECT_PROBE ||
	     f->kind == EFFECT_OFFLINE || f->kind == EFFECT_STORE_ACTION) &&
	    room->n_seen < SEEN_MAX)
		room->seen[room->n_seen++] = f->kind;
}

static struct sim_answer answer(void *userdata, pfn_t p)
{
	struct room *room = userdata;

	return room->answer;
}

static void open_room(struct room *room)
{
	*room = (struct room){ 0 };
	assert_int_equal(sim_new(&room->sim), 0);
	room->sim->userdata = room;
	room->sim->hooks = (struct sim_hooks){ .watch = watch, .answer = answer };
	room->sim->cfg.policy.page.count = 1;
	room->sim->now = USEC_PER_DAY;
}

static void start(struct room *room)
{
	assert_int_equal(sim_start(room->sim), 0);
	room->n_seen = 0;
}

static void err(struct room *room, uint64_t frame)
{
	struct ce_event ev = { .time = usec(room->sim->now - room->sim->base),
			       .count = 1,
			       .has_address = true,
			       .address = pfn_to_paddr(pfn(frame), 12),
			       .grain_bits = 6,
			       .label = { "A1", 2 } };

	assert_int_equal(
		sim_step(room->sim, (struct input){ .kind = INPUT_EVENT, .event = &ev }),
		0);
}

static const struct page_rec *page(const struct room *room, uint64_t frame)
{
	return ce_tracker_peek(engine_tracker(room->sim->engine), pfn(frame));
}

static bool is_poisoned(const struct room *room, uint64_t frame)
{
	struct frame f = sim_frame(room->sim, pfn(frame));

	return frame_is_poisoned(&f);
}

static void test_order(void **state)
{
	static const enum effect_kind expected[] = { EFFECT_PROBE, EFFECT_STORE_ACTION,
						     EFFECT_OFFLINE,
						     EFFECT_STORE_ACTION };
	struct room room;

	open_room(&room);
	start(&room);
	err(&room, 5);
	assert_int_equal(room.n_seen, ARRAY_SIZE(expected));
	assert_memory_equal(room.seen, expected, sizeof(expected));
	assert_int_equal(page(&room, 5)->state, PAGE_OFFLINED);
	assert_int_equal(room.sim->writes, 1);
	assert_int_equal(room.sim->poisoned_kib, 4);
	assert_int_equal(sim_hour_max(room.sim), 1);
	assert_true(is_poisoned(&room, 5));
	assert_false(is_poisoned(&room, 6));
	sim_free(room.sim);
}

/* One attempt begins when the one before it has ended. */
static void test_took(void **state)
{
	struct room room;

	open_room(&room);
	room.answer.took = usec(USEC_PER_SEC);
	start(&room);
	err(&room, 5);
	err(&room, 6);
	sim_advance(room.sim, USEC_PER_DAY + USEC_PER_SEC - 1);
	assert_int_equal(page(&room, 5)->state, PAGE_PENDING);
	sim_advance(room.sim, USEC_PER_DAY + USEC_PER_SEC);
	assert_int_equal(page(&room, 5)->state, PAGE_OFFLINED);
	assert_int_equal(page(&room, 6)->state, PAGE_PENDING);
	sim_advance(room.sim, USEC_PER_DAY + 2 * USEC_PER_SEC);
	assert_int_equal(page(&room, 6)->state, PAGE_OFFLINED);
	assert_int_equal(room.sim->now, USEC_PER_DAY + 2 * USEC_PER_SEC);
	sim_free(room.sim);
}

static void test_answers(void **state)
{
	static const struct {
		struct sim_answer answer;
		bool poisoned;
		int64_t kib;
	} rows[] = {
		{ { .error = EBUSY }, false, 0 },
		{ { .error = EIO, .poisons = true }, true, 4 },
		{ { .spoils = true }, false, 0 },
		{ { .dry_run = true }, false, 0 },
		{ { .has_delta = true, .delta_kib = 12 }, true, 12 },
		{ { .has_event = true, .outcome = SOFT_MIGRATED }, true, 4 },
		{ { .silent = true }, true, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct room room;

		open_room(&room);
		room.answer = rows[i].answer;
		start(&room);
		err(&room, 5);
		assert_int_equal(room.sim->writes, 1);
		assert_int_equal(is_poisoned(&room, 5), rows[i].poisoned);
		assert_int_equal(room.sim->poisoned_kib, rows[i].kib);
		assert_int_equal(engine_is_idle(room.sim->engine),
				 !rows[i].answer.silent);
		sim_free(room.sim);
	}
}

/* An orderly restart keeps what was counted; a crash keeps what was stored. */
static void test_restart(void **state)
{
	struct room room;

	open_room(&room);
	room.sim->cfg.policy.page.count = 3;
	start(&room);
	err(&room, 5);
	assert_int_equal(sim_restart(room.sim, true), 0);
	assert_int_equal(page(&room, 5)->corrected_errors, 1);
	err(&room, 5);
	assert_int_equal(sim_restart(room.sim, false), 0);
	assert_int_equal(page(&room, 5)->corrected_errors, 1);
	assert_int_equal(room.sim->store.n_pages, 1);
	sim_free(room.sim);
}

static void test_reboot(void **state)
{
	struct room room;
	const struct page_rec *rec;

	open_room(&room);
	start(&room);
	err(&room, 5);
	sim_poison(room.sim, pfn(9));
	sim_advance(room.sim, 2 * USEC_PER_DAY);
	room.sim->cfg.replay.at_boot = false;
	assert_int_equal(sim_reboot(room.sim, true, usec(USEC_PER_MINUTE), usec(0)), 0);
	assert_false(is_poisoned(&room, 5) || is_poisoned(&room, 9));
	assert_int_equal(room.sim->poisoned_kib, 0);
	assert_int_equal(room.sim->now, 2 * USEC_PER_DAY);
	/* What is a day ago is before the new boot began. */
	rec = page(&room, 5);
	assert_int_equal(sim_time(room.sim, rec->first_seen).us, USEC_PER_DAY);
	assert_true(rec->first_seen < 0);
	assert_int_equal(rec->state, PAGE_WATCHED);
	sim_free(room.sim);
}

static void test_reconcile(void **state)
{
	struct room room;

	open_room(&room);
	start(&room);
	err(&room, 5);
	sim_unpoison(room.sim, pfn(5));
	room.answer.silent = true;
	sim_reconcile(room.sim);
	assert_int_equal(room.sim->writes, 2);
	sim_free(room.sim);
}

static int keep(void *userdata, const struct effect *f)
{
	struct room *room = userdata;

	room->kept++;
	return 0;
}

static const struct page_rec *load(void *userdata, pfn_t p, bool *ret_other_boot)
{
	struct room *room = userdata;

	room->loads++;
	return NULL;
}

static bool restore(void *userdata)
{
	struct room *room = userdata;

	room->restores++;
	return true;
}

static void test_hooks(void **state)
{
	struct room room;

	open_room(&room);
	room.sim->hooks.keep = keep;
	room.sim->hooks.load = load;
	room.sim->hooks.restore = restore;
	start(&room);
	assert_int_equal(room.restores, 1);
	err(&room, 5);
	assert_int_equal(room.loads, 1); /* more is stored than was restored */
	sim_flush(room.sim);
	assert_true(room.kept > 3);
	assert_int_equal(room.sim->store.n_pages + room.sim->store.n_dimms +
				 room.sim->store.n_actions + room.sim->store.ce_rows,
			 0);
	sim_free(room.sim);
}

static int no_memory(void *userdata, const struct effect *f)
{
	return -ENOMEM;
}

static void test_ends_early(void **state)
{
	struct room room;

	open_room(&room);
	start(&room);
	room.sim->hooks.keep = no_memory;
	err(&room, 5);
	assert_int_equal(room.sim->error, -ENOMEM);
	sim_free(room.sim);

	open_room(&room);
	room.answer.error = EBUSY; /* tried again, a minute later */
	start(&room);
	err(&room, 5);
	room.sim->max_steps = room.sim->steps;
	assert_true(sim_is_spent(room.sim));
	sim_advance(room.sim, 2 * USEC_PER_DAY);
	assert_int_equal(room.sim->writes, 1);
	room.sim->max_steps = 0;
	sim_advance(room.sim, 3 * USEC_PER_DAY);
	assert_true(room.sim->writes > 1);
	sim_free(room.sim);
}

static void put_page(struct sim_store *store, uint64_t frame, uint16_t dimm, int64_t seen)
{
	union {
		struct page_rec rec;
		char room[sizeof(struct page_rec) + sizeof(int64_t)];
	} page = { .rec = { .pfn = frame, .dimm = dimm, .n_stamps = 1 } };
	struct effect f = { .kind = EFFECT_STORE_PAGE, .page = &page.rec };

	page.rec.stamps[0] = seen;
	assert_int_equal(sim_store_effect(store, NULL, &f), 0);
}

static void test_store(void **state)
{
	struct effect f = { .kind = EFFECT_REMOVE_PAGE, .pfn = pfn(2) };
	struct sim_store store = { 0 };

	for (uint64_t n = 0; n < 200; n++)
		put_page(&store, n, n % 2 == 0, (int64_t)n);
	put_page(&store, 7, 0, 1000);
	assert_int_equal(store.n_pages, 200);
	assert_int_equal(sim_store_sort_pages(&store), 0);
	assert_int_equal(store.pages[0].rec->pfn, 7);
	assert_int_equal(store.pages[1].rec->pfn, 199);
	assert_int_equal(sim_store_effect(&store, NULL, &f), 0);
	assert_null(sim_store_find(&store, pfn(2)));
	f = (struct effect){ .kind = EFFECT_REMOVE_DIMM, .index = 1 };
	assert_int_equal(sim_store_effect(&store, NULL, &f), 0);
	assert_int_equal(store.n_pages, 100);
	for (uint64_t n = 0; n < 200; n++) {
		const struct sim_page *p = sim_store_find(&store, pfn(n));

		assert_int_equal(p != NULL, n % 2 == 1);
		assert_true(!p || p->rec->pfn == n);
	}
	sim_store_done(&store);
}

/* Against an array, with keys that meet in the table. */
static void test_index(void **state)
{
	uint32_t values[300];
	struct sim_index x = { 0 };
	uint64_t random = 1;

	memset(values, 0xff, sizeof(values));
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t r = next_random(&random);
		size_t key = r % ARRAY_SIZE(values);

		if (r >> 62 == 0) {
			sim_index_remove(&x, key);
			values[key] = SIM_NOT_FOUND;
		} else if (r >> 62 < 3) {
			values[key] = (uint32_t)(r >> 32 & 0xffff);
			assert_int_equal(sim_index_put(&x, key, values[key]), 0);
		}
		key = next_random(&random) % ARRAY_SIZE(values);
		assert_int_equal(sim_index_find(&x, key), values[key]);
	}
	sim_index_clear(&x);
	assert_int_equal(sim_index_find(&x, 1), SIM_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),   cmocka_unit_test(test_took),
		cmocka_unit_test(test_answers), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_reboot),  cmocka_unit_test(test_reconcile),
		cmocka_unit_test(test_hooks),   cmocka_unit_test(test_ends_early),
		cmocka_unit_test(test_store),   cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
