/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The words of reason.h as tables. It does not know what the words are used for.
 */

#include "base/reason.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct word {
	const char *word;
	const char *help;
};

#define X(id, word, help) { word, help },
/* clang-format off */
static const struct word reasons[] = { REASON_LIST(X) };
static const struct word results[] = { RESULT_LIST(X) };
static const struct word page_states[] = { PAGE_STATE_LIST(X) };
static const struct word actions[] = { ACTION_LIST(X) };
static const struct word poison_causes[] = { POISON_CAUSE_LIST(X) };
static const struct word verdicts[] = { VERDICT_LIST(X) };
static const struct word fault_classes[] = { FAULT_CLASS_LIST(X) };
/* clang-format on */
#undef X

static int word_index(const struct word *table, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].word, word) == 0)
			return (int)i;
	return -EINVAL;
}

#define DEFINE_WORDS(name, type, table)                                                  \
	const char *name##_to_string(type value)                                         \
	{                                                                                \
		size_t i = (size_t)value;                                                \
                                                                                         \
		return i < ARRAY_SIZE(table) ? table[i].word : "invalid-value";          \
	}                                                                                \
                                                                                         \
	const char *name##_help(type value)                                              \
	{                                                                                \
		size_t i = (size_t)value;                                                \
                                                                                         \
		return i < ARRAY_SIZE(table) ? table[i].help : NULL;                     \
	}                                                                                \
                                                                                         \
	int name##_from_string(const char *word, type *ret)                              \
	{                                                                                \
		int i = word_index(table, ARRAY_SIZE(table), word);                      \
                                                                                         \
		if (i < 0)                                                               \
			return i;                                                        \
		*ret = (type)i;                                                          \
		return 0;                                                                \
	}

const char *wide_limit_text(enum wide_limit value, uint32_t limit,
			    char buf[WIDE_LIMIT_TEXT_MAX])
{
	const char *key = "WideFaultThreshold";

	buf[0] = '\0';
	switch (value) {
	case WIDE_LIMIT_NONE:
		return buf;
	case WIDE_LIMIT_THRESHOLD:
		break;
	case WIDE_LIMIT_PAGES:
		key = "WideFaultPages";
		break;
	}
	if (limit == 0)
		snprintf(buf, WIDE_LIMIT_TEXT_MAX, "%s=off", key);
	else
		snprintf(buf, WIDE_LIMIT_TEXT_MAX, "%s=%" PRIu32, key, limit);
	return buf;
}

DEFINE_WORDS(reason, enum reason, reasons)
DEFINE_WORDS(result, enum result, results)
DEFINE_WORDS(page_state, enum page_state, page_states)
DEFINE_WORDS(action, enum action, actions)
DEFINE_WORDS(poison_cause, enum poison_cause, poison_causes)
DEFINE_WORDS(verdict, enum verdict, verdicts)
DEFINE_WORDS(fault_class, enum fault_class, fault_classes)
