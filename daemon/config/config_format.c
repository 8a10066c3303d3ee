/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Value to text, in one canonical spelling that the parsers read back to the same value,
 * and the whole configuration as a file. It does not know where the text goes.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/config_internal.h"

#define ORIGIN_COLUMN 40

const char *config_format_span(usec_t span, char *buf, size_t size)
{
	static const struct {
		const char *word;
		int64_t us;
	} units[] = {
		{ "d", USEC_PER_DAY },         { "h", USEC_PER_HOUR },
		{ "min", USEC_PER_MINUTE },    { "s", USEC_PER_SEC },
		{ "ms", USEC_PER_SEC / 1000 },
	};

	if (span.us == 0) {
		snprintf(buf, size, "0s");
		return buf;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		/* A single day is written 24h, as is usual for memory errors. */
		if (span.us % units[i].us == 0 &&
		    (units[i].us != USEC_PER_DAY || span.us > USEC_PER_DAY)) {
			snprintf(buf, size, "%" PRId64 "%s", span.us / units[i].us,
				 units[i].word);
			return buf;
		}
	snprintf(buf, size, "%" PRId64 "us", span.us);
	return buf;
}

/* Divides by 1024 as long as nothing remains; returns the unit letter's index. */
static unsigned int size_scale(uint64_t *n)
{
	unsigned int unit = 0;

	while (unit < 4 && *n != 0 && *n % 1024 == 0) {
		*n /= 1024;
		unit++;
	}
	return unit;
}

static const char *const size_units[] = { "", "K", "M", "G", "T" };

const char *config_format_size(uint64_t bytes, char *buf, size_t size)
{
	unsigned int unit = size_scale(&bytes);

	snprintf(buf, size, "%" PRIu64 "%s", bytes, size_units[unit]);
	return buf;
}

/* Millionths of the whole as per cent, with as many decimals as needed. */
static void format_percent(uint64_t millionths, char *buf, size_t size)
{
	char text[40];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), "%" PRIu64 ".%04" PRIu64,
			       millionths / 10000, millionths % 10000);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	snprintf(buf, size, "%.*s%%", (int)len, text);
}

static void format_amount(const struct amount *amount, char *buf, size_t size)
{
	uint64_t n = amount->value;
	unsigned int unit;

	switch (amount->unit) {
	case AMOUNT_PAGES:
		snprintf(buf, size, "%" PRIu64, n);
		break;
	case AMOUNT_BYTES:
		/* Without a letter the parser would read pages. */
		unit = size_scale(&n);
		if (unit == 0) {
			n /= 1024;
			unit = 1;
		}
		snprintf(buf, size, "%" PRIu64 "%s", n, size_units[unit]);
		break;
	case AMOUNT_PERCENT:
		format_percent(n, buf, size);
		break;
	}
}

const char *config_format_threshold(const struct threshold *t, char *buf, size_t size)
{
	char window[32];

	if (t->count == 0)
		snprintf(buf, size, "off");
	else
		snprintf(buf, size, "%" PRIu32 " / %s", t->count,
			 config_format_span(t->window, window, sizeof(window)));
	return buf;
}

const char *config_value_format(const struct option *opt, const void *base, char *buf,
				size_t size)
{
	const void *field = (const char *)base + opt->offset;
	const char *path = field;

	switch (opt->type) {
	case OPTION_BOOL:
		snprintf(buf, size, "%s", *(const bool *)field ? "yes" : "no");
		break;
	case OPTION_COUNT:
		snprintf(buf, size, "%" PRIu32, *(const uint32_t *)field);
		break;
	case OPTION_LIMIT:
		if (*(const uint32_t *)field == 0)
			snprintf(buf, size, "off");
		else
			snprintf(buf, size, "%" PRIu32, *(const uint32_t *)field);
		break;
	case OPTION_PERCENT:
		snprintf(buf, size, "%" PRIu32 "%%", *(const uint32_t *)field);
		break;
	case OPTION_SIZE:
		config_format_size(*(const uint64_t *)field, buf, size);
		break;
	case OPTION_AUTO_SIZE:
		if (*(const uint64_t *)field == 0)
			snprintf(buf, size, "auto");
		else
			config_format_size(*(const uint64_t *)field, buf, size);
		break;
	case OPTION_SPAN:
		config_format_span(*(const usec_t *)field, buf, size);
		break;
	case OPTION_AMOUNT:
		format_amount(field, buf, size);
		break;
	case OPTION_THRESHOLD:
		(void)config_format_threshold(field, buf, size);
		break;
	case OPTION_ENUM:
		snprintf(buf, size, "%s", opt->words[*(const unsigned int *)field]);
		break;
	case OPTION_PATH:
		snprintf(buf, size, "%s", path);
		break;
	case OPTION_FILE:
		snprintf(buf, size, "%s", path[0] ? path : "auto");
		break;
	}
	return buf;
}

/* Text that outgrows its buffer: the part that does not fit is only counted. */
struct out {
	char *buf;
	size_t size;
	size_t len;
};

static _printf_(2, 3) void out_put(struct out *out, const char *format, ...)
{
	size_t room = out->len < out->size ? out->size - out->len : 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(room > 0 ? out->buf + out->len : NULL, room, format, args);
	va_end(args);
	if (n > 0)
		out->len += (size_t)n;
}

/* Key=value and the file and line of the value; the output line is not ended yet. */
static void out_origin(struct out *out, const struct config *cfg,
		       const struct option *opt, const void *base,
		       const struct config_origin *origin)
{
	char value[CONFIG_PATH_MAX + 32], name[CONFIG_PATH_MAX];
	const char *key = opt->doc.key;
	int width = ORIGIN_COLUMN - (int)strlen(key) - 1;

	config_value_format(opt, base, value, sizeof(value));
	out_put(out, "%s=%-*s # ", key, width, value);
	if (origin->line == 0 || origin->file >= cfg->n_files)
		out_put(out, "default");
	else
		out_put(out, "%s:%" PRIu32,
			text_escape(cfg->files[origin->file], CONFIG_PATH_MAX, name,
				    sizeof(name)),
			origin->line);
}

static void out_value(struct out *out, const struct config *cfg, const struct option *opt,
		      const void *base, const struct config_origin *origin)
{
	out_origin(out, cfg, opt, base, origin);
	out_put(out, "\n");
}

static void out_override(struct out *out, const struct config *cfg,
			 const struct policy_override *override)
{
	const struct option *opt;

	out_put(out, "\n[Policy \"%s\"]\n", override->glob);
	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++) {
		if (override->set & (UINT64_C(1) << i))
			out_value(out, cfg, opt, &override->rule, &override->origins[i]);
	}
}

size_t config_format(const struct config *cfg, char *buf, size_t size)
{
	struct out out = { .buf = buf, .size = size };
	const char *section = "";
	const struct option *opt;

	if (size > 0)
		buf[0] = '\0';
	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++) {
		if (strcmp(section, opt->doc.section) != 0) {
			out_put(&out, "%s[%s]\n", *section ? "\n" : "", opt->doc.section);
			section = opt->doc.section;
		}
		out_value(&out, cfg, opt, config_option_base_const(cfg, opt),
			  &cfg->origins[i]);
	}
	for (unsigned int i = 0; i < cfg->n_overrides; i++)
		out_override(&out, cfg, &cfg->overrides[i]);
	return out.len;
}

/* The section with the value of option @i that counts for the DIMM; NULL: [Policy]
 * itself. */
static const struct policy_override *last_setter(const struct config *cfg, size_t i,
						 const struct config_dimm *dimm)
{
	const struct policy_override *last = NULL;

	for (unsigned int o = 0; o < cfg->n_overrides; o++)
		if ((cfg->overrides[o].set & (UINT64_C(1) << i)) &&
		    config_override_fits(&cfg->overrides[o], dimm))
			last = &cfg->overrides[o];
	return last;
}

/* Sections that do not decide about pages. */
static bool decides(const struct option *opt)
{
	static const char *const others[] = { "Source", "Tracker", "Database",
					      "Metrics" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(opt->doc.section, others[i]) == 0)
			return false;
	return true;
}

/* The section that made the value of option @i stricter than the sections that match by
 * now, because it may match later; NULL: none. */
static const struct policy_override *strictest_setter(const struct config *cfg, size_t i,
						      const struct config_dimm *dimm)
{
	const struct option *opt = config_option_row(i);
	struct policy_rule rule = config_rule_by_now(cfg, dimm);
	const struct policy_override *strictest = NULL;

	for (unsigned int o = 0; o < cfg->n_overrides && !config_dimm_is_named(dimm); o++)
		if ((cfg->overrides[o].set & (UINT64_C(1) << i)) &&
		    config_override_may_fit(&cfg->overrides[o], dimm) &&
		    config_value_least(opt, &rule, &cfg->overrides[o].rule))
			strictest = &cfg->overrides[o];
	return strictest;
}

/* One value of [Policy] for a DIMM: where it is from, and by which section. */
static void out_rule(struct out *out, const struct config *cfg, size_t i,
		     const struct config_dimm *dimm)
{
	const struct option *opt = config_option_row(i);
	const struct policy_override *later = strictest_setter(cfg, i, dimm);
	const struct policy_override *setter = later ? later : last_setter(cfg, i, dimm);
	struct policy_rule rule = config_rule_for(cfg, dimm);

	if (!setter) {
		out_value(out, cfg, opt, config_option_base_const(cfg, opt),
			  &cfg->origins[i]);
		return;
	}
	out_origin(out, cfg, opt, &rule, &setter->origins[i]);
	out_put(out, ", [Policy \"%s\"]%s\n", setter->glob,
		later ? ", which may match once a label is registered" : "");
}

size_t config_format_for(const struct config *cfg, const struct config_dimm *dimm,
			 char *buf, size_t size)
{
	struct out out = { .buf = buf, .size = size };
	const char *section = "";
	const struct option *opt;

	if (size > 0)
		buf[0] = '\0';
	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++) {
		if (!decides(opt))
			continue;
		if (strcmp(section, opt->doc.section) != 0) {
			out_put(&out, "%s[%s]\n", *section ? "\n" : "", opt->doc.section);
			section = opt->doc.section;
		}
		if (opt->policy)
			out_rule(&out, cfg, i, dimm);
		else
			out_value(&out, cfg, opt, config_option_base_const(cfg, opt),
				  &cfg->origins[i]);
	}
	return out.len;
}
