/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a file of slot names. Rows must hold printable names and places that EDAC
 * can have, each place once, the same whatever was in memory before; every fault must
 * name a line of the text.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "topology/label_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct board board = {
	.vendor = "ASRockRack",
	.name = "X570D4U",
	.maker = "Dell Inc.",
	.product = "R220",
};

static void require(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "fuzz_labels: %s\n", what);
	abort();
}

struct lines {
	unsigned int in_text;
	unsigned int last;
};

static void take_fault(void *userdata, unsigned int line, const char *what)
{
	struct lines *l = userdata;

	require(line >= 1 && line <= l->in_text, "a line that is not there");
	require(line >= l->last, "lines out of order");
	l->last = line;
	require(*what != '\0', "a fault without words");
	for (const char *p = what; *p; p++)
		require(text_is_printable(*p), "words that are not printable");
}

static void check_row(struct label_rows *rows, unsigned int i, const struct lines *l)
{
	const struct label_row *row = &rows->v[i];
	bool ended = false;

	require(row->line >= 1 && row->line <= l->in_text, "a row of no line");
	require(row->name[0] != '\0' && strlen(row->name) < SLOT_NAME_MAX,
		"a wrong name");
	for (const char *p = row->name; *p; p++)
		require(text_is_printable(*p), "a name that is not printable");
	require(row->layer[0] >= 0, "a place without layers");
	for (int k = 0; k < 3; k++) {
		require(row->layer[k] >= -1, "a layer below none");
		require(!ended || row->layer[k] == -1, "a layer below a missing one");
		ended = ended || row->layer[k] == -1;
	}
	require(label_rows_find(rows, row->mc, row->layer, row->by_product) == row,
		"a place twice");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct label_rows rows, again; /* too large for the stack */
	_cleanup_(free_p) char *text = malloc(size ? size : 1);
	struct lines l = { .in_text = 1 };

	require(text != NULL, "no memory");
	if (size > 0)
		memcpy(text, data, size);
	for (size_t i = 0; i < size; i++)
		l.in_text += data[i] == '\n';
	memset(&rows, 0x55, sizeof(rows));
	memset(&again, 0xaa, sizeof(again));
	label_file_parse(text, size, &board, &rows, take_fault, &l);
	label_file_parse(text, size, &board, &again, NULL, NULL);
	require(rows.n <= LABEL_ROWS_MAX && rows.n == again.n, "another number of rows");
	for (unsigned int i = 0; i < rows.n; i++) {
		check_row(&rows, i, &l);
		require(memcmp(&rows.v[i], &again.v[i], sizeof(rows.v[i])) == 0,
			"another row");
	}
	return 0;
}
