/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Shared by the files of this room: the typed option table and the conversion of one
 * value between text and struct. Only these files and their tests include it.
 */

#include "config/config.h"

#define CONFIG_MESSAGE_MAX 1536 /* a finding, its terminator included */

/** How a value is written, and what its field in the struct is. */
enum option_type {
	OPTION_BOOL,      /* bool: yes, no, true, false, on, off, 1, 0 */
	OPTION_COUNT,     /* uint32_t: a decimal number */
	OPTION_LIMIT,     /* uint32_t: a decimal number, or off (stored as 0) */
	OPTION_PERCENT,   /* uint32_t: 0 to 100, the sign may be left out */
	OPTION_SIZE,      /* uint64_t, bytes: a number, with K, M, G or T */
	OPTION_AUTO_SIZE, /* as OPTION_SIZE; auto (stored as 0) */
	OPTION_SPAN,      /* usec_t: a number and a unit of time */
	OPTION_AMOUNT,    /* struct amount: pages, bytes or a percentage of RAM */
	OPTION_THRESHOLD, /* struct threshold: N / WINDOW, or off */
	OPTION_ENUM,      /* an enum: one of .words, in its order */
	OPTION_PATH,      /* char[CONFIG_PATH_MAX]: an absolute path */
	OPTION_FILE,      /* as OPTION_PATH; auto (stored as "") or none (as "none") */
};

/** Which of two values of a key of [Policy] acts less. */
enum option_least {
	LEAST_NONE,    /* not a key of [Policy] */
	LEAST_SMALLER, /* the smaller number; of a switch: no */
	LEAST_LARGER,
	LEAST_HIGHER, /* a number to be reached: off, else the larger one */
	LEAST_RARER,  /* a threshold: off, else the larger count in the shorter window */
};

/** One row of the table, as the parser sees it. */
struct option {
	struct config_option doc;
	enum option_type type;
	bool policy; /* the field is in struct policy_rule */
	/* The value in a policy that has no such rule; NULL if not @policy. */
	const char *off;
	enum option_least least;
	size_t offset; /* in struct policy_rule or in struct config */
	uint64_t min;  /* of the number, in its field's unit; both inclusive */
	uint64_t max;
	const char *const *words; /* OPTION_ENUM, NULL-terminated */
};

/** Row @index of the table, or NULL past its end. */
const struct option *config_option_row(size_t index);

/** The row's index for exactly this section and key, or -1. */
int config_option_find(const char *section, const char *key);

/** The table's spelling of section @name, letter case aside, or NULL. */
const char *config_section_find(const char *name);

/** The known section with the name nearest to @name by edit distance. */
const char *config_section_nearest(const char *name);

/**
 * True if the keys in @section may keep the daemon from touching memory. An unknown name
 * there makes the file invalid; in other sections it is a warning.
 */
bool config_section_acts(const char *section);

/** The row with the key nearest to @key; among equally near rows, a row of @section. */
const struct option *config_option_nearest(const char *section, const char *key);

/** True if @override is for @dimm. */
bool config_override_fits(const struct policy_override *override,
			  const struct config_dimm *dimm);

/**
 * True if @override is not for @dimm, and may be once a label is registered for it: its
 * pattern is none of controllers, and not of the labels that the kernel makes.
 */
bool config_override_may_fit(const struct policy_override *override,
			     const struct config_dimm *dimm);

/** [Policy], overlaid in order with the sections that are for @dimm by now. */
struct policy_rule config_rule_by_now(const struct config *cfg,
				      const struct config_dimm *dimm);

/** The struct in which @opt's offset counts. */
void *config_option_base(struct config *cfg, const struct option *opt);
const void *config_option_base_const(const struct config *cfg, const struct option *opt);

/** Why a value was refused: the value first, then what would be right. */
struct value_error {
	char text[320];
};

/**
 * Parses @text and stores it in @opt's field of @base. Returns 0, or -EINVAL with
 * *ret_error set and the field untouched.
 */
int config_value_parse(const struct option *opt, const char *text, void *base,
		       struct value_error *ret_error);

/** Copies @opt's field from @from to @to. */
void config_value_copy(const struct option *opt, void *to, const void *from);

/**
 * Gives @opt's field of @to the value that acts less, of its own and the one of @from; of
 * two thresholds that may be a third. Returns whether it changed.
 */
bool config_value_least(const struct option *opt, void *to, const void *from);

/** Writes @opt's field of @base so that config_value_parse() can read it; returns
 * @buf. */
const char *config_value_format(const struct option *opt, const void *base, char *buf,
				size_t size);

/**
 * Writes the absolute @path without empty parts, "." and ".."; links are not resolved.
 * Returns @buf; no path of a configuration is too long for it.
 */
const char *config_normal_path(const char *path, char buf[CONFIG_PATH_MAX]);

/** True if the metrics file, or its temporary file, has a path of the database's
 * files. */
bool config_metrics_hit_database(const struct config *cfg);

/** Writes @bytes with its largest exact unit of K, M, G, T; returns @buf. */
const char *config_format_size(uint64_t bytes, char *buf, size_t size);
