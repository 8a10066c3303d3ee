/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The doctor: a list of findings on whether this machine can deliver corrected errors to
 * softofflined, and whether pages can be taken out of use. This room looks at the machine
 * and changes nothing; it does not print. It does not guess what only root can see: such a
 * row is a warning that says so.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum check_status {
	CHECK_OK,      /* as it should be, or no concern */
	CHECK_WARNING, /* works, but needs attention; or only root can know */
	CHECK_FAILED,  /* softofflined cannot do its work like this */
};

/** One finding. */
struct check_row {
	enum check_status status;
	char id[32];    /* lower-case words with hyphens; stable, scripts rely on them */
	char text[256]; /* one sentence, no full stop */
	char hint[256]; /* what to do about it; empty with CHECK_OK */
};

/** The largest number of rows; a smaller array cuts the list. */
#define CHECK_MAX_ROWS 32

struct check_options {
	const char *root;         /* before every path; "" in production */
	const char *database;     /* [Database] Path */
	const char *metrics_file; /* [Metrics] File; NULL or "": the default place */
	const char *machine; /* as uname -m prints it, if the kernel has no arch file */
	bool daemon_running; /* as the bus says */
	/* What it reads, and by what the last error came: source.reading and
	 * source.delivers of status. NULL or "": not known. */
	const char *reading;
	const char *delivers;
	uid_t euid;
	int64_t wall_sec;        /* seconds since the epoch by the wall clock */
	bool clock_synchronised; /* the kernel's clock is disciplined (adjtimex) */
};

/** Fills @o for this process and this machine, daemon not running, standard paths. */
void check_options_init(struct check_options *o);

/** Runs every check in order. Returns the number of @rows filled, at most @max. */
size_t check_run(const struct check_options *o, struct check_row *rows, size_t max);

/** The verb's exit status: 1 if any row is CHECK_FAILED, else 0. */
int check_exit_status(const struct check_row *rows, size_t n);

/** "ok", "warning" or "failed", for JSON. */
const char *check_status_to_string(enum check_status status);

/** The mark of a table: a check mark, an exclamation mark, a cross (UTF-8). */
const char *check_status_mark(enum check_status status);
