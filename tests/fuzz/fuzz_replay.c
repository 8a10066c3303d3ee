/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a story: the parser of stories must not fall over, and no sequence of
 * events, answers, restarts and reloads may bring the engine to an assertion, to
 * undefined behaviour or to a standstill. Whether the story comes out as it says is not
 * asked.
 */

#include <stdint.h>

#include "story.h"

#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return 0;
	(void)story_play("fuzz", (const char *)data, size, NULL, false);
	return 0;
}
