/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Listens to the signal Notice of the daemon. Daemon and bus may come and go.
 */

#include <systemd/sd-event.h>

#include "tell/report.h"

struct listener;

enum listener_state {
	LISTENER_NO_BUS,    /* the connection has ended; it is tried again and again */
	LISTENER_NO_DAEMON, /* the bus is there, and no daemon on it */
	LISTENER_LISTENS,
};

struct listener_ops {
	/** The daemon said @r. */
	void (*notice)(void *ctx, const struct notice_report *r);
	/** The state is known, or is another one. */
	void (*state)(void *ctx, enum listener_state state);
};

/**
 * Begins to listen on the system bus; the loop of @event does the rest. Nothing here waits
 * for the bus. Only the owner of the daemon's name is heard: any user could send a signal to
 * this connection alone. @ops must live as long as the result.
 *
 * Returns 0 and *ret, to be freed with listener_free(); negative errno if there is no bus.
 */
int listener_new(struct listener **ret, sd_event *event, const struct listener_ops *ops,
		 void *ctx);

/** Frees @l; NULL is fine. Returns NULL. */
struct listener *listener_free(struct listener *l);
