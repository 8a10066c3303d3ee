/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of event sources, made from EVENT_SOURCE_LIST. It does not know whether the
 * running kernel has a tracepoint.
 */

#include "event/event_source.h"

#include <stddef.h>

#define X(id, name, ...) extern const struct source_decoder name##_decoder;
EVENT_SOURCE_LIST(X)
#undef X

#define X(id, name, system, other_system, is_needed, row, what, otherwise)               \
	[EVENT_SOURCE_##id] = {                                                          \
		.event = #name,                                                          \
		.systems = { system, other_system },                                     \
		.needed = is_needed,                                                     \
		.check = row,                                                            \
		.reports = what,                                                         \
		.without = otherwise,                                                    \
		.decoder = &name##_decoder,                                              \
	},
const struct event_source event_sources[EVENT_SOURCE_MAX_] = { EVENT_SOURCE_LIST(X) };
#undef X
