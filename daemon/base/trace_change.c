/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * TRACE_CHANGE_LIST as a table. It knows neither how a change is found nor how it is undone.
 */

#include "base/trace_change.h"

#include "base/mem.h"

static const struct {
	const char *file;
	bool hides;
	const char *phrase;
} changes[] = {
#define X(id, file, hides, phrase) { file, hides, phrase },
	TRACE_CHANGE_LIST(X)
#undef X
};

const char *trace_change_file(enum trace_change change)
{
	size_t i = (size_t)change;

	return i < ARRAY_SIZE(changes) ? changes[i].file : "";
}

const char *trace_change_phrase(enum trace_change change)
{
	size_t i = (size_t)change;

	return i < ARRAY_SIZE(changes) ? changes[i].phrase : "";
}

bool trace_change_hides(enum trace_change change)
{
	size_t i = (size_t)change;

	return i < ARRAY_SIZE(changes) && changes[i].hides;
}

bool trace_changes_hide(struct trace_changes set)
{
	for (enum trace_change c = 0; c < TRACE_CHANGE_MAX_; c++)
		if (trace_changes_has(set, c) && trace_change_hides(c))
			return true;
	return false;
}
