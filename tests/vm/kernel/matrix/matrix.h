/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matrix: one row for each situation that a page can be in when its frame
 * is to be soft-offlined, and what the kernel made of it.
 *
 * A row is a function that brings a page into its situation, asks once, and
 * looks what became of the data. It runs as a process of its own, whose end
 * gives back whatever it took; what it cannot set up ends it with a status.
 * Everything seen is noted as text, so that the table of expectations, the TSV
 * and the published table hold the same words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pagemap.h"

#define PAGE      GUEST_PAGE_SIZE
#define HUGE_SIZE (2UL << 20)
#define GIANT     (1UL << 30)

/* Where test.sh mounts what the rows of the page cache need. */
#define EXT4_DIR  "/mnt/ext4"
#define TMPFS_DIR "/mnt/tmpfs"
#define RAMFS_DIR "/mnt/ramfs"
#define DISK      "/dev/vda"

/* <linux/kernel-page-flags.h>, and the kernel's own bit 32. */
#define KPF_LRU      (1ULL << 5)
#define KPF_SLAB     (1ULL << 7)
#define KPF_BUDDY    (1ULL << 10)
#define KPF_MMAP     (1ULL << 11)
#define KPF_HUGE     (1ULL << 17)
#define KPF_HWPOISON (1ULL << 19)
#define KPF_NOPAGE   (1ULL << 20)
#define KPF_THP      (1ULL << 22)
#define KPF_PGTABLE  (1ULL << 26)
#define KPF_RESERVED (1ULL << 32)

#define SOFT_OFFLINE "/sys/devices/system/memory/soft_offline_page"
#define UNPOISON     "/sys/kernel/debug/hwpoison/unpoison-pfn"

/* What was seen; "-" where there is nothing to see. */
struct result {
	uint64_t pfn;
	char answer[24];   /* "OK" or the errno's name */
	char counted[16];  /* step of HardwareCorrupted in pages: "+1", "0" */
	char data[16];     /* "intact" or "CHANGED" */
	char moved[8];     /* "yes": the mapping has another frame now; "no" */
	char flags[168];   /* of the frame, "before -> after" */
	char pool[48];     /* huge pages, "total/free before -> after" */
	char event[96];    /* "origin kind outcome", or "2 events" */
	char counter[64];  /* the per-node file that moved */
	char trouble[240]; /* what contradicts itself; empty if nothing does */
};

/* What should be seen; NULL stands for "-". */
struct expect {
	const char *answer;
	const char *counted;
	const char *data;
	const char *moved;
	const char *flags;
	const char *pool;
};

/* Flags of an anonymous page: in use, in use and once unmapped, retired. */
#define ANON         "uptodate,lru,mmap,anon,swapbacked"
#define ANON_DIRTY   "uptodate,dirty,lru,mmap,anon,swapbacked"
#define ANON_RETIRED "uptodate,dirty,anon,swapbacked,hwpoison"

enum boot { BOOT_SMALL, BOOT_GIANT };

struct row {
	const char *name; /* for scripts: lower case and hyphens */
	const char *what; /* for readers */
	void (*run)(struct result *r);
	struct expect stock;
	struct expect patched; /* only if .answer is set; else as stock */
	const char *event;     /* NULL: no request reaches the kernel */
	enum boot boot;
	bool patched_only;
	/* Frames that stay counted on the stock kernel, but have no flag any more. */
	int lost_on_stock;
};

struct family {
	const struct row *rows;
	size_t n;
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))
/* clang-format off */
#define FAMILY(a) { (a), ARRAY_SIZE(a) }
/* clang-format on */

extern const struct family cache_family, exec_family, anon_family, thp_family;
extern const struct family huge_family, pinned_family, kernel_family, free_family;
extern const struct family access_family, block_family, control_family;

/* ---- measure.c: one request, and what is seen around it ---- */

/* How to ask. Only pfn is needed: its address goes to the attribute. */
struct request {
	uint64_t pfn;     /* the frame that is watched */
	const char *path; /* default: SOFT_OFFLINE */
	const char *text; /* default: the address as 0x and hex digits */
	void *madvise;    /* if set: MADV_SOFT_OFFLINE of this page instead */
	/* If set: this instead, in a process of its own; returns 0 or an errno. */
	int (*instead)(void *argument);
	/* If set: the last thing before the frame is looked at. */
	void (*before)(void *argument);
	void *argument;
};

/* Opens everything that is read around a request; once, before the rows. */
void measure_open(void);

/* Pages of HardwareCorrupted in /proc/meminfo. */
long poisoned_pages(void);

/* The pool whose size is noted: "hugepages-2048kB" unless set otherwise. */
void watch_pool(const char *name);

/* Ask, and fill in everything of r but data and moved. Returns 0 or the errno. */
int ask(struct result *r, const struct request *q);

/* Ask by the attribute for one frame. */
int ask_frame(struct result *r, uint64_t pfn);

/* Note in r->trouble; the first few words are kept. */
void trouble(struct result *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Note whether data is intact; one CHANGED cannot be taken back. */
void data_is(struct result *r, bool intact);

/* Note whether the present page at this address has another frame than r->pfn. */
void look_moved(struct result *r, const void *page);

/* ---- frames.c: frames, flags, patterns, files ---- */

void frames_open(void);

/* Frame of a present page of this process, or of another. */
uint64_t frame_of(const void *page);
uint64_t frame_in(pid_t pid, const void *page);

/* Flags of a frame; false where the kernel knows none. */
bool frame_flags(uint64_t pfn, uint64_t *ret_flags);

/* The stable ones of a frame's flags, as words with commas. */
void flags_text(uint64_t pfn, char *text, size_t size);

/* All flags from frame 0 on, on the heap. */
struct frame_map {
	uint64_t *flags;
	size_t n;
};
struct frame_map all_frames(void);

/* First or last frame with all bits of `with` and none of `without`; fatal if none. */
uint64_t first_frame(uint64_t with, uint64_t without);

/* End of the highest System RAM, and start of the named range, of /proc/iomem. */
uint64_t ram_end(void);
uint64_t range_start(const char *name);

/* Let no page linger on a CPU's list of pages to be put on the LRU. */
void settle(void);

/* A page's pattern depends on its index alone; memory may be several pages. */
void fill(void *memory, size_t pages);
bool intact(const void *memory, size_t pages);

/* Anonymous memory, filled; aligned to 2 MiB and huge if it can be. */
void *small_pages(size_t pages);
void *huge_page_space(size_t huge_pages);

/* A file of filled pages, open for reading and writing, written to its disk. */
int make_file(const char *folder, size_t pages);
bool file_intact(int fd, size_t pages);
void *map_file(int fd, size_t pages, int protection);
uint64_t cached_frame(int fd, size_t page);

/* Write text to a file of /sys or /proc; fatal unless it works. */
void put(const char *path, const char *text);
void put_number(const char *path, long number);
/* Returns 0 or the errno. */
int try_put(const char *path, const char *text);
long get_number(const char *path);

/* Fork a process that ends with what the function returns; wait for such a one. */
pid_t spawn(int (*function)(void *argument), void *argument);
int reap(pid_t pid);

/* ---- trace.c: the event and the counters per node ---- */

/* True if the kernel has the event, which is enabled in an instance of our own. */
bool trace_open(void);
void trace_clear(void);

struct event {
	unsigned int n; /* how many there were; the rest describes the last */
	uint64_t pfn;
	char origin[24], kind[32], outcome[32];
	long error, usecs;
};
struct event trace_read(void);

/* True if the kernel has the counters. */
bool counters_before(void);
/* The one file that moved since, its node, and by how much; returns how many moved. */
unsigned int counters_moved(char *name, size_t size, int *ret_node, long *ret_by);
int node_of_frame(uint64_t pfn);

/* ---- kmsg.c ---- */

void kmsg_open(void);
/* Read on to the end; true and the first line if there was a splat. */
bool kmsg_splat(char *line, size_t size);
