/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads the use of a frame from its kpageflags word. It knows the kernel's bits and no
 * policy: whether a frame of some kind may be retired is decided elsewhere.
 */

#include "base/frame.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define X(id, word, help) word,
/* clang-format off */
static const char *const kinds[] = { FRAME_KIND_LIST(X) };
/* clang-format on */
#undef X

/* A frame with any of these bits is of this kind, if no row above has matched. */
struct rule {
	uint64_t any;
	enum frame_kind kind;
};

#define BIT(n) (UINT64_C(1) << (n))

/*
 * The order is the meaning. Poison outlives what the page was, so it comes first. The
 * huge zero page carries KPF_THP beside KPF_ZERO_PAGE, and KSM pages carry KPF_ANON: the
 * bit that says more stands higher. A KPF_OFFLINE page has a page structure but belongs
 * to a driver (a balloon, memory not plugged in yet). A mapped page that is not anonymous
 * belongs to a file, even while a batch of new pages keeps it off the LRU.
 */
static const struct rule rules[] = {
	{ BIT(KPF_HWPOISON), FRAME_POISONED },
	{ BIT(KPF_NOPAGE), FRAME_ABSENT },
	{ BIT(KPF_HUGE), FRAME_HUGETLB },
	{ BIT(KPF_SLAB), FRAME_SLAB },
	{ BIT(KPF_PGTABLE), FRAME_PAGE_TABLE },
	{ BIT(KPF_RESERVED) | BIT(KPF_ZERO_PAGE), FRAME_RESERVED },
	{ BIT(KPF_OFFLINE), FRAME_KERNEL },
	{ BIT(KPF_BUDDY), FRAME_FREE },
	{ BIT(KPF_THP), FRAME_THP },
	{ BIT(KPF_KSM), FRAME_KSM },
	{ BIT(KPF_ANON), FRAME_ANONYMOUS },
	{ BIT(KPF_LRU) | BIT(KPF_MMAP) | BIT(KPF_SWAPBACKED), FRAME_PAGE_CACHE },
};

static bool frame_is_small_folio(const struct frame *f)
{
	return !(f->flags & BIT(KPF_ANON)) && f->folio_kib > 0 &&
	       f->folio_kib < f->thp_kib;
}

bool frame_is_poisoned(const struct frame *f)
{
	return f->readable && (f->flags & BIT(KPF_HWPOISON));
}

enum frame_kind frame_kind(const struct frame *f)
{
	uint64_t flags = f->ksm_untrue ? f->flags & ~BIT(KPF_KSM) : f->flags;

	if (!f->readable)
		return FRAME_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (flags & rules[i].any)
			return rules[i].kind == FRAME_THP && frame_is_small_folio(f)
				       ? FRAME_LARGE_FOLIO
				       : rules[i].kind;
	/*
	 * None of these bits: a page freed to a list of one CPU, or a kernel page
	 * without flags. Only an attempt shows which of the two.
	 */
	return f->absent ? FRAME_ABSENT : FRAME_UNKNOWN;
}

bool frame_kind_is_unmovable(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_SLAB:
	case FRAME_PAGE_TABLE:
	case FRAME_RESERVED:
	case FRAME_KERNEL:
		return true;
	case FRAME_UNKNOWN:
	case FRAME_FREE:
	case FRAME_ANONYMOUS:
	case FRAME_PAGE_CACHE:
	case FRAME_KSM:
	case FRAME_THP:
	case FRAME_LARGE_FOLIO:
	case FRAME_HUGETLB:
	case FRAME_POISONED:
	case FRAME_ABSENT:
	case FRAME_KIND_MAX_:
		break;
	}
	return false;
}

const char *frame_kind_to_string(enum frame_kind kind)
{
	size_t i = (size_t)kind;

	return i < ARRAY_SIZE(kinds) ? kinds[i] : "invalid-value";
}

int frame_kind_from_string(const char *word, enum frame_kind *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i], word) == 0) {
			*ret = (enum frame_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}
