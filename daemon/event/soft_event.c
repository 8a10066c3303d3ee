/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel's words for soft-offline requests as tables. This file does not know where
 * the words come from nor what follows from them.
 */

#include "event/soft_event.h"

#include <stdbool.h>

#include "base/mem.h"

#define X(id, word) word,
/* clang-format off */
static const char *const origins[] = { SOFT_ORIGIN_LIST(X) };
static const char *const outcomes[] = { SOFT_OUTCOME_LIST(X) };
/* clang-format on */
#undef X

static const struct {
	const char *word;
	enum frame_kind kind;
} kinds[] = {
	{ "none", FRAME_ABSENT },
	{ "free", FRAME_FREE },
	{ "page-cache", FRAME_PAGE_CACHE },
	{ "shmem", FRAME_PAGE_CACHE },
	{ "anon", FRAME_ANONYMOUS },
	{ "ksm", FRAME_KSM },
	{ "thp", FRAME_THP },
	{ "hugetlb", FRAME_HUGETLB },
	{ "movable", FRAME_KERNEL },
	{ "slab", FRAME_SLAB },
	{ "page-table", FRAME_PAGE_TABLE },
	{ "reserved", FRAME_RESERVED },
	{ "zero-page", FRAME_RESERVED },
	{ "kernel", FRAME_KERNEL },
	{ "poisoned", FRAME_POISONED },
};

static bool soft_is_word(const char *known, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = word[i] == '_' ? '-' : word[i];

		if (known[i] != c || c == '\0')
			return false;
	}
	return known[len] == '\0';
}

static size_t soft_find_word(const char *const *table, size_t n, const char *word,
			     size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (soft_is_word(table[i], word, len))
			return i;
	return 0;
}

enum soft_origin soft_origin_from_word(const char *word, size_t len)
{
	return (enum soft_origin)soft_find_word(origins, ARRAY_SIZE(origins), word, len);
}

enum soft_outcome soft_outcome_from_word(const char *word, size_t len)
{
	return (enum soft_outcome)soft_find_word(outcomes, ARRAY_SIZE(outcomes), word,
						 len);
}

enum frame_kind soft_kind_from_word(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (soft_is_word(kinds[i].word, word, len))
			return kinds[i].kind;
	return FRAME_UNKNOWN;
}

const char *soft_outcome_to_string(enum soft_outcome value)
{
	size_t i = (size_t)value;

	return outcomes[i < ARRAY_SIZE(outcomes) ? i : 0];
}
