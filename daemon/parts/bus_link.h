/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The connection to the system bus: made, lost and made again. The bus is optional: an
 * initramfs or a container may have none, and it may be restarted under a running daemon.
 * The requests that come over the bus are not known here.
 */

#include "host/clock.h"
#include "tell/bus.h"

struct bus_link {
	struct bus *bus; /* NULL: not connected */
	sd_event *event;
	const struct bus_ops *ops;
	void *ctx;
	enum {
		BUS_LINK_NEW,  /* whether there is a bus is not known yet */
		BUS_LINK_UP,   /* the name is ours */
		BUS_LINK_DOWN, /* no bus, and the journal says so */
	} state;
	bool was_up;            /* at any time */
	usec_t wait;            /* before the next try */
	sd_event_source *retry; /* the next try */
};

/**
 * Connects to the bus now, or once there is one. @ops->up must call bus_link_up(), and
 * @ops->down bus_link_down(). Returns 0; negative errno if no timer can be had.
 */
int bus_link_open(struct bus_link *l, sd_event *event, const struct bus_ops *ops,
		  void *ctx);

/** Calls come: as the member up of struct bus_ops. */
void bus_link_up(struct bus_link *l);

/** No calls come, because of @error: as the member down of struct bus_ops. */
void bus_link_down(struct bus_link *l, int error);

/** Leaves the bus for good. */
void bus_link_close(struct bus_link *l);
