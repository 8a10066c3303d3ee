/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rules, as functions of the configuration and of facts. It does not know which page
 * is meant, keeps no state, and never asks for the time.
 */

#include "offline_policy.h"

#include <errno.h>
#include <string.h>

#define MICRO           INT64_C(1000000) /* the bucket counts millionths of a page */
#define UNMOVABLE_TRIES 3

static enum result policy_classify_success(const struct offline_answer *a)
{
	bool flags_known = a->before.readable && a->after.readable;

	if (flags_known && frame_is_poisoned(&a->before))
		return RESULT_ALREADY;
	if (flags_known)
		return frame_is_poisoned(&a->after) ? RESULT_OFFLINED : RESULT_UNVERIFIED;
	if (a->poisoned_before_kib < 0 || a->poisoned_after_kib < 0)
		return RESULT_UNVERIFIED;
	return a->poisoned_after_kib > a->poisoned_before_kib ? RESULT_OFFLINED
							      : RESULT_ALREADY;
}

/* The errno of soft_offline_page; policy_retry() says what follows from the result. */
static const struct {
	int error;
	enum result result;
} errors[] = {
	{ EBUSY, RESULT_BUSY },         { EAGAIN, RESULT_BUSY },
	{ EINTR, RESULT_BUSY },         { ENOMEM, RESULT_LOW_MEMORY },
	{ EIO, RESULT_UNMOVABLE },      { ENOTRECOVERABLE, RESULT_UNMOVABLE },
	{ ENXIO, RESULT_NOT_RAM },      { EINVAL, RESULT_INVALID },
	{ ERANGE, RESULT_INVALID },     { EOPNOTSUPP, RESULT_UNSUPPORTED },
	{ ENOENT, RESULT_UNSUPPORTED }, { ENODEV, RESULT_UNSUPPORTED },
	{ ENOSYS, RESULT_UNSUPPORTED }, { EPERM, RESULT_DENIED },
	{ EACCES, RESULT_DENIED },      { EROFS, RESULT_DENIED },
};

enum result policy_classify(const struct offline_answer *answer)
{
	if (answer->changed)
		return RESULT_BUSY;
	if (answer->dry_run)
		return RESULT_DRY_RUN;
	if (answer->error == 0)
		return policy_classify_success(answer);
	/* Bit 1 of vm.enable_soft_offline: only this kind of page is refused. */
	if (answer->error == EOPNOTSUPP && frame_kind(&answer->before) == FRAME_HUGETLB)
		return RESULT_HUGE_PAGE;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].error == answer->error)
			return errors[i].result;
	/* An errno that no known kernel returns: a few tries, an hour apart. */
	return RESULT_UNMOVABLE;
}

enum retry_kind policy_retry(const struct config *cfg, enum result result,
			     unsigned int tries)
{
	switch (result) {
	case RESULT_OFFLINED:
	case RESULT_ALREADY:
	case RESULT_FORGOTTEN:
		return RETRY_DONE;
	case RESULT_BUSY:
	case RESULT_LOW_MEMORY:
	case RESULT_UNVERIFIED:
	case RESULT_INTERRUPTED:
		return tries < cfg->retry.tries ? RETRY_BACKOFF : RETRY_NEXT_CE;
	case RESULT_UNMOVABLE:
		return tries < UNMOVABLE_TRIES ? RETRY_HOURLY : RETRY_NEVER;
	case RESULT_INVALID:
	case RESULT_NOT_RAM:
		return RETRY_NEVER;
	case RESULT_UNSUPPORTED:
	case RESULT_DENIED:
		return RETRY_HOLD;
	case RESULT_DRY_RUN:
	case RESULT_ACCOUNT:
	case RESULT_BUDGET_TOTAL:
	case RESULT_BUDGET_DIMM:
	case RESULT_WIDE_FAULT:
	case RESULT_HUGE_PAGE:
	case RESULT_UNREADABLE:
	case RESULT_STALE:
		return RETRY_NEXT_CE;
	case RESULT_NONE:
	case RESULT_BUDGET_HOUR:
	case RESULT_NO_ADDRESS:
	case RESULT_CUT_ADDRESS:
	case RESULT_COARSE_GRAIN:
	case RESULT_UNCORRECTED:
	case RESULT_MAX_:
		break;
	}
	return RETRY_NEVER;
}

usec_t policy_backoff(const struct config *cfg, unsigned int tries)
{
	usec_t wait = cfg->retry.first;

	for (unsigned int i = 1; i < tries && wait.us < cfg->retry.max.us; i++)
		wait = usec_add(wait, wait);
	return usec_min(wait, cfg->retry.max);
}

enum result policy_check_frame(const struct policy_rule *rule, const struct frame *frame)
{
	enum frame_kind kind = frame_kind(frame);

	if (!frame->in_ram || frame->absent)
		return RESULT_NOT_RAM;
	if (!frame->readable)
		return RESULT_UNREADABLE;
	if (kind == FRAME_POISONED)
		return RESULT_ALREADY;
	if (kind == FRAME_HUGETLB && (rule->huge_pages == HUGE_NEVER ||
				      frame->huge_kib == 0 || frame->huge_kib > 2048))
		return RESULT_HUGE_PAGE;
	if (kind == FRAME_THP && !rule->transparent_huge_pages)
		return RESULT_HUGE_PAGE;
	if (frame_kind_is_unmovable(kind))
		return RESULT_UNMOVABLE;
	return RESULT_NONE;
}

enum result policy_check_memory(const struct config *cfg, const struct machine *machine)
{
	uint64_t floor_pages =
		config_amount_pages(&cfg->budget.min_available_memory, machine->ram_pages,
				    machine->page_shift);
	uint64_t available = machine->available_kib * 1024 >> machine->page_shift;
	uint32_t limit = cfg->budget.max_memory_pressure;

	if (machine->unread || (machine->pressure_unread && limit < 100))
		return RESULT_UNREADABLE;
	if (available < floor_pages)
		return RESULT_LOW_MEMORY;
	if (machine->pressure_known && limit < 100 && machine->pressure > limit * 100)
		return RESULT_LOW_MEMORY;
	return RESULT_NONE;
}

uint64_t policy_total_limit(const struct config *cfg, const struct machine *machine)
{
	return config_amount_pages(&cfg->budget.total, machine->ram_pages,
				   machine->page_shift);
}

/* PagesPerHour=0 allows no page at all, whatever Burst says. */
static int64_t budget_capacity(const struct config *cfg)
{
	return cfg->budget.pages_per_hour == 0 ? 0 : cfg->budget.burst * MICRO;
}

void budget_init(struct budget *b, const struct config *cfg, usec_t now)
{
	memset(b, 0, sizeof(*b));
	b->level = budget_capacity(cfg);
	b->time = now;
}

/* What flows into the bucket from @b->time to @now. */
static int64_t budget_inflow(const struct budget *b, const struct config *cfg, usec_t now)
{
	int64_t elapsed = usec_sub(now, b->time).us;
	int64_t rate = cfg->budget.pages_per_hour;
	int64_t whole;

	if (elapsed <= 0)
		return 0;
	if (__builtin_mul_overflow(elapsed / USEC_PER_HOUR, rate * MICRO, &whole) ||
	    whole > INT64_MAX / 2)
		return INT64_MAX / 2;
	return whole + elapsed % USEC_PER_HOUR * rate / (USEC_PER_HOUR / MICRO);
}

static int64_t budget_level_at(const struct budget *b, const struct config *cfg,
			       usec_t now)
{
	int64_t level = b->level + budget_inflow(b, cfg, now);
	int64_t capacity = budget_capacity(cfg);

	return level > capacity ? capacity : level;
}

bool budget_holds(const struct budget *b, const struct config *cfg, usec_t now,
		  uint32_t pages)
{
	return budget_level_at(b, cfg, now) >= pages * MICRO;
}

bool budget_allows(struct budget *b, const struct config *cfg, usec_t now)
{
	return budget_holds(b, cfg, now, 1);
}

static void budget_count_minute(struct budget *b, usec_t now)
{
	int64_t minute = now.us / USEC_PER_MINUTE;
	int64_t behind = minute - b->minute;

	if (behind >= 60)
		memset(b->minutes, 0, sizeof(b->minutes));
	for (int64_t i = 1; i <= behind && behind < 60; i++)
		b->minutes[(b->minute + i) % 60] = 0;
	if (behind > 0)
		b->minute = minute;
	b->minutes[b->minute % 60]++;
}

void budget_take(struct budget *b, const struct config *cfg, usec_t now)
{
	b->level = budget_level_at(b, cfg, now) - MICRO;
	b->time = usec_max(b->time, now);
	budget_count_minute(b, b->time);
}

usec_t budget_next(const struct budget *b, const struct config *cfg, usec_t now)
{
	int64_t missing = MICRO - budget_level_at(b, cfg, now);
	int64_t rate = cfg->budget.pages_per_hour;

	if (missing <= 0)
		return now;
	/* The bucket never refills. */
	if (rate == 0 || cfg->budget.burst == 0)
		return usec(USEC_NEVER);
	/* Rounded up, plus 1: budget_inflow() rounds down. */
	return usec_add(now,
			usec((missing * (USEC_PER_HOUR / MICRO) + rate - 1) / rate + 1));
}

uint32_t budget_used_last_hour(const struct budget *b, usec_t now)
{
	int64_t minute = now.us / USEC_PER_MINUTE;
	uint32_t n = 0;

	for (int64_t m = b->minute; m > b->minute - 60 && m >= 0; m--)
		if (m > minute - 60)
			n += b->minutes[m % 60];
	return n;
}
