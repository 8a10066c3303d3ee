/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room tell: what people and programs see, by the journal, D-Bus and the metrics file.
 *
 * Here: what operators and their scripts see, as plain structs, each with a table of its fields.
 * The same table makes the D-Bus dictionary, the JSON and, in part, the screen. Scripts
 * rely on the keys. Times are microseconds since the epoch.
 */

#include <stddef.h>

#include "base/reason.h"
#include "base/sight.h"
#include "event/soft_event.h"
#include "track/records.h"

#define REPORT_SCHEMA     1
#define REPORT_NO_ADDRESS UINT64_MAX /* not known, or for root only */
#define REPORT_NO_NUMBER  INT64_MIN  /* not known */
#define REPORT_NO_COUNT   UINT64_MAX /* not known */
#define REPORT_NO_BOOL    (-1)       /* not known */
#define REPORT_WORD_MAX   24
#define REPORT_TEXT_MAX   256

enum field_type {
	FIELD_STRING,  /* char[]; "" is null in JSON */
	FIELD_BOOL,    /* int8_t: 0, 1; REPORT_NO_BOOL is null */
	FIELD_U64,     /* uint64_t; REPORT_NO_COUNT is null */
	FIELD_I64,     /* int64_t; REPORT_NO_NUMBER is null */
	FIELD_ADDRESS, /* uint64_t, "0x..." as a string; REPORT_NO_ADDRESS is null */
	FIELD_TIME, /* int64_t microseconds since the epoch; REPORT_NO_NUMBER is null */
};

struct report_field {
	const char *key; /* with dots where JSON nests: "daemon.running" */
	enum field_type type;
	size_t offset;
	size_t size; /* of the member in bytes, with the terminator of a string */
	bool secret; /* for root only: page addresses, serial numbers */
};

struct status_report {
	uint64_t schema;
	int8_t running;
	char version[REPORT_WORD_MAX];
	int64_t started;
	int8_t dry_run;
	/* What [Policy] Action= lets it do: "soft", "account"; "mixed": by DIMM. */
	char action[REPORT_WORD_MAX];
	int8_t mc_event;             /* the kernel has ras:mc_event */
	int8_t soft_offline;         /* it soft-offlines pages for good (5.10 or later) */
	int64_t enable_soft_offline; /* the sysctl's value; REPORT_NO_NUMBER: absent */
	char ras_cec[REPORT_WORD_MAX]; /* "no", "active", "disabled", "unknown" */
	/* From which error of a page on the collector offlines it, and whether it does. */
	int64_t ras_cec_threshold;
	int8_t ras_cec_acts;
	int8_t patched; /* it has ras:soft_offline_event and the counters of kernel/ */
	int8_t memory_failure_event;
	/* The tracepoints that are read, "ras:mc_event ..."; in the order of the table. */
	char sources[REPORT_TEXT_MAX];
	char source_reading
		[REPORT_WORD_MAX]; /* "mc_event", "mce_record", "both", "none" */
	char source_delivers[REPORT_WORD_MAX]; /* the kind that came last, or "none" */
	uint64_t other_machine_checks; /* that are no memory errors, since the start */
	int8_t soft_offline_event;
	int8_t soft_offline_counters;
	char soft_offline_control[REPORT_WORD_MAX]; /* state of SoftOfflineControl= */
	uint64_t events;
	uint64_t corrected_errors;
	uint64_t uncorrected_errors;
	uint64_t unattributed;
	uint64_t events_lost;
	uint64_t malformed;
	uint64_t gaps;
	uint64_t tracked;
	uint64_t offlined;
	uint64_t pending;
	uint64_t failed;
	uint64_t refused;
	uint64_t limit_pages;
	uint64_t used_pages;
	uint64_t hour_limit;
	uint64_t burst;
	uint64_t hour_used;
	int64_t poisoned_kib;
	int64_t by_us_kib;
	int64_t by_others_kib;
	int8_t db_ok;
	uint64_t db_bytes;
	uint64_t db_errors;
	uint64_t db_lost_rows;
	int64_t db_last_commit; /* of what is shown, if the database alone was read */
	/* Whether errors can be seen (base/sight.h); when the daemon is down, as it was. */
	char source_state[REPORT_WORD_MAX];
	int8_t source_up;
	char source_cause[REPORT_WORD_MAX];
	char source_why[REPORT_TEXT_MAX];
	char source_remedy[REPORT_TEXT_MAX];
	char hold[REPORT_WORD_MAX]; /* result word, or "none" */
	char hold_why[REPORT_TEXT_MAX];
	char verdict[REPORT_WORD_MAX];
	char verdict_why[REPORT_TEXT_MAX];
};

struct page_report {
	uint64_t pfn;     /* JSON: hex string */
	uint64_t address; /* JSON: hex string */
	char dimm[DIMM_LABEL_MAX];
	uint64_t corrected_errors;
	int64_t first_seen;
	int64_t last_seen;
	char state[REPORT_WORD_MAX];
	char reason[REPORT_WORD_MAX];
	char result[REPORT_WORD_MAX];
	uint64_t attempts;
};

struct history_report {
	int64_t time;
	uint64_t pfn;
	uint64_t address;
	char action[REPORT_WORD_MAX];
	char reason[REPORT_WORD_MAX];
	char result[REPORT_WORD_MAX];
	int64_t error; /* key "errno" */
	char page_type[REPORT_WORD_MAX];
	int64_t duration_usec;
	int64_t poisoned_before_kib;
	int64_t poisoned_after_kib;
	char outcome[REPORT_WORD_MAX]; /* the kernel's own word; empty: none */
};

/** What has to happen before a page is offlined, for `show`. */
struct outlook_report {
	char action[REPORT_WORD_MAX];         /* [Policy] Action of its DIMM */
	char page_threshold[REPORT_WORD_MAX]; /* "2 / 24h", "off" */
	char row_threshold[REPORT_WORD_MAX];
	char cell_threshold[REPORT_WORD_MAX];
	bool neighbour_rule;
	char held_by[WIDE_LIMIT_TEXT_MAX]; /* "WideFaultPages=16"; empty: no such key */
	int64_t in_window; /* its errors in the window now; REPORT_NO_NUMBER: no window */
	int64_t missing;   /* errors that are missing to the threshold ... */
	int64_t until;     /* ... if they come by this time; REPORT_NO_NUMBER: any time */
	int64_t next_try;  /* nothing is tried before; REPORT_NO_NUMBER: no such time */
};

/** One group of errors of a page, for `show`. */
struct ce_report {
	int64_t first;
	int64_t last;
	uint64_t address;
	uint64_t count;
	uint64_t events;
	char dimm[DIMM_LABEL_MAX];
	char severity[REPORT_WORD_MAX];  /* report_severity() */
	char registers[REPORT_TEXT_MAX]; /* what the driver printed of them */
};

struct dimm_report {
	char label[DIMM_LABEL_MAX];
	char location[64]; /* report_location() */
	int64_t size_mib;
	char part[64];
	char serial[64];
	uint64_t corrected_errors;
	uint64_t uncorrected_errors;
	uint64_t unattributed;
	uint64_t pages;
	uint64_t offlined;
	char fault[REPORT_WORD_MAX];
	char verdict[REPORT_WORD_MAX];
	char verdict_why[REPORT_TEXT_MAX];
	uint64_t cells; /* distinct places that erred, by DRAM coordinates */
	uint64_t rows;
	uint64_t banks;
	/* Of part and serial: "exact", "likely", "unknown". */
	char identity[REPORT_WORD_MAX];
	int8_t former;  /* another module has taken its place */
	char slot[128]; /* by which an operator finds it; empty: not known */
	char slot_match[REPORT_WORD_MAX]; /* of the slot: as identity */
	/* Of the module that fits best, where identity is "likely". */
	char likely_part[64];
	char likely_serial[64];
	int8_t missing; /* it was there at an earlier start, and is not */
	int64_t since; /* when the fault, or else the newest uncorrected error, was seen */
	int64_t last_uncorrected; /* the newest uncorrected error, and its address */
	uint64_t last_uncorrected_address;
};

/**
 * One notice as programs get it. It goes to every user, so it names no page: where the
 * sentence would, there is none.
 */
struct notice_report {
	int64_t time;
	char kind[REPORT_WORD_MAX];     /* notice_to_string() */
	char priority[REPORT_WORD_MAX]; /* "crit", "err", "warning", "notice", "info" */
	char dimm[DIMM_LABEL_MAX];      /* empty: it is of no DIMM */
	char slot[128];                 /* of the DIMM, if it is certain */
	char part[64];                  /* the same */
	char reason[REPORT_WORD_MAX];
	char result[REPORT_WORD_MAX];
	int64_t error; /* key "errno"; REPORT_NO_NUMBER: none */
	uint64_t count;
	char fault[REPORT_WORD_MAX];          /* of the DIMM */
	char verdict[REPORT_WORD_MAX];        /* of the DIMM, from now on */
	char verdict_before[REPORT_WORD_MAX]; /* only where the verdict changed */
	/* What the error's address was good for: "page" names a page; "none", "cut",
	 * "coarse" and "not-ram" do not; empty: no address plays a part. */
	char address_class[REPORT_WORD_MAX];
	/* 1: it began when nobody listened; the daemon itself always says 0. */
	int8_t standing;
	char message[512];
};

/** The kernel's own counters of soft offline requests, of one NUMA node. */
struct node_report {
	uint64_t node;
	uint64_t outcome[SOFT_OUTCOME_MAX_]; /* REPORT_NO_COUNT: no such counter */
};

/** Takes one report. A value other than 0 ends the list, and the list returns it. */
typedef int (*report_fn)(void *userdata, const void *report);

/** Selects pages, history and CEs; see report_filter_all() for "all". */
struct report_filter {
	const char *state; /* pages: a page state, or NULL */
	bool has_address;  /* only the page at @address, any address within it */
	uint64_t address;
	uint64_t cursor; /* where to continue; 0: from the start */
	int64_t since;   /* microseconds since the epoch; INT64_MIN: no bound */
	int64_t until;   /* the same; INT64_MAX: no bound */
	uint32_t limit;  /* pages: the first rows, others: the newest; 0: no bound */
	bool fresh;      /* CEs: include the last second, for which a commit is made */
};

/** The field table of each struct; *ret_n entries, in the order of the JSON keys. */
const struct report_field *status_report_fields(size_t *ret_n);
const struct report_field *page_report_fields(size_t *ret_n);
const struct report_field *history_report_fields(size_t *ret_n);
const struct report_field *outlook_report_fields(size_t *ret_n);
const struct report_field *ce_report_fields(size_t *ret_n);
const struct report_field *dimm_report_fields(size_t *ret_n);
const struct report_field *node_report_fields(size_t *ret_n);
const struct report_field *notice_report_fields(size_t *ret_n);

/** Fills *ret with what the kernel counted for a node. */
void report_from_soft_counts(const struct soft_counts *counts, struct node_report *ret);

/** Fills the part "source" of @ret; what nobody has looked at stays not known. */
void report_from_sight(enum sight_cause cause, struct status_report *ret);

/** Sets every field of @report to "not known"; leaves the other bytes unchanged. */
void report_clear(void *report, const struct report_field *fields, size_t n);

/** Replaces every secret field of @report by "not known". */
void report_redact(void *report, const struct report_field *fields, size_t n);

/**
 * Makes every string of @report safe to show: bytes that are not UTF-8 and control
 * characters become '?'. Labels come from firmware and operators; D-Bus and JSON refuse a
 * whole message for one wrong byte.
 */
void report_clean(void *report, const struct report_field *fields, size_t n);

/** True if @field of @report is "not known": null in JSON, absent on D-Bus. */
bool report_is_unknown(const void *report, const struct report_field *field);

/** The field with @key, or NULL. */
const struct report_field *report_find(const struct report_field *fields, size_t n,
				       const char *key);

/**
 * Word of a severity (enum ce_severity): "corrected", "uncorrected", "deferred", "fatal",
 * "info"; "unknown" for a number outside the enum.
 */
const char *report_severity(unsigned int severity);

/**
 * Where a DIMM sits, by EDAC's layers: "mc0 0:1", the layers from the top up to the first
 * unknown one. Returns @buf, always terminated.
 */
const char *report_location(unsigned int mc, const int8_t layer[3], char *buf,
			    size_t size);
