/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Deflate backwards. Slow and small: a kernel's configuration has 300 kB at most, and is
 * read once. The tables and numbers are those of RFC 1951, 3.2.5 to 3.2.7.
 */

#include "base/inflate.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define CODE_BITS    15
#define LITERALS     288
#define DISTANCES    30
#define END_OF_BLOCK 256

struct inflate {
	const uint8_t *in;
	size_t len, at;
	uint32_t bits; /* not used yet, the next one lowest */
	unsigned int n_bits;
	uint8_t *out;
	size_t size, n;
	int error; /* 0, or negative errno: then nothing counts any more */
};

/* A prefix code: how many codes there are of each length, and the symbols in their order. */
struct inflate_code {
	uint16_t count[CODE_BITS + 1];
	uint16_t symbol[LITERALS];
};

static uint32_t inflate_bits(struct inflate *s, unsigned int n)
{
	uint32_t value;

	while (s->n_bits < n) {
		if (s->at == s->len) {
			s->error = -EINVAL;
			return 0;
		}
		s->bits |= (uint32_t)s->in[s->at++] << s->n_bits;
		s->n_bits += 8;
	}
	value = s->bits & ((1U << n) - 1);
	s->bits >>= n;
	s->n_bits -= n;
	return value;
}

static void inflate_put(struct inflate *s, uint8_t byte)
{
	if (s->n == s->size)
		s->error = -EFBIG;
	else
		s->out[s->n++] = byte;
}

/* Makes the code in which symbol i has @lengths[i] bits; false if it has too many codes. */
static bool inflate_build(struct inflate_code *code, const uint8_t *lengths, size_t n)
{
	uint16_t next[CODE_BITS + 2] = { 0 };
	int left = 1;

	memset(code, 0, sizeof(*code));
	for (size_t i = 0; i < n; i++)
		code->count[lengths[i]]++;
	code->count[0] = 0;
	for (size_t i = 1; i <= CODE_BITS; i++) {
		left = 2 * left - code->count[i];
		if (left < 0)
			return false;
		next[i + 1] = (uint16_t)(next[i] + code->count[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (lengths[i])
			code->symbol[next[lengths[i]]++] = (uint16_t)i;
	return true;
}

static unsigned int inflate_symbol(struct inflate *s, const struct inflate_code *code)
{
	unsigned int value = 0, first = 0, index = 0;

	for (size_t i = 1; i <= CODE_BITS && !s->error; i++) {
		value |= inflate_bits(s, 1);
		if (value - first < code->count[i])
			return code->symbol[index + value - first];
		index += code->count[i];
		first = (first + code->count[i]) << 1;
		value <<= 1;
	}
	s->error = -EINVAL;
	return END_OF_BLOCK;
}

static void inflate_copy(struct inflate *s, unsigned int symbol,
			 const struct inflate_code *distances)
{
	static const uint16_t base[] = { 3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
					 15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
					 67, 83, 99, 115, 131, 163, 195, 227, 258 };
	static const uint8_t extra[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
					 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
	static const uint16_t far[] = { 1,    2,    3,    4,     5,     7,    9,    13,
					17,   25,   33,   49,    65,    97,   129,  193,
					257,  385,  513,  769,   1025,  1537, 2049, 3073,
					4097, 6145, 8193, 12289, 16385, 24577 };
	unsigned int length, distance;

	if (symbol >= sizeof(extra)) {
		s->error = -EINVAL;
		return;
	}
	length = base[symbol] + inflate_bits(s, extra[symbol]);
	symbol = inflate_symbol(s, distances);
	if (s->error || symbol >= DISTANCES) {
		s->error = -EINVAL;
		return;
	}
	distance = far[symbol] + inflate_bits(s, symbol < 2 ? 0 : symbol / 2 - 1);
	if (distance > s->n)
		s->error = -EINVAL;
	for (; length > 0 && !s->error; length--)
		inflate_put(s, s->out[s->n - distance]);
}

static void inflate_block(struct inflate *s, const struct inflate_code *literals,
			  const struct inflate_code *distances)
{
	while (!s->error) {
		unsigned int symbol = inflate_symbol(s, literals);

		if (symbol == END_OF_BLOCK)
			return;
		if (symbol < END_OF_BLOCK)
			inflate_put(s, (uint8_t)symbol);
		else
			inflate_copy(s, symbol - END_OF_BLOCK - 1, distances);
	}
}

static void inflate_stored(struct inflate *s)
{
	unsigned int n;

	s->bits = s->n_bits = 0;
	if (s->len - s->at < 4) {
		s->error = -EINVAL;
		return;
	}
	n = s->in[s->at] | (unsigned int)s->in[s->at + 1] << 8;
	s->at += 4;
	for (; n > 0 && !s->error; n--) {
		if (s->at == s->len)
			s->error = -EINVAL;
		else
			inflate_put(s, s->in[s->at++]);
	}
}

static void inflate_fixed(struct inflate *s)
{
	struct inflate_code literals, distances;
	uint8_t lengths[LITERALS];

	memset(lengths, 8, 144);
	memset(lengths + 144, 9, 112);
	memset(lengths + 256, 7, 24);
	memset(lengths + 280, 8, 8);
	inflate_build(&literals, lengths, LITERALS);
	memset(lengths, 5, DISTANCES);
	inflate_build(&distances, lengths, DISTANCES);
	inflate_block(s, &literals, &distances);
}

/* Reads @n lengths of codes, which are themselves coded by @code. */
static void inflate_lengths(struct inflate *s, const struct inflate_code *code,
			    uint8_t *lengths, size_t n)
{
	size_t i = 0;

	while (i < n && !s->error) {
		unsigned int symbol = inflate_symbol(s, code), times = 1;
		uint8_t length = (uint8_t)symbol;

		if (symbol == 16) {
			times = 3 + inflate_bits(s, 2);
			length = i > 0 ? lengths[i - 1] : 0;
		} else if (symbol > 16) {
			times = symbol == 17 ? 3 + inflate_bits(s, 3)
					     : 11 + inflate_bits(s, 7);
			length = 0;
		}
		if (times > n - i || symbol > 18 || (symbol == 16 && i == 0))
			s->error = -EINVAL;
		for (; times > 0 && !s->error; times--)
			lengths[i++] = length;
	}
}

static void inflate_dynamic(struct inflate *s)
{
	static const uint8_t order[] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
					 11, 4,  12, 3, 13, 2, 14, 1, 15 };
	size_t literals = inflate_bits(s, 5) + 257;
	size_t distances = inflate_bits(s, 5) + 1;
	size_t n = inflate_bits(s, 4) + 4;
	uint8_t lengths[LITERALS + 32] = { 0 };
	struct inflate_code code, far;

	for (size_t i = 0; i < n && !s->error; i++)
		lengths[order[i]] = (uint8_t)inflate_bits(s, 3);
	if (literals > 286 || distances > DISTANCES ||
	    !inflate_build(&code, lengths, sizeof(order)))
		s->error = -EINVAL;
	if (s->error)
		return;
	memset(lengths, 0, sizeof(lengths));
	inflate_lengths(s, &code, lengths, literals + distances);
	if (!inflate_build(&code, lengths, literals) ||
	    !inflate_build(&far, lengths + literals, distances))
		s->error = -EINVAL;
	inflate_block(s, &code, &far);
}

/* The length of the header that gzip puts before the data; 0 if it is none. */
static size_t inflate_header(const uint8_t *in, size_t len)
{
	size_t at = 10;

	if (len < 18 || in[0] != 0x1f || in[1] != 0x8b || in[2] != 8)
		return 0;
	if (in[3] & 4)
		at += 2U + in[at] + (in[at + 1] * 256U);
	for (unsigned int text = 8; text <= 16; text *= 2) {
		while (in[3] & text && at < len && in[at])
			at++;
		at += (in[3] & text) != 0;
	}
	at += in[3] & 2 ? 2 : 0;
	return at < len ? at : 0;
}

ssize_t inflate_gzip(const uint8_t *in, size_t len, uint8_t *out, size_t size)
{
	struct inflate s = { .in = in, .len = len, .out = out, .size = size };
	bool last = false;

	s.at = inflate_header(in, len);
	if (s.at == 0)
		return -EINVAL;
	while (!last && !s.error) {
		last = inflate_bits(&s, 1);
		switch (inflate_bits(&s, 2)) {
		case 0:
			inflate_stored(&s);
			break;
		case 1:
			inflate_fixed(&s);
			break;
		case 2:
			inflate_dynamic(&s);
			break;
		default:
			s.error = -EINVAL;
		}
	}
	return s.error ? s.error : (ssize_t)s.n;
}
