/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * EDAC's lines in the kernel's log, in the form of today and in the one before 3.5.
 */

#include "imports/klog.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

void klog_init(struct klog *k, int64_t now, unsigned int page_shift)
{
	log_time_init(&k->time, now);
	k->page_shift = page_shift;
}

/* Where @word begins in @text, at or after @from; -1. */
static ssize_t klog_find(struct backtest_text text, size_t from, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = from; i + len <= text.len; i++)
		if (memcmp(text.s + i, word, len) == 0)
			return (ssize_t)i;
	return -1;
}

static struct backtest_text klog_from(struct backtest_text text, size_t at)
{
	return (struct backtest_text){ text.s + at, text.len - at };
}

static struct backtest_text klog_cut(struct backtest_text text, size_t at)
{
	return (struct backtest_text){ text.s, at < text.len ? at : text.len };
}

static struct backtest_text klog_trim(struct backtest_text text)
{
	while (text.len > 0 &&
	       (text.s[text.len - 1] == ' ' || text.s[text.len - 1] == '\r'))
		text.len--;
	while (text.len > 0 && text.s[0] == ' ')
		text = klog_from(text, 1);
	return text;
}

static unsigned int klog_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (unsigned int)((c | 0x20) - 'a') + 10;
	return 16;
}

/*
 * The number at the start of *@text, which moves behind it: decimal, or hexadecimal with
 * 0x. False without a digit, and for more than 64 bits.
 */
static bool klog_number(struct backtest_text *text, uint64_t *ret)
{
	unsigned int base = 10;
	size_t i = 0, digits = 0;

	if (text->len > 2 && text->s[0] == '0' && text->s[1] == 'x') {
		base = 16;
		i = 2;
	}
	for (*ret = 0; i < text->len && klog_digit(text->s[i]) < base; i++, digits++)
		if (__builtin_mul_overflow(*ret, base, ret) ||
		    __builtin_add_overflow(*ret, klog_digit(text->s[i]), ret))
			return false;
	*text = klog_from(*text, i);
	return digits > 0;
}

/* The number behind @name in @text. False if there is none. */
static bool klog_named(struct backtest_text text, const char *name, uint64_t *ret)
{
	ssize_t at = klog_find(text, 0, name);
	struct backtest_text rest;

	if (at < 0)
		return false;
	rest = klog_from(text, (size_t)at + strlen(name));
	return klog_number(&rest, ret);
}

static int klog_layer(struct backtest_text text, const char *name)
{
	uint64_t value;

	return klog_named(text, name, &value) && value <= INT8_MAX ? (int)value : -1;
}

static bool klog_kind(struct backtest_text *text, enum backtest_kind *ret)
{
	if (text->len < 3 || text->s[1] != 'E' || text->s[2] != ' ' ||
	    (text->s[0] != 'C' && text->s[0] != 'U'))
		return false;
	*ret = text->s[0] == 'C' ? BACKTEST_CE : BACKTEST_UNCORRECTED;
	*text = klog_from(*text, 3);
	return true;
}

/* Page and offset to an address. False if that has more than 64 bits. */
static bool klog_address(const struct klog *k, uint64_t page, uint64_t offset,
			 uint64_t *ret)
{
	return page <= UINT64_MAX >> k->page_shift &&
	       !__builtin_add_overflow(page << k->page_shift, offset, ret);
}

/* The text of an error: "MESSAGE on LABEL"; either may be empty. */
static void klog_set_words(struct mc_report *report, struct backtest_text words)
{
	ssize_t on = klog_find(words, 0, " on ");

	if (words.len >= 3 && memcmp(words.s, "on ", 3) == 0) {
		report->label = klog_trim(klog_from(words, 3));
	} else if (on >= 0) {
		report->msg = klog_cut(words, (size_t)on);
		report->label = klog_trim(klog_from(words, (size_t)on + 4));
	} else
		report->msg = klog_trim(words);
}

/* Where the parentheses that hold " page:" or "(page:" begin; -1. */
static ssize_t klog_find_place(struct backtest_text text)
{
	ssize_t page = klog_find(text, 0, "page:0x");

	while (page > 0 && text.s[page] != '(')
		page--;
	return page >= 0 && text.s[page] == '(' ? page : -1;
}

/* "CE MESSAGE on LABEL (PLACE page:... - DETAIL)" behind the count. */
static const char *klog_today(const struct klog *k, struct backtest_text text,
			      struct mc_report *report)
{
	ssize_t open = klog_find_place(text), dash;
	struct backtest_text place;
	uint64_t page, offset, grain;

	if (open < 0)
		return "an error of EDAC without page, offset and grain";
	klog_set_words(report, klog_trim(klog_cut(text, (size_t)open)));
	place = klog_trim(klog_from(text, (size_t)open + 1));
	if (place.len > 0 && place.s[place.len - 1] == ')')
		place.len--;
	dash = klog_find(place, 0, " - ");
	if (dash >= 0) {
		report->detail = klog_from(place, (size_t)dash + 3);
		place = klog_cut(place, (size_t)dash);
	}
	if (!klog_named(place, "page:", &page) ||
	    !klog_named(place, "offset:", &offset) ||
	    !klog_named(place, "grain:", &grain) ||
	    !klog_address(k, page, offset, &report->address))
		return "an error of EDAC without page, offset and grain";
	report->grain_bits = mc_row_grain_bits(grain);
	report->layer[0] = klog_layer(place, "channel:");
	report->layer[1] = klog_layer(place, "slot:");
	if (report->layer[1] < 0)
		report->layer[1] = klog_layer(place, "csrow:");
	return NULL;
}

/* "CE page 0x3ebf8, offset 0xf0, grain 8, ..., label \"A0\": DETAIL". */
static const char *klog_before_3_5(const struct klog *k, struct backtest_text text,
				   struct mc_report *report)
{
	ssize_t label = klog_find(text, 0, "label \"");
	uint64_t page, offset, grain;

	if (!klog_named(text, "page ", &page) || !klog_named(text, "offset ", &offset) ||
	    !klog_named(text, "grain ", &grain) ||
	    !klog_address(k, page, offset, &report->address))
		return "an error of EDAC without page, offset and grain";
	report->grain_bits = mc_row_grain_bits(grain);
	report->layer[0] = klog_layer(text, "channel ");
	report->layer[1] = klog_layer(text, "row ");
	if (label >= 0) {
		struct backtest_text rest = klog_from(text, (size_t)label + 7);
		ssize_t end = klog_find(rest, 0, "\"");

		if (end >= 0)
			report->label = klog_cut(rest, (size_t)end);
	}
	return NULL;
}

/* Behind "EDAC MC": "0: 1 CE ..." or "0: CE page ...". 1, 0, -EBADMSG as klog_line(). */
static int klog_report(const struct klog *k, struct backtest_text text,
		       struct mc_report *report, const char **ret_why)
{
	uint64_t mc;

	if (!klog_number(&text, &mc) || mc > INT8_MAX || text.len < 2 ||
	    text.s[0] != ':' || text.s[1] != ' ')
		return 0;
	report->mc = (int)mc;
	text = klog_trim(klog_from(text, 2));
	if (klog_number(&text, &report->count)) {
		text = klog_trim(text);
		if (!klog_kind(&text, &report->kind))
			return 0;
		*ret_why = klog_today(k, text, report);
	} else {
		if (!klog_kind(&text, &report->kind) || klog_find(text, 0, "page ") != 0)
			return 0;
		*ret_why = klog_before_3_5(k, text, report);
	}
	return *ret_why ? -EBADMSG : 1;
}

int klog_line(struct klog *k, struct backtest_text line, struct backtest_row *ret,
	      const char **ret_why)
{
	static const char mark[] = "EDAC MC";
	struct mc_report report = { .layer = { -1, -1, -1 } };
	ssize_t at = klog_find(line, 0, mark);
	struct log_stamp stamp;
	int r;

	*ret_why = NULL;
	if (at < 0)
		return 0;
	r = klog_report(k, klog_from(line, (size_t)at + sizeof(mark) - 1), &report,
			ret_why);
	if (r <= 0)
		return r;
	if (log_time_read(&k->time, klog_cut(line, (size_t)at), &stamp) < 0) {
		*ret_why = "no time at the start of the line";
		return -EBADMSG;
	}
	report.time = stamp.time;
	report.server = stamp.host;
	mc_row_fill(&report, k->name, ret);
	return 1;
}
