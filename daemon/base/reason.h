/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The vocabulary: the reason of every decision, the result of every attempt, and so on.
 * A word has one spelling, in the journal, the database, the metrics, softofflinectl and
 * the man pages alike, and stands only in the lists below. Scripts rely on the words:
 * never rename one. Add at the end of a list, but for the verdicts: their order is from
 * good to bad, and they are compared. The database stores words, so numbers may change.
 */

#include <stddef.h>
#include <stdint.h>

/* X(identifier, word, meaning: one line, the same in the man page) */
#define REASON_LIST(X)                                                                   \
	X(NONE, "none", "nothing has been decided about the page")                       \
	X(PAGE_THRESHOLD, "page-threshold",                                              \
	  "the page had PageThreshold CEs in its window")                                \
	X(ROW_FAULT, "row-fault",                                                        \
	  "the DRAM row of the page showed errors in several columns")                   \
	X(NEIGHBOUR, "neighbour",                                                        \
	  "pages close to it had errors, too, or lie in a faulty row")                   \
	X(OPERATOR, "operator", "an operator asked for it")                              \
	X(REPLAYED, "replayed", "it was offlined before and is offlined again")          \
	X(MEMORY_CHANGED, "memory-changed",                                              \
	  "not replayed: the memory map or the modules differ from the boot before")     \
	X(MEMORY_UNKNOWN, "memory-unknown",                                              \
	  "not replayed: it is not known whether the memory is the same")                \
	X(KERNEL_REQUEST, "kernel-request",                                              \
	  "the kernel itself asked for it, on behalf of firmware or RAS_CEC")            \
	X(PROGRAM_REQUEST, "program-request",                                            \
	  "another program wrote the page to soft_offline_page")                         \
	X(MADVISE_REQUEST, "madvise-request",                                            \
	  "a program asked for it with madvise(2), MADV_SOFT_OFFLINE")                   \
	X(CELL_FAULT, "cell-fault",                                                      \
	  "the same cell of the page had errors twice, days apart")                      \
	X(COLLECTOR, "collector",                                                        \
	  "the kernel's own collector of corrected errors (RAS_CEC) decided it")

#define RESULT_LIST(X)                                                                   \
	X(NONE, "none", "no attempt yet")                                                \
	X(OFFLINED, "offlined",                                                          \
	  "the kernel moved the contents away and poisoned the frame")                   \
	X(ALREADY, "already", "the frame was poisoned before, by somebody else")         \
	X(BUSY, "busy", "the page is pinned or was changing hands")                      \
	X(LOW_MEMORY, "low-memory",                                                      \
	  "too little free memory, or too much memory pressure")                         \
	X(UNMOVABLE, "unmovable", "a kernel page; its contents cannot be moved")         \
	X(INVALID, "invalid", "the kernel does not accept this address")                 \
	X(NOT_RAM, "not-ram", "the address is not System RAM, or offline")               \
	X(UNSUPPORTED, "unsupported",                                                    \
	  "the kernel does not soft-offline, or has it turned off")                      \
	X(DENIED, "denied", "the kernel denies the permission; everything is on hold")   \
	X(UNVERIFIED, "unverified",                                                      \
	  "the kernel reported success, but the frame is not poisoned")                  \
	X(INTERRUPTED, "interrupted",                                                    \
	  "the attempt was cancelled, or the daemon ended, before the kernel answered")  \
	X(DRY_RUN, "dry-run", "the page would have been offlined; this is a dry run")    \
	X(ACCOUNT, "account", "the policy only counts: Action=account")                  \
	X(BUDGET_HOUR, "budget-hour", "the hourly budget is used up; the page waits")    \
	X(BUDGET_TOTAL, "budget-total", "the budget of the whole machine is used up")    \
	X(BUDGET_DIMM, "budget-dimm",                                                    \
	  "the budget of the DIMM is used up: replace the DIMM")                         \
	X(HUGE_PAGE, "huge-page", "the policy keeps huge pages whole")                   \
	X(UNREADABLE, "unreadable",                                                      \
	  "the state of its frame cannot be read: no /proc/kpageflags")                  \
	X(NO_ADDRESS, "no-address",                                                      \
	  "the event names no address; only the DIMM is charged")                        \
	X(CUT_ADDRESS, "cut-address",                                                    \
	  "a 32-bit kernel's address, and memory lies above 4 GiB: it may be cut off")   \
	X(COARSE_GRAIN, "coarse-grain", "the event's grain is coarser than one page")    \
	X(UNCORRECTED, "uncorrected",                                                    \
	  "not a corrected error; never a cause to soft-offline")                        \
	X(STALE, "stale", "offlined in an earlier boot; the frame is in use again")      \
	X(FORGOTTEN, "forgotten", "an operator dropped its history")                     \
	X(WIDE_FAULT, "wide-fault",                                                      \
	  "the DIMM's fault is too wide to offline page by page: replace the DIMM")

#define PAGE_STATE_LIST(X)                                                               \
	X(WATCHED, "watched", "counted; below every threshold")                          \
	X(PENDING, "pending",                                                            \
	  "to be offlined; waits for its turn, a retry or the budget")                   \
	X(OFFLINED, "offlined", "the frame is poisoned and out of use")                  \
	X(FAILED, "failed", "every attempt that Retry allows has failed")                \
	X(REFUSED, "refused", "the policy, the budget or the kind of page forbids it")

#define ACTION_LIST(X)                                                                   \
	X(OFFLINE, "offline", "soft_offline_page was written")                           \
	X(REFUSE, "refuse", "the daemon decided not to write soft_offline_page")         \
	X(OBSERVE, "observe",                                                            \
	  "the frame was found poisoned or in use again; the daemon did not do it")      \
	X(FORGET, "forget", "the page's history was dropped")                            \
	X(FOREIGN, "foreign", "somebody else asked the kernel to soft-offline the page")

#define POISON_CAUSE_LIST(X)                                                             \
	X(START, "start", "the value found when the daemon started")                     \
	X(SAMPLE, "sample", "unchanged for a day")                                       \
	X(OFFLINED, "offlined", "moved by our own soft offline")                         \
	X(MEMORY_FAILURE, "memory-failure",                                              \
	  "moved by the kernel after an uncorrected error")                              \
	X(KERNEL, "kernel", "moved without a write: by firmware, RAS_CEC or madvise(2)") \
	X(PROGRAM, "program", "moved after another program wrote to soft_offline_page")  \
	X(OTHER, "other", "moved by somebody else; it is not known by whom")             \
	X(RELEASED, "released", "fell: memory went offline, or a frame was unpoisoned")  \
	X(MADVISE, "madvise",                                                            \
	  "moved by a program's madvise(2), as soft_offline_event reported")             \
	X(COLLECTOR, "collector",                                                        \
	  "moved by the kernel's own collector of corrected errors (RAS_CEC)")

#define VERDICT_LIST(X)                                                                      \
	X(OK, "ok", "no corrected errors")                                                   \
	X(WATCH, "watch", "corrected errors; nothing to do")                                 \
	X(DEGRADED, "degraded", "needs attention")                                           \
	X(REPAIR, "repair-at-reboot",                                                        \
	  "cold reboot with post-package repair enabled; replace the DIMM if errors return") \
	X(REPLACE, "replace", "plan to replace a DIMM")

#define FAULT_CLASS_LIST(X)                                                              \
	X(NONE, "none", "no fault is known: no errors, or none with DRAM coordinates")   \
	X(CELL, "cell", "one cell, or a few that have nothing in common")                \
	X(ROW, "row", "several columns of a DRAM row")                                   \
	X(COLUMN, "column", "several rows of a bank in one column")                      \
	X(BANK, "bank", "many rows and columns of a bank")                               \
	X(RANK, "rank", "several banks, or the whole rank")                              \
	X(CHANNEL, "channel",                                                            \
	  "several DIMMs of a channel alike: the channel or controller, not a DIMM")

#define X(id, word, help) REASON_##id,
enum reason { REASON_LIST(X) REASON_MAX_ };
#undef X
#define X(id, word, help) RESULT_##id,
enum result { RESULT_LIST(X) RESULT_MAX_ };
#undef X
#define X(id, word, help) PAGE_##id,
enum page_state { PAGE_STATE_LIST(X) PAGE_STATE_MAX_ };
#undef X
#define X(id, word, help) ACTION_##id,
enum action { ACTION_LIST(X) ACTION_MAX_ };
#undef X
#define X(id, word, help) POISON_##id,
enum poison_cause { POISON_CAUSE_LIST(X) POISON_CAUSE_MAX_ };
#undef X
#define X(id, word, help) VERDICT_##id,
enum verdict { VERDICT_LIST(X) VERDICT_MAX_ };
#undef X
#define X(id, word, help) FAULT_##id,
enum fault_class { FAULT_CLASS_LIST(X) FAULT_MAX_ };
#undef X

/*
 * <enum>_to_string: the word of a value; "invalid-value" for a number outside the enum.
 * <enum>_from_string: 0, with *ret set; -EINVAL for an unknown word, with *ret untouched.
 * <enum>_help: the meaning of a value; NULL for a number outside the enum.
 */
const char *reason_to_string(enum reason value);
int reason_from_string(const char *word, enum reason *ret);
const char *reason_help(enum reason value);
const char *result_to_string(enum result value);
int result_from_string(const char *word, enum result *ret);
const char *result_help(enum result value);
const char *page_state_to_string(enum page_state value);
int page_state_from_string(const char *word, enum page_state *ret);
const char *page_state_help(enum page_state value);
const char *action_to_string(enum action value);
int action_from_string(const char *word, enum action *ret);
const char *action_help(enum action value);
const char *poison_cause_to_string(enum poison_cause value);
int poison_cause_from_string(const char *word, enum poison_cause *ret);
const char *poison_cause_help(enum poison_cause value);
const char *verdict_to_string(enum verdict value);
int verdict_from_string(const char *word, enum verdict *ret);
const char *verdict_help(enum verdict value);
/** What of [Policy] holds back a page of a DIMM whose fault is wide. */
enum wide_limit { WIDE_LIMIT_NONE, WIDE_LIMIT_THRESHOLD, WIDE_LIMIT_PAGES };

#define WIDE_LIMIT_TEXT_MAX 32

/** Writes the key of [Policy] with its value: "WideFaultPages=16", "WideFaultThreshold=off";
 * "" for none. Returns @buf. */
const char *wide_limit_text(enum wide_limit value, uint32_t limit,
			    char buf[WIDE_LIMIT_TEXT_MAX]);

const char *fault_class_to_string(enum fault_class value);
int fault_class_from_string(const char *word, enum fault_class *ret);
const char *fault_class_help(enum fault_class value);
