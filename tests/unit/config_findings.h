/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * For the tests of the configuration: parses a text from the defaults on and keeps what
 * the parser found. Every message is checked to be printable.
 */

#include <stdio.h>
#include <string.h>

#include "config/config_internal.h"

#define MAX_FINDINGS 128

struct findings {
	unsigned int errors;
	unsigned int warnings;
	char text[MAX_FINDINGS][600];
};

static inline void collect(void *userdata, const struct config_diag *diag)
{
	struct findings *f = userdata;
	unsigned int n = f->errors + f->warnings;

	assert_true(n < MAX_FINDINGS);
	for (const char *c = diag->message; *c; c++)
		assert_true(*c >= 0x20 && *c < 0x7f);
	snprintf(f->text[n], sizeof(f->text[n]), "%s", diag->message);
	if (diag->severity == CONFIG_ERROR)
		f->errors++;
	else
		f->warnings++;
}

static inline unsigned int parse(struct config *cfg, struct findings *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	config_init(cfg);
	return config_parse(cfg, "f", text, strlen(text), collect, f);
}

static inline const struct option *row_of(const char *section, const char *key)
{
	int i = config_option_find(section, key);

	assert_true(i >= 0);
	return config_option_row((size_t)i);
}

static inline const char *value_of(const struct config *cfg, const struct option *opt,
				   char *buf, size_t size)
{
	return config_value_format(opt, config_option_base_const(cfg, opt), buf, size);
}
