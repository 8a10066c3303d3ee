/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The connection to the bus and the object on it. This file knows the methods by name
 * only, and nothing of pages and policy: each answer comes from struct bus_ops.
 *
 * There is one connection, and the loop reads it. Each message is answered at once, put
 * in a bounded line, or dropped, so nothing piles up.
 */

#include "tell/bus.h"

#include <errno.h>
#include <string.h>

#include "host/clock.h"
#include "tell/bus_encode.h"
#include "tell/bus_internal.h"

/* For calls to the bus daemon, which answers quickly or not at all. */
#define CALL_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* See the D-Bus specification, "Well-known Message Bus Instances". */
#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"

/* The properties may be this old, so that reading them costs little. */
#define STATUS_AGE (USEC_PER_SEC / 10)

DEFINE_CLEANUP(struct bus *, bus_free)

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct method *method = bus_method(sd_bus_message_get_member(m));

	return method ? bus_calls_take(userdata, m, method, error) : -ENOSYS;
}

static int bus_take_status(struct bus *b)
{
	const struct report_field *fields;
	usec_t now = clock_boot();
	size_t n;
	int r;

	if (b->status_time.us > 0 && usec_sub(now, b->status_time).us < STATUS_AGE)
		return 0;
	fields = status_report_fields(&n);
	report_clear(&b->status, fields, n);
	r = b->ops->status(b->ctx, &b->status);
	if (r >= 0)
		b->status_time = now;
	return r;
}

static int get_property(sd_bus *connection, const char *path, const char *interface,
			const char *property, sd_bus_message *reply, void *userdata,
			sd_bus_error *error)
{
	struct bus *b = userdata;
	int r = bus_take_status(b);

	if (r < 0)
		return bus_fail(error, r, "");
	if (strcmp(property, "Started") == 0)
		return sd_bus_message_append(reply, "x", b->status.started);
	return sd_bus_message_append(
		reply, "s",
		strcmp(property, "Version") == 0 ? b->status.version : b->status.verdict);
}

/*
 * Without UNPRIVILEGED, sd-bus would refuse a caller that neither has CAP_SYS_ADMIN nor
 * is the same user. bus_calls.c decides who may call.
 */
#define METHOD(name, in, in_names, out, out_names)                                       \
	SD_BUS_METHOD_WITH_NAMES(name, in, in_names, out, out_names, on_call,            \
				 SD_BUS_VTABLE_UNPRIVILEGED)
#define NAME SD_BUS_PARAM

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Verdict", "s", get_property, 0, 0),
	SD_BUS_PROPERTY("Started", "x", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	METHOD("GetStatus", "", , "a{sv}", NAME(status)),
	METHOD("ListPages", "a{sv}", NAME(filter), "aa{sv}t", NAME(pages) NAME(cursor)),
	METHOD("ListHistory", "a{sv}", NAME(filter),
	       "aa{sv}t", NAME(history) NAME(cursor)),
	METHOD("ListErrors", "a{sv}", NAME(filter), "aa{sv}t", NAME(errors) NAME(cursor)),
	METHOD("ListDimms", "", , "aa{sv}", NAME(dimms)),
	METHOD("ListNodes", "", , "aa{sv}", NAME(nodes)),
	METHOD("GetPolicy", "", , "s", NAME(text)),
	METHOD("GetPolicyFor", "sy", NAME(label) NAME(mc), "s", NAME(text)),
	METHOD("Explain", "t", NAME(address), "a{sv}", NAME(outlook)),
	METHOD("Reload", "", , "s", NAME(warnings)),
	METHOD("Offline", "t", NAME(address), "si", NAME(result) NAME(errno_value)),
	METHOD("Forget", "t", NAME(address), "", ),
	METHOD("ForgetDimm", "s", NAME(label), "", ),
	SD_BUS_SIGNAL_WITH_NAMES("Notice", "a{sv}", NAME(notice), 0),
	SD_BUS_SIGNAL("Changed", "", 0),
	SD_BUS_VTABLE_END
};
/* clang-format on */

static int on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;

	b->ops->down(b->ctx, -ECONNRESET);
	return 0;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *b = userdata;
	uint32_t answer;
	int r = -sd_bus_message_get_errno(m);

	if (r == 0)
		r = sd_bus_message_read(m, "u", &answer);
	/* In the D-Bus specification 1 means "owner", 3 "another program has it". */
	if (r >= 0 && answer != 1)
		r = -EEXIST;
	if (r < 0)
		b->ops->down(b->ctx, r);
	else
		b->ops->up(b->ctx);
	return 0;
}

/* Drops calls while the bus takes no answers: the answers would pile up here. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return sd_bus_message_is_method_call(m, NULL, NULL) > 0 &&
	       bus_calls_drop(userdata);
}

/* A direct connection to a peer, without a bus daemon, has no names. */
static int ask_for_name(struct bus *b)
{
	int r = sd_bus_is_bus_client(b->connection);

	if (r <= 0)
		return r;
	return sd_bus_request_name_async(b->connection, &b->name, BUS_NAME, 0, on_name,
					 b);
}

static int bus_set_up(struct bus *b, sd_event *event)
{
	int r = sd_bus_add_object_vtable(b->connection, &b->object, BUS_PATH,
					 BUS_INTERFACE, vtable, b);

	if (r >= 0)
		r = sd_bus_set_method_call_timeout(b->connection, CALL_TIMEOUT_USEC);
	if (r >= 0)
		r = sd_bus_match_signal(
			b->connection, &b->gone, "org.freedesktop.DBus.Local",
			"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
			"Disconnected", on_gone, b);
	if (r >= 0)
		r = sd_bus_add_filter(b->connection, &b->filter, on_message, b);
	if (r >= 0)
		r = ask_for_name(b);
	if (r >= 0)
		r = sd_bus_attach_event(b->connection, event, SD_EVENT_PRIORITY_NORMAL);
	return r;
}

int bus_connect(sd_bus **ret)
{
	const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
	sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, address ? address : SYSTEM_BUS);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, 1);
	if (r >= 0)
		r = sd_bus_negotiate_fds(bus, 0);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0) {
		sd_bus_unref(bus);
		return r;
	}
	*ret = bus;
	return 0;
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
	r = bus_calls_init(b, event);
	if (r >= 0)
		r = bus_set_up(b, event);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}

static void offline_call_turn_away(struct offline_call *slot)
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
		offline_call_turn_away(&b->offlines[i]);
	bus_calls_done(b);
	sd_bus_slot_unref(b->name);
	sd_bus_slot_unref(b->filter);
	sd_bus_slot_unref(b->gone);
	sd_bus_slot_unref(b->object);
	/* Not flushed: that would wait for ever for a bus that takes nothing. */
	sd_bus_close_unref(b->connection);
	free(b);
	return NULL;
}

static struct offline_call *offline_call_find(struct bus *b, uint64_t cookie)
{
	for (size_t i = 0; i < BUS_MAX_OFFLINES; i++)
		if (b->offlines[i].call && b->offlines[i].cookie == cookie)
			return &b->offlines[i];
	return NULL;
}

void bus_reply_offline(struct bus *b, uint64_t cookie, enum result result, int error)
{
	struct offline_call *slot = offline_call_find(b, cookie);

	if (!slot)
		return;
	/* An error needs no handling: the caller is gone, or the bus. */
	(void)sd_bus_reply_method_return(slot->call, "si", result_to_string(result),
					 error);
	slot->call = sd_bus_message_unref(slot->call);
}

static int bus_send_notice(struct bus *b, const struct notice_report *r,
			   const struct report_field *fields, size_t n)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *m = NULL;
	int ret = sd_bus_message_new_signal(b->connection, &m, BUS_PATH, BUS_INTERFACE,
					    "Notice");

	if (ret >= 0)
		ret = bus_append_report(m, r, fields, n);
	return ret < 0 ? ret : sd_bus_send(b->connection, m, NULL);
}

void bus_signal_notice(struct bus *b, struct notice_report *r)
{
	size_t n;
	const struct report_field *fields = notice_report_fields(&n);

	if (bus_calls_drop(b))
		return;
	report_clean(r, fields, n);
	(void)bus_send_notice(b, r, fields, n);
	(void)sd_bus_emit_signal(b->connection, BUS_PATH, BUS_INTERFACE, "Changed", NULL);
}
