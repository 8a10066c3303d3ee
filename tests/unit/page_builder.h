/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Builds raw ring-buffer pages as read() on trace_pipe_raw returns them, with events laid
 * out as Debian's kernel 6.1 (amd64) does, for tests and the benchmark. The page's words
 * are in host order.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event_source.h"

#define PAGE_BUILDER_MAX 65536

/* As in the texts of tests/data/trace/debian-6.1. */
#define PAGE_BUILDER_MC_ID      1227
#define PAGE_BUILDER_FAILURE_ID 1223
/* Of the patched kernel. */
#define PAGE_BUILDER_SOFT_ID 1224
#define PAGE_BUILDER_MCE_ID  123

/** What to put into one mc_event; strings may be NULL for "". */
struct mc_sample {
	uint64_t address;
	uint64_t syndrome;
	uint32_t error_type;
	uint16_t count;
	uint8_t mc;
	uint8_t grain_bits;
	int8_t layer[3];
	const char *msg;
	const char *label;
	const char *detail;
};

/** What to put into one soft_offline_event: the kernel's own numbers. */
struct soft_sample {
	uint64_t pfn;
	int32_t origin;  /* 0 sysfs, 1 madvise, 2 kernel */
	int32_t kind;    /* 0 unknown, 2 free, 5 anon, 10 slab; see page_builder.c */
	int32_t outcome; /* 2 dropped, 3 migrated, 4 already-poisoned, 10 not-migrated */
	int32_t error;   /* negative */
	uint64_t usecs;
	int32_t pid;
};

/** What to put into one mce_record. */
struct mce_sample {
	uint64_t mcgcap, status, addr, misc, ipid;
	uint32_t cpu, cpuid, socketid;
	uint8_t bank, cpuvendor;
};

struct page_builder {
	uint8_t bytes[PAGE_BUILDER_MAX];
	size_t size;      /* of the whole page */
	size_t used;      /* of its data */
	uint64_t time_ns; /* of the last record */
};

/** The texts that a kernel with these pages shows: header_page (4096-byte pages), format
 * of mc_event, of memory_failure_event, of soft_offline_event and of mce_record: as Debian
 * 13's kernel 6.12 has it, and as kernel 7.2 with the array v_data. */
extern const char page_builder_header_page[];
extern const char page_builder_mc_format[];
extern const char page_builder_failure_format[];
extern const char page_builder_soft_format[];
extern const char page_builder_mce_format[];
extern const char page_builder_mce_array_format[];

/** The format text of each event source. */
extern const char *const page_builder_formats[EVENT_SOURCE_MAX_];

/** An empty page of @size bytes (at most PAGE_BUILDER_MAX), its time stamp in ns. */
void page_builder_init(struct page_builder *b, size_t size, uint64_t time_ns);

/**
 * Appends an event with @len bytes of @data, rounded up to words, at @time_ns (not before
 * the last one); writes a time extend first if the distance needs one.
 *
 * Returns false and changes nothing if it does not fit.
 */
bool page_builder_event(struct page_builder *b, uint64_t time_ns, const void *data,
			size_t len);

/** The same for an mc_event. */
bool page_builder_mc(struct page_builder *b, uint64_t time_ns,
		     const struct mc_sample *sample);

/** The same for a memory_failure_event. */
bool page_builder_failure(struct page_builder *b, uint64_t time_ns, uint64_t pfn,
			  int32_t type, int32_t result);

/** The same for a soft_offline_event. */
bool page_builder_soft(struct page_builder *b, uint64_t time_ns,
		       const struct soft_sample *sample);

/** The same for an mce_record; @array: with v_data, of 16 bytes. */
bool page_builder_mce(struct page_builder *b, uint64_t time_ns,
		      const struct mce_sample *sample, bool array);

/** Appends a discarded event of @len bytes (a multiple of 4, at least 8 in all). */
bool page_builder_discarded(struct page_builder *b, uint64_t time_ns, size_t len);

/** Appends an absolute time stamp: sets the time, which may go back. */
bool page_builder_time_stamp(struct page_builder *b, uint64_t time_ns);

/** Appends the padding that ends a page (no delta, no length). */
bool page_builder_end_padding(struct page_builder *b);

/** Writes the commit word; call it last, or again after more events. */
void page_builder_finish(struct page_builder *b);

/** The same for a page before which @lost events were lost; the number is left out if
 * there is no room or @lost is 0. */
void page_builder_finish_lost(struct page_builder *b, uint64_t lost);
