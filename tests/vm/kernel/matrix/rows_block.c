// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of memory blocks: a frame of one that is offline, and what becomes of a
 * poisoned frame whose block goes offline and comes back.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "matrix.h"

#define MEMORY  "/sys/devices/system/memory"
#define CORRUPT "/sys/kernel/debug/hwpoison/corrupt-pfn"

static unsigned long long block_size(void)
{
	FILE *file = fopen(MEMORY "/block_size_bytes", "re");
	unsigned long long size;

	if (!file || fscanf(file, "%llx", &size) != 1)
		errx(2, "block_size_bytes cannot be read");
	fclose(file);
	return size;
}

static void block_file(char *path, size_t size, unsigned long long block,
		       const char *name)
{
	snprintf(path, size, MEMORY "/memory%llu/%s", block, name);
}

static bool is_movable(unsigned long long block)
{
	char path[96], zones[64] = "";
	FILE *file;

	block_file(path, sizeof(path), block, "valid_zones");
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(zones, sizeof(zones), file))
		zones[0] = '\0';
	fclose(file);
	return !strcmp(zones, "Movable\n");
}

static bool has_reserved(unsigned long long block)
{
	struct frame_map map = all_frames();
	uint64_t pages = block_size() / PAGE, start = block * pages;
	bool reserved = start + pages > map.n;

	for (uint64_t pfn = start; !reserved && pfn < start + pages; pfn++)
		reserved = map.flags[pfn] & (KPF_RESERVED | KPF_NOPAGE);
	free(map.flags);
	return reserved;
}

/*
 * The last block of a movable zone without anything that is there to stay: holes
 * and what was reserved at boot.
 */
static unsigned long long movable_block(void)
{
	unsigned long long block = ram_end() / block_size();

	while (block && (!is_movable(block) || has_reserved(block)))
		block--;
	if (!block)
		errx(2, "no movable memory block: boot with movablecore=");
	return block;
}

/* Pages may be on their way somewhere: a few tries, as an administrator would. */
static void set_state(unsigned long long block, const char *state)
{
	char path[96];
	int error = 0;

	block_file(path, sizeof(path), block, "state");
	for (int i = 0; i < 10; i++) {
		error = try_put(path, state);
		if (!error)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	}
	errx(2, "block %llu %s: %s", block, state, strerror(error));
}

static uint64_t frame_in_block(unsigned long long block, uint64_t at)
{
	return block * block_size() / PAGE + at;
}

static void offline_block(struct result *r)
{
	unsigned long long block = movable_block();

	set_state(block, "offline");
	ask_frame(r, frame_in_block(block, 777));
	set_state(block, "online");
}

/* Not the request is measured here, but the block's way out and back. */
static unsigned long long block_to_move;

static int out_and_back(void *unused)
{
	(void)unused;
	set_state(block_to_move, "offline");
	set_state(block_to_move, "online");
	return 0;
}

static int out(void *unused)
{
	(void)unused;
	set_state(block_to_move, "offline");
	return 0;
}

static void ask_block(struct result *r, uint64_t at, int (*move)(void *))
{
	block_to_move = movable_block();
	if (ask_frame(r, frame_in_block(block_to_move, at)))
		errx(2, "a frame of a movable block cannot be offlined");
	ask(r, &(struct request){ .pfn = r->pfn, .instead = move });
	strcpy(r->event, "-");
	strcpy(r->counter, "-");
}

/* As if the machine had reported an uncorrected error there. */
static void hard_out_and_back(struct result *r)
{
	char text[32];

	block_to_move = movable_block();
	r->pfn = frame_in_block(block_to_move, 1111);
	snprintf(text, sizeof(text), "0x%" PRIx64, r->pfn);
	put(CORRUPT, text);
	ask(r, &(struct request){ .pfn = r->pfn, .instead = out_and_back });
	strcpy(r->event, "-");
	strcpy(r->counter, "-");
}

static void poisoned_out(struct result *r)
{
	ask_block(r, 888, out);
	set_state(block_to_move, "online");
}

static void poisoned_out_and_back(struct result *r)
{
	ask_block(r, 999, out_and_back);
}

static const struct row rows[] = {
	{ .name = "block-offline",
	  .what = "a frame of an offline memory block",
	  .run = offline_block,
	  .stock = { "EIO", "0", NULL, NULL, "nopage -> nopage" },
	  .event = "sysfs none not-online" },
	{ .name = "block-goes",
	  .what = "a poisoned frame's memory block goes offline",
	  .run = poisoned_out,
	  .stock = { "OK", "0", NULL, NULL, "hwpoison -> nopage" },
	  .patched = { "OK", "-1", NULL, NULL, "hwpoison -> nopage" },
	  .lost_on_stock = 1 },
	{ .name = "block-comes-back",
	  .what = "... and comes back",
	  .run = poisoned_out_and_back,
	  .stock = { "OK", "0", NULL, NULL, "hwpoison -> buddy" },
	  .patched = { "OK", "0", NULL, NULL, "hwpoison -> hwpoison" },
	  .lost_on_stock = 1 },
	{ .name = "block-hard",
	  .what = "... with a frame that memory_failure() took",
	  .run = hard_out_and_back,
	  .stock = { "OK", "0", NULL, NULL, "hwpoison -> buddy" },
	  .patched = { "OK", "0", NULL, NULL, "hwpoison -> hwpoison" },
	  .lost_on_stock = 1 },
};

const struct family block_family = FAMILY(rows);
