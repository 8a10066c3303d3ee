/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What only the whole configuration shows: values that contradict each other. This file
 * parses nothing.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/config_internal.h"

void config_diagnose(config_diag_fn diag, void *userdata, enum config_severity severity,
		     const char *format, ...)
{
	char message[CONFIG_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (diag)
		diag(userdata, &(struct config_diag){ severity, message });
}

const char *config_locate(const struct config *cfg, const char *section, const char *key,
			  const char *other, char *buf, size_t size)
{
	int i = config_option_find(section, key), j = config_option_find(section, other);
	const struct config_origin *origin = &cfg->origins[i];
	char name[CONFIG_PATH_MAX];

	if (origin->line == 0 && cfg->origins[j].line != 0) {
		origin = &cfg->origins[j];
		key = other;
	}
	if (origin->line == 0)
		snprintf(buf, size, "[%s] %s: ", section, key);
	else
		snprintf(buf, size, "%s:%" PRIu32 ": [%s] %s: ",
			 text_escape(cfg->files[origin->file], CONFIG_PATH_MAX, name,
				     sizeof(name)),
			 origin->line, section, key);
	return buf;
}

unsigned int config_check(const struct config *cfg, config_diag_fn diag, void *userdata)
{
	char at[CONFIG_PATH_MAX + 96], a[32], b[32];
	unsigned int errors = 0;

	if (cfg->source.max_buffer_size < cfg->source.buffer_size) {
		config_locate(cfg, "Source", "MaxBufferSize", "BufferSize", at,
			      sizeof(at));
		config_diagnose(
			diag, userdata, CONFIG_ERROR,
			"%sMaxBufferSize=%s is less than BufferSize=%s; raise the first "
			"or lower the second",
			at, config_format_size(cfg->source.max_buffer_size, a, sizeof(a)),
			config_format_size(cfg->source.buffer_size, b, sizeof(b)));
		errors++;
	}
	if (cfg->budget.burst == 0 && cfg->budget.pages_per_hour > 0) {
		config_locate(cfg, "Budget", "Burst", "PagesPerHour", at, sizeof(at));
		config_diagnose(
			diag, userdata, CONFIG_ERROR,
			"%sBurst=0 lets no page pass whatever PagesPerHour says; write "
			"PagesPerHour=0 as well, or a Burst of at least 1",
			at);
		errors++;
	}
	if (cfg->retry.max.us < cfg->retry.first.us) {
		config_locate(cfg, "Retry", "Max", "First", at, sizeof(at));
		config_diagnose(
			diag, userdata, CONFIG_ERROR,
			"%sMax=%s is less than First=%s; raise the first or lower the "
			"second",
			at, config_format_span(cfg->retry.max, a, sizeof(a)),
			config_format_span(cfg->retry.first, b, sizeof(b)));
		errors++;
	}
	if (config_metrics_hit_database(cfg)) {
		config_locate(cfg, "Metrics", "File", "File", at, sizeof(at));
		config_diagnose(
			diag, userdata, CONFIG_ERROR,
			"%sthe metrics would overwrite the database or a file that belongs to "
			"it; write another path",
			at);
		errors++;
	}
	return errors;
}
