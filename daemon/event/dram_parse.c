/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * DRAM coordinates from the words that EDAC drivers put into an event. Every driver names
 * a part and then its number, but no two drivers agree on the name, on the separator or
 * on the base. So each word of a text is looked up in one table of names. The parser
 * refuses to guess: a name without a number, a number that does not fit, and two numbers
 * for one name leave the part absent.
 */

#include "event/dram_parse.h"

#include <string.h>

#include "event/ce_event.h"

#define NAME_MAX_LEN 16

/*
 * X(name, part). Names are without '_' and '-', in small letters. If a text has several
 * names for one part, the first in this list counts: a bank within its group before the
 * bank as a whole; a rank, then a controller's number for the rank, then the chip select;
 * the near memory of two levels, which is the DRAM, before the far memory.
 */
#define NAME_LIST(X)                                                                     \
	X("row", DRAM_ROW)                                                               \
	X("ras", DRAM_ROW)                                                               \
	X("column", DRAM_COLUMN)                                                         \
	X("col", DRAM_COLUMN)                                                            \
	X("cas", DRAM_COLUMN)                                                            \
	X("bankaddress", DRAM_BANK)                                                      \
	X("ba", DRAM_BANK)                                                               \
	X("bank", DRAM_BANK)                                                             \
	X("drambank", DRAM_BANK)                                                         \
	X("bankgroup", DRAM_BANK_GROUP)                                                  \
	X("bg", DRAM_BANK_GROUP)                                                         \
	X("rank", DRAM_RANK)                                                             \
	X("physicalrankid", DRAM_RANK)                                                   \
	X("dimmrankid", DRAM_RANK)                                                       \
	X("nmchipselect", DRAM_RANK)                                                     \
	X("chipselect", DRAM_RANK)                                                       \
	X("cs", DRAM_RANK)                                                               \
	X("csrow", DRAM_RANK)                                                            \
	X("nmsubchid", DRAM_SUB_CHANNEL)                                                 \
	X("subchid", DRAM_SUB_CHANNEL)                                                   \
	X("chipid", DRAM_CHIP)                                                           \
	X("device", DRAM_DEVICE)                                                         \
	X("dev", DRAM_DEVICE)

#define X(name, part) part,
static const enum dram_part name_parts[] = { NAME_LIST(X) };
#undef X

#define N_NAMES (sizeof(name_parts) / sizeof(*name_parts))

/** A word of up to NAME_MAX_LEN small letters, one in each byte from the lowest on. */
struct word {
	uint64_t low, high;
};

static bool word_is(struct word a, struct word b)
{
	return a.low == b.low && a.high == b.high;
}

#define LETTER_OF(s, i)                                                                  \
	((i) < sizeof(s) - 1 ? (uint64_t)(unsigned char)(s)[(i) < sizeof(s) ? (i) : 0]   \
				       << (i) % 8 * 8                                    \
			     : 0)
#define EIGHT_OF(s, i)                                                                   \
	(LETTER_OF(s, i) | LETTER_OF(s, i + 1) | LETTER_OF(s, i + 2) |                   \
	 LETTER_OF(s, i + 3) | LETTER_OF(s, i + 4) | LETTER_OF(s, i + 5) |               \
	 LETTER_OF(s, i + 6) | LETTER_OF(s, i + 7))
#define WORD(s) ((struct word){ EIGHT_OF(s, 0U), EIGHT_OF(s, 8U) })

/* The first letters of the names, a bit each: most words of a text begin with another
 * letter. */
#define LETTER(c)     (UINT32_C(1) << ((c) - 'a'))
#define X(name, part) | LETTER((name)[0])
static uint32_t parse_first_letters(void)
{
	return 0 NAME_LIST(X);
}
#undef X

/** What the texts have said up to now; each name is a bit of the masks. */
struct found {
	uint64_t value[N_NAMES];
	uint32_t seen;
	uint32_t wrong; /* no number, a number without an end, or two different ones */
};

_Static_assert(N_NAMES <= 32, "a name needs its bit in struct found");

struct cursor {
	const char *s;
	const char *end;
};

/* What a character is, in one load: a scan looks at each character of each text. */
enum { CHAR_LETTER = 1, CHAR_JOINT = 2, CHAR_BRACKET = 4 };
#define LETTERS(first)                                                                   \
	[first] = CHAR_LETTER, [first + 1] = CHAR_LETTER, [first + 2] = CHAR_LETTER,     \
	[first + 3] = CHAR_LETTER, [first + 4] = CHAR_LETTER, [first + 5] = CHAR_LETTER, \
	[first + 6] = CHAR_LETTER, [first + 7] = CHAR_LETTER, [first + 8] = CHAR_LETTER, \
	[first + 9] = CHAR_LETTER, [first + 10] = CHAR_LETTER,                           \
	[first + 11] = CHAR_LETTER, [first + 12] = CHAR_LETTER
static const uint8_t char_kind[UINT8_MAX + 1] = {
	LETTERS('A'),       LETTERS('N'),       LETTERS('a'),         LETTERS('n'),
	['_'] = CHAR_JOINT, ['-'] = CHAR_JOINT, ['['] = CHAR_BRACKET,
};
#undef LETTERS

static unsigned int parse_kind(char c)
{
	return char_kind[(unsigned char)c];
}

static bool parse_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool parse_is_letter(char c)
{
	return parse_kind(c) == CHAR_LETTER;
}

/* In ASCII a capital and its small letter differ in one bit. */
static char parse_small(char c)
{
	return parse_is_letter(c) ? (char)(c | 0x20) : c;
}

static int parse_digit(char c, int base)
{
	int v = parse_is_digit(c)    ? c - '0'
		: parse_is_letter(c) ? parse_small(c) - 'a' + 10
				     : base;

	return v < base ? v : -1;
}

static bool parse_is_joint(char c)
{
	return parse_kind(c) == CHAR_JOINT;
}

static void cursor_skip_name(struct cursor *c)
{
	const char *s = c->s;

	while (s < c->end && parse_kind(*s) & (CHAR_LETTER | CHAR_JOINT))
		s++;
	c->s = s;
}

/*
 * Reads the word at the cursor, which is at a letter, into @word. Returns false if the
 * word's length or first letter shows that the word is not in the table.
 */
static bool cursor_take_name(struct cursor *c, struct word *ret)
{
	struct word word = { 0, 0 };
	const char *s = c->s;
	unsigned int n = 0;

	if (!(parse_first_letters() >> (parse_small(*s) - 'a') & 1)) {
		cursor_skip_name(c);
		return false;
	}
	for (; s < c->end; s++) {
		uint64_t letter = (unsigned char)(*s | 0x20);

		if (parse_is_letter(*s)) {
			if (n < 8)
				word.low |= letter << n * 8;
			else if (n < NAME_MAX_LEN)
				word.high |= letter << n % 8 * 8;
			n++;
		} else if (!parse_is_joint(*s)) {
			break;
		}
	}
	*ret = word;
	c->s = s;
	return n < NAME_MAX_LEN;
}

static void cursor_skip_blanks(struct cursor *c)
{
	while (c->s < c->end && (*c->s == ' ' || *c->s == '\t'))
		c->s++;
}

/* Skips @word, in small or capital letters, if it is at the cursor. */
static bool cursor_skip_word(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->s) < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (parse_small(c->s[i]) != word[i])
			return false;
	c->s += n;
	return true;
}

enum separator {
	SEPARATOR_NONE,
	SEPARATOR_BLANK, /* may be a sentence */
	SEPARATOR_SIGN,  /* ':' or '=': a number must follow */
	SEPARATOR_HASH,  /* "csrow#1channel#0": only here a name may follow at once */
};

static enum separator cursor_skip_separator(struct cursor *c)
{
	const char *start = c->s;
	enum separator kind;

	cursor_skip_blanks(c);
	kind = c->s > start ? SEPARATOR_BLANK : SEPARATOR_NONE;
	(void)cursor_skip_word(c, "number "); /* one driver says "BankGroup Number 3" */
	if (c->s < c->end && (*c->s == ':' || *c->s == '=' || *c->s == '#')) {
		kind = *c->s == '#' ? SEPARATOR_HASH : SEPARATOR_SIGN;
		c->s++;
	}
	cursor_skip_blanks(c);
	return kind;
}

/* True if the number ends at the cursor, and not in the middle of a longer word. */
static bool cursor_number_ends(const struct cursor *c, enum separator before)
{
	if (c->s == c->end)
		return true;
	if (parse_is_letter(*c->s))
		return before == SEPARATOR_HASH;
	if (*c->s == '.')
		return c->end - c->s < 2 || !parse_is_digit(c->s[1]);
	return *c->s != '_';
}

/* True and *ret if a number that fits 32 bits is at the cursor and ends as a word does. A
 * number without 0x is to @base. */
static bool cursor_take_number(struct cursor *c, enum separator before, int base,
			       uint64_t *ret)
{
	uint64_t v = 0;
	size_t digits = 0;

	if (c->end - c->s > 1 && c->s[0] == '0' && parse_small(c->s[1]) == 'x') {
		base = 16;
		c->s += 2;
	}
	for (; c->s < c->end; c->s++, digits++) {
		int d = parse_digit(*c->s, base);

		if (d < 0)
			break;
		if (v <= UINT32_MAX)
			v = v * (uint64_t)base + (uint64_t)d;
	}
	if (digits == 0 || v > UINT32_MAX || !cursor_number_ends(c, before))
		return false;
	*ret = v;
	return true;
}

/* The number of @word in the list; N_NAMES if it is not there. */
static size_t parse_find_name(struct word word)
{
	size_t i = 0;

#define X(name, part)                                                                    \
	if (word_is(word, WORD(name)))                                                   \
		return i;                                                                \
	i++;
	NAME_LIST(X)
#undef X
	return i;
}

static void found_note(struct found *f, size_t i, bool known, uint64_t value)
{
	uint32_t bit = UINT32_C(1) << i;

	if (!known || (f->seen & bit && f->value[i] != value))
		f->wrong |= bit;
	f->seen |= bit;
	f->value[i] = value;
}

/* The index of the name at the cursor; N_NAMES if that word is not in the table. */
static size_t cursor_take_part_name(struct cursor *c)
{
	struct word word;
	struct cursor after;

	if (!cursor_take_name(c, &word))
		return N_NAMES;
	after = *c;
	cursor_skip_blanks(&after);
	if (word_is(word, WORD("bank")) && cursor_skip_word(&after, "group")) {
		*c = after;
		return parse_find_name(WORD("bankgroup"));
	}
	return parse_find_name(word);
}

/*
 * The text of skx_edac before its numbers got their 0x (drivers/edac/skx_edac.c from Linux
 * 4.8, then skx_common.c): it prints the codes, the row and the column with %x, and all
 * other numbers with %d. pnd2_edac prints its codes alike and its row with %d, so the form
 * is compared up to the row.
 */
static bool parse_has_bare_hex(const struct ce_text *text)
{
	static const struct {
		const char *word;
		int base;
	} form[] = {
		{ "err_code:", 16 }, { ":", 16 },      { " socket:", 10 },
		{ " imc:", 10 },     { " rank:", 10 }, { " bg:", 10 },
		{ " ba:", 10 },      { " row:", 16 },  { " col:", 16 },
	};
	const char *code = memmem(text->s, text->len, form[0].word, strlen(form[0].word));
	struct cursor c = { code, text->s + text->len };

	if (!code)
		return false;
	for (size_t i = 0; i < sizeof(form) / sizeof(*form); i++) {
		if (!cursor_skip_word(&c, form[i].word) || c.s == c.end ||
		    parse_digit(*c.s, form[i].base) < 0)
			return false;
		while (c.s < c.end && parse_digit(*c.s, form[i].base) >= 0)
			c.s++;
	}
	return c.s == c.end || *c.s == ' ';
}

/** How a text is to be read. */
struct style {
	const struct ce_text *text;
	enum separator least; /* a name counts if what follows it is this clear */
	bool looked;          /* for the form, which is rarely needed */
	bool bare_hex;        /* row and column are hexadecimal without 0x */
};

/* The base of the number of @part at the cursor, if it has no 0x. */
static int parse_base(const struct cursor *c, struct style *style, enum dram_part part)
{
	if ((part != DRAM_ROW && part != DRAM_COLUMN) ||
	    (c->end - c->s > 1 && c->s[0] == '0' && parse_small(c->s[1]) == 'x'))
		return 10;
	if (!style->looked)
		style->bare_hex = parse_has_bare_hex(style->text);
	style->looked = true;
	return style->bare_hex ? 16 : 10;
}

/* Reads a word at the cursor and, if it is a name of the table, its number. */
static void cursor_take_part(struct cursor *c, struct style *style, struct found *f)
{
	size_t i = cursor_take_part_name(c);
	struct cursor after = *c;
	enum separator separator;
	uint64_t value = 0;
	bool known;

	if (i == N_NAMES)
		return;
	separator = cursor_skip_separator(&after);
	known = separator != SEPARATOR_NONE &&
		cursor_take_number(&after, separator,
				   parse_base(&after, style, name_parts[i]), &value);
	/* A name inside a sentence, without a number, says nothing. */
	if (separator < style->least || (!known && separator < SEPARATOR_SIGN))
		return;
	*c = after;
	found_note(f, i, known, value);
}

static void parse_scan(const struct ce_text *text, struct style *style, struct found *f)
{
	struct cursor c = { text->s, text->s + text->len };
	bool in_word = false;

	while (c.s < c.end) {
		unsigned int kind = parse_kind(*c.s);

		/* After this word the text names the slot on the board: "BANK 0". */
		if (*c.s == 'D' && cursor_skip_word(&c, "dimm location"))
			return;
		if (kind == CHAR_BRACKET) {
			/* "[...]" holds registers, not words. */
			const char *close = memchr(c.s, ']', (size_t)(c.end - c.s));

			c.s = close ? close + 1 : c.end;
			in_word = false;
		} else if (kind == CHAR_LETTER && !in_word) {
			cursor_take_part(&c, style, f);
		} else {
			in_word = kind == CHAR_JOINT;
			c.s++;
		}
	}
}

static uint64_t parse_limit(enum dram_part part)
{
	switch (part) {
	case DRAM_RANK:
	case DRAM_DEVICE:
	case DRAM_BANK_GROUP:
	case DRAM_SUB_CHANNEL:
	case DRAM_CHIP:
		return UINT8_MAX - 1;
	case DRAM_BANK:
		return UINT16_MAX - 1;
	case DRAM_ROW:
	case DRAM_COLUMN:
		break;
	}
	return UINT32_MAX - 1;
}

static void coord_set_part(struct dram_coord *c, enum dram_part part, uint64_t value)
{
	/* Firmware writes all ones for a number that it does not know. */
	if (value > parse_limit(part))
		return;
	switch (part) {
	case DRAM_RANK:
		c->rank = (uint8_t)value;
		break;
	case DRAM_DEVICE:
		c->device = (uint8_t)value;
		break;
	case DRAM_BANK_GROUP:
		c->bank_group = (uint8_t)value;
		break;
	case DRAM_BANK:
		c->bank = (uint16_t)value;
		break;
	case DRAM_ROW:
		c->row = (uint32_t)value;
		break;
	case DRAM_COLUMN:
		c->column = (uint32_t)value;
		break;
	case DRAM_SUB_CHANNEL:
		c->sub_channel = (uint8_t)value;
		break;
	case DRAM_CHIP:
		c->chip = (uint8_t)value;
		break;
	}
	c->have |= (uint8_t)part;
}

/* Adds what @text says; parts from an earlier text stay. */
static void coord_add_text(struct dram_coord *c, const struct ce_text *text,
			   enum separator least)
{
	struct dram_coord sum = *c;
	struct found f;
	struct style style = { .text = text, .least = least };
	uint8_t taken = c->have;

	if (!text->s || text->len == 0)
		return;
	f.seen = 0;
	f.wrong = 0; /* and no value is seen */
	parse_scan(text, &style, &f);
	for (size_t i = 0; f.seen >> i; i++) {
		if (!(f.seen >> i & 1) || taken & name_parts[i])
			continue;
		taken |= (uint8_t)name_parts[i];
		if (!(f.wrong >> i & 1))
			coord_set_part(&sum, name_parts[i], f.value[i]);
	}
	*c = sum;
}

void dram_coord_parse(const struct ce_event *ev, struct dram_coord *ret)
{
	*ret = (struct dram_coord){ .have = 0 };
	coord_add_text(ret, &ev->detail, SEPARATOR_BLANK);
	coord_add_text(ret, &ev->msg, SEPARATOR_BLANK);
	/* A label may be the slot's name, "BANK 0 DIMM 1"; only a form like "csrow#1"
	 * comes from the driver. */
	coord_add_text(ret, &ev->label, SEPARATOR_HASH);
}
