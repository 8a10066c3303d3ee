// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of who may ask, and of the number formats that the attribute takes. The
 * page is an ordinary one, so that a request that gets through succeeds.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "matrix.h"

#define PAGES  64
#define NOBODY 65534

static char *memory;

static void finish(struct result *r, uint64_t pfn)
{
	data_is(r, intact(memory, PAGES));
	for (size_t page = 0; page < PAGES; page++)
		if (frame_of(memory + page * PAGE) == pfn)
			strcpy(r->moved, "no");
	if (strcmp(r->moved, "no") != 0)
		strcpy(r->moved, "yes");
}

static uint64_t some_page(void)
{
	memory = small_pages(PAGES);
	settle();
	return frame_of(memory + PAGE);
}

/* What the asking process can do, it gives up; then the row's process has it no more. */
static void give_up_root(void *unused)
{
	(void)unused;
	if (syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY))
		err(2, "setresuid");
}

static void give_up_sys_admin(void *unused)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	(void)unused;
	if (syscall(SYS_capget, &header, data))
		err(2, "capget");
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &header, data))
		err(2, "capset");
}

/* Run the request in a child, so that this process can still look at frames. */
struct attempt {
	void (*give_up)(void *unused);
	const char *text;
	void *page;
};

static int attempt(void *argument)
{
	const struct attempt *a = argument;

	a->give_up(NULL);
	if (!a->page)
		return try_put(SOFT_OFFLINE, a->text);
	return syscall(SYS_madvise, a->page, PAGE, MADV_SOFT_OFFLINE) ? errno : 0;
}

static void ask_without(struct result *r, void (*give_up)(void *), bool by_madvise)
{
	uint64_t pfn = some_page();
	char text[32];
	struct attempt a = { .give_up = give_up, .text = text };

	snprintf(text, sizeof(text), "0x%" PRIx64, pfn * PAGE);
	if (by_madvise)
		a.page = memory + PAGE;
	ask(r, &(struct request){ .pfn = pfn, .instead = attempt, .argument = &a });
	finish(r, pfn);
}

static void not_root(struct result *r)
{
	ask_without(r, give_up_root, false);
}

static void no_sys_admin(struct result *r)
{
	ask_without(r, give_up_sys_admin, false);
}

static void madvise_not_root(struct result *r)
{
	ask_without(r, give_up_root, true);
}

static void ask_number(struct result *r, const char *format)
{
	uint64_t pfn = some_page();
	char text[64];

	snprintf(text, sizeof(text), format, pfn * PAGE);
	ask(r, &(struct request){ .pfn = pfn, .text = text });
	finish(r, pfn);
}

static void hexadecimal(struct result *r)
{
	ask_number(r, "0x%" PRIx64);
}

static void upper_case(struct result *r)
{
	ask_number(r, "0X%" PRIX64);
}

static void newline(struct result *r)
{
	ask_number(r, "0x%" PRIx64 "\n");
}

static void decimal(struct result *r)
{
	ask_number(r, "%" PRIu64);
}

static void octal(struct result *r)
{
	ask_number(r, "0%" PRIo64);
}

/* Of digits alone it would be another page's decimal address. */
static void bare_hexadecimal(struct result *r)
{
	char text[32];
	size_t page = 0;
	uint64_t pfn;

	some_page();
	do {
		pfn = frame_of(memory + page * PAGE);
		snprintf(text, sizeof(text), "%" PRIx64, pfn * PAGE);
	} while (!strpbrk(text, "abcdef") && ++page < PAGES);
	ask(r, &(struct request){ .pfn = pfn, .text = text });
	finish(r, pfn);
}

static void prefix_alone(struct result *r)
{
	ask_number(r, "0x");
}

static void minus_one(struct result *r)
{
	ask_number(r, "-1");
}

static void two_numbers(struct result *r)
{
	ask_number(r, "0x%1$" PRIx64 " 0x%1$" PRIx64);
}

static void leading_blank(struct result *r)
{
	ask_number(r, " 0x%" PRIx64);
}

static void too_large(struct result *r)
{
	ask_number(r, "0x1ffffffffffffffff");
}

static void empty(struct result *r)
{
	ask_number(r, "");
}

static void newline_alone(struct result *r)
{
	ask_number(r, "\n");
}

static const struct row rows[] = {
	{ .name = "not-root",
	  .what = "not root",
	  .run = not_root,
	  .stock = { "EACCES", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "no-sys-admin",
	  .what = "root without CAP_SYS_ADMIN",
	  .run = no_sys_admin,
	  .stock = { "EPERM", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "madvise-not-root",
	  .what = "madvise, not root",
	  .run = madvise_not_root,
	  .stock = { "EPERM", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "number-0x",
	  .what = "number: 0x and digits",
	  .run = hexadecimal,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "number-upper",
	  .what = "number: 0X and upper case",
	  .run = upper_case,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "number-newline",
	  .what = "number: with a newline",
	  .run = newline,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "number-decimal",
	  .what = "number: decimal",
	  .run = decimal,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "number-octal",
	  .what = "number: octal, for its leading 0",
	  .run = octal,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "number-bare-hex",
	  .what = "number: hexadecimal without 0x",
	  .run = bare_hexadecimal,
	  .stock = { "EINVAL", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "number-prefix",
	  .what = "number: 0x alone",
	  .run = prefix_alone,
	  .stock = { "EINVAL", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "number-negative",
	  .what = "number: -1",
	  .run = minus_one,
	  .stock = { "EINVAL", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "number-two",
	  .what = "number: two of them",
	  .run = two_numbers,
	  .stock = { "EINVAL", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "number-blank",
	  .what = "number: a blank before it",
	  .run = leading_blank,
	  .stock = { "EINVAL", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "number-overflow",
	  .what = "number: more than 64 bits",
	  .run = too_large,
	  .stock = { "EINVAL", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "number-empty",
	  .what = "number: nothing",
	  .run = empty,
	  .stock = { "OK", "0", "intact", "no", ANON " -> " ANON } },
	{ .name = "number-newline-only",
	  .what = "number: a newline alone",
	  .run = newline_alone,
	  .stock = { "EINVAL", "0", "intact", "no", ANON " -> " ANON } },
};

const struct family access_family = FAMILY(rows);
