/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the bus*.c files share among themselves; nobody else includes it.
 *
 * A call goes through three stations. It arrives (bus.c) and its arguments are read. It
 * waits until the bus has said whose call it is, and then in a line (bus_calls.c). It is
 * answered (bus_methods.c, bus_list.c), a long list in many short turns.
 */

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/mem.h"
#include "base/units.h"
#include "tell/bus.h"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)

/** Rows of a list while it is made. */
struct list {
	char *rows; /* reports, one after the other */
	uint32_t n;
	uint32_t allocated;
	uint32_t appended; /* to @reply */
	uint64_t cursor;   /* where to go on */
	bool collected;
	sd_bus_message *reply;
};

/** A method call that is not answered yet. */
struct call {
	TAILQ_ENTRY(call) entry;
	struct bus *bus;
	sd_bus_message *m;
	sd_bus_slot *who; /* the question whose call it is; NULL once that is known */
	const struct method *method;
	uid_t uid;
	struct report_filter filter;
	uint64_t address;
	const char *label; /* points into @m */
	uint8_t mc;
	struct list list;
	unsigned int turns;
};

TAILQ_HEAD(line, call);

/** What a turn of a call returns if it is not at its end. */
#define CALL_GOES_ON 1

struct method {
	const char *name;
	const char *for_root; /* what others are told that this is; NULL: it is for all */
	const struct list_kind *list; /* NULL: the answer is no list */
	/**
	 * Reads the arguments. What it lets pass is small, since it stays in memory.
	 * NULL: there are none. Returns 0 or negative errno, with @error set or not.
	 */
	int (*read)(struct call *c, sd_bus_error *error);
	/** Returns 0: it is answered; CALL_GOES_ON; negative errno as read(). */
	int (*run)(struct call *c, sd_bus_error *error);
};

/** A list of reports: what it is made of. */
struct list_kind {
	const struct report_field *(*fields)(size_t *ret_n);
	size_t size;                                  /* of a report's struct */
	int (*compare)(const void *a, const void *b); /* the order; NULL: as they came */
	bool has_cursor; /* the answer ends with where to go on */
	/** Gives some rows; *ret_cursor (0 before the call): where to go on. */
	int (*collect)(const struct bus *b, const struct report_filter *f, report_fn fn,
		       void *userdata, uint64_t *ret_cursor);
};

struct offline_call {
	uint64_t cookie;
	sd_bus_message *call; /* NULL: the slot is free */
};

struct bus {
	sd_bus *connection;
	sd_bus_slot *object;
	sd_bus_slot *gone; /* the match for the end of the connection */
	sd_bus_slot *filter;
	sd_bus_slot *name; /* the question for the name */
	const struct bus_ops *ops;
	void *ctx;

	struct line asked;  /* calls that wait to be told whose they are */
	struct line root;   /* calls of root that are answered at once */
	struct line lists;  /* root's lists */
	struct line others; /* all calls of everybody else */
	sd_event_source *turn;
	usec_t rest;   /* the others get no turn before */
	bool given_up; /* the bus takes nothing more from this connection */

	struct status_report status; /* as it was at @status_time, for the properties */
	usec_t status_time;

	struct offline_call offlines[BUS_MAX_OFFLINES];
};

/*
 * bus_calls.c
 */

/**
 * Sets up the lines of @b, and the source in @event that works on them. Returns 0 or
 * negative errno.
 */
int bus_calls_init(struct bus *b, sd_event *event);
/** Answers all calls with BUS_ERROR_STOPPING, and removes the source. */
void bus_calls_done(struct bus *b);
/** True if a further call is to be dropped: too many answers wait for the bus to take
 * them.
 */
bool bus_calls_drop(struct bus *b);
/**
 * Takes a call of @method that came in. Returns as a handler of sd-bus: 1; negative errno
 * with @error set or not.
 */
int bus_calls_take(struct bus *b, sd_bus_message *m, const struct method *method,
		   sd_bus_error *error);

/*
 * bus_list.c
 */

/** A turn of a call for a list, as struct method.run. */
int bus_list_turn(struct call *c, sd_bus_error *error);
/** Frees what @list holds. */
void bus_list_done(struct list *list);

/*
 * bus_methods.c
 */

/** The method @name, or NULL. */
const struct method *bus_method(const char *name);
/**
 * Fills @error for a failed operation; @why may be empty. Returns negative errno, as
 * handlers of sd-bus do.
 */
int bus_fail(sd_bus_error *error, int r, const char *why);
/** Says in @error that @what is for root only. Returns negative errno. */
int bus_deny(sd_bus_error *error, const char *what);
