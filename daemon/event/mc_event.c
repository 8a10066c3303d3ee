/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * mc_event: one memory error as an EDAC driver reported it. Of its fields only error_type
 * is needed: an event without a type could never lead to an action. An absent error_count
 * is 1. This file does not judge what a number is worth.
 */

#include "event/decoder_internal.h"

/* Without grain_bits the page is not known, so the grain is coarser than any page. */
#define GRAIN_UNKNOWN 64

/** Where an mc_event has the fields that we decode. */
struct mc_fields {
	struct number_field error_type;
	struct number_field error_count;
	struct number_field mc_index;
	struct number_field layer[3];
	struct number_field address;
	struct number_field grain_bits;
	struct text_field msg;
	struct text_field label;
	struct text_field detail;
};

static const struct number_name mc_numbers[] = {
	{ "error_type", offsetof(struct mc_fields, error_type), true },
	{ "error_count", offsetof(struct mc_fields, error_count), false },
	{ "mc_index", offsetof(struct mc_fields, mc_index), false },
	{ "top_layer", offsetof(struct mc_fields, layer[0]), false },
	{ "middle_layer", offsetof(struct mc_fields, layer[1]), false },
	{ "lower_layer", offsetof(struct mc_fields, layer[2]), false },
	{ "address", offsetof(struct mc_fields, address), false },
	{ "grain_bits", offsetof(struct mc_fields, grain_bits), false },
};

static int mc_resolve(struct tep_event *event, const char *text, void *fields,
		      uint16_t *min_size)
{
	struct mc_fields *f = fields;
	int r;

	/* "long address" is signed, and 32 bits wide on a 32-bit kernel (ras_event.h): an
	 * address from 2 GiB on looks negative there. */
	f->address.is_signed = f->address.size == 8;
	r = format_find_text(event, "msg", min_size, &f->msg);
	if (r < 0)
		return r;
	r = format_find_text(event, "label", min_size, &f->label);
	if (r < 0)
		return r;
	return format_find_text(event, "driver_detail", min_size, &f->detail);
}

/* The number, at most @max; a negative number becomes 0. */
static uint32_t mc_load_up_to(const uint8_t *base, const struct number_field *n,
			      uint32_t max)
{
	uint64_t v = load_number(base, n);

	if (n->is_signed && (int64_t)v < 0)
		return 0;
	return v > max ? max : (uint32_t)v;
}

static struct ce_text mc_load_text(const struct raw_event *raw,
				   const struct text_field *t)
{
	const uint8_t *base = raw->data;
	uint32_t at = t->offset;
	uint32_t size = t->size;
	const char *s;

	if (t->kind == TEXT_ABSENT)
		return (struct ce_text){ "", 0 };
	if (t->kind != TEXT_FIXED) {
		uint32_t loc = load_u32(base + t->offset);

		at = loc & 0xffff;
		size = loc >> 16;
		if (t->kind == TEXT_REL_LOC)
			at += t->offset + t->size;
	}
	/* A wrong location must not lose the event: the error happened all the same. */
	if (at >= raw->len)
		return (struct ce_text){ "", 0 };
	if (size > raw->len - at)
		size = raw->len - at;
	s = (const char *)base + at;
	/* The kernel counts the NUL that ends a text: no need to search for it. */
	if (t->kind != TEXT_FIXED && size > 0 && s[size - 1] == '\0')
		return (struct ce_text){ s, size - 1 };
	return (struct ce_text){ s, (uint32_t)strnlen(s, size) };
}

/* This runs for each event: search for the letter that hardly any other word has. */
static bool mc_says_overflow(struct ce_text text)
{
	static const char word[] = "OVERFLOW";
	const char *end = text.s + text.len;

	for (const char *v = text.s; (v = memchr(v, 'V', (size_t)(end - v))); v++)
		if (v > text.s && (size_t)(end - v) >= sizeof(word) - 2 &&
		    memcmp(v - 1, word, sizeof(word) - 1) == 0)
			return true;
	return false;
}

static void mc_decode(const void *fields, const struct raw_event *raw, struct event *ret)
{
	const struct mc_fields *at = fields;
	struct ce_event *ev = &ret->ce;
	const struct number_field *count = &at->error_count;
	const struct number_field *grain = &at->grain_bits;
	const uint8_t *base = raw->data;
	uint64_t type = load_number(base, &at->error_type);

	ret->kind = EVENT_KIND_ERROR;
	ev->time = usec((int64_t)(raw->time_ns / 1000));
	ev->address = paddr(load_number(base, &at->address));
	ev->count = count->size ? mc_load_up_to(base, count, UINT32_MAX) : 1;
	/* The kernel's print format shows any other type as "Info", too. */
	ev->severity = type <= CE_INFO ? (enum ce_severity)type : CE_INFO;
	ev->cpu = raw->cpu;
	ev->mc = (uint8_t)mc_load_up_to(base, &at->mc_index, UINT8_MAX);
	ev->source = CE_SOURCE_MC_EVENT;
	ev->socket = -1;
	ev->status = 0;
	ev->grain_bits = grain->size ? (uint8_t)mc_load_up_to(base, grain, UINT8_MAX)
				     : GRAIN_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(ev->layer); i++) {
		uint64_t layer = load_number(base, &at->layer[i]);

		/* -1, unknown, also stands for a number that does not fit. */
		ev->layer[i] =
			at->layer[i].size && layer <= INT8_MAX ? (int8_t)layer : -1;
	}
	ev->has_address = at->address.size != 0;
	ev->narrow_address = at->address.size < 8;
	ev->msg = mc_load_text(raw, &at->msg);
	ev->label = mc_load_text(raw, &at->label);
	ev->detail = mc_load_text(raw, &at->detail);
	ev->overflow = mc_says_overflow(ev->detail) || mc_says_overflow(ev->msg);
	ev->coord = (struct dram_coord){ .have = 0 };
}

const struct source_decoder mc_event_decoder = {
	.fields_size = sizeof(struct mc_fields),
	.numbers = mc_numbers,
	.n_numbers = ARRAY_SIZE(mc_numbers),
	.resolve = mc_resolve,
	.decode = mc_decode,
};
