/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Splits bytes into records and records into fields, and finds out which field is which.
 * It knows how a table is written, not what the errors in the table mean.
 */

#include "backtest/backtest_csv.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "backtest/backtest_csv_internal.h"
#include "base/mem.h"
#include "event/dram_parse.h"

static const char *const names[CSV_COLUMN_MAX_] = {
	[CSV_TIME] = "time",
	[CSV_DIMM] = "dimm",
	[CSV_SERVER] = "server",
	[CSV_PA] = "pa",
	[CSV_SOCKET] = "socket",
	[CSV_CHANNEL] = "channel",
	[CSV_SLOT] = "slot",
	[CSV_SUB_CHANNEL] = "subchannel",
	[CSV_RANK] = "rank",
	[CSV_CHIP] = "chip",
	[CSV_DEVICE] = "device",
	[CSV_BANK_GROUP] = "bankgroup",
	[CSV_BANK] = "bank",
	[CSV_ROW] = "row",
	[CSV_COLUMN] = "column",
	[CSV_TYPE] = "type",
	[CSV_UE_TIME] = "ue_ticket_time",
	[CSV_COUNT] = "err_count",
	[CSV_FIRST] = "first",
	[CSV_EVENTS] = "events",
	[CSV_GRAIN] = "grain_bits",
	[CSV_MESSAGE] = "err_msg",
	[CSV_DETAIL] = "driver_detail",
};

/* Columns of rasdaemon's mc_event that have other names. The first three make the table. */
static const struct {
	const char *name;
	enum csv_column column;
} ras_names[] = {
	{ "timestamp", CSV_TIME }, { "err_type", CSV_TYPE }, { "address", CSV_PA },
	{ "label", CSV_DIMM },     { "grain", CSV_GRAIN },
};

#define RAS_NEEDED 3

/* Moves the unread bytes to the front and reads more. 0, or negative errno. */
static int csv_fill(struct csv *csv)
{
	ssize_t n;

	memmove(csv->buf, csv->buf + csv->start, csv->end - csv->start);
	csv->end -= csv->start;
	csv->start = 0;
	n = csv->read(csv->userdata, csv->buf + csv->end, sizeof(csv->buf) - csv->end);
	if (n < 0)
		return (int)n;
	csv->end += (size_t)n;
	csv->at_end = n == 0;
	return 0;
}

/*
 * Where the record at @text ends: at the first line end outside of quotes. A quote that
 * is still open after CSV_QUOTED_LINES lines does not count; the record is then one line.
 */
static const char *find_end(const char *text, size_t len, unsigned int *ret_lines)
{
	const char *end = text + len, *from = text;
	const char *first = NULL;
	bool quoted = false;

	for (*ret_lines = 1; *ret_lines <= CSV_QUOTED_LINES; (*ret_lines)++) {
		const char *nl = memchr(from, '\n', (size_t)(end - from));

		if (!nl)
			break;
		for (const char *c = memchr(from, '"', (size_t)(nl - from)); c;
		     c = memchr(c + 1, '"', (size_t)(nl - c - 1)))
			quoted = !quoted;
		if (!quoted)
			return nl;
		first = first ? first : nl;
		from = nl + 1;
	}
	if (*ret_lines <= CSV_QUOTED_LINES && len < CSV_RECORD_MAX)
		return NULL;
	*ret_lines = 1;
	return first;
}

/* Skips the rest of a line that is too long. 0, or negative errno. */
static int skip_long(struct csv *csv)
{
	const char *nl;
	int r;

	while (csv->in_long) {
		nl = memchr(csv->buf + csv->start, '\n', csv->end - csv->start);
		if (nl) {
			csv->start = (size_t)(nl - csv->buf) + 1;
			csv->in_long = false;
			break;
		}
		csv->start = csv->end;
		if (csv->at_end)
			break;
		r = csv_fill(csv);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The last record, which may lack a line end. 0 if there is none; 1 and the record. */
static int last_record(struct csv *csv, char **ret, size_t *ret_len)
{
	char *text = csv->buf + csv->start;
	const char *nl = memchr(text, '\n', csv->end - csv->start);

	*ret = text;
	*ret_len = nl ? (size_t)(nl - text) : csv->end - csv->start;
	csv->start = nl ? csv->start + *ret_len + 1 : csv->end;
	csv->line = csv->next_line++;
	return *ret_len > 0 || nl;
}

/* 1 and the next record without its line end; 0 at the end; negative errno. */
static int next_record(struct csv *csv, char **ret, size_t *ret_len)
{
	unsigned int lines;
	int r = skip_long(csv);

	if (r < 0)
		return r;
	for (;;) {
		char *text = csv->buf + csv->start;
		const char *end = find_end(text, csv->end - csv->start, &lines);

		if (end) {
			*ret = text;
			*ret_len = (size_t)(end - text);
			csv->start += *ret_len + 1;
			csv->line = csv->next_line;
			csv->next_line += lines;
			return 1;
		}
		if (csv->at_end)
			return last_record(csv, ret, ret_len);
		if (csv->end - csv->start == sizeof(csv->buf)) {
			csv->line = csv->next_line++;
			csv->in_long = true;
			return -EBADMSG;
		}
		r = csv_fill(csv);
		if (r < 0)
			return r;
	}
}

/* Removes the quotes of the field at @text, in place. False if something follows the
 * closing quote. */
static bool unquote(char *text, size_t *len)
{
	size_t to = 0;

	for (size_t i = 1; i < *len; i++) {
		if (text[i] == '"') {
			if (i + 1 == *len) {
				memmove(text, text + 1, to);
				*len = to;
				return true;
			}
			if (text[++i] != '"')
				return false;
		}
		text[++to] = text[i];
	}
	return false;
}

static void trim(struct backtest_text *t)
{
	while (t->len > 0 && (t->s[0] == ' ' || t->s[0] == '\t')) {
		t->s++;
		t->len--;
	}
	while (t->len > 0 && (t->s[t->len - 1] == ' ' || t->s[t->len - 1] == '\t'))
		t->len--;
}

/* Where the field at @text ends; quotes keep separators inside. */
static char *field_end(char *text, char *end, char separator)
{
	char *at;

	if (text == end || *text != '"') {
		at = memchr(text, separator, (size_t)(end - text));
		return at ? at : end;
	}
	for (at = text + 1; at < end; at++) {
		if (*at != '"')
			continue;
		if (at + 1 < end && at[1] == '"')
			at++;
		else
			break;
	}
	at = memchr(at, separator, (size_t)(end - at));
	return at ? at : end;
}

typedef bool (*field_fn)(void *userdata, unsigned int column, struct backtest_text field);

/* Calls @fn for each field. Returns the number of fields; -1 if @fn refused one. */
static int split(const struct csv *csv, char *text, size_t len, field_fn fn,
		 void *userdata)
{
	char *end = text + len;
	unsigned int n = 0;

	if (len > 0 && end[-1] == '\r')
		end--;
	for (;;) {
		char *stop = field_end(text, end, csv->separator);
		struct backtest_text field = { text, (size_t)(stop - text) };

		if (field.len > 0 && *text == '"' && !unquote(text, &field.len))
			return -1;
		trim(&field);
		if (n == CSV_COLUMNS_MAX || !fn(userdata, n, field))
			return -1;
		n++;
		if (stop == end)
			return (int)n;
		text = stop + 1;
	}
}

/* What a header says, while it is read. */
struct header {
	struct csv *csv;
	int ras[ARRAY_SIZE(ras_names)]; /* where the column is; -1 */
	bool is_ras; /* it has a column that only rasdaemon's table has */
};

static bool csv_is_word(struct backtest_text field, const char *word)
{
	return strlen(word) == field.len && strncasecmp(word, field.s, field.len) == 0;
}

static bool csv_take_name(void *userdata, unsigned int column, struct backtest_text field)
{
	struct header *h = userdata;
	struct csv *csv = h->csv;

	csv->columns[column] = CSV_COLUMN_MAX_;
	h->is_ras |=
		csv_is_word(field, "driver_detail") || csv_is_word(field, "top_layer");
	for (size_t i = 0; i < ARRAY_SIZE(ras_names); i++)
		if (csv_is_word(field, ras_names[i].name))
			h->ras[i] = (int)column;
	for (unsigned int i = 0; i < CSV_COLUMN_MAX_; i++) {
		if (!csv_is_word(field, names[i]))
			continue;
		if (csv->have[i])
			return false;
		csv->columns[column] = (uint8_t)i;
		csv->have[i] = true;
	}
	return true;
}

/* Our own names count first. */
static void header_take_ras(const struct header *h)
{
	struct csv *csv = h->csv;

	csv->decimal = h->is_ras;
	for (size_t i = 0; i < RAS_NEEDED; i++)
		if (h->ras[i] < 0 && !h->is_ras)
			return;
	csv->decimal |= !csv->have[CSV_PA];
	for (size_t i = 0; i < ARRAY_SIZE(ras_names); i++) {
		enum csv_column column = ras_names[i].column;

		if (h->ras[i] < 0 || csv->have[column])
			continue;
		csv->columns[h->ras[i]] = (uint8_t)column;
		csv->have[column] = true;
	}
}

static bool csv_is_empty(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return text[i] == '#' && i == 0;
	return true;
}

static char choose_separator(const char *text, size_t len)
{
	static const char candidates[] = { ',', ';', '\t' };
	size_t most = 0;
	char best = ',';

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		size_t n = 0;

		for (size_t j = 0; j < len; j++)
			n += text[j] == candidates[i];
		if (n > most) {
			most = n;
			best = candidates[i];
		}
	}
	return best;
}

int csv_open(struct csv *csv, csv_read_fn read, void *userdata, const char **ret_why)
{
	static const char bom[] = { '\xef', '\xbb', '\xbf' };
	struct header header = { .csv = csv };
	size_t len;
	char *text;
	int r, n;

	memset(csv, 0, sizeof(*csv));
	csv->tomorrow = INT64_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(ras_names); i++)
		header.ras[i] = -1;
	csv->read = read;
	csv->userdata = userdata;
	csv->next_line = 1;
	do {
		r = next_record(csv, &text, &len);
		if (r > 0 && csv->line == 1 && len >= sizeof(bom) &&
		    memcmp(text, bom, sizeof(bom)) == 0) {
			text += sizeof(bom);
			len -= sizeof(bom);
		}
	} while (r > 0 && csv_is_empty(text, len));
	*ret_why = r == 0 ? "it is empty" : "its first line is too long";
	if (r == 0 || r == -EBADMSG)
		return -EINVAL;
	if (r < 0)
		return r;
	csv->separator = choose_separator(text, len);
	n = split(csv, text, len, csv_take_name, &header);
	*ret_why = "its header has too many columns, names one twice, or is misquoted";
	if (n < 0)
		return -EINVAL;
	csv->n_columns = (unsigned int)n;
	header_take_ras(&header);
	*ret_why = "its header has no column \"time\"";
	return csv->have[CSV_TIME] ? 0 : -EINVAL;
}

bool csv_is_decimal(const struct csv *csv)
{
	return !csv->decimal && !csv->hex_seen && csv->plain_digits >= CSV_PLAIN_DIGITS;
}

/* A row while it is read. */
struct row_fields {
	struct csv *csv;
	struct backtest_row *row;
	const char *why;
	struct ce_event texts; /* of the driver */
};

static struct ce_text csv_text(struct backtest_text t)
{
	return (struct ce_text){ t.s, (uint32_t)t.len };
}

static void take_texts(struct row_fields *f, enum csv_column column,
		       struct backtest_text field)
{
	if (column == CSV_MESSAGE)
		f->texts.msg = csv_text(field);
	else if (column == CSV_DETAIL)
		f->texts.detail = csv_text(field);
}

/* What the driver's texts say, where no column of its own says it. */
static void csv_set_texts(const struct row_fields *f, struct backtest_row *row)
{
	bool scrub = memmem(f->texts.msg.s ? f->texts.msg.s : "", f->texts.msg.len,
			    "scrub", 5) != NULL;

	if (row->kind == BACKTEST_CE && scrub)
		row->kind = BACKTEST_CE_SCRUB;
	if (f->texts.detail.len > 0 && row->coord.have == 0)
		dram_coord_parse(&f->texts, &row->coord);
}

static const char *take_address(struct csv *csv, struct backtest_row *row,
				struct backtest_text field)
{
	size_t digits = 0, zeros = 0;

	if (csv_parse_address(field.s, field.len, csv->decimal, &row->address) < 0)
		return csv->decimal ? "the address is not decimal"
				    : "the address is not hexadecimal";
	row->has_address = true;
	while (digits < field.len && field.s[digits] >= '0' && field.s[digits] <= '9')
		zeros = field.s[digits++] == '0' ? zeros + 1 : 0;
	csv->hex_seen |= digits < field.len;
	/* One address again says nothing more, nor do zeros at its end. */
	if (row->address != csv->last_address && digits > zeros)
		csv->plain_digits += digits - zeros - 1;
	csv->last_address = row->address;
	return NULL;
}

static bool take_field(void *userdata, unsigned int column, struct backtest_text field)
{
	struct row_fields *f = userdata;

	/* Spreadsheets fill short rows with empty fields. */
	if (column >= f->csv->n_columns)
		return field.len == 0;
	take_texts(f, (enum csv_column)f->csv->columns[column], field);
	f->why = csv_set_field(f->row, (enum csv_column)f->csv->columns[column], field);
	if (!f->why && f->csv->columns[column] == CSV_PA && !csv_field_is_absent(field))
		f->why = take_address(f->csv, f->row, field);
	return !f->why;
}

int csv_next(struct csv *csv, struct backtest_row *ret, const char **ret_why)
{
	struct backtest_row row = { .time = BACKTEST_NO_TIME,
				    .ue_time = BACKTEST_NO_TIME,
				    .count = 1,
				    .events = 1,
				    .socket = -1,
				    .channel = -1,
				    .slot = -1 };
	struct row_fields fields = { .csv = csv, .row = &row };
	size_t len;
	char *text;
	int r, n;

	do {
		r = next_record(csv, &text, &len);
	} while (r > 0 && csv_is_empty(text, len));
	*ret_why = "longer than 64 KiB";
	if (r <= 0)
		return r;
	n = split(csv, text, len, take_field, &fields);
	if (n < 0)
		*ret_why = fields.why ? fields.why
				      : "more fields than the header, or misquoted";
	else if ((unsigned int)n < csv->n_columns)
		*ret_why = "fewer fields than the header";
	else if (row.time == BACKTEST_NO_TIME)
		*ret_why = "no time";
	else if (row.time > csv->tomorrow)
		*ret_why = "its time is in the future";
	else {
		csv->odd_times += row.time < CSV_YEAR_2000;
		csv_set_texts(&fields, &row);
		*ret = row;
		return 1;
	}
	return -EBADMSG;
}
