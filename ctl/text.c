/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Numbers and times as people read them. Scripts use JSON instead.
 */

#include "base/text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "output.h"

static const char *text_unknown(char *buf)
{
	return strcpy(buf, "-");
}

const char *text_count(uint64_t count, char *buf)
{
	char digits[24];
	char *to = buf;
	int len;

	if (count == REPORT_NO_COUNT)
		return text_unknown(buf);
	len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

const char *text_kib(int64_t kib, char *buf)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)kib;
	size_t unit = 0;

	if (kib == REPORT_NO_NUMBER || kib < 0)
		return text_unknown(buf);
	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(buf, OUTPUT_TEXT_MAX, unit && value < 10 ? "%.1f %s" : "%.0f %s", value,
		 units[unit]);
	return buf;
}

const char *text_span(int64_t span_usec, char *buf)
{
	if (span_usec == REPORT_NO_NUMBER || span_usec < 0)
		return text_unknown(buf);
	return text_duration(span_usec, buf, OUTPUT_TEXT_MAX);
}

const char *text_address(uint64_t address, char *buf)
{
	if (address == REPORT_NO_ADDRESS)
		return text_unknown(buf);
	snprintf(buf, OUTPUT_TEXT_MAX, "0x%" PRIx64, address);
	return buf;
}

/* " (2 min ago)"; nothing for the future. */
static void append_ago(char *buf, size_t len, int64_t ago)
{
	char text[OUTPUT_TEXT_MAX];

	if (ago < 0)
		return;
	text_duration(ago - ago % USEC_PER_SEC, text, sizeof(text));
	snprintf(buf + len, OUTPUT_TEXT_MAX - len, " (%.40s ago)", text);
}

const char *text_time(const struct ui *ui, int64_t time, char *buf)
{
	time_t seconds = (time_t)(time / USEC_PER_SEC);
	struct tm tm;
	size_t len;

	if (time == REPORT_NO_NUMBER || !localtime_r(&seconds, &tm))
		return text_unknown(buf);
	len = strftime(buf, OUTPUT_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm);
	/* "ago" is right on a screen; in a file that is read next week it is wrong. */
	if (ui->terminal)
		append_ago(buf, len, usec_sub(usec(ui->now), usec(time)).us);
	return buf;
}

static const char *text_number(const struct report_field *field, int64_t number,
			       char *buf)
{
	const char *name;

	if (strcmp(field->key, "duration_usec") == 0)
		return number ? text_span(number, buf) : text_unknown(buf);
	if (strcmp(field->key, "size_mib") == 0)
		return text_kib(number < INT64_MAX / 1024 ? number * 1024 : -1, buf);
	if (strcmp(field->key, "errno") == 0) {
		name = strerrorname_np((int)number);
		snprintf(buf, OUTPUT_TEXT_MAX, "%s", name && number ? name : "-");
		return buf;
	}
	snprintf(buf, OUTPUT_TEXT_MAX, "%" PRId64, number);
	return buf;
}

const char *text_field(const struct ui *ui, const void *report,
		       const struct report_field *field, char *buf)
{
	const void *at = (const char *)report + field->offset;
	uint64_t count;
	int64_t number;

	if (report_is_unknown(report, field))
		return text_unknown(buf);
	switch (field->type) {
	case FIELD_STRING:
		snprintf(buf, OUTPUT_TEXT_MAX, "%s", (const char *)at);
		return buf;
	case FIELD_BOOL:
		return strcpy(buf, *(const int8_t *)at ? "yes" : "no");
	case FIELD_U64:
		memcpy(&count, at, sizeof(count));
		return text_count(count, buf);
	case FIELD_ADDRESS:
		memcpy(&count, at, sizeof(count));
		return text_address(count, buf);
	case FIELD_TIME:
		memcpy(&number, at, sizeof(number));
		return text_time(ui, number, buf);
	case FIELD_I64:
		memcpy(&number, at, sizeof(number));
		return text_number(field, number, buf);
	}
	return text_unknown(buf);
}

const char *color_bold(const struct ui *ui)
{
	return ui->color ? "\033[1m" : "";
}

const char *color_alert(const struct ui *ui)
{
	return ui->color ? "\033[1;31m" : "";
}

const char *color_off(const struct ui *ui)
{
	return ui->color ? "\033[0m" : "";
}
