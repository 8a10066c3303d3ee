/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only door to vm.enable_soft_offline. It reads the value for everybody (also for
 * sysfs_offline.c, which asks whether soft offline is on at all), takes the kernel's own
 * initiative away where the kernel distinguishes it, and gives it back.
 *
 * Facts: since 6.11 the value is 0 or 1, and everything else is EINVAL. With the bundled
 * series bit 0 is on, bit 1 "not for HugeTLB", bit 2 "not on the kernel's own
 * initiative"; bits without bit 0 are EINVAL (kernel/patches,
 * Documentation/admin-guide/sysctl/vm.rst).
 */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/clock.h"

#define CONTROL_ABSENT  INT64_MIN       /* there is no such sysctl */
#define CONTROL_UNKNOWN (INT64_MIN + 1) /* it could not be read yet */

struct kernel_sysctl {
	char root[PATH_MAX];
	char note[PATH_MAX]; /* where the former value is kept while ours is set */
	char boot_id[BOOT_ID_MAX];
	bool taken;     /* the value is ours to give back */
	int64_t former; /* while @taken */
	int64_t set;    /* while @taken */
	int64_t seen;   /* when looked at last; CONTROL_ABSENT, _UNKNOWN */
};

/**
 * Reads the sysctl below @root. Returns 0 and *ret; -ENOENT or -ENOTDIR if
 * this kernel has none; -EBADMSG for a text that is no number; other negative errno.
 */
int kernel_control_read(const char *root, int64_t *ret);

/**
 * Sets up @c: @root ("" in production), @note, the path of a small file that outlives a
 * crash of this process and is void after a reboot. Changes nothing.
 * Returns 0; -ENAMETOOLONG.
 */
int kernel_control_init(struct kernel_sysctl *c, const char *root, const char *note,
			const char *boot_id);

/**
 * Sets bit 2 in addition to what is set. If it is set already, it is left so: for good,
 * or until kernel_control_give_back() if the note says that a predecessor set it.
 *
 * Returns 0 if the bit is set now; -ENOENT: no such sysctl; -EAGAIN: bit 0 is off, and an
 * administrator who turned soft offline off is not overruled; -EOPNOTSUPP: the kernel
 * does not understand the bit, and the value is as before; other negative errno of the
 * file.
 */
int kernel_control_take(struct kernel_sysctl *c);

/**
 * Puts the former value back, if it is ours to. Returns 1 if so; 0 if there is nothing to
 * give back; -ESTALE if somebody has changed the value since: it is left as it is; other
 * negative errno: it is still ours to give back, by this process or the next.
 */
int kernel_control_give_back(struct kernel_sysctl *c);

/**
 * Looks at the value. Returns 1 if it is another than at the last look or write,
 * *ret_before being that one and c->seen the new one; 0 if not, or if none was known yet,
 * *ret_before untouched; negative errno if it cannot be read: c->seen stays.
 */
int kernel_control_poll(struct kernel_sysctl *c, int64_t *ret_before);
