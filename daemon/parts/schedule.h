/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * When the regular work is due: the commit after an event, and by the minute pruning and
 * the backup. Arithmetic on times that the caller gives; no timer and no clock.
 */

#include <stdbool.h>

#include "base/units.h"

struct schedule {
	usec_t flushed;    /* when the last flush began */
	usec_t flush_took; /* with what was served meanwhile */
	usec_t backed_up;
	unsigned int minutes; /* since the start */
};

/** The daemon starts @now. */
void schedule_begin(struct schedule *s, usec_t now);

/** A flush that began at s->flushed ends @now. */
void schedule_flushed(struct schedule *s, usec_t now);

/**
 * How long after the first event that is not stored the next flush begins: from 0.5 to
 * 1 s, the shorter the longer the last flush took.
 *
 * A storm of corrected errors is what comes before the panic, so its last seconds are the
 * ones worth having. What was counted is durable within 1 s if no flush takes more than
 * 0.5 s nor longer than the one before it, and within 2 s if no flush takes more than 1 s.
 * The loop begins the flush before it reads on, and a flush stores all that was counted
 * until it ends. Nothing bounds a flush yet: a storm over 100,000 addresses makes as many
 * rows of history, and these took 8 s on a loaded machine.
 */
usec_t schedule_commit_delay(const struct schedule *s);

/** Another minute is over. True: the database is to be pruned. */
bool schedule_minute(struct schedule *s);

/** True if no error came for a second: work that takes long may take place. */
bool schedule_is_quiet(usec_t now, usec_t last_event);

/** True once a day, an hour after the start at the earliest, after a minute of quiet. */
bool schedule_backup_is_due(const struct schedule *s, usec_t now, usec_t last_event);
