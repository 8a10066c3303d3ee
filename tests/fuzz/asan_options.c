/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The address sanitizer's options for a fuzzer that runs for hours: each input makes and
 * frees an engine, and with the defaults half of the time went to memory that was new to
 * the process. ASAN_OPTIONS overrides the options here.
 */

const char *__asan_default_options(void);

/*
 * Freed memory is kept apart up to 8 MiB, several inputs' worth, instead of 256; and the
 * shadow of a large block is written over, not mapped again.
 */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:clear_shadow_mmap_threshold=16777216";
}
