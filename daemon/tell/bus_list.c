/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The answer to a call for a list, made in many short turns: collect rows, sort them,
 * append them to the reply. What a row shows, and to whom, is decided elsewhere.
 */

#include <errno.h>
#include <string.h>

#include "tell/bus_encode.h"
#include "tell/bus_internal.h"

#define APPENDED_A_TURN 128 /* rows: about a millisecond */
#define FIRST_ROWS      64

void bus_list_done(struct list *list)
{
	sd_bus_message_unref(list->reply);
	free(list->rows);
}

static void *list_row(const struct call *c, uint32_t i)
{
	return c->list.rows + i * c->method->list->size;
}

static int list_make_room(struct list *list, size_t size)
{
	uint32_t wanted = list->allocated ? 2 * list->allocated : FIRST_ROWS;
	char *rows;

	if (list->n < list->allocated)
		return 0;
	rows = realloc(list->rows, wanted * size);
	if (!rows)
		return -ENOMEM;
	list->rows = rows;
	list->allocated = wanted;
	return 0;
}

static int list_keep_row(void *userdata, const void *report)
{
	struct call *c = userdata;
	size_t size = c->method->list->size;
	int r;

	if (c->list.n == BUS_MAX_ROWS)
		return -E2BIG;
	r = list_make_room(&c->list, size);
	if (r < 0)
		return r;
	memcpy(list_row(c, c->list.n), report, size);
	c->list.n++;
	return 0;
}

static uint32_t list_most_rows(const struct call *c)
{
	uint32_t most = c->uid == 0 ? BUS_MAX_ROWS : BUS_OTHERS_ROWS;

	return c->filter.limit > 0 && c->filter.limit < most ? c->filter.limit : most;
}

/* Once, when all rows are collected. */
static void list_sort(struct call *c)
{
	const struct list_kind *kind = c->method->list;

	if (kind->compare && c->list.n > 0)
		qsort(c->list.rows, c->list.n, kind->size, kind->compare);
}

static int list_collect(struct call *c)
{
	struct report_filter part = c->filter;
	struct list *list = &c->list;
	uint32_t most = list_most_rows(c);
	uint64_t cursor = 0;
	int r;

	part.fresh = c->uid == 0 && c->turns == 0;
	if (c->turns > 0)
		part.cursor = list->cursor;
	part.limit = most - list->n;
	r = c->method->list->collect(c->bus, &part, list_keep_row, c, &cursor);
	if (r < 0)
		return r;
	list->cursor = cursor;
	c->turns++;
	list->collected = cursor == 0 || list->n >= most ||
			  (c->uid != 0 && c->turns >= BUS_OTHERS_PARTS);
	if (list->collected)
		list_sort(c);
	return CALL_GOES_ON;
}

static int list_begin_reply(struct call *c)
{
	struct list *list = &c->list;
	int r = sd_bus_message_new_method_return(c->m, &list->reply);

	if (r < 0)
		return r;
	return sd_bus_message_open_container(list->reply, SD_BUS_TYPE_ARRAY, "a{sv}");
}

static int list_append_row(struct call *c, void *report)
{
	size_t n;
	const struct report_field *fields = c->method->list->fields(&n);

	if (c->uid != 0)
		report_redact(report, fields, n);
	report_clean(report, fields, n);
	return bus_append_report(c->list.reply, report, fields, n);
}

static int list_append_rows(struct call *c)
{
	struct list *list = &c->list;
	uint32_t end = list->n;
	int r = list->reply ? 0 : list_begin_reply(c);

	if (end - list->appended > APPENDED_A_TURN)
		end = list->appended + APPENDED_A_TURN;
	while (r >= 0 && list->appended < end) {
		r = list_append_row(c, list_row(c, list->appended));
		list->appended++;
	}
	return r;
}

static int list_send_reply(struct call *c)
{
	struct list *list = &c->list;
	int r = sd_bus_message_close_container(list->reply);

	if (r >= 0 && c->method->list->has_cursor)
		r = sd_bus_message_append(list->reply, "t", list->cursor);
	return r < 0 ? r : sd_bus_send(NULL, list->reply, NULL);
}

int bus_list_turn(struct call *c, sd_bus_error *error)
{
	struct list *list = &c->list;
	int r;

	/* The number of rows would show an ordinary user whether the page had errors. */
	if (c->filter.has_address && c->uid != 0)
		return bus_deny(error, "Asking about one address");
	if (!list->collected) {
		r = list_collect(c);
		return r < 0 ? bus_fail(error, r, "") : r;
	}
	r = list_append_rows(c);
	if (r >= 0 && list->appended < list->n)
		return CALL_GOES_ON;
	if (r >= 0)
		r = list_send_reply(c);
	return r < 0 ? r : 0;
}
