/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which reports are one error: the rule, its bounds, and a table that is too small.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "track/echo.h"

#define LINE UINT64_C(0x10000040)

static struct ce_text text(const char *s)
{
	return (struct ce_text){ s, (uint32_t)strlen(s) };
}

/* A report of a driver. */
static struct ce_event by(uint8_t mc, uint16_t cpu, int64_t time)
{
	return (struct ce_event){ .time = usec(time),
				  .address = paddr(LINE),
				  .has_address = true,
				  .grain_bits = 6,
				  .mc = mc,
				  .cpu = cpu,
				  .msg = text("memory read error"),
				  .detail = text(" err_code:0x0000:0x0091 row:0x12") };
}

static bool second_is_echo(struct ce_event a, struct ce_event b)
{
	struct echo_table t = { 0 };

	assert_false(echo_take(&t, &a));
	return echo_take(&t, &b);
}

static void test_another_source(void **state)
{
	struct ce_event ghes = by(8, 0, 1000);
	struct ce_event check = by(MC_NONE, 0, 1000);

	ghes.msg = text("single-bit ECC");
	ghes.detail = text("APEI location: node:1");
	check.source = CE_SOURCE_MCE_RECORD;
	check.status = 77;
	assert_true(second_is_echo(by(0, 0, 0), ghes));
	assert_true(second_is_echo(ghes, by(0, 0, 0)));
	assert_true(second_is_echo(by(0, 0, 0), check));
	ghes.time = usec(ECHO_SPAN);
	assert_true(second_is_echo(by(0, 0, 0), ghes));
	ghes.time = usec(ECHO_SPAN + 1);
	assert_false(second_is_echo(by(0, 0, 0), ghes));
	ghes.time = usec(0);
	ghes.address = paddr(LINE + 64);
	assert_false(second_is_echo(by(0, 0, 0), ghes));
	ghes.grain_bits = 12; /* firmware knows the page only */
	assert_true(second_is_echo(by(0, 0, 0), ghes));
	ghes.address = paddr(LINE + 4096);
	assert_false(second_is_echo(by(0, 0, 0), ghes));
}

static void test_another_cpu(void **state)
{
	struct ce_event a = by(0, 0, 0), b = by(0, 1, 10);

	/* A driver's text says nothing of the status that each CPU found. */
	assert_false(second_is_echo(a, b));
	a.status = 5;
	assert_false(second_is_echo(a, b));
	b.status = 5;
	assert_true(second_is_echo(a, b));
	b.status = 6;
	assert_false(second_is_echo(a, b));
	/* One CPU that reports twice has found two errors. */
	assert_false(second_is_echo(by(0, 0, 0), by(0, 0, 1)));
}

/* Four CPUs read one bank, twice: two errors. */
static void test_rounds(void **state)
{
	struct echo_table t = { 0 };
	unsigned int errors = 0;

	for (int64_t round = 0; round < 2; round++)
		for (uint16_t cpu = 0; cpu < 4; cpu++) {
			struct ce_event ev = by(0, cpu, round * 100 + cpu);

			ev.status = 9;
			errors += !echo_take(&t, &ev);
		}
	assert_int_equal(errors, 2);
}

/* More CPUs than are remembered: the rest counts, and nothing overflows. */
static void test_many_cpus(void **state)
{
	struct echo_table t = { 0 };
	unsigned int errors = 0;

	for (uint16_t cpu = 0; cpu < 64; cpu++) {
		struct ce_event ev = by(0, cpu, 0);

		ev.status = 9;
		errors += !echo_take(&t, &ev);
	}
	assert_int_equal(errors, (64 + ECHO_REPORTERS - 1) / ECHO_REPORTERS);
}

/* Other lines in between, and then enough of them that the line is forgotten. */
static void test_other_lines(void **state)
{
	for (uint64_t others = 0; others < 2000; others += 1999) {
		struct echo_table t = { 0 };
		struct ce_event ev = by(0, 0, 0);

		assert_false(echo_take(&t, &ev));
		for (uint64_t i = 1; i <= others + 1; i++) {
			ev.address = paddr(LINE + i * 64);
			assert_false(echo_take(&t, &ev));
		}
		ev = by(8, 0, 1);
		assert_int_equal(echo_take(&t, &ev), others == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_source), cmocka_unit_test(test_another_cpu),
		cmocka_unit_test(test_rounds),         cmocka_unit_test(test_many_cpus),
		cmocka_unit_test(test_other_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
