/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What stands: the conditions that need somebody and began when nobody listened. The daemon
 * says a change once. Who begins to listen, or hears a new daemon, asks for what stands and
 * gets it as notices, each once.
 */

#include "tell/report.h"

#define STANDING_MAX 1024 /* conditions that are remembered */

struct standing;

typedef void (*standing_fn)(void *ctx, const struct notice_report *r);

/** Returns NULL without memory. To be freed with standing_free(). */
struct standing *standing_new(void);

/** Frees @s; NULL is fine. Returns NULL. */
struct standing *standing_free(struct standing *s);

/** A notice was heard: it is not said again by standing_tell(). */
void standing_heard(struct standing *s, const struct notice_report *r);

/**
 * Gives @fn each condition of @status and of the @n DIMMs at @dimms that was not given or
 * heard before: DIMMs whose verdict is repair-at-reboot or worse, errors that cannot be
 * seen, a hold, a database that fails. What has ended is forgotten. @now: microseconds
 * since the epoch.
 */
void standing_tell(struct standing *s, const struct status_report *status,
		   const struct dimm_report *dimms, size_t n, int64_t now, standing_fn fn,
		   void *ctx);
