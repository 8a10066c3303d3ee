/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Sends a line to the journal with the fields that scripts search by, or to standard
 * error. The sentences of the notices are made in journal_sentence.c. What is worth a
 * line, and how often, is decided by the caller.
 */

#include "tell/journal.h"

#include <stdarg.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define MAX_FIELDS     20
#define FIELD_MAX      512
#define SENTENCE_MAX   (FIELD_MAX - 16) /* with "MESSAGE=" before it */
#define SPAN_TEXT_MAX  32

struct message {
	bool to_journal; /* else only the sentence is written, and no field is made */
	unsigned int n;
	char fields[MAX_FIELDS][FIELD_MAX];
};

static void message_begin(struct message *m)
{
	/* Not to the journal if somebody watches on a terminal. */
	m->to_journal = !isatty(STDERR_FILENO) && access(JOURNAL_SOCKET, F_OK) == 0;
	m->n = 0;
}

_printf_(3, 4) static void message_add(struct message *m, const char *name,
				       const char *format, ...)
{
	va_list ap;
	int n;

	if (!m->to_journal || m->n == MAX_FIELDS)
		return;
	n = snprintf(m->fields[m->n], FIELD_MAX, "%s=", name);
	va_start(ap, format);
	vsnprintf(m->fields[m->n] + n, FIELD_MAX - (size_t)n, format, ap);
	va_end(ap);
	m->n++;
}

static void message_send(struct message *m, int priority, const char *sentence)
{
	struct iovec iov[MAX_FIELDS];

	if (!m->to_journal) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "softofflined: %s\n", sentence);
		else
			fprintf(stderr, "<%d>%s\n", priority, sentence);
		return;
	}
	message_add(m, "MESSAGE", "%s", sentence);
	message_add(m, "PRIORITY", "%d", priority);
	message_add(m, "SYSLOG_IDENTIFIER", "softofflined");
	for (unsigned int i = 0; i < m->n; i++)
		iov[i] = (struct iovec){ m->fields[i], strlen(m->fields[i]) };
	(void)sd_journal_sendv(iov, (int)m->n);
}

/*
 * Notices.
 */

static const struct {
	const char *id;
	int priority;
} kinds[] = {
#define X(id, word, limited, priority, message_id) { message_id, LOG_##priority },
	NOTICE_LIST(X)
#undef X
};

int journal_priority(const struct notice *r)
{
	/* Pages wait for the next hour; the other budgets are used up for good. */
	if (r->kind == NOTICE_BUDGET && r->result == RESULT_BUDGET_HOUR)
		return LOG_WARNING;
	if (r->kind == NOTICE_VERDICT && r->verdict < VERDICT_REPLACE)
		return LOG_WARNING;
	/* Nothing is wrong: it is tried again, or an operator wants it so. */
	if ((r->kind == NOTICE_PAGE_FAILED && r->retry_at.us > 0) ||
	    (r->kind == NOTICE_PAGE_REFUSED && r->result == RESULT_ACCOUNT))
		return LOG_NOTICE;
	/* In a virtual machine it is as expected, and errors that are seen are counted. */
	if (r->kind == NOTICE_BLIND &&
	    (r->sight == SIGHT_CAUSE_GUEST || sight_cause_up(r->sight)))
		return LOG_WARNING;
	return kinds[r->kind].priority;
}

static void message_add_page(struct message *m, const struct notice *r,
			     const struct journal_context *c)
{
	char span[SPAN_TEXT_MAX];

	message_add(m, "SOFTOFFLINE_PFN", "0x%llx", (unsigned long long)r->pfn.n);
	message_add(m, "SOFTOFFLINE_ADDRESS", "0x%llx",
		    (unsigned long long)pfn_to_paddr(r->pfn, c->page_shift).addr);
	message_add(m, "SOFTOFFLINE_PAGE_TYPE", "%s", frame_kind_to_string(r->page_type));
	if (r->threshold.count > 0) {
		message_add(m, "SOFTOFFLINE_IN_WINDOW", "%u", r->in_window);
		message_add(m, "SOFTOFFLINE_THRESHOLD", "%u", r->threshold.count);
		message_add(m, "SOFTOFFLINE_WINDOW", "%s",
			    config_format_span(r->threshold.window, span, sizeof(span)));
		message_add(m, "SOFTOFFLINE_WINDOW_SEC", "%lld",
			    (long long)(r->threshold.window.us / USEC_PER_SEC));
	}
	if (r->outcome != SOFT_UNKNOWN)
		message_add(m, "SOFTOFFLINE_KERNEL_OUTCOME", "%s",
			    soft_outcome_to_string(r->outcome));
	if (r->duration_usec > 0)
		message_add(m, "SOFTOFFLINE_DURATION_USEC", "%lld",
			    (long long)r->duration_usec);
}

void journal_notice(const struct notice *r, const struct journal_context *context)
{
	struct message m;
	char sentence[SENTENCE_MAX];

	message_begin(&m);
	(void)journal_sentence(r, context, sentence, sizeof(sentence));
	message_add(&m, "MESSAGE_ID", "%s", kinds[r->kind].id);
	message_add(&m, "SOFTOFFLINE_REASON", "%s", reason_to_string(r->reason));
	message_add(&m, "SOFTOFFLINE_RESULT", "%s", result_to_string(r->result));
	message_add(&m, "SOFTOFFLINE_COUNT", "%llu", (unsigned long long)r->count);
	message_add(&m, "SOFTOFFLINE_DIMM_LABEL", "%s", context->dimm_label);
	if (r->has_pfn)
		message_add_page(&m, r, context);
	if (r->error)
		message_add(&m, "ERRNO", "%d", r->error);
	if (r->delta_kib)
		message_add(&m, "SOFTOFFLINE_DELTA_KIB", "%lld", (long long)r->delta_kib);
	if (r->kind == NOTICE_POISON_MOVED)
		message_add(&m, "SOFTOFFLINE_CAUSE", "%s",
			    poison_cause_to_string(r->cause));
	if (r->kind == NOTICE_FAULT || r->kind == NOTICE_VERDICT)
		message_add(&m, "SOFTOFFLINE_FAULT", "%s",
			    fault_class_to_string(r->fault));
	if (r->kind == NOTICE_BLIND || r->kind == NOTICE_SEES)
		message_add(&m, "SOFTOFFLINE_SOURCE", "%s",
			    sight_cause_to_string(r->sight));
	if (r->kind == NOTICE_VERDICT) {
		message_add(&m, "SOFTOFFLINE_VERDICT", "%s",
			    verdict_to_string(r->verdict));
		message_add(&m, "SOFTOFFLINE_VERDICT_BEFORE", "%s",
			    verdict_to_string(r->verdict_before));
	}
	message_send(&m, journal_priority(r), sentence);
}

/*
 * Lines of the daemon itself.
 */

/* @id may be NULL. */
_printf_(4, 0) static void send_line(int priority, const char *id, int error,
				     const char *format, va_list ap)
{
	char sentence[SENTENCE_MAX];
	struct message m;
	int n = vsnprintf(sentence, sizeof(sentence), format, ap);

	if (error < 0)
		error = -error;
	if (error && n >= 0 && (size_t)n < sizeof(sentence))
		snprintf(sentence + n, sizeof(sentence) - (size_t)n, ": %s",
			 strerror(error));
	message_begin(&m);
	if (id)
		message_add(&m, "MESSAGE_ID", "%s", id);
	if (error)
		message_add(&m, "ERRNO", "%d", error);
	message_send(&m, priority, sentence);
}

void journal_log(int priority, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	send_line(priority, NULL, error, format, ap);
	va_end(ap);
}

void journal_event(int priority, enum journal_id id, int error, const char *format, ...)
{
	static const char *const ids[] = {
#define X(id, message_id) message_id,
		JOURNAL_ID_LIST(X)
#undef X
	};
	va_list ap;

	va_start(ap, format);
	send_line(priority, ids[id], error, format, ap);
	va_end(ap);
}
