/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The history as text. It does not know where rows come from or go to.
 */

#include "imports/history.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "imports/history_parts.h"
#include "output.h"

const struct history_part history_parts[HISTORY_PARTS] = {
	{ "subchannel", DRAM_SUB_CHANNEL, UINT8_MAX },
	{ "rank", DRAM_RANK, UINT8_MAX },
	{ "chip", DRAM_CHIP, UINT8_MAX },
	{ "device", DRAM_DEVICE, UINT8_MAX },
	{ "bankgroup", DRAM_BANK_GROUP, UINT8_MAX },
	{ "bank", DRAM_BANK, UINT16_MAX },
	{ "row", DRAM_ROW, UINT32_MAX },
	{ "column", DRAM_COLUMN, UINT32_MAX },
};

static uint32_t history_part_value(const struct dram_coord *c, enum dram_part part)
{
	switch (part) {
	case DRAM_SUB_CHANNEL:
		return c->sub_channel;
	case DRAM_RANK:
		return c->rank;
	case DRAM_CHIP:
		return c->chip;
	case DRAM_DEVICE:
		return c->device;
	case DRAM_BANK_GROUP:
		return c->bank_group;
	case DRAM_BANK:
		return c->bank;
	case DRAM_ROW:
		return c->row;
	case DRAM_COLUMN:
		break;
	}
	return c->column;
}

static const char *history_type(const struct history_row *row)
{
	switch (row->kind) {
	case BACKTEST_CE:
	case BACKTEST_CE_SCRUB:
		return "CE";
	case BACKTEST_UNCORRECTED:
		return "UE";
	case BACKTEST_OTHER:
		break;
	}
	return "info";
}

struct backtest_text history_printable(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + sizeof("%NN") <= size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c <= '~')
			to[n++] = (char)c;
		else
			n += (size_t)sprintf(to + n, "%%%02x", c);
	}
	to[n] = '\0';
	return (struct backtest_text){ to, n };
}

/* Between quotes, for a text may hold commas. */
static void history_write_quoted(FILE *f, struct backtest_text text)
{
	fputc('"', f);
	for (size_t i = 0; i < text.len; i++) {
		if (text.s[i] == '"')
			fputc('"', f);
		fputc(text.s[i], f);
	}
	fputc('"', f);
}

/* A clock that was not set yet may have been before 1970. */
static void history_write_time(FILE *f, int64_t time)
{
	int64_t left = time % USEC_PER_SEC;

	fprintf(f, "%s%" PRId64 ".%06" PRId64, time < 0 ? "-" : "",
		time / USEC_PER_SEC * (time < 0 ? -1 : 1), left < 0 ? -left : left);
}

void history_write_heading(FILE *f)
{
	fputs(HISTORY_HEADING "\n", f);
}

void history_write_csv(FILE *f, const struct history_row *row)
{
	const struct backtest_text texts[] = { row->server, row->dimm, row->slot,
					       row->part, row->serial };

	history_write_time(f, row->time);
	fputc(',', f);
	history_write_time(f, row->first);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		fputc(',', f);
		history_write_quoted(f, texts[i]);
	}
	fprintf(f, ",%d,%d,%d,%d,%s,%" PRIu64 ",%" PRIu32 ",", row->mc, row->layer[0],
		row->layer[1], row->layer[2], history_type(row), row->count, row->events);
	if (row->has_address)
		fprintf(f, "0x%" PRIx64, row->address);
	for (size_t i = 0; i < HISTORY_PARTS; i++) {
		fputc(',', f);
		if (row->coord.have & history_parts[i].part)
			fprintf(f, "%" PRIu32,
				history_part_value(&row->coord, history_parts[i].part));
	}
	fputc('\n', f);
}

static json_t *history_json_text(struct backtest_text text)
{
	return json_stringn(text.len > 0 ? text.s : "", text.len);
}

static json_t *history_json_module(const struct history_row *row)
{
	return json_pack("{s:o, s:o, s:o, s:i, s:[i,i,i]}", "slot",
			 history_json_text(row->slot), "part",
			 history_json_text(row->part), "serial",
			 history_json_text(row->serial), "mc", row->mc, "layers",
			 row->layer[0], row->layer[1], row->layer[2]);
}

static json_t *history_json_parts(const struct dram_coord *c)
{
	json_t *place = json_object();

	for (size_t i = 0; i < HISTORY_PARTS; i++)
		if (c->have & history_parts[i].part)
			(void)json_object_set_new(place, history_parts[i].name,
						  json_integer(history_part_value(
							  c, history_parts[i].part)));
	return place;
}

int history_write_json(FILE *f, const struct history_row *row)
{
	_cleanup_(json_decref_p) json_t *object = json_pack(
		"{s:I, s:I, s:o, s:o, s:o, s:s, s:I, s:I}", "time", (json_int_t)row->time,
		"first", (json_int_t)row->first, "server", history_json_text(row->server),
		"dimm", history_json_text(row->dimm), "module", history_json_module(row),
		"type", history_type(row), "err_count", (json_int_t)row->count, "events",
		(json_int_t)row->events);
	char address[24];

	snprintf(address, sizeof(address), "0x%" PRIx64, row->address);
	if (json_object_set_new(object, "address",
				row->has_address ? json_string(address) : json_null()) <
		    0 ||
	    json_object_set_new(object, "place", history_json_parts(&row->coord)) < 0 ||
	    json_dumpf(object, f, JSON_COMPACT | JSON_SORT_KEYS) < 0)
		return -ENOMEM;
	fputc('\n', f);
	return 0;
}

static int history_compare_number(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int history_compare_text(struct backtest_text a, struct backtest_text b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n ? memcmp(a.s, b.s, n) : 0;

	return r ? r : history_compare_number((int64_t)a.len, (int64_t)b.len);
}

int history_compare_cell(const struct history_row *a, const struct history_row *b)
{
	int r = history_compare_text(a->server, b->server);

	if (r == 0)
		r = history_compare_text(a->dimm, b->dimm);
	if (r == 0)
		r = history_compare_number(a->kind, b->kind);
	if (r == 0)
		r = history_compare_number(a->has_address, b->has_address);
	if (r == 0 && a->address != b->address)
		r = a->address < b->address ? -1 : 1;
	return r;
}

int history_compare_age(const struct history_row *a, const struct history_row *b)
{
	int r = history_compare_number((int64_t)a->count, (int64_t)b->count);

	if (r == 0)
		r = history_compare_number(a->events, b->events);
	return r ? r : history_compare_number(a->time, b->time);
}

void history_to_backtest(const struct history_row *row, struct backtest_row *ret)
{
	*ret = (struct backtest_row){ .time = row->time,
				      .first = row->first,
				      .ue_time = BACKTEST_NO_TIME,
				      .address = row->has_address ? row->address : 0,
				      .count = row->count,
				      .events = row->events,
				      .kind = row->kind,
				      .has_address = row->has_address,
				      .socket = -1,
				      .channel = -1,
				      .slot = -1,
				      .coord = row->coord,
				      .dimm = row->dimm,
				      .server = row->server,
				      .part = row->part,
				      .serial = row->serial,
				      .has_mc = row->mc >= 0,
				      .mc = (uint8_t)(row->mc >= 0 ? row->mc : 0) };
}
