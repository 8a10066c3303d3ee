/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any bytes as a gzip file: unpacking ends, and stays inside its buffer. */

#include <stdlib.h>

#include "base/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = { 0, 1, 100, 65536 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *out = malloc(sizes[i] ? sizes[i] : 1);

		if (!out || inflate_gzip(data, size, out, sizes[i]) > (ssize_t)sizes[i])
			abort();
		free(out);
	}
	return 0;
}
