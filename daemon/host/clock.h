/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room "host" is the way to clocks, threads and ordinary files: the configuration,
 * the metrics file, small files of /proc and /sys. It interprets none of them. This
 * header is the only reader of clocks.
 */

#include "base/units.h"

#define BOOT_ID_MAX 40

/** CLOCK_BOOTTIME: counts suspend and is never stepped. All times here are on it. */
usec_t clock_boot(void);

/** Wall clock minus CLOCK_BOOTTIME at this moment; changes when the wall clock is
 * stepped. */
usec_t clock_wall_offset(void);

/**
 * The kernel's id of the present boot, terminated, without newline.
 * Returns 0, or negative errno if /proc/sys/kernel/random/boot_id cannot be read.
 */
int clock_boot_id(char ret[BOOT_ID_MAX]);

/** CLOCK_MONOTONIC, only for systemd's notifications. */
usec_t clock_monotonic(void);
