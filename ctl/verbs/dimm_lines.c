/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The DIMMs that need somebody, for the head of the status screen. Verdict and sentence
 * come with the report; nothing is judged here.
 */

#include "verbs/dimm_lines.h"

#include <string.h>

/* Worst first; what is gone last. */
static int line_rank(const struct dimm_report *d)
{
	enum verdict verdict;

	if (d->former == 1)
		return -1;
	if (d->missing == 1)
		return VERDICT_REPLACE;
	return verdict_from_string(d->verdict, &verdict) == 0 ? (int)verdict : 0;
}

static bool line_goes_before(const struct dimm_report *a, const struct dimm_report *b)
{
	if (line_rank(a) != line_rank(b))
		return line_rank(a) > line_rank(b);
	return line_rank(a) > (int)VERDICT_OK && a->corrected_errors != REPORT_NO_COUNT &&
	       (b->corrected_errors == REPORT_NO_COUNT ||
		a->corrected_errors > b->corrected_errors);
}

void dimm_lines_sort(struct rows *rows)
{
	for (size_t i = 1; i < rows->n; i++)
		for (size_t k = i;
		     k > 0 && line_goes_before(rows_at(rows, k), rows_at(rows, k - 1));
		     k--) {
			struct dimm_report swap = *(struct dimm_report *)rows_at(rows, k);

			memcpy(rows_at(rows, k), rows_at(rows, k - 1), sizeof(swap));
			memcpy(rows_at(rows, k - 1), &swap, sizeof(swap));
		}
}

static bool line_is_due(const struct dimm_report *d)
{
	return line_rank(d) > (int)VERDICT_WATCH;
}

static void line_part(char *to, size_t size, const char *name, const char *value)
{
	size_t n = strlen(to);

	if (value[0])
		snprintf(to + n, size - n, "%s%s%s", n > 0 ? ", " : "", name, value);
}

/* "DIMM_B0, slot P1-DIMMA1, M393A4K40DB3-CWE, serial number S123456" */
static void line_print_name(const struct ui *ui, const struct dimm_report *d)
{
	char text[sizeof(*d)] = "";

	line_part(text, sizeof(text), "", d->label);
	if (strcmp(d->slot, d->label) != 0)
		line_part(text, sizeof(text),
			  strcmp(d->slot_match, "likely") == 0 ? "likely slot " : "slot ",
			  d->slot);
	line_part(text, sizeof(text), "", d->part);
	line_part(text, sizeof(text), "likely ", d->likely_part);
	line_part(text, sizeof(text), "serial number ", d->serial);
	line_part(text, sizeof(text), "likely serial number ", d->likely_serial);
	print_entry(ui, "DIMM", "%s", text);
}

static void line_print_missing(const struct ui *ui, const struct dimm_report *d)
{
	print_entry(ui, "",
		    "missing: it was here at an earlier start; if it was taken out on "
		    "purpose: softofflinectl forget '%s'",
		    d->slot);
}

/* What is wrong, since when, and what to do, as far as known. */
static void line_print_fault(const struct ui *ui, const struct dimm_report *d)
{
	char time[OUTPUT_TEXT_MAX], address[OUTPUT_TEXT_MAX];
	bool placed = d->last_uncorrected_address != REPORT_NO_ADDRESS;

	print_entry(ui, "", "%s: %s", d->verdict, d->verdict_why);
	if (d->since != REPORT_NO_NUMBER && d->fault[0])
		print_entry(ui, "", "%s fault since %s", d->fault,
			    text_time(ui, d->since, time));
	if (d->last_uncorrected != REPORT_NO_NUMBER)
		print_entry(
			ui, "", "last uncorrected error %s%s%s: data there was lost",
			text_time(ui, d->last_uncorrected, time), placed ? " at " : "",
			placed ? text_address(d->last_uncorrected_address, address) : "");
}

void dimm_lines_print(const struct ui *ui, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct dimm_report *d = rows_at(rows, i);

		if (!line_is_due(d))
			continue;
		line_print_name(ui, d);
		if (d->missing == 1)
			line_print_missing(ui, d);
		else
			line_print_fault(ui, d);
	}
}
