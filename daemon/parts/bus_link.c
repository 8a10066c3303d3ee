/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Connects to the bus and, when that fails or ends, tries again after growing waits. One
 * line in the journal when the connection goes and one when it is back.
 */

#include "parts/bus_link.h"

#include <errno.h>

#include "tell/journal.h"

/* Soon at first: a bus that is restarted is back within a moment. */
#define FIRST_WAIT  (USEC_PER_SEC / 4)
#define LONGEST     (5 * USEC_PER_SEC) /* while a bus that was there is away */
#define NEVER_THERE (60 * USEC_PER_SEC)

static const char meanwhile[] =
	"Until then softofflinectl shows what is stored, and only to root";

static void say_down(const struct bus_link *l, int error)
{
	if (error == -EEXIST)
		journal_log(LOG_WARNING, 0,
			    "The bus name " BUS_NAME
			    " belongs to another program; stop that program. %s",
			    meanwhile);
	else if (error == -EACCES || error == -EPERM)
		journal_log(
			LOG_WARNING, 0,
			"The bus's policy does not let this program have the name " BUS_NAME
			"; install org.softofflined1.conf. %s",
			meanwhile);
	else if (error == -ENOBUFS)
		journal_log(LOG_WARNING, 0,
			    "The system bus takes no more answers: a program does not "
			    "read those that it asked for. Connecting again. %s",
			    meanwhile);
	else if (l->was_up)
		journal_log(LOG_WARNING, 0,
			    "The connection to the system bus ended; trying to connect "
			    "again. %s",
			    meanwhile);
	else
		journal_log(LOG_NOTICE, error, "No system bus; looking for one. %s",
			    meanwhile);
}

void bus_link_down(struct bus_link *l, int error)
{
	int64_t longest = l->was_up ? LONGEST : NEVER_THERE;
	usec_t when = usec_add(clock_boot(), l->wait);

	if (l->state != BUS_LINK_DOWN)
		say_down(l, error);
	l->state = BUS_LINK_DOWN;
	(void)sd_event_source_set_time(l->retry, (uint64_t)when.us);
	(void)sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
	l->wait = usec(2 * l->wait.us < longest ? 2 * l->wait.us : longest);
}

void bus_link_up(struct bus_link *l)
{
	if (l->state == BUS_LINK_DOWN)
		journal_log(LOG_NOTICE, 0, "On the system bus%s.",
			    l->was_up ? " again" : "");
	l->state = BUS_LINK_UP;
	l->was_up = true;
	l->wait = usec(FIRST_WAIT);
}

static void bus_link_connect(struct bus_link *l)
{
	sd_bus *connection = NULL;
	int r = bus_connect(&connection);

	if (r >= 0)
		r = bus_new(&l->bus, connection, l->event, l->ops, l->ctx);
	if (r < 0)
		l->ops->down(l->ctx, r);
}

static int on_retry(sd_event_source *s, uint64_t when, void *userdata)
{
	struct bus_link *l = userdata;

	l->bus = bus_free(l->bus);
	bus_link_connect(l);
	return 0;
}

int bus_link_open(struct bus_link *l, sd_event *event, const struct bus_ops *ops,
		  void *ctx)
{
	int r;

	*l = (struct bus_link){
		.event = event, .ops = ops, .ctx = ctx, .wait = usec(FIRST_WAIT)
	};
	r = sd_event_add_time(event, &l->retry, CLOCK_BOOTTIME, 0, 1000, on_retry, l);
	if (r >= 0)
		r = sd_event_source_set_enabled(l->retry, SD_EVENT_OFF);
	if (r < 0)
		return r;
	bus_link_connect(l);
	return 0;
}

void bus_link_close(struct bus_link *l)
{
	l->retry = sd_event_source_disable_unref(l->retry);
	l->bus = bus_free(l->bus);
}
