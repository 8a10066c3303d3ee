/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl monitor: follows what the daemon says on the bus, on the screen or to
 * programs. What is worth saying is decided by the daemon. What stands when it begins to
 * listen, or when a daemon comes, is said first.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "ctl.h"
#include "host/clock.h"
#include "notify/hooks.h"
#include "notify/listener.h"
#include "notify/standing.h"

/* Of each of two questions; nothing else is done meanwhile. */
#define ASK_TIMEOUT_USEC (4 * USEC_PER_SEC)

struct monitor {
	const struct ctl *ctl;
	sd_event *event;
	struct hooks *hooks; /* NULL: notices are printed */
	struct standing *standing;
	bool listened; /* the bus has served us */
	uint32_t seen;
	enum ctl_exit exit;
};

DEFINE_CLEANUP(sd_event *, sd_event_unref)
DEFINE_CLEANUP(struct hooks *, hooks_free)
DEFINE_CLEANUP(struct listener *, listener_free)
DEFINE_CLEANUP(struct standing *, standing_free)

/* "DIMM_B0 (slot CPU1 B1): ", as far as it is known. */
static void monitor_print_dimm(const struct notice_report *r)
{
	if (!r->dimm[0])
		return;
	fputs(r->dimm, stdout);
	if (r->slot[0] && strcmp(r->slot, r->dimm) != 0)
		printf(" (slot %s)", r->slot);
	fputs(": ", stdout);
}

/* The daemon's sentence; or what is known of it without the address of the page. */
static void monitor_print_what(const struct notice_report *r)
{
	char text[OUTPUT_TEXT_MAX];
	enum reason reason;

	if (r->message[0]) {
		fputs(r->message, stdout);
		return;
	}
	monitor_print_dimm(r);
	if (strcmp(r->result, "none") != 0 && r->result[0])
		printf("%s, ", r->result);
	if (reason_from_string(r->reason, &reason) == 0 && reason != REASON_NONE)
		printf("%s, ", r->reason);
	printf("%s error%s", text_count(r->count, text), r->count == 1 ? "" : "s");
}

static void monitor_print_text(const struct ui *ui, const struct notice_report *r)
{
	struct ui plain = *ui;
	char text[OUTPUT_TEXT_MAX];
	bool alert = strcmp(r->priority, "crit") == 0 || strcmp(r->priority, "err") == 0;

	plain.terminal = false; /* "ago" would be wrong a minute later */
	printf("%s  %s%-7s%s  %-12s  ", text_time(&plain, r->time, text),
	       alert ? color_alert(ui) : "", r->priority, alert ? color_off(ui) : "",
	       r->kind);
	monitor_print_what(r);
	if (r->verdict_before[0])
		printf(" (was %s)", r->verdict_before);
	if (r->standing == 1)
		fputs(" (standing)", stdout);
	putchar('\n');
}

static void monitor_print_json(const struct notice_report *r)
{
	size_t n;
	const struct report_field *fields = notice_report_fields(&n);
	_cleanup_(json_decref_p) json_t *object = report_to_json(r, fields, n);

	if (object && json_dumpf(object, stdout, JSON_COMPACT) == 0)
		putchar('\n');
}

static void monitor_end(struct monitor *m, enum ctl_exit code)
{
	m->exit = code;
	(void)sd_event_exit(m->event, 0);
}

static bool monitor_has_enough(const struct monitor *m)
{
	return m->ctl->args->lines > 0 && m->seen >= m->ctl->args->lines;
}

static void monitor_say(void *ctx, const struct notice_report *r)
{
	struct monitor *m = ctx;

	if (monitor_has_enough(m))
		return;
	m->seen++;
	if (m->hooks) {
		hooks_put(m->hooks, r);
		return;
	}
	if (m->ctl->ui.json)
		monitor_print_json(r);
	else
		monitor_print_text(&m->ctl->ui, r);
	if (fflush(stdout) != 0 || monitor_has_enough(m))
		monitor_end(m, CTL_FINE); /* main() complains if it was not written */
}

static void monitor_on_notice(void *ctx, const struct notice_report *r)
{
	struct monitor *m = ctx;

	standing_heard(m->standing, r);
	monitor_say(m, r);
}

/* The daemon says a change once: what came about when nobody listened is asked for. */
static void monitor_ask(struct monitor *m)
{
	_cleanup_(rows_done) struct rows dimms = { .size = sizeof(struct dimm_report) };
	_cleanup_(source_free_p) struct source *s = NULL;
	struct status_report status;

	if (source_open_bus(&s) < 0)
		return; /* it has gone: asked again when one comes */
	(void)sd_bus_set_method_call_timeout(s->bus, (uint64_t)ASK_TIMEOUT_USEC);
	if (s->ops->status(s, &status) < 0 || s->ops->dimms(s, rows_add, &dimms) < 0) {
		complain(
			"softofflined does not answer (%.200s): what stands is not known",
			s->why);
		return;
	}
	standing_tell(m->standing, &status, dimms.n > 0 ? rows_at(&dimms, 0) : NULL,
		      dimms.n, usec_add(clock_boot(), clock_wall_offset()).us,
		      monitor_say, m);
}

/* dbus-daemon closes the connection of a user that it does not find. */
static void monitor_complain(int r)
{
	bool closed = r == -ENOTCONN || r == -EPIPE || r == -ECONNRESET;
	const char *hint = closed ? "; it serves users of /etc/passwd only, and "
				    "systemd-sysusers(8) makes a package's"
				  : "";

	complain("cannot listen on the system bus: %s%s", strerror(-r), hint);
}

static void monitor_on_state(void *ctx, enum listener_state state)
{
	struct monitor *m = ctx;

	switch (state) {
	case LISTENER_NO_BUS:
		if (!m->listened) {
			monitor_complain(-ENOTCONN);
			monitor_end(m, CTL_FAILURE);
			return;
		}
		complain("the connection to the system bus has ended; trying again");
		return;
	case LISTENER_NO_DAEMON:
		complain("softofflined is not running; waiting for it");
		break;
	case LISTENER_LISTENS:
		monitor_ask(m);
		break;
	}
	m->listened = true;
	(void)sd_notify(0, "READY=1");
}

static const struct listener_ops ops = {
	.notice = monitor_on_notice,
	.state = monitor_on_state,
};

/* Nobody reads any more, as after "| head": the next notice may be months away. */
static int monitor_on_hangup(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	monitor_end(userdata, CTL_FINE);
	return 0;
}

static void monitor_on_idle(void *userdata)
{
	struct monitor *m = userdata;

	if (monitor_has_enough(m))
		monitor_end(m, CTL_FINE);
}

/* SIGCHLD is for the programs; the others end the loop. */
static int monitor_take_signals(sd_event *event)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
	return r < 0 ? r : sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
}

static int monitor_set_up(struct monitor *m, struct hooks **ret_hooks,
			  struct listener **ret_listener)
{
	const char *program = m->ctl->args->exec;
	int r = monitor_take_signals(m->event);

	if (r >= 0 && program) {
		r = hooks_new(ret_hooks, m->event, program, HOOKS_TIME_LIMIT);
		if (r < 0) {
			complain("%s: %s", program, strerror(-r));
			return r;
		}
		m->hooks = *ret_hooks;
		hooks_on_idle(m->hooks, monitor_on_idle, m);
	}
	/* A file cannot be watched, and does not hang up. */
	if (r >= 0 && !program)
		(void)sd_event_add_io(m->event, NULL, STDOUT_FILENO, 0, monitor_on_hangup,
				      m);
	if (r >= 0)
		r = listener_new(ret_listener, m->event, &ops, m);
	if (r < 0)
		monitor_complain(r);
	return r;
}

int verb_monitor(const struct ctl *ctl)
{
	_cleanup_(sd_event_unref_p) sd_event *event = NULL;
	_cleanup_(hooks_free_p) struct hooks *hooks = NULL;
	_cleanup_(listener_free_p) struct listener *listener = NULL;
	_cleanup_(standing_free_p) struct standing *standing = standing_new();
	struct monitor m = { .ctl = ctl, .standing = standing };
	int r = standing ? sd_event_new(&event) : -ENOMEM;

	if (r < 0) {
		complain("cannot start: %s", strerror(-r));
		return CTL_FAILURE;
	}
	m.event = event;
	if (monitor_set_up(&m, &hooks, &listener) < 0)
		return CTL_FAILURE;
	r = sd_event_loop(event);
	if (r < 0) {
		complain("cannot go on: %s", strerror(-r));
		return CTL_FAILURE;
	}
	return (int)m.exit;
}
