/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The words of a line of a story, and what they mean as numbers, times and flags.
 */

#include <stddef.h>

#include "base/frame.h"
#include "base/units.h"

#define WORDS_LINE_MAX 1024
#define WORDS_MAX      64
#define TIME_TEXT_MAX  48

/** The longest time in a story, so that no sum of two of them can wrap. */
#define STORY_TIME_MAX (INT64_C(100000) * USEC_PER_DAY)

/** A line cut at blanks; "..." inside a word keeps its blanks and loses the quotes. */
struct words {
	const char *v[WORDS_MAX];
	unsigned int n;
	char text[WORDS_LINE_MAX];
};

/** Cuts the @len bytes at @line. 0, or -EINVAL: too long, too many words, open quote. */
int words_cut(struct words *w, const char *line, size_t len);

/** The value of "key=value" among the words from @from on; NULL if it is not there. */
const char *words_value(const struct words *w, unsigned int from, const char *key);

/** True if @word is one of the words from @from on. */
bool words_have(const struct words *w, unsigned int from, const char *word);

/** A number, 0x for hexadecimal, with an optional sign. 0 and *ret, or -EINVAL. */
int parse_number(const char *word, int64_t *ret);

/** A number up to 64 bits without a sign. 0 and *ret, or -EINVAL. */
int parse_u64(const char *word, uint64_t *ret);

/** The number of "key=value". 0 and *ret; without the key 0, *ret stays; -EINVAL. */
int words_number(const struct words *w, unsigned int from, const char *key,
		 uint64_t *ret);

/** A time such as "1d3h", "1.5s", "20ms", "-5s". 0 and *ret, or -EINVAL. */
int parse_time(const char *word, usec_t *ret);

/** Writes @t in the same form; returns @buf, of TIME_TEXT_MAX bytes. */
const char *format_time(usec_t t, char *buf);

/** "ok", an errno's name, or its number. 0 and *ret, or -EINVAL. */
int parse_errno(const char *word, int *ret);

/** The name of @error, "ok" for 0. */
const char *errno_name(int error);

/**
 * A frame's description: any of the words free, anonymous, page-cache, ksm, thp,
 * large-folio, hugetlb, slab, page-table, reserved, kernel, poisoned, absent, unreadable; flags=NUMBER; kib=N
 * for the size of a HugeTLB page. Words from @from on. 0 and *ret, or -EINVAL.
 */
int parse_frame(const struct words *w, unsigned int from, struct frame *ret);
