/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The D-Bus object: its table of methods, who may call which, and the Offline calls that
 * wait for the kernel's answer. It knows nothing of pages and policy; all it says comes
 * from the operations that it was given.
 */

#include "bus.h"

#include <errno.h>
#include <string.h>

#include "bus_encode.h"
#include "mem.h"

/* Asking the bus daemon who a caller is must not hold the loop up for long. */
#define CALL_TIMEOUT_USEC (5 * USEC_PER_SEC)

struct waiting {
	uint64_t cookie;
	sd_bus_message *call; /* NULL: the slot is free */
};

struct bus {
	sd_bus *connection;
	sd_bus *asker; /* for questions to the bus daemon; NULL without one */
	sd_bus_slot *object;
	const struct bus_ops *ops;
	void *ctx;
	uint64_t last_cookie;
	struct waiting waiting[BUS_MAX_OFFLINES];
};

DEFINE_CLEANUP(struct bus *, bus_free)
DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)
DEFINE_CLEANUP(sd_bus_creds *, sd_bus_creds_unref)

/*
 * Whether the caller's effective user is root, as the bus daemon (or the socket) vouches
 * for it. Nothing is looked up in /proc by process id, which the caller could win a race
 * for. Who cannot be told is nobody. The question goes over a connection of its own:
 * waiting for an answer on the one that calls come in by would take every call that is
 * queued there into memory.
 */
static bool caller_is_root(const struct bus *b, sd_bus_message *m)
{
	_cleanup_(sd_bus_creds_unref_p) sd_bus_creds *creds = NULL;
	const char *sender = sd_bus_message_get_sender(m);
	uid_t uid;
	int r;

	if (b->asker && sender)
		r = sd_bus_get_name_creds(b->asker, sender, SD_BUS_CREDS_EUID, &creds);
	else
		r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
	if (r < 0)
		return false;
	return sd_bus_creds_get_euid(creds, &uid) >= 0 && uid == 0;
}

static int deny(sd_bus_error *error, const char *what)
{
	return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
				 "%s is for root only.", what);
}

/* Fills @error for a failed operation; @why may be empty. */
static int fail(sd_bus_error *error, int r, const char *why)
{
	const char *name = NULL;

	if (r == -ENOENT)
		name = BUS_ERROR_NOT_FOUND;
	else if (r == -EINVAL || r == -ERANGE)
		name = BUS_ERROR_INVALID;
	else if (r == -EBUSY)
		name = BUS_ERROR_BUSY;
	if (!*why)
		why = strerror(-r);
	if (name)
		return sd_bus_error_setf(error, name, "%s", why);
	return sd_bus_error_set_errnof(error, r, "%s", why);
}

static int reply_text(sd_bus_message *m, const char *text)
{
	return sd_bus_reply_method_return(m, "s", text ? text : "");
}

static int take_status(const struct bus *b, struct status_report *ret)
{
	size_t n;
	const struct report_field *fields = status_report_fields(&n);

	report_clear(ret, fields, n);
	return b->ops->status(b->ctx, ret);
}

static int method_get_status(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	struct bus *b = userdata;
	const struct report_field *fields;
	struct status_report status;
	size_t n;
	int r;

	fields = status_report_fields(&n);
	r = take_status(b, &status);
	if (r < 0)
		return fail(error, r, "");
	if (!caller_is_root(userdata, m))
		report_redact(&status, fields, n);
	report_clean(&status, fields, n);
	r = sd_bus_message_new_method_return(m, &reply);
	if (r < 0)
		return r;
	r = bus_append_report(reply, &status, fields, n);
	if (r < 0)
		return r;
	return sd_bus_send(NULL, reply, NULL);
}

/* A list while it is made. */
struct list {
	sd_bus_message *reply;
	const struct report_field *fields;
	size_t n_fields;
	size_t size; /* of the report's struct */
	bool redact;
	uint32_t rows;
};

static int append_row(void *userdata, const void *report)
{
	union {
		struct page_report page;
		struct history_report history;
		struct ce_report ce;
		struct dimm_report dimm;
		struct node_report node;
	} copy;
	struct list *list = userdata;

	if (list->rows == BUS_MAX_ROWS)
		return -E2BIG;
	list->rows++;
	memcpy(&copy, report, list->size);
	if (list->redact)
		report_redact(&copy, list->fields, list->n_fields);
	report_clean(&copy, list->fields, list->n_fields);
	return bus_append_report(list->reply, &copy, list->fields, list->n_fields);
}

/* Reads the filter, refuses what is for root, and caps the rows. */
static int read_filter(sd_bus_message *m, struct report_filter *ret, bool root,
		       sd_bus_error *error)
{
	char key[REPORT_WORD_MAX] = "";
	int r;

	r = bus_read_filter(m, ret, key);
	if (r == -EINVAL)
		return sd_bus_error_setf(
			error, BUS_ERROR_INVALID,
			"The filter's \"%s\" is unknown, of another type "
			"or not a possible value.",
			key);
	if (r < 0)
		return r;
	/* The count of a page's rows would tell an ordinary user whether it has erred. */
	if (ret->has_address && !root)
		return deny(error, "Asking about one address");
	if (ret->limit == 0 || ret->limit > BUS_MAX_ROWS)
		ret->limit = BUS_MAX_ROWS;
	return 0;
}

static int begin_list(struct list *list, sd_bus_message *m, bool root)
{
	int r;

	list->redact = !root;
	r = sd_bus_message_new_method_return(m, &list->reply);
	if (r < 0)
		return r;
	return sd_bus_message_open_container(list->reply, SD_BUS_TYPE_ARRAY, "a{sv}");
}

static int method_list_pages(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	struct list list = { .size = sizeof(struct page_report) };
	bool root = caller_is_root(userdata, m);
	struct bus *b = userdata;
	struct report_filter f;
	uint64_t cursor = 0;
	int r;

	list.fields = page_report_fields(&list.n_fields);
	r = read_filter(m, &f, root, error);
	if (r < 0)
		return r;
	r = begin_list(&list, m, root);
	reply = list.reply;
	if (r < 0)
		return r;
	r = b->ops->pages(b->ctx, &f, append_row, &list, &cursor);
	if (r < 0)
		return fail(error, r, "");
	r = sd_bus_message_close_container(reply);
	if (r < 0)
		return r;
	r = sd_bus_message_append(reply, "t", cursor);
	if (r < 0)
		return r;
	return sd_bus_send(NULL, reply, NULL);
}

typedef int (*list_op)(void *ctx, const struct report_filter *f, report_fn fn,
		       void *userdata);

static int list_rows(struct bus *b, sd_bus_message *m, struct list *list, list_op op,
		     sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	bool root = caller_is_root(b, m);
	struct report_filter f;
	int r;

	r = read_filter(m, &f, root, error);
	if (r < 0)
		return r;
	r = begin_list(list, m, root);
	reply = list->reply;
	if (r < 0)
		return r;
	r = op(b->ctx, &f, append_row, list);
	if (r < 0)
		return fail(error, r, "");
	r = sd_bus_message_close_container(reply);
	if (r < 0)
		return r;
	return sd_bus_send(NULL, reply, NULL);
}

static int method_list_history(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct list list = { .size = sizeof(struct history_report) };
	struct bus *b = userdata;

	list.fields = history_report_fields(&list.n_fields);
	return list_rows(b, m, &list, b->ops->history, error);
}

static int method_list_errors(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct list list = { .size = sizeof(struct ce_report) };
	struct bus *b = userdata;

	list.fields = ce_report_fields(&list.n_fields);
	return list_rows(b, m, &list, b->ops->errors, error);
}

/* A list that is neither filtered nor cut. */
static int list_all(struct bus *b, sd_bus_message *m, struct list *list,
		    int (*op)(void *ctx, report_fn fn, void *userdata),
		    sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	int r = begin_list(list, m, caller_is_root(b, m));

	reply = list->reply;
	if (r < 0)
		return r;
	r = op(b->ctx, append_row, list);
	if (r < 0)
		return fail(error, r, "");
	r = sd_bus_message_close_container(reply);
	if (r < 0)
		return r;
	return sd_bus_send(NULL, reply, NULL);
}

static int method_list_dimms(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct list list = { .size = sizeof(struct dimm_report) };
	struct bus *b = userdata;

	list.fields = dimm_report_fields(&list.n_fields);
	return list_all(b, m, &list, b->ops->dimms, error);
}

static int method_list_nodes(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct list list = { .size = sizeof(struct node_report) };
	struct bus *b = userdata;

	list.fields = node_report_fields(&list.n_fields);
	return list_all(b, m, &list, b->ops->nodes, error);
}

static int method_get_policy(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(free_p) char *text = NULL;
	struct bus *b = userdata;
	int r;

	r = b->ops->policy(b->ctx, &text);
	return r < 0 ? fail(error, r, "") : reply_text(m, text);
}

static int method_get_policy_for(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(free_p) char *text = NULL;
	struct bus *b = userdata;
	const char *label;
	uint8_t mc;
	int r;

	r = sd_bus_message_read(m, "sy", &label, &mc);
	if (r < 0)
		return r;
	r = b->ops->policy_for(b->ctx, label, mc, &text);
	return r < 0 ? fail(error, r, "") : reply_text(m, text);
}

static int method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	char why[REPORT_TEXT_MAX] = "";
	const struct report_field *fields;
	struct outlook_report outlook;
	struct bus *b = userdata;
	uint64_t address;
	size_t n;
	int r;

	if (!caller_is_root(userdata, m))
		return deny(error, "Asking about one address");
	r = sd_bus_message_read(m, "t", &address);
	if (r < 0)
		return r;
	r = b->ops->explain(b->ctx, address, &outlook, why);
	if (r < 0)
		return fail(error, r, why);
	fields = outlook_report_fields(&n);
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = bus_append_report(reply, &outlook, fields, n);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(free_p) char *text = NULL;
	struct bus *b = userdata;
	int r;

	if (!caller_is_root(userdata, m))
		return deny(error, "Reload");
	r = b->ops->reload(b->ctx, &text);
	if (r == -EINVAL)
		return sd_bus_error_setf(error, BUS_ERROR_CONFIG, "%s",
					 text ? text : "The configuration is invalid.");
	return r < 0 ? fail(error, r, "") : reply_text(m, text);
}

static struct waiting *find_waiting(struct bus *b, uint64_t cookie)
{
	for (size_t i = 0; i < BUS_MAX_OFFLINES; i++)
		if (b->waiting[i].call && b->waiting[i].cookie == cookie)
			return &b->waiting[i];
	return NULL;
}

static struct waiting *free_slot(struct bus *b)
{
	for (size_t i = 0; i < BUS_MAX_OFFLINES; i++)
		if (!b->waiting[i].call)
			return &b->waiting[i];
	return NULL;
}

static int method_offline(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	char why[REPORT_TEXT_MAX] = "";
	struct bus *b = userdata;
	struct waiting *slot;
	uint64_t address, cookie;
	int r;

	if (!caller_is_root(userdata, m))
		return deny(error, "Offline");
	r = sd_bus_message_read(m, "t", &address);
	if (r < 0)
		return r;
	slot = free_slot(b);
	if (!slot)
		return fail(error, -EBUSY, "Too many Offline calls wait already.");
	cookie = ++b->last_cookie;
	*slot = (struct waiting){ cookie, sd_bus_message_ref(m) };
	r = b->ops->offline(b->ctx, address, cookie, why);
	if (r >= 0)
		return 1;
	/* If it was answered from within all the same, that answer stands. */
	slot = find_waiting(b, cookie);
	if (!slot)
		return 1;
	slot->call = sd_bus_message_unref(slot->call);
	return fail(error, r, why);
}

static int method_forget(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	char why[REPORT_TEXT_MAX] = "";
	struct bus *b = userdata;
	uint64_t address;
	int r;

	if (!caller_is_root(userdata, m))
		return deny(error, "Forget");
	r = sd_bus_message_read(m, "t", &address);
	if (r < 0)
		return r;
	r = b->ops->forget(b->ctx, address, why);
	return r < 0 ? fail(error, r, why) : sd_bus_reply_method_return(m, NULL);
}

static int method_forget_dimm(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	char why[REPORT_TEXT_MAX] = "";
	struct bus *b = userdata;
	const char *label;
	int r;

	if (!caller_is_root(userdata, m))
		return deny(error, "ForgetDimm");
	r = sd_bus_message_read(m, "s", &label);
	if (r < 0)
		return r;
	r = b->ops->forget_dimm(b->ctx, label, why);
	return r < 0 ? fail(error, r, why) : sd_bus_reply_method_return(m, NULL);
}

static int get_property(sd_bus *connection, const char *path, const char *interface,
			const char *property, sd_bus_message *reply, void *userdata,
			sd_bus_error *error)
{
	struct bus *b = userdata;
	struct status_report status;
	int r;

	r = take_status(b, &status);
	if (r < 0)
		return fail(error, r, "");
	if (strcmp(property, "Started") == 0)
		return sd_bus_message_append(reply, "x", status.started);
	return sd_bus_message_append(reply, "s",
				     strcmp(property, "Version") == 0 ? status.version
								      : status.verdict);
}

/*
 * UNPRIVILEGED on each: otherwise sd-bus would ask for CAP_SYS_ADMIN of the caller, or
 * the same user, instead of the rule that caller_is_root() is.
 */
#define METHOD(name, in, in_names, out, out_names, handler)                              \
	SD_BUS_METHOD_WITH_NAMES(name, in, in_names, out, out_names, handler,            \
				 SD_BUS_VTABLE_UNPRIVILEGED)
#define NAME SD_BUS_PARAM

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Verdict", "s", get_property, 0, 0),
	SD_BUS_PROPERTY("Started", "x", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	METHOD("GetStatus", "", , "a{sv}", NAME(status), method_get_status),
	METHOD("ListPages", "a{sv}", NAME(filter),
	       "aa{sv}t", NAME(pages) NAME(cursor), method_list_pages),
	METHOD("ListHistory", "a{sv}", NAME(filter),
	       "aa{sv}", NAME(history), method_list_history),
	METHOD("ListErrors", "a{sv}", NAME(filter),
	       "aa{sv}", NAME(errors), method_list_errors),
	METHOD("ListDimms", "", , "aa{sv}", NAME(dimms), method_list_dimms),
	METHOD("ListNodes", "", , "aa{sv}", NAME(nodes), method_list_nodes),
	METHOD("GetPolicy", "", , "s", NAME(text), method_get_policy),
	METHOD("GetPolicyFor", "sy", NAME(label) NAME(mc), "s", NAME(text),
	       method_get_policy_for),
	METHOD("Explain", "t", NAME(address), "a{sv}", NAME(outlook), method_explain),
	METHOD("Reload", "", , "s", NAME(warnings), method_reload),
	METHOD("Offline", "t", NAME(address),
	       "si", NAME(result) NAME(errno_value), method_offline),
	METHOD("Forget", "t", NAME(address), "", , method_forget),
	METHOD("ForgetDimm", "s", NAME(label), "", , method_forget_dimm),
	SD_BUS_SIGNAL("Changed", "", 0),
	SD_BUS_VTABLE_END
};
/* clang-format on */

/* A connection straight to a peer, without a bus daemon, has no names. */
static int take_name(sd_bus *connection)
{
	int r;

	r = sd_bus_is_bus_client(connection);
	if (r <= 0)
		return r;
	return sd_bus_request_name(connection, BUS_NAME, 0);
}

static int open_asker(struct bus *b)
{
	const char *address;
	int r;

	if (sd_bus_is_bus_client(b->connection) <= 0 ||
	    sd_bus_get_address(b->connection, &address) < 0)
		return 0;
	r = sd_bus_new(&b->asker);
	if (r >= 0)
		r = sd_bus_set_address(b->asker, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(b->asker, 1);
	if (r >= 0)
		r = sd_bus_start(b->asker);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(b->asker, CALL_TIMEOUT_USEC);
	return r;
}

int bus_new(struct bus **ret, sd_bus *connection, sd_event *event,
	    const struct bus_ops *ops, void *ctx)
{
	_cleanup_(bus_free_p) struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b) {
		sd_bus_flush_close_unref(connection);
		return -ENOMEM;
	}
	b->connection = connection;
	b->ops = ops;
	b->ctx = ctx;
	r = sd_bus_add_object_vtable(connection, &b->object, BUS_PATH, BUS_INTERFACE,
				     vtable, b);
	if (r < 0)
		return r;
	r = sd_bus_set_method_call_timeout(connection, CALL_TIMEOUT_USEC);
	if (r < 0)
		return r;
	r = open_asker(b);
	if (r < 0)
		return r;
	r = take_name(connection);
	if (r < 0)
		return r;
	if (event) {
		r = sd_bus_attach_event(connection, event, SD_EVENT_PRIORITY_NORMAL);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(b);
	return 0;
}

static void turn_away(struct waiting *slot)
{
	if (!slot->call)
		return;
	(void)sd_bus_reply_method_errorf(slot->call, BUS_ERROR_STOPPING,
					 "softofflined is stopping.");
	slot->call = sd_bus_message_unref(slot->call);
}

struct bus *bus_free(struct bus *b)
{
	if (!b)
		return NULL;
	for (size_t i = 0; i < BUS_MAX_OFFLINES; i++)
		turn_away(&b->waiting[i]);
	sd_bus_slot_unref(b->object);
	sd_bus_flush_close_unref(b->asker);
	sd_bus_flush_close_unref(b->connection);
	free(b);
	return NULL;
}

void bus_reply_offline(struct bus *b, uint64_t cookie, enum result result, int error)
{
	struct waiting *slot = find_waiting(b, cookie);

	if (!slot)
		return;
	/* Nothing to be done if it fails: the caller has gone, or the bus has. */
	(void)sd_bus_reply_method_return(slot->call, "si", result_to_string(result),
					 error);
	slot->call = sd_bus_message_unref(slot->call);
}

void bus_signal_changed(struct bus *b)
{
	(void)sd_bus_emit_signal(b->connection, BUS_PATH, BUS_INTERFACE, "Changed", NULL);
}
