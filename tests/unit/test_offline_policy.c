/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rules one by one: what an answer means, when it is tried again, what the budgets
 * let through.
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
#include "offline_policy.h"

#define POISON (UINT64_C(1) << KPF_HWPOISON)
#define LRU    (UINT64_C(1) << KPF_LRU)

static struct config defaults(void)
{
	struct config cfg;

	config_init(&cfg);
	return cfg;
}

static struct offline_answer answer(int error, uint64_t before, uint64_t after)
{
	return (struct offline_answer){
		.error = error,
		.before = { .flags = before, .readable = true, .in_ram = true },
		.after = { .flags = after, .readable = true, .in_ram = true },
		.poisoned_before_kib = 8,
		.poisoned_after_kib = 12,
	};
}

static void test_success(void **state)
{
	struct offline_answer a = answer(0, LRU, POISON);

	assert_int_equal(policy_classify(&a), RESULT_OFFLINED);
	a = answer(0, POISON, POISON);
	assert_int_equal(policy_classify(&a), RESULT_ALREADY);
	a = answer(0, LRU, LRU);
	assert_int_equal(policy_classify(&a), RESULT_UNVERIFIED);
	/* Without flags the counter stands in. */
	a.before.readable = false;
	assert_int_equal(policy_classify(&a), RESULT_OFFLINED);
	a.poisoned_after_kib = 8;
	assert_int_equal(policy_classify(&a), RESULT_ALREADY);
	a.poisoned_after_kib = -1;
	assert_int_equal(policy_classify(&a), RESULT_UNVERIFIED);
	a.dry_run = true;
	a.error = EBUSY;
	assert_int_equal(policy_classify(&a), RESULT_DRY_RUN);
}

static const struct {
	int error;
	enum result result;
	enum retry_kind first; /* after the first failure */
	enum retry_kind last;  /* after the 32nd */
} answers[] = {
	{ EBUSY, RESULT_BUSY, RETRY_BACKOFF, RETRY_NEXT_CE },
	{ EAGAIN, RESULT_BUSY, RETRY_BACKOFF, RETRY_NEXT_CE },
	{ EINTR, RESULT_BUSY, RETRY_BACKOFF, RETRY_NEXT_CE },
	{ ENOMEM, RESULT_LOW_MEMORY, RETRY_BACKOFF, RETRY_NEXT_CE },
	{ EIO, RESULT_UNMOVABLE, RETRY_HOURLY, RETRY_NEVER },
	{ ENOTRECOVERABLE, RESULT_UNMOVABLE, RETRY_HOURLY, RETRY_NEVER },
	{ EDOM, RESULT_UNMOVABLE, RETRY_HOURLY, RETRY_NEVER },
	{ ENXIO, RESULT_NOT_RAM, RETRY_NEVER, RETRY_NEVER },
	{ EINVAL, RESULT_INVALID, RETRY_NEVER, RETRY_NEVER },
	{ EOPNOTSUPP, RESULT_UNSUPPORTED, RETRY_HOLD, RETRY_HOLD },
	{ ENOENT, RESULT_UNSUPPORTED, RETRY_HOLD, RETRY_HOLD },
	{ EPERM, RESULT_DENIED, RETRY_HOLD, RETRY_HOLD },
	{ EACCES, RESULT_DENIED, RETRY_HOLD, RETRY_HOLD },
};

static void test_errors(void **state)
{
	struct config cfg = defaults();

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct offline_answer a = answer(answers[i].error, LRU, LRU);

		assert_int_equal(policy_classify(&a), answers[i].result);
		assert_int_equal(policy_retry(&cfg, answers[i].result, 1),
				 answers[i].first);
		assert_int_equal(policy_retry(&cfg, answers[i].result, 32),
				 answers[i].last);
	}
	assert_int_equal(policy_retry(&cfg, RESULT_BUSY, 7), RETRY_BACKOFF);
	assert_int_equal(policy_retry(&cfg, RESULT_BUSY, 8), RETRY_NEXT_CE);
	assert_int_equal(policy_retry(&cfg, RESULT_UNMOVABLE, 2), RETRY_HOURLY);
	assert_int_equal(policy_retry(&cfg, RESULT_UNMOVABLE, 3), RETRY_NEVER);
	assert_int_equal(policy_retry(&cfg, RESULT_OFFLINED, 0), RETRY_DONE);
	assert_int_equal(policy_retry(&cfg, RESULT_ALREADY, 0), RETRY_DONE);
	assert_int_equal(policy_retry(&cfg, RESULT_MAX_, 0), RETRY_NEVER);
}

static void test_backoff(void **state)
{
	struct config cfg = defaults();
	int64_t expected = USEC_PER_SEC;

	for (unsigned int tries = 1; tries < 70; tries++) {
		assert_int_equal(policy_backoff(&cfg, tries).us, expected);
		expected = expected * 2 > 300 * USEC_PER_SEC ? 300 * USEC_PER_SEC
							     : expected * 2;
	}
	assert_int_equal(policy_backoff(&cfg, UINT32_MAX).us, 300 * USEC_PER_SEC);
}

static enum result looks(const struct policy_rule *rule, uint64_t bits, uint64_t kib)
{
	struct frame f = {
		.flags = bits, .huge_kib = kib, .readable = true, .in_ram = true
	};

	return policy_check_frame(rule, &f);
}

static void test_frames(void **state)
{
	struct config cfg = defaults();
	struct policy_rule *rule = &cfg.policy;
	uint64_t huge = UINT64_C(1) << KPF_HUGE;
	uint64_t thp = UINT64_C(1) << KPF_THP;
	struct frame f = { 0 };

	assert_int_equal(looks(rule, LRU, 0), RESULT_NONE);
	assert_int_equal(looks(rule, UINT64_C(1) << KPF_BUDDY, 0), RESULT_NONE);
	assert_int_equal(looks(rule, 0, 0), RESULT_NONE);
	assert_int_equal(looks(rule, POISON | huge, 2048), RESULT_ALREADY);
	assert_int_equal(looks(rule, UINT64_C(1) << KPF_SLAB, 0), RESULT_UNMOVABLE);
	assert_int_equal(looks(rule, UINT64_C(1) << KPF_RESERVED, 0), RESULT_UNMOVABLE);
	assert_int_equal(looks(rule, UINT64_C(1) << KPF_NOPAGE, 0), RESULT_NONE);
	assert_int_equal(looks(rule, huge, 2048), RESULT_HUGE_PAGE);
	assert_int_equal(looks(rule, thp, 0), RESULT_NONE);
	rule->huge_pages = HUGE_2M;
	rule->transparent_huge_pages = false;
	assert_int_equal(looks(rule, huge, 2048), RESULT_NONE);
	assert_int_equal(looks(rule, huge, 2049), RESULT_HUGE_PAGE);
	assert_int_equal(looks(rule, huge, 0), RESULT_HUGE_PAGE);
	assert_int_equal(looks(rule, thp, 0), RESULT_HUGE_PAGE);
	/* Nothing is written without a look. */
	f.in_ram = true;
	assert_int_equal(policy_check_frame(rule, &f), RESULT_UNREADABLE);
	f.absent = true;
	assert_int_equal(policy_check_frame(rule, &f), RESULT_NOT_RAM);
	f = (struct frame){ .readable = true, .flags = LRU };
	assert_int_equal(policy_check_frame(rule, &f), RESULT_NOT_RAM);
}

static void test_memory(void **state)
{
	struct config cfg = defaults();
	struct machine m = { .ram_pages = 1000000,
			     .page_shift = 12,
			     .available_kib = 20000 * 4,
			     .pressure = 2000,
			     .pressure_known = true };

	assert_int_equal(policy_check_memory(&cfg, &m), RESULT_NONE);
	assert_int_equal(policy_total_limit(&cfg, &m), 1000);
	m.available_kib--;
	assert_int_equal(policy_check_memory(&cfg, &m), RESULT_LOW_MEMORY);
	m.available_kib++;
	m.pressure++;
	assert_int_equal(policy_check_memory(&cfg, &m), RESULT_LOW_MEMORY);
	m.pressure_known = false;
	assert_int_equal(policy_check_memory(&cfg, &m), RESULT_NONE);
	m.pressure_known = true;
	m.pressure = 10000;
	cfg.budget.max_memory_pressure = 100;
	assert_int_equal(policy_check_memory(&cfg, &m), RESULT_NONE);
}

/* Never more than burst and inflow, whenever it is asked; and the time it names is kept.
 */
static void test_bucket(void **state)
{
	static const uint32_t rates[] = { 1, 7, 10, 3599, 3601, 100000 };
	struct config cfg = defaults();
	struct budget b;

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		int64_t taken = 0;
		usec_t now = usec(-5 * USEC_PER_SEC);
		int64_t begin = now.us;

		cfg.budget.pages_per_hour = rates[i];
		cfg.budget.burst = 3;
		budget_init(&b, &cfg, now);
		for (int n = 0; n < 1000; n++) {
			usec_t next = budget_next(&b, &cfg, now);

			assert_true(next.us >= now.us);
			if (next.us > now.us)
				assert_false(budget_allows(&b, &cfg, now));
			now = next;
			assert_true(budget_allows(&b, &cfg, now));
			budget_take(&b, &cfg, now);
			taken++;
			assert_true(taken <=
				    3 + (now.us - begin) * rates[i] / USEC_PER_HOUR);
		}
	}
}

static void test_bucket_ends(void **state)
{
	struct config cfg = defaults();
	struct budget b;

	budget_init(&b, &cfg, usec(0));
	for (int i = 0; i < 20; i++)
		budget_take(&b, &cfg, usec(0));
	assert_false(budget_allows(&b, &cfg, usec(0)));
	assert_int_equal(budget_used_last_hour(&b, usec(0)), 20);
	assert_int_equal(budget_used_last_hour(&b, usec(USEC_PER_HOUR)), 0);
	/* A clock that stands behind the level's time adds nothing. */
	assert_false(budget_allows(&b, &cfg, usec(-USEC_PER_DAY)));
	/* A very long time fills it, and no more than that. */
	assert_true(budget_allows(&b, &cfg, usec(INT64_MAX)));
	b.time = usec(INT64_MIN);
	assert_true(budget_allows(&b, &cfg, usec(INT64_MAX)));
	/* Nothing an hour is nothing at all, whatever the burst. */
	cfg.budget.pages_per_hour = 0;
	cfg.budget.burst = 20;
	budget_init(&b, &cfg, usec(0));
	assert_false(budget_allows(&b, &cfg, usec(0)));
	assert_int_equal(budget_next(&b, &cfg, usec(0)).us, USEC_NEVER);
	/* A reload that says so counts for what is in the bucket, too. */
	b.level = 5 * 1000000;
	assert_false(budget_allows(&b, &cfg, usec(USEC_PER_DAY)));
	cfg.budget.burst = 0;
	budget_init(&b, &cfg, usec(0));
	assert_false(budget_allows(&b, &cfg, usec(0)));
	assert_int_equal(budget_next(&b, &cfg, usec(0)).us, USEC_NEVER);
}

static void test_no_inflow_ever(void **state)
{
	struct config cfg = defaults();
	struct budget b;

	cfg.budget.pages_per_hour = 0;
	cfg.budget.burst = 1;
	budget_init(&b, &cfg, usec(0));
	budget_take(&b, &cfg, usec(0));
	assert_false(budget_allows(&b, &cfg, usec(4000 * USEC_PER_DAY)));
	/* One page an hour does not fill a bucket of 100,000 in 401 days. */
	cfg.budget.pages_per_hour = 1;
	cfg.budget.burst = 100000;
	b.level = 0;
	b.time = usec(0);
	budget_take(&b, &cfg, usec(401 * USEC_PER_DAY));
	assert_true(b.level < 401 * 24 * INT64_C(1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),     cmocka_unit_test(test_errors),
		cmocka_unit_test(test_backoff),     cmocka_unit_test(test_frames),
		cmocka_unit_test(test_memory),      cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_bucket_ends), cmocka_unit_test(test_no_inflow_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
