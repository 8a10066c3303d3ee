/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The notations of recorded errors: times, addresses, coordinates, kinds. It sees one
 * field at a time, and knows neither the field's column nor what the back-test does with
 * it.
 */

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "backtest/backtest_csv_internal.h"
#include "base/mem.h"

/* A whole number above each of these counts the next smaller unit. */
#define SECONDS_END      INT64_C(100000000000)
#define MILLISECONDS_END (SECONDS_END * 1000)
#define MICROSECONDS_END (MILLISECONDS_END * 1000)

#define DIMM_NAME_MAX 255

static bool field_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A cursor over a field. */
struct cursor {
	const char *s;
	const char *end;
};

static bool cursor_accept(struct cursor *c, char wanted)
{
	if (c->s == c->end || *c->s != wanted)
		return false;
	c->s++;
	return true;
}

/* Exactly @n digits. */
static bool cursor_digits(struct cursor *c, int n, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++, c->s++) {
		if (c->s == c->end || !field_is_digit(*c->s))
			return false;
		value = value * 10 + (*c->s - '0');
	}
	*ret = value;
	return true;
}

/* Digits after a decimal point as microseconds; smaller digits are cut off. */
static bool cursor_fraction(struct cursor *c, int64_t *ret)
{
	int64_t unit = USEC_PER_SEC / 10;
	const char *start = c->s;

	for (*ret = 0; c->s < c->end && field_is_digit(*c->s); c->s++) {
		*ret += (*c->s - '0') * unit;
		unit /= 10;
	}
	return c->s > start;
}

static int field_epoch(struct cursor c, int64_t *ret)
{
	const char *start = c.s;
	int64_t value = 0, fraction = 0;

	for (; c.s < c.end && field_is_digit(*c.s); c.s++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *c.s - '0', &value))
			return -EINVAL;
	if (c.s == start)
		return -EINVAL;
	if (cursor_accept(&c, '.') &&
	    (value >= SECONDS_END || !cursor_fraction(&c, &fraction)))
		return -EINVAL;
	if (c.s != c.end)
		return -EINVAL;
	if (value < SECONDS_END)
		*ret = value * USEC_PER_SEC + fraction;
	else if (value < MILLISECONDS_END)
		*ret = value * 1000;
	else
		*ret = value < MICROSECONDS_END ? value : value / 1000;
	return 0;
}

/* The digits are read here, because strptime() accepts other forms of a date, too. */
static bool cursor_date(struct cursor *c, int64_t *ret)
{
	int year, month, day;
	struct tm tm;

	if (!cursor_digits(c, 4, &year) || !cursor_accept(c, '-') ||
	    !cursor_digits(c, 2, &month) || !cursor_accept(c, '-') ||
	    !cursor_digits(c, 2, &day))
		return false;
	tm = (struct tm){ .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
	*ret = timegm(&tm) * USEC_PER_SEC;
	return tm.tm_mon == month - 1 && tm.tm_mday == day;
}

static bool cursor_clock(struct cursor *c, int64_t *ret)
{
	int hour, minute, second = 0;
	int64_t fraction = 0;

	if (!cursor_digits(c, 2, &hour) || !cursor_accept(c, ':') ||
	    !cursor_digits(c, 2, &minute))
		return false;
	if (cursor_accept(c, ':') && !cursor_digits(c, 2, &second))
		return false;
	if ((cursor_accept(c, '.') || cursor_accept(c, ',')) &&
	    !cursor_fraction(c, &fraction))
		return false;
	*ret = (hour * 3600 + minute * 60 + second) * USEC_PER_SEC + fraction;
	return hour < 24 && minute < 60 && second <= 60;
}

/* "Z", "+01:00", "+0100", "+01", or nothing: east of Greenwich. */
static bool cursor_zone(struct cursor *c, int64_t *ret)
{
	int hour, minute = 0;
	bool west;

	*ret = 0;
	if (c->s == c->end || cursor_accept(c, 'Z') || cursor_accept(c, 'z'))
		return true;
	west = cursor_accept(c, '-');
	if ((!west && !cursor_accept(c, '+')) || !cursor_digits(c, 2, &hour))
		return false;
	if (cursor_accept(c, ':') ? !cursor_digits(c, 2, &minute)
				  : c->s != c->end && !cursor_digits(c, 2, &minute))
		return false;
	*ret = (hour * 3600 + minute * 60) * USEC_PER_SEC * (west ? -1 : 1);
	return hour < 24 && minute < 60;
}

static int field_iso(struct cursor c, int64_t *ret)
{
	int64_t date, clock = 0, zone = 0;

	if (!cursor_date(&c, &date))
		return -EINVAL;
	if (c.s != c.end) {
		if (!cursor_accept(&c, 'T') && !cursor_accept(&c, ' '))
			return -EINVAL;
		if (!cursor_clock(&c, &clock))
			return -EINVAL;
		(void)cursor_accept(&c, ' ');
		if (!cursor_zone(&c, &zone) || c.s != c.end)
			return -EINVAL;
	}
	*ret = date + clock - zone;
	return 0;
}

int csv_parse_time(const char *text, size_t len, int64_t *ret)
{
	struct cursor c = { text, text + len };

	if (len > 4 && text[4] == '-')
		return field_iso(c, ret);
	return field_epoch(c, ret);
}

static int field_digit(char c, unsigned int base)
{
	char small = (char)(c | 0x20);
	unsigned int digit = base;

	if (field_is_digit(c))
		digit = (unsigned int)(c - '0');
	else if (small >= 'a' && small <= 'f')
		digit = (unsigned int)(small - 'a') + 10;
	return digit < base ? (int)digit : -1;
}

int csv_parse_address(const char *text, size_t len, bool decimal, uint64_t *ret)
{
	unsigned int base = decimal ? 10 : 16;
	uint64_t value = 0;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		len -= 2;
	}
	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int digit = field_digit(text[i], base);

		if (digit < 0 || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (unsigned int)digit, &value))
			return -EINVAL;
	}
	*ret = value;
	return 0;
}

static bool text_begins(struct backtest_text t, const char *word)
{
	size_t n = strlen(word);

	return t.len >= n && strncasecmp(t.s, word, n) == 0 &&
	       (t.len == n || !((t.s[n] | 0x20) >= 'a' && (t.s[n] | 0x20) <= 'z'));
}

static bool text_contains(struct backtest_text t, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= t.len; i++)
		if (strncasecmp(t.s + i, word, n) == 0)
			return true;
	return false;
}

int csv_parse_kind(const char *text, size_t len, enum backtest_kind *ret)
{
	static const struct {
		const char *word;
		enum backtest_kind kind;
	} words[] = {
		{ "CE", BACKTEST_CE },
		{ "corrected", BACKTEST_CE },
		{ "UE", BACKTEST_UNCORRECTED },
		{ "UCE", BACKTEST_UNCORRECTED },
		{ "DUE", BACKTEST_UNCORRECTED },
		{ "uncorrected", BACKTEST_UNCORRECTED },
		{ "uncorrectable", BACKTEST_UNCORRECTED },
		{ "deferred", BACKTEST_UNCORRECTED },
		{ "recoverable", BACKTEST_UNCORRECTED },
		{ "UCNA", BACKTEST_UNCORRECTED },
		{ "SRAO", BACKTEST_UNCORRECTED },
		{ "SRAR", BACKTEST_UNCORRECTED },
		{ "fatal", BACKTEST_UNCORRECTED },
		{ "correctable", BACKTEST_CE },
		{ "info", BACKTEST_OTHER },
	};
	struct backtest_text t = { text, len };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!text_begins(t, words[i].word))
			continue;
		*ret = words[i].kind;
		if (*ret == BACKTEST_CE && text_contains(t, "scrub"))
			*ret = BACKTEST_CE_SCRUB;
		return 0;
	}
	return -EINVAL;
}

/* What tools write for a value that they do not know. */
bool csv_field_is_absent(struct backtest_text t)
{
	static const char *const words[] = { "-",  "nan", "nat", "null", "none",
					     "na", "n/a", "nil", "<na>", "unknown" };

	if (t.len == 0)
		return true;
	if (field_is_digit(t.s[0]))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (t.len == strlen(words[i]) && strncasecmp(t.s, words[i], t.len) == 0)
			return true;
	return false;
}

/*
 * A number from 0 to @max, decimal or 0x. Negative numbers mean "unknown", and a
 * spreadsheet writes ".0" in a column with gaps. 1 and *ret; 0 if unknown; -EINVAL.
 */
static int field_number(struct backtest_text t, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;
	bool negative = t.len > 1 && t.s[0] == '-';
	size_t i = negative;

	if (t.len > 2 && t.s[0] == '0' && (t.s[1] | 0x20) == 'x') {
		if (csv_parse_address(t.s, t.len, false, &value) < 0 || value > max)
			return -EINVAL;
		*ret = (uint32_t)value;
		return 1;
	}
	for (; i < t.len && field_is_digit(t.s[i]) && value <= UINT32_MAX; i++)
		value = value * 10 + (uint64_t)(t.s[i] - '0');
	if (i == negative)
		return -EINVAL;
	if (i < t.len && t.s[i] == '.')
		for (i++; i < t.len && t.s[i] == '0'; i++)
			;
	if (i < t.len || (!negative && value > max))
		return -EINVAL;
	*ret = (uint32_t)value;
	return !negative;
}

static const char *field_set_place(int16_t *place, struct backtest_text field)
{
	uint32_t value;
	int r = field_number(field, INT8_MAX, &value);

	if (r > 0)
		*place = (int16_t)value;
	return r < 0 ? "a socket, channel or slot is no number from 0 to 127" : NULL;
}

static const char *field_set_part(struct dram_coord *c, enum dram_part part,
				  struct backtest_text field)
{
	uint32_t max = part & (DRAM_ROW | DRAM_COLUMN) ? UINT32_MAX
		       : part == DRAM_BANK             ? UINT16_MAX
						       : UINT8_MAX;
	uint32_t value;
	int r = field_number(field, max, &value);

	if (r < 0)
		return "a DRAM coordinate is no number, or too large";
	if (r == 0)
		return NULL;
	switch (part) {
	case DRAM_ROW:
		c->row = value;
		break;
	case DRAM_COLUMN:
		c->column = value;
		break;
	case DRAM_BANK:
		c->bank = (uint16_t)value;
		break;
	case DRAM_BANK_GROUP:
		c->bank_group = (uint8_t)value;
		break;
	case DRAM_RANK:
		c->rank = (uint8_t)value;
		break;
	case DRAM_DEVICE:
		c->device = (uint8_t)value;
		break;
	case DRAM_SUB_CHANNEL:
		c->sub_channel = (uint8_t)value;
		break;
	case DRAM_CHIP:
		c->chip = (uint8_t)value;
		break;
	}
	c->have |= (uint8_t)part;
	return NULL;
}

static const char *field_set_name(struct backtest_text *name, struct backtest_text field)
{
	*name = field;
	return field.len > DIMM_NAME_MAX ? "a name is longer than 255 bytes" : NULL;
}

/* "0" is what some drivers say of one error. */
static const char *field_set_count(struct backtest_row *row, struct backtest_text field)
{
	uint32_t count = 0;

	if (field_number(field, UINT32_MAX, &count) < 0)
		return "the count of errors is no number";
	row->count = count > 0 ? count : 1;
	return NULL;
}

/* Days since 1900, as a spreadsheet counts them: from 1954 to 2119. */
#define SHEET_DAY_FIRST 20000
#define SHEET_DAY_LAST  80000

/*
 * A number that is no count of seconds, milliseconds and so on, but would pass for one: a
 * date in digits, or a spreadsheet's day. NULL if it is none.
 */
static const char *field_doubt_number(struct backtest_text t, int64_t time)
{
	struct cursor c = { t.s, t.s + t.len };
	int year, month, day;
	size_t digits = 0;

	while (digits < t.len && field_is_digit(t.s[digits]))
		digits++;
	if (digits == 5 && time >= SHEET_DAY_FIRST * USEC_PER_SEC &&
	    time < SHEET_DAY_LAST * USEC_PER_SEC)
		return "a time looks like a spreadsheet's day number";
	if (digits != t.len || (digits != 8 && digits != 12 && digits != 14))
		return NULL;
	if (!cursor_digits(&c, 4, &year) || !cursor_digits(&c, 2, &month) ||
	    !cursor_digits(&c, 2, &day))
		return NULL;
	return year >= 1990 && year < 2100 && month >= 1 && month <= 12 && day >= 1 &&
			       day <= 31
		       ? "a time is a date in digits; write it as 2021-01-07T17:12:47"
		       : NULL;
}

static const char *field_set_events(struct backtest_row *row, struct backtest_text field)
{
	uint32_t events = 0;

	if (field_number(field, UINT32_MAX, &events) < 0)
		return "the number of events is no number";
	row->events = events > 0 ? events : 1;
	return NULL;
}

static const char *field_set_grain(struct backtest_row *row, struct backtest_text field)
{
	uint32_t bits = 0;

	if (field_number(field, 63, &bits) < 0)
		return "the grain is no number from 0 to 63";
	row->grain_bits = (uint8_t)bits;
	return NULL;
}

static const char *field_set_time(int64_t *time, struct backtest_text field)
{
	if (csv_parse_time(field.s, field.len, time) < 0)
		return "a time is neither seconds since the epoch nor ISO 8601";
	return field_doubt_number(field, *time);
}

/* A table without gaps has 0 or a negative number where there was no ticket. */
static const char *field_set_ue_time(int64_t *time, struct backtest_text field)
{
	bool negative = field.len > 1 && field.s[0] == '-' && field_is_digit(field.s[1]);
	struct backtest_text number = { field.s + negative, field.len - negative };
	const char *why = field_set_time(time, number);

	if (!why && (negative || *time <= 0))
		*time = BACKTEST_NO_TIME;
	return why;
}

const char *csv_set_field(struct backtest_row *row, enum csv_column column,
			  struct backtest_text field)
{
	if (column == CSV_COLUMN_MAX_ || csv_field_is_absent(field))
		return NULL;
	switch (column) {
	case CSV_TIME:
		return field_set_time(&row->time, field);
	case CSV_FIRST:
		return field_set_time(&row->first, field);
	case CSV_EVENTS:
		return field_set_events(row, field);
	case CSV_UE_TIME:
		return field_set_ue_time(&row->ue_time, field);
	case CSV_DIMM:
		return field_set_name(&row->dimm, field);
	case CSV_SERVER:
		return field_set_name(&row->server, field);
	case CSV_PA:
	case CSV_MESSAGE:
	case CSV_DETAIL:
		break; /* the table says how they are read */
	case CSV_GRAIN:
		return field_set_grain(row, field);
	case CSV_COUNT:
		return field_set_count(row, field);
	case CSV_SOCKET:
		return field_set_place(&row->socket, field);
	case CSV_CHANNEL:
		return field_set_place(&row->channel, field);
	case CSV_SLOT:
		return field_set_place(&row->slot, field);
	case CSV_SUB_CHANNEL:
		return field_set_part(&row->coord, DRAM_SUB_CHANNEL, field);
	case CSV_RANK:
		return field_set_part(&row->coord, DRAM_RANK, field);
	case CSV_CHIP:
		return field_set_part(&row->coord, DRAM_CHIP, field);
	case CSV_DEVICE:
		return field_set_part(&row->coord, DRAM_DEVICE, field);
	case CSV_BANK_GROUP:
		return field_set_part(&row->coord, DRAM_BANK_GROUP, field);
	case CSV_BANK:
		return field_set_part(&row->coord, DRAM_BANK, field);
	case CSV_ROW:
		return field_set_part(&row->coord, DRAM_ROW, field);
	case CSV_COLUMN:
		return field_set_part(&row->coord, DRAM_COLUMN, field);
	case CSV_TYPE:
		return csv_parse_kind(field.s, field.len, &row->kind) == 0
			       ? NULL
			       : "an unknown type of error";
	case CSV_COLUMN_MAX_:
		break;
	}
	return NULL;
}
