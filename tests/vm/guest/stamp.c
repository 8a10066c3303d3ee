// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stamp - copies lines, each behind the CLOCK_BOOTTIME in microseconds at which it came.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

int main(void)
{
	char line[4096];
	struct timespec t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		clock_gettime(CLOCK_BOOTTIME, &t);
		printf("%" PRId64 " %s", (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000,
		       line);
	}
	return 0;
}
