/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only door to the journal: one message per report, with a message id per kind, a
 * sentence for people and fields for machines. Where there is no journal the sentence
 * goes to standard error with a syslog priority prefix, which systemd and people both
 * read.
 */

#include <syslog.h>

#include "base/mem.h"
#include "engine/notice.h"

/** Message ids, one per kind; systemd/softofflined.catalog explains each of them. */
#define JOURNAL_ID_PAGE_FIRST_CE      "3a258f5f08094394a5a47fc39530b096"
#define JOURNAL_ID_PAGE_THRESHOLD     "4977e15f40ef43798a53be2ff8ba3cd6"
#define JOURNAL_ID_PAGE_OFFLINED      "4dfe03459f6f4f2797787aa386e7e9ff"
#define JOURNAL_ID_PAGE_FAILED        "1915a4561f0d44eb85d600143658b14a"
#define JOURNAL_ID_PAGE_REFUSED       "3154b5aa509d47649b198d58bc6cc3da"
#define JOURNAL_ID_UNCORRECTED        "1c998fde576e49a8a6d2109ebf32f085"
#define JOURNAL_ID_UNATTRIBUTED       "de92417a2f644cc695bc15f4897c03ae"
#define JOURNAL_ID_EVENTS_LOST        "330bac1cbbc540e6aa80fcc2a3868a56"
#define JOURNAL_ID_MALFORMED          "bdce60576f1c4e0fab16d084f50ced80"
#define JOURNAL_ID_BUDGET             "9ebad8a72f594020abc03fd44d92f7aa"
#define JOURNAL_ID_HOLD               "52560b6667ff4f9a927359b58ea354bc"
#define JOURNAL_ID_RELEASED           "3ba8623269374839bb9ebd911f5552d6"
#define JOURNAL_ID_POISON_MOVED       "645d9b0929ea4463b82c1cf5db2d0dd4"
#define JOURNAL_ID_POISON_LOST        "f81cd0ff6fa941aab66967721091ef7e"
#define JOURNAL_ID_SUMMARY            "40cabf75580745fe8d441617f5e7f24c"
#define JOURNAL_ID_REPLAY             "adeec73e96d047118fb7ed56fd9b0682"
#define JOURNAL_ID_RECOVERED          "cf19feaa89194fb9a45372aa6ec17d3a"
#define JOURNAL_ID_FOREIGN            "029eaf9d4c1c498e9f0e15a91fe44dd1"
#define JOURNAL_ID_FAULT              "5e513d92c38346918c095e93b6f21439"
#define JOURNAL_ID_VERDICT            "47f80259161d40d69f45e24906149ce4"
#define JOURNAL_ID_MODULE             "8269afed305e48288bf1f58e0d9d3dc1"
#define JOURNAL_ID_STARTED            "d86c984534e449189baab0e4f924178b"
#define JOURNAL_ID_CONFIG_RELOADED    "33963239df5941108b7e42527dfb1444"
#define JOURNAL_ID_CONFIG_REFUSED     "db7385431c9f4ae0ae23b62c62cd03c4"
#define JOURNAL_ID_DATABASE_RECOVERED "04c93909d0014c6c92bdcece0f53da3b"
#define JOURNAL_ID_DATABASE_FAILED    "d91e657183204fec9dad95c044fc2756"
#define JOURNAL_ID_DATABASE_HELD      "710473b477024f999e5484871cc0f67a"

struct journal_context {
	unsigned int page_shift;
	const char *dimm_label; /* of the report's DIMM */
	/* The sentence to the DIMM's verdict, for NOTICE_FAULT and NOTICE_VERDICT. */
	const char *verdict_why;
	/* Why the kernel does not soft-offline, for NOTICE_HOLD; NULL: not known. */
	const char *hold_why;
};

/** What journal_notice() says of @r, for people: one line, at most @size - 1 bytes. */
void journal_sentence(const struct notice *r, const struct journal_context *context,
		      char *buf, size_t size);

/** Sends @r to the journal. */
void journal_notice(const struct notice *r, const struct journal_context *context);

/** A line of the daemon itself (start, stop, configuration, database), with errno @error.
 */
void journal_log(int priority, int error, const char *format, ...) _printf_(3, 4);

/** As journal_log(), with a message id. */
void journal_event(int priority, const char *message_id, int error, const char *format,
		   ...) _printf_(4, 5);
