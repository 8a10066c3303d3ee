/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl probe: the daemon's verdict in one line and one exit code, in the form
 * that a monitoring system expects. The verdict is the daemon's; this file only says it in
 * their words.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ctl.h"
#include "host/clock.h"

/* They wait ten seconds or more, and have no use for an answer that comes later. */
#define PROBE_LIMIT_SEC 8
#define PROBE_TEXT_MAX  512
#define NPD_TEXT_MAX    80 /* max_output_length of node-problem-detector */

/* As Nagios numbers them. */
enum probe_state { PROBE_OK, PROBE_WARNING, PROBE_CRITICAL, PROBE_UNKNOWN };

struct probe {
	enum probe_state state;
	char text[PROBE_TEXT_MAX];
	struct status_report status;
	bool has_status;
};

static const char *probe_word(enum probe_state state)
{
	switch (state) {
	case PROBE_OK:
		return "ok";
	case PROBE_WARNING:
		return "warning";
	case PROBE_CRITICAL:
		return "critical";
	case PROBE_UNKNOWN:
		break;
	}
	return "unknown";
}

_printf_(3, 4) static void probe_set(struct probe *p, enum probe_state state,
				     const char *format, ...)
{
	va_list ap;

	p->state = state;
	va_start(ap, format);
	vsnprintf(p->text, sizeof(p->text), format, ap);
	va_end(ap);
}

/* The DIMM with the worst verdict; VERDICT_OK if there is none that needs anybody. */
static enum verdict probe_worst(const struct rows *dimms, const struct dimm_report **ret)
{
	enum verdict worst = VERDICT_OK, verdict;

	for (size_t i = 0; i < dimms->n; i++) {
		const struct dimm_report *d = rows_at(dimms, i);

		if (d->former == 1 || verdict_from_string(d->verdict, &verdict) < 0 ||
		    verdict < VERDICT_REPAIR || verdict <= worst)
			continue;
		worst = verdict;
		*ret = d;
	}
	return worst;
}

static void probe_set_dimm(struct probe *p, enum probe_state state, const char *what,
			   const struct dimm_report *d)
{
	bool slot = d->slot[0] && strcmp(d->slot, d->label) != 0;

	probe_set(p, state, "%s %s%s%s%s: %s", what, d->label, slot ? " (slot " : "",
		  slot ? d->slot : "", slot ? ")" : "", d->verdict_why);
}

static void probe_judge(struct probe *p, const struct rows *dimms)
{
	const struct status_report *s = &p->status;
	const struct dimm_report *d = NULL;
	enum verdict worst = probe_worst(dimms, &d);
	enum verdict verdict;

	if (verdict_from_string(s->verdict, &verdict) < 0) {
		probe_set(p, PROBE_UNKNOWN, "the daemon gave no verdict");
		return;
	}
	if (verdict == VERDICT_REPLACE) {
		if (worst == VERDICT_REPLACE)
			probe_set_dimm(p, PROBE_CRITICAL, "replace", d);
		else
			probe_set(p, PROBE_CRITICAL, "replace a DIMM: %s",
				  s->verdict_why);
		return;
	}
	if (worst == VERDICT_REPAIR)
		probe_set_dimm(p, PROBE_WARNING, "cold reboot to repair", d);
	else if (s->source_up == 0)
		probe_set(p, PROBE_UNKNOWN, "memory errors cannot be seen: %s",
			  s->source_why);
	else
		probe_set(p, verdict >= VERDICT_DEGRADED ? PROBE_WARNING : PROBE_OK,
			  "%s: %s", s->verdict, s->verdict_why);
}

static void probe_ask(struct probe *p)
{
	_cleanup_(rows_done) struct rows dimms = { .size = sizeof(struct dimm_report) };
	_cleanup_(source_free_p) struct source *s = NULL;

	if (source_open_bus(&s) < 0) {
		probe_set(p, PROBE_UNKNOWN, "softofflined is not on the system bus");
		return;
	}
	if (s->ops->status(s, &p->status) < 0 || s->ops->dimms(s, rows_add, &dimms) < 0) {
		probe_set(p, PROBE_UNKNOWN, "softofflined does not answer: %.200s",
			  s->why);
		return;
	}
	p->has_status = true;
	probe_judge(p, &dimms);
}

/* Asks in a process of its own: what hangs, as a bus that takes nothing, ends with it. */
__attribute__((noreturn)) static void probe_child(int to, pid_t parent)
{
	struct probe p = { .text = "" };
	const char *at = (const char *)&p;
	size_t left = sizeof(p);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	probe_ask(&p);
	while (left > 0) {
		ssize_t n = write(to, at, left);

		if (n <= 0)
			_exit(1);
		at += n;
		left -= (size_t)n;
	}
	_exit(0);
}

/* Reads *p whole, within the limit. */
static bool probe_hear(int from, struct probe *p)
{
	usec_t end = usec_add(clock_boot(), usec(PROBE_LIMIT_SEC * USEC_PER_SEC));
	char *at = (char *)p;
	size_t left = sizeof(*p);

	while (left > 0) {
		int64_t rest = usec_sub(end, clock_boot()).us / 1000;
		struct pollfd fd = { .fd = from, .events = POLLIN };
		ssize_t n;

		if (rest <= 0 || poll(&fd, 1, (int)rest) <= 0)
			return false;
		n = read(from, at, left);
		if (n <= 0)
			return false;
		at += n;
		left -= (size_t)n;
	}
	return true;
}

static void probe_run(struct probe *p)
{
	pid_t self = getpid(), pid;
	int fd[2];

	probe_set(p, PROBE_UNKNOWN, "cannot start: %s", strerror(ENOMEM));
	if (pipe2(fd, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0)
		probe_child(fd[1], self);
	close(fd[1]);
	if (pid > 0 && !probe_hear(fd[0], p)) {
		*p = (struct probe){ .has_status = false };
		probe_set(p, PROBE_UNKNOWN, "softofflined does not answer within %d s",
			  PROBE_LIMIT_SEC);
	}
	close(fd[0]);
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
}

/* A bar would begin the performance data. */
static void probe_as_nagios(struct probe *p)
{
	const struct status_report *s = &p->status;

	for (char *c = p->text; *c; c++)
		if (*c == '|')
			*c = '/';
	printf("SOFTOFFLINED ");
	for (const char *c = probe_word(p->state); *c; c++)
		putchar(*c - 'a' + 'A');
	printf(" - %s", p->text);
	if (p->has_status)
		printf(" | corrected_errors=%" PRIu64 "c uncorrected_errors=%" PRIu64
		       "c pages_offlined=%" PRIu64 " pages_pending=%" PRIu64,
		       s->corrected_errors, s->uncorrected_errors, s->offlined,
		       s->pending);
	putchar('\n');
}

static int probe_nagios_code(enum probe_state state)
{
	return (int)state;
}

/* What is longer node-problem-detector cuts, in the middle of a letter if need be. */
static void probe_as_npd(struct probe *p)
{
	size_t len = strlen(p->text);

	if (len > NPD_TEXT_MAX) {
		len = NPD_TEXT_MAX - 3;
		while (len > 0 && ((unsigned char)p->text[len] & 0xc0) == 0x80)
			len--;
		strcpy(p->text + len, "...");
	}
	puts(p->text);
}

/* Anything but 0 and 1 is "unknown" to it. */
static int probe_npd_code(enum probe_state state)
{
	switch (state) {
	case PROBE_OK:
		return 0;
	case PROBE_WARNING:
	case PROBE_CRITICAL:
		return 1;
	case PROBE_UNKNOWN:
		break;
	}
	return 2;
}

static void probe_as_nhc(struct probe *p)
{
	printf("softofflined: %s: %s\n", probe_word(p->state), p->text);
}

/* A node is drained for a finding only: not because nobody could look. */
static int probe_nhc_code(enum probe_state state)
{
	return state == PROBE_CRITICAL;
}

static const struct {
	const char *name;
	void (*print)(struct probe *p);
	int (*code)(enum probe_state state);
} forms[] = {
	{ "nagios", probe_as_nagios, probe_nagios_code },
	{ "npd", probe_as_npd, probe_npd_code },
	{ "nhc", probe_as_nhc, probe_nhc_code },
};

int verb_probe(const struct ctl *ctl)
{
	const char *as = ctl->args->as;
	struct probe p = { .text = "" };
	size_t i = 0;

	while (as && i < ARRAY_SIZE(forms) && strcmp(as, forms[i].name) != 0)
		i++;
	if (!as || i == ARRAY_SIZE(forms)) {
		complain("probe needs --as=nagios, --as=npd or --as=nhc");
		return CTL_USAGE;
	}
	probe_run(&p);
	if (!ctl->ui.json)
		forms[i].print(&p);
	else if (print_json(json_pack("{s:s, s:s}", "state", probe_word(p.state),
				      "message", p.text)) != CTL_FINE)
		p.state = PROBE_UNKNOWN;
	/* The code for a failure is a finding to them. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("cannot write: %s", strerror(errno));
		clearerr(stdout);
		p.state = PROBE_UNKNOWN;
	}
	return forms[i].code(p.state);
}
