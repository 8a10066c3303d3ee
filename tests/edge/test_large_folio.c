/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The size of a large folio, and what the door makes of the folio: made-up kpageflags and
 * size of a transparent huge page.
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"
#include "edge/fake_kpageflags.h"
#include "sysfs_offline.h"

#define BIT(n)   (UINT64_C(1) << (n))
#define THP_SIZE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

DEFINE_CLEANUP(struct sysfs_offline *, sysfs_offline_free)

static char root[PATH_MAX];

static int set_up(void **state)
{
	return tree_make(root, sizeof(root));
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

static void put_words(uint64_t first, const uint64_t *words, size_t n)
{
	fake_kpageflags(root, first, words, n);
}

static void put_word(uint64_t p, uint64_t word)
{
	put_words(p, &word, 1);
}

static void put_folio(uint64_t head, size_t frames, uint64_t flags)
{
	_cleanup_(free_p) uint64_t *words = calloc(frames, sizeof(*words));

	assert_non_null(words);
	for (size_t i = 0; i < frames; i++)
		words[i] = flags | BIT(KPF_THP) |
			   BIT(i ? KPF_COMPOUND_TAIL : KPF_COMPOUND_HEAD);
	put_words(head, words, frames);
}

static void expect(struct sysfs_offline *s, uint64_t p, uint64_t kib,
		   enum frame_kind kind, enum result keep)
{
	struct policy_rule rule = { .transparent_huge_pages = false };
	struct frame f = sysfs_offline_frame(s, pfn(p));

	assert_int_equal(f.folio_kib, kib);
	assert_int_equal(f.huge_kib, 0); /* splitting costs no memory */
	assert_string_equal(frame_kind_to_string(frame_kind(&f)),
			    frame_kind_to_string(kind));
	f.in_ram = true;
	assert_int_equal(policy_check_frame(&rule, &f), keep);
}

static void sizes(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;

	assert_int_equal(tree_add_line(root, "/proc/x:"), 0);
	assert_int_equal(tree_add_line(root, THP_SIZE ": 2097152"), 0);
	put_folio(512, 16, BIT(KPF_LRU));
	put_folio(528, 256, BIT(KPF_LRU));
	put_folio(1024, 512, BIT(KPF_LRU));
	put_folio(1536, 16, BIT(KPF_ANON) | BIT(KPF_LRU));
	put_folio(2048, 512, BIT(KPF_ANON) | BIT(KPF_LRU));
	assert_int_equal(sysfs_offline_new(&s, root, 12), 0);
	expect(s, 512, 64, FRAME_LARGE_FOLIO, RESULT_NONE);
	expect(s, 527, 64, FRAME_LARGE_FOLIO, RESULT_NONE);
	expect(s, 700, 1024, FRAME_LARGE_FOLIO, RESULT_NONE);
	expect(s, 1025, 2048, FRAME_THP, RESULT_HUGE_PAGE);
	expect(s, 1540, 64, FRAME_THP, RESULT_HUGE_PAGE);
	expect(s, 2559, 2048, FRAME_THP, RESULT_HUGE_PAGE);
	/* The head is gone while we look: as large as can be, so kept whole. */
	put_word(528, BIT(KPF_BUDDY));
	expect(s, 700, 1 << 20, FRAME_THP, RESULT_HUGE_PAGE);
}

/* Without a size to compare with, the bit means what it meant before. */
static void size_of_a_huge_page_unknown(void **state)
{
	static const char *const lines[] = { "/proc/x:", THP_SIZE ": huge",
					     THP_SIZE ":" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;

		assert_int_equal(tree_add_line(root, "/proc/x:"), 0);
		assert_int_equal(tree_add_line(root, lines[i]), 0);
		put_folio(512, 16, BIT(KPF_LRU));
		assert_int_equal(sysfs_offline_new(&s, root, 12), 0);
		expect(s, 520, 64, FRAME_THP, RESULT_HUGE_PAGE);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes),
		TEST(size_of_a_huge_page_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
