/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Being on the system bus, and coming back to it. The bus is optional: in an initramfs or
 * a container there may be none, and it may be restarted under a running daemon. What is
 * asked over the bus is not known here.
 */

#include <errno.h>
#include <systemd/sd-daemon.h>

#include "loop/daemon_internal.h"
#include "tell/journal.h"

/* Soon at first, since a bus that is restarted is back in a moment. */
#define FIRST_WAIT  (USEC_PER_SEC / 4)
#define LONGEST     (5 * USEC_PER_SEC) /* while a bus that was there is away */
#define NEVER_THERE (60 * USEC_PER_SEC)

static const char meanwhile[] =
	"Until then softofflinectl shows what is stored, and only "
	"to root";

static void tell_down(struct daemon *d, int error)
{
	if (d->bus_told)
		return;
	d->bus_told = true;
	if (error == -EEXIST)
		journal_log(LOG_WARNING, 0,
			    "The bus name " BUS_NAME " is another program's; stop that "
			    "program. %s",
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
			    "read those that it asked for. Connecting once more. %s",
			    meanwhile);
	else if (d->bus_was_up)
		journal_log(
			LOG_WARNING, 0,
			"The connection to the system bus ended; trying to be back. %s",
			meanwhile);
	else
		journal_log(LOG_NOTICE, error, "No system bus; looking for one. %s",
			    meanwhile);
}

/* Who waits for the start of the daemon may call it right after. */
void daemon_tell_ready(struct daemon *d)
{
	if (!d->works || !d->bus_settled || d->ready_told)
		return;
	d->ready_told = true;
	(void)sd_notify(0, "READY=1");
}

static void settle(struct daemon *d)
{
	d->bus_settled = true;
	daemon_tell_ready(d);
}

void daemon_bus_down(void *ctx, int error)
{
	struct daemon *d = ctx;
	int64_t longest = d->bus_was_up ? LONGEST : NEVER_THERE;

	tell_down(d, error);
	(void)sd_event_source_set_time(
		d->bus_retry, (uint64_t)usec_add(clock_boot(), usec(d->bus_wait.us)).us);
	(void)sd_event_source_set_enabled(d->bus_retry, SD_EVENT_ONESHOT);
	d->bus_wait = usec(2 * d->bus_wait.us);
	if (d->bus_wait.us > longest)
		d->bus_wait = usec(longest);
	settle(d);
}

void daemon_bus_up(void *ctx)
{
	struct daemon *d = ctx;

	if (d->bus_told)
		journal_log(LOG_NOTICE, 0, "On the system bus%s.",
			    d->bus_was_up ? " again" : "");
	d->bus_told = false;
	d->bus_was_up = true;
	d->bus_wait = usec(FIRST_WAIT);
	settle(d);
}

static void open_bus(struct daemon *d)
{
	sd_bus *connection = NULL;
	int r = bus_connect(&connection);

	if (r >= 0)
		r = bus_new(&d->bus, connection, d->event, &daemon_bus_ops, d);
	if (r < 0)
		daemon_bus_down(d, r);
}

static int on_retry(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;

	d->bus = bus_free(d->bus);
	open_bus(d);
	return 0;
}

int daemon_open_bus(struct daemon *d)
{
	int r = sd_event_add_time(d->event, &d->bus_retry, CLOCK_BOOTTIME, 0, 1000,
				  on_retry, d);

	if (r >= 0)
		r = sd_event_source_set_enabled(d->bus_retry, SD_EVENT_OFF);
	if (r < 0)
		return r;
	d->bus_wait = usec(FIRST_WAIT);
	open_bus(d);
	return 0;
}

void daemon_close_bus(struct daemon *d)
{
	d->bus_retry = sd_event_source_disable_unref(d->bus_retry);
	d->bus = bus_free(d->bus);
}
