/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * NOTICE_LIST as a table. It does not know when a notice is made, nor what it says.
 */

#include "engine/notice.h"

#include "base/mem.h"

static const struct {
	const char *word;
	bool limited;
} kinds[] = {
#define X(id, word, limited, priority, message_id) { word, limited },
	NOTICE_LIST(X)
#undef X
};

const char *notice_to_string(enum notice_kind kind)
{
	size_t i = (size_t)kind;

	return i < ARRAY_SIZE(kinds) ? kinds[i].word : "invalid-value";
}

bool notice_is_limited(enum notice_kind kind)
{
	size_t i = (size_t)kind;

	return i < ARRAY_SIZE(kinds) && kinds[i].limited;
}
