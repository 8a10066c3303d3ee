/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What format.c resolves and decoder.c uses: where each field stands, how wide it is
 * and whether it has a sign. Nobody else includes this but the test of the format.
 */

#include "event/decoder.h"

/** Numbers from 0 up whose words are kept; the kernel's lists have about 16. */
#define MC_WORDS_MAX 64

struct tep_event;

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

/** Where an mc_event has what we decode. */
struct mc_fields {
	struct mc_number error_type;
	struct mc_number error_count;
	struct mc_number mc_index;
	struct mc_number layer[3];
	struct mc_number address;
	struct mc_number grain_bits;
	struct mc_text msg;
	struct mc_text label;
	struct mc_text detail;
};

/**
 * Where Debian's 6.1 for amd64 has it (tests/data/trace/debian-6.1/mc_event.format).
 * Written down so that the compiler knows it; a kernel that has another layout is decoded
 * by what its own format file says.
 */
static const struct mc_fields mc_usual_fields = {
	.error_type = { 8, 4, false },
	.error_count = { 20, 2, false },
	.mc_index = { 22, 1, false },
	.layer = { { 23, 1, true }, { 24, 1, true }, { 25, 1, true } },
	.address = { 32, 8, true },
	.grain_bits = { 40, 1, false },
	.msg = { MC_TEXT_LOC, 12, 4 },
	.label = { MC_TEXT_LOC, 16, 4 },
	.detail = { MC_TEXT_LOC, 56, 4 },
};

struct mc_format {
	struct mc_number timestamp; /* page header */
	struct mc_number commit;
	uint16_t data_offset;

	struct mc_number type; /* common_type: the same place in each event */

	struct {
		uint16_t id;
		uint16_t min_size; /* an event that is shorter lacks a field */
		bool usual;        /* @at is mc_usual_fields */
		struct mc_fields at;
	} mc;

	struct {
		bool known;
		uint16_t id;
		uint16_t min_size;
		struct mc_number pfn;
		struct mc_number type;
		struct mc_number result;
	} failure;

	struct {
		bool known;
		uint16_t id;
		uint16_t min_size;
		struct mc_number pfn;
		struct mc_number origin;
		struct mc_number kind;
		struct mc_number outcome;
		struct mc_number error;
		struct mc_number usecs;
		struct mc_number pid;
		uint8_t origins[MC_WORDS_MAX];  /* the kernel's number -> enum soft_origin
						 */
		uint8_t kinds[MC_WORDS_MAX];    /* -> enum frame_kind */
		uint8_t outcomes[MC_WORDS_MAX]; /* -> enum soft_outcome */
	} soft;
};

/**
 * The field @name of @event as a number, and *end moved behind it; size 0 if there is no
 * such field. 0, or -EBADMSG for what is no number.
 */
int mc_format_number(struct tep_event *event, const char *name, uint16_t *end,
		     struct mc_number *ret);

/** Parses @text, takes its id, and has @resolve fill f->soft. 0, -EBADMSG or -ENOMEM. */
int mc_format_parse_soft(struct mc_format *f, const char *text,
			 int (*resolve)(struct mc_format *f, struct tep_event *event));
