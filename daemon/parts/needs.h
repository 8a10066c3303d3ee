/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What needs somebody and is no notice of the engine: a database that fails, and pages that
 * wait long. What of that is news; it sends nothing and knows no clock. A zeroed struct:
 * nothing is wrong.
 */

#include <stdbool.h>

#include "base/units.h"

/* As monitoring/softofflined.rules.yml has it. */
#define NEEDS_LONG_WAIT usec(6 * USEC_PER_HOUR)

struct needs {
	bool db_failed;
	bool waiting;
};

/** Whether the database is @fine. True: that has changed. */
bool needs_note_db(struct needs *n, bool fine);

/**
 * Pages wait since @since at the longest; INT64_MIN: none waits. True: that is for
 * NEEDS_LONG_WAIT now, and was not at the last call.
 */
bool needs_note_waiting(struct needs *n, int64_t since, usec_t now);
