/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the tests of the doctor share: a row by its id, and the form of every row. cmocka.h
 * must be included before this file.
 */

#include <string.h>

#include "doctor/check.h"

/** The row with this id; fails the test if there is none. */
static inline const struct check_row *story_row(const struct check_row *rows, size_t n,
						const char *id)
{
	static const struct check_row none;

	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].id, id) == 0)
			return &rows[i];
	fail_msg("no row %s", id);
	return &none;
}

/** Fails if a row has not the form that every row of every machine has. */
static inline void story_form(const struct check_row *row)
{
	size_t len = strlen(row->text);

	if (len == 0 || len == sizeof(row->text) - 1 || row->text[len - 1] == '.' ||
	    strchr(row->text, '\n') || strchr(row->hint, '\n') ||
	    strlen(row->hint) == sizeof(row->hint) - 1)
		fail_msg("%s: \"%s\" \"%s\"", row->id, row->text, row->hint);
	if ((row->status == CHECK_OK) != (row->hint[0] == '\0'))
		fail_msg("%s: %s, hint \"%s\"", row->id, row->text, row->hint);
	assert_int_equal(strspn(row->id, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->id));
}
