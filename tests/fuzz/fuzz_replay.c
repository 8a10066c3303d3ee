/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a story: the parser of stories must not fall over, and no sequence of
 * events, answers, restarts and reloads may bring the engine to an assertion, to
 * undefined behaviour or to a standstill. Whether the story comes out as it says is not
 * asked.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "story.h"

#define INPUT_MAX 8192

/*
 * Most of a run's time went to tables that no input filled, and to stories that let years
 * pass. An input may still ask for a larger table.
 */
static const struct story_limits limits = {
	.default_pages = 64,
	.max_pages = 4096,
	.max_steps = 2000,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return 0;
	if (story_play("fuzz", (const char *)data, size, NULL, false, &limits) == -ETIME)
		abort();
	return 0;
}
