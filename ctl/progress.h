/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How far a long piece of work is: one line on stderr if that is a terminal, that is gone
 * at the end. Short work shows nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

struct progress {
	const char *what; /* "rows read" */
	uint64_t n;
	usec_t next;  /* when it is shown again */
	bool on;      /* stderr is a terminal */
	bool visible; /* the line is on the screen */
};

/** Begins to count. */
void progress_begin(struct progress *p, const char *what);

/** One more; shows the line if it is time for it. */
void progress_step(struct progress *p);

/** Takes the line off the screen, for another one or for good. */
void progress_clear(struct progress *p);
