/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the engine reports to an operator: one struct notice for each message of the
 * journal. The room tell/ makes the sentences and the fields.
 */

#include "base/frame.h"
#include "base/reason.h"
#include "base/sight.h"
#include "base/trace_change.h"
#include "base/units.h"
#include "config/config.h"
#include "event/soft_event.h"

/*
 * X(identifier, word, limited, priority, message id)
 *
 * The word names the notice in tests/replay. A limited kind may come NOTICES_PER_MINUTE
 * times a minute, and a summary says how many more there were; a line that stands for the
 * state of the machine or of a DIMM is not limited. The priority is syslog's; the room
 * tell/ lowers it for some budgets and verdicts. A new notice is a row here, its sentence
 * in tell/journal_sentence.c and its entry in systemd/softofflined.catalog.
 */
/* clang-format off */
#define NOTICE_LIST(X)                                                                   \
	X(PAGE_FIRST_CE, "first-ce", true, INFO, /* the first error of a page */         \
	  "3a258f5f08094394a5a47fc39530b096")                                            \
	X(PAGE_THRESHOLD, "threshold", true, NOTICE, /* a page waits to be offlined */   \
	  "4977e15f40ef43798a53be2ff8ba3cd6")                                            \
	X(PAGE_OFFLINED, "offlined", true, NOTICE, /* or already, dry-run */            \
	  "4dfe03459f6f4f2797787aa386e7e9ff")                                            \
	X(PAGE_FAILED, "failed", true, WARNING, /* the first of some tries, or all */    \
	  "1915a4561f0d44eb85d600143658b14a")                                            \
	X(PAGE_REFUSED, "refused", true, WARNING, /* decided not to offline */           \
	  "3154b5aa509d47649b198d58bc6cc3da")                                            \
	X(UNCORRECTED, "uncorrected", true, CRIT,                                        \
	  "1c998fde576e49a8a6d2109ebf32f085")                                            \
	X(UNATTRIBUTED, "unattributed", true, NOTICE, /* a DIMM's first */               \
	  "de92417a2f644cc695bc15f4897c03ae")                                            \
	X(EVENTS_LOST, "events-lost", true, WARNING,                                     \
	  "330bac1cbbc540e6aa80fcc2a3868a56")                                            \
	X(MALFORMED, "malformed", true, ERR,                                             \
	  "bdce60576f1c4e0fab16d084f50ced80")                                            \
	X(TRACE_CHANGED, "trace-changed", true, WARNING, /* by another program */        \
	  "d8aa401ad1b74966bdbffbe71cd48c28")                                            \
	X(BUDGET, "budget", false, CRIT, /* a budget is used up */                       \
	  "9ebad8a72f594020abc03fd44d92f7aa")                                            \
	X(HOLD, "hold", false, ERR,                                                      \
	  "52560b6667ff4f9a927359b58ea354bc")                                            \
	X(RELEASED, "released", false, NOTICE, /* the hold is over */                    \
	  "3ba8623269374839bb9ebd911f5552d6")                                            \
	X(POISON_MOVED, "poison-moved", true, NOTICE, /* without us */                   \
	  "645d9b0929ea4463b82c1cf5db2d0dd4")                                            \
	X(POISON_LOST, "poison-lost", true, WARNING, /* a page is in use again */        \
	  "f81cd0ff6fa941aab66967721091ef7e")                                            \
	X(SUMMARY, "summary", false, NOTICE, /* how many were not shown */               \
	  "40cabf75580745fe8d441617f5e7f24c")                                            \
	X(RECOVERED, "recovered", true, WARNING, /* an interrupted attempt */            \
	  "cf19feaa89194fb9a45372aa6ec17d3a")                                            \
	X(REPLAY, "replay", false, NOTICE, /* pages of an earlier boot */                \
	  "adeec73e96d047118fb7ed56fd9b0682")                                            \
	X(FOREIGN, "foreign", true, NOTICE, /* somebody else's request */                \
	  "029eaf9d4c1c498e9f0e15a91fe44dd1")                                            \
	X(FAULT, "fault", false, WARNING, /* of a DIMM, new or wider */                  \
	  "5e513d92c38346918c095e93b6f21439")                                            \
	X(VERDICT, "verdict", false, CRIT, /* of a DIMM */                               \
	  "47f80259161d40d69f45e24906149ce4")                                            \
	X(BLIND, "blind", false, ERR, /* memory errors cannot be seen */                 \
	  "c064e6aac47e44049e82a78d2aa29450")                                            \
	X(SEES, "sees", false, NOTICE, /* they can be, again */                          \
	  "fa750839a32e4f3fb7cfd90c382a7ae3")                                            \
	X(MODULE, "module", false, NOTICE, /* another one in the slot */                 \
	  "8269afed305e48288bf1f58e0d9d3dc1")
/* clang-format on */

#define X(id, word, limited, priority, message_id) NOTICE_##id,
enum notice_kind { NOTICE_LIST(X) NOTICE_MAX_ };
#undef X

/** The word of @kind; "invalid-value" for a number outside the enum. */
const char *notice_to_string(enum notice_kind kind);

/** True if NOTICES_PER_MINUTE limits @kind; false for a number outside the enum. */
bool notice_is_limited(enum notice_kind kind);

struct notice {
	enum notice_kind kind;
	pfn_t pfn; /* if @has_pfn */
	bool has_pfn;
	uint16_t dimm;
	enum reason reason;
	enum result result;
	uint64_t count; /* CEs of the page, events lost, or KiB moved */
	uint32_t in_window;
	struct threshold threshold;
	int error;
	usec_t retry_at; /* 0: none */
	enum frame_kind page_type;
	int64_t duration_usec;
	int64_t delta_kib;
	enum poison_cause cause;
	enum soft_outcome outcome; /* of the attempt or request, in the kernel's word */
	/* Of a page that RESULT_WIDE_FAULT holds back: by which key, and its value. */
	enum wide_limit held_by;
	uint32_t held_limit;
	enum fault_class fault;      /* of the DIMM */
	enum verdict verdict;        /* of the DIMM */
	enum verdict verdict_before; /* the same, of NOTICE_VERDICT */
	struct trace_changes changes;
	usec_t span; /* how long the trace instance may have been wrong; 0: not known */
	/* Why we cannot see; of NOTICE_SEES: why we could not. */
	enum sight_cause sight;
};
