/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only door to D-Bus: name org.softofflined1, object /org/softofflined1, interface
 * org.softofflined1.Manager. It turns calls into the operations below and reports into
 * dictionaries, and checks who calls. All users may read, but only root gets secret
 * fields. Only root may act, and ask about one address.
 *
 *   GetStatus()                -> a{sv}
 *   ListPages(a{sv} filter)    -> aa{sv}, t cursor: put it into the filter of the next
 *                                 call; 0: no more rows. An answer may hold few or no
 *                                 rows without being the last. Filter: state s,
 *                                 address t, cursor t, limit u
 *   ListHistory(a{sv} filter)  -> aa{sv}, t cursor: the newest rows, oldest first; a call
 *                                 with the cursor gets the rows before these. Filter:
 *                                 address t, since x, until x, cursor t, limit u
 *   ListErrors(a{sv} filter)   -> as ListHistory
 *   ListDimms()                -> aa{sv}
 *   ListNodes()                -> aa{sv}; none on a kernel without such counters
 *   GetPolicy()                -> s
 *   GetPolicyFor(s label, y mc) -> s, the part that applies to one DIMM
 *   Explain(t address)         -> a{sv}, what would get the page offlined; for root
 *   Reload()                   -> s, the warnings, one a line
 *   Offline(t address)         -> s result, i errno; after the kernel has answered
 *   Forget(t address)
 *   ForgetDimm(s label)
 *   property Version s, Verdict s, Started x
 *   signal Notice(a{sv}): what happened, as struct notice_report; for all users
 *   signal Changed(): after each Notice, for those who only ask again
 *
 * The keys of a dictionary are the keys of the JSON, with dots where the JSON nests; a
 * field that is not known is absent. One answer holds at most BUS_MAX_ROWS rows, and
 * BUS_OTHERS_ROWS for users other than root. No call stops the loop for more than a
 * moment: a list is made in short turns. Calls of root go first. The calls of all other
 * users together get a tenth of the time, and a user with too many waiting calls gets
 * BUS_ERROR_BUSY. Properties and introspection cost little and are answered at once.
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
#define BUS_OTHERS_ROWS    1000  /* in one answer to another user */
#define BUS_OTHERS_PARTS   16    /* of a list, collected for one such answer */
#define BUS_CALLS_PER_USER 8     /* that wait; root has no such limit */
#define BUS_MAX_OFFLINES   64    /* Offline calls that wait for their answer */

/**
 * What the daemon offers. Each gets @ctx, and returns 0 or negative errno; on failure it
 * may write one line to @why (REPORT_TEXT_MAX bytes, empty before the call). up() and
 * down() report the state of the connection and return nothing; they must not free the
 * bus.
 */
struct bus_ops {
	int (*status)(void *ctx, struct status_report *ret);
	/**
	 * pages(), history() and errors() pass a part of a list to @fn: some rows from
	 * f->cursor on, in any order, at most f->limit, found in about a millisecond.
	 * If there may be more rows, they set *ret_cursor (0 before the call) to where
	 * to continue. The number means nothing to others and must not show an address.
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
	/** The same, as it applies to a DIMM with @label on controller @mc. */
	int (*policy_for)(void *ctx, const char *label, uint8_t mc, char **ret_text);
	/** What would get the page at @address offlined. -ENOENT: not known. */
	int (*explain)(void *ctx, uint64_t address, struct outlook_report *ret,
		       char why[REPORT_TEXT_MAX]);
	/**
	 * Reloads the configuration. *ret_text (NULL before the call) lists the findings,
	 * one a line, on success and on -EINVAL alike; to be freed by the caller.
	 */
	int (*reload)(void *ctx, char **ret_text);
	/**
	 * Starts a soft offline of the page at @address. bus_reply_offline() gives the
	 * answer, and may be called from within this operation.
	 */
	int (*offline)(void *ctx, uint64_t address, uint64_t cookie,
		       char why[REPORT_TEXT_MAX]);
	/** Drops the history of the page at @address. -ENOENT: not known. */
	int (*forget)(void *ctx, uint64_t address, char why[REPORT_TEXT_MAX]);
	/** Drops the history of all pages of the DIMM @label. -ENOENT: not known. */
	int (*forget_dimm)(void *ctx, const char *label, char why[REPORT_TEXT_MAX]);
	/** The bus name is ours: calls can come. */
	void (*up)(void *ctx);
	/**
	 * No more calls can come; free the bus later. @error: -ECONNRESET: the
	 * connection ended; -ENOBUFS: the bus takes no more answers; -EEXIST: another
	 * program has the name; -EACCES, -EPERM: the policy of the bus forbids the name;
	 * other negative errno.
	 */
	void (*down)(void *ctx, int error);
};

struct bus;

/**
 * Connects to the system bus, as a client that accepts no file descriptors: a stranger
 * could use ours up. Returns 0 and *ret, or negative errno.
 */
int bus_connect(sd_bus **ret);

/**
 * Takes over the reference to @connection, which is started but not attached to a loop,
 * registers the object, attaches it to @event and asks for the name if the connection
 * leads to a bus daemon; up() or down() reports the result. @ops must live as long as the
 * result.
 *
 * Returns 0 and *ret, to be freed with bus_free(); negative errno, and then the
 * connection is closed.
 */
int bus_new(struct bus **ret, sd_bus *connection, sd_event *event,
	    const struct bus_ops *ops, void *ctx);

/**
 * Answers all open calls with BUS_ERROR_STOPPING, closes the connection and frees @b;
 * NULL is fine. Returns NULL.
 */
struct bus *bus_free(struct bus *b);

/** Answers the Offline call with @cookie; does nothing for an unknown cookie. */
void bus_reply_offline(struct bus *b, uint64_t cookie, enum result result, int error);

/**
 * Emits the signals Notice with @r and Changed. Makes the strings of @r safe to show. What
 * cannot be sent is lost: a listener that must know all reads the journal or the history.
 * Never waits: while the bus takes nothing, a few thousand messages are kept.
 */
void bus_signal_notice(struct bus *b, struct notice_report *r);
