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
	bool legend;        /* headings over tables */
	bool terminal;      /* stdout is a terminal: times also as "2 min ago" */
	unsigned int width; /* of the terminal; 0: tables are as wide as they are */
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

#define TABLE_COLUMNS_MAX 16

/** One column of a table. Its heading is one word, so that scripts can count columns. */
struct column {
	const char *heading;
	const char *key; /* of the report's field */
	bool right;
	bool wrap; /* its text may continue on the next line */
	/* Where the terminal is too narrow, 1 is left out first, then 2; 0: never. */
	unsigned char drop;
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

/**
 * Fits columns whose cells are @natural letters wide into @room letters: *ret_width gets
 * their widths, 0 for what is left out. What may neither be left out nor continue stays
 * as wide as it is, even if that is too wide.
 */
void table_fit(const struct column *columns, size_t n, const size_t *natural, size_t room,
	       size_t *ret_width);

/** How many bytes of @text, at least one of any, go on a line of @width letters: up to the
 * end of a word if there is one late enough. */
size_t table_line(const char *text, size_t width);

/*
 * Text for people. Each function writes to @buf (of OUTPUT_TEXT_MAX bytes) and returns
 * @buf; "-" stands for a value that is not known.
 */
const char *text_count(uint64_t count, char *buf); /* 1,204 */
const char *text_kib(int64_t kib, char *buf);      /* 12 KiB, 1.5 MiB */
const char *text_time(const struct ui *ui, int64_t time, char *buf);
const char *text_span(int64_t span_usec, char *buf); /* text_duration() */
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

/**
 * Prints @name, highlighted, and right after it the text: one line, or on a terminal
 * lines of its width.
 */
void print_note(const struct ui *ui, const char *name, const char *format, ...)
	_printf_(3, 4);

/** One line on stderr: "softofflinectl: ...". */
void complain(const char *format, ...) _printf_(1, 2);
