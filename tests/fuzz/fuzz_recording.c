/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as the pages of a recording, with a kernel's own format texts. Reading must
 * end, and each error must be within its bounds. fuzz_mc_decode has single pages.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "imports/recording.h"
#include "unit/page_builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(struct recording *, recording_free)

static char folder[] = "/tmp/fuzz_recording.XXXXXX";
static int dir = -1;

static void require(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "fuzz_recording: %s\n", what);
	abort();
}

static void write_file(const char *name, const void *text, size_t len)
{
	_cleanup_(close_p) int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	require(fd >= 0 && write(fd, text, len) == (ssize_t)len, "no file");
}

static void remove_folder(void)
{
	static const char *const names[] = { "header_page", "mc_event.format",
					     "mce_record.format", "pages" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlinkat(dir, names[i], 0);
	(void)rmdir(folder);
}

static void make_folder(void)
{
	if (dir >= 0)
		return;
	require(mkdtemp(folder) != NULL, "no folder");
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(dir >= 0 && atexit(remove_folder) == 0, "no folder");
	write_file("header_page", page_builder_header_page,
		   strlen(page_builder_header_page));
	write_file("mc_event.format", page_builder_mc_format,
		   strlen(page_builder_mc_format));
	write_file("mce_record.format", page_builder_mce_format,
		   strlen(page_builder_mce_format));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(recording_free_p) struct recording *rec = NULL;
	struct backtest_row row;
	const char *why = NULL;
	size_t steps = 0;
	int r;

	make_folder();
	write_file("pages", data, size);
	require(recording_open(&rec, dir, &why) == 0, "no recording");
	while ((r = recording_next(rec, &row, &why)) > 0 || r == -EBADMSG) {
		require(++steps <= size + 1, "rows without end");
		require(r > 0 || (why && *why), "a bad page without a reason");
		if (r <= 0)
			continue;
		require(row.dimm.len <= 255 && row.grain_bits <= 63 && row.count > 0 &&
				row.channel >= -1 && row.slot >= -1,
			"a row out of its bounds");
	}
	return 0;
}
