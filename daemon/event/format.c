/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Resolves fields from the kernel's format texts, by name, with libtraceevent's parser.
 * It runs once per start. It knows neither pages nor where the texts come from, knows no
 * field of any single event, and parses no print format.
 */

#include <errno.h>
#include <event-parse.h>
#include <string.h>

#include "base/mem.h"
#include "event/decoder_internal.h"

DEFINE_CLEANUP(struct tep_handle *, tep_free)
DEFINE_CLEANUP(struct event_format *, event_format_free)

/* The parser needs a print format, and parsing the kernel's own may fail. */
#define PRINT_FMT "\nprint fmt: \"-\"\n"

static int format_parse(struct tep_handle *tep, const char *head, const char *text,
			struct tep_event **ret)
{
	_cleanup_(free_p) char *buf = NULL;
	const char *print = strstr(text, "\nprint fmt:");
	struct tep_event *event = NULL;
	int len = print ? (int)(print - text) : (int)strlen(text);

	len = asprintf(&buf, "%s%.*s\n%s", head, len, text, PRINT_FMT);
	if (len < 0)
		return -ENOMEM;
	/* The parser says "no memory" for a text without a name, too: any of its errors
	 * counts as a bad text. */
	if (tep_parse_format(tep, &event, buf, (unsigned long)len, "ras") != 0 || !event)
		return -EBADMSG;
	*ret = event;
	return 0;
}

static bool format_in_range(const struct tep_format_field *field)
{
	return field->offset >= 0 && field->size > 0 &&
	       field->offset <= UINT16_MAX - field->size;
}

static void format_raise(uint16_t *min_size, const struct tep_format_field *field)
{
	uint16_t end = (uint16_t)(field->offset + field->size);

	if (*min_size < end)
		*min_size = end;
}

/* Size 0 if there is no such field; -EBADMSG for a field that is no number. */
static int format_find_number(struct tep_event *event, const char *name,
			      uint16_t *min_size, struct number_field *ret)
{
	struct tep_format_field *field = tep_find_any_field(event, name);

	*ret = (struct number_field){ 0 };
	if (!field)
		return 0;
	if (!format_in_range(field))
		return -EBADMSG;
	if (field->size != 1 && field->size != 2 && field->size != 4 && field->size != 8)
		return -EBADMSG;
	if (field->flags & TEP_FIELD_IS_ARRAY)
		return -EBADMSG;
	format_raise(min_size, field);
	*ret = (struct number_field){
		.offset = (uint16_t)field->offset,
		.size = (uint8_t)field->size,
		.is_signed = field->flags & TEP_FIELD_IS_SIGNED,
	};
	return 0;
}

static int format_need_number(struct tep_event *event, const char *name,
			      uint16_t *min_size, struct number_field *ret)
{
	int r = format_find_number(event, name, min_size, ret);

	if (r < 0)
		return r;
	return ret->size ? 0 : -EBADMSG;
}

int format_find_text(struct tep_event *event, const char *name, uint16_t *min_size,
		     struct text_field *ret)
{
	struct tep_format_field *field = tep_find_any_field(event, name);
	enum text_kind kind = TEXT_FIXED;

	*ret = (struct text_field){ .kind = TEXT_ABSENT };
	if (!field)
		return 0;
	if (!format_in_range(field))
		return -EBADMSG;
	if (field->flags & TEP_FIELD_IS_DYNAMIC)
		kind = field->flags & TEP_FIELD_IS_RELATIVE ? TEXT_REL_LOC : TEXT_LOC;
	else if (!(field->flags & TEP_FIELD_IS_ARRAY))
		return -EBADMSG;
	if (kind != TEXT_FIXED && field->size != 4)
		return -EBADMSG;
	format_raise(min_size, field);
	*ret = (struct text_field){
		.kind = kind,
		.offset = (uint16_t)field->offset,
		.size = (uint16_t)field->size,
	};
	return 0;
}

static int format_resolve_header(struct event_format *f, const char *text)
{
	_cleanup_(tep_free_p) struct tep_handle *tep = tep_alloc();
	struct tep_event *event;
	struct tep_format_field *data;
	uint16_t end = 0;
	int r;

	if (!tep)
		return -ENOMEM;
	/* The text has the fields of an event's format, without its head. */
	r = format_parse(tep, "name: header_page\nID: 0\nformat:\n", text, &event);
	if (r < 0)
		return r;
	r = format_need_number(event, "timestamp", &end, &f->timestamp);
	if (r < 0)
		return r;
	r = format_need_number(event, "commit", &end, &f->commit);
	if (r < 0)
		return r;
	/* The flags for lost events are bits 30 and 31 of this word. */
	if (f->timestamp.size != 8 || f->commit.size < 4)
		return -EBADMSG;
	f->commit.is_signed = false;

	/* Not format_find_number(): the size of "data" is that of a sub-buffer, which may
	 * need more than 16 bits. */
	data = tep_find_any_field(event, "data");
	if (!data || data->offset < end || data->offset > UINT16_MAX)
		return -EBADMSG;
	f->data_offset = (uint16_t)data->offset;
	return 0;
}

int event_format_new(struct event_format **ret, const char *header_page)
{
	_cleanup_(event_format_free_p) struct event_format *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = format_resolve_header(f, header_page);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

/* The head of an event; common_type is at the same place in all events. */
static int format_check_head(const struct event_format *f, struct tep_event *event,
			     const char *name, uint16_t *min_size,
			     struct number_field *ret_type)
{
	int r;

	if (event->id <= 0 || event->id > UINT16_MAX || strcmp(event->name, name) != 0)
		return -EBADMSG;
	for (unsigned int i = 0; i < f->n_sources; i++)
		if (event->id == f->sources[i].number)
			return -EBADMSG;
	r = format_need_number(event, "common_type", min_size, ret_type);
	if (r < 0)
		return r;
	if (f->n_sources > 0 && memcmp(ret_type, &f->type, sizeof(f->type)) != 0)
		return -EBADMSG;
	return 0;
}

static int format_resolve(const struct source_decoder *decoder, struct tep_event *event,
			  const char *text, uint8_t *fields, uint16_t *min_size)
{
	for (size_t i = 0; i < decoder->n_numbers; i++) {
		const struct number_name *n = &decoder->numbers[i];
		struct number_field field;
		int r = n->needed ? format_need_number(event, n->name, min_size, &field)
				  : format_find_number(event, n->name, min_size, &field);

		if (r < 0)
			return r;
		memcpy(fields + n->offset, &field, sizeof(field));
	}
	return decoder->resolve ? decoder->resolve(event, text, fields, min_size) : 0;
}

int event_format_add(struct event_format *f, enum event_source_id id, const char *text)
{
	_cleanup_(tep_free_p) struct tep_handle *tep = tep_alloc();
	const struct source_decoder *decoder = event_sources[id].decoder;
	_cleanup_(free_p) void *fields = calloc(1, decoder->fields_size);
	struct number_field type;
	struct tep_event *event;
	uint16_t min_size = 0;
	int r;

	if (!tep || !fields)
		return -ENOMEM;
	if (event_format_has(f, id))
		return -EEXIST;
	r = format_parse(tep, "", text, &event);
	if (r < 0)
		return r;
	r = format_check_head(f, event, event_sources[id].event, &min_size, &type);
	if (r < 0)
		return r;
	r = format_resolve(decoder, event, text, fields, &min_size);
	if (r < 0)
		return r;
	f->type = type;
	f->sources[f->n_sources].id = id;
	f->sources[f->n_sources].number = (uint16_t)event->id;
	f->sources[f->n_sources].min_size = min_size;
	f->sources[f->n_sources].fields = TAKE_PTR(fields);
	f->sources[f->n_sources].decode = decoder->decode;
	f->n_sources++;
	return 0;
}

bool event_format_has(const struct event_format *f, enum event_source_id id)
{
	for (unsigned int i = 0; f && i < f->n_sources; i++)
		if (f->sources[i].id == id)
			return true;
	return false;
}

struct event_format *event_format_free(struct event_format *f)
{
	for (unsigned int i = 0; f && i < f->n_sources; i++)
		free(f->sources[i].fields);
	free(f);
	return NULL;
}
