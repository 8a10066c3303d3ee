/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A stored struct as a list of columns. Each column stands in one place: its name, its
 * type and its field; CREATE, INSERT, UPSERT, SELECT, binding and reading are made from
 * the list. A type is a pair of functions, one to the file and one from it. The lists
 * themselves stand in db_schema.c.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/units.h"

/** What belongs to a row and has no field in its struct. */
struct db_keys {
	int64_t boot; /* row of table boot */
	int64_t key[2];
};

/** Parameters of a statement, bound one after the other. */
struct db_bind {
	sqlite3_stmt *s;
	int i;  /* last bound */
	int rc; /* first failure */
	struct db_keys keys;
};

/** Columns of a row, read one after the other. */
struct db_row {
	sqlite3_stmt *s;
	int i; /* next to be read */
	struct db_keys keys;
};

/** How far times are moved. No deadline is later than @now after that. */
struct db_shift {
	usec_t by;
	usec_t now;
};

struct db_column;

struct db_column_type {
	const char *sql; /* type and constraint, for CREATE TABLE */
	/* Of types that are a number: the field's value, and the reverse. A value from
	 * the file is held within what the field can mean. */
	int64_t (*value)(const struct db_column *c, const void *rec);
	void (*set)(const struct db_column *c, void *rec, int64_t value);
	/* Of all others. */
	void (*bind)(struct db_bind *b, const struct db_column *c, const void *rec);
	void (*read)(struct db_row *row, const struct db_column *c, void *rec);
	/* NULL: the column holds no time. */
	void (*move)(const struct db_column *c, void *rec, const struct db_shift *shift);
	/* Of types that are a word. */
	const char *(*word)(unsigned int value);
	unsigned int (*parse)(const char *word);
};

enum db_column_flag {
	DB_COLUMN_KEY = 1 << 0,   /* of the primary key */
	DB_COLUMN_FIXED = 1 << 1, /* an upsert leaves it as it is */
	DB_COLUMN_SPENT = 1 << 2, /* of the totals: db_put_spent() writes it */
};

struct db_column {
	const char *name;
	const struct db_column_type *type;
	size_t offset; /* of the field */
	size_t size;
	unsigned int index; /* of a key, in struct db_keys */
	unsigned int flags; /* enum db_column_flag, or-ed */
	/* Of a number that does not use all of its field. */
	int64_t low, high;
	/* Of a field that may be absent: where a byte says so, by which bit. */
	size_t presence;
	uint8_t bit;
	/* Of a bit field, which has no offset. */
	uint64_t (*get)(const void *rec);
	void (*put)(void *rec, uint64_t value);
	/* What is selected, if it is not the column of that name. */
	const char *expression;
};

struct db_table {
	const char *name;
	const struct db_column *columns;
	size_t n;
	const char *create; /* of a table without a struct: what CREATE TABLE says */
	bool has_rowid;
	bool is_long; /* as long as the machine errs: a start does not wait for its check */
};

/* Numbers. */
extern const struct db_column_type db_type_number;   /* any field, within low and high */
extern const struct db_column_type db_type_flag;     /* bool */
extern const struct db_column_type db_type_count;    /* uint64_t; ends at 2^63 - 1 */
extern const struct db_column_type db_type_whole;    /* 64 bits; may be negative there */
extern const struct db_column_type db_type_line;     /* cache line, stored as address */
extern const struct db_column_type db_type_dimm;     /* index of a DIMM */
extern const struct db_column_type db_type_time;     /* usec_t.us; INT64_MIN: never */
extern const struct db_column_type db_type_deadline; /* usec_t.us; USEC_NEVER: none */
/* Numbers that may be NULL. */
extern const struct db_column_type db_type_optional; /* absent if its bit is not set */
extern const struct db_column_type db_type_frame;    /* uint64_t, 0: not known */
/* Keys: they have no field. */
extern const struct db_column_type db_type_key;
extern const struct db_column_type db_type_auto_key; /* 0: SQLite gives the next one */
extern const struct db_column_type db_type_boot;
extern const struct db_column_type db_type_boot_loose; /* of a boot that may be gone */
/* Texts and words. */
extern const struct db_column_type db_type_text; /* char[] */
extern const struct db_column_type db_type_page_state;
extern const struct db_column_type db_type_reason;
extern const struct db_column_type db_type_result;
extern const struct db_column_type db_type_action;
extern const struct db_column_type db_type_frame_kind;
extern const struct db_column_type db_type_poison_cause;
extern const struct db_column_type db_type_fault_class;
extern const struct db_column_type db_type_outcome; /* NULL: the kernel named none */
/* The stamps of a struct page_rec, little-endian there and in the file, and the last. */
extern const struct db_column_type db_type_stamps;
extern const struct db_column_type db_type_last_stamp;

/**
 * Writes @sql to @ret with, in place of {names}: the columns of @t; {values}: @rows times
 * their parameters in brackets; {updates}: what an upsert sets; {read}: what is selected.
 * Returns 0; -E2BIG; -EINVAL for another word in braces.
 */
int db_render(const struct db_table *t, const char *sql, unsigned int rows, char *ret,
	      size_t size);

/** Writes the text that makes @t. Returns 0 or -E2BIG. */
int db_render_create(const struct db_table *t, char *ret, size_t size);

/** Binds the columns of @t with the fields of @rec and the keys in @b. */
void db_bind_columns(struct db_bind *b, const struct db_table *t, const void *rec);

/** Reads the columns of @t into @rec and the keys in @row. */
void db_read_columns(struct db_row *row, const struct db_table *t, void *rec);

/** Moves all times in @rec. */
void db_move_times(const struct db_table *t, void *rec, const struct db_shift *shift);

static inline void db_bind_rc(struct db_bind *b, int rc)
{
	if (b->rc == SQLITE_OK)
		b->rc = rc;
}

static inline void db_bind_int(struct db_bind *b, int64_t v)
{
	db_bind_rc(b, sqlite3_bind_int64(b->s, ++b->i, v));
}

/** All 64 bits of an address or a frame. */
static inline void db_bind_bits(struct db_bind *b, uint64_t v)
{
	db_bind_int(b, (int64_t)v);
}

static inline void db_bind_null(struct db_bind *b)
{
	db_bind_rc(b, sqlite3_bind_null(b->s, ++b->i));
}

/** Text that outlives the statement's run. */
static inline void db_bind_text(struct db_bind *b, const char *v)
{
	db_bind_rc(b, sqlite3_bind_text(b->s, ++b->i, v, -1, SQLITE_STATIC));
}

static inline int64_t db_col_int(struct db_row *r)
{
	return sqlite3_column_int64(r->s, r->i++);
}

/** Never NULL; valid until the next step. */
static inline const char *db_col_text(struct db_row *r)
{
	const unsigned char *text = sqlite3_column_text(r->s, r->i++);

	return text ? (const char *)text : "";
}

/** Copies at most @size - 1 bytes and terminates. */
static inline void db_col_copy(struct db_row *r, char *ret, size_t size)
{
	snprintf(ret, size, "%s", db_col_text(r));
}
