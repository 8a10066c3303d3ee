/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only reader of clocks.
 */

#include "base/units.h"

#define BOOT_ID_MAX 40

/** CLOCK_BOOTTIME: counts suspend, never stepped. The clock of everything in here. */
usec_t clock_boot(void);

/** Wall clock minus CLOCK_BOOTTIME at this moment; changes when the wall clock is
 * stepped. */
usec_t clock_wall_offset(void);

/**
 * The kernel's id of the present boot, terminated, without newline.
 * Returns 0, or negative errno if /proc/sys/kernel/random/boot_id cannot be read.
 */
int clock_boot_id(char ret[BOOT_ID_MAX]);

/** CLOCK_MONOTONIC, which systemd wants to see; used for nothing else. */
usec_t clock_monotonic(void);
