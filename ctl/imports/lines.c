/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Lines out of a buffer that is filled as it empties. It does not know what they mean.
 */

#include "imports/lines.h"

#include <string.h>

void lines_init(struct lines *l, csv_read_fn read, void *userdata)
{
	l->read = read;
	l->userdata = userdata;
	l->line = 0;
	l->start = l->end = 0;
	l->at_end = l->in_long = false;
}

/* 0; negative errno. */
static int lines_fill(struct lines *l)
{
	ssize_t n;

	memmove(l->buf, l->buf + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
	n = l->read(l->userdata, l->buf + l->end, sizeof(l->buf) - l->end);
	if (n < 0)
		return (int)n;
	l->end += (size_t)n;
	l->at_end = n == 0;
	return 0;
}

/* Takes @len bytes, and @skip more that end the line. */
static struct backtest_text lines_take(struct lines *l, size_t len, size_t skip)
{
	struct backtest_text text = { l->buf + l->start, len };

	l->start += len + skip;
	return text;
}

int lines_next(struct lines *l, struct backtest_text *ret)
{
	for (;;) {
		size_t left = l->end - l->start;
		const char *nl = memchr(l->buf + l->start, '\n', left);
		bool full = left == sizeof(l->buf);
		bool rest = l->in_long;
		int r;

		if (nl || full || (l->at_end && left > 0)) {
			*ret = nl ? lines_take(l, (size_t)(nl - l->buf) - l->start, 1)
				  : lines_take(l, left, 0);
			l->in_long = !nl && full;
			if (rest)
				continue;
			l->line++;
			return 1;
		}
		if (l->at_end)
			return 0;
		r = lines_fill(l);
		if (r < 0)
			return r;
	}
}
