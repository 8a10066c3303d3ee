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

#define TEXT_WORD_MAX 64

/**
 * Levenshtein's distance: how many letters must be put in, taken out or exchanged to make
 * @b from @a. The case of letters does not count, nor does what follows the first
 * TEXT_WORD_MAX bytes of @a.
 */
unsigned int text_distance(const char *a, const char *b);
