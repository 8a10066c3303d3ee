/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room "kernel" writes addresses to the kernel's soft-offline interface and reads
 * what the kernel shows of frames and memory. This is its front door, and it is where
 * pages are retired; touch it only for how a frame is looked at or written, never for
 * whether.
 *
 * The only door to soft_offline_page and kpageflags; meminfo, iomem and PSI are read
 * through kernel/sysfs_memory.h, vm.enable_soft_offline through kernel/kernel_control.h.
 * Every path is below a root folder, "" in production, a made-up tree in tests.
 *
 * Facts (include/uapi/linux/kernel-page-flags.h; drivers/base/memory.c;
 * mm/memory-failure.c, read in 6.1): the attribute takes a physical address in C
 * notation, base detected from its prefix, so only "0x%llx" is unambiguous; it drops the
 * bits below the page; it answers 0 also for a frame that was poisoned already; one write
 * can take seconds.
 */

#include "base/machine.h"
#include "offline_policy.h"

struct sysfs_offline;

/** Files whose reading may fail. A failure is reported, never taken for a finding. */
enum memory_file {
	MEMORY_FILE_SWITCH,    /* vm.enable_soft_offline */
	MEMORY_FILE_RELEASE,   /* the kernel's release */
	MEMORY_FILE_ATTRIBUTE, /* soft_offline_page: whether it can be written */
	MEMORY_FILE_FLAGS,     /* kpageflags */
	MEMORY_FILE_MEMINFO,
	MEMORY_FILE_PRESSURE,
	MEMORY_FILE_IOMEM, /* only root is shown what stands in it: no error */
	MEMORY_FILE_MAX_,
};

/** How a frame is retired: the kernel's interface, or a driver that only says what it
 * would do. */
struct offline_driver {
	const char *name; /* "kernel", "dry-run" */
	/**
	 * Retires @p and fills *ret, the frame's state before and after included. Blocks
	 * until the kernel has answered. It looks at the frame right before: one that
	 * @rule forbids by now is not touched, and ret->changed says so; nor is one that
	 * was poisoned meanwhile. @rule may be NULL: none. @ctx is a struct
	 * sysfs_offline; it reads the map of RAM again if the size of memory has changed.
	 * @follows: this attempt comes right after another one with the same @ctx; it
	 * uses the sample of meminfo that the other one took at its end.
	 */
	void (*offline)(struct sysfs_offline *ctx, pfn_t p,
			const struct policy_rule *rule, bool follows,
			struct offline_answer *ret);
};

extern const struct offline_driver offline_driver_kernel;
extern const struct offline_driver offline_driver_dry_run;

/**
 * Opens what stays open (kpageflags; meminfo, PSI and the attribute on first use).
 * @page_shift is of the running kernel. Files that are missing are no failure: the state
 * functions show that. Returns 0 and *ret; -ENOMEM.
 */
int sysfs_offline_new(struct sysfs_offline **ret, const char *root,
		      unsigned int page_shift);
struct sysfs_offline *sysfs_offline_free(struct sysfs_offline *s);

/** The frame as it is now: kpageflags, HugeTLB size, System RAM by the map read last. */
struct frame sysfs_offline_frame(struct sysfs_offline *s, pfn_t p);

/** HardwareCorrupted in KiB, or -1. */
int64_t sysfs_offline_poisoned_kib(struct sysfs_offline *s);

/** Memory now; what cannot be read is marked so, and 0. */
struct machine sysfs_offline_machine(struct sysfs_offline *s);

/** Attribute there, sysctl, kernel 5.10 or later; what cannot be read is not known. */
struct kernel_state sysfs_offline_kernel(struct sysfs_offline *s);

/**
 * How the last reading of @file went: 0, also if this kernel has no such file; negative
 * errno (-EBADMSG: the text is not understood).
 */
int sysfs_offline_error(const struct sysfs_offline *s, enum memory_file file);

/** The path of @file, without the root (static text). */
const char *sysfs_offline_path(enum memory_file file);

/**
 * Reads "System RAM" of /proc/iomem again. map.known is false if it cannot be read or
 * shows zeros only, as it does to a process without CAP_SYS_ADMIN. More than
 * MAX_RAM_RANGES ranges: neighbours with the smallest gaps are joined. If the file cannot
 * be read, the map is the one that was read before.
 */
void sysfs_offline_ram_map(struct sysfs_offline *s, struct ram_map *ret);

/** KiB of memory online (MemTotal); 0 if unknown. It moves when memory blocks come or go.
 */
uint64_t sysfs_offline_mem_total_kib(struct sysfs_offline *s);
