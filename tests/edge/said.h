/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A journal for a test of one object: counts the lines and keeps the last one. A test that
 * includes this header links no other journal_log().
 */

#include <stdarg.h>
#include <stdio.h>

#include "tell/journal.h"

static unsigned int lines;
static char last[4096 + 256];

void journal_log(int priority, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(last, sizeof(last), format, ap);
	va_end(ap);
	lines++;
}
