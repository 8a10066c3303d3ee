/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The vocabulary: each word there and back, nothing twice, the alphabet that scripts and
 * Prometheus labels count on, and the words that were promised. It refuses to know what
 * the words are used for.
 */

#include <errno.h>
#include <string.h>

/* cmocka.h wants these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "base/reason.h"

/* One enum behind functions over int, so that the tests below serve all of them. */
struct vocabulary {
	const char *name;
	int n;
	const char *(*to_string)(int value);
	int (*from_string)(const char *word, int *ret);
	const char *(*help)(int value);
};

#define DEFINE_WRAPPERS(name)                                                            \
	static const char *name##_word(int value)                                        \
	{                                                                                \
		return name##_to_string((enum name)value);                               \
	}                                                                                \
                                                                                         \
	static const char *name##_meaning(int value)                                     \
	{                                                                                \
		return name##_help((enum name)value);                                    \
	}                                                                                \
                                                                                         \
	static int name##_value(const char *word, int *ret)                              \
	{                                                                                \
		enum name value = (enum name) * ret;                                     \
		int r = name##_from_string(word, &value);                                \
                                                                                         \
		*ret = (int)value;                                                       \
		return r;                                                                \
	}

DEFINE_WRAPPERS(reason)
DEFINE_WRAPPERS(result)
DEFINE_WRAPPERS(page_state)
DEFINE_WRAPPERS(action)
DEFINE_WRAPPERS(poison_cause)
DEFINE_WRAPPERS(verdict)
DEFINE_WRAPPERS(fault_class)

/* clang-format off */
static const struct vocabulary vocabularies[] = {
	{ "reason", REASON_MAX_, reason_word, reason_value, reason_meaning },
	{ "result", RESULT_MAX_, result_word, result_value, result_meaning },
	{ "page_state", PAGE_STATE_MAX_, page_state_word, page_state_value,
	  page_state_meaning },
	{ "action", ACTION_MAX_, action_word, action_value, action_meaning },
	{ "poison_cause", POISON_CAUSE_MAX_, poison_cause_word, poison_cause_value,
	  poison_cause_meaning },
	{ "verdict", VERDICT_MAX_, verdict_word, verdict_value, verdict_meaning },
	{ "fault_class", FAULT_MAX_, fault_class_word, fault_class_value,
	  fault_class_meaning },
};
/* clang-format on */

static void test_there_and_back(void **state)
{
	for (size_t v = 0; v < ARRAY_SIZE(vocabularies); v++) {
		const struct vocabulary *voc = &vocabularies[v];

		for (int i = 0; i < voc->n; i++) {
			int back = -1;

			assert_int_equal(voc->from_string(voc->to_string(i), &back), 0);
			/* Also proves that no word stands twice: the first would win. */
			assert_int_equal(back, i);
		}
	}
}

static void test_outside_of_the_enum(void **state)
{
	for (size_t v = 0; v < ARRAY_SIZE(vocabularies); v++) {
		const struct vocabulary *voc = &vocabularies[v];

		assert_string_equal(voc->to_string(voc->n), "invalid-value");
		assert_string_equal(voc->to_string(-1), "invalid-value");
		assert_null(voc->help(voc->n));
		assert_null(voc->help(-1));
	}
}

static void test_unknown_words(void **state)
{
	static const char *const words[] = { "",      "None",         " none",
					     "none ", "no",           "nonee",
					     "NONE",  "ok\n",         "offline_d",
					     "-",     "invalid-value" };

	for (size_t v = 0; v < ARRAY_SIZE(vocabularies); v++) {
		for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
			int value = 3;

			assert_int_equal(vocabularies[v].from_string(words[w], &value),
					 -EINVAL);
			assert_int_equal(value, 3);
		}
	}
}

static void test_alphabet(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";

	for (size_t v = 0; v < ARRAY_SIZE(vocabularies); v++) {
		const struct vocabulary *voc = &vocabularies[v];

		for (int i = 0; i < voc->n; i++) {
			const char *word = voc->to_string(i);
			size_t len = strlen(word);

			/* db.h's columns; a verdict is stored in none */
			assert_in_range(len, 2, strcmp(voc->name, "verdict") ? 15 : 16);
			assert_int_equal(strspn(word, letters), len);
			assert_int_not_equal(word[0], '-');
			assert_int_not_equal(word[len - 1], '-');
			assert_null(strstr(word, "--"));
		}
	}
}

static void test_every_word_has_one_line_of_meaning(void **state)
{
	for (size_t v = 0; v < ARRAY_SIZE(vocabularies); v++) {
		const struct vocabulary *voc = &vocabularies[v];

		for (int i = 0; i < voc->n; i++) {
			const char *help = voc->help(i);

			assert_non_null(help);
			assert_in_range(strlen(help), 8, 80);
			assert_null(strchr(help, '\n'));
			for (int j = 0; j < i; j++)
				assert_string_not_equal(help, voc->help(j));
		}
	}
}

/* Written down a second time on purpose: scripts hold these words, and a rename must hurt
 * here first. */
static void test_promised_words(void **state)
{
	static const struct {
		int value;
		const char *(*to_string)(int value);
		const char *word;
	} rows[] = {
		{ REASON_NONE, reason_word, "none" },
		{ REASON_PAGE_THRESHOLD, reason_word, "page-threshold" },
		{ REASON_ROW_FAULT, reason_word, "row-fault" },
		{ REASON_NEIGHBOUR, reason_word, "neighbour" },
		{ REASON_OPERATOR, reason_word, "operator" },
		{ REASON_REPLAYED, reason_word, "replayed" },
		{ RESULT_OFFLINED, result_word, "offlined" },
		{ RESULT_ALREADY, result_word, "already" },
		{ RESULT_BUSY, result_word, "busy" },
		{ RESULT_UNMOVABLE, result_word, "unmovable" },
		{ RESULT_NOT_RAM, result_word, "not-ram" },
		{ RESULT_UNSUPPORTED, result_word, "unsupported" },
		{ RESULT_DENIED, result_word, "denied" },
		{ RESULT_DRY_RUN, result_word, "dry-run" },
		{ RESULT_BUDGET_HOUR, result_word, "budget-hour" },
		{ RESULT_BUDGET_TOTAL, result_word, "budget-total" },
		{ RESULT_BUDGET_DIMM, result_word, "budget-dimm" },
		{ RESULT_HUGE_PAGE, result_word, "huge-page" },
		{ RESULT_LOW_MEMORY, result_word, "low-memory" },
		{ RESULT_NO_ADDRESS, result_word, "no-address" },
		{ RESULT_COARSE_GRAIN, result_word, "coarse-grain" },
		{ PAGE_OFFLINED, page_state_word, "offlined" },
		{ PAGE_PENDING, page_state_word, "pending" },
		{ PAGE_FAILED, page_state_word, "failed" },
		{ PAGE_REFUSED, page_state_word, "refused" },
		{ VERDICT_OK, verdict_word, "ok" },
		{ VERDICT_DEGRADED, verdict_word, "degraded" },
		{ VERDICT_REPLACE, verdict_word, "replace" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(rows[i].to_string(rows[i].value), rows[i].word);
}

/* ce_tracker.h packs these numbers into bit fields. */
static void test_numbers_fit_a_page_record(void **state)
{
	assert_in_range(PAGE_STATE_MAX_, 1, 1 << 4);
	assert_in_range(REASON_MAX_, 1, 1 << 4);
	assert_in_range(RESULT_MAX_, 1, 1 << 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_outside_of_the_enum),
		cmocka_unit_test(test_unknown_words),
		cmocka_unit_test(test_alphabet),
		cmocka_unit_test(test_every_word_has_one_line_of_meaning),
		cmocka_unit_test(test_promised_words),
		cmocka_unit_test(test_numbers_fit_a_page_record),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
