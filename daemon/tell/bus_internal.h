/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the bus*.c files share; no other file includes this header.
 *
 * A call goes through three stations. First bus.c receives the call and reads its
 * arguments. Then the call waits until the bus has named its user, and after that in a
 * line (bus_calls.c). Then bus_methods.c or bus_list.c answers; a long list takes many
 * turns.
 */

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/mem.h"
#include "base/units.h"
#include "tell/bus.h"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)

/** The rows of a list that is being made. */
struct list {
	char *rows; /* reports, one after the other */
	uint32_t n;
	uint32_t allocated;
	uint32_t appended; /* to @reply */
	uint64_t cursor;   /* where to continue */
	bool collected;
	sd_bus_message *reply;
};

/** A method call that is not answered yet. */
struct call {
	TAILQ_ENTRY(call) entry;
	struct bus *bus;
	sd_bus_message *m;
	sd_bus_slot *who; /* the question for the user; NULL once it is answered */
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

/** A turn of a call returns this if the call needs another turn. */
#define CALL_GOES_ON 1

struct method {
	const char *name;
	/* How a refusal names the method; NULL: all users may call it. */
	const char *for_root;
	const struct list_kind *list; /* NULL: the answer is not a list */
	/**
	 * Reads the arguments, and refuses large ones, since they stay in memory. NULL:
	 * there are no arguments. Returns 0 or negative errno, with @error set or not.
	 */
	int (*read)(struct call *c, sd_bus_error *error);
	/** Returns 0: answered; CALL_GOES_ON; negative errno as read(). */
	int (*run)(struct call *c, sd_bus_error *error);
};

/** How a list of reports is made. */
struct list_kind {
	const struct report_field *(*fields)(size_t *ret_n);
	size_t size;                                  /* of a report's struct */
	int (*compare)(const void *a, const void *b); /* NULL: the order of collect() */
	bool has_cursor;                              /* the answer ends with a cursor */
	/** Passes some rows to @fn; *ret_cursor (0 before): where to continue. */
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
	sd_bus_slot *name; /* the request for the name */
	const struct bus_ops *ops;
	void *ctx;

	struct line asked;  /* calls whose user the bus has not named yet */
	struct line root;   /* calls of root that need one turn */
	struct line lists;  /* root's lists */
	struct line others; /* all calls of all other users */
	sd_event_source *turn;
	usec_t rest;   /* @others gets no turn before this time */
	bool given_up; /* the bus takes nothing more from this connection */

	struct status_report status; /* for the properties; made at @status_time */
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
/** Answers all calls with BUS_ERROR_STOPPING and removes the source. */
void bus_calls_done(struct bus *b);
/** True if new calls must be dropped: too many answers wait for the bus to take them. */
bool bus_calls_drop(struct bus *b);
/**
 * Takes in @m, a call of @method. Returns as a handler of sd-bus: 1; negative errno with
 * @error set or not.
 */
int bus_calls_take(struct bus *b, sd_bus_message *m, const struct method *method,
		   sd_bus_error *error);

/*
 * bus_list.c
 */

/** One turn of a call for a list, as struct method.run. */
int bus_list_turn(struct call *c, sd_bus_error *error);
/** Frees the content of @list. */
void bus_list_done(struct list *list);

/*
 * bus_methods.c
 */

/** The method @name, or NULL. */
const struct method *bus_method(const char *name);
/**
 * Fills @error for an operation that failed with @r. @why: one line, or "" for the usual
 * words. Returns negative errno, as handlers of sd-bus do.
 */
int bus_fail(sd_bus_error *error, int r, const char *why);
/** Says in @error that @what is for root only. Returns negative errno. */
int bus_deny(sd_bus_error *error, const char *what);
