/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reports as JSON and as tables, by their field tables. This file does not know what a
 * report means or where it comes from.
 */

#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void complain(const char *format, ...)
{
	_cleanup_(free_p) char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		text = NULL;
	/* File names and arguments may hold control characters of a terminal. */
	for (char *c = text; c && *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f)
			*c = '?';
	fflush(stdout);
	fprintf(stderr, "softofflinectl: %s\n", text ? text : "out of memory");
}

/* The bytes of @text that fit a line: up to its last blank, or a part of a long word. */
static size_t entry_line(const char *text)
{
	size_t letters = 0, blank = 0, len;

	for (len = 0; text[len]; len++) {
		if (((unsigned char)text[len] & 0xc0) == 0x80)
			continue; /* within a letter */
		if (text[len] == ' ')
			blank = len;
		if (letters++ == SCREEN_COLUMNS - LABEL_COLUMNS - 1)
			return blank > 0 ? blank : len;
	}
	return len;
}

void print_entry(const struct ui *ui, const char *label, const char *format, ...)
{
	_cleanup_(free_p) char *text = NULL;
	const char *rest;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		text = NULL;
	printf("%s%-*s%s", color_bold(ui), LABEL_COLUMNS, label, color_off(ui));
	for (rest = text ? text : ""; *rest;) {
		size_t n = entry_line(rest);

		printf("%s%.*s\n", rest == text ? " " : "           ", (int)n, rest);
		rest += n;
		rest += strspn(rest, " ");
	}
	if (len <= 0)
		putchar('\n');
}

/* The lines of @text; @used letters of the first one are taken. */
static void print_lines_of(const struct ui *ui, const char *text, size_t used)
{
	size_t n;

	for (const char *rest = text; *rest; used = 2) {
		n = ui->width > used ? table_line(rest, ui->width - used) : strlen(rest);
		printf("%s%.*s\n", rest == text ? "" : "  ", (int)n, rest);
		rest += n;
		rest += strspn(rest, " ");
	}
}

void print_note(const struct ui *ui, const char *name, const char *format, ...)
{
	_cleanup_(free_p) char *text = NULL;
	_cleanup_(free_p) char *whole = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!text || asprintf(&whole, "%s%s", name, text) < 0) {
		whole = NULL;
		return;
	}
	if (ui->width > 0 && strlen(name) >= ui->width) {
		print_lines_of(ui, whole, 0);
		return;
	}
	printf("%s%s%s", color_alert(ui), name, color_off(ui));
	print_lines_of(ui, text, strlen(name));
}

int rows_add(void *userdata, const void *report)
{
	struct rows *rows = userdata;

	if (rows->n == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 64;
		char *v = reallocarray(rows->v, room, rows->size);

		if (!v)
			return -ENOMEM;
		rows->v = v;
		rows->room = room;
	}
	memcpy(rows_at(rows, rows->n++), report, rows->size);
	return 0;
}

static json_t *json_field(const void *report, const struct report_field *field)
{
	const void *at = (const char *)report + field->offset;
	char text[OUTPUT_TEXT_MAX];
	uint64_t count;
	int64_t number;

	if (report_is_unknown(report, field))
		return json_null();
	switch (field->type) {
	case FIELD_STRING:
		return json_string(at);
	case FIELD_BOOL:
		return json_boolean(*(const int8_t *)at);
	case FIELD_U64:
		memcpy(&count, at, sizeof(count));
		return json_integer((json_int_t)(count < INT64_MAX ? count : INT64_MAX));
	case FIELD_I64:
	case FIELD_TIME:
		memcpy(&number, at, sizeof(number));
		return json_integer(number);
	case FIELD_ADDRESS:
		memcpy(&count, at, sizeof(count));
		return json_string(text_address(count, text));
	}
	return NULL;
}

/* Puts the field where its key says: "a.b" into the object "a". */
static int put_field(json_t *object, const void *report, const struct report_field *field)
{
	const char *dot = strchr(field->key, '.');
	char outer[REPORT_WORD_MAX];
	json_t *inner;

	if (!dot)
		return json_object_set_new(object, field->key, json_field(report, field));
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - field->key), field->key);
	inner = json_object_get(object, outer);
	if (!inner) {
		if (json_object_set_new(object, outer, json_object()) < 0)
			return -1;
		inner = json_object_get(object, outer);
	}
	return json_object_set_new(inner, dot + 1, json_field(report, field));
}

json_t *report_to_json(const void *report, const struct report_field *fields, size_t n)
{
	_cleanup_(json_decref_p) json_t *object = json_object();

	if (!object)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (put_field(object, report, &fields[i]) < 0)
			return NULL;
	return TAKE_PTR(object);
}

json_t *rows_to_json(const struct rows *rows, const struct report_field *fields, size_t n)
{
	_cleanup_(json_decref_p) json_t *array = json_array();

	if (!array)
		return NULL;
	for (size_t i = 0; i < rows->n; i++)
		if (json_array_append_new(
			    array, report_to_json(rows_at(rows, i), fields, n)) < 0)
			return NULL;
	return TAKE_PTR(array);
}

int print_json(json_t *json)
{
	_cleanup_(json_decref_p) json_t *owned = json;

	if (!owned ||
	    json_dumpf(owned, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) < 0) {
		complain("cannot print: out of memory");
		return EXIT_FAILURE;
	}
	putchar('\n');
	return EXIT_SUCCESS;
}

/* What field_cell() needs. */
struct field_cells {
	const struct ui *ui;
	const struct rows *rows;
	const struct listing *listing;
};

static void field_cell(const void *userdata, size_t row, size_t column,
		       char buf[OUTPUT_TEXT_MAX])
{
	const struct field_cells *cells = userdata;
	const struct listing *listing = cells->listing;
	const struct report_field *field = report_find(listing->fields, listing->n_fields,
						       listing->columns[column].key);
	struct ui plain = *cells->ui;

	plain.terminal = false; /* "ago" on each line hides how they follow each other */
	text_field(&plain, rows_at(cells->rows, row), field, buf);
}

int print_rows(const struct ui *ui, const struct rows *rows,
	       const struct listing *listing)
{
	struct field_cells cells = { ui, rows, listing };

	if (ui->json)
		return print_json(rows_to_json(rows, listing->fields, listing->n_fields));
	if (rows->n == 0)
		return EXIT_SUCCESS;
	if (print_table(ui, listing, rows->n, field_cell, &cells) < 0) {
		complain("cannot print: out of memory");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
