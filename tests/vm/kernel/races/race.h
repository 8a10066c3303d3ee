/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the race program share: the kernel's files (kernel.c), the
 * workers that take pages away (churn.c) and the memory hog (hog.c). Nothing
 * here returns when the VM is not as it must be: the program ends with 2.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGE_SIZE    (2UL << 20)
#define MAX_WORKERS  16
#define REQUEST_COMM "race-request"

/* What the workers do over and over. */
enum churn {
	CHURN_SMALL, /* take up to 2 MiB of 4K pages and give them back */
	CHURN_POOL,  /* take a HugeTLB page and give it back */
	CHURN_THP,   /* take transparent huge pages and give them back */
	CHURN_SPLICE /* hold the shared page in a pipe for a moment */
};

/* Seen by the race program and all its workers. */
struct churn_shared {
	atomic_bool stop;
	atomic_uint started;   /* workers that have been once through their loop */
	atomic_ulong loops;    /* all loops of all workers */
	atomic_ulong data_bad; /* words that were not as the worker wrote them */
};

/*
 * Start n workers (processes of their own: a worker that shared our page tables
 * would wait for us whenever it gives memory back) and wait until each has been
 * through its loop once. page is what CHURN_SPLICE holds, else NULL.
 */
struct churn_shared *churn_start(enum churn what, unsigned int n, const void *page);

/* Stop them all and wait; ends the program if one of them failed. */
void churn_stop(struct churn_shared *shared);

/*
 * Ask for a soft offline of the frame by sysfs. 0 or a negative errno, as the
 * kernel answered.
 */
int soft_offline(uint64_t pfn);

/* Whether /proc/kpageflags calls the frame poisoned. */
bool frame_poisoned(uint64_t pfn);

/*
 * Give a frame back by hwpoison/unpoison-pfn in debugfs, so that thousands of
 * rounds fit into a small VM. False if the kernel would not.
 */
bool frame_unpoison(uint64_t pfn);

/* All 2 MiB pages of the pool, surplus ones too. */
unsigned long pool_size(void);

/* Ask for a pool of n pages and return how many there are then. */
unsigned long pool_resize(unsigned long n);

/*
 * Lock all memory and give it back in holes of one page. hog_whole_blocks() must
 * follow, since here and there a whole block remains.
 */
void hog_fragment(void);

/*
 * Put all whole blocks into the pool, until no fresh huge page can be had any
 * more. Returns the size of the pool then.
 */
unsigned long hog_whole_blocks(void);

/* What the word must be at this place in round seed; neighbours share nothing. */
static inline uint64_t pattern(uint64_t seed, size_t word)
{
	uint64_t z = (seed * 0x100000001b3ULL + word + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}
