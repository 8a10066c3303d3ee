/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room "config": one table of options, and text -> struct config with diagnostics.
 * Files are read elsewhere (host/config_load.h); nothing here does I/O. A bad value is an
 * error and is never replaced by a default: the caller drops the whole struct. A new key
 * is one row in config_options.c and one field below.
 */

#include <stddef.h>

#include "base/mem.h"
#include "base/units.h"

#define CONFIG_PATH_MAX      256
#define CONFIG_MAX_OVERRIDES 32
#define CONFIG_MAX_FILES     64
#define CONFIG_GLOB_MAX      64
#define CONFIG_MAX_THRESHOLD 1000

/** "N / WINDOW", or off (@count is 0). */
struct threshold {
	uint32_t count;
	usec_t window;
};

enum amount_unit {
	AMOUNT_PAGES,   /* a plain number: page frames */
	AMOUNT_BYTES,   /* with K, M, G or T */
	AMOUNT_PERCENT, /* with %: millionths of RAM */
};

/** A quantity of memory as the operator wrote it. */
struct amount {
	enum amount_unit unit;
	uint64_t value;
};

enum policy_action {
	POLICY_SOFT,    /* soft-offline */
	POLICY_ACCOUNT, /* count only */
};

enum huge_rule {
	HUGE_NEVER, /* never dissolve a HugeTLB page */
	HUGE_2M,    /* HugeTLB pages up to 2 MiB may be dissolved */
};

/** Which tracepoints for memory errors are recorded. */
enum source_events {
	EVENTS_AUTO, /* all that the kernel has */
	EVENTS_MC_EVENT,
	EVENTS_MCE_RECORD,
};

enum kernel_control {
	CONTROL_LEAVE,
	CONTROL_OWN,
};

/** The keys of [Policy], which [Policy "GLOB"] may override one by one. */
struct policy_rule {
	enum policy_action action;
	struct threshold page;
	struct threshold row;
	struct threshold cell; /* count is 2, or 0 for off */
	bool neighbour;
	uint32_t wide_fault_threshold; /* errors of a page; 0: no page goes */
	uint32_t wide_fault_pages;     /* of a DIMM */
	enum huge_rule huge_pages;
	bool transparent_huge_pages;
};

/** Where a value comes from; line 0: the built-in default. */
struct config_origin {
	uint32_t line;
	uint8_t file; /* index into config.files */
};

#define CONFIG_MAX_OPTIONS 40

/** One [Policy "GLOB"] section. */
struct policy_override {
	char glob[CONFIG_GLOB_MAX]; /* matches DIMMs, see config_dimm; '*', '?' */
	struct policy_rule rule;    /* only the fields in @set count */
	uint64_t set;               /* bit i: option i of the table was given */
	struct config_origin origins[CONFIG_MAX_OPTIONS]; /* by option index */
};

struct config {
	struct {
		enum source_events events;
		uint64_t buffer_size;     /* bytes per CPU; 0: auto */
		uint64_t max_buffer_size; /* bytes of the queue, all CPUs */
	} source;
	struct {
		uint32_t max_tracked_pages;
	} tracker;
	struct policy_rule policy;
	struct policy_override overrides[CONFIG_MAX_OVERRIDES];
	unsigned int n_overrides;
	struct {
		uint32_t pages_per_hour;
		uint32_t burst;
		uint32_t pages_per_dimm;
		struct amount total;
		struct amount min_available_memory;
		uint32_t max_memory_pressure; /* percent, some avg10 of PSI; 100: no limit
					       */
	} budget;
	struct {
		usec_t first;
		usec_t max;
		uint32_t tries;
	} retry;
	struct {
		bool at_boot;
	} replay;
	struct {
		enum kernel_control soft_offline_control;
	} kernel;
	struct {
		char path[CONFIG_PATH_MAX];
		uint64_t max_size; /* bytes */
		usec_t retention;
	} database;
	struct {
		char file[CONFIG_PATH_MAX]; /* empty (File=auto): the default path, if
					       its folder exists; "none": no file */
		usec_t interval;
	} metrics;

	/* For `policy show`; not consulted by the engine. */
	char files[CONFIG_MAX_FILES][CONFIG_PATH_MAX];
	unsigned int n_files;
	struct config_origin origins[CONFIG_MAX_OPTIONS]; /* by option index */
};

enum config_severity {
	CONFIG_WARNING, /* an unknown key where none keeps the daemon from acting:
			   ignored, and the nearest one is named */
	CONFIG_ERROR,   /* the whole configuration must be refused */
};

/** One finding. @message is "file:line: [Section] Key: why", or the parts of it that are
 * known. */
struct config_diag {
	enum config_severity severity;
	const char *message;
};

typedef void (*config_diag_fn)(void *userdata, const struct config_diag *diag);

/** Formats a finding and passes it to @diag; does nothing if @diag is NULL. */
_printf_(4, 5) void config_diagnose(config_diag_fn diag, void *userdata,
				    enum config_severity severity, const char *format,
				    ...);

/** Sets every option to its built-in default, with no files and no overrides. */
void config_init(struct config *cfg);

/** Fills *ret with the policy in which every rule of [Policy] is off. */
void config_rule_off(struct policy_rule *ret);

/**
 * Reads one file's text on top of what @cfg holds. @name is used in diagnostics and kept
 * as origin. @text need not be terminated. Each finding goes to @diag (may be NULL).
 *
 * Returns the number of errors; if it is not 0, do not use @cfg.
 */
unsigned int config_parse(struct config *cfg, const char *name, const char *text,
			  size_t len, config_diag_fn diag, void *userdata);

/**
 * Checks what only the whole configuration shows (for example a Max below its first
 * value), after all files.
 *
 * Returns the number of errors; if it is not 0, do not use @cfg.
 */
unsigned int config_check(const struct config *cfg, config_diag_fn diag, void *userdata);

/**
 * Writes @cfg as canonical text with a comment on each value's origin, overrides
 * included.
 *
 * Returns the length without the terminator; a length above @size - 1 means that the text
 * was cut. @buf is always terminated if @size is not 0.
 */
size_t config_format(const struct config *cfg, char *buf, size_t size);

/** One row of the option table. */
struct config_option {
	const char *section;
	const char *key;
	const char *value; /* the default, as an operator would write it */
	const char *help;  /* one or more sentences; the sample file and the man page hold
			      them */
};

/** Row @index of the table, or NULL past its end. */
const struct config_option *config_option_at(size_t index);

/** What the pattern of a [Policy "GLOB"] section may match a DIMM by. */
struct config_dimm {
	const char *label; /* "": any DIMM that no section names */
	const char
		*slot; /* the board's name of its slot, if that is certain; else NULL */
	const char *device; /* the hardware of its controller, if known; else NULL */
	uint8_t mc;
	int8_t layer[3]; /* from the top; -1: not known */
};

/** True if a label is registered for @dimm, or the name of its slot is known. */
bool config_dimm_is_named(const struct config_dimm *dimm);

/**
 * The rule for @dimm: [Policy], overlaid in order with each section whose pattern matches
 * its label, its slot, its controller ("mc0", or its hardware), or its controller and
 * layers ("mc0 0:1"). As long as @dimm is not named, each key has the value that acts
 * least, of that and of all sections that could match a label that comes later.
 */
struct policy_rule config_rule_for(const struct config *cfg,
				   const struct config_dimm *dimm);

/**
 * The same as config_format() for one DIMM only: [Policy] with the values that count for
 * the DIMM, each with its file, line and section, and the sections for the whole machine
 * that decide with it.
 */
size_t config_format_for(const struct config *cfg, const struct config_dimm *dimm,
			 char *buf, size_t size);

/** The largest page threshold that any section sets; at least 1. */
uint32_t config_max_page_threshold(const struct config *cfg);

/** @amount in page frames, for a machine with @ram_pages frames of 2^@page_shift bytes.
 */
uint64_t config_amount_pages(const struct amount *amount, uint64_t ram_pages,
			     unsigned int page_shift);

/**
 * Parses "N / WINDOW" or "off" with the units s m h d w; blanks around the slash are
 * optional. Returns 0 and *ret; -EINVAL (syntax) or -ERANGE (0, or too large) with *ret
 * untouched.
 */
int config_parse_threshold(const char *text, struct threshold *ret);

/** Parses a span such as "15s", "5min", "24h". Returns as config_parse_threshold(). */
int config_parse_span(const char *text, usec_t *ret);

/** Writes @t so that config_parse_threshold() can read it; returns @buf. */
const char *config_format_threshold(const struct threshold *t, char *buf, size_t size);

/** Writes a span in its largest exact unit up to days, one day as "24h"; returns @buf. */
const char *config_format_span(usec_t span, char *buf, size_t size);

/**
 * "file:line: [Section] Key: " of @key, or of @other there if only @other was set;
 * without a file for a default. Returns @buf.
 */
const char *config_locate(const struct config *cfg, const char *section, const char *key,
			  const char *other, char *buf, size_t size);

/**
 * True if @name is @database or the name of a file that belongs to it: its log, lock,
 * backup, note of the sysctl, or a database that was put aside. Both are base names, or
 * paths in the same spelling.
 */
bool config_is_database_name(const char *database, const char *name);

/** What follows a database's name in the names of its files, "" last; NULL past the
 * last. */
const char *config_database_suffix(size_t index);
