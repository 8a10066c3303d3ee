/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Says things: a sentence with its reason and what to do, and the fields to search by. It
 * decides neither what is worth saying nor how often; the engine does.
 */

#include "tell/journal.h"

#include <stdarg.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define MAX_FIELDS     20
#define FIELD_MAX      512
#define OUTCOME_MAX    32

struct message {
	bool to_journal; /* else only the sentence is read, and no field is made */
	unsigned int n;
	char fields[MAX_FIELDS][FIELD_MAX];
};

struct kind {
	const char *id;
	int priority;
	void (*sentence)(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c);
};

/* To the journal, unless somebody watches the terminal or there is no journal. */
static bool to_journal(void)
{
	if (isatty(STDERR_FILENO))
		return false;
	return access(JOURNAL_SOCKET, F_OK) == 0;
}

static void begin(struct message *m)
{
	m->to_journal = to_journal();
	m->n = 0;
}

_printf_(3, 4) static void add(struct message *m, const char *name, const char *format,
			       ...)
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

static void send(struct message *m, int priority, const char *sentence)
{
	struct iovec iov[MAX_FIELDS];

	if (!m->to_journal) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "softofflined: %s\n", sentence);
		else
			fprintf(stderr, "<%d>%s\n", priority, sentence);
		return;
	}
	add(m, "PRIORITY", "%d", priority);
	add(m, "SYSLOG_IDENTIFIER", "softofflined");
	for (unsigned int i = 0; i < m->n; i++)
		iov[i] = (struct iovec){ m->fields[i], strlen(m->fields[i]) };
	(void)sd_journal_sendv(iov, (int)m->n);
}

static unsigned long long address_of(const struct notice *r,
				     const struct journal_context *c)
{
	return pfn_to_paddr(r->pfn, c->page_shift).addr;
}

/* " (migrated)": the kernel's own word, where it gave one. Returns @buf. */
static const char *outcome_of(const struct notice *r, char *buf, size_t size)
{
	buf[0] = '\0';
	if (r->outcome != SOFT_UNKNOWN)
		snprintf(buf, size, " (%s)", soft_outcome_to_string(r->outcome));
	return buf;
}

static void say_first_ce(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c)
{
	snprintf(buf, size, "First corrected error of page 0x%llx (%s); watching it.",
		 address_of(r, c), c->dimm_label);
}

static void say_threshold(char *buf, size_t size, const struct notice *r,
			  const struct journal_context *c)
{
	if (r->reason != REASON_PAGE_THRESHOLD) {
		snprintf(buf, size, "Page 0x%llx (%s) is to be offlined: %s (%s).",
			 address_of(r, c), c->dimm_label, reason_to_string(r->reason),
			 reason_help(r->reason));
		return;
	}
	snprintf(
		buf, size,
		"Page 0x%llx (%s) had %u corrected errors within %lld s (threshold %u): it "
		"is to be offlined.",
		address_of(r, c), c->dimm_label, r->in_window,
		(long long)(r->threshold.window.us / USEC_PER_SEC), r->threshold.count);
}

static void say_offlined(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c)
{
	const char *what = "Offlined";
	char outcome[OUTCOME_MAX];

	if (r->result == RESULT_DRY_RUN)
		what = "Dry run: would have offlined";
	else if (r->result == RESULT_ALREADY)
		what = "Already poisoned by somebody else:";
	snprintf(buf, size,
		 "%s page 0x%llx (%s), %s%s, after %llu corrected errors (%s).", what,
		 address_of(r, c), c->dimm_label, frame_kind_to_string(r->page_type),
		 outcome_of(r, outcome, sizeof(outcome)), (unsigned long long)r->count,
		 reason_to_string(r->reason));
}

static void say_failed(char *buf, size_t size, const struct notice *r,
		       const struct journal_context *c)
{
	char outcome[OUTCOME_MAX];
	int n = snprintf(
		buf, size, "Page 0x%llx (%s), %s, could not be offlined: %s (%s)",
		address_of(r, c), c->dimm_label, frame_kind_to_string(r->page_type),
		result_to_string(r->result), result_help(r->result));

	if (n > 0 && (size_t)n < size && r->error)
		n += snprintf(buf + n, size - (size_t)n, "; the kernel said: %s%s",
			      strerror(r->error),
			      outcome_of(r, outcome, sizeof(outcome)));
	if (n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n,
			 r->retry_at.us ? "; it will be tried again." : ".");
}

static void say_refused(char *buf, size_t size, const struct notice *r,
			const struct journal_context *c)
{
	snprintf(buf, size, "Page 0x%llx (%s) is not offlined: %s (%s).",
		 address_of(r, c), c->dimm_label, result_to_string(r->result),
		 result_help(r->result));
}

static void say_uncorrected(char *buf, size_t size, const struct notice *r,
			    const struct journal_context *c)
{
	snprintf(
		buf, size,
		"%llu uncorrected memory error(s) on %s; soft offline cannot help, plan to "
		"replace the DIMM.",
		(unsigned long long)r->count, c->dimm_label);
}

static void say_unattributed(char *buf, size_t size, const struct notice *r,
			     const struct journal_context *c)
{
	snprintf(buf, size, "Corrected error on %s that names no page: %s (%s).",
		 c->dimm_label, result_to_string(r->result), result_help(r->result));
}

static void say_lost(char *buf, size_t size, const struct notice *r,
		     const struct journal_context *c)
{
	snprintf(
		buf, size,
		"%llu events are lost to the counts: overwritten before they were read, or read "
		"by a daemon that was killed before it stored them. Counts are lower bounds.",
		(unsigned long long)r->count);
}

static void say_malformed(char *buf, size_t size, const struct notice *r,
			  const struct journal_context *c)
{
	snprintf(buf, size, "%llu ring-buffer page(s) could not be decoded to their end.",
		 (unsigned long long)r->count);
}

/* Nothing was spent of it: "used up" would be wrong. */
static void say_no_budget(char *buf, size_t size, const struct notice *r,
			  const struct journal_context *c)
{
	if (r->result == RESULT_BUDGET_DIMM)
		snprintf(buf, size, "PagesPerDimm is 0: no page of %s is offlined.",
			 c->dimm_label);
	else if (r->result != RESULT_BUDGET_HOUR)
		snprintf(buf, size, "The budget Total is 0 pages: no page is offlined.");
	else if (r->retry_at.us == USEC_NEVER)
		snprintf(buf, size,
			 "PagesPerHour or Burst is 0: no page is offlined; failing pages "
			 "wait.");
	else
		snprintf(
			buf, size,
			"The hourly budget is empty after the start: it was spent before, "
			"or no database tells what was spent. Failing pages wait for their "
			"turn.");
}

static void say_budget(char *buf, size_t size, const struct notice *r,
		       const struct journal_context *c)
{
	unsigned long long n = r->count;

	if (n == 0)
		say_no_budget(buf, size, r, c);
	else if (r->result == RESULT_BUDGET_HOUR)
		snprintf(
			buf, size,
			"The hourly budget is used up after %llu page%s; failing pages wait "
			"for their turn.",
			n, n == 1 ? "" : "s");
	else if (r->result == RESULT_BUDGET_DIMM)
		snprintf(
			buf, size,
			"%s has used up its budget of %llu page%s: replace the DIMM. No more "
			"of its pages are offlined.",
			c->dimm_label, n, n == 1 ? "" : "s");
	else
		snprintf(
			buf, size,
			"The budget of the whole machine is used up after %llu page%s; no "
			"more are offlined. Look for failing DIMMs.",
			n, n == 1 ? "" : "s");
}

static void say_hold(char *buf, size_t size, const struct notice *r,
		     const struct journal_context *c)
{
	bool because = r->result == RESULT_UNSUPPORTED && c->hold_why;
	int n = snprintf(buf, size, "Nothing is offlined for now: %s (%s)",
			 result_to_string(r->result),
			 because ? c->hold_why : result_help(r->result));

	if (n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n,
			 "%s%s. Counting goes on; see softofflinectl check.",
			 r->error ? "; the kernel said: " : "",
			 r->error ? strerror(r->error) : "");
}

static void say_released(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c)
{
	snprintf(buf, size,
		 "The kernel soft-offlines pages again; pages that wait go on.");
}

static void say_poison_moved(char *buf, size_t size, const struct notice *r,
			     const struct journal_context *c)
{
	snprintf(buf, size,
		 "The poisoned-page counter moved by %+lld KiB, not by our doing: %s.",
		 (long long)r->delta_kib, poison_cause_help(r->cause));
}

static void say_poison_lost(char *buf, size_t size, const struct notice *r,
			    const struct journal_context *c)
{
	snprintf(
		buf, size,
		"Page 0x%llx (%s) was poisoned and is in use again, as after memory went "
		"offline and online%s.",
		address_of(r, c), c->dimm_label,
		r->reason == REASON_REPLAYED ? "; it is offlined anew" : "");
}

static void say_summary(char *buf, size_t size, const struct notice *r,
			const struct journal_context *c)
{
	snprintf(
		buf, size,
		"%llu further messages of the last minute were held back; softofflinectl "
		"pages shows all.",
		(unsigned long long)r->count);
}

static void say_recovered(char *buf, size_t size, const struct notice *r,
			  const struct journal_context *c)
{
	snprintf(buf, size,
		 "An attempt on page 0x%llx (%s) was cut off by the daemon's end: %s.",
		 address_of(r, c), c->dimm_label,
		 r->result == RESULT_OFFLINED
			 ? "the kernel had done it"
			 : "it had not been done and waits for its turn");
}

static void say_replay(char *buf, size_t size, const struct notice *r,
		       const struct journal_context *c)
{
	unsigned long long n = (unsigned long long)r->count;

	if (r->reason == REASON_REPLAYED)
		snprintf(
			buf, size,
			"%llu %s of earlier boots: offlined again, as the budget allows.",
			n, n == 1 ? "offlined page" : "offlined pages");
	else
		snprintf(
			buf, size,
			"%llu %s of earlier boots: not offlined again, since %s; what "
			"was counted for them stands.",
			n, n == 1 ? "offlined page" : "offlined pages",
			r->reason == REASON_MEMORY_CHANGED
				? "the memory map or the modules have changed"
				: "it cannot be told whether the memory is still the same");
}

static void say_foreign(char *buf, size_t size, const struct notice *r,
			const struct journal_context *c)
{
	char outcome[OUTCOME_MAX];

	outcome_of(r, outcome, sizeof(outcome));
	if (r->error == 0)
		snprintf(
			buf, size,
			"Page 0x%llx (%s), %s%s, was taken out of use, not by us: %s (%s).",
			address_of(r, c), c->dimm_label,
			frame_kind_to_string(r->page_type), outcome,
			reason_to_string(r->reason), reason_help(r->reason));
	else
		snprintf(buf, size,
			 "Page 0x%llx (%s), %s, could not be offlined for somebody else: "
			 "%s (%s); the kernel said: %s%s%s.",
			 address_of(r, c), c->dimm_label,
			 frame_kind_to_string(r->page_type), reason_to_string(r->reason),
			 reason_help(r->reason), strerror(r->error), outcome,
			 r->retry_at.us ? "; we try again" : "");
}

static void say_fault(char *buf, size_t size, const struct notice *r,
		      const struct journal_context *c)
{
	snprintf(buf, size, "%s: fault class %s (%s): %s.", c->dimm_label,
		 fault_class_to_string(r->fault), fault_class_help(r->fault),
		 c->verdict_why);
}

static void say_verdict(char *buf, size_t size, const struct notice *r,
			const struct journal_context *c)
{
	snprintf(buf, size, "%s: verdict %s: %s.", c->dimm_label,
		 verdict_to_string(r->verdict), c->verdict_why);
}

static void say_module(char *buf, size_t size, const struct notice *r,
		       const struct journal_context *c)
{
	snprintf(buf, size,
		 "%s: another module sits in its slot. The old one's history is closed "
		 "and kept; the new one starts without.",
		 c->dimm_label);
}

static const struct kind kinds[] = {
	[NOTICE_PAGE_FIRST_CE] = { JOURNAL_ID_PAGE_FIRST_CE, LOG_INFO, say_first_ce },
	[NOTICE_PAGE_THRESHOLD] = { JOURNAL_ID_PAGE_THRESHOLD, LOG_NOTICE,
				    say_threshold },
	[NOTICE_PAGE_OFFLINED] = { JOURNAL_ID_PAGE_OFFLINED, LOG_WARNING, say_offlined },
	[NOTICE_PAGE_FAILED] = { JOURNAL_ID_PAGE_FAILED, LOG_ERR, say_failed },
	[NOTICE_PAGE_REFUSED] = { JOURNAL_ID_PAGE_REFUSED, LOG_WARNING, say_refused },
	[NOTICE_UNCORRECTED] = { JOURNAL_ID_UNCORRECTED, LOG_ERR, say_uncorrected },
	[NOTICE_UNATTRIBUTED] = { JOURNAL_ID_UNATTRIBUTED, LOG_NOTICE, say_unattributed },
	[NOTICE_EVENTS_LOST] = { JOURNAL_ID_EVENTS_LOST, LOG_WARNING, say_lost },
	[NOTICE_MALFORMED] = { JOURNAL_ID_MALFORMED, LOG_ERR, say_malformed },
	[NOTICE_BUDGET] = { JOURNAL_ID_BUDGET, LOG_CRIT, say_budget },
	[NOTICE_HOLD] = { JOURNAL_ID_HOLD, LOG_ERR, say_hold },
	[NOTICE_RELEASED] = { JOURNAL_ID_RELEASED, LOG_NOTICE, say_released },
	[NOTICE_POISON_MOVED] = { JOURNAL_ID_POISON_MOVED, LOG_NOTICE, say_poison_moved },
	[NOTICE_POISON_LOST] = { JOURNAL_ID_POISON_LOST, LOG_WARNING, say_poison_lost },
	[NOTICE_SUMMARY] = { JOURNAL_ID_SUMMARY, LOG_NOTICE, say_summary },
	[NOTICE_REPLAY] = { JOURNAL_ID_REPLAY, LOG_NOTICE, say_replay },
	[NOTICE_RECOVERED] = { JOURNAL_ID_RECOVERED, LOG_WARNING, say_recovered },
	[NOTICE_FOREIGN] = { JOURNAL_ID_FOREIGN, LOG_NOTICE, say_foreign },
	[NOTICE_FAULT] = { JOURNAL_ID_FAULT, LOG_WARNING, say_fault },
	[NOTICE_MODULE] = { JOURNAL_ID_MODULE, LOG_NOTICE, say_module },
	[NOTICE_VERDICT] = { JOURNAL_ID_VERDICT, LOG_CRIT, say_verdict },
};

static void add_page_fields(struct message *m, const struct notice *r,
			    const struct journal_context *c)
{
	add(m, "SOFTOFFLINE_PFN", "0x%llx", (unsigned long long)r->pfn.n);
	add(m, "SOFTOFFLINE_ADDRESS", "0x%llx", address_of(r, c));
	add(m, "SOFTOFFLINE_PAGE_TYPE", "%s", frame_kind_to_string(r->page_type));
	if (r->threshold.count > 0) {
		add(m, "SOFTOFFLINE_IN_WINDOW", "%u", r->in_window);
		add(m, "SOFTOFFLINE_THRESHOLD", "%u", r->threshold.count);
		add(m, "SOFTOFFLINE_WINDOW_SEC", "%lld",
		    (long long)(r->threshold.window.us / USEC_PER_SEC));
	}
	if (r->outcome != SOFT_UNKNOWN)
		add(m, "SOFTOFFLINE_KERNEL_OUTCOME", "%s",
		    soft_outcome_to_string(r->outcome));
	if (r->duration_usec > 0)
		add(m, "SOFTOFFLINE_DURATION_USEC", "%lld", (long long)r->duration_usec);
}

void journal_sentence(const struct notice *r, const struct journal_context *context,
		      char *buf, size_t size)
{
	kinds[r->kind].sentence(buf, size, r, context);
}

void journal_notice(const struct notice *r, const struct journal_context *context)
{
	const struct kind *kind = &kinds[r->kind];
	struct message m;
	char sentence[FIELD_MAX - 16];
	int priority = kind->priority;

	begin(&m);
	if (r->kind == NOTICE_BUDGET && r->result == RESULT_BUDGET_HOUR)
		priority = LOG_WARNING;
	if (r->kind == NOTICE_VERDICT && r->verdict < VERDICT_REPLACE)
		priority = LOG_WARNING;
	journal_sentence(r, context, sentence, sizeof(sentence));
	add(&m, "MESSAGE", "%s", sentence);
	add(&m, "MESSAGE_ID", "%s", kind->id);
	add(&m, "SOFTOFFLINE_REASON", "%s", reason_to_string(r->reason));
	add(&m, "SOFTOFFLINE_RESULT", "%s", result_to_string(r->result));
	add(&m, "SOFTOFFLINE_COUNT", "%llu", (unsigned long long)r->count);
	add(&m, "SOFTOFFLINE_DIMM_LABEL", "%s", context->dimm_label);
	if (r->has_pfn)
		add_page_fields(&m, r, context);
	if (r->error)
		add(&m, "ERRNO", "%d", r->error);
	if (r->delta_kib)
		add(&m, "SOFTOFFLINE_DELTA_KIB", "%lld", (long long)r->delta_kib);
	if (r->kind == NOTICE_POISON_MOVED)
		add(&m, "SOFTOFFLINE_CAUSE", "%s", poison_cause_to_string(r->cause));
	if (r->kind == NOTICE_FAULT || r->kind == NOTICE_VERDICT)
		add(&m, "SOFTOFFLINE_FAULT", "%s", fault_class_to_string(r->fault));
	if (r->kind == NOTICE_VERDICT)
		add(&m, "SOFTOFFLINE_VERDICT", "%s", verdict_to_string(r->verdict));
	send(&m, priority, sentence);
}

static void log_text(int priority, const char *id, int error, const char *text)
{
	struct message m;
	char sentence[FIELD_MAX - 16];

	begin(&m);
	snprintf(sentence, sizeof(sentence), "%s%s%s", text, error ? ": " : "",
		 error ? strerror(error < 0 ? -error : error) : "");
	add(&m, "MESSAGE", "%s", sentence);
	if (id)
		add(&m, "MESSAGE_ID", "%s", id);
	if (error)
		add(&m, "ERRNO", "%d", error < 0 ? -error : error);
	send(&m, priority, sentence);
}

void journal_log(int priority, int error, const char *format, ...)
{
	char text[FIELD_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_text(priority, NULL, error, text);
}

void journal_event(int priority, const char *message_id, int error, const char *format,
		   ...)
{
	char text[FIELD_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_text(priority, message_id, error, text);
}
