/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads the command line and its notations. It knows no verb, reads no clock, and prints
 * nothing: an error is returned as a sentence.
 */

#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "config/config.h"

static const struct option {
	const char *name;
	enum args_option bit;
	char letter;
	bool takes_value;
} options[] = {
	{ "--json", ARGS_JSON, 0, false },
	{ "--db", ARGS_DB, 0, true },
	{ "--no-legend", ARGS_NO_LEGEND, 0, false },
	{ "--lines", ARGS_LINES, 'n', true },
	{ "--since", ARGS_SINCE, 'S', true },
	{ "--state", ARGS_STATE, 0, true },
	{ "--exit-code", ARGS_EXIT_CODE, 0, false },
	{ "--help", ARGS_HELP, 'h', false },
	{ "--version", ARGS_VERSION, 0, false },
	{ "--config", ARGS_CONFIG, 0, true },
	{ "--policy", ARGS_POLICY, 0, true },
	{ "--input", ARGS_INPUT, 0, true },
	{ "--strict", ARGS_STRICT, 0, false },
	{ "--format", ARGS_FORMAT, 0, true },
	{ "--as", ARGS_AS, 0, true },
	{ "--exec", ARGS_EXEC, 0, true },
	{ "--wide", ARGS_WIDE, 0, false },
	{ "--server", ARGS_SERVER, 0, true },
};

const char *args_option_name(enum args_option option)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].bit == option)
			return options[i].name;
	return "";
}

static int parse_lines(const char *text, uint32_t *ret)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end || errno || value == 0 || value > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

static int add_to(struct args_list *list, const char *value, char why[ARGS_TEXT_MAX])
{
	if (list->n == ARGS_MAX_LIST) {
		snprintf(why, ARGS_TEXT_MAX, "too many policies; at most %d",
			 ARGS_MAX_LIST);
		return -EINVAL;
	}
	list->v[list->n++] = value;
	return 0;
}

static int args_set(struct args *a, const struct option *o, const char *value,
		    char why[ARGS_TEXT_MAX])
{
	a->given |= o->bit;
	if (o->bit == ARGS_DB)
		a->db = value;
	else if (o->bit == ARGS_SINCE)
		a->since = value;
	else if (o->bit == ARGS_STATE)
		a->state = value;
	else if (o->bit == ARGS_INPUT)
		a->input = value;
	else if (o->bit == ARGS_FORMAT)
		a->format = value;
	else if (o->bit == ARGS_AS)
		a->as = value;
	else if (o->bit == ARGS_EXEC)
		a->exec = value;
	else if (o->bit == ARGS_SERVER)
		a->server = value;
	else if (o->bit == ARGS_CONFIG)
		return add_to(&a->configs, value, why);
	else if (o->bit == ARGS_POLICY)
		return add_to(&a->policies, value, why);
	else if (o->bit == ARGS_LINES && parse_lines(value, &a->lines) < 0) {
		snprintf(why, ARGS_TEXT_MAX,
			 "--lines needs a number of lines from 1 on, not \"%s\"", value);
		return -EINVAL;
	}
	return 0;
}

/* The option that @arg names, and where a value within @arg starts (NULL: none). */
static const struct option *find_option(const char *arg, const char **ret_value)
{
	*ret_value = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		size_t len = strlen(o->name);

		if (o->letter && arg[1] == o->letter) {
			if (arg[2])
				*ret_value = arg + 2;
			return o;
		}
		if (strncmp(arg, o->name, len) != 0)
			continue;
		if (arg[len] == '=')
			*ret_value = arg + len + 1;
		if (arg[len] == '=' || arg[len] == '\0')
			return o;
	}
	return NULL;
}

static int unknown_option(const char *arg, char why[ARGS_TEXT_MAX])
{
	const char *near = args_nearest(arg, &options[0].name, ARRAY_SIZE(options),
					sizeof(options[0]));

	snprintf(why, ARGS_TEXT_MAX, "unknown option \"%s\"%s%s%s", arg,
		 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return -EINVAL;
}

/* Reads the option at argv[*i] and moves *i to the last argument that it used up. */
static int parse_option(struct args *a, int argc, char *const *argv, int *i,
			char why[ARGS_TEXT_MAX])
{
	const char *value;
	const struct option *o = find_option(argv[*i], &value);

	if (!o)
		return unknown_option(argv[*i], why);
	if (!o->takes_value && value) {
		snprintf(why, ARGS_TEXT_MAX, "%s takes no value", o->name);
		return -EINVAL;
	}
	if (o->takes_value && !value) {
		if (*i + 1 >= argc) {
			snprintf(why, ARGS_TEXT_MAX, "%s needs a value", o->name);
			return -EINVAL;
		}
		value = argv[++*i];
	}
	return args_set(a, o, value, why);
}

int args_parse(struct args *ret, int argc, char *const *argv, char ret_why[ARGS_TEXT_MAX])
{
	struct args a = { 0 };
	bool words_only = false;

	for (int i = 1; i < argc; i++) {
		int r = 0;

		if (!words_only && strcmp(argv[i], "--") == 0)
			words_only = true;
		else if (!words_only && argv[i][0] == '-' && argv[i][1])
			r = parse_option(&a, argc, argv, &i, ret_why);
		else if (a.n_words == ARGS_MAX_WORDS) {
			snprintf(ret_why, ARGS_TEXT_MAX, "too many arguments");
			r = -EINVAL;
		} else
			a.words[a.n_words++] = argv[i];
		if (r < 0)
			return r;
	}
	*ret = a;
	return 0;
}

static int parse_hex(const char *text, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t len = strspn(text, digits);
	const char *significant = text + strspn(text, "0");

	if (len == 0 || text[len])
		return -EINVAL;
	if (strlen(significant) > 16)
		return -ERANGE;
	*ret = strtoull(text, NULL, 16);
	return 0;
}

int args_parse_address(const char *text, unsigned int page_shift, uint64_t *ret)
{
	bool frame = strncmp(text, "pfn:", 4) == 0;
	uint64_t value;
	int r;

	if (frame)
		text += 4;
	if (strncmp(text, "0x", 2) != 0 && strncmp(text, "0X", 2) != 0)
		return -EINVAL;
	r = parse_hex(text + 2, &value);
	if (r < 0)
		return r;
	if (frame && value > UINT64_MAX >> page_shift)
		return -ERANGE;
	*ret = frame ? value << page_shift : value;
	return 0;
}

bool args_looks_like_address(const char *text)
{
	return strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0 ||
	       strncmp(text, "pfn:", 4) == 0 || !text[strspn(text, "0123456789")];
}

/* strptime() fills only the fields that its format names. */
static int parse_date(const char *text, int64_t *ret)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
					       "%Y-%m-%d" };

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);
		time_t t;

		if (!end || *end)
			continue;
		t = mktime(&tm);
		if (__builtin_mul_overflow((int64_t)t, USEC_PER_SEC, ret))
			return -EINVAL;
		return 0;
	}
	return -EINVAL;
}

static int parse_seconds(const char *text, int64_t *ret)
{
	char *end;
	long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (*end || errno || __builtin_mul_overflow(value, USEC_PER_SEC, &value))
		return -EINVAL;
	*ret = value;
	return 0;
}

int args_parse_moment(const char *text, int64_t now, int64_t *ret)
{
	int64_t moment;
	usec_t span;
	int r;

	if (*text == '@')
		r = parse_seconds(text + 1, &moment);
	else if (config_parse_span(text, &span) == 0) {
		moment = usec_sub(usec(now), span).us;
		r = 0;
	} else
		r = parse_date(text, &moment);
	if (r < 0)
		return r;
	*ret = moment;
	return 0;
}

const char *args_nearest(const char *word, const void *table, size_t n, size_t stride)
{
	const char *nearest = NULL;
	size_t len = strlen(word);
	unsigned int best = 3;

	/* Three changes in a short word make any other short word. */
	if (len <= 4)
		best = 2;
	for (size_t i = 0; i < n; i++) {
		const char *candidate;
		unsigned int d;

		memcpy(&candidate, (const char *)table + i * stride, sizeof(candidate));
		d = text_distance(word, candidate);
		/* The start of a word counts as near. */
		if (len >= 3 && strncmp(word, candidate, len) == 0)
			d = 1;
		if (d <= best && (d < best || !nearest)) {
			best = d;
			nearest = candidate;
		}
	}
	return nearest;
}
