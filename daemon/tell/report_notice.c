/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Makes the report of a notice: the words of its numbers, what is known of its DIMM, and
 * what kind of address it has in place of the address. It sends nothing.
 */

#include "tell/report_notice.h"

#include <stdio.h>

#include "base/mem.h"

/* As syslog.conf(5) and journalctl -p have them. */
static const char *priority_word(int priority)
{
	static const char *const words[] = {
		[LOG_EMERG] = "emerg", [LOG_ALERT] = "alert",     [LOG_CRIT] = "crit",
		[LOG_ERR] = "err",     [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
		[LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
	};
	size_t i = (size_t)priority;

	return i < ARRAY_SIZE(words) ? words[i] : "";
}

static const char *address_class(const struct notice *r)
{
	if (r->has_pfn)
		return "page";
	if (r->kind != NOTICE_UNATTRIBUTED && r->kind != NOTICE_UNCORRECTED)
		return "";
	if (r->result == RESULT_CUT_ADDRESS)
		return "cut";
	if (r->result == RESULT_COARSE_GRAIN)
		return "coarse";
	return r->result == RESULT_NOT_RAM ? "not-ram" : "none";
}

static void put(char *to, size_t size, const char *word)
{
	snprintf(to, size, "%s", word);
}
#define PUT(member, word) put(ret->member, sizeof(ret->member), word)

static void put_dimm(const struct notice *r, const struct notice_dimm *dimm,
		     struct notice_report *ret)
{
	PUT(dimm, dimm->rec->label);
	PUT(slot, dimm->slot);
	PUT(part, dimm->rec->part);
	PUT(fault, fault_class_to_string(dimm->rec->fault.class));
	PUT(verdict, verdict_to_string(dimm->verdict));
	if (r->kind != NOTICE_VERDICT)
		return;
	/* As the sentence has it, should the DIMM have changed since. */
	PUT(verdict, verdict_to_string(r->verdict));
	PUT(verdict_before, verdict_to_string(r->verdict_before));
}

void report_from_notice(const struct notice *r, const struct journal_context *context,
			const struct notice_dimm *dimm, int64_t now,
			struct notice_report *ret)
{
	*ret = (struct notice_report){
		.time = now,
		.error = r->error ? r->error : REPORT_NO_NUMBER,
		.count = r->count,
	};
	PUT(kind, notice_to_string(r->kind));
	PUT(priority, priority_word(journal_priority(r)));
	PUT(reason, reason_to_string(r->reason));
	PUT(result, result_to_string(r->result));
	PUT(address_class, address_class(r));
	if (dimm)
		put_dimm(r, dimm, ret);
	if (!r->has_pfn)
		(void)journal_sentence(r, context, ret->message, sizeof(ret->message));
}

void report_of_daemon(const char *kind, int priority, const char *message, int64_t now,
		      struct notice_report *ret)
{
	*ret = (struct notice_report){ .time = now, .error = REPORT_NO_NUMBER };
	PUT(kind, kind);
	PUT(priority, priority_word(priority));
	PUT(reason, reason_to_string(REASON_NONE));
	PUT(result, result_to_string(RESULT_NONE));
	PUT(message, message);
}
