/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The ledger of the poisoned-page counter (HardwareCorrupted): each move of the counter
 * is charged to what caused it: our own attempt, a hard failure, a soft offline of
 * somebody else, or, where no event says so, a suspect. Pure bookkeeping: each call
 * returns the entries it made, and the caller stores and reports them.
 */

#include "base/reason.h"
#include "base/units.h"
#include "event/soft_event.h"
#include "track/records.h"

/** Pages that somebody else had poisoned and that the counter has not shown yet. */
struct poison_announced {
	uint32_t pages;
	pfn_t pfn; /* of the last one */
};

struct poison_ledger {
	int64_t page_kib; /* KiB of one page */
	int64_t kib;      /* the counter as last known; -1: not yet */
	usec_t entered;   /* when the last entry was made */

	/* Who is charged with a move that no event explains: POISON_KERNEL, _PROGRAM or
	 * _OTHER. The owner sets it. */
	enum poison_cause suspect;

	/* Hard failures that the counter has not shown yet, and the last one's frame. */
	int64_t failure_kib;
	pfn_t failure_pfn;
	struct poison_announced announced[POISON_CAUSE_MAX_];

	/* What of the last move the suspect was charged with, and when. */
	int64_t unexplained_kib;
	usec_t unexplained_at;
};

/** One line of the ledger. */
struct poison_entry {
	struct poison_row row;
	/*
	 * Not 0: this line is the last one of a move of @moved_kib that no soft-offline
	 * event explains. The move is to be reported with this line's cause, and frames
	 * are to be looked at.
	 */
	int64_t moved_kib;
};

/* A move is charged to each cause at most once, to a failure and to the suspect. */
#define POISON_MOVE_ENTRIES (POISON_CAUSE_MAX_ + 2)
/* An attempt has a move before it, its own, and a move after it. */
#define POISON_MAX_ENTRIES (2 * POISON_MOVE_ENTRIES + 1)

/** The lines that one call made, in order. */
struct poison_entries {
	struct poison_entry v[POISON_MAX_ENTRIES];
	unsigned int n;
};

/** An empty ledger for pages of 2^@page_shift bytes; the counter is not known. */
void poison_ledger_init(struct poison_ledger *l, unsigned int page_shift);

/**
 * Enters a sample of the counter, @kib (not negative), taken at @now while no attempt is
 * under way. The difference to the last sample is charged first to announced pages, then
 * to announced failures, the rest to the suspect. A counter that has not moved is entered
 * a day after the last entry: a row each minute would be most of the database, and a
 * commit each minute of a machine where nothing happens. What was announced before and has
 * not moved the counter by now is forgotten.
 */
void poison_ledger_sample(struct poison_ledger *l, int64_t kib, usec_t now,
			  struct poison_entries *ret);

/**
 * Enters what the counter showed before and after our attempt with @row, which ended at
 * @now: a page of ours if the result is RESULT_OFFLINED and the counter rose, and the
 * rest as in poison_ledger_sample(). Makes no entry if the counter is not known or
 * nothing was written.
 */
void poison_ledger_answer(struct poison_ledger *l, const struct action_row *row,
			  usec_t now, struct poison_entries *ret);

/**
 * Notes that the request of @ev, not ours, poisoned a page, to be charged to @cause. If
 * the counter showed that page while the request ran, the suspect was charged with it:
 * then the page is charged to @cause now, by an entry that moves nothing.
 */
void poison_ledger_announce(struct poison_ledger *l, const struct soft_event *ev,
			    enum poison_cause cause, usec_t now,
			    struct poison_entries *ret);

/** Notes that the kernel poisoned @p after an uncorrected error. */
void poison_ledger_note_failure(struct poison_ledger *l, pfn_t p);
