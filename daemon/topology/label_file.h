/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One file of slot names, as rasdaemon has them in /etc/ras/dimm_labels.d: which name is
 * printed at the slot of a controller's place, for each board. Pure: text is an argument.
 *
 *   # comment                       at the beginning of a line, after a ';' or a place
 *   Vendor: Dell Inc.               of the board; ends what was before it
 *     Product: PowerEdge R220, PowerEdge T30
 *     Model: X11DPi-N, X11DPi-NT    of the board; "Board:" is the same
 *       DIMM_A1: 0.0.0;  DIMM_A2: 0.0.1, 0.1.1;
 *
 * A place is the number of the controller and one to three layers, as EDAC counts them:
 * mc.top, mc.top.middle, mc.top.middle.low. Places are parted by commas or blanks, and
 * several of them are ranks of one module. A name goes up to the last ':' before its
 * places and may hold blanks. Boards are compared without case.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "track/module_list.h"

#define LABEL_ROWS_MAX 1024

/** Who made the board and the machine, by DMI; "" where it is not known. */
struct board {
	char vendor[64];  /* board_vendor */
	char name[64];    /* board_name: "Model:" */
	char maker[64];   /* sys_vendor */
	char product[64]; /* product_name: "Product:" */
};

/** The name of one place of the board. */
struct label_row {
	uint8_t mc;
	int8_t layer[3]; /* from the top; -1: there is no such layer */
	bool by_product; /* "Product:" named the board, not "Model:" */
	bool disputed;   /* the file has two names for this place: neither holds */
	unsigned int line;
	char name[SLOT_NAME_MAX];
};

struct label_rows {
	struct label_row v[LABEL_ROWS_MAX];
	unsigned int n;
};

/** Called with what is wrong in @line, counted from 1. */
typedef void (*label_fault_fn)(void *userdata, unsigned int line, const char *what);

/**
 * Fills *rows with what the @len bytes at @text name for @board; names of other boards
 * are checked and left out. "Model:" needs the board's vendor, "Product:" the vendor of the
 * board or of the machine. A line with a mistake is left out and given to @fn, which may
 * be NULL.
 */
void label_file_parse(const char *text, size_t len, const struct board *board,
		      struct label_rows *rows, label_fault_fn fn, void *userdata);

/** The row of @rows for the place, by @by_product; NULL if there is none. */
struct label_row *label_rows_find(struct label_rows *rows, uint8_t mc,
				  const int8_t layer[3], bool by_product);
