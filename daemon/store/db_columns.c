/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The types of columns, and the SQL that follows from a list of columns. It knows no
 * table, and trusts no value in the file: every number is held within what its field can
 * mean, an unknown word becomes the harmless one.
 */

#include "store/db_columns.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/reason.h"
#include "ce_tracker.h"
#include "event/soft_event.h"
#include "track/fault_map.h"
#include "track/records.h"

#define TYPE_INTEGER "INTEGER NOT NULL"

/*
 * Fields.
 */

static const void *field_of(const struct db_column *c, const void *rec)
{
	return (const char *)rec + c->offset;
}

static int64_t field_load(const struct db_column *c, const void *rec)
{
	const void *field = field_of(c, rec);

	if (c->get)
		return (int64_t)c->get(rec);
	if (c->size == 1 && c->low < 0)
		return *(const int8_t *)field;
	if (c->size == 1)
		return *(const uint8_t *)field;
	if (c->size == 2)
		return *(const uint16_t *)field;
	if (c->size == 4 && c->low < 0)
		return *(const int32_t *)field;
	if (c->size == 4)
		return *(const uint32_t *)field;
	return *(const int64_t *)field;
}

static void field_store(const struct db_column *c, void *rec, int64_t v)
{
	void *field = (char *)rec + c->offset;

	if (c->put)
		c->put(rec, (uint64_t)v);
	else if (c->size == 1)
		*(uint8_t *)field = (uint8_t)v;
	else if (c->size == 2)
		*(uint16_t *)field = (uint16_t)v;
	else if (c->size == 4)
		*(uint32_t *)field = (uint32_t)v;
	else
		*(int64_t *)field = v;
}

/*
 * Numbers.
 */

/* Without bounds: those of the field, which is unsigned then. */
static void number_set(const struct db_column *c, void *rec, int64_t v)
{
	int64_t low = c->low, high = c->high;

	if (low == 0 && high == 0)
		high = c->size >= 8 ? INT64_MAX : (INT64_C(1) << (8 * c->size)) - 1;
	field_store(c, rec, v < low ? low : v > high ? high : v);
}

const struct db_column_type db_type_number = {
	.sql = TYPE_INTEGER,
	.value = field_load,
	.set = number_set,
};

static void flag_set(const struct db_column *c, void *rec, int64_t v)
{
	field_store(c, rec, v != 0);
}

const struct db_column_type db_type_flag = {
	.sql = TYPE_INTEGER,
	.value = field_load,
	.set = flag_set,
};

static int64_t number_capped(const struct db_column *c, const void *rec)
{
	int64_t v = field_load(c, rec);

	return v < 0 ? INT64_MAX : v;
}

static void count_set(const struct db_column *c, void *rec, int64_t v)
{
	field_store(c, rec, v < 0 ? 0 : v);
}

const struct db_column_type db_type_count = {
	.sql = TYPE_INTEGER,
	.value = number_capped,
	.set = count_set,
};

const struct db_column_type db_type_whole = {
	.sql = TYPE_INTEGER,
	.value = field_load,
	.set = field_store,
};

static int64_t line_value(const struct db_column *c, const void *rec)
{
	return (int64_t)((uint64_t)field_load(c, rec) << FAULT_MAP_LINE_SHIFT);
}

static void line_set(const struct db_column *c, void *rec, int64_t v)
{
	field_store(c, rec, (int64_t)((uint64_t)v >> FAULT_MAP_LINE_SHIFT));
}

const struct db_column_type db_type_line = {
	.sql = TYPE_INTEGER,
	.value = line_value,
	.set = line_set,
};

static void dimm_set(const struct db_column *c, void *rec, int64_t v)
{
	field_store(c, rec, v < 0 || v >= MAX_DIMMS ? DIMM_OTHER : v);
}

const struct db_column_type db_type_dimm = {
	.sql = TYPE_INTEGER,
	.value = field_load,
	.set = dimm_set,
};

/*
 * Times.
 */

static void time_move(const struct db_column *c, void *rec, const struct db_shift *shift)
{
	int64_t t = field_load(c, rec);

	if (t != INT64_MIN)
		field_store(c, rec, usec_add(usec(t), shift->by).us);
}

const struct db_column_type db_type_time = {
	.sql = TYPE_INTEGER,
	.value = field_load,
	.set = field_store,
	.move = time_move,
};

static void deadline_move(const struct db_column *c, void *rec,
			  const struct db_shift *shift)
{
	if (field_load(c, rec) == USEC_NEVER)
		return;
	time_move(c, rec, shift);
	if (field_load(c, rec) > shift->now.us)
		field_store(c, rec, shift->now.us);
}

const struct db_column_type db_type_deadline = {
	.sql = TYPE_INTEGER,
	.value = field_load,
	.set = field_store,
	.move = deadline_move,
};

/*
 * What may be NULL.
 */

static void optional_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	if (((const uint8_t *)rec)[c->presence] & c->bit)
		db_bind_int(b, field_load(c, rec));
	else
		db_bind_null(b);
}

static void optional_read(struct db_row *row, const struct db_column *c, void *rec)
{
	uint8_t *presence = (uint8_t *)rec + c->presence;

	if (sqlite3_column_type(row->s, row->i) == SQLITE_NULL)
		*presence &= (uint8_t)~c->bit;
	else
		*presence |= c->bit;
	/* Of an address all 64 bits count. */
	if (c->size == 8)
		field_store(c, rec, db_col_int(row));
	else
		number_set(c, rec, db_col_int(row));
}

const struct db_column_type db_type_optional = {
	.sql = "INTEGER",
	.bind = optional_bind,
	.read = optional_read,
};

static void frame_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	int64_t v = field_load(c, rec);

	if (v != 0)
		db_bind_int(b, v);
	else
		db_bind_null(b);
}

static void frame_read(struct db_row *row, const struct db_column *c, void *rec)
{
	field_store(c, rec, db_col_int(row));
}

const struct db_column_type db_type_frame = {
	.sql = "INTEGER",
	.bind = frame_bind,
	.read = frame_read,
};

/*
 * Keys.
 */

static void key_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	db_bind_int(b, b->keys.key[c->index]);
}

static void key_read(struct db_row *row, const struct db_column *c, void *rec)
{
	row->keys.key[c->index] = db_col_int(row);
}

const struct db_column_type db_type_key = {
	.sql = TYPE_INTEGER,
	.bind = key_bind,
	.read = key_read,
};

static void auto_key_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	if (b->keys.key[c->index] != 0)
		key_bind(b, c, rec);
	else
		db_bind_null(b);
}

const struct db_column_type db_type_auto_key = {
	.sql = TYPE_INTEGER,
	.bind = auto_key_bind,
	.read = key_read,
};

static void boot_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	db_bind_int(b, b->keys.boot);
}

static void boot_read(struct db_row *row, const struct db_column *c, void *rec)
{
	row->keys.boot = db_col_int(row);
}

const struct db_column_type db_type_boot = {
	.sql = "INTEGER NOT NULL REFERENCES boot(id)",
	.bind = boot_bind,
	.read = boot_read,
};

const struct db_column_type db_type_boot_loose = {
	.sql = TYPE_INTEGER,
	.bind = boot_bind,
	.read = boot_read,
};

/*
 * Texts and words.
 */

static void text_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	db_bind_text(b, field_of(c, rec));
}

static void text_read(struct db_row *row, const struct db_column *c, void *rec)
{
	db_col_copy(row, (char *)rec + c->offset, c->size);
}

const struct db_column_type db_type_text = {
	.sql = "TEXT NOT NULL",
	.bind = text_bind,
	.read = text_read,
};

static void word_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	db_bind_text(b, c->type->word((unsigned int)field_load(c, rec)));
}

static void word_read(struct db_row *row, const struct db_column *c, void *rec)
{
	field_store(c, rec, c->type->parse(db_col_text(row)));
}

/* @fallback stands for a word that is not known. */
#define DEFINE_WORD(name, fallback)                                                      \
	static const char *name##_word(unsigned int value)                               \
	{                                                                                \
		return name##_to_string((enum name)value);                               \
	}                                                                                \
                                                                                         \
	static unsigned int name##_parse(const char *word)                               \
	{                                                                                \
		enum name value = fallback;                                              \
                                                                                         \
		(void)name##_from_string(word, &value);                                  \
		return value;                                                            \
	}                                                                                \
                                                                                         \
	const struct db_column_type db_type_##name = {                                   \
		.sql = "TEXT NOT NULL",                                                  \
		.bind = word_bind,                                                       \
		.read = word_read,                                                       \
		.word = name##_word,                                                     \
		.parse = name##_parse,                                                   \
	}

DEFINE_WORD(page_state, PAGE_WATCHED);
DEFINE_WORD(reason, REASON_NONE);
DEFINE_WORD(result, RESULT_NONE);
DEFINE_WORD(action, ACTION_OBSERVE);
DEFINE_WORD(frame_kind, FRAME_UNKNOWN);
DEFINE_WORD(poison_cause, POISON_OTHER);
DEFINE_WORD(fault_class, FAULT_NONE);

static void outcome_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	enum soft_outcome outcome = (enum soft_outcome)field_load(c, rec);

	if (outcome == SOFT_UNKNOWN)
		db_bind_null(b);
	else
		db_bind_text(b, soft_outcome_to_string(outcome));
}

static void outcome_read(struct db_row *row, const struct db_column *c, void *rec)
{
	const char *word = db_col_text(row);

	field_store(c, rec, soft_outcome_from_word(word, strlen(word)));
}

const struct db_column_type db_type_outcome = {
	.sql = "TEXT",
	.bind = outcome_bind,
	.read = outcome_read,
};

/*
 * The stamps of a page.
 */

static void stamps_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	const struct page_rec *page = rec;

	db_bind_rc(b, sqlite3_bind_blob(b->s, ++b->i, page->stamps,
					(int)(page->n_stamps * sizeof(*page->stamps)),
					SQLITE_STATIC));
}

static void stamps_read(struct db_row *row, const struct db_column *c, void *rec)
{
	struct page_rec *page = rec;
	const uint8_t *blob = sqlite3_column_blob(row->s, row->i);
	size_t n = (size_t)sqlite3_column_bytes(row->s, row->i) / sizeof(int64_t);
	uint64_t v;

	row->i++;
	if (n > UINT16_MAX) {
		blob += (n - UINT16_MAX) * sizeof(v);
		n = UINT16_MAX;
	}
	page->n_stamps = (uint16_t)n;
	for (size_t i = 0; i < n; i++) {
		int64_t t;

		memcpy(&v, blob + i * sizeof(v), sizeof(v));
		t = (int64_t)le64toh(v);
		/* The tracker needs them in ascending order. */
		page->stamps[i] = i && t < page->stamps[i - 1] ? page->stamps[i - 1] : t;
	}
}

static void stamps_move(const struct db_column *c, void *rec,
			const struct db_shift *shift)
{
	struct page_rec *page = rec;

	for (size_t i = 0; i < page->n_stamps; i++)
		if (page->stamps[i] != INT64_MIN)
			page->stamps[i] = usec_add(usec(page->stamps[i]), shift->by).us;
}

const struct db_column_type db_type_stamps = {
	.sql = "BLOB NOT NULL",
	.bind = stamps_bind,
	.read = stamps_read,
	.move = stamps_move,
};

static void last_stamp_bind(struct db_bind *b, const struct db_column *c, const void *rec)
{
	const struct page_rec *page = rec;
	size_t n = page->n_stamps;

	db_bind_int(b, n > 0 ? (int64_t)le64toh((uint64_t)page->stamps[n - 1])
			     : page->first_seen);
}

static void last_stamp_read(struct db_row *row, const struct db_column *c, void *rec)
{
	row->i++; /* the stamps say it */
}

const struct db_column_type db_type_last_stamp = {
	.sql = TYPE_INTEGER,
	.bind = last_stamp_bind,
	.read = last_stamp_read,
};

/*
 * Rows.
 */

void db_bind_columns(struct db_bind *b, const struct db_table *t, const void *rec)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct db_column *c = &t->columns[i];

		if (c->type->value)
			db_bind_int(b, c->type->value(c, rec));
		else
			c->type->bind(b, c, rec);
	}
}

void db_read_columns(struct db_row *row, const struct db_table *t, void *rec)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct db_column *c = &t->columns[i];

		if (c->type->set)
			c->type->set(c, rec, db_col_int(row));
		else
			c->type->read(row, c, rec);
	}
}

void db_move_times(const struct db_table *t, void *rec, const struct db_shift *shift)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].type->move)
			t->columns[i].type->move(&t->columns[i], rec, shift);
}

/*
 * SQL.
 */

struct text {
	char *to;
	size_t size;
	size_t len; /* more than @size: it did not fit */
};

static _printf_(2, 3) void text_add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->len < t->size ? t->to + t->len : NULL,
		      t->len < t->size ? t->size - t->len : 0, format, ap);
	va_end(ap);
	t->len += n > 0 ? (size_t)n : 0;
}

static void add_names(struct text *text, const struct db_table *t, unsigned int rows)
{
	for (size_t i = 0; i < t->n; i++)
		text_add(text, "%s%s", i ? ", " : "", t->columns[i].name);
}

static void add_values(struct text *text, const struct db_table *t, unsigned int rows)
{
	for (unsigned int row = 0; row < rows; row++) {
		for (size_t i = 0; i < t->n; i++)
			text_add(text, "%s?", i ? ", " : row ? ", (" : "(");
		text_add(text, ")");
	}
}

static void add_updates(struct text *text, const struct db_table *t, unsigned int rows)
{
	const char *between = "";

	for (size_t i = 0; i < t->n; i++) {
		const struct db_column *c = &t->columns[i];

		if (c->flags & (DB_COLUMN_KEY | DB_COLUMN_FIXED))
			continue;
		text_add(text, "%s%s = excluded.%s", between, c->name, c->name);
		between = ", ";
	}
}

static void add_selected(struct text *text, const struct db_table *t, unsigned int rows)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct db_column *c = &t->columns[i];

		text_add(text, "%s", i ? ", " : "");
		if (c->expression)
			text_add(text, "%s AS %s", c->expression, c->name);
		else
			text_add(text, "%s.%s", t->name, c->name);
	}
}

static const struct {
	const char *mark;
	void (*add)(struct text *text, const struct db_table *t, unsigned int rows);
} marks[] = {
	{ "{names}", add_names },
	{ "{values}", add_values },
	{ "{updates}", add_updates },
	{ "{read}", add_selected },
};

int db_render(const struct db_table *t, const char *sql, unsigned int rows, char *ret,
	      size_t size)
{
	struct text text = { ret, size, 0 };

	while (*sql) {
		size_t n = strcspn(sql, "{");

		text_add(&text, "%.*s", (int)n, sql);
		sql += n;
		n = 0;
		for (size_t i = 0; n == 0 && i < ARRAY_SIZE(marks); i++)
			if (strncmp(sql, marks[i].mark, strlen(marks[i].mark)) == 0) {
				marks[i].add(&text, t, rows);
				n = strlen(marks[i].mark);
			}
		sql += n;
		if (n == 0 && *sql)
			return -EINVAL;
	}
	return text.len < size ? 0 : -E2BIG;
}

int db_render_create(const struct db_table *t, char *ret, size_t size)
{
	struct text text = { ret, size, 0 };
	unsigned int keys = 0;

	text_add(&text, "CREATE TABLE %s (", t->name);
	if (t->create)
		text_add(&text, "%s", t->create);
	for (size_t i = 0; i < t->n; i++)
		keys += (t->columns[i].flags & DB_COLUMN_KEY) != 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct db_column *c = &t->columns[i];
		bool alone = keys == 1 && c->flags & DB_COLUMN_KEY;

		text_add(&text, "%s%s %s", i ? ", " : "", c->name,
			 alone ? "INTEGER PRIMARY KEY" : c->type->sql);
	}
	for (size_t i = 0, n = 0; keys > 1 && i < t->n; i++)
		if (t->columns[i].flags & DB_COLUMN_KEY)
			text_add(&text, "%s%s", n++ ? ", " : ", PRIMARY KEY (",
				 t->columns[i].name);
	text_add(&text, "%s) STRICT%s;", keys > 1 ? ")" : "",
		 t->has_rowid ? "" : ", WITHOUT ROWID");
	return text.len < size ? 0 : -E2BIG;
}
