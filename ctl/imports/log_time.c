/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Stamps of log lines. It knows no line's text, and reads no clock.
 */

#include "imports/log_time.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "backtest/backtest_csv.h"
#include "base/mem.h"

/* Lines of several CPUs may change places by less than this. */
#define RESTART_USEC (60 * USEC_PER_SEC)

#define YEARS_BACK 8 /* as far as a 29 February may be away */

void log_time_init(struct log_time *t, int64_t now)
{
	*t = (struct log_time){ .now = now,
				.latest = BACKTEST_NO_TIME,
				.boot_latest = BACKTEST_NO_TIME };
}

/* The blanks at @text removed. */
static struct backtest_text log_skip_blanks(struct backtest_text text)
{
	while (text.len > 0 && text.s[0] == ' ') {
		text.s++;
		text.len--;
	}
	return text;
}

/* The word at the start of *@text, which moves behind it and its blanks. */
static struct backtest_text log_take_word(struct backtest_text *text)
{
	struct backtest_text word = { text->s, 0 };

	while (word.len < text->len && text->s[word.len] != ' ')
		word.len++;
	text->s += word.len;
	text->len -= word.len;
	*text = log_skip_blanks(*text);
	return word;
}

/* Number 1 and up of @word in @names, three letters each; 0: none. */
static int log_name_number(struct backtest_text word, const char *names)
{
	if (word.len != 3)
		return 0;
	for (int i = 0; names[i * 3]; i++)
		if (memcmp(word.s, names + (size_t)i * 3, 3) == 0)
			return i + 1;
	return 0;
}

static int log_month(struct backtest_text word)
{
	return log_name_number(word, "JanFebMarAprMayJunJulAugSepOctNovDec");
}

static bool log_is_weekday(struct backtest_text word)
{
	return log_name_number(word, "MonTueWedThuFriSatSun") > 0;
}

/* A number of at most @digits digits that fills @word. */
static bool log_number(struct backtest_text word, size_t digits, int *ret)
{
	int value = 0;

	if (word.len == 0 || word.len > digits)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.s[i] < '0' || word.s[i] > '9')
			return false;
		value = value * 10 + (word.s[i] - '0');
	}
	*ret = value;
	return true;
}

/* "17:12:47", perhaps with a fraction, which is left out. */
static bool log_clock(struct backtest_text word, struct tm *tm)
{
	if (word.len < 8 || word.s[2] != ':' || word.s[5] != ':' ||
	    (word.len > 8 && word.s[8] != '.' && word.s[8] != ','))
		return false;
	return log_number((struct backtest_text){ word.s, 2 }, 2, &tm->tm_hour) &&
	       log_number((struct backtest_text){ word.s + 3, 2 }, 2, &tm->tm_min) &&
	       log_number((struct backtest_text){ word.s + 6, 2 }, 2, &tm->tm_sec) &&
	       tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

/* Local time @tm of @year. False if there is no such day. */
static bool log_local(struct tm tm, int year, int64_t *ret)
{
	int day = tm.tm_mday;
	time_t t;

	tm.tm_year = year - 1900;
	tm.tm_isdst = -1;
	t = mktime(&tm);
	*ret = (int64_t)t * USEC_PER_SEC;
	return tm.tm_mday == day;
}

/* The time of @tm in the latest year that fits. */
static bool log_guess_year(struct log_time *t, const struct tm *tm, int64_t *ret)
{
	time_t now = (time_t)(t->now / USEC_PER_SEC);
	struct tm today;

	if (!localtime_r(&now, &today))
		return false;
	for (int i = 0; i <= YEARS_BACK; i++) {
		if (!log_local(*tm, today.tm_year + 1900 - i, ret) ||
		    *ret > t->now + USEC_PER_DAY)
			continue;
		if (t->latest != BACKTEST_NO_TIME && *ret < t->latest - USEC_PER_DAY)
			t->turned++;
		t->latest = *ret;
		return true;
	}
	return false;
}

/* "Jan  7 17:12:47", and "2021" behind it if @with_year. */
static bool log_month_stamp(struct log_time *t, struct backtest_text *text,
			    bool with_year, int64_t *ret)
{
	struct tm tm = { 0 };
	int year;

	tm.tm_mon = log_month(log_take_word(text)) - 1;
	if (tm.tm_mon < 0 || !log_number(log_take_word(text), 2, &tm.tm_mday) ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || !log_clock(log_take_word(text), &tm))
		return false;
	if (!with_year)
		return log_guess_year(t, &tm, ret);
	return log_number(log_take_word(text), 4, &year) && year >= 1970 &&
	       log_local(tm, year, ret);
}

/* A time that was read as UTC is local time. */
static int64_t log_to_local(int64_t utc)
{
	time_t seconds = (time_t)(utc / USEC_PER_SEC);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return utc;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * USEC_PER_SEC + utc % USEC_PER_SEC;
}

static bool log_has_zone(struct backtest_text word)
{
	if (word.len == 0 || word.s[word.len - 1] == 'Z')
		return word.len > 0;
	for (size_t i = 0; i < word.len; i++)
		if (word.s[i] == '+' || (word.s[i] == '-' && i > 7))
			return true;
	return false;
}

/* The name of a zone, as journalctl writes it: "UTC", "CET", "+03". */
static bool log_is_zone_name(struct backtest_text word)
{
	if (word.len < 3 || word.len > 5)
		return false;
	if (word.s[0] == '+' || word.s[0] == '-')
		return true;
	for (size_t i = 0; i < word.len; i++)
		if (word.s[i] < 'A' || word.s[i] > 'Z')
			return false;
	return true;
}

/* "2021-01-07T17:12:47+0000"; "2021-01-07 17:12:47 UTC". */
static bool log_iso_stamp(struct backtest_text *text, int64_t *ret)
{
	struct backtest_text word = log_take_word(text);
	bool zone;

	if (word.len == 10) {
		struct backtest_text clock = log_take_word(text);

		word.len = (size_t)(clock.s + clock.len - word.s);
	}
	if (word.len < 16 || word.s[4] != '-' ||
	    csv_parse_time(word.s, word.len, ret) < 0)
		return false;
	zone = log_has_zone(word);
	if (!zone) {
		struct backtest_text rest = *text;
		struct backtest_text name = log_take_word(&rest);

		if (log_is_zone_name(name)) {
			*text = rest;
			zone = name.len == 3 && memcmp(name.s, "UTC", 3) == 0;
		}
	}
	if (!zone)
		*ret = log_to_local(*ret);
	return true;
}

/* "123.456789": seconds since the start of the machine. */
static bool log_boot_stamp(struct log_time *t, struct backtest_text word, int64_t *ret)
{
	int64_t stamp;

	if (word.len == 0 || word.len > 18 ||
	    csv_parse_time(word.s, word.len, &stamp) < 0 ||
	    !memchr(word.s, '.', word.len) || stamp > INT64_C(4000000000) * USEC_PER_SEC)
		return false;
	if (t->boot_latest != BACKTEST_NO_TIME &&
	    t->boot_base + stamp < t->boot_latest - RESTART_USEC)
		t->boot_base = t->boot_latest;
	*ret = t->boot_base + stamp;
	if (*ret > t->boot_latest)
		t->boot_latest = *ret;
	t->since_boot++;
	return true;
}

/* What is in brackets at the start of *@text, which moves behind it. */
static bool log_take_brackets(struct backtest_text *text, struct backtest_text *ret)
{
	const char *end = memchr(text->s, ']', text->len);

	if (text->len == 0 || text->s[0] != '[' || !end)
		return false;
	*ret = log_skip_blanks(
		(struct backtest_text){ text->s + 1, (size_t)(end - text->s) - 1 });
	text->len -= (size_t)(end + 1 - text->s);
	text->s = end + 1;
	*text = log_skip_blanks(*text);
	return true;
}

/* dmesg's own: "[Thu Jan  7 17:12:47 2021]", "[  123.456789]". */
static bool log_bracket_stamp(struct log_time *t, struct backtest_text *text,
			      int64_t *ret)
{
	struct backtest_text in, rest;

	if (!log_take_brackets(text, &in))
		return false;
	rest = in;
	if (log_is_weekday(log_take_word(&rest)))
		return log_month_stamp(t, &rest, true, ret);
	return log_boot_stamp(t, log_take_word(&in), ret);
}

/* "kern  :warn  : ", as dmesg -x writes it: two words of six columns at least. */
static bool log_skip_words(struct backtest_text *text)
{
	size_t at = 0;

	for (int word = 0; word < 2; word++) {
		size_t start = at;

		while (at < text->len && text->s[at] >= 'a' && text->s[at] <= 'z')
			at++;
		if (at == start)
			return false;
		while (at < text->len && at < start + 6 && text->s[at] == ' ')
			at++;
		if (at < start + 6 || at == text->len || text->s[at++] != ':')
			return false;
	}
	text->s += at;
	text->len -= at;
	return true;
}

/* "<4>" or "<30>" of a raw log, or the same in words. */
static void log_skip_priority(struct backtest_text *text)
{
	const char *end = memchr(text->s, '>', text->len < 5 ? text->len : 5);

	if (log_skip_words(text) || text->len == 0 || text->s[0] != '<' || !end)
		return;
	text->len -= (size_t)(end + 1 - text->s);
	text->s = end + 1;
}

/* "host kernel:" behind the time. dmesg names neither. */
static void log_take_host(struct backtest_text *text, struct log_stamp *stamp)
{
	struct backtest_text rest = *text, brackets;
	struct backtest_text host = log_take_word(&rest);
	struct backtest_text program = log_take_word(&rest);

	if (host.len > 0 && program.len > 1 && program.s[program.len - 1] == ':' &&
	    host.s[host.len - 1] != ':') {
		stamp->host = host;
		*text = rest;
	}
	/* The kernel's own stamp behind syslog's. */
	while (log_take_brackets(text, &brackets))
		;
}

int log_time_read(struct log_time *t, struct backtest_text line, struct log_stamp *ret)
{
	struct backtest_text text = line, rest;
	struct backtest_text first;
	bool found;

	*ret = (struct log_stamp){ .time = BACKTEST_NO_TIME };
	log_skip_priority(&text);
	text = log_skip_blanks(text);
	rest = text;
	first = log_take_word(&rest);
	if (first.len == 0)
		return -EINVAL;
	if (log_is_weekday(first)) {
		text = rest;
		found = log_iso_stamp(&text, &ret->time);
	} else if (first.s[0] == '[')
		found = log_bracket_stamp(t, &text, &ret->time);
	else if (log_month(first) > 0)
		found = log_month_stamp(t, &text, false, &ret->time);
	else if (first.len > 4 && first.s[4] == '-')
		found = log_iso_stamp(&text, &ret->time);
	else {
		text = rest;
		found = memchr(first.s, '.', first.len) &&
			csv_parse_time(first.s, first.len, &ret->time) == 0;
	}
	if (!found)
		return -EINVAL;
	log_take_host(&text, ret);
	ret->len = (size_t)(text.s - line.s);
	return 0;
}
