/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * When the regular work is due: the commit after an event, and by the minute pruning and
 * the backup. Arithmetic on times that the caller gives; no timer and no clock.
 */

#include <stdbool.h>

#include "base/units.h"

struct schedule {
	usec_t flushed;    /* when everything was last stored */
	usec_t flush_took; /* without what was served meanwhile */
	usec_t backed_up;
	unsigned int minutes; /* since the start */
};

/** The daemon starts @now. */
void schedule_begin(struct schedule *s, usec_t now);

/** A flush that began at s->flushed ends @now, after serving other work for @served. */
void schedule_flushed(struct schedule *s, usec_t now, usec_t served);

/** How long after an event its rows are stored: 1 to 10 s, longer if storing takes long. */
usec_t schedule_commit_delay(const struct schedule *s);

/** Another minute is over. True: the database is to be pruned. */
bool schedule_minute(struct schedule *s);

/** True if no error came for a second: work that takes long may take place. */
bool schedule_is_quiet(usec_t now, usec_t last_event);

/** True once a day, an hour after the start at the earliest, after a minute of quiet. */
bool schedule_backup_is_due(const struct schedule *s, usec_t now, usec_t last_event);
