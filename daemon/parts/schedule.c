/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Intervals of the regular work. It does not know what the work is.
 */

#include "parts/schedule.h"

#define DURABLE_WITHIN   USEC_PER_SEC
#define MIN_COMMIT_DELAY (USEC_PER_SEC / 2)
#define PRUNE_MINUTES    10
#define BACKUP_AFTER     USEC_PER_HOUR /* of uptime; then daily */
#define REST_AFTER       USEC_PER_SEC
#define BACKUP_QUIET     (60 * USEC_PER_SEC)

void schedule_begin(struct schedule *s, usec_t now)
{
	*s = (struct schedule){
		.backed_up = usec(now.us - USEC_PER_DAY + BACKUP_AFTER),
	};
}

void schedule_flushed(struct schedule *s, usec_t now)
{
	s->flush_took = usec_sub(now, s->flushed);
}

/* Half a second at least is left for counting, which a flush serves only in between. */
usec_t schedule_commit_delay(const struct schedule *s)
{
	int64_t delay = DURABLE_WITHIN - s->flush_took.us;

	return usec(delay > MIN_COMMIT_DELAY ? delay : MIN_COMMIT_DELAY);
}

bool schedule_minute(struct schedule *s)
{
	return ++s->minutes % PRUNE_MINUTES == 0;
}

bool schedule_is_quiet(usec_t now, usec_t last_event)
{
	return usec_sub(now, last_event).us >= REST_AFTER;
}

bool schedule_backup_is_due(const struct schedule *s, usec_t now, usec_t last_event)
{
	return usec_sub(now, s->backed_up).us >= USEC_PER_DAY &&
	       usec_sub(now, last_event).us >= BACKUP_QUIET;
}
