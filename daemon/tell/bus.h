/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only door to D-Bus: name org.softofflined1, object /org/softofflined1, interface
 * org.softofflined1.Manager. It turns calls into the operations below and reports into
 * dictionaries, and checks who calls: reading is for all, with secret fields withheld
 * from everybody but root; acting, and asking about one address, is for root.
 *
 *   GetStatus()                -> a{sv}
 *   ListPages(a{sv} filter)    -> aa{sv}, t cursor: to be given back in the next call's
 *                                 filter; 0: that was all. An answer may hold few rows or
 *                                 none, and yet not be the last. Filter: state s,
 *                                 address t, cursor t, limit u
 *   ListHistory(a{sv} filter)  -> aa{sv}, t cursor: the newest rows, oldest first; with
 *                                 the cursor those before them. Filter: address t,
 *                                 since x, until x, cursor t, limit u
 *   ListErrors(a{sv} filter)   -> as ListHistory
 *   ListDimms()                -> aa{sv}
 *   ListNodes()                -> aa{sv}; none on a kernel without such counters
 *   GetPolicy()                -> s
 *   GetPolicyFor(s label, y mc) -> s, what of it applies to one DIMM
 *   Explain(t address)         -> a{sv}, what would have the page offlined; for root
 *   Reload()                   -> s, the warnings, one a line
 *   Offline(t address)         -> s result, i errno; after the kernel has answered
 *   Forget(t address)
 *   ForgetDimm(s label)
 *   property Version s, Verdict s, Started x; signal Changed()
 *
 * A dictionary's keys are those of the JSON, with dots where that nests; what is not
 * known is absent. One answer holds at most BUS_MAX_ROWS rows, and less for others than
 * root. No call holds the loop up for more than a moment: a list is made in short turns.
 * Calls of root go first; those of all others together get a tenth of the time, and who
 * has too many calls waiting is refused with BUS_ERROR_BUSY. Properties and introspection
 * cost little, and are answered at once.
 */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "tell/report.h"

#define BUS_NAME      "org.softofflined1"
#define BUS_PATH      "/org/softofflined1"
#define BUS_INTERFACE "org.softofflined1.Manager"

#define BUS_ERROR_NOT_FOUND "org.softofflined1.Error.NotFound"
#define BUS_ERROR_INVALID   "org.softofflined1.Error.InvalidArgument"
#define BUS_ERROR_CONFIG    "org.softofflined1.Error.ConfigurationRefused"
#define BUS_ERROR_BUSY      "org.softofflined1.Error.Busy"
#define BUS_ERROR_STOPPING  "org.softofflined1.Error.Stopping"

#define BUS_MAX_ROWS       10000 /* in one answer to root */
#define BUS_OTHERS_ROWS    1000  /* in one answer to anybody else */
#define BUS_OTHERS_PARTS   16    /* of a list that are collected for one such answer */
#define BUS_CALLS_PER_USER 8     /* that wait, but for root's */
#define BUS_MAX_OFFLINES   64    /* Offline calls that wait for their answer */

/**
 * What the daemon offers. @ctx is handed back. up() and down() tell how the connection
 * fares and return nothing; within them the bus must not be freed. Each returns 0 or
 * negative errno; @why (of REPORT_TEXT_MAX bytes, empty at first) may receive one line on
 * failure.
 */
struct bus_ops {
	int (*status)(void *ctx, struct status_report *ret);
	/**
	 * These three give a part of a list: some rows from f->cursor on, in an order of
	 * the callee's choice, at most f->limit, found in about a millisecond.
	 * *ret_cursor (0 before the call) is to be set where to go on if there may be
	 * more. The number means nothing to anybody else, and must not tell an address.
	 *
	 * Struct page_report.
	 */
	int (*pages)(void *ctx, const struct report_filter *f, report_fn fn,
		     void *userdata, uint64_t *ret_cursor);
	/** Struct history_report, the newest part first. */
	int (*history)(void *ctx, const struct report_filter *f, report_fn fn,
		       void *userdata, uint64_t *ret_cursor);
	/** Struct ce_report, the newest part first. */
	int (*errors)(void *ctx, const struct report_filter *f, report_fn fn,
		      void *userdata, uint64_t *ret_cursor);
	/** Struct dimm_report. */
	int (*dimms)(void *ctx, report_fn fn, void *userdata);
	/** Struct node_report, by node. */
	int (*nodes)(void *ctx, report_fn fn, void *userdata);
	/** The effective configuration as canonical text, to be freed by the caller. */
	int (*policy)(void *ctx, char **ret_text);
	/** What of it applies to a DIMM with @label on controller @mc; the same. */
	int (*policy_for)(void *ctx, const char *label, uint8_t mc, char **ret_text);
	/** What would have the page at @address offlined. -ENOENT: not known. */
	int (*explain)(void *ctx, uint64_t address, struct outlook_report *ret,
		       char why[REPORT_TEXT_MAX]);
	/**
	 * Reloads the configuration. *ret_text (NULL before the call) lists the findings,
	 * one a line, on success and on -EINVAL alike; to be freed by the caller.
	 */
	int (*reload)(void *ctx, char **ret_text);
	/**
	 * Starts a soft offline of the page at @address; answered by bus_reply_offline(),
	 * which may be called from within.
	 */
	int (*offline)(void *ctx, uint64_t address, uint64_t cookie,
		       char why[REPORT_TEXT_MAX]);
	/** Drops the history of the page at @address. -ENOENT: not known. */
	int (*forget)(void *ctx, uint64_t address, char why[REPORT_TEXT_MAX]);
	/** Drops the history of every page of the DIMM with @label. -ENOENT: not known.
	 */
	int (*forget_dimm)(void *ctx, const char *label, char why[REPORT_TEXT_MAX]);
	/** The name is ours: calls come. */
	void (*up)(void *ctx);
	/**
	 * No calls come, and none will; the bus is to be freed. @error: -ECONNRESET: the
	 * connection ended; -ENOBUFS: the bus takes no more answers; -EEXIST: another
	 * program has the name; -EACCES, -EPERM: the bus's policy does not let us have
	 * it; other negative errno.
	 */
	void (*down)(void *ctx, int error);
};

struct bus;

/**
 * Connects to the system bus, as a client that takes no file descriptors: a stranger's
 * would use up ours. Returns 0 and *ret, or negative errno.
 */
int bus_connect(sd_bus **ret);

/**
 * Takes over the reference to @connection, which is started but not attached to a loop,
 * registers the object, attaches it to @event and asks for the name if there is a bus
 * daemon behind the connection; what comes of that, up() or down() tells. @ops must live
 * as long as the result.
 *
 * Returns 0 and *ret, to be freed with bus_free(); negative errno, and then the
 * connection is closed.
 */
int bus_new(struct bus **ret, sd_bus *connection, sd_event *event,
	    const struct bus_ops *ops, void *ctx);

/**
 * Answers what is unanswered with BUS_ERROR_STOPPING, closes the connection and frees @b;
 * NULL is fine. Returns NULL.
 */
struct bus *bus_free(struct bus *b);

/** Answers the Offline call with @cookie: a result word and an errno. Unknown cookie:
 * no-op. */
void bus_reply_offline(struct bus *b, uint64_t cookie, enum result result, int error);

/** Emits the signal Changed(): "something changed, ask again if you care". */
void bus_signal_changed(struct bus *b);
