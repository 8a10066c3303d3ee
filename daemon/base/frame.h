/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a page frame is used for, read from its /proc/kpageflags word. The bit numbers are
 * kernel ABI (include/uapi/linux/kernel-page-flags.h); reading the file is not done here.
 */

#include "base/units.h"

/* X(identifier, word, what it means) */
#define FRAME_KIND_LIST(X)                                                               \
	X(UNKNOWN, "unknown", "the kernel does not say")                                 \
	X(FREE, "free", "in the buddy allocator, or just freed")                         \
	X(ANONYMOUS, "anonymous", "anonymous memory of processes")                       \
	X(PAGE_CACHE, "page-cache", "contents of a file, or shared memory")              \
	X(KSM, "ksm", "shared by kernel samepage merging")                               \
	X(THP, "thp", "part of a transparent huge page")                                 \
	X(LARGE_FOLIO, "large-folio", "part of several pages of a file, in one piece")   \
	X(HUGETLB, "hugetlb", "part of a HugeTLB page")                                  \
	X(SLAB, "slab", "kernel slab memory")                                            \
	X(PAGE_TABLE, "page-table", "a page table")                                      \
	X(RESERVED, "reserved", "reserved by kernel or firmware, or the zero page")      \
	X(KERNEL, "kernel", "another page of the kernel, or of a driver")                \
	X(POISONED, "poisoned", "taken out of use before")                               \
	X(ABSENT, "absent", "no page structure: not memory, or offline")

#define X(id, word, help) FRAME_##id,
enum frame_kind { FRAME_KIND_LIST(X) FRAME_KIND_MAX_ };
#undef X

/** What is known of a frame at one moment. */
struct frame {
	uint64_t flags;     /* the kpageflags word; 0 unless @readable */
	uint64_t huge_kib;  /* size of the HugeTLB page around the frame; 0: none */
	uint64_t folio_kib; /* of the folio around a frame with KPF_THP; 0: not known */
	uint64_t thp_kib;   /* size of a whole THP on this machine; 0: not known */
	bool readable;      /* false: kpageflags cannot be read on this machine */
	bool absent;        /* no page structure: past the end, or in an offline block */
	bool in_ram;        /* inside a "System RAM" range of /proc/iomem */
	bool ksm_untrue;    /* this kernel sets KPF_KSM on every anonymous page */
};

/** True if the frame carries KPF_HWPOISON. */
bool frame_is_poisoned(const struct frame *f);

/**
 * The frame's kind; FRAME_UNKNOWN if not readable.
 *
 * The kernel sets KPF_THP on every large folio, whatever its size (fs/proc/page.c; 6.1 too,
 * where XFS has large folios in the page cache since 5.18). FRAME_THP are anonymous ones,
 * and those as large as one entry of the page table's middle level maps. A smaller one of
 * the page cache is FRAME_LARGE_FOLIO: an optimisation of the file system, which nobody
 * asked for and which no user misses. If a size is not known, FRAME_THP.
 */
enum frame_kind frame_kind(const struct frame *f);

/** True for kinds that soft offline cannot move: slab, page-table, reserved, kernel. */
bool frame_kind_is_unmovable(enum frame_kind kind);

/** The word of @kind; "invalid-value" for a number outside the enum. */
const char *frame_kind_to_string(enum frame_kind kind);

/** 0 and *ret set, or -EINVAL with *ret untouched for an unknown word. */
int frame_kind_from_string(const char *word, enum frame_kind *ret);

/** Numbers of the kpageflags bits used here (kernel ABI). */
enum kpf {
	KPF_LOCKED = 0,
	KPF_REFERENCED = 2,
	KPF_LRU = 5,
	KPF_SLAB = 7,
	KPF_BUDDY = 10,
	KPF_MMAP = 11,
	KPF_ANON = 12,
	KPF_SWAPBACKED = 14,
	KPF_COMPOUND_HEAD = 15,
	KPF_COMPOUND_TAIL = 16,
	KPF_HUGE = 17,
	KPF_UNEVICTABLE = 18,
	KPF_HWPOISON = 19,
	KPF_NOPAGE = 20,
	KPF_KSM = 21,
	KPF_THP = 22,
	KPF_OFFLINE = 23,
	KPF_ZERO_PAGE = 24,
	KPF_PGTABLE = 26,
	KPF_RESERVED = 32,
};
