/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Listens to the signal Notice of the daemon, for as long as the bus is there. The daemon
 * may come and go.
 */

#include <systemd/sd-event.h>

#include "tell/report.h"

struct listener;

struct listener_ops {
	/** The daemon said @r. */
	void (*notice)(void *ctx, const struct notice_report *r);
	/** A daemon is on the bus, or none is. First called before listener_new() returns. */
	void (*daemon)(void *ctx, bool runs);
};

/**
 * Connects to the system bus and listens. If the connection ends later, the loop of @event
 * ends with a code other than 0. @ops must live as long as the result.
 *
 * Returns 0 and *ret, to be freed with listener_free(); negative errno.
 */
int listener_new(struct listener **ret, sd_event *event, const struct listener_ops *ops,
		 void *ctx);

/** Frees @l; NULL is fine. Returns NULL. */
struct listener *listener_free(struct listener *l);
