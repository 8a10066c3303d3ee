/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Walks one sub-buffer of the kernel's ring buffer. Nothing in a page is trusted: each
 * length is held against what is left of the page, each field against its event. It knows
 * no descriptors, allocates nothing, and does not judge what an event says.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "event/decoder_internal.h"

/* Flags in the commit word (kernel/trace/ring_buffer.c). */
#define MISSED_EVENTS (UINT64_C(1) << 31)
#define MISSED_STORED (UINT64_C(1) << 30)
#define COMMIT_MASK   (MISSED_STORED - 1)

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

/* An absolute time stamp has 59 bits; the others are those of the time so far. */
#define TIME_STAMP_MSB (UINT64_C(0xf8) << 56)

/* Without grain_bits nobody knows which page is meant: coarser than any page. */
#define GRAIN_UNKNOWN 64

#define CACHE_LINE  64
#define EVENT_BYTES 256

/* No errno is larger (include/linux/err.h). */
#define MAX_ERRNO 4096

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * The number, extended to 64 bits by its own sign. The caller has checked the bounds.
 * Inline, so that each field has branches of its own, which the processor learns.
 */
static _inlined_ uint64_t load(const uint8_t *base, const struct mc_number *n)
{
	const uint8_t *p = base + n->offset;
	uint64_t v64;
	uint16_t v16;

	if (n->size == 1)
		return n->is_signed ? (uint64_t)(int8_t)*p : *p;
	if (n->size == 4)
		return n->is_signed ? (uint64_t)(int32_t)load32(p) : load32(p);
	if (n->size == 8) {
		memcpy(&v64, p, sizeof(v64));
		return v64;
	}
	if (n->size == 0)
		return 0;
	memcpy(&v16, p, sizeof(v16));
	return n->is_signed ? (uint64_t)(int16_t)v16 : v16;
}

/* The number held at @max; a negative one is 0. */
static _inlined_ uint32_t load_up_to(const uint8_t *base, const struct mc_number *n,
				     uint32_t max)
{
	uint64_t v = load(base, n);

	if (n->is_signed && (int64_t)v < 0)
		return 0;
	return v > max ? max : (uint32_t)v;
}

/* -1, unknown, also stands for what does not fit. */
static _inlined_ int8_t load_layer(const uint8_t *base, const struct mc_number *n)
{
	uint64_t v = load(base, n);

	return n->size && v <= INT8_MAX ? (int8_t)v : -1;
}

static _inlined_ struct ce_text load_text(const uint8_t *base, uint32_t len,
					  const struct mc_text *t)
{
	uint32_t at = t->offset;
	uint32_t size = t->size;
	const char *s;

	if (t->kind == MC_TEXT_ABSENT)
		return (struct ce_text){ "", 0 };
	if (t->kind != MC_TEXT_FIXED) {
		uint32_t loc = load32(base + t->offset);

		at = loc & 0xffff;
		size = loc >> 16;
		if (t->kind == MC_TEXT_REL_LOC)
			at += t->offset + t->size;
	}
	/* A location that is off must not cost the event: it still is an error. */
	if (at >= len)
		return (struct ce_text){ "", 0 };
	if (size > len - at)
		size = len - at;
	s = (const char *)base + at;
	/* The kernel counts the NUL that ends a text; so it need not be looked for. */
	if (t->kind != MC_TEXT_FIXED && size > 0 && s[size - 1] == '\0')
		return (struct ce_text){ s, size - 1 };
	return (struct ce_text){ s, (uint32_t)strnlen(s, size) };
}

/* Looked for by the letter that hardly any other word has: this is run with each event.
 */
static bool says_overflow(struct ce_text text)
{
	static const char word[] = "OVERFLOW";
	const char *end = text.s + text.len;

	for (const char *v = text.s; (v = memchr(v, 'V', (size_t)(end - v))); v++)
		if (v > text.s && (size_t)(end - v) >= sizeof(word) - 2 &&
		    memcmp(v - 1, word, sizeof(word) - 1) == 0)
			return true;
	return false;
}

/* A type that is none of ours is named "Info" by the kernel's own print format. */
static _inlined_ enum ce_severity load_severity(const uint8_t *base,
						const struct mc_number *n)
{
	uint64_t v = load(base, n);

	return v <= CE_INFO ? (enum ce_severity)v : CE_INFO;
}

/* Inline, so that the places in @at are numbers in the code wherever they are known. */
static _inlined_ void decode_mc(struct mc_decoder *d, const uint8_t *base, uint32_t len,
				const struct mc_fields *at)
{
	const struct mc_number *count = &at->error_count;
	const struct mc_number *grain = &at->grain_bits;
	struct ce_event *ev = &d->event;

	ev->time = usec((int64_t)(d->time_ns / 1000));
	ev->address = paddr(load(base, &at->address));
	ev->count = count->size ? load_up_to(base, count, UINT32_MAX) : 1;
	ev->severity = load_severity(base, &at->error_type);
	ev->cpu = d->cpu;
	ev->mc = (uint8_t)load_up_to(base, &at->mc_index, UINT8_MAX);
	ev->grain_bits =
		grain->size ? (uint8_t)load_up_to(base, grain, UINT8_MAX) : GRAIN_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(ev->layer); i++)
		ev->layer[i] = load_layer(base, &at->layer[i]);
	ev->has_address = at->address.size != 0;
	ev->msg = load_text(base, len, &at->msg);
	ev->label = load_text(base, len, &at->label);
	ev->detail = load_text(base, len, &at->detail);
	ev->overflow = says_overflow(ev->detail) || says_overflow(ev->msg);
	ev->coord = (struct dram_coord){ .have = 0 };
}

_apart_ static void decode_unusual(struct mc_decoder *d, const uint8_t *base,
				   uint32_t len)
{
	decode_mc(d, base, len, &d->format->mc.at);
}

static void decode_failure(struct mc_decoder *d, const uint8_t *base)
{
	const struct mc_format *f = d->format;

	d->failure = (struct failure_event){
		.time = usec((int64_t)(d->time_ns / 1000)),
		.pfn = pfn(load(base, &f->failure.pfn)),
		.type = (int32_t)load(base, &f->failure.type),
		.result = (int32_t)load(base, &f->failure.result),
	};
}

static uint8_t load_word(const uint8_t *base, const struct mc_number *n,
			 const uint8_t map[MC_WORDS_MAX])
{
	uint64_t v = load(base, n);

	return n->size && v < MC_WORDS_MAX ? map[v] : 0;
}

/* The kernel's own number of an errno is negative; one out of range is no errno. */
static int load_error(const uint8_t *base, const struct mc_number *n)
{
	int64_t v = (int64_t)load(base, n);

	if (v == 0)
		return 0;
	return v < 0 && v > -MAX_ERRNO ? (int)-v : EIO;
}

static void decode_soft(struct mc_decoder *d, const uint8_t *base)
{
	const struct mc_format *f = d->format;
	uint64_t usecs = load(base, &f->soft.usecs);

	d->soft = (struct soft_event){
		.time = usec((int64_t)(d->time_ns / 1000)),
		.pfn = pfn(load(base, &f->soft.pfn)),
		.origin = (enum soft_origin)load_word(base, &f->soft.origin,
						      f->soft.origins),
		.kind = (enum frame_kind)load_word(base, &f->soft.kind, f->soft.kinds),
		.outcome = (enum soft_outcome)load_word(base, &f->soft.outcome,
							f->soft.outcomes),
		.error = load_error(base, &f->soft.error),
		.duration_usec = usecs > INT64_MAX ? INT64_MAX : (int64_t)usecs,
		.pid = (int32_t)load(base, &f->soft.pid),
	};
}

static int decode(struct mc_decoder *d, const uint8_t *base, uint32_t len)
{
	const struct mc_format *f = d->format;
	uint64_t type;

	if (len < (uint32_t)f->type.offset + f->type.size)
		return -EBADMSG;
	type = load(base, &f->type);
	if (type == f->mc.id) {
		if (len < f->mc.min_size)
			return -EBADMSG;
		if (f->mc.usual)
			decode_mc(d, base, len, &mc_usual_fields);
		else
			decode_unusual(d, base, len);
		return MC_EVENT;
	}
	if (f->failure.known && type == f->failure.id) {
		if (len < f->failure.min_size)
			return -EBADMSG;
		decode_failure(d, base);
		return MC_FAILURE;
	}
	if (f->soft.known && type == f->soft.id) {
		if (len < f->soft.min_size)
			return -EBADMSG;
		decode_soft(d, base);
		return MC_SOFT;
	}
	return MC_OTHER;
}

/* Held at the end: a damaged page's time must not come round to one long past. */
static void pass_time(struct mc_decoder *d, uint64_t ns)
{
	if (__builtin_add_overflow(d->time_ns, ns, &d->time_ns))
		d->time_ns = UINT64_MAX;
}

/* Time extends and absolute stamps; @word is the second word. */
static void step_time(struct mc_decoder *d, uint32_t type_len, uint32_t delta,
		      uint32_t word)
{
	uint64_t time = ((uint64_t)word << TIME_DELTA_BITS) + delta;

	if (type_len == RING_TIME_STAMP)
		d->time_ns = time | (d->time_ns & TIME_STAMP_MSB);
	else
		pass_time(d, time);
}

static void split_header(uint32_t word, uint32_t *ret_type_len, uint32_t *ret_delta)
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
 * Has the memory fetched that the event after the next one is likely to lie in: one has
 * about 256 bytes, and what is done about it leaves the processor no time to look ahead.
 */
static void fetch_ahead(const struct mc_decoder *d)
{
	for (size_t i = EVENT_BYTES; i < 2 * EVENT_BYTES; i += CACHE_LINE)
		if (i < (size_t)(d->end - d->at))
			__builtin_prefetch(d->at + i);
}

/*
 * Moves d->at over one ring-buffer record. Returns 1 and where its data is, 0 if it has
 * none, -EBADMSG if it does not fit.
 */
static int step(struct mc_decoder *d, const uint8_t **ret_data, uint32_t *ret_len)
{
	const size_t left = (size_t)(d->end - d->at);
	const uint8_t *data = d->at + 4;
	uint32_t type_len, delta, word;
	uint64_t len;

	if (left < 4)
		return -EBADMSG;
	split_header(load32(d->at), &type_len, &delta);
	/* Padding without a delta fills the rest of the page; it may lack its length. */
	if (type_len == RING_PADDING && delta == 0) {
		d->at = d->end;
		return 0;
	}

	if (type_len != RING_LONG && type_len <= RING_DATA_MAX) {
		len = (uint64_t)type_len * 4;
	} else {
		if (left < 8)
			return -EBADMSG;
		word = load32(data);
		if (type_len == RING_TIME_EXTEND || type_len == RING_TIME_STAMP) {
			step_time(d, type_len, delta, word);
			d->at += 8;
			return 0;
		}
		/* A length counts from its own word on; so it does in padding. */
		if (word < 4)
			return -EBADMSG;
		len = ((uint64_t)word + 3) & ~UINT64_C(3);
	}
	if (len > left - 4)
		return -EBADMSG;
	d->at = data + len;
	fetch_ahead(d);
	/* An event discarded into padding keeps its delta: the next counts from it. */
	pass_time(d, delta);
	if (type_len == RING_PADDING)
		return 0;
	*ret_data = type_len == RING_LONG ? data + 4 : data;
	*ret_len = (uint32_t)(d->at - *ret_data);
	return 1;
}

/* The count stands behind the last event, in a word as wide as the commit word. */
static void load_lost(struct mc_decoder *d, uint64_t flags, size_t left)
{
	const struct mc_number count = { .size = d->format->commit.size };

	if (!(flags & MISSED_EVENTS))
		return;
	if ((flags & MISSED_STORED) && left >= count.size)
		d->lost = load(d->end, &count);
	else
		d->lost_unknown = true;
}

int mc_decoder_init(struct mc_decoder *d, const struct mc_format *format, uint16_t cpu,
		    const void *page, size_t size)
{
	const uint8_t *bytes = page;
	uint64_t word;
	size_t commit, room;

	*d = (struct mc_decoder){ .format = format, .cpu = cpu };
	/* The fields of the header stand before the data: format.c has seen to it. */
	if (size < format->data_offset)
		return -EBADMSG;
	room = size - format->data_offset;
	word = load(bytes, &format->commit);
	commit = word & COMMIT_MASK;
	if (commit > room)
		return -EBADMSG;

	d->time_ns = load(bytes, &format->timestamp);
	d->at = bytes + format->data_offset;
	d->end = d->at + commit;
	load_lost(d, word, room - commit);
	return 0;
}

int mc_decoder_next(struct mc_decoder *d)
{
	while (d->at < d->end) {
		const uint8_t *data;
		uint32_t len;
		int r = step(d, &data, &len);

		if (r == 0)
			continue;
		if (r > 0)
			r = decode(d, data, len);
		if (r < 0)
			d->at = d->end;
		return r;
	}
	return MC_END;
}
