/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Back-tests: what is counted as avoided, missed, covered and when; that page rules come
 * out as a few lines of brute force have them; that order, machines and a full table of
 * pages make no difference that they should not make.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backtest/backtest.h"
#include "base/mem.h"
#include "faults.h"

#define T0    (INT64_C(1704067200) * USEC_PER_SEC)
#define SHIFT 12

DEFINE_CLEANUP(struct fault_set *, fault_set_free)

/** A back-test and its policies. */
struct bench {
	struct backtest *b;
	struct backtest_policy *policies[BACKTEST_MAX_POLICIES];
	unsigned int n;
};

static struct bench *bench_new(const char *const *names, unsigned int n)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	for (bench->n = 0; bench->n < n; bench->n++) {
		struct backtest_policy *p = calloc(1, sizeof(*p));

		assert_non_null(p);
		assert_int_equal(backtest_policy_get(names[bench->n], p), 0);
		/* Hundreds of engines are made here; no DIMM has more pages. */
		p->cfg.tracker.max_tracked_pages = 1024;
		bench->policies[bench->n] = p;
	}
	return bench;
}

static void bench_start(struct bench *bench)
{
	assert_int_equal(
		backtest_new(&bench->b,
			     (const struct backtest_policy *const *)bench->policies,
			     bench->n, SHIFT),
		0);
}

static struct bench *bench_of(const char *name)
{
	struct bench *bench = bench_new(&name, 1);

	bench_start(bench);
	return bench;
}

static void bench_free(struct bench *bench)
{
	backtest_free(bench->b);
	for (unsigned int i = 0; i < bench->n; i++)
		free(bench->policies[i]);
	free(bench);
}

static struct backtest_row make_row(const char *dimm, int64_t seconds, uint64_t page)
{
	return (struct backtest_row){ .time = T0 + seconds * USEC_PER_SEC,
				      .ue_time = BACKTEST_NO_TIME,
				      .address = page << SHIFT,
				      .count = 1,
				      .events = 1,
				      .has_address = true,
				      .socket = -1,
				      .channel = -1,
				      .slot = -1,
				      .dimm = { dimm, strlen(dimm) } };
}

static void add(struct bench *bench, const struct backtest_row *row)
{
	assert_int_equal(backtest_add(bench->b, row), 0);
}

static void add_at(struct bench *bench, int64_t seconds, uint64_t page)
{
	struct backtest_row row = make_row("a", seconds, page);

	add(bench, &row);
}

static struct backtest_result finish(struct bench *bench)
{
	struct backtest_result r;

	assert_int_equal(backtest_finish(bench->b), 0);
	backtest_result(bench->b, 0, 0, &r);
	return r;
}

static void test_counts(void **state)
{
	struct bench *bench = bench_of("mcelog");
	struct backtest_result r;

	add_at(bench, 0, 7);
	add_at(bench, 60, 7); /* goes */
	add_at(bench, 60, 7);
	add_at(bench, 90000, 7);
	add_at(bench, 90000, 8);
	r = finish(bench);
	assert_string_equal(r.dimm, "a");
	assert_int_equal(r.ces, 5);
	assert_int_equal(r.ces_avoided, 2);
	assert_int_equal(r.pages, 2);
	assert_int_equal(r.pages_offlined, 1);
	assert_int_equal(r.first_action, T0 + 60 * USEC_PER_SEC);
	assert_int_equal(r.ue_time, BACKTEST_NO_TIME);
	bench_free(bench);
}

/* Pages offlined by policy @name of one page with CEs at 0, @n of them, @gap apart. */
static uint64_t offlined_by(const char *name, int n, int64_t gap)
{
	struct bench *bench = bench_of(name);
	uint64_t offlined;

	for (int i = 0; i < n; i++)
		add_at(bench, i * gap, 7);
	offlined = finish(bench).pages_offlined;
	bench_free(bench);
	return offlined;
}

static void test_thresholds(void **state)
{
	assert_int_equal(offlined_by("rasdaemon", 49, 60), 0);
	assert_int_equal(offlined_by("rasdaemon", 50, 60), 1);
	assert_int_equal(offlined_by("windows", 16, 60), 0);
	assert_int_equal(offlined_by("windows", 17, 60), 1);
	assert_int_equal(offlined_by("mcelog", 2, 86400), 1);
	assert_int_equal(offlined_by("mcelog", 2, 86401), 0);
	assert_int_equal(offlined_by("illumos", 2, 3 * 86400), 1);
	assert_int_equal(offlined_by("illumos", 2, 3 * 86400 + 1), 0);
	assert_int_equal(offlined_by("default", 2, 60), 1);
}

/* 49 before the window ends and 49 after it: rasdaemon sees nothing. */
static void test_tumbling(void **state)
{
	struct bench *bench = bench_of("rasdaemon");

	add_at(bench, 0, 7);
	for (int i = 0; i < 48; i++)
		add_at(bench, 86300 + i, 7);
	for (int i = 0; i < 49; i++)
		add_at(bench, 86400 + i, 7);
	assert_int_equal(finish(bench).pages_offlined, 0);
	bench_free(bench);
}

/* After it is offlined, a page is no longer read, but still scrubbed: both avoided. */
static void test_scrub(void **state)
{
	struct bench *bench = bench_of("mcelog");
	struct backtest_row row = make_row("a", 100, 7);
	struct backtest_result r;

	add_at(bench, 0, 7);
	add_at(bench, 1, 7);
	row.kind = BACKTEST_CE_SCRUB;
	add(bench, &row);
	r = finish(bench);
	assert_int_equal(r.ces_avoided, 1);
	assert_int_equal(r.pages_offlined, 1);
	bench_free(bench);
}

/* What is known of the row of a page that is offlined before another column errs. */
static enum fault_class class_after(enum backtest_kind kind)
{
	static const uint32_t columns[] = { 8, 8, 64 };
	struct bench *bench = bench_of("default");
	enum fault_class class;

	for (int i = 0; i < 3; i++) {
		struct backtest_row row = make_row("a", i, 7);

		row.address += columns[i] * 8;
		row.coord = (struct dram_coord){ .row = 5, .column = columns[i] };
		row.coord.have =
			DRAM_RANK | DRAM_BANK_GROUP | DRAM_BANK | DRAM_ROW | DRAM_COLUMN;
		if (i == 2)
			row.kind = kind;
		add(bench, &row);
	}
	class = finish(bench).class;
	bench_free(bench);
	return class;
}

static void test_shown(void **state)
{
	assert_int_equal(class_after(BACKTEST_CE_SCRUB), FAULT_ROW);
	assert_int_equal(class_after(BACKTEST_CE), FAULT_CELL);
}

static void test_ticket(void **state)
{
	struct bench *bench = bench_of("mcelog");
	struct backtest_input in;
	struct backtest_total t;
	struct backtest_result r;

	for (int i = 0; i < 6; i++) {
		struct backtest_row row = make_row("a", i * 3600, i < 2 ? 7 : 8 + i);

		row.ue_time = T0 + 4 * 3600 * USEC_PER_SEC + 1;
		add(bench, &row);
	}
	r = finish(bench);
	assert_int_equal(r.ces, 5);
	assert_int_equal(r.pages_before_ue, 4);
	assert_int_equal(r.offlined_before_ue, 1);
	assert_int_equal(r.first_action, T0 + 3600 * USEC_PER_SEC);
	backtest_input(bench->b, &in);
	assert_int_equal(in.after_ue, 1);
	assert_int_equal(in.ue_dimms, 1);
	backtest_total(bench->b, 0, &t);
	assert_int_equal(t.ue_dimms_reached, 1);
	assert_int_equal(t.pages_offlined_healthy, 0);
	bench_free(bench);
}

/* Without a ticket, the first uncorrected error that was recorded is the UE. */
static void test_recorded_ue(void **state)
{
	struct bench *bench = bench_of("mcelog");
	struct backtest_row row = make_row("a", 7200, 9);
	struct backtest_result r;

	add_at(bench, 0, 7);
	row.kind = BACKTEST_UNCORRECTED;
	add(bench, &row);
	add_at(bench, 7300, 7);
	r = finish(bench);
	assert_int_equal(r.ue_time, T0 + 7200 * USEC_PER_SEC);
	assert_int_equal(r.ces, 2);
	assert_int_equal(r.pages, 1);
	assert_int_equal(r.pages_before_ue, 1);
	assert_int_equal(r.offlined_before_ue, 0);
	assert_int_equal(r.pages_offlined, 1);
	bench_free(bench);
}

static void test_no_address(void **state)
{
	struct bench *bench = bench_of("mcelog");
	struct backtest_row row = make_row("a", 0, 7);
	struct backtest_input in;
	struct backtest_result r;

	row.has_address = false;
	add(bench, &row);
	row.has_address = true;
	row.address = 0;
	add(bench, &row);
	add(bench, &row);
	r = finish(bench);
	assert_int_equal(r.ces, 3);
	assert_int_equal(r.pages, 0);
	assert_int_equal(r.pages_offlined, 0);
	backtest_input(bench->b, &in);
	assert_int_equal(in.unplaced, 3);
	bench_free(bench);
}

/* @n pages of each of @dimms DIMMs go over the threshold at once. */
static struct bench *crowd(const char *server, const char *const *dimms, int n_dimms,
			   int n)
{
	struct bench *bench = bench_of("default");

	for (int i = 0; i < 2 * n; i++) {
		for (int d = 0; d < n_dimms; d++) {
			struct backtest_row row =
				make_row(dimms[d], 0,
					 (uint64_t)(1000 + d * 500000 + i / 2 * 1000));

			row.server = (struct backtest_text){ server, strlen(server) };
			add(bench, &row);
		}
	}
	assert_int_equal(backtest_finish(bench->b), 0);
	return bench;
}

static uint64_t all_offlined(const struct bench *bench)
{
	struct backtest_total t;

	backtest_total(bench->b, 0, &t);
	return t.pages_offlined;
}

/* Budgets are the machine's: DIMMs that share one share them. */
static void test_machines(void **state)
{
	static const char *const dimms[] = { "a", "b" };
	struct bench *apart = crowd("", dimms, 2, 30);
	struct bench *together = crowd("s", dimms, 2, 30);
	struct backtest_result r;

	assert_int_equal(all_offlined(apart), 40);
	assert_int_equal(all_offlined(together), 20);
	backtest_result(together->b, 0, 1, &r);
	assert_int_equal(r.budgets, BACKTEST_BUDGET_HOUR);
	bench_free(apart);
	bench_free(together);
}

/* What is no ASCII is shown in ASCII, and never as the name of another DIMM. */
static void test_names(void **state)
{
	static const char *const names[] = {
		"\xc3\xa4", "\xc3\xb6", "a\nb", "a\x1b[31m", "\"a\\", "a?b",
	};
	static const char *const shown[] = {
		"%c3%a4", "%c3%b6", "a%0ab", "a%1b[31m", "\"a\\", "a?b",
	};
	struct bench *bench = bench_of("mcelog");
	char longest[256];
	struct backtest_result r;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct backtest_row row = make_row(names[i], 0, 7);

		add(bench, &row);
	}
	memset(longest, 0xff, sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (unsigned int i = 0; i < 2; i++) {
		struct backtest_row row = make_row(longest, 0, 7);

		row.server = row.dimm;
		add(bench, &row);
	}
	assert_int_equal(backtest_finish(bench->b), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		backtest_result(bench->b, 0, i, &r);
		assert_string_equal(r.dimm, shown[i]);
		assert_int_equal(r.ces, 1);
	}
	backtest_result(bench->b, 0, ARRAY_SIZE(names), &r);
	assert_int_equal(strlen(r.dimm), 3 * 255);
	assert_int_equal(r.ces, 2);
	bench_free(bench);
}

/* What waits for the hour's budget goes on while time passes. */
static void test_budget_waits(void **state)
{
	struct bench *bench = bench_of("default");

	for (int i = 0; i < 60; i++)
		add_at(bench, 0, (uint64_t)(1000 + i / 2 * 1000));
	add_at(bench, 3700, 999999);
	assert_int_equal(finish(bench).pages_offlined, 30);
	bench_free(bench);
}

/*
 * Time goes on, too, while nothing but avoided errors come; and an error is avoided if
 * its page has had its turn before it.
 */
static void test_budget_waits_on(void **state)
{
	struct bench *bench = bench_of("default");
	struct backtest_result r;

	for (int i = 0; i < 60; i++)
		add_at(bench, 0, (uint64_t)(1000 + i / 2 * 1000));
	add_at(bench, 3700, 1000);
	r = finish(bench);
	assert_int_equal(r.pages_offlined, 30);
	assert_int_equal(r.ces_avoided, 1);
	bench_free(bench);

	bench = bench_of("default");
	for (int i = 0; i < 60; i++)
		add_at(bench, 0, (uint64_t)(1000 + i / 2 * 1000));
	add_at(bench, 3700, 30000);
	assert_int_equal(finish(bench).ces_avoided, 1);
	bench_free(bench);

	/* and until the end of what was recorded, of whatever DIMM */
	bench = bench_of("default");
	for (int i = 0; i < 60; i++)
		add_at(bench, 0, (uint64_t)(1000 + i / 2 * 1000));
	{
		struct backtest_row row = make_row("b", 3700, 7);

		add(bench, &row);
	}
	assert_int_equal(finish(bench).pages_offlined, 30);
	bench_free(bench);
}

/* A table of 64 pages: what was evicted is known again when the page errs again. */
static void test_small_table(void **state)
{
	const char *name = "default";
	struct bench *bench = bench_new(&name, 1);

	bench->policies[0]->cfg.tracker.max_tracked_pages = 64;
	bench->policies[0]->cfg.policy.row.count = 0;
	bench_start(bench);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 400; i++)
			add_at(bench, round * 7200 + i * 10, (uint64_t)(1000 + i * 97));
	assert_int_equal(finish(bench).pages_offlined, 20 + 400 * 10 * 10 / 3600);
	bench_free(bench);
}

static void add_error(struct bench *bench, const struct fault_set *set, size_t i,
		      int64_t shift)
{
	const struct fault_error *e = &set->errors[i];
	const struct fault_dimm *d = &set->dimms[e->dimm];
	struct backtest_row row = make_row(d->name, 0, 0);

	row.time = e->time + shift;
	row.ue_time = d->ue_time == FAULT_NO_UE ? BACKTEST_NO_TIME : d->ue_time + shift;
	row.address = e->address;
	row.coord = e->coord;
	row.channel = d->channel;
	row.slot = d->slot;
	row.kind = e->scrub ? BACKTEST_CE_SCRUB : BACKTEST_CE;
	row.server = (struct backtest_text){ d->server, strlen(d->server) };
	add(bench, &row);
}

/* All policies over the set of @seed, in the order of @order (NULL: as it is). */
static struct bench *run_set(const struct fault_set *set, const size_t *order,
			     int64_t shift)
{
	const char *names[BACKTEST_MAX_POLICIES];
	struct bench *bench;
	unsigned int n;

	for (n = 0; backtest_policy_name(n); n++)
		names[n] = backtest_policy_name(n);
	bench = bench_new(names, n);
	bench_start(bench);
	for (size_t i = 0; i < set->n_errors; i++)
		add_error(bench, set, order ? order[i] : i, shift);
	assert_int_equal(backtest_finish(bench->b), 0);
	return bench;
}

static int64_t moved(int64_t time, int64_t shift)
{
	return time == BACKTEST_NO_TIME ? time : time + shift;
}

/* The number of DIMM @name; its order of appearance is not of interest. */
static unsigned int find_dimm(const struct bench *bench, const char *name)
{
	struct backtest_input in;
	struct backtest_result r;

	backtest_input(bench->b, &in);
	for (unsigned int i = 0; i < in.dimms; i++) {
		backtest_result(bench->b, 0, i, &r);
		if (strcmp(r.dimm, name) == 0)
			return i;
	}
	fail_msg("no DIMM %s", name);
	return 0;
}

static void check_same(const struct bench *a, const struct bench *b, int64_t shift)
{
	struct backtest_input in;

	backtest_input(a->b, &in);
	for (unsigned int p = 0; p < a->n; p++) {
		for (unsigned int d = 0; d < in.dimms; d++) {
			struct backtest_result x, y;

			backtest_result(a->b, p, d, &x);
			backtest_result(b->b, p, find_dimm(b, x.dimm), &y);
			assert_int_equal(x.ces, y.ces);
			assert_int_equal(x.ces_avoided, y.ces_avoided);
			assert_int_equal(x.pages_offlined, y.pages_offlined);
			assert_int_equal(x.offlined_before_ue, y.offlined_before_ue);
			assert_int_equal(moved(x.first_action, shift), y.first_action);
			assert_int_equal(moved(x.replace_time, shift), y.replace_time);
			assert_int_equal(x.verdict, y.verdict);
			assert_int_equal(x.class, y.class);
		}
	}
}

static void test_shifted(void **state)
{
	_cleanup_(fault_set_free_p) struct fault_set *set = NULL;
	const int64_t shift = 12345 * USEC_PER_SEC + 678;
	struct bench *a, *b;

	assert_int_equal(fault_set_new(&set, 3), 0);
	a = run_set(set, NULL, 0);
	b = run_set(set, NULL, shift);
	check_same(a, b, shift);
	bench_free(a);
	bench_free(b);
}

/* Sorted by DIMM, or backwards: rows of one time keep their order, the rest is put right.
 */
static void test_unsorted(void **state)
{
	_cleanup_(fault_set_free_p) struct fault_set *set = NULL;
	_cleanup_(free_p) size_t *order = NULL;
	struct backtest_input in;
	struct bench *a, *b;
	size_t n = 0;

	assert_int_equal(fault_set_new(&set, 4), 0);
	order = calloc(set->n_errors, sizeof(*order));
	assert_non_null(order);
	for (size_t d = set->n_dimms; d-- > 0;)
		for (size_t i = 0; i < set->n_errors; i++)
			if (set->errors[i].dimm == d)
				order[n++] = i;
	a = run_set(set, NULL, 0);
	b = run_set(set, order, 0);
	backtest_input(b->b, &in);
	assert_int_equal(in.late, 0);
	check_same(a, b, 0);
	bench_free(a);
	bench_free(b);
}

/* A row that comes later than the queue is long is handled at once, and reported. */
static void test_late(void **state)
{
	struct bench *bench = bench_of("mcelog");
	struct backtest_input in;

	for (int i = 0; i < 3 * BACKTEST_ORDER_ROWS; i++)
		add_at(bench, 1000 + i, 7);
	add_at(bench, 5, 8);
	assert_int_equal(finish(bench).ces, 3 * BACKTEST_ORDER_ROWS + 1);
	backtest_input(bench->b, &in);
	assert_int_equal(in.late, 1);
	bench_free(bench);
}

/** A page as brute force sees it. */
struct simple_page {
	uint32_t dimm;
	uint64_t pfn;
	int64_t times[64]; /* the newest */
	unsigned int n;
	int64_t start; /* of a tumbling window */
	bool offlined;
};

struct simple {
	struct simple_page pages[8192];
	unsigned int n;
	uint64_t offlined, avoided;
};

static struct simple_page *simple_find(struct simple *s, uint32_t dimm, uint64_t pfn)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->pages[i].dimm == dimm && s->pages[i].pfn == pfn)
			return &s->pages[i];
	assert_true(s->n < ARRAY_SIZE(s->pages));
	s->pages[s->n] = (struct simple_page){ .dimm = dimm, .pfn = pfn };
	return &s->pages[s->n++];
}

static bool simple_crosses(struct simple_page *p, int64_t time, unsigned int count,
			   int64_t window, bool tumbling)
{
	if (tumbling && (p->n == 0 || time - p->start >= window)) {
		p->start = time;
		p->n = 0;
	}
	if (p->n == count) {
		memmove(p->times, p->times + 1, (count - 1) * sizeof(p->times[0]));
		p->n--;
	}
	p->times[p->n++] = time;
	return p->n == count && (tumbling || time - p->times[0] <= window);
}

static void check_simple(const struct fault_set *set, const struct bench *bench,
			 unsigned int policy)
{
	const struct backtest_policy *p = bench->policies[policy];
	bool tumbling = p->tumbling.count > 0;
	const struct threshold *t = tumbling ? &p->tumbling : &p->cfg.policy.page;
	struct simple *s = calloc(1, sizeof(*s));
	struct backtest_total total;

	assert_non_null(s);
	for (size_t i = 0; i < set->n_errors; i++) {
		const struct fault_error *e = &set->errors[i];
		const struct fault_dimm *d = &set->dimms[e->dimm];
		struct simple_page *page;

		if (d->ue_time != FAULT_NO_UE && e->time > d->ue_time)
			continue;
		page = simple_find(s, e->dimm, e->address >> SHIFT);
		if (page->offlined)
			s->avoided++;
		else if (simple_crosses(page, e->time, t->count, t->window.us,
					tumbling)) {
			page->offlined = true;
			s->offlined++;
		}
	}
	backtest_total(bench->b, policy, &total);
	assert_int_equal(total.pages_offlined, s->offlined);
	assert_int_equal(total.ces_avoided, s->avoided);
	assert_true(s->offlined > 0 && s->avoided > 0);
	free(s);
}

/* The page rules of the others have budgets that do not bind here. */
static void test_brute_force(void **state)
{
	for (uint64_t seed = 1; seed < 3; seed++) {
		_cleanup_(fault_set_free_p) struct fault_set *set = NULL;
		struct bench *bench;

		assert_int_equal(fault_set_new(&set, seed), 0);
		bench = run_set(set, NULL, 0);
		for (unsigned int i = 0; i < bench->n; i++)
			if (strcmp(bench->policies[i]->name, "default") != 0)
				check_simple(set, bench, i);
		bench_free(bench);
	}
}

static void test_refusals(void **state)
{
	struct backtest_policy p;
	struct backtest *b = NULL;

	assert_int_equal(backtest_policy_get("linux", &p), -ENOENT);
	assert_int_equal(backtest_new(&b, NULL, 0, SHIFT), -EINVAL);
	assert_int_equal(backtest_new(&b, NULL, BACKTEST_MAX_POLICIES + 1, SHIFT),
			 -EINVAL);
	assert_null(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_tumbling),
		cmocka_unit_test(test_scrub),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_ticket),
		cmocka_unit_test(test_recorded_ue),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_budget_waits),
		cmocka_unit_test(test_small_table),
		cmocka_unit_test(test_shifted),
		cmocka_unit_test(test_unsorted),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_brute_force),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_budget_waits_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
