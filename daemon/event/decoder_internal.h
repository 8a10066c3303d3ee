/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Shared by decoder.c, format.c and the decoder files, one for each event source: where a
 * field is in an event, how it is found by name and how it is loaded.
 */

#include <string.h>

#include "base/mem.h"
#include "event/decoder.h"

struct tep_event;

/** A number in a page header or an event; @size 0: this kernel does not have it. */
struct number_field {
	uint16_t offset;
	uint8_t size; /* 0, 1, 2, 4 or 8 bytes */
	bool is_signed;
};

enum text_kind {
	TEXT_ABSENT,
	TEXT_FIXED,   /* char name[N] inside the event */
	TEXT_LOC,     /* __data_loc: u16 offset from the event, u16 length */
	TEXT_REL_LOC, /* __rel_loc: the same, offset from the end of this field */
};

struct text_field {
	enum text_kind kind;
	uint16_t offset;
	uint16_t size; /* of the field itself, not of the text that it points to */
};

/** A number of an event by its name. */
struct number_name {
	const char *name;
	size_t offset; /* of the struct number_field in the decoder's own fields */
	bool needed;   /* the format is refused without this number */
};

/** One event as it is on the page. */
struct raw_event {
	const uint8_t *data;
	uint32_t len; /* at least the decoder's min_size */
	uint16_t cpu;
	uint64_t time_ns;
};

/** How one source is decoded: each decoder file defines one of these. */
struct source_decoder {
	size_t fields_size; /* of the struct with its fields; zeroed before resolving */
	const struct number_name *numbers;
	size_t n_numbers;
	/**
	 * Resolves what @numbers does not cover; may be NULL. @text is the whole format
	 * text. Raises *min_size, the length of an event that holds every field found, to
	 * what the fields need. Returns 0 or -EBADMSG.
	 */
	int (*resolve)(struct tep_event *event, const char *text, void *fields,
		       uint16_t *min_size);
	/** Fills @ret, its kind too. Cannot fail: a value that makes no sense becomes
	 * unknown. */
	void (*decode)(const void *fields, const struct raw_event *raw,
		       struct event *ret);
};

struct event_format {
	struct number_field timestamp; /* page header */
	struct number_field commit;
	uint16_t data_offset;

	struct number_field type; /* common_type: the same place in each event */
	unsigned int n_sources;   /* of @sources that are in use */
	struct {
		enum event_source_id id;
		uint16_t number;   /* the kernel's number of the tracepoint */
		uint16_t min_size; /* an event that is shorter lacks a field */
		void *fields;      /* the decoder's own; freed with the format */
		void (*decode)(const void *fields, const struct raw_event *raw,
			       struct event *ret);
	} sources[EVENT_SOURCE_MAX_];
};

/**
 * The field @name of @event as a text; *min_size is raised to its end. TEXT_ABSENT if
 * there is no such field. Returns 0; -EBADMSG for a field that is no text.
 */
int format_find_text(struct tep_event *event, const char *name, uint16_t *min_size,
		     struct text_field *ret);

static inline uint32_t load_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/**
 * The number, extended to 64 bits by its own sign; 0 if it is absent. The caller has
 * checked the bounds. Inline, so that each field has branches of its own that the
 * processor learns.
 */
static _inlined_ uint64_t load_number(const uint8_t *base, const struct number_field *n)
{
	const uint8_t *p = base + n->offset;
	uint64_t v64;
	uint16_t v16;

	if (n->size == 1)
		return n->is_signed ? (uint64_t)(int8_t)*p : *p;
	if (n->size == 4)
		return n->is_signed ? (uint64_t)(int32_t)load_u32(p) : load_u32(p);
	if (n->size == 8) {
		memcpy(&v64, p, sizeof(v64));
		return v64;
	}
	if (n->size == 0)
		return 0;
	memcpy(&v16, p, sizeof(v16));
	return n->is_signed ? (uint64_t)(int16_t)v16 : v16;
}
