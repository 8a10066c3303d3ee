/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The field tables of the reports, and the operations that need only the table. Scripts
 * rely on the keys: never rename one. This file knows neither D-Bus nor JSON, nor where
 * the numbers come from.
 */

#include "tell/report.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* clang-format off */
#define FIELD(struct_, key_, type_, member, secret_)                                     \
	{                                                                                \
		.key = key_, .type = FIELD_##type_, .offset = offsetof(struct_, member), \
		.size = sizeof(((struct_ *)NULL)->member), .secret = secret_             \
	}

#define S(key, type, member) FIELD(struct status_report, key, type, member, false)
#define P(type, member) FIELD(struct page_report, #member, type, member, false)
#define O(type, member) FIELD(struct outlook_report, #member, type, member, false)
#define H(key, type, member) FIELD(struct history_report, key, type, member, false)
#define C(type, member) FIELD(struct ce_report, #member, type, member, false)
#define D(type, member) FIELD(struct dimm_report, #member, type, member, false)
#define E(key, type, member) FIELD(struct notice_report, key, type, member, false)
#define N(key, member) FIELD(struct node_report, key, U64, member, false)
#define SECRET(struct_, type, member) FIELD(struct struct_, #member, type, member, true)

static const struct report_field status_fields[] = {
	S("schema",                     U64,    schema),
	S("daemon.running",             BOOL,   running),
	S("daemon.version",             STRING, version),
	S("daemon.started",             TIME,   started),
	S("daemon.dry_run",             BOOL,   dry_run),
	S("daemon.action",              STRING, action),
	S("kernel.mc_event",            BOOL,   mc_event),
	S("kernel.soft_offline",        BOOL,   soft_offline),
	S("kernel.enable_soft_offline", I64,    enable_soft_offline),
	S("kernel.ras_cec",             STRING, ras_cec),
	S("kernel.ras_cec_threshold",   I64,    ras_cec_threshold),
	S("kernel.ras_cec_acts",        BOOL,   ras_cec_acts),
	S("kernel.patched",             BOOL,   patched),
	S("kernel.soft_offline_event",    BOOL,   soft_offline_event),
	S("kernel.soft_offline_counters", BOOL,   soft_offline_counters),
	S("kernel.memory_failure_event",  BOOL,   memory_failure_event),
	S("kernel.sources",               STRING, sources),
	S("kernel.soft_offline_control",  STRING, soft_offline_control),
	S("counters.events",             U64, events),
	S("counters.corrected_errors",   U64, corrected_errors),
	S("counters.uncorrected_errors", U64, uncorrected_errors),
	S("counters.unattributed",       U64, unattributed),
	S("counters.events_lost",        U64, events_lost),
	S("counters.malformed",          U64, malformed),
	S("counters.gaps",               U64, gaps),
	S("pages.tracked",  U64, tracked),
	S("pages.offlined", U64, offlined),
	S("pages.pending",  U64, pending),
	S("pages.failed",   U64, failed),
	S("pages.refused",  U64, refused),
	S("budget.limit_pages", U64, limit_pages),
	S("budget.used_pages",  U64, used_pages),
	S("budget.hour_limit",  U64, hour_limit),
	S("budget.hour_used",   U64, hour_used),
	S("budget.burst",       U64, burst),
	S("poisoned.kib",           I64, poisoned_kib),
	S("poisoned.by_us_kib",     I64, by_us_kib),
	S("poisoned.by_others_kib", I64, by_others_kib),
	S("database.ok",        BOOL, db_ok),
	S("database.bytes",     U64,  db_bytes),
	S("database.errors",    U64,  db_errors),
	S("database.lost_rows", U64,  db_lost_rows),
	S("database.last_commit", TIME, db_last_commit),
	S("source.state",  STRING, source_state),
	S("source.up",     BOOL,   source_up),
	S("source.cause",  STRING, source_cause),
	S("source.why",    STRING, source_why),
	S("source.remedy", STRING, source_remedy),
	S("source.reading",              STRING, source_reading),
	S("source.delivers",             STRING, source_delivers),
	S("source.other_machine_checks", U64,    other_machine_checks),
	S("hold",        STRING, hold),
	S("hold_why",    STRING, hold_why),
	S("verdict",     STRING, verdict),
	S("verdict_why", STRING, verdict_why),
};

static const struct report_field page_fields[] = {
	SECRET(page_report, ADDRESS, pfn),
	SECRET(page_report, ADDRESS, address),
	P(STRING, dimm),
	P(U64,    corrected_errors),
	P(TIME,   first_seen),
	P(TIME,   last_seen),
	P(STRING, state),
	P(STRING, reason),
	P(STRING, result),
	P(U64,    attempts),
};

static const struct report_field history_fields[] = {
	H("time", TIME, time),
	SECRET(history_report, ADDRESS, pfn),
	SECRET(history_report, ADDRESS, address),
	H("action",              STRING, action),
	H("reason",              STRING, reason),
	H("result",              STRING, result),
	H("errno",               I64,    error),
	H("page_type",           STRING, page_type),
	H("duration_usec",       I64,    duration_usec),
	H("poisoned_before_kib", I64,    poisoned_before_kib),
	H("poisoned_after_kib",  I64,    poisoned_after_kib),
	H("outcome",             STRING, outcome),
};

static const struct report_field outlook_fields[] = {
	O(STRING, action),
	O(STRING, page_threshold),
	O(STRING, row_threshold),
	O(STRING, cell_threshold),
	O(BOOL,   neighbour_rule),
	O(STRING, held_by),
	O(I64,    in_window),
	O(I64,    missing),
	O(TIME,   until),
	O(TIME,   next_try),
};

static const struct report_field ce_fields[] = {
	C(TIME, first),
	C(TIME, last),
	SECRET(ce_report, ADDRESS, address),
	C(U64,    count),
	C(U64,    events),
	C(STRING, dimm),
	C(STRING, severity),
	C(STRING, registers),
};

static const struct report_field dimm_fields[] = {
	D(STRING, label),
	D(STRING, location),
	D(I64,    size_mib),
	D(STRING, part),
	SECRET(dimm_report, STRING, serial),
	D(U64,    corrected_errors),
	D(U64,    uncorrected_errors),
	D(U64,    unattributed),
	D(U64,    pages),
	D(U64,    offlined),
	D(STRING, fault),
	D(STRING, verdict),
	D(STRING, verdict_why),
	D(U64,    cells),
	D(U64,    rows),
	D(U64,    banks),
	D(STRING, identity),
	D(BOOL,   former),
	D(STRING, slot),
	D(STRING, slot_match),
	D(STRING, likely_part),
	SECRET(dimm_report, STRING, likely_serial),
	D(BOOL,   missing),
	D(TIME,   since),
	D(TIME,   last_uncorrected),
	SECRET(dimm_report, ADDRESS, last_uncorrected_address),
};

static const struct report_field notice_fields[] = {
	E("time",           TIME,   time),
	E("kind",           STRING, kind),
	E("priority",       STRING, priority),
	E("dimm",           STRING, dimm),
	E("slot",           STRING, slot),
	E("part",           STRING, part),
	E("reason",         STRING, reason),
	E("result",         STRING, result),
	E("errno",          I64,    error),
	E("count",          U64,    count),
	E("fault",          STRING, fault),
	E("verdict",        STRING, verdict),
	E("verdict_before", STRING, verdict_before),
	E("address_class",  STRING, address_class),
	E("standing",       BOOL,   standing),
	E("message",        STRING, message),
};

static const struct report_field node_fields[] = {
	N("node",             node),
	N("taken_from_free",  outcome[SOFT_TAKEN_FROM_FREE]),
	N("dropped",          outcome[SOFT_DROPPED]),
	N("migrated",         outcome[SOFT_MIGRATED]),
	N("already_poisoned", outcome[SOFT_ALREADY_POISONED]),
	N("invalid_pfn",      outcome[SOFT_INVALID_PFN]),
	N("not_online",       outcome[SOFT_NOT_ONLINE]),
	N("unhandlable",      outcome[SOFT_UNHANDLABLE]),
	N("thp_not_split",    outcome[SOFT_THP_NOT_SPLIT]),
	N("not_isolated",     outcome[SOFT_NOT_ISOLATED]),
	N("not_migrated",     outcome[SOFT_NOT_MIGRATED]),
	N("no_memory",        outcome[SOFT_NO_MEMORY]),
	N("not_dissolved",    outcome[SOFT_NOT_DISSOLVED]),
	N("lost_race",        outcome[SOFT_LOST_RACE]),
	N("filtered",         outcome[SOFT_FILTERED]),
	N("disabled",         outcome[SOFT_DISABLED]),
	N("other",            outcome[SOFT_UNKNOWN]),
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(node_fields) == SOFT_OUTCOME_MAX_ + 1, "one for each outcome");

const struct report_field *node_report_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(node_fields);
	return node_fields;
}

void report_from_soft_counts(const struct soft_counts *counts, struct node_report *ret)
{
	ret->node = counts->node;
	for (size_t i = 0; i < ARRAY_SIZE(ret->outcome); i++)
		ret->outcome[i] = counts->known[i] ? counts->count[i] : REPORT_NO_COUNT;
}

void report_from_sight(enum sight_cause cause, struct status_report *ret)
{
	ret->source_up = REPORT_NO_BOOL;
	if (cause <= SIGHT_CAUSE_NONE || cause >= SIGHT_CAUSE_MAX_)
		return;
	snprintf(ret->source_state, sizeof(ret->source_state), "%s",
		 sight_state_to_string(sight_cause_state(cause)));
	ret->source_up = sight_cause_up(cause);
	snprintf(ret->source_cause, sizeof(ret->source_cause), "%s",
		 sight_cause_to_string(cause));
	snprintf(ret->source_why, sizeof(ret->source_why), "%s", sight_cause_help(cause));
	snprintf(ret->source_remedy, sizeof(ret->source_remedy), "%s",
		 sight_cause_remedy(cause));
}

const struct report_field *status_report_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(status_fields);
	return status_fields;
}

const struct report_field *page_report_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(page_fields);
	return page_fields;
}

const struct report_field *history_report_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(history_fields);
	return history_fields;
}

const struct report_field *outlook_report_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(outlook_fields);
	return outlook_fields;
}

const struct report_field *ce_report_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(ce_fields);
	return ce_fields;
}

const struct report_field *dimm_report_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(dimm_fields);
	return dimm_fields;
}

const struct report_field *notice_report_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(notice_fields);
	return notice_fields;
}

static void clear_field(void *report, const struct report_field *field)
{
	void *at = (char *)report + field->offset;

	switch (field->type) {
	case FIELD_STRING:
		/* All of it: a withheld text must not survive behind its terminator. */
		memset(at, 0, field->size);
		break;
	case FIELD_BOOL:
		memcpy(at, &(int8_t){ REPORT_NO_BOOL }, sizeof(int8_t));
		break;
	case FIELD_U64:
		memcpy(at, &(uint64_t){ REPORT_NO_COUNT }, sizeof(uint64_t));
		break;
	case FIELD_ADDRESS:
		memcpy(at, &(uint64_t){ REPORT_NO_ADDRESS }, sizeof(uint64_t));
		break;
	case FIELD_I64:
	case FIELD_TIME:
		memcpy(at, &(int64_t){ REPORT_NO_NUMBER }, sizeof(int64_t));
		break;
	}
}

void report_clear(void *report, const struct report_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		clear_field(report, &fields[i]);
}

void report_redact(void *report, const struct report_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].secret)
			clear_field(report, &fields[i]);
}

/*
 * Length of the UTF-8 sequence at @s, or 0 if there is none: too short, overlong, a
 * surrogate or past U+10FFFF.
 */
static size_t utf8_length(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;
	uint32_t c;

	if (n == 1)
		return s[0] < 0x80 ? 1 : 0;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (s[0] >= 0xf8 || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

/* C0, DEL and C1: what moves the cursor or starts an escape sequence. */
static bool is_control(const unsigned char *s)
{
	return *s < 0x20 || *s == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

static void clean_text(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t n = utf8_length(s);

		if (n == 0 || is_control(s))
			*s++ = '?';
		else
			s += n;
	}
}

void report_clean(void *report, const struct report_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].type == FIELD_STRING)
			clean_text((char *)report + fields[i].offset);
}

bool report_is_unknown(const void *report, const struct report_field *field)
{
	const void *at = (const char *)report + field->offset;
	int64_t number;
	uint64_t count;

	switch (field->type) {
	case FIELD_STRING:
		return *(const char *)at == '\0';
	case FIELD_BOOL:
		return *(const int8_t *)at == REPORT_NO_BOOL;
	case FIELD_U64:
		memcpy(&count, at, sizeof(count));
		return count == REPORT_NO_COUNT;
	case FIELD_ADDRESS:
		memcpy(&count, at, sizeof(count));
		return count == REPORT_NO_ADDRESS;
	case FIELD_I64:
	case FIELD_TIME:
		memcpy(&number, at, sizeof(number));
		return number == REPORT_NO_NUMBER;
	}
	return true;
}

const struct report_field *report_find(const struct report_field *fields, size_t n,
				       const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	return NULL;
}

const char *report_severity(unsigned int severity)
{
	static const char *const words[] = {
		[CE_CORRECTED] = "corrected", [CE_UNCORRECTED] = "uncorrected",
		[CE_DEFERRED] = "deferred",   [CE_FATAL] = "fatal",
		[CE_INFO] = "info",
	};

	return severity < ARRAY_SIZE(words) ? words[severity] : "unknown";
}

const char *report_location(unsigned int mc, const int8_t layer[3], char *buf,
			    size_t size)
{
	int len = snprintf(buf, size, "mc%u", mc);

	for (int i = 0; i < 3 && layer[i] >= 0; i++) {
		if (len < 0 || (size_t)len >= size)
			break;
		len += snprintf(buf + len, size - (size_t)len, "%c%d", i ? ':' : ' ',
				layer[i]);
	}
	return buf;
}
