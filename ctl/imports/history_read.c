/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Lines of an export, read strictly: what export does not write is refused, with a reason.
 * A row that was guessed would be kept for years.
 */

#include <errno.h>
#include <string.h>

#include "imports/history.h"
#include "imports/history_parts.h"
#include "output.h"

/** The columns of the table, in their order. */
enum history_column {
	HISTORY_TIME,
	HISTORY_FIRST,
	HISTORY_SERVER,
	HISTORY_SERIAL = HISTORY_SERVER + 4,
	HISTORY_MC,
	HISTORY_LAYER_2 = HISTORY_MC + 3,
	HISTORY_TYPE,
	HISTORY_COUNT,
	HISTORY_EVENTS,
	HISTORY_PA,
	HISTORY_FIRST_PART,
};

_Static_assert(HISTORY_FIRST_PART + HISTORY_PARTS == HISTORY_COLUMNS, "or one is lost");

/* Digits that make a number up to @max. */
static bool history_number(struct backtest_text t, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (t.len == 0 || t.len > 20)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (t.s[i] < '0' || t.s[i] > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(t.s[i] - '0'), &value))
			return false;
	*ret = value;
	return value <= max;
}

/* Seconds, a point, six digits. */
static bool history_time(struct backtest_text t, int64_t *ret)
{
	const char *point = memchr(t.s, '.', t.len);
	size_t whole = point ? (size_t)(point - t.s) : 0;
	uint64_t seconds, left;

	if (!point || t.len - whole != 7 ||
	    !history_number((struct backtest_text){ t.s, whole }, UINT32_MAX * 64ULL,
			    &seconds) ||
	    !history_number((struct backtest_text){ point + 1, 6 }, 999999, &left))
		return false;
	*ret = (int64_t)(seconds * USEC_PER_SEC + left);
	return true;
}

/* -1, or a number up to @max. */
static bool history_place(struct backtest_text t, int16_t max, int16_t *ret)
{
	uint64_t value;

	*ret = -1;
	if (t.len == 2 && memcmp(t.s, "-1", 2) == 0)
		return true;
	if (!history_number(t, (uint64_t)max, &value))
		return false;
	*ret = (int16_t)value;
	return true;
}

/* 0x and hexadecimal digits; empty: none. */
static bool history_address(struct backtest_text t, struct history_row *row)
{
	row->has_address = t.len > 0;
	if (t.len == 0)
		return true;
	if (t.len < 3 || t.len > 18 || t.s[0] != '0' || t.s[1] != 'x')
		return false;
	for (size_t i = 2; i < t.len; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = t.s[i] ? strchr(digits, t.s[i]) : NULL;

		if (!digit)
			return false;
		row->address = row->address << 4 | (uint64_t)(digit - digits);
	}
	return true;
}

static bool history_kind(struct backtest_text t, enum backtest_kind *ret)
{
	static const struct {
		const char *word;
		enum backtest_kind kind;
	} words[] = { { "CE", BACKTEST_CE },
		      { "UE", BACKTEST_UNCORRECTED },
		      { "info", BACKTEST_OTHER } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == t.len &&
		    memcmp(words[i].word, t.s, t.len) == 0) {
			*ret = words[i].kind;
			return true;
		}
	return false;
}

static void history_set_part(struct dram_coord *c, const struct history_part *part,
			     uint32_t value)
{
	switch (part->part) {
	case DRAM_SUB_CHANNEL:
		c->sub_channel = (uint8_t)value;
		break;
	case DRAM_RANK:
		c->rank = (uint8_t)value;
		break;
	case DRAM_CHIP:
		c->chip = (uint8_t)value;
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
		c->row = value;
		break;
	case DRAM_COLUMN:
		c->column = value;
		break;
	}
	c->have |= (uint8_t)part->part;
}

/* Keeps @t for the row. */
static bool history_text(struct history_reader *h, struct history_row *row,
			 unsigned int i, struct backtest_text t)
{
	struct backtest_text *const texts[] = { &row->server, &row->dimm, &row->slot,
						&row->part, &row->serial };

	if (t.len >= HISTORY_TEXT_MAX)
		return false;
	for (size_t k = 0; k < t.len; k++)
		if (t.s[k] < ' ' || t.s[k] > '~')
			return false;
	memcpy(h->texts[i], t.s, t.len);
	h->texts[i][t.len] = '\0';
	*texts[i] = (struct backtest_text){ h->texts[i], t.len };
	return true;
}

/* What stands in column @i. NULL, or why it is refused. */
static const char *history_take_field(struct history_reader *h, struct history_row *row,
				      unsigned int i, struct backtest_text t)
{
	uint64_t value = 0;

	if (i <= HISTORY_FIRST)
		return history_time(t, i == HISTORY_TIME ? &row->time : &row->first)
			       ? NULL
			       : "a time is no number of seconds with six digits after "
				 "the point";
	if (i <= HISTORY_SERIAL)
		return history_text(h, row, i - HISTORY_SERVER, t)
			       ? NULL
			       : "a text is too long, or has a byte that is not printable";
	if (i <= HISTORY_LAYER_2)
		return (i == HISTORY_MC ? history_place(t, UINT8_MAX, &row->mc)
					: history_place(t, INT8_MAX,
							&row->layer[i - HISTORY_MC - 1]))
			       ? NULL
			       : "the controller or a layer is no number that one can have";
	if (i == HISTORY_TYPE)
		return history_kind(t, &row->kind) ? NULL
						   : "the type is not CE, UE or info";
	if (i == HISTORY_PA)
		return history_address(t, row) ? NULL
					       : "the address does not begin with 0x";
	if (i == HISTORY_COUNT || i == HISTORY_EVENTS) {
		uint64_t max = i == HISTORY_COUNT ? INT64_MAX : UINT32_MAX;

		if (!history_number(t, max, &value) || value == 0)
			return "a count is no number from 1 on";
		if (i == HISTORY_COUNT)
			row->count = value;
		else
			row->events = (uint32_t)value;
		return NULL;
	}
	if (t.len == 0)
		return NULL;
	if (!history_number(t, history_parts[i - HISTORY_FIRST_PART].max, &value))
		return "a DRAM coordinate is no number, or too large";
	history_set_part(&row->coord, &history_parts[i - HISTORY_FIRST_PART],
			 (uint32_t)value);
	return NULL;
}

/*
 * The field at *at, without its quotes, in @ret, of HISTORY_TEXT_MAX bytes; *at is behind
 * it then. Returns its length; -EINVAL.
 */
static ssize_t history_field(struct backtest_text line, size_t *at, char *ret)
{
	bool quoted = *at < line.len && line.s[*at] == '"';
	bool closed = !quoted;
	size_t n = 0, i = *at + quoted;

	for (; i < line.len; i++) {
		if (quoted && line.s[i] == '"') {
			i++;
			closed = i == line.len || line.s[i] != '"';
			if (closed)
				break;
		} else if (!quoted && line.s[i] == ',')
			break;
		if (n + 1 == HISTORY_TEXT_MAX)
			return -EINVAL;
		ret[n++] = line.s[i];
	}
	if (!closed || (i < line.len && line.s[i] != ','))
		return -EINVAL;
	*at = i;
	return (ssize_t)n;
}

static const char *history_read_csv(struct history_reader *h, struct backtest_text line,
				    struct history_row *row)
{
	char field[HISTORY_TEXT_MAX];
	size_t at = 0;

	for (unsigned int i = 0; i < HISTORY_COLUMNS; i++) {
		const char *why;
		ssize_t n;

		if (i > 0 && (at == line.len || line.s[at++] != ','))
			return "fewer fields than the heading";
		n = history_field(line, &at, field);
		if (n < 0)
			return "a field is misquoted, or too long";
		why = history_take_field(h, row, i,
					 (struct backtest_text){ field, (size_t)n });
		if (why)
			return why;
	}
	return at < line.len ? "more fields than the heading" : NULL;
}

/* A member that is a whole number from @low to @high. */
static bool history_json_number(const json_t *object, const char *key, int64_t low,
				int64_t high, int64_t *ret)
{
	const json_t *v = json_object_get(object, key);

	*ret = json_integer_value(v);
	return json_is_integer(v) && *ret >= low && *ret <= high;
}

static bool history_json_texts(struct history_reader *h, struct history_row *row,
			       const json_t *object, const json_t *module)
{
	const json_t *v[] = { json_object_get(object, "server"),
			      json_object_get(object, "dimm"),
			      json_object_get(module, "slot"),
			      json_object_get(module, "part"),
			      json_object_get(module, "serial") };

	for (unsigned int i = 0; i < ARRAY_SIZE(v); i++)
		if (!json_is_string(v[i]) ||
		    !history_text(h, row, i,
				  (struct backtest_text){ json_string_value(v[i]),
							  json_string_length(v[i]) }))
			return false;
	return true;
}

static bool history_json_layers(const json_t *module, struct history_row *row)
{
	const json_t *layers = json_object_get(module, "layers");
	int64_t mc;

	if (json_object_size(module) != 5 || json_array_size(layers) != 3 ||
	    !history_json_number(module, "mc", -1, UINT8_MAX, &mc))
		return false;
	row->mc = (int16_t)mc;
	for (size_t i = 0; i < 3; i++) {
		const json_t *v = json_array_get(layers, i);
		int64_t layer = json_integer_value(v);

		if (!json_is_integer(v) || layer < -1 || layer > INT8_MAX)
			return false;
		row->layer[i] = (int16_t)layer;
	}
	return true;
}

static bool history_json_place(const json_t *place, struct dram_coord *c)
{
	size_t known = 0;

	for (size_t i = 0; i < HISTORY_PARTS; i++) {
		const struct history_part *part = &history_parts[i];
		int64_t value;

		if (!json_object_get(place, part->name))
			continue;
		if (!history_json_number(place, part->name, 0, part->max, &value))
			return false;
		history_set_part(c, part, (uint32_t)value);
		known++;
	}
	return json_is_object(place) && json_object_size(place) == known;
}

static bool history_json_address(const json_t *v, struct history_row *row)
{
	if (json_is_null(v))
		return true;
	return json_is_string(v) && json_string_length(v) > 0 &&
	       history_address((struct backtest_text){ json_string_value(v),
						       json_string_length(v) },
			       row);
}

static const char *history_read_object(struct history_reader *h, const json_t *object,
				       struct history_row *row)
{
	const json_t *module = json_object_get(object, "module");
	const json_t *type = json_object_get(object, "type");
	int64_t count, events;

	if (json_object_size(object) != 10)
		return "no object with the members that export writes";
	if (!history_json_number(object, "time", 0, INT64_MAX, &row->time) ||
	    !history_json_number(object, "first", 0, INT64_MAX, &row->first))
		return "a time is no number of microseconds";
	if (!history_json_texts(h, row, object, module))
		return "a text is missing, too long, or has a byte that is not printable";
	if (!history_json_layers(module, row))
		return "the controller or a layer is no number that one can have";
	if (!json_is_string(type) ||
	    !history_kind((struct backtest_text){ json_string_value(type),
						  json_string_length(type) },
			  &row->kind))
		return "the type is not CE, UE or info";
	if (!history_json_number(object, "err_count", 1, INT64_MAX, &count) ||
	    !history_json_number(object, "events", 1, UINT32_MAX, &events))
		return "a count is no number from 1 on";
	row->count = (uint64_t)count;
	row->events = (uint32_t)events;
	if (!history_json_address(json_object_get(object, "address"), row))
		return "the address does not begin with 0x";
	return history_json_place(json_object_get(object, "place"), &row->coord)
		       ? NULL
		       : "a DRAM coordinate is no number, or too large";
}

static const char *history_read_json(struct history_reader *h, struct backtest_text line,
				     struct history_row *row)
{
	_cleanup_(json_decref_p) json_t *object =
		json_loadb(line.s, line.len, JSON_REJECT_DUPLICATES, NULL);

	return object ? history_read_object(h, object, row) : "no JSON object";
}

/* The form of the file, by its first line. 1: the line is a row; 0: the heading. */
static int history_begin(struct history_reader *h, struct backtest_text line,
			 const char **ret_why)
{
	h->begun = true;
	h->json = line.len > 0 && line.s[0] == '{';
	*ret_why =
		"this is not what softofflinectl export writes: the heading is another "
		"one";
	if (h->json)
		return 1;
	return line.len == strlen(HISTORY_HEADING) &&
			       memcmp(line.s, HISTORY_HEADING, line.len) == 0
		       ? 0
		       : -EINVAL;
}

int history_read_line(struct history_reader *h, struct backtest_text line,
		      struct history_row *ret, const char **ret_why)
{
	int r = 1;

	if (line.len > 0 && line.s[line.len - 1] == '\r')
		line.len--;
	if (!h->begun)
		r = history_begin(h, line, ret_why);
	if (r <= 0)
		return r;
	*ret = (struct history_row){ .mc = -1 };
	*ret_why = h->json ? history_read_json(h, line, ret)
			   : history_read_csv(h, line, ret);
	if (!*ret_why && ret->first > ret->time)
		*ret_why = "the first error is later than the last one";
	if (!*ret_why && ret->time > h->tomorrow)
		*ret_why = "its time is in the future";
	return *ret_why ? -EINVAL : 1;
}
