/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The methods: the arguments that each reads, the operation that it calls, its answer.
 * bus_calls.c has checked before who may call.
 */

#include <errno.h>
#include <string.h>

#include "tell/bus_encode.h"
#include "tell/bus_internal.h"

int bus_deny(sd_bus_error *error, const char *what)
{
	return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
				 "%s is for root only.", what);
}

/* The words for an operation that gave none. */
static const char *words_for(int r)
{
	static const struct {
		int r;
		const char *words;
	} known[] = {
		{ -ENOENT, "nothing of that name or address is known" },
		{ -EBUSY, "the daemon is at work on it; try again" },
		{ -EIO,
		  "the history cannot be read: the daemon runs without a database, or "
		  "the disk fails; see the journal" },
		{ -EUCLEAN, "the history cannot be read: the database is damaged" },
		{ -ENOMEM, "the daemon is out of memory" },
		{ -E2BIG, "more rows than one answer holds; ask for fewer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].r == r)
			return known[i].words;
	return strerror(-r);
}

int bus_fail(sd_bus_error *error, int r, const char *why)
{
	const char *name = NULL;

	if (r == -ENOENT)
		name = BUS_ERROR_NOT_FOUND;
	else if (r == -EINVAL || r == -ERANGE)
		name = BUS_ERROR_INVALID;
	else if (r == -EBUSY)
		name = BUS_ERROR_BUSY;
	if (!*why)
		why = words_for(r);
	if (name)
		return sd_bus_error_setf(error, name, "%s", why);
	return sd_bus_error_set_errnof(error, r, "%s", why);
}

/* The return value of a handler that has sent its answer. */
static int sent(int r)
{
	return r < 0 ? r : 0;
}

/*
 * Arguments.
 */

static int read_address(struct call *c, sd_bus_error *error)
{
	return sd_bus_message_read(c->m, "t", &c->address);
}

static int check_label(const struct call *c, sd_bus_error *error)
{
	if (strlen(c->label) < DIMM_LABEL_MAX)
		return 0;
	return sd_bus_error_set(error, BUS_ERROR_INVALID, "No DIMM has so long a label.");
}

static int read_label(struct call *c, sd_bus_error *error)
{
	int r = sd_bus_message_read(c->m, "s", &c->label);

	return r < 0 ? r : check_label(c, error);
}

static int read_dimm(struct call *c, sd_bus_error *error)
{
	int r = sd_bus_message_read(c->m, "sy", &c->label, &c->mc);

	return r < 0 ? r : check_label(c, error);
}

static int read_filter(struct call *c, sd_bus_error *error)
{
	char key[REPORT_WORD_MAX] = "";
	int r = bus_read_filter(c->m, &c->filter, key);

	if (r == -EINVAL)
		return sd_bus_error_setf(
			error, BUS_ERROR_INVALID,
			"The filter's \"%s\" is unknown, of another type "
			"or not a possible value.",
			key);
	return r;
}

/*
 * Lists.
 */

static int collect_pages(const struct bus *b, const struct report_filter *f, report_fn fn,
			 void *userdata, uint64_t *ret_cursor)
{
	return b->ops->pages(b->ctx, f, fn, userdata, ret_cursor);
}

static int collect_history(const struct bus *b, const struct report_filter *f,
			   report_fn fn, void *userdata, uint64_t *ret_cursor)
{
	return b->ops->history(b->ctx, f, fn, userdata, ret_cursor);
}

static int collect_errors(const struct bus *b, const struct report_filter *f,
			  report_fn fn, void *userdata, uint64_t *ret_cursor)
{
	return b->ops->errors(b->ctx, f, fn, userdata, ret_cursor);
}

static int collect_dimms(const struct bus *b, const struct report_filter *f, report_fn fn,
			 void *userdata, uint64_t *ret_cursor)
{
	return b->ops->dimms(b->ctx, fn, userdata);
}

static int collect_nodes(const struct bus *b, const struct report_filter *f, report_fn fn,
			 void *userdata, uint64_t *ret_cursor)
{
	return b->ops->nodes(b->ctx, fn, userdata);
}

static int compare_times(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_history(const void *a, const void *b)
{
	const struct history_report *x = a, *y = b;

	return compare_times(x->time, y->time);
}

static int compare_errors(const void *a, const void *b)
{
	const struct ce_report *x = a, *y = b;

	return compare_times(x->last, y->last);
}

static const struct list_kind pages_kind = {
	.fields = page_report_fields,
	.size = sizeof(struct page_report),
	.has_cursor = true,
	.collect = collect_pages,
};
static const struct list_kind history_kind = {
	.fields = history_report_fields,
	.size = sizeof(struct history_report),
	.compare = compare_history,
	.has_cursor = true,
	.collect = collect_history,
};
static const struct list_kind errors_kind = {
	.fields = ce_report_fields,
	.size = sizeof(struct ce_report),
	.compare = compare_errors,
	.has_cursor = true,
	.collect = collect_errors,
};
static const struct list_kind dimms_kind = {
	.fields = dimm_report_fields,
	.size = sizeof(struct dimm_report),
	.collect = collect_dimms,
};
static const struct list_kind nodes_kind = {
	.fields = node_report_fields,
	.size = sizeof(struct node_report),
	.collect = collect_nodes,
};

/*
 * Calls that are answered in one turn.
 */

static int reply_text(struct call *c, const char *text)
{
	return sent(sd_bus_reply_method_return(c->m, "s", text ? text : ""));
}

static int reply_report(struct call *c, const void *report,
			const struct report_field *fields, size_t n)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(c->m, &reply);

	if (r >= 0)
		r = bus_append_report(reply, report, fields, n);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	return sent(r);
}

static int method_status(struct call *c, sd_bus_error *error)
{
	struct bus *b = c->bus;
	const struct report_field *fields;
	struct status_report status;
	size_t n;
	int r;

	fields = status_report_fields(&n);
	report_clear(&status, fields, n);
	r = b->ops->status(b->ctx, &status);
	if (r < 0)
		return bus_fail(error, r, "");
	if (c->uid != 0)
		report_redact(&status, fields, n);
	report_clean(&status, fields, n);
	return reply_report(c, &status, fields, n);
}

static int method_policy(struct call *c, sd_bus_error *error)
{
	_cleanup_(free_p) char *text = NULL;
	int r = c->bus->ops->policy(c->bus->ctx, &text);

	return r < 0 ? bus_fail(error, r, "") : reply_text(c, text);
}

static int method_policy_for(struct call *c, sd_bus_error *error)
{
	_cleanup_(free_p) char *text = NULL;
	int r = c->bus->ops->policy_for(c->bus->ctx, c->label, c->mc, &text);

	return r < 0 ? bus_fail(error, r, "") : reply_text(c, text);
}

static int method_explain(struct call *c, sd_bus_error *error)
{
	char why[REPORT_TEXT_MAX] = "";
	const struct report_field *fields;
	struct outlook_report outlook;
	size_t n;
	int r = c->bus->ops->explain(c->bus->ctx, c->address, &outlook, why);

	if (r < 0)
		return bus_fail(error, r, why);
	fields = outlook_report_fields(&n);
	return reply_report(c, &outlook, fields, n);
}

static int method_reload(struct call *c, sd_bus_error *error)
{
	_cleanup_(free_p) char *text = NULL;
	int r = c->bus->ops->reload(c->bus->ctx, &text);

	if (r == -EINVAL)
		return sd_bus_error_setf(error, BUS_ERROR_CONFIG, "%s",
					 text ? text : "The configuration is invalid.");
	return r < 0 ? bus_fail(error, r, "") : reply_text(c, text);
}

static struct offline_call *offline_call_unused(struct bus *b)
{
	for (size_t i = 0; i < BUS_MAX_OFFLINES; i++)
		if (!b->offlines[i].call)
			return &b->offlines[i];
	return NULL;
}

/* An attempt may outlive a connection: no cookie is ever used again. */
static uint64_t offline_call_cookie(void)
{
	static uint64_t last;

	return ++last;
}

static int method_offline(struct call *c, sd_bus_error *error)
{
	char why[REPORT_TEXT_MAX] = "";
	struct bus *b = c->bus;
	struct offline_call *slot = offline_call_unused(b);
	uint64_t cookie;
	int r;

	if (!slot)
		return bus_fail(error, -EBUSY, "Too many Offline calls wait already.");
	cookie = offline_call_cookie();
	*slot = (struct offline_call){ cookie, sd_bus_message_ref(c->m) };
	r = b->ops->offline(b->ctx, c->address, cookie, why);
	/* If the operation has answered by itself, its answer stands. */
	if (r >= 0 || slot->cookie != cookie || !slot->call)
		return 0;
	slot->call = sd_bus_message_unref(slot->call);
	return bus_fail(error, r, why);
}

static int method_forget(struct call *c, sd_bus_error *error)
{
	char why[REPORT_TEXT_MAX] = "";
	int r = c->bus->ops->forget(c->bus->ctx, c->address, why);

	if (r < 0)
		return bus_fail(error, r, why);
	return sent(sd_bus_reply_method_return(c->m, NULL));
}

static int method_forget_dimm(struct call *c, sd_bus_error *error)
{
	char why[REPORT_TEXT_MAX] = "";
	int r = c->bus->ops->forget_dimm(c->bus->ctx, c->label, why);

	if (r < 0)
		return bus_fail(error, r, why);
	return sent(sd_bus_reply_method_return(c->m, NULL));
}

/* clang-format off */
static const struct method methods[] = {
	{ "GetStatus",    NULL,         NULL,          NULL,         method_status },
	{ "ListPages",    NULL,         &pages_kind,   read_filter,  bus_list_turn },
	{ "ListHistory",  NULL,         &history_kind, read_filter,  bus_list_turn },
	{ "ListErrors",   NULL,         &errors_kind,  read_filter,  bus_list_turn },
	{ "ListDimms",    NULL,         &dimms_kind,   NULL,         bus_list_turn },
	{ "ListNodes",    NULL,         &nodes_kind,   NULL,         bus_list_turn },
	{ "GetPolicy",    NULL,         NULL,          NULL,         method_policy },
	{ "GetPolicyFor", NULL,         NULL,          read_dimm,    method_policy_for },
	{ "Explain",      "Asking about one address",
	                                NULL,          read_address, method_explain },
	{ "Reload",       "Reload",     NULL,          NULL,         method_reload },
	{ "Offline",      "Offline",    NULL,          read_address, method_offline },
	{ "Forget",       "Forget",     NULL,          read_address, method_forget },
	{ "ForgetDimm",   "ForgetDimm", NULL,          read_label,   method_forget_dimm },
};
/* clang-format on */

const struct method *bus_method(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}
