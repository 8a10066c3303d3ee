/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reports and filters as D-Bus dictionaries, both ways. The daemon and softofflinectl use
 * the same tables, so they cannot disagree. Input is not trusted: types are checked,
 * unknown keys are skipped, texts are cut to fit.
 */

#include "tell/bus.h"

/** Appends @report as a{sv}, without "not known" fields. Returns 0 or negative errno. */
int bus_append_report(sd_bus_message *m, const void *report,
		      const struct report_field *fields, size_t n);

/**
 * Reads one a{sv} into @report and sets all of its fields. A field that is absent, or of
 * another type than in the table, becomes "not known".
 *
 * Returns 1 if there was a dictionary, 0 at the end of the array around it, negative
 * errno if the message has something else here.
 */
int bus_read_report(sd_bus_message *m, void *report, const struct report_field *fields,
		    size_t n);

/** Appends @f as a{sv}, without members that select all. Returns 0 or negative errno. */
int bus_append_filter(sd_bus_message *m, const struct report_filter *f);

/**
 * Reads a{sv} into *ret; *ret->state points into @m. A key that is unknown or has another
 * type, too many keys, or an unknown page state make the whole filter invalid: an answer
 * with more than the caller asked for would mislead.
 *
 * Returns 0; -EINVAL, with the wrong key copied to @ret_key; negative errno if the
 * message has no dictionary here.
 */
int bus_read_filter(sd_bus_message *m, struct report_filter *ret,
		    char ret_key[REPORT_WORD_MAX]);

/** A filter that selects everything. */
struct report_filter report_filter_all(void);
