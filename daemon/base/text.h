/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Small things that are done with text: making foreign text safe to show, and finding
 * the word that somebody meant. Nothing is allocated.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** "s" if @n things need a plural, "" for one. */
static inline const char *text_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/** True for the bytes that are shown as they are: ASCII from the blank to "~". */
static inline bool text_is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/**
 * Copies at most @len bytes of @from, up to a NUL, with "?" for each byte that is not
 * printable; cut to @size with the terminator. @size is at least 1; @to may be @from.
 */
void text_clean(char *to, size_t size, const char *from, size_t len);

/**
 * Copies at most @len bytes of @text, up to a NUL, with \xNN for each byte that is not
 * printable, and "..." at the end if it was cut. @size is at least 8. Returns @buf,
 * terminated.
 */
const char *text_escape(const char *text, size_t len, char *buf, size_t size);

/** True if @a and @b differ at most in the case of ASCII letters. */
bool text_same_letters(const char *a, const char *b);

/**
 * A length of time as people say it, in the largest unit of which there are two (of hours
 * up to 48): "850 us", "1.2 ms", "6.6 s", "90 min", "24 h", "3 days". What is less than
 * the unit is dropped, but for tenths below 10 ms and 10 s. @usec is 0 or more. Returns
 * @buf, terminated.
 */
const char *text_duration(int64_t usec, char *buf, size_t size);

#define TEXT_WORD_MAX 64

/**
 * Levenshtein's distance: how many letters must be put in, taken out or exchanged to make
 * @b from @a. The case of letters does not count, nor does what follows the first
 * TEXT_WORD_MAX bytes of @a.
 */
unsigned int text_distance(const char *a, const char *b);
