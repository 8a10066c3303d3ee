/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel's command line, cut into parameters as the kernel cuts it (next_arg() of
 * lib/cmdline.c and parse_args() of kernel/params.c, Linux 6.1 and 6.12): blanks divide,
 * also newlines; quotes keep blanks together, and those around a value or around a whole
 * parameter do not belong to it; "--" ends what the kernel reads, the rest is init's. In
 * names "-" and "_" are the same letter.
 */

#include <stdbool.h>
#include <stddef.h>

/** One parameter. */
struct cmdline_param {
	const char *name;
	const char *value; /* NULL without "=" */
};

/**
 * Takes the next parameter off *@text, which is changed; *@text then is the rest. False at
 * the end, and at "--". @ret points into the text.
 */
bool cmdline_next(char **text, struct cmdline_param *ret);

/** True if @name is @wanted, with "-" and "_" the same. */
bool cmdline_is(const char *name, const char *wanted);

/**
 * True if @value is a "true" of the kernel (kstrtobool() of lib/kstrtox.c): no value, or
 * one that begins with 1, y, t or "on". *@ret_known is false if it is no boolean at
 * all: the kernel leaves the parameter as it was.
 */
bool cmdline_bool(const char *value, bool *ret_known);

/**
 * True if @list, parted by commas, has @word. With @dashes "-" and "_" are the same; some
 * lists of the kernel are compared letter by letter.
 */
bool cmdline_list_has(const char *list, const char *word, bool dashes);
