/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Text made safe, and words compared. It does not know what the words are for. */

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

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

const char *text_duration(int64_t usec, char *buf, size_t size)
{
	static const struct {
		int64_t from; /* in microseconds */
		int64_t unit;
		const char *name;
		bool tenths; /* below 10 */
	} units[] = {
		{ 2 * USEC_PER_DAY, USEC_PER_DAY, "days", false },
		{ 2 * USEC_PER_HOUR, USEC_PER_HOUR, "h", false },
		{ 2 * USEC_PER_MINUTE, USEC_PER_MINUTE, "min", false },
		{ USEC_PER_SEC, USEC_PER_SEC, "s", true },
		{ USEC_PER_MSEC, USEC_PER_MSEC, "ms", true },
		{ 1, 1, "us", false },
		{ 0, USEC_PER_SEC, "s", false },
	};
	size_t i = 0;
	int64_t whole, tenths;

	while (usec < units[i].from && i + 1 < ARRAY_SIZE(units))
		i++;
	whole = usec / units[i].unit;
	tenths = units[i].tenths && whole < 10 ? usec % units[i].unit * 10 / units[i].unit
					       : 0;
	if (tenths > 0)
		snprintf(buf, size, "%" PRId64 ".%" PRId64 " %s", whole, tenths,
			 units[i].name);
	else
		snprintf(buf, size, "%" PRId64 " %s", whole, units[i].name);
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
