/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a look at the trace instance has found.
 */

#include "base/trace_change.h"

struct trace_look {
	struct trace_changes changes; /* new since the look before */
	bool all_off;                 /* each event source was switched off */
	int error;      /* negative errno: why some of @changes cannot be undone; 0 */
	char where[64]; /* the file that @error is about, below the instance */
	int unread; /* negative errno: a file cannot be read, so nothing is known of it */
	char unread_file[64];
};
