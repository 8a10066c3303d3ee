/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The part of sysfs_offline's door that concerns the machine as a whole: /proc/meminfo,
 * /proc/iomem, PSI, the kernel's release. For sysfs_offline.c and the doctor; all other
 * code uses sysfs_offline.h. Every path is below @root, "" in production.
 */

#include "base/machine.h"

#define KERNEL_RELEASE_MAX 128

/** What /proc/meminfo says, in KiB; -1: there is no such line. */
struct meminfo {
	int64_t total_kib;     /* MemTotal */
	int64_t available_kib; /* MemAvailable */
	int64_t poisoned_kib;  /* HardwareCorrupted */
};

/**
 * Reads /proc/meminfo once. *fd is -1 or the result of an earlier call: the file is
 * opened if it is not open yet, and stays open for the next call; the caller closes it. A
 * read at offset 0 makes the kernel write a new text (fs/seq_file.c, 6.1). Returns 0 and
 * *ret; negative errno, and nothing in *ret.
 */
int sysfs_memory_info(int *fd, const char *root, struct meminfo *ret);

/**
 * PSI "some avg10" of /proc/pressure/memory in hundredths of a percent. *fd as above.
 * Returns 0 and *ret; -ENODATA if the text is not understood; negative errno (-ENOENT or
 * -EOPNOTSUPP: kernel without PSI, or with psi=0).
 */
int sysfs_memory_pressure(int *fd, const char *root, uint32_t *ret);

/**
 * "System RAM" of /proc/iomem; see sysfs_offline_ram_map(). Fills *ret in any case.
 * Returns 0; negative errno if the file cannot be read to its end: *ret is then "not
 * known".
 */
int sysfs_memory_ram_map(const char *root, struct ram_map *ret);

/**
 * Whether the memory block around @a is offline: its frames then have no page structure,
 * although /proc/iomem still calls the range System RAM. Facts (drivers/base/memory.c, 6.1
 * to 7.3): memoryN is the block that begins at N times block_size_bytes, and its state is
 * "online", "going-offline" (its pages are still in use) or "offline".
 *
 * Returns 1 or 0; negative errno: not known (-ENOENT: a kernel without
 * CONFIG_MEMORY_HOTPLUG, or a block that is not there; -EBADMSG: not understood).
 */
int sysfs_memory_block_is_offline(const char *root, paddr_t a);

/**
 * The kernel's release as uname -r prints it, from /proc/sys/kernel/osrelease.
 * Returns 0, or negative errno (-ENODATA: empty).
 */
int sysfs_memory_release(const char *root, char ret[KERNEL_RELEASE_MAX]);

/** True if @release is @major.@minor or later; false if it is no release. */
bool release_at_least(const char *release, unsigned int major, unsigned int minor);
