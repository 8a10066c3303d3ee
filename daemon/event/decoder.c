/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Walks one sub-buffer of the kernel's ring buffer. Nothing in a page is trusted: each
 * length is checked against what is left of the page, and each event against the length
 * that its fields need. This file knows no file descriptors and no event; it calls the
 * decoder of a source through the format.
 */

#include "event/decoder.h"

#include <errno.h>
#include <string.h>

#include "event/decoder_internal.h"
#include "event/ringbuffer.h"

/* An event header is type_len:5 and time_delta:27, as the compiler lays out bit fields.
 */
#define TYPE_LEN_BITS   5
#define TIME_DELTA_BITS 27

/* Values of type_len (include/linux/ring_buffer.h, events/header_event). */
enum ring_type {
	RING_LONG = 0, /* the length stands in the next word */
	RING_DATA_MAX = 28,
	RING_PADDING = 29,
	RING_TIME_EXTEND = 30,
	RING_TIME_STAMP = 31,
};

/* An absolute time stamp has 59 bits; the upper 5 bits stay as they were. */
#define TIME_STAMP_MSB (UINT64_C(0xf8) << 56)

/* Returns 1, or -EBADMSG if the event is shorter than its fields. */
static int decoder_decode(struct event_decoder *d, const uint8_t *data, uint32_t len)
{
	const struct event_format *f = d->format;
	const struct raw_event raw = {
		.data = data, .len = len, .cpu = d->cpu, .time_ns = d->time_ns
	};
	uint64_t type;

	if (len < (uint32_t)f->type.offset + f->type.size)
		return -EBADMSG;
	type = load_number(data, &f->type);
	for (unsigned int i = 0; i < f->n_sources; i++) {
		if (type != f->sources[i].number)
			continue;
		if (len < f->sources[i].min_size)
			return -EBADMSG;
		f->sources[i].decode(f->sources[i].fields, &raw, &d->event);
		return 1;
	}
	d->event.kind = EVENT_KIND_OTHER;
	return 1;
}

/* Saturates: the time of a damaged page must not wrap to a time long past. */
static void decoder_pass_time(struct event_decoder *d, uint64_t ns)
{
	if (__builtin_add_overflow(d->time_ns, ns, &d->time_ns))
		d->time_ns = UINT64_MAX;
}

/* Time extends and absolute stamps; @word is the second word. */
static void decoder_step_time(struct event_decoder *d, uint32_t type_len, uint32_t delta,
			      uint32_t word)
{
	uint64_t time = ((uint64_t)word << TIME_DELTA_BITS) + delta;

	if (type_len == RING_TIME_STAMP)
		d->time_ns = time | (d->time_ns & TIME_STAMP_MSB);
	else
		decoder_pass_time(d, time);
}

static void decoder_split_header(uint32_t word, uint32_t *ret_type_len,
				 uint32_t *ret_delta)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	*ret_type_len = word >> TIME_DELTA_BITS;
	*ret_delta = word & ((UINT32_C(1) << TIME_DELTA_BITS) - 1);
#else
	*ret_type_len = word & ((UINT32_C(1) << TYPE_LEN_BITS) - 1);
	*ret_delta = word >> TYPE_LEN_BITS;
#endif
}

/*
 * Moves d->at over one ring-buffer record. Returns 1 and where the record's data is; 0 if
 * the record has no data; -EBADMSG if the record does not fit.
 */
static int decoder_step(struct event_decoder *d, const uint8_t **ret_data,
			uint32_t *ret_len)
{
	const size_t left = (size_t)(d->end - d->at);
	const uint8_t *data = d->at + 4;
	uint32_t type_len, delta, word;
	uint64_t len;

	if (left < 4)
		return -EBADMSG;
	decoder_split_header(load_u32(d->at), &type_len, &delta);
	/* Padding without a delta fills the rest of the page; its length may be
	 * missing. */
	if (type_len == RING_PADDING && delta == 0) {
		d->at = d->end;
		return 0;
	}

	if (type_len != RING_LONG && type_len <= RING_DATA_MAX) {
		len = (uint64_t)type_len * 4;
	} else {
		if (left < 8)
			return -EBADMSG;
		word = load_u32(data);
		if (type_len == RING_TIME_EXTEND || type_len == RING_TIME_STAMP) {
			decoder_step_time(d, type_len, delta, word);
			d->at += 8;
			return 0;
		}
		/* The length includes its own word, also in padding. */
		if (word < 4)
			return -EBADMSG;
		len = ((uint64_t)word + 3) & ~UINT64_C(3);
	}
	if (len > left - 4)
		return -EBADMSG;
	d->at = data + len;
	/* An event that was discarded into padding keeps its delta: the next event's time
	 * counts from there. */
	decoder_pass_time(d, delta);
	if (type_len == RING_PADDING)
		return 0;
	*ret_data = type_len == RING_LONG ? data + 4 : data;
	*ret_len = (uint32_t)(d->at - *ret_data);
	return 1;
}

/* @left: bytes of the page after the last event, where the number may be. */
static void decoder_load_lost(struct event_decoder *d, uint64_t flags, size_t left)
{
	const struct number_field count = { .size = d->format->commit.size };

	if (!(flags & RINGBUFFER_MISSED))
		return;
	if ((flags & RINGBUFFER_STORED) && left >= count.size)
		d->lost = load_number(d->end, &count);
	else
		d->lost_unknown = true;
}

int event_decoder_init(struct event_decoder *d, const struct event_format *format,
		       uint16_t cpu, const void *page, size_t size)
{
	const uint8_t *bytes = page;
	uint64_t word;
	size_t commit, room;

	*d = (struct event_decoder){ .format = format, .cpu = cpu };
	/* format.c has checked that the fields of the header come before the data. */
	if (size < format->data_offset)
		return -EBADMSG;
	room = size - format->data_offset;
	word = load_number(bytes, &format->commit);
	commit = word & RINGBUFFER_COMMIT_MASK;
	if (commit > room)
		return -EBADMSG;

	d->time_ns = load_number(bytes, &format->timestamp);
	d->at = bytes + format->data_offset;
	d->end = d->at + commit;
	decoder_load_lost(d, word, room - commit);
	return 0;
}

int event_decoder_next(struct event_decoder *d)
{
	while (d->at < d->end) {
		const uint8_t *data;
		uint32_t len;
		int r = decoder_step(d, &data, &len);

		if (r == 0)
			continue;
		if (r > 0)
			r = decoder_decode(d, data, len);
		if (r < 0)
			d->at = d->end;
		return r;
	}
	return 0;
}
