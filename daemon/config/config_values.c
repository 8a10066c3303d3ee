/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Text to value, one parser for each type of option. All are strict: decimal digits only,
 * one unit and nothing after it, no rounding, no wrap-around. This file knows nothing of
 * files, lines or sections, and never guesses what an operator may have meant.
 */

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/config_internal.h"

#define MAX_SPAN (3650 * USEC_PER_DAY)

struct unit {
	const char *word;
	uint64_t factor;
};

static const struct unit time_units[] = {
	{ "s", USEC_PER_SEC },      { "sec", USEC_PER_SEC }, { "m", USEC_PER_MINUTE },
	{ "min", USEC_PER_MINUTE }, { "h", USEC_PER_HOUR },  { "d", USEC_PER_DAY },
	{ "w", 7 * USEC_PER_DAY },
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "K", UINT64_C(1) << 10 },
	{ "M", UINT64_C(1) << 20 },
	{ "G", UINT64_C(1) << 30 },
	{ "T", UINT64_C(1) << 40 },
};

static _printf_(3, 4) int value_refuse(struct value_error *error, const char *value,
				       const char *format, ...)
{
	char quoted[96];
	va_list args;
	int n;

	text_escape(value, strlen(value), quoted, sizeof(quoted));
	n = snprintf(error->text, sizeof(error->text), "\"%s\": ", quoted);
	va_start(args, format);
	vsnprintf(error->text + n, sizeof(error->text) - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

static const char *value_skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Moves *text past a decimal number; -EINVAL if there is none, -ERANGE past 64 bits. */
static int value_number(const char **text, uint64_t *ret)
{
	const char *c = *text;
	bool overflow = false;
	uint64_t n = 0;

	if (*c < '0' || *c > '9')
		return -EINVAL;
	for (; *c >= '0' && *c <= '9'; c++)
		overflow |= __builtin_mul_overflow(n, 10, &n) ||
			    __builtin_add_overflow(n, (uint64_t)(*c - '0'), &n);
	*text = c;
	if (overflow)
		return -ERANGE;
	*ret = n;
	return 0;
}

/* A number and one of @units, to the end of @text. */
static int value_scaled(const char *text, const struct unit *units, size_t n_units,
			uint64_t *ret)
{
	uint64_t number = 0, scaled;
	int r;

	r = value_number(&text, &number);
	if (r == -EINVAL)
		return r;
	text = value_skip_blanks(text);
	for (size_t i = 0; i < n_units; i++) {
		if (strcmp(text, units[i].word) != 0)
			continue;
		if (r < 0 || __builtin_mul_overflow(number, units[i].factor, &scaled))
			return -ERANGE;
		*ret = scaled;
		return 0;
	}
	return -EINVAL;
}

int config_parse_span(const char *text, usec_t *ret)
{
	uint64_t span;
	int r;

	r = value_scaled(text, time_units, ARRAY_SIZE(time_units), &span);
	if (r < 0)
		return r;
	if (span == 0 || span > (uint64_t)MAX_SPAN)
		return -ERANGE;
	*ret = usec((int64_t)span);
	return 0;
}

int config_parse_threshold(const char *text, struct threshold *ret)
{
	uint64_t count = 0;
	usec_t window;
	int number, r;

	if (strcmp(text, "off") == 0) {
		*ret = (struct threshold){ 0 };
		return 0;
	}
	number = value_number(&text, &count);
	if (number == -EINVAL)
		return number;
	text = value_skip_blanks(text);
	if (*text++ != '/')
		return -EINVAL;
	r = config_parse_span(value_skip_blanks(text), &window);
	if (r < 0)
		return r;
	if (number < 0 || count == 0 || count > CONFIG_MAX_THRESHOLD)
		return -ERANGE;
	*ret = (struct threshold){ .count = (uint32_t)count, .window = window };
	return 0;
}

/* "2", "0.1", "0.0001": millionths of the whole, as one per cent is 10000 of them. */
static int value_percent(const char *text, uint64_t *ret)
{
	uint64_t whole, part = 0;
	unsigned int digits = 0;
	int r;

	r = value_number(&text, &whole);
	if (r < 0)
		return r;
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9' && digits < 4; digits++)
			part = part * 10 + (uint64_t)(*text++ - '0');
		if (digits == 0)
			return -EINVAL;
		for (; digits < 4; digits++)
			part *= 10;
	}
	if (strcmp(value_skip_blanks(text), "%") != 0)
		return -EINVAL;
	if (whole > 100 || (whole == 100 && part > 0))
		return -ERANGE;
	*ret = whole * 10000 + part;
	return 0;
}

static int amount_value(const char *text, struct amount *ret, struct value_error *error)
{
	struct amount amount;
	size_t len = strlen(text);
	int r;

	if (len > 0 && text[len - 1] == '%') {
		amount.unit = AMOUNT_PERCENT;
		r = value_percent(text, &amount.value);
		if (r == -ERANGE)
			return value_refuse(error, text, "more than 100%%");
	} else {
		bool plain = len > 0 && text[len - 1] >= '0' && text[len - 1] <= '9';

		amount.unit = plain ? AMOUNT_PAGES : AMOUNT_BYTES;
		r = value_scaled(text, size_units, ARRAY_SIZE(size_units), &amount.value);
		if (r == -ERANGE)
			return value_refuse(error, text, "too large for 64 bits");
	}
	if (r < 0)
		return value_refuse(
			error, text,
			"not an amount of memory; write pages such as 1000, a "
			"size such as 256M, or a share such as 0.1%%, with at "
			"most four decimals");
	*ret = amount;
	return 0;
}

static int percent_value(const char *text, uint32_t *ret, struct value_error *error)
{
	const char *end = text;
	uint64_t n = 0;
	int r;

	r = value_number(&end, &n);
	if (r != -EINVAL && *end == '%')
		end++;
	if (r == -EINVAL || *end)
		return value_refuse(error, text,
				    "not a percentage; write a whole number from 0%% to "
				    "100%%, such as 20%%");
	if (r < 0 || n > 100)
		return value_refuse(error, text, "more than 100%%");
	*ret = (uint32_t)n;
	return 0;
}

static int count_value(const struct option *opt, const char *text, uint32_t *ret,
		       struct value_error *error)
{
	unsigned int min = (unsigned int)opt->min, max = (unsigned int)opt->max;
	const char *end = text;
	uint64_t n = 0;
	int r;

	r = value_number(&end, &n);
	if (r == -EINVAL || *end)
		return value_refuse(
			error, text,
			"not a number; write digits only, %u to %u, such as %s", min, max,
			opt->doc.value);
	if (r < 0 || n < min || n > max)
		return value_refuse(error, text, "out of range; %u to %u is possible",
				    min, max);
	*ret = (uint32_t)n;
	return 0;
}

static int limit_value(const struct option *opt, const char *text, uint32_t *ret,
		       struct value_error *error)
{
	const char *end = text;
	uint64_t n = 0;
	int r = 0;

	if (strcmp(text, "off") != 0)
		r = value_number(&end, &n);
	else
		end = "";
	if (r == -EINVAL || *end)
		return value_refuse(error, text,
				    "not a number; write digits only, such as %s, or off",
				    opt->doc.value);
	if (r < 0 || n > opt->max)
		return value_refuse(error, text,
				    "out of range; 1 to %u is possible, or off",
				    (unsigned int)opt->max);
	*ret = (uint32_t)n;
	return 0;
}

static int size_value(const struct option *opt, const char *text, uint64_t *ret,
		      struct value_error *error)
{
	const char *also = opt->type == OPTION_AUTO_SIZE ? "auto, or " : "";
	char min[32], max[32];
	uint64_t n = 0;
	int r;

	r = value_scaled(text, size_units, ARRAY_SIZE(size_units), &n);
	if (r == -EINVAL)
		return value_refuse(
			error, text,
			"not a size; write %sa whole number of bytes, or with "
			"K, M, G or T (1024 each), such as %s",
			also, config_format_size(opt->max, max, sizeof(max)));
	if (r < 0 || n < opt->min || n > opt->max)
		return value_refuse(error, text, "out of range; %s to %s is possible",
				    config_format_size(opt->min, min, sizeof(min)),
				    config_format_size(opt->max, max, sizeof(max)));
	*ret = n;
	return 0;
}

static int auto_size_value(const struct option *opt, const char *text, uint64_t *ret,
			   struct value_error *error)
{
	if (strcmp(text, "auto") == 0) {
		*ret = 0;
		return 0;
	}
	return size_value(opt, text, ret, error);
}

static bool is_bare_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static int span_value(const struct option *opt, const char *text, usec_t *ret,
		      struct value_error *error)
{
	char min[32], max[32];
	usec_t span = { 0 };
	int r;

	r = config_parse_span(text, &span);
	if (r == -EINVAL && is_bare_number(text))
		return value_refuse(error, text,
				    "a span of time needs a unit (s, min, h, d, w), such "
				    "as %s",
				    opt->doc.value);
	if (r == -EINVAL)
		return value_refuse(error, text,
				    "not a span of time; write one whole number and one "
				    "unit (s, min, h, d, w), such as %s",
				    opt->doc.value);
	if (r < 0 || (uint64_t)span.us < opt->min || (uint64_t)span.us > opt->max)
		return value_refuse(
			error, text, "out of range; %s to %s is possible",
			config_format_span(usec((int64_t)opt->min), min, sizeof(min)),
			config_format_span(usec((int64_t)opt->max), max, sizeof(max)));
	*ret = span;
	return 0;
}

static int threshold_value(const struct option *opt, const char *text,
			   struct threshold *ret, struct value_error *error)
{
	const char *slash = strchr(text, '/');
	struct threshold t = { 0 };
	int r;

	r = config_parse_threshold(text, &t);
	if (r == -EINVAL && slash && is_bare_number(value_skip_blanks(slash + 1)))
		return value_refuse(error, text,
				    "the window needs a unit (s m h d w), such as 24h");
	if (r == -EINVAL)
		return value_refuse(
			error, text,
			"not a threshold; write N / WINDOW such as %s, or off",
			opt->doc.value);
	if (r < 0 || (t.count > 0 && (t.count < opt->min || t.count > opt->max)))
		return value_refuse(
			error, text,
			"out of range; %u to %u errors within 1s to 3650d, or "
			"off",
			(unsigned int)opt->min, (unsigned int)opt->max);
	*ret = t;
	return 0;
}

static int bool_value(const char *text, bool *ret, struct value_error *error)
{
	static const char *const words[] = { "no",  "yes", "false", "true",
					     "off", "on",  "0",     "1" };

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = i % 2 == 1;
			return 0;
		}
	return value_refuse(error, text, "neither yes nor no");
}

static int enum_value(const struct option *opt, const char *text, unsigned int *ret,
		      struct value_error *error)
{
	char choice[64];
	size_t used = 0;

	for (unsigned int i = 0; opt->words[i]; i++)
		if (strcmp(text, opt->words[i]) == 0) {
			*ret = i;
			return 0;
		}
	for (unsigned int i = 0; opt->words[i] && used < sizeof(choice); i++)
		used += (size_t)snprintf(choice + used, sizeof(choice) - used, "%s%s",
					 i == 0 ? "" : " or ", opt->words[i]);
	return value_refuse(error, text, "unknown; write %s", choice);
}

static int path_value(const char *text, char *ret, struct value_error *error)
{
	size_t len = strlen(text);

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return value_refuse(error, text, "control character in a path");
	if (text[0] != '/')
		return value_refuse(error, text,
				    "not an absolute path; it must begin with / and have "
				    "no quotes");
	if (text[len - 1] == '/')
		return value_refuse(error, text,
				    "a folder; a file's path does not end in /");
	if (len >= CONFIG_PATH_MAX)
		return value_refuse(error, text, "longer than %d bytes",
				    CONFIG_PATH_MAX - 1);
	memcpy(ret, text, len + 1);
	return 0;
}

static int file_value(const char *text, char *ret, struct value_error *error)
{
	if (strcmp(text, "auto") == 0) {
		ret[0] = '\0';
		return 0;
	}
	if (strcmp(text, "none") == 0) {
		memcpy(ret, "none", sizeof("none"));
		return 0;
	}
	if (text[0] != '/')
		return value_refuse(
			error, text,
			"write an absolute path without quotes, auto or none");
	return path_value(text, ret, error);
}

/* The ABI stores enum fields as unsigned int, so they are read and written as such. */
_Static_assert(sizeof(enum policy_action) == sizeof(unsigned int), "enum size");
_Static_assert(sizeof(enum huge_rule) == sizeof(unsigned int), "enum size");
_Static_assert(sizeof(enum kernel_control) == sizeof(unsigned int), "enum size");

static size_t field_size(enum option_type type)
{
	switch (type) {
	case OPTION_BOOL:
		return sizeof(bool);
	case OPTION_COUNT:
	case OPTION_LIMIT:
	case OPTION_PERCENT:
		return sizeof(uint32_t);
	case OPTION_SIZE:
	case OPTION_AUTO_SIZE:
		return sizeof(uint64_t);
	case OPTION_SPAN:
		return sizeof(usec_t);
	case OPTION_AMOUNT:
		return sizeof(struct amount);
	case OPTION_THRESHOLD:
		return sizeof(struct threshold);
	case OPTION_ENUM:
		return sizeof(unsigned int);
	case OPTION_PATH:
	case OPTION_FILE:
		return CONFIG_PATH_MAX;
	}
	return 0;
}

void config_value_copy(const struct option *opt, void *to, const void *from)
{
	memcpy((char *)to + opt->offset, (const char *)from + opt->offset,
	       field_size(opt->type));
}

static bool threshold_least(struct threshold *to, const struct threshold *from)
{
	struct threshold was = *to;

	if (from->count == 0 || to->count == 0) {
		*to = from->count == 0 ? *from : *to;
	} else {
		to->count = from->count > to->count ? from->count : to->count;
		to->window = usec_min(from->window, to->window);
	}
	return was.count != to->count || was.window.us != to->window.us;
}

static unsigned int small_field(const struct option *opt, const void *field)
{
	return opt->type == OPTION_BOOL ? *(const bool *)field
					: *(const unsigned int *)field;
}

bool config_value_least(const struct option *opt, void *to, const void *from)
{
	const void *new = (const char *)from + opt->offset;
	void *field = (char *)to + opt->offset;
	bool takes = false;

	switch (opt->least) {
	case LEAST_NONE:
		break;
	case LEAST_SMALLER:
		takes = small_field(opt, new) < small_field(opt, field);
		break;
	case LEAST_LARGER:
		takes = small_field(opt, new) > small_field(opt, field);
		break;
	case LEAST_HIGHER:
		takes = small_field(opt, field) != 0 &&
			(small_field(opt, new) == 0 ||
			 small_field(opt, new) > small_field(opt, field));
		break;
	case LEAST_RARER:
		return threshold_least(field, new);
	}
	if (takes)
		config_value_copy(opt, to, from);
	return takes;
}

int config_value_parse(const struct option *opt, const char *text, void *base,
		       struct value_error *ret_error)
{
	void *field = (char *)base + opt->offset;

	if (text[0] == '\0') {
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "no value; write one such as %s, or leave the key out",
			 opt->doc.value);
		return -EINVAL;
	}
	switch (opt->type) {
	case OPTION_BOOL:
		return bool_value(text, field, ret_error);
	case OPTION_COUNT:
		return count_value(opt, text, field, ret_error);
	case OPTION_LIMIT:
		return limit_value(opt, text, field, ret_error);
	case OPTION_PERCENT:
		return percent_value(text, field, ret_error);
	case OPTION_SIZE:
		return size_value(opt, text, field, ret_error);
	case OPTION_AUTO_SIZE:
		return auto_size_value(opt, text, field, ret_error);
	case OPTION_SPAN:
		return span_value(opt, text, field, ret_error);
	case OPTION_AMOUNT:
		return amount_value(text, field, ret_error);
	case OPTION_THRESHOLD:
		return threshold_value(opt, text, field, ret_error);
	case OPTION_ENUM:
		return enum_value(opt, text, field, ret_error);
	case OPTION_PATH:
		return path_value(text, field, ret_error);
	case OPTION_FILE:
		return file_value(text, field, ret_error);
	}
	return -EINVAL;
}
