/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What mc_format.c resolves and mc_decode.c uses: where each field stands, how wide it is
 * and whether it has a sign. Nobody else includes this.
 */

#include "mc_decode.h"

/** A number in a page header or an event; @size 0: this kernel does not have it. */
struct mc_number {
	uint16_t offset;
	uint8_t size; /* 0, 1, 2, 4 or 8 bytes */
	bool is_signed;
};

enum mc_text_kind {
	MC_TEXT_ABSENT,
	MC_TEXT_FIXED,   /* char name[N] inside the event */
	MC_TEXT_LOC,     /* __data_loc: u16 offset from the event, u16 length */
	MC_TEXT_REL_LOC, /* __rel_loc: the same, offset from behind this field */
};

struct mc_text {
	enum mc_text_kind kind;
	uint16_t offset;
	uint16_t size; /* of the field itself, not of the text that it points to */
};

struct mc_format {
	struct mc_number timestamp; /* page header */
	struct mc_number commit;
	uint16_t data_offset;

	struct mc_number type; /* common_type: the same place in each event */

	struct {
		uint16_t id;
		uint16_t min_size; /* an event that is shorter lacks a field */
		struct mc_number error_type;
		struct mc_number error_count;
		struct mc_number mc_index;
		struct mc_number layer[3];
		struct mc_number address;
		struct mc_number grain_bits;
		struct mc_number syndrome;
		struct mc_text msg;
		struct mc_text label;
		struct mc_text detail;
	} mc;

	struct {
		bool known;
		uint16_t id;
		uint16_t min_size;
		struct mc_number pfn;
		struct mc_number type;
		struct mc_number result;
	} failure;
};
