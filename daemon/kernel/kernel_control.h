/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only door to vm.enable_soft_offline. It reads the value for all other code (also
 * for sysfs_offline.c, which asks whether soft offline is on at all). Where the kernel
 * distinguishes its own initiative, it turns that initiative off and gives it back later.
 *
 * Facts: since 6.11 the value is 0 or 1, and every other value is EINVAL. With the
 * bundled series bit 0 is "on", bit 1 "not for HugeTLB", bit 2 "not on the kernel's own
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
	char note[PATH_MAX]; /* keeps the former value while ours is set */
	char boot_id[BOOT_ID_MAX];
	bool taken;     /* we set the value and must give the former one back */
	int64_t former; /* while @taken */
	int64_t set;    /* while @taken */
	int64_t seen;   /* at the last look; CONTROL_ABSENT, _UNKNOWN */
};

/**
 * Reads the sysctl below @root. Returns 0 and *ret; -ENOENT or -ENOTDIR if
 * this kernel has none; -EBADMSG for a text that is no number; other negative errno.
 */
int kernel_control_read(const char *root, int64_t *ret);

/**
 * Sets up @c. @root is "" in production. @note is the path of a small file that survives
 * a crash of this process and means nothing after a reboot. Changes nothing. Returns 0;
 * -ENAMETOOLONG.
 */
int kernel_control_init(struct kernel_sysctl *c, const char *root, const char *note,
			const char *boot_id);

/**
 * Sets bit 2 and keeps the other bits. A bit 2 that is set already stays set: until
 * kernel_control_give_back() if the note says that a predecessor of this process set it,
 * else for good.
 *
 * Returns 0 if the bit is set now; -ENOENT: no such sysctl; -EAGAIN: bit 0 is off, and we
 * do not overrule an administrator who turned soft offline off; -EOPNOTSUPP: the kernel
 * does not understand the bit, and the value is as before; other negative errno of the
 * file.
 */
int kernel_control_take(struct kernel_sysctl *c);

/**
 * Restores the former value, if we changed it. Returns 1 if it is restored; 0 if there is
 * nothing to restore; -ESTALE if another program has changed the value since: the value
 * stays as it is; other negative errno: this process or the next still has to restore the
 * value.
 */
int kernel_control_give_back(struct kernel_sysctl *c);

/**
 * Looks at the value. Returns 1 if it differs from the value at the last look or write:
 * *ret_before is that value and c->seen the new one. Returns 0, *ret_before untouched, if
 * it is the same or if no value was known yet. Negative errno if it cannot be read:
 * c->seen stays.
 */
int kernel_control_poll(struct kernel_sysctl *c, int64_t *ret_before);
