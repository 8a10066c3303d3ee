/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads the clocks and the name of the boot. It knows nothing of who asks, and keeps
 * nothing between two calls.
 */

#include "host/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "host/small_file.h"

static usec_t read_clock(clockid_t id)
{
	struct timespec ts = { 0 };

	/* cannot fail: all of these exist since Linux 2.6.39 */
	(void)clock_gettime(id, &ts);
	return usec((int64_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000);
}

usec_t clock_boot(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

usec_t clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

usec_t clock_wall_offset(void)
{
	usec_t before = read_clock(CLOCK_BOOTTIME);
	usec_t wall = read_clock(CLOCK_REALTIME);
	usec_t after = read_clock(CLOCK_BOOTTIME);

	/* the middle halves the error if this thread was put aside between two reads */
	return usec(wall.us - before.us - (after.us - before.us) / 2);
}

int clock_boot_id(char ret[BOOT_ID_MAX])
{
	char text[BOOT_ID_MAX];
	ssize_t n = small_file_read_below("", "/proc/sys/kernel/random/boot_id", text,
					  sizeof(text));

	if (n < 0)
		return (int)n;
	text[strcspn(text, "\n")] = '\0';
	if (text[0] == '\0')
		return -ENODATA;
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}
