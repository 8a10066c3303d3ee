/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Text made safe, and words compared. It does not know what the words are for. */

#include "base/text.h"

#include <string.h>

void text_clean(char *to, size_t size, const char *from, size_t len)
{
	size_t n = strnlen(from, len < size - 1 ? len : size - 1);

	for (size_t i = 0; i < n; i++)
		to[i] = text_is_printable(from[i]) ? from[i] : '?';
	to[n] = '\0';
}

const char *text_escape(const char *text, size_t len, char *buf, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	len = strnlen(text, len);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (used + sizeof("\\xNN...") > size) {
			memcpy(buf + used, "...", sizeof("..."));
			return buf;
		}
		if (text_is_printable(text[i])) {
			buf[used++] = text[i];
			continue;
		}
		buf[used++] = '\\';
		buf[used++] = 'x';
		buf[used++] = hex[c >> 4];
		buf[used++] = hex[c & 15];
	}
	buf[used] = '\0';
	return buf;
}

static char text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_same_letters(const char *a, const char *b)
{
	while (*a && text_lower(*a) == text_lower(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

unsigned int text_distance(const char *a, const char *b)
{
	unsigned int row[TEXT_WORD_MAX + 1];
	size_t len = strnlen(a, TEXT_WORD_MAX);

	for (unsigned int i = 0; i <= len; i++)
		row[i] = i;
	for (; *b; b++) {
		unsigned int diagonal = row[0]++;

		for (size_t i = 1; i <= len; i++) {
			unsigned int best =
				diagonal + (text_lower(a[i - 1]) != text_lower(*b));

			if (best > row[i] + 1)
				best = row[i] + 1;
			if (best > row[i - 1] + 1)
				best = row[i - 1] + 1;
			diagonal = row[i];
			row[i] = best;
		}
	}
	return row[len];
}
