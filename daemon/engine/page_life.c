/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of page_life.h as a function. It knows neither the page nor the engine: what
 * an impossible pair means for the page is the caller's decision.
 */

#include "engine/page_life.h"

enum page_state page_life_next(enum page_state state, enum life_event event)
{
#define X(event, watched, pending, offlined, failed, refused)                            \
	[LIFE_##event] = {                                                               \
		[PAGE_WATCHED] = PAGE_##watched,   [PAGE_PENDING] = PAGE_##pending,      \
		[PAGE_OFFLINED] = PAGE_##offlined, [PAGE_FAILED] = PAGE_##failed,        \
		[PAGE_REFUSED] = PAGE_##refused,                                         \
	},
	static const enum page_state next[LIFE_EVENT_MAX_][PAGE_STATE_MAX_] = {
		LIFE_EVENT_LIST(X)
	};
#undef X
	_Static_assert(PAGE_STATE_MAX_ == 5, "the table has a column for each state");

	if ((unsigned int)state >= PAGE_STATE_MAX_ ||
	    (unsigned int)event >= LIFE_EVENT_MAX_)
		return PAGE_NEVER;
	return next[event][state];
}
