/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only door to the journal: one message for each notice, with a message id, a
 * sentence for people and fields for scripts. Without a journal the sentence goes to
 * standard error with syslog's priority before it, which systemd and people read, too.
 */

#include <syslog.h>

#include "base/mem.h"
#include "engine/notice.h"

/*
 * X(identifier, message id): lines of the daemon itself that scripts look for, next to the
 * notices of engine/notice.h. systemd/softofflined.catalog explains each of them.
 */
#define JOURNAL_ID_LIST(X)                                                               \
	X(STARTED, "d86c984534e449189baab0e4f924178b")                                   \
	X(CONFIG_RELOADED, "33963239df5941108b7e42527dfb1444")                           \
	X(CONFIG_REFUSED, "db7385431c9f4ae0ae23b62c62cd03c4")                            \
	X(DATABASE_RECOVERED, "04c93909d0014c6c92bdcece0f53da3b")                        \
	X(DATABASE_FAILED, "d91e657183204fec9dad95c044fc2756")                           \
	X(DATABASE_HELD, "710473b477024f999e5484871cc0f67a")                             \
	X(MODULE_MISSING, "cfb8a58859624892bd3347ef16b3e296")                            \
	X(MODULE_MOVED, "79ec954d9d7f491fa83a61342f67b827")

#define X(id, message_id) JOURNAL_ID_##id,
enum journal_id { JOURNAL_ID_LIST(X) JOURNAL_ID_MAX_ };
#undef X

/** What the sentence of a notice needs in addition to the notice. */
struct journal_context {
	unsigned int page_shift;
	const char *dimm_label; /* of the notice's DIMM */
	/* The sentence to the DIMM's verdict, for NOTICE_FAULT and NOTICE_VERDICT. */
	const char *verdict_why;
	/* Why the kernel does not soft-offline, for NOTICE_HOLD; NULL: not known. */
	const char *hold_why;
};

/**
 * Writes the sentence of @r, one line; cut to @size with the terminator. Returns its
 * length as snprintf() does.
 */
int journal_sentence(const struct notice *r, const struct journal_context *context,
		     char *buf, size_t size);

/** The priority of @r, as syslog numbers it. */
int journal_priority(const struct notice *r);

/** Sends @r with its message id, sentence and fields. */
void journal_notice(const struct notice *r, const struct journal_context *context);

/**
 * Sends a line of the daemon itself (start, stop, configuration, database). @error: an
 * errno, of either sign, whose text is added at the end; 0: none.
 */
void journal_log(int priority, int error, const char *format, ...) _printf_(3, 4);

/** As journal_log(), with a message id. */
void journal_event(int priority, enum journal_id id, int error, const char *format, ...)
	_printf_(4, 5);
