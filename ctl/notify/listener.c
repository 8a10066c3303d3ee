/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The connection to the bus for those who only listen: two matches, and one question at
 * the start. It asks the daemon nothing, so it never starts one.
 */

#include "notify/listener.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/mem.h"
#include "tell/bus_encode.h"

#define DBUS "org.freedesktop.DBus"
#define OWNER_CHANGED                                                                    \
	"type='signal',sender='" DBUS "',path='/org/freedesktop/DBus',"                  \
	"interface='" DBUS "',member='NameOwnerChanged',arg0='" BUS_NAME "'"

#define BUS_NAME_MAX 256 /* D-Bus specification, "Valid Names": 255 bytes */
#define RETRY_USEC   USEC_PER_SEC

struct listener {
	sd_event *event;
	sd_event_source *retry;
	sd_bus *bus;
	char owner[BUS_NAME_MAX]; /* the daemon's own name on the bus; "": none */
	enum listener_state state;
	bool known; /* @state was reported */
	const struct listener_ops *ops;
	void *ctx;
};

DEFINE_CLEANUP(struct listener *, listener_free)

struct listener *listener_free(struct listener *l)
{
	if (!l)
		return NULL;
	sd_event_source_unref(l->retry);
	sd_bus_close_unref(l->bus);
	free(l);
	return NULL;
}

static void listener_report(struct listener *l, enum listener_state state)
{
	if (l->known && l->state == state)
		return;
	l->known = true;
	l->state = state;
	l->ops->state(l->ctx, state);
}

/* @name: "" if the daemon has gone. */
static void listener_set_owner(struct listener *l, const char *name)
{
	snprintf(l->owner, sizeof(l->owner), "%s", name);
	listener_report(l, name[0] ? LISTENER_LISTENS : LISTENER_NO_DAEMON);
}

/*
 * sd-bus does not check the sender of a match by a name like these, and a signal to one
 * connection needs no match of the bus.
 */
static bool listener_is_from(sd_bus_message *m, const char *name)
{
	const char *sender = sd_bus_message_get_sender(m);

	return sender && strcmp(sender, name) == 0;
}

static int listener_on_notice(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct listener *l = userdata;
	struct notice_report r;
	size_t n;
	const struct report_field *fields = notice_report_fields(&n);

	/* What cannot be read is of a version that is not ours. */
	if (!listener_is_from(m, l->owner) || bus_read_report(m, &r, fields, n) <= 0)
		return 0;
	report_clean(&r, fields, n);
	l->ops->notice(l->ctx, &r);
	return 0;
}

static int listener_on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct listener *l = userdata;
	const char *name, *before, *now;

	if (listener_is_from(m, DBUS) &&
	    sd_bus_message_read(m, "sss", &name, &before, &now) > 0)
		listener_set_owner(l, now);
	return 0;
}

static int listener_on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct listener *l = userdata;
	const char *owner = "";

	if (!sd_bus_message_is_method_error(m, NULL))
		(void)sd_bus_message_read(m, "s", &owner);
	else if (!sd_bus_message_is_method_error(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
		return 0; /* the connection has ended, or will be found to have */
	listener_set_owner(l, owner);
	return 0;
}

static int listener_connect(struct listener *l);
static int listener_retry_later(struct listener *l);

static int listener_on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct listener *l = userdata;

	return listener_connect(l) < 0 ? listener_retry_later(l) : 0;
}

static int listener_retry_later(struct listener *l)
{
	l->retry = sd_event_source_unref(l->retry);
	return sd_event_add_time_relative(l->event, &l->retry, CLOCK_MONOTONIC,
					  (uint64_t)RETRY_USEC, 0, listener_on_retry, l);
}

static int listener_on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct listener *l = userdata;

	l->owner[0] = '\0';
	listener_report(l, LISTENER_NO_BUS);
	return listener_retry_later(l);
}

/* After the matches: what is said from the answer on is heard. */
static int listener_ask(struct listener *l)
{
	int r = sd_bus_match_signal_async(l->bus, NULL, BUS_NAME, BUS_PATH, BUS_INTERFACE,
					  "Notice", listener_on_notice, NULL, l);

	if (r >= 0)
		r = sd_bus_add_match_async(l->bus, NULL, OWNER_CHANGED, listener_on_owner,
					   NULL, l);
	if (r >= 0)
		r = sd_bus_match_signal(l->bus, NULL, DBUS ".Local",
					"/org/freedesktop/DBus/Local", DBUS ".Local",
					"Disconnected", listener_on_gone, l);
	if (r >= 0)
		r = sd_bus_call_method_async(l->bus, NULL, DBUS, "/org/freedesktop/DBus",
					     DBUS, "GetNameOwner", listener_on_answer, l,
					     "s", BUS_NAME);
	return r;
}

static int listener_connect(struct listener *l)
{
	int r;

	l->bus = sd_bus_close_unref(l->bus);
	r = sd_bus_open_system(&l->bus);
	if (r >= 0)
		r = listener_ask(l);
	if (r >= 0)
		r = sd_bus_attach_event(l->bus, l->event, SD_EVENT_PRIORITY_NORMAL);
	return r < 0 ? r : 0;
}

int listener_new(struct listener **ret, sd_event *event, const struct listener_ops *ops,
		 void *ctx)
{
	_cleanup_(listener_free_p) struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->event = event;
	l->ops = ops;
	l->ctx = ctx;
	r = listener_connect(l);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}
