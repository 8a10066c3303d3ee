/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The machine checks of a story.
 */

#include "script.h"
#include "track/twins.h"
#include "words.h"

/** Performs the words of "mce" from @from on. 0, or -EINVAL: makes no sense. */
int checks_take(struct twins *t, struct sim *sim, const struct words *w,
		unsigned int from);

/** Lets time pass up to @upto, of the story, and counts what has waited long enough. */
void checks_release(struct twins *t, struct sim *sim, usec_t upto);

/** Counts all that waits. */
void checks_release_all(struct twins *t, struct sim *sim);
