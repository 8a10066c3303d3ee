/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reports and filters as D-Bus dictionaries, both ways: the daemon and softofflinectl use
 * the same tables, so that they cannot disagree. What is read is not trusted: types are
 * checked, unknown keys are skipped, texts are cut to fit.
 */

#include "tell/bus.h"

/** Appends @report as a{sv}; unknown fields are left out. Returns 0 or negative errno. */
int bus_append_report(sd_bus_message *m, const void *report,
		      const struct report_field *fields, size_t n);

/**
 * Reads one a{sv} into @report, all of whose fields are set: to "not known" if absent, of
 * another type than the table's, or not known here.
 *
 * Returns 1 if there was one, 0 at the end of the array around it, negative errno for a
 * message that is no dictionary here.
 */
int bus_read_report(sd_bus_message *m, void *report, const struct report_field *fields,
		    size_t n);

/** Appends @f as a{sv}; what does not narrow is left out. Returns 0 or negative errno. */
int bus_append_filter(sd_bus_message *m, const struct report_filter *f);

/**
 * Reads a{sv} into *ret; *ret->state points into @m. A key that is unknown, of another
 * type, one too many or not a page state makes the whole filter invalid: a list that is
 * wider than what was asked for would mislead.
 *
 * Returns 0; -EINVAL, with the offending key copied to @ret_key; negative errno for a
 * message that is no dictionary here.
 */
int bus_read_filter(sd_bus_message *m, struct report_filter *ret,
		    char ret_key[REPORT_WORD_MAX]);

/** A filter that lets everything pass. */
struct report_filter report_filter_all(void);
