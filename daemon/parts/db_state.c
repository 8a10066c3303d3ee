/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The conditions of the database and their transitions. How a failure looks, what the
 * line in the journal says and what is done about it is not known here.
 */

#include "parts/db_state.h"

bool db_state_is_fine(const struct db_state *s)
{
	return !s->failing && !s->incomplete && !s->log_held && !s->away &&
	       s->lock_error == 0;
}

bool db_state_failed(struct db_state *s)
{
	bool news = !s->failing;

	s->row_failed = true;
	s->failing = true;
	return news;
}

bool db_state_committed(struct db_state *s, bool stored, usec_t now, bool at_once)
{
	bool works = stored && !s->row_failed;

	s->row_failed = false;
	if (!works || !s->failing || (now.us < s->retry_at.us && !at_once))
		return false;
	s->failing = false;
	return true;
}

bool db_state_flushed(struct db_state *s, bool all, bool ok, usec_t now)
{
	if (!all)
		return false;
	if (!ok || s->failing) {
		s->retry_at = usec_add(now, usec(USEC_PER_MINUTE));
		return false;
	}
	s->incomplete = false;
	return true;
}

bool db_state_set_log(struct db_state *s, bool held)
{
	bool news = s->log_held != held;

	s->log_held = held;
	return news;
}

bool db_state_set_lock(struct db_state *s, int r)
{
	bool news = s->lock_error != r;

	s->lock_error = r < 0 ? r : 0;
	return news;
}

bool db_state_gone(struct db_state *s)
{
	bool news = !s->away;

	if (news)
		s->away_error = 0;
	s->away = true;
	return news;
}

bool db_state_stays_away(struct db_state *s, int r)
{
	bool news = s->away_error != r;

	s->away_error = r;
	return news;
}

bool db_state_not_opened(struct db_state *s, int r)
{
	bool news = s->open_error != r;

	s->open_error = r;
	return news;
}

void db_state_unstored(struct db_state *s, uint64_t errors)
{
	s->unstored_rows++;
	s->unstored_errors += errors;
}

void db_state_opened_again(struct db_state *s)
{
	s->unstored_rows = s->unstored_errors = 0;
	s->open_error = 0;
}
