/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Facts about the machine and its kernel, as the doors find them and the policy weighs
 * them: where System RAM is, how much memory is free, what the kernel's soft-offline
 * interface can do, and what it answered. Plain structs; nothing is read here.
 */

#include "base/frame.h"
#include "base/units.h"

/** A range of "System RAM" in bytes; @end is the last byte, as in /proc/iomem. */
struct ram_range {
	paddr_t start;
	paddr_t end;
};

#define MAX_RAM_RANGES 256

struct ram_map {
	struct ram_range ranges[MAX_RAM_RANGES]; /* ascending, not overlapping */
	unsigned int n;
	bool known; /* false: the map cannot be read; every address passes for RAM */
};

/** Something that is so or not; what cannot be read is neither. */
enum fact {
	FACT_UNKNOWN,
	FACT_NO,
	FACT_YES,
};

/** vm.enable_soft_offline, bit 0. */
enum soft_switch {
	SWITCH_UNKNOWN, /* cannot be read */
	SWITCH_OFF,
	SWITCH_ON,
	SWITCH_ABSENT, /* this kernel has none: it cannot be off */
};

/** State of the kernel's interface that concerns everything we do. */
struct kernel_state {
	enum fact soft_offline; /* the attribute is there and writable */
	enum soft_switch enabled;
	/* 5.10 or later: retired pages never return to the allocator. */
	enum fact supported;
	/* The kernel's own collector of corrected errors (RAS_CEC) offlines pages, too. */
	enum fact collector_acts;
};

/** True if pages may be offlined: nothing of @k is in the way, and all of it is known. */
static inline bool kernel_state_usable(const struct kernel_state *k)
{
	return k->soft_offline == FACT_YES && k->supported == FACT_YES &&
	       (k->enabled == SWITCH_ON || k->enabled == SWITCH_ABSENT);
}

/** The machine, as far as the budgets ask. */
struct machine {
	uint64_t ram_pages;
	unsigned int page_shift;
	uint64_t available_kib; /* MemAvailable */
	uint32_t pressure;      /* PSI memory "some avg10", in hundredths of a percent */
	bool pressure_known;    /* false: the kernel has no PSI, or: */
	bool pressure_unread;   /* it has, and it could not be read */
	bool unread; /* memory could not be read: nothing above says anything */
};

/** What the kernel answered to one write, and what the frame looked like around it. */
struct offline_answer {
	int error; /* errno of open or write, 0 */
	struct frame before;
	struct frame after;
	int64_t duration_usec;
	int64_t poisoned_before_kib; /* HardwareCorrupted of /proc/meminfo; -1: unknown */
	int64_t poisoned_after_kib;
	bool dry_run;    /* nothing was written */
	bool called_off; /* nothing was written, and nothing else here means anything */
	bool changed;    /* nothing was written: policy_check_frame() forbids @before */
};

/** Bytes in @map. */
uint64_t ram_map_bytes(const struct ram_map *map);

/** Fingerprint of @map (fingerprint.h); 0 if the map is not known. */
int64_t ram_map_print(const struct ram_map *map);

/** True if the byte at @a lies in @map, or the map is not known. */
bool ram_map_contains(const struct ram_map *map, paddr_t a);

/** True if memory lies above 4 GiB, or if that is not known. */
bool ram_map_passes_32_bits(const struct ram_map *map);
