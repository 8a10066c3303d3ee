/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Text made safe at every length of its buffer, and the distance of words. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

static void test_clean(void **state)
{
	static const struct {
		const char *from;
		size_t len, size;
		const char *to;
	} rows[] = {
		{ "", 9, 1, "" },      { "abc", 9, 1, "" },
		{ "abc", 9, 3, "ab" }, { "abc", 9, 4, "abc" },
		{ "abc", 2, 9, "ab" }, { "a\tb\x7f\xc3\xa4 ~", 9, 9, "a?b??? ~" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char to[16];

		memset(to, '#', sizeof(to));
		text_clean(to, rows[i].size, rows[i].from, rows[i].len);
		assert_string_equal(to, rows[i].to);
		assert_int_equal(to[rows[i].size], '#');
	}
}

static void test_clean_in_place(void **state)
{
	char text[] = "one\ntwo";

	text_clean(text, sizeof(text), text, sizeof(text));
	assert_string_equal(text, "one?two");
}

static void test_escape(void **state)
{
	char buf[32];

	assert_string_equal(text_escape("a\n\xff~", 9, buf, sizeof(buf)), "a\\x0a\\xff~");
	assert_string_equal(text_escape("abcdef", 3, buf, sizeof(buf)), "abc");
	/* Whatever the room, the end is marked and nothing stands behind it. */
	for (size_t size = 8; size < sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		text_escape("\x01\x02\x03\x04\x05\x06\x07\x08", 8, buf, size);
		assert_true(strlen(buf) < size);
		assert_int_equal(buf[size], '#');
		assert_string_equal(buf + strlen(buf) - 3, "...");
	}
}

static void test_same_letters(void **state)
{
	assert_true(text_same_letters("", ""));
	assert_true(text_same_letters("PageThreshold", "pagethreshOLD"));
	assert_false(text_same_letters("Page", "PageThreshold"));
	assert_false(text_same_letters("PageThreshold", "Page"));
	/* These two differ by the bit that makes a letter small. */
	assert_false(text_same_letters("[", "{"));
}

/* The definition, without a table. */
static unsigned int plain_distance(const char *a, const char *b)
{
	unsigned int best, other;

	if (!*a || !*b)
		return (unsigned int)(strlen(a) + strlen(b));
	best = plain_distance(a + 1, b + 1) + (*a != *b);
	other = plain_distance(a + 1, b) + 1;
	best = other < best ? other : best;
	other = plain_distance(a, b + 1) + 1;
	return other < best ? other : best;
}

static void test_distance(void **state)
{
	char words[64][5];
	char word[TEXT_WORD_MAX + 8];

	/* All words of up to three of the letters a, b, c, and some more. */
	for (unsigned int i = 0; i < 64; i++) {
		size_t len = 0;

		for (unsigned int n = i; n > 0; n /= 4)
			words[i][len++] = "abca"[n % 4];
		words[i][len] = '\0';
	}
	for (unsigned int i = 0; i < 64; i++)
		for (unsigned int j = 0; j < 64; j++)
			assert_int_equal(text_distance(words[i], words[j]),
					 plain_distance(words[i], words[j]));
	assert_int_equal(text_distance("status", "STATUS"), 0);
	assert_int_equal(text_distance("staus", "status"), 1);
	memset(word, 'a', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(text_distance(word, ""), TEXT_WORD_MAX);
}

static void test_plural(void **state)
{
	assert_string_equal(text_plural(0), "s");
	assert_string_equal(text_plural(1), "");
	assert_string_equal(text_plural(2), "s");
	assert_string_equal(text_plural(UINT64_C(1) << 32 | 1), "s");
}

static void test_duration(void **state)
{
	static const struct {
		int64_t usec;
		const char *text;
	} rows[] = {
		{ 0, "0 s" },
		{ 1, "1 us" },
		{ 999, "999 us" },
		{ 1000, "1 ms" },
		{ 1290, "1.2 ms" },
		{ 12900, "12 ms" },
		{ USEC_PER_SEC, "1 s" },
		{ 6650 * USEC_PER_MSEC, "6.6 s" },
		{ 2 * USEC_PER_MINUTE - 1, "119 s" },
		{ 90 * USEC_PER_MINUTE, "90 min" },
		{ 86400 * USEC_PER_SEC, "24 h" },
		{ 29 * USEC_PER_HOUR + 1, "29 h" },
		{ 48 * USEC_PER_HOUR - 1, "47 h" },
		{ 3 * USEC_PER_DAY, "3 days" },
		{ INT64_MAX, "106751991 days" },
	};
	char buf[32];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(text_duration(rows[i].usec, buf, sizeof(buf)),
				    rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),    cmocka_unit_test(test_clean_in_place),
		cmocka_unit_test(test_escape),   cmocka_unit_test(test_same_letters),
		cmocka_unit_test(test_distance), cmocka_unit_test(test_plural),
		cmocka_unit_test(test_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
