/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two conditions and their edges. What is said at an edge is not known here.
 */

#include "parts/needs.h"

bool needs_note_db(struct needs *n, bool fine)
{
	bool news = n->db_failed == fine;

	n->db_failed = !fine;
	return news;
}

bool needs_note_waiting(struct needs *n, int64_t since, usec_t now)
{
	bool before = n->waiting;

	n->waiting =
		since != INT64_MIN && usec_sub(now, usec(since)).us >= NEEDS_LONG_WAIT.us;
	return n->waiting && !before;
}
