/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Tables of any columns, and how they fit a terminal: columns that say least are left out,
 * texts continue on the next line, and nothing is ever cut, since a name or an address
 * without its middle is another one. In a pipe, and with --wide, a table is as wide as it
 * is. This file does not know what a table is about.
 */

#include <errno.h>
#include <libsmartcols.h>
#include <string.h>

#include "output.h"

DEFINE_CLEANUP(struct libscols_table *, scols_unref_table)

/* Columns that may continue are this narrow before another column is left out. */
#define WRAP_WISHED 16
#define WRAP_LEAST  8

/* The texts of all cells, row by row, and the widths of the columns. */
struct table {
	const struct column *columns;
	size_t n_columns;
	size_t n_rows;
	char **cells;
	size_t width[TABLE_COLUMNS_MAX]; /* 0: left out */
	bool legend;
};

static void table_done(struct table *t)
{
	for (size_t i = 0; t->cells && i < t->n_rows * t->n_columns; i++)
		free(t->cells[i]);
	free(t->cells);
}

/* Letters, for texts in UTF-8. */
static size_t table_letters(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static size_t table_total(const size_t *width, size_t n)
{
	size_t total = 0, shown = 0;

	for (size_t i = 0; i < n; i++) {
		total += width[i];
		shown += width[i] > 0;
	}
	return shown > 0 ? total + shown - 1 : 0;
}

/* Leaves out one column, the one to go first. Returns whether there was one. */
static bool table_drop(const struct column *columns, size_t n, size_t *width)
{
	size_t first = n;

	for (size_t i = 0; i < n; i++)
		if (width[i] > 0 && columns[i].drop > 0 &&
		    (first == n || columns[i].drop < columns[first].drop))
			first = i;
	if (first == n)
		return false;
	width[first] = 0;
	return true;
}

/* The column that may continue and is widest. Returns whether it could be narrowed. */
static bool table_narrow(const struct column *columns, size_t n, size_t *width)
{
	size_t widest = n;

	for (size_t i = 0; i < n; i++)
		if (columns[i].wrap && width[i] > WRAP_LEAST &&
		    (widest == n || width[i] > width[widest]))
			widest = i;
	if (widest == n)
		return false;
	width[widest]--;
	return true;
}

/* Gives one more letter to the column that lacks most. */
static bool table_widen(const size_t *natural, size_t n, size_t *width)
{
	size_t most = n;

	for (size_t i = 0; i < n; i++)
		if (width[i] > 0 && natural[i] > width[i] &&
		    (most == n || natural[i] - width[i] > natural[most] - width[most]))
			most = i;
	if (most == n)
		return false;
	width[most]++;
	return true;
}

void table_fit(const struct column *columns, size_t n, const size_t *natural, size_t room,
	       size_t *ret_width)
{
	size_t *width = ret_width;

	for (size_t i = 0; i < n; i++)
		width[i] = columns[i].wrap && natural[i] > WRAP_WISHED ? WRAP_WISHED
								       : natural[i];
	while (table_total(width, n) > room && table_drop(columns, n, width))
		;
	while (table_total(width, n) > room && table_narrow(columns, n, width))
		;
	while (table_total(width, n) < room && table_widen(natural, n, width))
		;
}

size_t table_line(const char *text, size_t width)
{
	size_t len = 0, best = 0;

	for (size_t letters = 0; text[len]; len++) {
		if (((unsigned char)text[len] & 0xc0) == 0x80)
			continue;
		if (len > 0 && (text[len] == ' ' || strchr("_-/:,", text[len - 1])))
			best = len;
		if (letters++ == width)
			break;
	}
	/* A word that is longer than half a line is broken anywhere. */
	if (!text[len] || table_letters(text, best) < width / 2)
		return len;
	return best;
}

static void table_measure(struct table *t, size_t room)
{
	size_t natural[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < t->n_columns; i++) {
		natural[i] = t->legend ? strlen(t->columns[i].heading) : 1;
		for (size_t row = 0; row < t->n_rows; row++) {
			const char *text = t->cells[row * t->n_columns + i];
			size_t letters = table_letters(text, strlen(text));

			if (letters > natural[i])
				natural[i] = letters;
		}
	}
	table_fit(t->columns, t->n_columns, natural, room, t->width);
}

/* A heading that is not printed is not given either: libsmartcols before 2.41 makes a
 * column as wide as its heading all the same. */
static int table_add_columns(const struct table *t, struct libscols_table *to)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct column *column = &t->columns[i];

		if (t->width[i] > 0 &&
		    !scols_table_new_column(to, t->legend ? column->heading : "", 0,
					    column->right ? SCOLS_FL_RIGHT : 0))
			return -ENOMEM;
	}
	return 0;
}

/* One line of the screen: of each cell what stands at *rest, which moves on. */
static int table_add_line(const struct table *t, struct libscols_table *to,
			  const char **rest)
{
	struct libscols_line *line = scols_table_new_line(to, NULL);
	size_t shown = 0;

	for (size_t i = 0; line && i < t->n_columns; i++) {
		_cleanup_(free_p) char *text = NULL;
		size_t len;

		if (t->width[i] == 0)
			continue;
		len = t->columns[i].wrap ? table_line(rest[i], t->width[i])
					 : strlen(rest[i]);
		text = strndup(rest[i], len);
		if (!text || scols_line_set_data(line, shown++, text) < 0)
			return -ENOMEM;
		rest[i] += len;
		rest[i] += strspn(rest[i], " ");
	}
	return line ? 0 : -ENOMEM;
}

static bool table_has_rest(const struct table *t, const char *const *rest)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->width[i] > 0 && *rest[i])
			return true;
	return false;
}

/* Without the blanks that fill up a line whose last cell is empty. */
static int table_write(struct libscols_table *table)
{
	_cleanup_(free_p) char *text = NULL;
	int r = scols_print_table_to_string(table, &text);

	for (char *line = text; r == 0 && line && *line;) {
		size_t len = strcspn(line, "\n"), shown = len;

		while (shown > 0 && line[shown - 1] == ' ')
			shown--;
		printf("%.*s\n", (int)shown, line);
		line += len + (line[len] == '\n');
	}
	return r;
}

static int table_print(const struct table *t)
{
	_cleanup_(scols_unref_table_p) struct libscols_table *to = NULL;

	scols_init_debug(0);
	to = scols_new_table();
	if (!to || table_add_columns(t, to) < 0)
		return -ENOMEM;
	/* It is fitted already. */
	scols_table_set_termforce(to, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_noheadings(to, !t->legend);
	for (size_t row = 0; row < t->n_rows; row++) {
		const char *rest[TABLE_COLUMNS_MAX];

		for (size_t i = 0; i < t->n_columns; i++)
			rest[i] = t->cells[row * t->n_columns + i];
		do {
			if (table_add_line(t, to, rest) < 0)
				return -ENOMEM;
		} while (table_has_rest(t, rest));
	}
	return table_write(to);
}

int print_table(const struct ui *ui, const struct listing *listing, size_t rows,
		cell_fn cell, const void *userdata)
{
	_cleanup_(table_done) struct table t = { .columns = listing->columns,
						 .n_columns = listing->n_columns,
						 .n_rows = rows,
						 .legend = ui->legend };
	char text[OUTPUT_TEXT_MAX];

	t.cells = calloc(rows * t.n_columns + 1, sizeof(*t.cells));
	if (!t.cells)
		return -ENOMEM;
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = 0; i < t.n_columns; i++) {
			cell(userdata, row, i, text);
			t.cells[row * t.n_columns + i] = strdup(text);
			if (!t.cells[row * t.n_columns + i])
				return -ENOMEM;
		}
	}
	table_measure(&t, ui->width > 0 ? ui->width : SIZE_MAX);
	return table_print(&t);
}
