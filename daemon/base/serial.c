/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which texts stand for no serial number. Judged by kinds, because every maker of
 * firmware has words of its own. A real number that looks like a filler only leaves a
 * module without identity: nothing is closed or offlined for it.
 */

#include "base/serial.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define SERIAL_MAX 64
#define RUN_MIN    7 /* "1234567" in a longer text */

/* A serial number's letters and digits, in lower case. */
struct serial_core {
	char s[SERIAL_MAX];
	size_t len;
};

static struct serial_core serial_core_of(const char *serial)
{
	struct serial_core c = { .len = 0 };

	for (const char *p = serial; *p && c.len + 1 < sizeof(c.s); p++)
		if (isalnum((unsigned char)*p))
			c.s[c.len++] = (char)tolower((unsigned char)*p);
	return c;
}

/*
 * No number of a maker holds them: numbers are hexadecimal nearly always. Stems, which match
 * a firmware's misspelling, too, and are no misspelling to those who check a package.
 */
static bool serial_has_words(const struct serial_core *c)
{
	static const char *const words[] = {
		"absent",  "applicable", "asset",      "avail",      "bank",
		"channel", "default",    "dimm",       "empty",      "error",
		"fail",    "fill",       "identified", "index",      "installed",
		"invalid", "jedec",      "manufact",   "memory",     "missing",
		"module",  "noinfo",     "none",       "notpresent", "notset",
		"null",    "number",     "outofspec",  "partnum",    "populated",
		"program", "provided",   "readable",   "reserved",   "sernum",
		"serial",  "slot",       "socket",     "specified",  "spd",
		"string",  "supported",  "timeout",    "undefined",  "nkown",
		"nknow",   "unused",
	};
	static const char *const whole[] = {
		"bad", "blank", "cafebabe", "deadbeef", "dummy", "example",
		"na",  "nil",   "no",       "oem",      "ram",   "sample",
		"sn",  "tbd",   "test",     "todo",     "void",  "xxxxx",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(c->s, words[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (strcmp(c->s, whole[i]) == 0)
			return true;
	return false;
}

/* "not ...", "no ...": whatever is not there. */
static bool serial_denies(const char *serial)
{
	while (*serial && !isalnum((unsigned char)*serial))
		serial++;
	if (tolower((unsigned char)serial[0]) != 'n' ||
	    tolower((unsigned char)serial[1]) != 'o')
		return false;
	serial += 2;
	if (tolower((unsigned char)*serial) == 't')
		serial++;
	return *serial == ' ' || *serial == '_' || *serial == '-';
}

static bool serial_is_programmed(const struct serial_core *c)
{
	for (size_t i = 0; i < c->len; i++)
		if (!strchr("0fx", c->s[i]))
			return true;
	return false;
}

static bool serial_repeats(const struct serial_core *c)
{
	for (size_t unit = 1; unit <= 4 && 2 * unit <= c->len; unit++)
		if (memcmp(c->s, c->s + unit, c->len - unit) == 0)
			return true;
	return false;
}

/* Up or down by one, with 9 next to 0 and to a, and f next to 0. */
static int serial_step(char from, char to)
{
	if (to == from + 1 || (from == '9' && (to == '0' || to == 'a')))
		return 1;
	if (from == 'f' && to == '0')
		return 1;
	if (from == to + 1 || (to == '9' && (from == '0' || from == 'a')))
		return -1;
	return from == '0' && to == 'f' ? -1 : 0;
}

static int serial_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number of @digits digits at @s; -1 if they are none. */
static int serial_value(const char *s, size_t digits)
{
	int value = 0;

	for (size_t i = 0; i < digits; i++) {
		int digit = serial_digit(s[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Digits, or bytes, that all are as far apart: "13579BDF", "01020304", "11223344". */
static bool serial_strides(const struct serial_core *c, size_t digits)
{
	int mask = digits == 1 ? 0xf : 0xff, stride = -1, before = -1;
	size_t prefix = strncmp(c->s, "0x", 2) == 0 ? 2 : 0, len = c->len - prefix;

	if (len < 4 * digits || len % digits != 0)
		return false;
	for (size_t i = 0; i < len; i += digits) {
		int value = serial_value(c->s + prefix + i, digits);

		if (value < 0 || (i > digits && ((value - before) & mask) != stride))
			return false;
		if (i > 0)
			stride = (value - before) & mask;
		before = value;
	}
	return true;
}

static bool serial_counts(const struct serial_core *c)
{
	size_t longest = 0, run = 0;
	int way = 0;

	for (size_t i = 1; i < c->len; i++) {
		int step = serial_step(c->s[i - 1], c->s[i]);

		run = step == 0 ? 0 : step == way ? run + 1 : 1;
		way = step;
		if (longest < run)
			longest = run;
	}
	return longest + 1 >= RUN_MIN || (c->len >= 4 && longest + 1 == c->len);
}

bool dmi_serial_is_real(const char *serial)
{
	struct serial_core c = serial_core_of(serial);

	return c.len >= 2 && !strpbrk(serial, "<>?") && serial_is_programmed(&c) &&
	       !serial_repeats(&c) && !serial_counts(&c) && !serial_strides(&c, 1) &&
	       !serial_strides(&c, 2) && !serial_denies(serial) && !serial_has_words(&c);
}
