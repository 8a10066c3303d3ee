/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Resolves soft_offline_event: fields by libtraceevent, and the words behind its numbers
 * from the print format, which is where the kernel says what they mean. It knows no
 * number of any word, and no pages.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "event/decoder_internal.h"

/* "{ 3, "thp" }" at @at; returns what stands behind it, NULL if it is something else. */
static const char *next_word(const char *at, unsigned long *ret_number,
			     const char **ret_word, size_t *ret_len)
{
	char *end;

	at += strspn(at, " ,");
	if (*at++ != '{')
		return NULL;
	errno = 0;
	*ret_number = strtoul(at, &end, 0);
	if (end == at || errno)
		*ret_number = MC_WORDS_MAX; /* a name: the kernel did not resolve it */
	at = strchr(at, '"');
	if (!at)
		return NULL;
	*ret_word = ++at;
	*ret_len = strcspn(at, "\"\n");
	at += *ret_len;
	if (*at != '"')
		return NULL;
	at = strchr(at, '}');
	return at ? at + 1 : NULL;
}

enum word_kind {
	WORD_ORIGIN,
	WORD_KIND,
	WORD_OUTCOME,
};

static uint8_t value_of(enum word_kind kind, const char *word, size_t len)
{
	switch (kind) {
	case WORD_ORIGIN:
		return (uint8_t)soft_origin_from_word(word, len);
	case WORD_KIND:
		return (uint8_t)soft_kind_from_word(word, len);
	case WORD_OUTCOME:
		return (uint8_t)soft_outcome_from_word(word, len);
	}
	return 0;
}

/* Without such a list every number stays unknown, which is no failure. */
static void resolve_words(const char *print, const char *field, enum word_kind kind,
			  uint8_t map[MC_WORDS_MAX])
{
	const char *at = NULL, *word;
	unsigned long number;
	char head[64];
	size_t len;

	snprintf(head, sizeof(head), "__print_symbolic(REC->%s,", field);
	if (print)
		at = strstr(print, head);
	if (at)
		at += strlen(head);
	while (at && (at = next_word(at, &number, &word, &len)))
		if (number < MC_WORDS_MAX)
			map[number] = value_of(kind, word, len);
}

static int resolve_fields(struct mc_format *f, struct tep_event *event)
{
	const struct {
		const char *name;
		struct mc_number *number;
		bool needed;
	} fields[] = {
		{ "pfn", &f->soft.pfn, true },
		{ "error", &f->soft.error, true },
		{ "origin", &f->soft.origin, false },
		{ "kind", &f->soft.kind, false },
		{ "outcome", &f->soft.outcome, false },
		{ "usecs", &f->soft.usecs, false },
		{ "common_pid", &f->soft.pid, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		int r = mc_format_number(event, fields[i].name, &f->soft.min_size,
					 fields[i].number);

		if (r < 0)
			return r;
		if (fields[i].needed && fields[i].number->size == 0)
			return -EBADMSG;
	}
	return 0;
}

int mc_format_add_soft(struct mc_format *f, const char *soft_event)
{
	const char *print = strstr(soft_event, "\nprint fmt:");
	struct mc_format before = *f;
	int r = mc_format_parse_soft(f, soft_event, resolve_fields);

	if (r < 0) {
		*f = before;
		return r;
	}
	resolve_words(print, "origin", WORD_ORIGIN, f->soft.origins);
	resolve_words(print, "kind", WORD_KIND, f->soft.kinds);
	resolve_words(print, "outcome", WORD_OUTCOME, f->soft.outcomes);
	f->soft.known = true;
	return 0;
}
