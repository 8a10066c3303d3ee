/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A misspelled word never acts: every slip of one letter in a name that could have kept
 * the daemon from touching memory refuses the file. And sections of other programs are
 * passed over without a word.
 */

/* cmocka.h needs the four before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_internal.h"
#include "config_findings.h"

/* Told here once more, so that the parser's own list cannot be wrong unseen. */
static bool acts(const char *section)
{
	return strcmp(section, "Policy") == 0 || strcmp(section, "Budget") == 0 ||
	       strcmp(section, "Replay") == 0 || strcmp(section, "Kernel") == 0;
}

/*
 * The @n-th slip in @word: a letter left out, two exchanged, one doubled, one replaced,
 * or another case. False if there is no such slip.
 */
static bool slip(const char *word, size_t n, char *ret, size_t size)
{
	size_t len = strlen(word), at = n / 5;

	if (at >= len)
		return false;
	/* One letter more, and the end: a name that is cut would be another slip. */
	assert_in_range(len + 2, 0, size);
	memcpy(ret, word, len + 1);
	switch (n % 5) {
	case 0:
		snprintf(ret + at, size - at, "%s", word + at + 1);
		break;
	case 1:
		if (at + 1 < len) {
			ret[at] = word[at + 1];
			ret[at + 1] = word[at];
		}
		break;
	case 2:
		snprintf(ret + at, size - at, "%c%s", word[at], word + at);
		break;
	case 3:
		ret[at] = word[at] == 'q' ? 'x' : 'q';
		break;
	case 4:
		ret[at] = (char)(word[at] ^ 0x20);
		break;
	}
	return true;
}

/* @head is a section, with its brackets; nothing that reads "@head, @key=" is accepted.
 */
static void assert_refused(const char *head, const char *key, const char *value)
{
	struct findings f;
	struct config cfg;
	char text[512];

	snprintf(text, sizeof(text), "%s\n%s=%s\n", head, key, value);
	if (parse(&cfg, &f, text) == 0)
		fail_msg("accepted: %s", text);
	if (strncmp(f.text[0], "f:", 2) != 0)
		fail_msg("without its place: %s", f.text[0]);
}

static void test_slips_in_keys(void **state)
{
	const struct option *opt;
	unsigned int tried = 0;
	char key[128], head[64];

	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++) {
		if (!acts(opt->doc.section))
			continue;
		snprintf(head, sizeof(head), "[%s]", opt->doc.section);
		for (size_t n = 0; slip(opt->doc.key, n, key, sizeof(key)); n++) {
			if (strcmp(key, opt->doc.key) == 0)
				continue;
			assert_refused(head, key, opt->doc.value);
			if (opt->policy)
				assert_refused("[Policy \"P1*\"]", key, opt->doc.value);
			tried++;
		}
	}
	assert_true(tried > 500);
}

static void test_slips_in_sections(void **state)
{
	const struct option *opt;
	char name[64], head[80];

	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++)
		for (size_t n = 0; slip(opt->doc.section, n, name, sizeof(name)); n++) {
			if (strcmp(name, opt->doc.section) == 0)
				continue;
			snprintf(head, sizeof(head), "[%s]", name);
			assert_refused(head, opt->doc.key, opt->doc.value);
			snprintf(head, sizeof(head), "[%s \"P1*\"]", name);
			assert_refused(head, opt->doc.key, opt->doc.value);
		}
}

/* Below the wrong section, whether that one acts or not. */
static void test_keys_of_other_sections(void **state)
{
	const struct option *opt, *other;
	char head[64];

	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++)
		for (size_t j = 0; (other = config_option_row(j)) != NULL; j++) {
			if (strcmp(opt->doc.section, other->doc.section) == 0 ||
			    (!acts(opt->doc.section) && !acts(other->doc.section)))
				continue;
			snprintf(head, sizeof(head), "[%s]", other->doc.section);
			assert_refused(head, opt->doc.key, opt->doc.value);
		}
}

static void test_foreign_sections(void **state)
{
	static const char *const fine[] = {
		"[X-Site]\nOwner=me\nAction=account\nNo key: here\n indented\n",
		"[X-]\nAction=hard\n",
		"[X-Site]\n[X-Other]\nTries=99\n[Retry]\nTries=5\n",
		"[Retry]\nTries=5\n[X-Site \"a\"]\nTries=99\nTries=98\n",
	};
	static const char *const refused[] = {
		"[x-Site]\nOwner=me\n",
		"[X Site]\nOwner=me\n",
		"[ X-Site]\nOwner=me\n",
		"[X-Site\nOwner=me\n",
		"[X-Site]\n [Policy]\nAction=account\n",
		"[X-Site]\nOwner=me\r[Policy]\rAction=account\n",
		"[X-Site]\n[Policy]\nActoin=account\n",
	};
	char longest[1024] = "[X-Site]\n";
	struct findings f;
	struct config cfg;

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		assert_int_equal(parse(&cfg, &f, fine[i]), 0);
		assert_int_equal(f.warnings, 0);
		assert_int_equal(cfg.policy.action, POLICY_SOFT);
		assert_int_equal(cfg.retry.tries, i < 2 ? 8 : 5);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (parse(&cfg, &f, refused[i]) == 0)
			fail_msg("accepted: %s", refused[i]);
	memset(longest + strlen(longest), 'x', 900);
	assert_int_equal(parse(&cfg, &f, longest), 0);
	assert_int_equal(f.warnings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slips_in_keys),
		cmocka_unit_test(test_slips_in_sections),
		cmocka_unit_test(test_keys_of_other_sections),
		cmocka_unit_test(test_foreign_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
