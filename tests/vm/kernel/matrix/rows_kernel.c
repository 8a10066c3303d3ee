// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of frames that belong to the kernel itself, or are no memory at all. All
 * of them must be refused, and nothing may change.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "matrix.h"

#define BIOS     0xf0000ULL
#define LAPIC    0xfee00000ULL
#define TEBIBYTE (1ULL << 40)
#define SECTION  (128ULL << 20) /* what the kernel describes is a multiple of it */

static void slab(struct result *r)
{
	ask_frame(r, first_frame(KPF_SLAB, 0));
}

static void page_table(struct result *r)
{
	ask_frame(r, first_frame(KPF_PGTABLE, 0));
}

static void kernel_code(struct result *r)
{
	ask_frame(r, range_start(": Kernel code") / PAGE + 16);
}

/* The ring of io_uring: the kernel's own page, without a flag, seen by mapping it. */
static void kernel_page(struct result *r)
{
	struct io_uring_params parameters = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &parameters);
	char *map;

	if (ring < 0)
		err(2, "io_uring_setup");
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		   IORING_OFF_SQES);
	if (map == MAP_FAILED)
		err(2, "mmap of the ring");
	ask_frame(r, frame_of(map));
	look_moved(r, map);
}

static void address_zero(struct result *r)
{
	ask_frame(r, 0);
}

static void bios(struct result *r)
{
	ask_frame(r, BIOS / PAGE);
}

static void zero_page(struct result *r)
{
	const char *map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || *(const volatile char *)map)
		err(2, "mmap");
	ask_frame(r, frame_of(map));
	look_moved(r, map);
}

static void huge_zero_page(struct result *r)
{
	const char *map = huge_page_space(1);

	put("/sys/kernel/mm/transparent_hugepage/use_zero_page", "1");
	if (*(const volatile char *)map)
		errx(2, "new memory is not zero");
	ask_frame(r, frame_of(map));
	look_moved(r, map);
}

static void vdso(struct result *r)
{
	const char *page = (const char *)getauxval(AT_SYSINFO_EHDR); // NOLINT

	if (!page)
		errx(2, "no vDSO");
	(void)*(const volatile char *)page;
	ask_frame(r, frame_of(page));
	look_moved(r, page);
}

static void past_the_end(struct result *r)
{
	ask_frame(r, (ram_end() + 2 * SECTION) / SECTION * SECTION / PAGE + 256);
}

static void far_away(struct result *r)
{
	ask_frame(r, TEBIBYTE / PAGE);
}

static void lapic(struct result *r)
{
	ask_frame(r, LAPIC / PAGE);
}

static void all_ones(struct result *r)
{
	ask(r,
	    &(struct request){ .pfn = UINT64_MAX / PAGE, .text = "0xffffffffffffffff" });
}

static const struct row rows[] = {
	{ .name = "slab",
	  .what = "slab",
	  .run = slab,
	  .stock = { "EIO", "0", NULL, NULL, "slab -> slab" },
	  .event = "sysfs slab unhandlable" },
	{ .name = "page-table",
	  .what = "page table",
	  .run = page_table,
	  .stock = { "EIO", "0", NULL, NULL, "pgtable -> pgtable" },
	  .event = "sysfs page-table unhandlable" },
	{ .name = "kernel-code",
	  .what = "kernel image",
	  .run = kernel_code,
	  .stock = { "EIO", "0", NULL, NULL, "reserved -> reserved" },
	  .event = "sysfs reserved unhandlable" },
	{ .name = "kernel-page",
	  .what = "another page of the kernel's (io_uring's ring)",
	  .run = kernel_page,
	  .stock = { "EIO", "0", NULL, "no", "mmap -> mmap" },
	  .event = "sysfs kernel unhandlable" },
	{ .name = "address-zero",
	  .what = "address 0",
	  .run = address_zero,
	  .stock = { "EIO", "0", NULL, NULL, "reserved -> reserved" },
	  .event = "sysfs reserved unhandlable" },
	{ .name = "bios",
	  .what = "BIOS, 0xf0000",
	  .run = bios,
	  .stock = { "EIO", "0", NULL, NULL, "reserved -> reserved" },
	  .event = "sysfs reserved unhandlable" },
	{ .name = "zero-page",
	  .what = "the zero page",
	  .run = zero_page,
	  .stock = { "EIO", "0", NULL, "no", "zero_page,reserved -> zero_page,reserved" },
	  .event = "sysfs zero-page unhandlable" },
	{ .name = "huge-zero-page",
	  .what = "the huge zero page",
	  .run = huge_zero_page,
	  .stock = { "EIO", "0", NULL, "no",
		     "compound_head,thp,zero_page -> compound_head,thp,zero_page" },
	  .event = "sysfs zero-page unhandlable" },
	{ .name = "vdso",
	  .what = "vDSO",
	  .run = vdso,
	  .stock = { "EIO", "0", NULL, "no", "mmap,reserved -> mmap,reserved" },
	  .event = "sysfs reserved unhandlable" },
	{ .name = "past-the-end",
	  .what = "past the end of memory",
	  .run = past_the_end,
	  .stock = { "ENXIO", "0", NULL, NULL, "unknown -> unknown" },
	  .event = "sysfs none invalid-pfn" },
	{ .name = "far-away",
	  .what = "1 TiB",
	  .run = far_away,
	  .stock = { "ENXIO", "0", NULL, NULL, "unknown -> unknown" },
	  .event = "sysfs none invalid-pfn" },
	{ .name = "mmio",
	  .what = "MMIO of the local APIC, 0xfee00000",
	  .run = lapic,
	  .stock = { "ENXIO", "0", NULL, NULL, "unknown -> unknown" },
	  .event = "sysfs none invalid-pfn" },
	{ .name = "all-ones",
	  .what = "0xffffffffffffffff",
	  .run = all_ones,
	  .stock = { "ENXIO", "0", NULL, NULL, "unknown -> unknown" },
	  .event = "sysfs none invalid-pfn" },
};

const struct family kernel_family = FAMILY(rows);
