/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads the text of a file of slot names. ras-mc-ctl of rasdaemon 0.6.8 and later gives
 * the syntax; where it ends at a mistake, or takes part of a word for a number, the line
 * is left out and named here. This file knows no folder and no DIMM.
 */

#include "topology/label_file.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

/* A piece of the text; not terminated. */
struct span {
	const char *p;
	size_t n;
};

struct label_parser {
	const struct board *board;
	struct label_rows *rows;
	label_fault_fn fn;
	void *userdata;
	unsigned int line;
	bool has_vendor;
	bool is_vendor; /* the present "Vendor:" is the board's ... */
	bool is_maker;  /* ... or the machine's */
	bool has_board; /* a "Model:" or "Product:" stands above */
	bool ours;      /* and it is this machine */
	bool by_product;
	unsigned int layers; /* of the first place below it; 0: none yet */
};

static _printf_(2, 3) void label_fault(struct label_parser *p, const char *format, ...)
{
	char what[256];
	va_list args;

	if (!p->fn)
		return;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	p->fn(p->userdata, p->line, what);
}

static struct span span_trim(const char *p, size_t n)
{
	while (n > 0 && isspace((unsigned char)*p)) {
		p++;
		n--;
	}
	while (n > 0 && isspace((unsigned char)p[n - 1]))
		n--;
	return (struct span){ p, n };
}

static bool span_is(struct span s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* Takes the part of *rest before the next byte of @ends; false if *rest is used up. */
static bool span_next(struct span *rest, const char *ends, struct span *ret)
{
	size_t n = 0;

	if (!rest->p)
		return false;
	while (n < rest->n && !memchr(ends, rest->p[n], strlen(ends)))
		n++;
	*ret = span_trim(rest->p, n);
	if (n < rest->n)
		*rest = (struct span){ rest->p + n + 1, rest->n - n - 1 };
	else
		rest->p = NULL;
	return true;
}

static const char *span_show(struct span s, char *buf, size_t size)
{
	return text_escape(s.p, s.n, buf, size);
}

struct label_row *label_rows_find(struct label_rows *rows, uint8_t mc,
				  const int8_t layer[3], bool by_product)
{
	for (unsigned int i = 0; i < rows->n; i++) {
		struct label_row *row = &rows->v[i];

		if (row->mc == mc && row->by_product == by_product &&
		    memcmp(row->layer, layer, sizeof(row->layer)) == 0)
			return row;
	}
	return NULL;
}

/* The layers of "mc.top.middle.low"; 0 if it is no such thing. */
static unsigned int take_place(struct span s, uint8_t *mc, int8_t layer[3])
{
	unsigned int n = 0;
	size_t at = 0;

	layer[0] = layer[1] = layer[2] = -1;
	for (;;) {
		unsigned int value = 0;
		size_t from = at;

		while (at < s.n && isdigit((unsigned char)s.p[at]) && at < from + 4)
			value = value * 10 + (unsigned int)(s.p[at++] - '0');
		if (at == from || n > 3 || value > (n == 0 ? UINT8_MAX : INT8_MAX))
			return 0;
		if (n == 0)
			*mc = (uint8_t)value;
		else
			layer[n - 1] = (int8_t)value;
		n++;
		if (at == s.n)
			return n - 1;
		if (s.p[at++] != '.')
			return 0;
	}
}

static void label_add(struct label_parser *p, struct span name, uint8_t mc,
		      const int8_t layer[3])
{
	struct label_row *row = label_rows_find(p->rows, mc, layer, p->by_product);

	if (row) {
		if (strlen(row->name) == name.n && memcmp(row->name, name.p, name.n) == 0)
			return;
		row->disputed = true;
		label_fault(p, "line %u calls this place \"%s\"; neither name is used",
			    row->line, row->name);
		return;
	}
	if (p->rows->n == LABEL_ROWS_MAX) {
		label_fault(p, "more than %d names for this board", LABEL_ROWS_MAX);
		return;
	}
	row = &p->rows->v[p->rows->n++];
	*row = (struct label_row){ .mc = mc,
				   .by_product = p->by_product,
				   .line = p->line };
	memcpy(row->layer, layer, sizeof(row->layer));
	memcpy(row->name, name.p, name.n);
}

static bool label_is_name(struct label_parser *p, struct span name)
{
	char shown[48];
	bool printable = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		printable = printable && text_is_printable(name.p[i]);
	if (name.n == 0)
		label_fault(p, "no name before the ':'");
	else if (!printable)
		label_fault(p, "\"%s\": a name is printable ASCII",
			    span_show(name, shown, sizeof(shown)));
	else if (name.n >= SLOT_NAME_MAX)
		label_fault(p, "\"%s\": a name has at most %d letters",
			    span_show(name, shown, sizeof(shown)), SLOT_NAME_MAX - 1);
	else
		return true;
	return false;
}

static void take_places(struct label_parser *p, struct span name, struct span places)
{
	struct span place;
	char shown[48];
	unsigned int n = 0;

	while (span_next(&places, ", \t", &place)) {
		int8_t layer[3];
		uint8_t mc = 0;
		unsigned int layers;

		if (place.n == 0)
			continue;
		n++;
		layers = take_place(place, &mc, layer);
		if (layers == 0) {
			label_fault(p,
				    "\"%s\" is no place: a controller and one to three "
				    "layers, as in 0.1.0",
				    span_show(place, shown, sizeof(shown)));
			continue;
		}
		if (p->layers == 0)
			p->layers = layers;
		if (p->layers != layers)
			label_fault(p, "%u layers here, and %u before for this board",
				    layers, p->layers);
		else if (p->ours)
			label_add(p, name, mc, layer);
	}
	if (n == 0)
		label_fault(p, "no place after the name");
}

static bool ends_with_place(struct span s)
{
	int8_t layer[3];
	uint8_t mc;
	size_t n = 0;

	while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	while (n < s.n &&
	       (isdigit((unsigned char)s.p[s.n - n - 1]) || s.p[s.n - n - 1] == '.'))
		n++;
	return take_place((struct span){ s.p + s.n - n, n }, &mc, layer) > 0;
}

/* @line without the comment that follows a place: a name may hold a '#', too. */
static struct span without_comment(struct span line)
{
	bool named = false;

	for (size_t i = 1; i < line.n; i++) {
		named |= line.p[i - 1] == ':';
		if (named && line.p[i] == '#' && isspace((unsigned char)line.p[i - 1]) &&
		    ends_with_place((struct span){ line.p, i }))
			return span_trim(line.p, i);
	}
	return line;
}

/* "NAME: PLACE, PLACE; NAME: PLACE" */
static void take_labels(struct label_parser *p, struct span line)
{
	struct span part;
	char shown[48];

	line = without_comment(line);
	while (span_next(&line, ";", &part)) {
		const char *colon = part.n > 0 ? memrchr(part.p, ':', part.n) : NULL;
		struct span name;

		if (part.n == 0)
			continue;
		if (part.p[0] == '#')
			return;
		if (!colon) {
			label_fault(p, "\"%s\" is neither NAME: PLACE nor a board",
				    span_show(part, shown, sizeof(shown)));
			continue;
		}
		name = span_trim(part.p, (size_t)(colon - part.p));
		if (!label_is_name(p, name))
			continue;
		if (!p->has_board) {
			label_fault(p, "a name before any Model: or Product:");
			return;
		}
		take_places(p, name,
			    span_trim(colon + 1, part.n - (size_t)(colon + 1 - part.p)));
	}
}

static void take_vendor(struct label_parser *p, struct span value)
{
	p->has_vendor = value.n > 0;
	p->has_board = p->ours = false;
	p->is_vendor = p->has_vendor && span_is(value, p->board->vendor);
	p->is_maker = p->has_vendor && span_is(value, p->board->maker);
	if (!p->has_vendor)
		label_fault(p, "Vendor: without a name");
}

/* "Model: a, b" or "Product: a, b" */
static void take_boards(struct label_parser *p, struct span value, bool by_product)
{
	const char *own = by_product ? p->board->product : p->board->name;
	bool vendor = p->is_vendor || (by_product && p->is_maker);
	struct span one;
	unsigned int n = 0;

	p->has_board = true;
	p->by_product = by_product;
	p->ours = false;
	p->layers = 0;
	while (span_next(&value, ",;", &one)) {
		n += one.n > 0;
		p->ours |= one.n > 0 && vendor && span_is(one, own);
	}
	if (!p->has_vendor)
		label_fault(p, "%s: without a Vendor: above it",
			    by_product ? "Product" : "Model");
	else if (n == 0)
		label_fault(p, "%s: without a name", by_product ? "Product" : "Model");
}

static void take_line(struct label_parser *p, struct span line)
{
	const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
	struct span key, value;

	if (line.n == 0 || line.p[0] == '#')
		return;
	if (!colon) {
		take_labels(p, line);
		return;
	}
	key = span_trim(line.p, (size_t)(colon - line.p));
	value = span_trim(colon + 1, line.n - (size_t)(colon + 1 - line.p));
	if (span_is(key, "vendor"))
		take_vendor(p, value);
	else if (span_is(key, "model") || span_is(key, "board"))
		take_boards(p, value, false);
	else if (span_is(key, "product"))
		take_boards(p, value, true);
	else
		take_labels(p, line);
}

void label_file_parse(const char *text, size_t len, const struct board *board,
		      struct label_rows *rows, label_fault_fn fn, void *userdata)
{
	struct label_parser p = {
		.board = board, .rows = rows, .fn = fn, .userdata = userdata
	};
	struct span rest = { text, len }, line;

	rows->n = 0;
	while (span_next(&rest, "\n", &line)) {
		p.line++;
		take_line(&p, line);
	}
}
