/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the engine reports to an operator: one struct notice for each message of the
 * journal. The room tell/ makes the sentences, the message ids and the fields.
 */

#include "base/frame.h"
#include "base/reason.h"
#include "base/units.h"
#include "config/config.h"
#include "event/soft_event.h"

/** Each kind has a journal message id of its own. */
enum notice_kind {
	NOTICE_PAGE_FIRST_CE,  /* a page erred for the first time */
	NOTICE_PAGE_THRESHOLD, /* a page is to be offlined */
	NOTICE_PAGE_OFFLINED,  /* done; by result also "already" and "dry-run" */
	NOTICE_PAGE_FAILED,    /* an attempt failed */
	NOTICE_PAGE_REFUSED,   /* decided against it */
	NOTICE_UNCORRECTED,    /* an uncorrected error */
	NOTICE_UNATTRIBUTED,   /* a DIMM's first corrected error that names no page */
	NOTICE_EVENTS_LOST,    /* events were overwritten unread */
	NOTICE_MALFORMED,      /* raw pages could not be decoded to their end */
	NOTICE_BUDGET,       /* the budget of the hour, a DIMM or the machine is spent */
	NOTICE_HOLD,         /* nothing is tried: unsupported or denied */
	NOTICE_RELEASED,     /* the hold is over */
	NOTICE_POISON_MOVED, /* the poisoned-page counter moved without us */
	NOTICE_POISON_LOST,  /* a page that was offlined is in use again */
	NOTICE_SUMMARY,      /* notices that NOTICES_PER_MINUTE suppressed */
	NOTICE_RECOVERED,    /* an attempt that a crash interrupted was settled */
	NOTICE_REPLAY,       /* pages of an earlier boot: offlined again, or why not */
	NOTICE_FOREIGN,      /* a soft-offline request that was not ours */
	NOTICE_FAULT,        /* a DIMM's fault was classified, or is wider now */
	NOTICE_VERDICT,      /* the verdict of a DIMM changed */
	NOTICE_MODULE,       /* another module sits in a DIMM's slot */
	NOTICE_MAX_,
};

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
	enum fault_class fault;    /* of the DIMM */
	enum verdict verdict;      /* of the DIMM */
};
