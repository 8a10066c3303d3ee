/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reports and filters as D-Bus dictionaries, by their field tables. This file knows no
 * connection, no method and no caller.
 */

#include "tell/bus_encode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define MAX_FILTER_ENTRIES 16 /* there are six keys; a hostile message may be huge */

static int append_value(sd_bus_message *m, const void *at, enum field_type type)
{
	uint64_t count;
	int64_t number;

	switch (type) {
	case FIELD_STRING:
		return sd_bus_message_append(m, "v", "s", (const char *)at);
	case FIELD_BOOL:
		return sd_bus_message_append(m, "v", "b", *(const int8_t *)at != 0);
	case FIELD_U64:
	case FIELD_ADDRESS:
		memcpy(&count, at, sizeof(count));
		return sd_bus_message_append(m, "v", "t", count);
	case FIELD_I64:
	case FIELD_TIME:
		memcpy(&number, at, sizeof(number));
		return sd_bus_message_append(m, "v", "x", number);
	}
	return -EINVAL;
}

static int append_field(sd_bus_message *m, const void *report,
			const struct report_field *field)
{
	int r;

	r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
	if (r < 0)
		return r;
	r = sd_bus_message_append_basic(m, SD_BUS_TYPE_STRING, field->key);
	if (r < 0)
		return r;
	r = append_value(m, (const char *)report + field->offset, field->type);
	if (r < 0)
		return r;
	return sd_bus_message_close_container(m);
}

int bus_append_report(sd_bus_message *m, const void *report,
		      const struct report_field *fields, size_t n)
{
	int r;

	r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (report_is_unknown(report, &fields[i]))
			continue;
		r = append_field(m, report, &fields[i]);
		if (r < 0)
			return r;
	}
	return sd_bus_message_close_container(m);
}

static const char *type_signature(enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return "s";
	case FIELD_BOOL:
		return "b";
	case FIELD_U64:
	case FIELD_ADDRESS:
		return "t";
	case FIELD_I64:
	case FIELD_TIME:
		return "x";
	}
	return "";
}

static int read_value(sd_bus_message *m, void *report, const struct report_field *field)
{
	void *at = (char *)report + field->offset;
	union {
		const char *s;
		int b;
		uint64_t t;
		int64_t x;
	} value = { 0 };
	int r;

	r = sd_bus_message_read(m, "v", type_signature(field->type), &value);
	if (r < 0)
		return r;
	switch (field->type) {
	case FIELD_STRING:
		snprintf(at, field->size, "%s", value.s);
		break;
	case FIELD_BOOL:
		*(int8_t *)at = value.b != 0;
		break;
	case FIELD_U64:
	case FIELD_ADDRESS:
		memcpy(at, &value.t, sizeof(value.t));
		break;
	case FIELD_I64:
	case FIELD_TIME:
		memcpy(at, &value.x, sizeof(value.x));
		break;
	}
	return 0;
}

/* The signature of the next variant, which the caller enters or skips. */
static int peek_variant(sd_bus_message *m, const char **ret)
{
	char type;
	int r;

	r = sd_bus_message_peek_type(m, &type, ret);
	if (r < 0)
		return r;
	return r > 0 && type == SD_BUS_TYPE_VARIANT ? 0 : -EBADMSG;
}

/* Enters the next dictionary entry and reads its key: 1, 0 at the end, negative errno. */
static int next_entry(sd_bus_message *m, const char **ret_key, const char **ret_type)
{
	int r;

	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
	if (r <= 0)
		return r;
	r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, ret_key);
	if (r < 0)
		return r;
	r = peek_variant(m, ret_type);
	return r < 0 ? r : 1;
}

int bus_read_report(sd_bus_message *m, void *report, const struct report_field *fields,
		    size_t n)
{
	const char *key, *type;
	int r;

	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
	if (r <= 0)
		return r;
	report_clear(report, fields, n);
	while ((r = next_entry(m, &key, &type)) > 0) {
		const struct report_field *field = report_find(fields, n, key);

		if (field && strcmp(type, type_signature(field->type)) == 0)
			r = read_value(m, report, field);
		else
			r = sd_bus_message_skip(m, "v");
		if (r < 0)
			return r;
		r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

struct report_filter report_filter_all(void)
{
	return (struct report_filter){ .since = INT64_MIN, .until = INT64_MAX };
}

static int append_entries(sd_bus_message *m, const struct report_filter *f)
{
	int r = 0;

	if (f->state)
		r = sd_bus_message_append(m, "{sv}", "state", "s", f->state);
	if (r >= 0 && f->has_address)
		r = sd_bus_message_append(m, "{sv}", "address", "t", f->address);
	if (r >= 0 && f->cursor > 0)
		r = sd_bus_message_append(m, "{sv}", "cursor", "t", f->cursor);
	if (r >= 0 && f->since != INT64_MIN)
		r = sd_bus_message_append(m, "{sv}", "since", "x", f->since);
	if (r >= 0 && f->until != INT64_MAX)
		r = sd_bus_message_append(m, "{sv}", "until", "x", f->until);
	if (r >= 0 && f->limit > 0)
		r = sd_bus_message_append(m, "{sv}", "limit", "u", f->limit);
	return r;
}

int bus_append_filter(sd_bus_message *m, const struct report_filter *f)
{
	int r;

	r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
	if (r < 0)
		return r;
	r = append_entries(m, f);
	if (r < 0)
		return r;
	return sd_bus_message_close_container(m);
}

/* The member of @f for @key, and its signature; NULL: no such key. */
static void *filter_member(struct report_filter *f, const char *key,
			   const char **ret_type)
{
	const struct {
		const char *key;
		const char *type;
		void *member;
	} members[] = {
		{ "state", "s", &f->state },   { "address", "t", &f->address },
		{ "cursor", "t", &f->cursor }, { "since", "x", &f->since },
		{ "until", "x", &f->until },   { "limit", "u", &f->limit },
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strcmp(members[i].key, key) == 0) {
			*ret_type = members[i].type;
			return members[i].member;
		}
	return NULL;
}

static int read_filter_entry(sd_bus_message *m, struct report_filter *f, const char *key,
			     const char *type)
{
	const char *wanted;
	void *member = filter_member(f, key, &wanted);
	enum page_state state;
	int r;

	if (!member || strcmp(type, wanted) != 0)
		return -EINVAL;
	r = sd_bus_message_read(m, "v", wanted, member);
	if (r < 0)
		return r;
	if (strcmp(key, "address") == 0)
		f->has_address = true;
	if (strcmp(key, "state") == 0 && page_state_from_string(f->state, &state) < 0)
		return -EINVAL;
	return sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 0;
}

int bus_read_filter(sd_bus_message *m, struct report_filter *ret,
		    char ret_key[REPORT_WORD_MAX])
{
	struct report_filter f = report_filter_all();
	unsigned int entries = 0;
	const char *key, *type;
	int r;

	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	while ((r = next_entry(m, &key, &type)) > 0) {
		r = ++entries > MAX_FILTER_ENTRIES ? -EINVAL
						   : read_filter_entry(m, &f, key, type);
		if (r == -EINVAL)
			snprintf(ret_key, REPORT_WORD_MAX, "%s", key);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}
