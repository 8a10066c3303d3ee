/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Finds the user of each call, and gives each call its turns. This file knows no method.
 *
 * The question for the user goes out on the call's own connection, without waiting: the
 * bus would close a second connection that nobody reads, or a stranger could fill it.
 * Nothing is looked up in /proc by process id: a caller could win a race for that.
 *
 * This file bounds what a stranger may cost, for all methods. Root's calls go first. The
 * calls of all other users together get a tenth of the daemon's time, in turns of about a
 * millisecond; errors are counted between these turns. A user may have a few calls
 * waiting.
 */

#include <errno.h>
#include <string.h>

#include "host/clock.h"
#include "tell/bus_internal.h"

/*
 * Calls that wait for the bus to name their user. The bus allows 256 connections of one
 * user and 2,048 in all (max_connections_per_user, max_completed_connections of
 * dbus-daemon), so one user alone cannot take all places.
 */
#define MAX_ASKED        2048
#define MAX_ASKED_BY_ONE 7 /* of one connection */
#define MAX_ROOT         256
#define MAX_OTHERS       64

/* A call of another user than root rests for this many times as long as its turn took. */
#define REST_PARTS 9
#define MAX_REST   USEC_PER_SEC
/* Answers that the bus has not taken yet: first no turns, then new calls are dropped. */
#define MAX_UNSENT  3
#define DROP_UNSENT 4096
#define UNSENT_REST (USEC_PER_SEC / 100) /* before the next look at MAX_UNSENT */

DEFINE_CLEANUP(sd_bus_creds *, sd_bus_creds_unref)

static void call_free(struct call *c)
{
	sd_bus_slot_unref(c->who);
	bus_list_done(&c->list);
	sd_bus_message_unref(c->m);
	free(c);
}

static unsigned int line_length(const struct line *line)
{
	const struct call *c;
	unsigned int n = 0;

	TAILQ_FOREACH(c, line, entry)
	n++;
	return n;
}

static void line_turn_away(struct line *line)
{
	struct call *c;

	while ((c = TAILQ_FIRST(line))) {
		(void)sd_bus_reply_method_errorf(c->m, BUS_ERROR_STOPPING,
						 "softofflined is stopping.");
		TAILQ_REMOVE(line, c, entry);
		call_free(c);
	}
}

/* An error needs no handling: the caller is gone, or the bus. */
static void call_answer_error(struct call *c, int r, sd_bus_error *error)
{
	(void)sd_bus_reply_method_errno(c->m, r, error);
	sd_bus_error_free(error);
}

static int too_many(sd_bus_error *error)
{
	return sd_bus_error_set(error, BUS_ERROR_BUSY,
				"Too many calls wait for their answers; wait for one.");
}

static void calls_arm(struct bus *b)
{
	usec_t when = usec(0);

	if (TAILQ_EMPTY(&b->root) && TAILQ_EMPTY(&b->lists)) {
		if (TAILQ_EMPTY(&b->others)) {
			(void)sd_event_source_set_enabled(b->turn, SD_EVENT_OFF);
			return;
		}
		when = b->rest;
	}
	(void)sd_event_source_set_time(b->turn, (uint64_t)when.us);
	(void)sd_event_source_set_enabled(b->turn, SD_EVENT_ONESHOT);
}

/*
 * Turns.
 */

static void call_run(struct line *line, struct call *c)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = c->method->run(c, &error);

	if (r == CALL_GOES_ON)
		return;
	if (r < 0)
		call_answer_error(c, r, &error);
	TAILQ_REMOVE(line, c, entry);
	call_free(c);
}

static uint64_t count_unsent(struct bus *b)
{
	uint64_t n = 0;

	return sd_bus_get_n_queued_write(b->connection, &n) < 0 ? 0 : n;
}

bool bus_calls_drop(struct bus *b)
{
	return count_unsent(b) > DROP_UNSENT;
}

/*
 * The bus did not name the user of a call in time. It takes nothing more from a
 * connection when it holds as much of it as it may, because somebody does not read his
 * answers. A new connection starts with nothing held.
 */
static void calls_give_up(struct bus *b)
{
	if (b->given_up)
		return;
	b->given_up = true;
	b->ops->down(b->ctx, -ENOBUFS);
}

static void calls_run_others(struct bus *b)
{
	usec_t begin = clock_boot(), end;
	int64_t rest;

	if (count_unsent(b) > MAX_UNSENT) {
		b->rest = usec_add(begin, usec(UNSENT_REST));
		return;
	}
	call_run(&b->others, TAILQ_FIRST(&b->others));
	end = clock_boot();
	rest = REST_PARTS * usec_sub(end, begin).us;
	b->rest = usec_add(end, usec(rest < MAX_REST ? rest : MAX_REST));
}

static int on_turn(sd_event_source *s, uint64_t when, void *userdata)
{
	struct bus *b = userdata;

	if (!TAILQ_EMPTY(&b->root))
		call_run(&b->root, TAILQ_FIRST(&b->root));
	else if (!TAILQ_EMPTY(&b->lists))
		call_run(&b->lists, TAILQ_FIRST(&b->lists));
	else if (!TAILQ_EMPTY(&b->others))
		calls_run_others(b);
	calls_arm(b);
	return 0;
}

int bus_calls_init(struct bus *b, sd_event *event)
{
	int r;

	TAILQ_INIT(&b->asked);
	TAILQ_INIT(&b->root);
	TAILQ_INIT(&b->lists);
	TAILQ_INIT(&b->others);
	r = sd_event_add_time(event, &b->turn, CLOCK_BOOTTIME, 0, 1, on_turn, b);
	return r < 0 ? r : sd_event_source_set_enabled(b->turn, SD_EVENT_OFF);
}

void bus_calls_done(struct bus *b)
{
	line_turn_away(&b->asked);
	line_turn_away(&b->root);
	line_turn_away(&b->lists);
	line_turn_away(&b->others);
	b->turn = sd_event_source_disable_unref(b->turn);
}

/*
 * Arrival.
 */

static unsigned int calls_of_user(const struct line *line, uid_t uid)
{
	const struct call *c;
	unsigned int n = 0;

	TAILQ_FOREACH(c, line, entry)
	n += c->uid == uid;
	return n;
}

/* The line for the call. NULL: there is no place, and @error says why. */
static struct line *choose_line(struct bus *b, const struct call *c, sd_bus_error *error)
{
	if (c->uid == 0) {
		if (line_length(&b->root) + line_length(&b->lists) < MAX_ROOT)
			return c->method->list ? &b->lists : &b->root;
	} else if (c->method->for_root) {
		bus_deny(error, c->method->for_root);
		return NULL;
	} else if (line_length(&b->others) < MAX_OTHERS &&
		   calls_of_user(&b->others, c->uid) < BUS_CALLS_PER_USER) {
		return &b->others;
	}
	too_many(error);
	return NULL;
}

/* Takes over @c, whose user is known. */
static void call_line_up(struct bus *b, struct call *c)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	struct line *line = choose_line(b, c, &error);

	if (!line) {
		call_answer_error(c, -EACCES, &error);
		call_free(c);
		return;
	}
	TAILQ_INSERT_TAIL(line, c, entry);
	calls_arm(b);
}

static void refuse_unknown(struct call *c, const sd_bus_error *why)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;

	/* A caller that is gone needs no answer. */
	if (sd_bus_error_has_name(why, SD_BUS_ERROR_NO_REPLY)) {
		calls_give_up(c->bus);
	} else if (!sd_bus_error_has_name(why, SD_BUS_ERROR_NAME_HAS_NO_OWNER)) {
		sd_bus_error_setf(&error, BUS_ERROR_BUSY,
				  "The bus did not say who calls: %s. Call again.",
				  why->message ? why->message : why->name);
		call_answer_error(c, -EBUSY, &error);
	}
	call_free(c);
}

static int on_user(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
	const sd_bus_error *why = sd_bus_message_get_error(reply);
	struct call *c = userdata;
	struct bus *b = c->bus;
	uint32_t uid;

	c->who = sd_bus_slot_unref(c->who);
	TAILQ_REMOVE(&b->asked, c, entry);
	if (!why && sd_bus_message_read(reply, "u", &uid) >= 0) {
		c->uid = uid;
		call_line_up(b, c);
	} else if (why) {
		refuse_unknown(c, why);
	} else {
		call_free(c);
	}
	return 0;
}

static bool may_ask(const struct bus *b, const char *sender)
{
	unsigned int all = 0, of_one = 0;
	const struct call *c;

	TAILQ_FOREACH(c, &b->asked, entry)
	{
		all++;
		of_one += strcmp(sd_bus_message_get_sender(c->m), sender) == 0;
	}
	return all < MAX_ASKED && of_one < MAX_ASKED_BY_ONE;
}

static int call_ask(struct bus *b, struct call *c, const char *sender,
		    sd_bus_error *error)
{
	int r;

	if (!may_ask(b, sender))
		return too_many(error);
	r = sd_bus_call_method_async(b->connection, &c->who, "org.freedesktop.DBus",
				     "/org/freedesktop/DBus", "org.freedesktop.DBus",
				     "GetConnectionUnixUser", on_user, c, "s", sender);
	if (r >= 0)
		TAILQ_INSERT_TAIL(&b->asked, c, entry);
	return r;
}

/* Without a bus daemon the socket itself proves the user. */
static int take_peers_user(struct call *c)
{
	_cleanup_(sd_bus_creds_unref_p) sd_bus_creds *creds = NULL;
	int r = sd_bus_query_sender_creds(c->m, SD_BUS_CREDS_EUID, &creds);

	return r < 0 ? r : sd_bus_creds_get_euid(creds, &c->uid);
}

static int call_arrive(struct bus *b, struct call *c, sd_bus_error *error)
{
	const char *sender = sd_bus_message_get_sender(c->m);
	int r = c->method->read ? c->method->read(c, error) : 0;

	if (r < 0)
		return r;
	if (sender)
		return call_ask(b, c, sender, error);
	r = take_peers_user(c);
	if (r >= 0)
		call_line_up(b, c);
	return r;
}

int bus_calls_take(struct bus *b, sd_bus_message *m, const struct method *method,
		   sd_bus_error *error)
{
	struct call *c;
	int r;

	/* A call for information, without a wish for an answer, is ignored. */
	if (!method->for_root && !sd_bus_message_get_expect_reply(m))
		return 1;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->bus = b;
	c->m = sd_bus_message_ref(m);
	c->method = method;
	r = call_arrive(b, c, error);
	if (r < 0)
		call_free(c);
	return r < 0 ? r : 1;
}
