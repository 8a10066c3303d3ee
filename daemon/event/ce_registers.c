/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Finds registers in a driver's text. The text is not trusted: only names that are known
 * and hexadecimal words get through, so that what is stored is plain ASCII.
 */

#include "event/ce_registers.h"

#include <string.h>

#include "base/mem.h"

static const char *const names[] = { "retry_rd_err_log[", "correrrcnt[" };

static bool registers_is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The end of the word at @s; NULL if it is no register. */
static const char *registers_word_end(const char *s, const char *end)
{
	const char *e = s;

	while (e < end && e - s <= 16 && registers_is_digit(*e))
		e++;
	return e - s == 4 || e - s == 8 || e - s == 16 ? e : NULL;
}

/*
 * The end of what is to be kept of the bracket whose words begin at @s: its ']', or its
 * last whole word if the text ends before. NULL if something else is inside.
 */
static const char *registers_end(const char *s, const char *end)
{
	const char *kept = NULL;

	for (;;) {
		const char *word = s;

		while (s < end && registers_is_digit(*s))
			s++;
		if (s == end)
			return kept; /* the word at the end may be cut off */
		if (registers_word_end(word, end) != s)
			return NULL;
		kept = s;
		if (*s == ']')
			return s + 1;
		if (*s++ != ' ')
			return NULL;
	}
}

void ce_registers_copy(const struct ce_text *detail, char ret[CE_REGISTERS_MAX])
{
	size_t n = 0;

	ret[0] = '\0';
	/* Most texts have no bracket, and a storm opens many rows. */
	if (detail->len == 0 || !memchr(detail->s, '[', detail->len))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *text_end = detail->s + detail->len;
		const char *s =
			memmem(detail->s, detail->len, names[i], strlen(names[i]));
		const char *end =
			s ? registers_end(s + strlen(names[i]), text_end) : NULL;
		size_t blank = n > 0;

		if (!end || n + blank + (size_t)(end - s) >= CE_REGISTERS_MAX)
			continue;
		if (blank)
			ret[n++] = ' ';
		memcpy(ret + n, s, (size_t)(end - s));
		n += (size_t)(end - s);
		ret[n] = '\0';
	}
}
