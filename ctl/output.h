/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Output: reports as JSON, as tables and as text for people.
 */

#include <jansson.h>

#include "base/mem.h"
#include "tell/report.h"

#define OUTPUT_TEXT_MAX 320

/** How to print; set once, from the command line and the terminal. */
struct ui {
	bool json;
	bool legend;   /* headings over tables */
	bool terminal; /* stdout is a terminal: times also as "2 min ago" */
	bool color;
	int64_t now; /* microseconds since the epoch */
};

/** Rows collected from a list: copies of structs of @size bytes. */
struct rows {
	char *v;
	size_t n;
	size_t room;
	size_t size;
};

DEFINE_CLEANUP(json_t *, json_decref)

static inline void rows_done(struct rows *rows)
{
	free(rows->v);
}

/** A report_fn for struct rows; -ENOMEM. */
int rows_add(void *userdata, const void *report);

/** Row number @i. */
static inline void *rows_at(const struct rows *rows, size_t i)
{
	return rows->v + i * rows->size;
}

/** One column of a table. */
struct column {
	const char *heading;
	const char *key; /* of the report's field */
	bool right;
};

/** One listing: a kind of report, and the columns that people see of it. */
struct listing {
	const struct report_field *fields;
	size_t n_fields;
	const struct column *columns;
	size_t n_columns;
};

/** @report as an object, dotted keys nested; NULL without memory. */
json_t *report_to_json(const void *report, const struct report_field *fields, size_t n);

/** @rows as an array of objects; NULL without memory. */
json_t *rows_to_json(const struct rows *rows, const struct report_field *fields,
		     size_t n);

/** Prints @json (NULL: out of memory) and gives up the reference. Returns an exit code.
 */
int print_json(json_t *json);

/** Prints rows as a table, or as JSON if that is asked for. Returns an exit code. */
int print_rows(const struct ui *ui, const struct rows *rows,
	       const struct listing *listing);

/**
 * Prints a table with @n_columns headings; cell(userdata, row, column, buf) fills @buf.
 * Returns 0 or negative errno.
 */
typedef void (*cell_fn)(const void *userdata, size_t row, size_t column,
			char buf[OUTPUT_TEXT_MAX]);
int print_table(const struct ui *ui, const struct listing *listing, size_t rows,
		cell_fn cell, const void *userdata);

/*
 * Text for people. Each function writes to @buf (of OUTPUT_TEXT_MAX bytes) and returns
 * @buf; "-" stands for a value that is not known.
 */
const char *text_count(uint64_t count, char *buf); /* 1,204 */
const char *text_kib(int64_t kib, char *buf);      /* 12 KiB, 1.5 MiB */
const char *text_time(const struct ui *ui, int64_t time, char *buf);
const char *text_span(int64_t span_usec, char *buf); /* 850 us, 1.2 ms, 6.6 s */
const char *text_address(uint64_t address, char *buf);
const char *text_field(const struct ui *ui, const void *report,
		       const struct report_field *field, char *buf);

/** Escape sequences, "" unless colours are on. */
const char *color_bold(const struct ui *ui);
const char *color_alert(const struct ui *ui);
const char *color_off(const struct ui *ui);

#define LABEL_COLUMNS  10 /* of the names at the left of a screen */
#define SCREEN_COLUMNS 80

/**
 * Prints @label and, right of it, the text: one or more lines of at most SCREEN_COLUMNS
 * bytes, as far as its words allow. An empty label continues the entry above.
 */
void print_entry(const struct ui *ui, const char *label, const char *format, ...)
	_printf_(3, 4);

/** One line on stderr: "softofflinectl: ...". */
void complain(const char *format, ...) _printf_(1, 2);
