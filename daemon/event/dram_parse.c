/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * DRAM coordinates out of the words that EDAC drivers put into an event. All of them name
 * a part and then its number, but no two agree on the name, on what stands between, or
 * on the base; so one table of names is looked up word by word. It refuses to guess: a
 * name without a number, a number that does not fit, and two numbers for one name leave
 * the part absent.
 */

#include <string.h>

#include "event/ce_event.h"
#include "event/dram_coord.h"

#define NAME_MAX_LEN 16

/*
 * Names without '_' and '-', in small letters. Of several names for one part the first
 * that is there counts: a bank within its group before the bank as a whole, a rank before
 * the number that a controller gives to it, and that before the chip select.
 */
static const struct name {
	char word[NAME_MAX_LEN]; /* zeros behind it, to be compared as a whole */
	enum dram_part part;
} names[] = {
	{ "row", DRAM_ROW },
	{ "ras", DRAM_ROW },
	{ "column", DRAM_COLUMN },
	{ "col", DRAM_COLUMN },
	{ "cas", DRAM_COLUMN },
	{ "bankaddress", DRAM_BANK },
	{ "ba", DRAM_BANK },
	{ "bank", DRAM_BANK },
	{ "drambank", DRAM_BANK },
	{ "bankgroup", DRAM_BANK_GROUP },
	{ "bg", DRAM_BANK_GROUP },
	{ "rank", DRAM_RANK },
	{ "physicalrankid", DRAM_RANK },
	{ "dimmrankid", DRAM_RANK },
	{ "chipselect", DRAM_RANK },
	{ "cs", DRAM_RANK },
	{ "csrow", DRAM_RANK },
	{ "device", DRAM_DEVICE },
	{ "dev", DRAM_DEVICE },
};

#define N_NAMES (sizeof(names) / sizeof(*names))

/* What these begin with: most words of a text begin otherwise. */
#define LETTER(c) (UINT32_C(1) << ((c) - 'a'))
#define FIRST_LETTERS                                                                    \
	(LETTER('b') | LETTER('c') | LETTER('d') | LETTER('p') | LETTER('r'))

/** What the texts said so far, by name. */
struct found {
	uint64_t value[N_NAMES];
	uint32_t seen;
	uint32_t wrong; /* no number, one that does not end, or two of them */
};

struct cursor {
	const char *s;
	const char *end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* In ASCII one bit tells capitals from small letters. */
static bool is_letter(char c)
{
	return (unsigned char)((c | 0x20) - 'a') < 26;
}

static char small(char c)
{
	return is_letter(c) ? (char)(c | 0x20) : c;
}

static int digit_of(char c, int base)
{
	int v = is_digit(c) ? c - '0' : is_letter(c) ? small(c) - 'a' + 10 : base;

	return v < base ? v : -1;
}

static bool is_joint(char c)
{
	return c == '_' || c == '-';
}

static void skip_name(struct cursor *c)
{
	const char *s = c->s;

	while (s < c->end && (is_letter(*s) || is_joint(*s)))
		s++;
	c->s = s;
}

/*
 * Reads the name at the cursor, which stands at a letter, into @word; false if it is none
 * that is known, by its length or what it begins with.
 */
static bool take_name(struct cursor *c, char word[NAME_MAX_LEN])
{
	const char *s = c->s;
	size_t n = 0;

	if (!(FIRST_LETTERS >> (small(*s) - 'a') & 1)) {
		skip_name(c);
		return false;
	}
	memset(word, 0, NAME_MAX_LEN);
	for (; s < c->end; s++) {
		if (is_letter(*s)) {
			word[n < NAME_MAX_LEN ? n : 0] = (char)(*s | 0x20);
			n++;
		} else if (!is_joint(*s)) {
			break;
		}
	}
	c->s = s;
	return n < NAME_MAX_LEN;
}

static void skip_blanks(struct cursor *c)
{
	while (c->s < c->end && (*c->s == ' ' || *c->s == '\t'))
		c->s++;
}

/* Skips @word if it stands here, whatever its case. */
static bool skip_word(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->s) < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (small(c->s[i]) != word[i])
			return false;
	c->s += n;
	return true;
}

enum separator {
	SEPARATOR_NONE,
	SEPARATOR_BLANK, /* may be a sentence */
	SEPARATOR_SIGN,  /* ':' or '=': a number is due */
	SEPARATOR_HASH,  /* "csrow#1channel#0": only here a name may follow at once */
};

static enum separator skip_separator(struct cursor *c)
{
	const char *start = c->s;
	enum separator kind;

	skip_blanks(c);
	kind = c->s > start ? SEPARATOR_BLANK : SEPARATOR_NONE;
	(void)skip_word(c, "number "); /* one driver says "BankGroup Number 3" */
	if (c->s < c->end && (*c->s == ':' || *c->s == '=' || *c->s == '#')) {
		kind = *c->s == '#' ? SEPARATOR_HASH : SEPARATOR_SIGN;
		c->s++;
	}
	skip_blanks(c);
	return kind;
}

/* True if the number that was read ends here. */
static bool number_ends(const struct cursor *c, enum separator before)
{
	if (c->s == c->end)
		return true;
	if (is_letter(*c->s))
		return before == SEPARATOR_HASH;
	if (*c->s == '.')
		return c->end - c->s < 2 || !is_digit(c->s[1]);
	return *c->s != '_';
}

/* True and *ret if a number stands here that fits 32 bits and ends like one. */
static bool take_number(struct cursor *c, enum separator before, uint64_t *ret)
{
	int base = 10;
	uint64_t v = 0;
	size_t digits = 0;

	if (c->end - c->s > 1 && c->s[0] == '0' && small(c->s[1]) == 'x') {
		base = 16;
		c->s += 2;
	}
	for (; c->s < c->end; c->s++, digits++) {
		int d = digit_of(*c->s, base);

		if (d < 0)
			break;
		if (v <= UINT32_MAX)
			v = v * (uint64_t)base + (uint64_t)d;
	}
	if (digits == 0 || v > UINT32_MAX || !number_ends(c, before))
		return false;
	*ret = v;
	return true;
}

static size_t find_name(const char word[NAME_MAX_LEN])
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (memcmp(names[i].word, word, NAME_MAX_LEN) == 0)
			return i;
	return N_NAMES;
}

static void note(struct found *f, size_t i, bool known, uint64_t value)
{
	uint32_t bit = UINT32_C(1) << i;

	if (!known || (f->seen & bit && f->value[i] != value))
		f->wrong |= bit;
	f->seen |= bit;
	f->value[i] = value;
}

/* "[...]" holds registers, not words. */
static void skip_registers(struct cursor *c)
{
	const char *close = memchr(c->s, ']', (size_t)(c->end - c->s));

	c->s = close ? close + 1 : c->end;
}

/* The number of the name at the cursor; N_NAMES if it is none that is looked for. */
static size_t take_part_name(struct cursor *c)
{
	static const char bank[NAME_MAX_LEN] = "bank";
	static const char bank_group[NAME_MAX_LEN] = "bankgroup";
	char word[NAME_MAX_LEN];
	struct cursor after;

	if (!take_name(c, word))
		return N_NAMES;
	after = *c;
	skip_blanks(&after);
	if (memcmp(word, bank, NAME_MAX_LEN) == 0 && skip_word(&after, "group")) {
		*c = after;
		return find_name(bank_group);
	}
	return find_name(word);
}

/* A name at the cursor, and its number if it is one that is looked for. */
static void take_part(struct cursor *c, enum separator least, struct found *f)
{
	size_t i = take_part_name(c);
	struct cursor after = *c;
	enum separator separator;
	uint64_t value = 0;
	bool known;

	if (i == N_NAMES)
		return;
	separator = skip_separator(&after);
	known = separator != SEPARATOR_NONE && take_number(&after, separator, &value);
	/* The word in a sentence, without a number, says nothing. */
	if (separator < least || (!known && separator < SEPARATOR_SIGN))
		return;
	*c = after;
	note(f, i, known, value);
}

/* Names count that stand @least this far from their number. */
static void scan(const struct ce_text *text, enum separator least, struct found *f)
{
	struct cursor c = { text->s, text->s + text->len };
	bool in_word = false;

	while (c.s < c.end) {
		/* What follows are the slot's names on the board: "BANK 0". */
		if (*c.s == 'D' && skip_word(&c, "dimm location"))
			return;
		if (*c.s == '[') {
			skip_registers(&c);
			in_word = false;
		} else if (is_letter(*c.s) && !in_word) {
			take_part(&c, least, f);
		} else {
			in_word = is_joint(*c.s);
			c.s++;
		}
	}
}

static uint64_t limit_of(enum dram_part part)
{
	switch (part) {
	case DRAM_RANK:
	case DRAM_DEVICE:
	case DRAM_BANK_GROUP:
		return UINT8_MAX - 1;
	case DRAM_BANK:
		return UINT16_MAX - 1;
	case DRAM_ROW:
	case DRAM_COLUMN:
		break;
	}
	return UINT32_MAX - 1;
}

static void set_part(struct dram_coord *c, enum dram_part part, uint64_t value)
{
	/* All ones is how firmware says that it does not know. */
	if (value > limit_of(part))
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
	}
	c->have |= (uint8_t)part;
}

/* What one text says; parts that an earlier text told stay. */
static void add_text(struct dram_coord *c, const struct ce_text *text,
		     enum separator least)
{
	struct dram_coord told = *c;
	struct found f = { .seen = 0 };
	uint8_t taken = c->have;

	if (!text->s || text->len == 0)
		return;
	scan(text, least, &f);
	for (size_t i = 0; f.seen >> i; i++) {
		if (!(f.seen >> i & 1) || taken & names[i].part)
			continue;
		taken |= (uint8_t)names[i].part;
		if (!(f.wrong >> i & 1))
			set_part(&told, names[i].part, f.value[i]);
	}
	*c = told;
}

void dram_coord_parse(const struct ce_event *ev, struct dram_coord *ret)
{
	struct dram_coord c = { .have = 0 };

	add_text(&c, &ev->detail, SEPARATOR_BLANK);
	add_text(&c, &ev->msg, SEPARATOR_BLANK);
	/* A label may be the slot's name, "BANK 0 DIMM 1"; only "csrow#1" is the
	 * driver's. */
	add_text(&c, &ev->label, SEPARATOR_HASH);
	*ret = c;
}
