/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * soft_offline_event: the end of one soft-offline request. Its fields are found by name.
 * The words for its numbers are in the print format, where the kernel says what the
 * numbers mean: this file knows no number of any word. pfn and error are needed; the
 * other fields may be absent. A word that is not known becomes the UNKNOWN of its enum.
 */

#include <errno.h>
#include <string.h>

#include "event/decoder_internal.h"

/* How many numbers, from 0 up, keep their words; the kernel's lists have about 16. */
#define SOFT_WORDS_MAX 64

/* No errno is larger (include/linux/err.h). */
#define SOFT_ERRNO_MAX 4095

/* A number for which the kernel lists words. */
struct word_field {
	struct number_field number;
	uint8_t values[SOFT_WORDS_MAX]; /* the kernel's number -> our enum */
};

struct soft_fields {
	struct number_field pfn;
	struct number_field error;
	struct number_field usecs;
	struct number_field pid;
	struct word_field origin;
	struct word_field kind;
	struct word_field outcome;
};

static const struct number_name soft_numbers[] = {
	{ "pfn", offsetof(struct soft_fields, pfn), true },
	{ "error", offsetof(struct soft_fields, error), true },
	{ "usecs", offsetof(struct soft_fields, usecs), false },
	{ "common_pid", offsetof(struct soft_fields, pid), false },
	{ "origin", offsetof(struct soft_fields, origin.number), false },
	{ "kind", offsetof(struct soft_fields, kind.number), false },
	{ "outcome", offsetof(struct soft_fields, outcome.number), false },
};

/* "{ 3, "thp" }" at @at; returns what follows it, or NULL if it is something else. */
static const char *soft_next_word(const char *at, unsigned long *ret_number,
				  const char **ret_word, size_t *ret_len)
{
	char *end;

	at += strspn(at, " ,");
	if (*at++ != '{')
		return NULL;
	errno = 0;
	*ret_number = strtoul(at, &end, 0);
	if (end == at || errno)
		*ret_number = SOFT_WORDS_MAX; /* a name: the kernel did not resolve it */
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

static uint8_t soft_origin_value(const char *word, size_t len)
{
	return (uint8_t)soft_origin_from_word(word, len);
}

static uint8_t soft_kind_value(const char *word, size_t len)
{
	return (uint8_t)soft_kind_from_word(word, len);
}

static uint8_t soft_outcome_value(const char *word, size_t len)
{
	return (uint8_t)soft_outcome_from_word(word, len);
}

/* Without such a list every number stays unknown; that is no failure. */
static void soft_resolve_words(const char *print, const char *field,
			       uint8_t (*value)(const char *word, size_t len),
			       struct word_field *f)
{
	const char *at, *word;
	unsigned long number;
	char head[64];
	size_t len;

	snprintf(head, sizeof(head), "__print_symbolic(REC->%s,", field);
	at = strstr(print, head);
	if (at)
		at += strlen(head);
	while (at && (at = soft_next_word(at, &number, &word, &len)))
		if (number < SOFT_WORDS_MAX)
			f->values[number] = value(word, len);
}

static int soft_resolve(struct tep_event *event, const char *text, void *fields,
			uint16_t *min_size)
{
	const char *print = strstr(text, "\nprint fmt:");
	struct soft_fields *f = fields;

	if (!print)
		return 0;
	soft_resolve_words(print, "origin", soft_origin_value, &f->origin);
	soft_resolve_words(print, "kind", soft_kind_value, &f->kind);
	soft_resolve_words(print, "outcome", soft_outcome_value, &f->outcome);
	return 0;
}

static uint8_t soft_load_word(const uint8_t *base, const struct word_field *f)
{
	uint64_t v = load_number(base, &f->number);

	return f->number.size && v < SOFT_WORDS_MAX ? f->values[v] : 0;
}

/* The kernel's number of an errno is negative; a number out of range is no errno. */
static int soft_load_error(const uint8_t *base, const struct number_field *n)
{
	int64_t v = (int64_t)load_number(base, n);

	if (v == 0)
		return 0;
	return v < 0 && v >= -SOFT_ERRNO_MAX ? (int)-v : EIO;
}

static void soft_decode(const void *fields, const struct raw_event *raw,
			struct event *ret)
{
	const struct soft_fields *f = fields;
	const uint8_t *base = raw->data;
	uint64_t usecs = load_number(base, &f->usecs);

	ret->kind = EVENT_KIND_SOFT;
	ret->soft = (struct soft_event){
		.time = usec((int64_t)(raw->time_ns / 1000)),
		.pfn = pfn(load_number(base, &f->pfn)),
		.origin = (enum soft_origin)soft_load_word(base, &f->origin),
		.kind = (enum frame_kind)soft_load_word(base, &f->kind),
		.outcome = (enum soft_outcome)soft_load_word(base, &f->outcome),
		.error = soft_load_error(base, &f->error),
		.duration_usec = usecs > INT64_MAX ? INT64_MAX : (int64_t)usecs,
		.pid = (int32_t)load_number(base, &f->pid),
	};
}

const struct source_decoder soft_offline_event_decoder = {
	.fields_size = sizeof(struct soft_fields),
	.numbers = soft_numbers,
	.n_numbers = ARRAY_SIZE(soft_numbers),
	.resolve = soft_resolve,
	.decode = soft_decode,
};
