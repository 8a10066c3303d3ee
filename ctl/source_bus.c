/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reports from the running daemon, over D-Bus. It prints nothing and judges nothing. The
 * tables that encode the answers also decode them.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "db.h"
#include "host/page_shift.h"
#include "source.h"
#include "tell/bus_encode.h"

/* An attempt can take the kernel seconds, and other attempts may be first. */
#define OFFLINE_TIMEOUT_USEC (10 * USEC_PER_MINUTE)

DEFINE_CLEANUP(sd_bus *, sd_bus_flush_close_unref)
DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)
DEFINE_CLEANUP(sd_bus_creds *, sd_bus_creds_unref)

struct source *source_free(struct source *s)
{
	if (!s)
		return NULL;
	sd_bus_flush_close_unref(s->bus);
	db_close(s->db);
	free(s);
	return NULL;
}

/*
 * The words for a refusal: the daemon's own if it was asked. The bus refuses most such
 * calls before the daemon sees them; the words of the bus are of no use to an operator.
 */
static const char *refusal(const sd_bus_error *error)
{
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) &&
	    !(error->message && strstr(error->message, "for root only")))
		return "this is for root only";
	return error->message;
}

/* Sends @call and waits; on failure the daemon's words go to s->why. */
static int send_call(struct source *s, sd_bus_message *call, uint64_t timeout_usec,
		     sd_bus_message **ret)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = sd_bus_call(s->bus, call, timeout_usec, &error, ret);
	if (r < 0) {
		snprintf(s->why, sizeof(s->why), "%s",
			 error.message ? refusal(&error) : strerror(-r));
		if (sd_bus_error_has_name(&error, BUS_ERROR_CONFIG))
			r = -EINVAL;
		sd_bus_error_free(&error);
	}
	return r < 0 ? r : 0;
}

static int new_call(struct source *s, const char *method, sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(s->bus, ret, BUS_NAME, BUS_PATH,
					      BUS_INTERFACE, method);
}

static int garbled(struct source *s, int r)
{
	if (r < 0)
		snprintf(s->why, sizeof(s->why), "cannot understand the answer: %s",
			 strerror(-r));
	return r;
}

/* How to read the rows of a list. */
struct reader {
	const struct report_field *fields;
	size_t n_fields;
	report_fn fn;
	void *userdata;
};

/* Gives each row of an aa{sv} to the reader. */
static int read_rows(sd_bus_message *m, const struct reader *reader)
{
	union {
		struct page_report page;
		struct history_report history;
		struct ce_report ce;
		struct dimm_report dimm;
		struct node_report node;
	} row;
	int r;

	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "a{sv}");
	if (r < 0)
		return r;
	while ((r = bus_read_report(m, &row, reader->fields, reader->n_fields)) > 0) {
		report_clean(&row, reader->fields, reader->n_fields);
		r = reader->fn(reader->userdata, &row);
		if (r != 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int call_list(struct source *s, const char *method, const struct report_filter *f,
		     sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *call = NULL;
	int r;

	r = new_call(s, method, &call);
	if (r >= 0 && f)
		r = bus_append_filter(call, f);
	if (r < 0)
		return garbled(s, r);
	return send_call(s, call, 0, ret);
}

static int bus_status(struct source *s, struct status_report *ret)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	const struct report_field *fields;
	size_t n;
	int r;

	r = call_list(s, "GetStatus", NULL, &reply);
	if (r < 0)
		return r;
	fields = status_report_fields(&n);
	r = bus_read_report(reply, ret, fields, n);
	if (r <= 0)
		return garbled(s, r < 0 ? r : -EBADMSG);
	report_clean(ret, fields, n);
	return 0;
}

/* A page that moves in the table while the list is read may come twice or not at all. */
static int bus_pages(struct source *s, const struct report_filter *f, report_fn fn,
		     void *userdata)
{
	struct reader reader = { .fn = fn, .userdata = userdata };
	struct report_filter part = *f;
	int r;

	reader.fields = page_report_fields(&reader.n_fields);
	do {
		_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
		uint64_t last = part.cursor;

		r = call_list(s, "ListPages", &part, &reply);
		if (r < 0)
			return r;
		r = read_rows(reply, &reader);
		if (r >= 0)
			r = sd_bus_message_read(reply, "t", &part.cursor);
		if (r >= 0 && part.cursor && part.cursor <= last)
			r = -EBADMSG; /* it would never end */
		if (r < 0)
			return garbled(s, r);
	} while (part.cursor > 0);
	return 0;
}

static int bus_list(struct source *s, const char *method, const struct reader *reader)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	int r;

	r = call_list(s, method, NULL, &reply);
	if (r < 0)
		return r;
	r = read_rows(reply, reader);
	return r < 0 ? garbled(s, r) : r;
}

/* Answers of one list, the newest first; each has its rows the oldest first. */
struct parts {
	sd_bus_message **v;
	size_t n;
	uint64_t rows;
};

static void parts_done(struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		sd_bus_message_unref(parts->v[i]);
	free(parts->v);
}

/* Takes @reply over; its rows are counted now and read later. */
static int keep_part(struct parts *parts, sd_bus_message *reply, uint64_t *ret_cursor)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *m = reply;
	sd_bus_message **v = reallocarray(parts->v, parts->n + 1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	parts->v = v;
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "a{sv}");
	while (r >= 0 && (r = sd_bus_message_skip(m, "a{sv}")) > 0)
		parts->rows++;
	if (r == -ENXIO) /* the end of the array */
		r = 0;
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	*ret_cursor = 0;
	/* A daemon of an earlier version answers once, and with no cursor. */
	if (r >= 0 && sd_bus_message_at_end(m, true) == 0)
		r = sd_bus_message_read(m, "t", ret_cursor);
	if (r >= 0)
		r = sd_bus_message_rewind(m, true);
	if (r < 0)
		return r;
	parts->v[parts->n++] = TAKE_PTR(m);
	return 0;
}

/* Reads from the newest rows back, until there are enough or no more. */
static int fetch_parts(struct source *s, const char *method,
		       const struct report_filter *f, struct parts *parts)
{
	struct report_filter part = *f;
	int r;

	do {
		uint64_t last = part.cursor;
		sd_bus_message *reply;

		if (f->limit)
			part.limit = f->limit - (uint32_t)parts->rows;
		r = call_list(s, method, &part, &reply);
		if (r < 0)
			return r;
		r = keep_part(parts, reply, &part.cursor);
		if (r >= 0 && part.cursor && last && part.cursor >= last)
			r = -EBADMSG; /* it would never end */
		if (r < 0)
			return garbled(s, r);
	} while (part.cursor > 0 && (f->limit == 0 || parts->rows < f->limit));
	return 0;
}

static int bus_log(struct source *s, const char *method, const struct report_filter *f,
		   const struct reader *reader)
{
	_cleanup_(parts_done) struct parts parts = { .n = 0 };
	int r = fetch_parts(s, method, f, &parts);

	for (size_t i = parts.n; r >= 0 && i-- > 0;) {
		r = read_rows(parts.v[i], reader);
		if (r < 0)
			return garbled(s, r);
		if (r > 0)
			return r;
	}
	return r;
}

static int bus_history(struct source *s, const struct report_filter *f, report_fn fn,
		       void *userdata)
{
	struct reader reader = { .fn = fn, .userdata = userdata };

	reader.fields = history_report_fields(&reader.n_fields);
	return bus_log(s, "ListHistory", f, &reader);
}

static int bus_errors(struct source *s, const struct report_filter *f, report_fn fn,
		      void *userdata)
{
	struct reader reader = { .fn = fn, .userdata = userdata };

	reader.fields = ce_report_fields(&reader.n_fields);
	return bus_log(s, "ListErrors", f, &reader);
}

static int bus_dimms(struct source *s, report_fn fn, void *userdata)
{
	struct reader reader = { .fn = fn, .userdata = userdata };

	reader.fields = dimm_report_fields(&reader.n_fields);
	return bus_list(s, "ListDimms", &reader);
}

static int bus_nodes(struct source *s, report_fn fn, void *userdata)
{
	struct reader reader = { .fn = fn, .userdata = userdata };

	reader.fields = node_report_fields(&reader.n_fields);
	return bus_list(s, "ListNodes", &reader);
}

static const struct source_ops bus_source = {
	.status = bus_status,
	.pages = bus_pages,
	.history = bus_history,
	.errors = bus_errors,
	.dimms = bus_dimms,
	.nodes = bus_nodes,
};

int source_open_bus(struct source **ret)
{
	_cleanup_(sd_bus_creds_unref_p) sd_bus_creds *owner = NULL;
	_cleanup_(sd_bus_flush_close_unref_p) sd_bus *bus = NULL;
	struct source *s;

	/* A call could start a daemon; to ask who owns the name does not. */
	if (sd_bus_open_system(&bus) < 0 ||
	    sd_bus_get_name_creds(bus, BUS_NAME, SD_BUS_CREDS_UNIQUE_NAME, &owner) < 0)
		return -ESRCH;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->ops = &bus_source;
	s->bus = TAKE_PTR(bus);
	s->page_shift = host_page_shift();
	*ret = s;
	return 0;
}

/* The text that @reply consists of. */
static int bus_read_text(struct source *s, sd_bus_message *reply, char **ret_text)
{
	const char *text;
	char *copy;
	int r;

	r = sd_bus_message_read(reply, "s", &text);
	if (r < 0)
		return garbled(s, r);
	copy = strdup(text);
	if (!copy)
		return garbled(s, -ENOMEM);
	*ret_text = copy;
	return 0;
}

static int call_text(struct source *s, const char *method, char **ret_text)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	int r;

	r = call_list(s, method, NULL, &reply);
	return r < 0 ? r : bus_read_text(s, reply, ret_text);
}

int source_policy(struct source *s, char **ret_text)
{
	return call_text(s, "GetPolicy", ret_text);
}

int source_policy_for(struct source *s, const char *label, uint8_t mc, char **ret_text)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	int r;

	r = new_call(s, "GetPolicyFor", &call);
	if (r >= 0)
		r = sd_bus_message_append(call, "sy", label, mc);
	if (r < 0)
		return garbled(s, r);
	r = send_call(s, call, 0, &reply);
	return r < 0 ? r : bus_read_text(s, reply, ret_text);
}

int source_explain(struct source *s, uint64_t address, struct outlook_report *ret)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	const struct report_field *fields;
	size_t n;
	int r;

	r = new_call(s, "Explain", &call);
	if (r >= 0)
		r = sd_bus_message_append(call, "t", address);
	if (r < 0)
		return garbled(s, r);
	r = send_call(s, call, 0, &reply);
	if (r < 0)
		return r;
	fields = outlook_report_fields(&n);
	r = bus_read_report(reply, ret, fields, n);
	if (r <= 0)
		return garbled(s, r < 0 ? r : -EBADMSG);
	report_clean(ret, fields, n);
	return 0;
}

int source_reload(struct source *s, char **ret_text)
{
	return call_text(s, "Reload", ret_text);
}

int source_offline(struct source *s, uint64_t address, enum result *ret_result,
		   int *ret_error)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	const char *word;
	int error;
	int r;

	r = new_call(s, "Offline", &call);
	if (r >= 0)
		r = sd_bus_message_append(call, "t", address);
	if (r < 0)
		return garbled(s, r);
	r = send_call(s, call, (uint64_t)OFFLINE_TIMEOUT_USEC, &reply);
	if (r < 0)
		return r;
	r = sd_bus_message_read(reply, "si", &word, &error);
	if (r >= 0)
		r = result_from_string(word, ret_result);
	if (r < 0)
		return garbled(s, r);
	*ret_error = error;
	return 0;
}

int source_forget(struct source *s, uint64_t address)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	int r;

	r = new_call(s, "Forget", &call);
	if (r >= 0)
		r = sd_bus_message_append(call, "t", address);
	if (r < 0)
		return garbled(s, r);
	return send_call(s, call, 0, &reply);
}

int source_forget_dimm(struct source *s, const char *label)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	int r;

	r = new_call(s, "ForgetDimm", &call);
	if (r >= 0)
		r = sd_bus_message_append(call, "s", label);
	if (r < 0)
		return garbled(s, r);
	return send_call(s, call, 0, &reply);
}
