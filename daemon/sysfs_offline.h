/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room "kernel" writes addresses to the kernel's soft-offline interface and reads
 * what the kernel shows of frames and memory. This is its front door, and pages are
 * retired here. Touch it only for how a frame is looked at or written, never for whether.
 *
 * The only door to soft_offline_page and kpageflags. meminfo, iomem and PSI are read
 * through kernel/sysfs_memory.h, vm.enable_soft_offline through kernel/kernel_control.h.
 * Every path is below a root folder: "" in production, a made-up tree in tests.
 *
 * Facts (include/uapi/linux/kernel-page-flags.h; drivers/base/memory.c;
 * mm/memory-failure.c, read in 6.1): the attribute takes a physical address in C notation
 * and detects the base from the prefix, so only "0x%llx" is unambiguous. It drops the
 * bits below the page. It answers 0 also for a frame that was poisoned already. One write
 * can take seconds.
 */

#include "base/machine.h"
#include "offline_policy.h"

struct sysfs_offline;

/** Files that may fail to be read. A failure is reported, never taken for a finding. */
enum memory_file {
	MEMORY_FILE_SWITCH,    /* vm.enable_soft_offline */
	MEMORY_FILE_RELEASE,   /* the kernel's release */
	MEMORY_FILE_ATTRIBUTE, /* soft_offline_page: whether it can be written */
	MEMORY_FILE_FLAGS,     /* kpageflags */
	MEMORY_FILE_MEMINFO,
	MEMORY_FILE_PRESSURE,
	MEMORY_FILE_IOMEM, /* only root sees its contents: no error */
	MEMORY_FILE_MAX_,
};

/** How a frame is retired: through the kernel's interface, or by a driver that only says
 * what it would do. */
struct offline_driver {
	const char *name; /* "kernel", "dry-run" */
	/**
	 * Retires @p and fills *ret, the frame's state before and after included. Blocks
	 * until the kernel has answered.
	 *
	 * It looks at the frame right before the write. A frame that @rule forbids by now
	 * is not touched, and ret->changed says so; a frame that was poisoned in between
	 * is not touched either. @rule may be NULL: no rule. @ctx is a struct
	 * sysfs_offline; it reads the map of RAM again if the size of memory has changed.
	 * @follows: this attempt comes right after another attempt with the same @ctx,
	 * and uses the sample of meminfo that the earlier attempt took at its end.
	 */
	void (*offline)(struct sysfs_offline *ctx, pfn_t p,
			const struct policy_rule *rule, bool follows,
			struct offline_answer *ret);
};

extern const struct offline_driver offline_driver_kernel;
extern const struct offline_driver offline_driver_dry_run;

/**
 * Opens the files that stay open (kpageflags; meminfo, PSI and the attribute on first
 * use). @page_shift is the running kernel's. A missing file is no failure: the state
 * functions show it. Returns 0 and *ret; -ENOMEM.
 */
int sysfs_offline_new(struct sysfs_offline **ret, const char *root,
		      unsigned int page_shift);
struct sysfs_offline *sysfs_offline_free(struct sysfs_offline *s);

/** The frame as it is now: kpageflags, HugeTLB size, System RAM by the last map read. */
struct frame sysfs_offline_frame(struct sysfs_offline *s, pfn_t p);

/**
 * True if this kernel sets KPF_KSM on every anonymous page (kernel/own_page.h): the bit is
 * then ignored, and a merged page counts as anonymous.
 */
bool sysfs_offline_ksm_untrue(const struct sysfs_offline *s);

/** HardwareCorrupted in KiB, or -1. */
int64_t sysfs_offline_poisoned_kib(struct sysfs_offline *s);

/** Memory now; a value that cannot be read is marked so, and 0. */
struct machine sysfs_offline_machine(struct sysfs_offline *s);

/** Attribute present, sysctl, kernel 5.10 or later; what cannot be read is not known. */
struct kernel_state sysfs_offline_kernel(struct sysfs_offline *s);

/**
 * Result of the last reading of @file: 0, also if this kernel has no such file; negative
 * errno (-EBADMSG: the text is not understood).
 */
int sysfs_offline_error(const struct sysfs_offline *s, enum memory_file file);

/** The path of @file, without the root (static text). */
const char *sysfs_offline_path(enum memory_file file);

/**
 * Reads "System RAM" of /proc/iomem again. map.known is false if the file cannot be read,
 * or if it shows zeros only, as it does to a process without CAP_SYS_ADMIN. More than
 * MAX_RAM_RANGES ranges: neighbours with the smallest gaps are joined. If the file cannot
 * be read, the map from the last successful read stays.
 */
void sysfs_offline_ram_map(struct sysfs_offline *s, struct ram_map *ret);

/** KiB of memory online (MemTotal); 0 if unknown. Changes when memory blocks come or
 * go. */
uint64_t sysfs_offline_mem_total_kib(struct sysfs_offline *s);
