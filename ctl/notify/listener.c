/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The connection to the bus for those who only listen: two matches, and one question at
 * the start. It asks the daemon nothing, so it never starts one.
 */

#include "notify/listener.h"

#include <errno.h>
#include <systemd/sd-bus.h>

#include "base/mem.h"
#include "tell/bus_encode.h"

#define OWNER_CHANGED                                                                    \
	"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"      \
	"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'"

struct listener {
	sd_bus *bus;
	const struct listener_ops *ops;
	void *ctx;
};

DEFINE_CLEANUP(struct listener *, listener_free)
DEFINE_CLEANUP(sd_bus_creds *, sd_bus_creds_unref)

struct listener *listener_free(struct listener *l)
{
	if (!l)
		return NULL;
	sd_bus_flush_close_unref(l->bus);
	free(l);
	return NULL;
}

static int listener_on_notice(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct listener *l = userdata;
	struct notice_report r;
	size_t n;
	const struct report_field *fields = notice_report_fields(&n);

	/* What cannot be read is of a version that is not ours. */
	if (bus_read_report(m, &r, fields, n) <= 0)
		return 0;
	report_clean(&r, fields, n);
	l->ops->notice(l->ctx, &r);
	return 0;
}

static int listener_on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct listener *l = userdata;
	const char *name, *before, *now;

	if (sd_bus_message_read(m, "sss", &name, &before, &now) > 0)
		l->ops->daemon(l->ctx, now[0] != '\0');
	return 0;
}

/* After the matches: what is said from now on is heard. */
static int listener_ask(struct listener *l)
{
	_cleanup_(sd_bus_creds_unref_p) sd_bus_creds *owner = NULL;
	int r = sd_bus_get_name_creds(l->bus, BUS_NAME, SD_BUS_CREDS_UNIQUE_NAME, &owner);

	if (r < 0 && r != -ENXIO)
		return r;
	l->ops->daemon(l->ctx, r >= 0);
	return 0;
}

int listener_new(struct listener **ret, sd_event *event, const struct listener_ops *ops,
		 void *ctx)
{
	_cleanup_(listener_free_p) struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->ops = ops;
	l->ctx = ctx;
	r = sd_bus_open_system(&l->bus);
	if (r >= 0)
		r = sd_bus_match_signal(l->bus, NULL, BUS_NAME, BUS_PATH, BUS_INTERFACE,
					"Notice", listener_on_notice, l);
	if (r >= 0)
		r = sd_bus_add_match(l->bus, NULL, OWNER_CHANGED, listener_on_owner, l);
	if (r >= 0)
		r = listener_ask(l);
	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(l->bus, true);
	if (r >= 0)
		r = sd_bus_attach_event(l->bus, event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}
