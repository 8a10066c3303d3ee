/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * kpageflags words -> kinds. The words are those that a 6.1 kernel showed for pages made
 * for the purpose, and made-up ones for the order of the tests.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/frame.h"
#include "base/mem.h"

#define BIT(n)   (UINT64_C(1) << (n))
#define UPTODATE BIT(3)

static const struct {
	const char *what;
	uint64_t flags;
	enum frame_kind kind;
} words[] = {
	{ "clean file page", BIT(KPF_REFERENCED) | UPTODATE | BIT(KPF_LRU),
	  FRAME_PAGE_CACHE },
	{ "mapped file page not yet on the LRU", UPTODATE | BIT(KPF_MMAP),
	  FRAME_PAGE_CACHE },
	{ "tmpfs page", UPTODATE | BIT(KPF_LRU) | BIT(KPF_SWAPBACKED), FRAME_PAGE_CACHE },
	{ "ramfs page, unevictable", BIT(KPF_LRU) | BIT(KPF_UNEVICTABLE),
	  FRAME_PAGE_CACHE },
	{ "stack",
	  UPTODATE | BIT(KPF_LRU) | BIT(KPF_MMAP) | BIT(KPF_ANON) | BIT(KPF_SWAPBACKED),
	  FRAME_ANONYMOUS },
	{ "anonymous, off the LRU", BIT(KPF_MMAP) | BIT(KPF_ANON), FRAME_ANONYMOUS },
	{ "merged page", BIT(KPF_MMAP) | BIT(KPF_ANON) | BIT(KPF_KSM), FRAME_KSM },
	{ "head of a THP",
	  BIT(KPF_LRU) | BIT(KPF_MMAP) | BIT(KPF_ANON) | BIT(KPF_COMPOUND_HEAD) |
		  BIT(KPF_THP),
	  FRAME_THP },
	{ "tail of a THP", BIT(KPF_COMPOUND_TAIL) | BIT(KPF_THP), FRAME_THP },
	{ "huge zero page", BIT(KPF_COMPOUND_HEAD) | BIT(KPF_THP) | BIT(KPF_ZERO_PAGE),
	  FRAME_RESERVED },
	{ "zero page", BIT(KPF_ZERO_PAGE) | BIT(KPF_RESERVED), FRAME_RESERVED },
	{ "firmware's", BIT(KPF_RESERVED), FRAME_RESERVED },
	{ "HugeTLB head, mapped", BIT(KPF_MMAP) | BIT(KPF_COMPOUND_HEAD) | BIT(KPF_HUGE),
	  FRAME_HUGETLB },
	{ "HugeTLB tail", BIT(KPF_COMPOUND_TAIL) | BIT(KPF_HUGE), FRAME_HUGETLB },
	{ "slab head", BIT(KPF_SLAB) | BIT(KPF_COMPOUND_HEAD), FRAME_SLAB },
	{ "page table", BIT(KPF_REFERENCED) | BIT(KPF_PGTABLE), FRAME_PAGE_TABLE },
	{ "buddy", UPTODATE | BIT(KPF_BUDDY), FRAME_FREE },
	{ "balloon", BIT(KPF_OFFLINE), FRAME_KERNEL },
	{ "hole", BIT(KPF_NOPAGE), FRAME_ABSENT },
	{ "poisoned in the allocator", BIT(KPF_HWPOISON) | BIT(KPF_BUDDY),
	  FRAME_POISONED },
	{ "poisoned in a HugeTLB page",
	  BIT(KPF_HWPOISON) | BIT(KPF_HUGE) | BIT(KPF_COMPOUND_HEAD), FRAME_POISONED },
	{ "poisoned, of a process", BIT(KPF_HWPOISON) | BIT(KPF_ANON) | BIT(KPF_MMAP),
	  FRAME_POISONED },
	{ "no flags", 0, FRAME_UNKNOWN },
	{ "locked only", BIT(KPF_LOCKED), FRAME_UNKNOWN },
	{ "driver's compound page", BIT(KPF_COMPOUND_HEAD), FRAME_UNKNOWN },
	{ "bits of later kernels", BIT(63) | BIT(50), FRAME_UNKNOWN },
};

static void kinds_of_words(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct frame f = { .flags = words[i].flags, .readable = true };

		if (frame_kind(&f) != words[i].kind)
			fail_msg("%s: %s", words[i].what,
				 frame_kind_to_string(frame_kind(&f)));
		assert_int_equal(frame_is_poisoned(&f), words[i].kind == FRAME_POISONED);
	}
}

/* A kernel that marks every anonymous page as merged. */
static void merged_or_not(void **state)
{
	static const struct {
		uint64_t flags;
		enum frame_kind kind;
	} rows[] = {
		{ BIT(KPF_ANON) | BIT(KPF_KSM) | BIT(KPF_MMAP), FRAME_ANONYMOUS },
		{ BIT(KPF_ANON) | BIT(KPF_KSM) | BIT(KPF_THP), FRAME_THP },
		{ BIT(KPF_ANON) | BIT(KPF_KSM) | BIT(KPF_HWPOISON), FRAME_POISONED },
		{ BIT(KPF_KSM), FRAME_UNKNOWN },
		{ BIT(KPF_LRU), FRAME_PAGE_CACHE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame f = { .flags = rows[i].flags,
				   .readable = true,
				   .ksm_untrue = true };

		assert_int_equal(frame_kind(&f), rows[i].kind);
	}
}

/* The kernel's bit is the same for all of them: size and owner tell. */
static void large_folios(void **state)
{
	static const struct {
		uint64_t more, folio_kib, thp_kib;
		enum frame_kind kind;
	} rows[] = {
		{ BIT(KPF_LRU), 64, 2048, FRAME_LARGE_FOLIO },
		{ BIT(KPF_LRU), 1024, 2048, FRAME_LARGE_FOLIO },
		{ BIT(KPF_LRU), 2048, 2048, FRAME_THP },
		{ BIT(KPF_LRU), 1 << 20, 2048, FRAME_THP },
		{ BIT(KPF_LRU), 2048, 32768, FRAME_LARGE_FOLIO }, /* 16K pages */
		{ BIT(KPF_LRU), 0, 2048, FRAME_THP },
		{ BIT(KPF_LRU), 64, 0, FRAME_THP },
		{ BIT(KPF_ANON), 64, 2048, FRAME_THP },
		{ BIT(KPF_ANON), 2048, 2048, FRAME_THP },
		{ BIT(KPF_HWPOISON), 64, 2048, FRAME_POISONED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame f = { .flags = BIT(KPF_THP) | rows[i].more,
				   .folio_kib = rows[i].folio_kib,
				   .thp_kib = rows[i].thp_kib,
				   .readable = true };

		assert_int_equal(frame_kind(&f), rows[i].kind);
	}
}

static void unreadable_is_unknown(void **state)
{
	struct frame f = { .flags = BIT(KPF_HWPOISON), .readable = false };

	assert_int_equal(frame_kind(&f), FRAME_UNKNOWN);
	assert_false(frame_is_poisoned(&f));
}

static void end_of_file_is_absent(void **state)
{
	struct frame f = { .readable = true, .absent = true };

	assert_int_equal(frame_kind(&f), FRAME_ABSENT);
}

static void unmovable_kinds(void **state)
{
	for (int k = 0; k <= FRAME_KIND_MAX_; k++) {
		bool expected = k == FRAME_SLAB || k == FRAME_PAGE_TABLE ||
				k == FRAME_RESERVED || k == FRAME_KERNEL;

		assert_int_equal(frame_kind_is_unmovable((enum frame_kind)k), expected);
	}
}

static void words_and_back(void **state)
{
	enum frame_kind kind = FRAME_KSM;

	for (int k = 0; k < FRAME_KIND_MAX_; k++) {
		enum frame_kind back = FRAME_KIND_MAX_;
		const char *word = frame_kind_to_string((enum frame_kind)k);

		assert_int_equal(frame_kind_from_string(word, &back), 0);
		assert_int_equal(back, k);
		assert_true(strlen(word) > 0);
	}
	assert_string_equal(frame_kind_to_string(FRAME_PAGE_CACHE), "page-cache");
	assert_string_equal(frame_kind_to_string(FRAME_KIND_MAX_), "invalid-value");
	assert_int_equal(frame_kind_from_string("page_cache", &kind), -EINVAL);
	assert_int_equal(frame_kind_from_string("", &kind), -EINVAL);
	assert_int_equal(kind, FRAME_KSM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_words),
		cmocka_unit_test(merged_or_not),
		cmocka_unit_test(large_folios),
		cmocka_unit_test(unreadable_is_unknown),
		cmocka_unit_test(end_of_file_is_absent),
		cmocka_unit_test(unmovable_kinds),
		cmocka_unit_test(words_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
