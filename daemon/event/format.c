/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Resolves fields from the kernel's format texts, by name, with libtraceevent's parser.
 * It runs once per start; it knows neither pages nor where the texts come from, and no
 * print format: that part of a text is never parsed.
 */

#include <errno.h>
#include <event-parse.h>
#include <string.h>

#include "base/mem.h"
#include "event/decoder_internal.h"

DEFINE_CLEANUP(struct tep_handle *, tep_free)
DEFINE_CLEANUP(struct mc_format *, mc_format_free)

/* Only what stands before it matters; the parser insists on having one. */
#define PRINT_FMT "\nprint fmt: \"-\"\n"

static int parse(struct tep_handle *tep, const char *head, const char *text,
		 struct tep_event **ret)
{
	_cleanup_(free_p) char *buf = NULL;
	const char *print = strstr(text, "\nprint fmt:");
	struct tep_event *event = NULL;
	int len = print ? (int)(print - text) : (int)strlen(text);

	len = asprintf(&buf, "%s%.*s\n%s", head, len, text, PRINT_FMT);
	if (len < 0)
		return -ENOMEM;
	/* It says "no memory" for a text without a name, too: no error is told apart. */
	if (tep_parse_format(tep, &event, buf, (unsigned long)len, "ras") != 0 || !event)
		return -EBADMSG;
	*ret = event;
	return 0;
}

static bool in_range(const struct tep_format_field *field)
{
	return field->offset >= 0 && field->size > 0 &&
	       field->offset <= UINT16_MAX - field->size;
}

/* Moves *end, the end of what is needed of an event, behind the field. */
static void extend(uint16_t *end, const struct tep_format_field *field)
{
	uint16_t field_end = (uint16_t)(field->offset + field->size);

	if (*end < field_end)
		*end = field_end;
}

int mc_format_number(struct tep_event *event, const char *name, uint16_t *end,
		     struct mc_number *ret)
{
	struct tep_format_field *field = tep_find_any_field(event, name);

	*ret = (struct mc_number){ 0 };
	if (!field)
		return 0;
	if (!in_range(field))
		return -EBADMSG;
	if (field->size != 1 && field->size != 2 && field->size != 4 && field->size != 8)
		return -EBADMSG;
	if (field->flags & TEP_FIELD_IS_ARRAY)
		return -EBADMSG;
	extend(end, field);
	*ret = (struct mc_number){
		.offset = (uint16_t)field->offset,
		.size = (uint8_t)field->size,
		.is_signed = field->flags & TEP_FIELD_IS_SIGNED,
	};
	return 0;
}

static int need_number(struct tep_event *event, const char *name, uint16_t *end,
		       struct mc_number *ret)
{
	int r = mc_format_number(event, name, end, ret);

	if (r < 0)
		return r;
	return ret->size ? 0 : -EBADMSG;
}

static int find_text(struct tep_event *event, const char *name, uint16_t *end,
		     struct mc_text *ret)
{
	struct tep_format_field *field = tep_find_any_field(event, name);
	enum mc_text_kind kind = MC_TEXT_FIXED;

	*ret = (struct mc_text){ .kind = MC_TEXT_ABSENT };
	if (!field)
		return 0;
	if (!in_range(field))
		return -EBADMSG;
	if (field->flags & TEP_FIELD_IS_DYNAMIC)
		kind = field->flags & TEP_FIELD_IS_RELATIVE ? MC_TEXT_REL_LOC
							    : MC_TEXT_LOC;
	else if (!(field->flags & TEP_FIELD_IS_ARRAY))
		return -EBADMSG;
	if (kind != MC_TEXT_FIXED && field->size != 4)
		return -EBADMSG;
	extend(end, field);
	*ret = (struct mc_text){
		.kind = kind,
		.offset = (uint16_t)field->offset,
		.size = (uint16_t)field->size,
	};
	return 0;
}

static int resolve_header(struct mc_format *f, struct tep_handle *tep, const char *text)
{
	struct tep_event *event;
	struct tep_format_field *data;
	uint16_t end = 0;
	int r;

	/* The text has the fields of an event's format, without its head. */
	r = parse(tep, "name: header_page\nID: 0\nformat:\n", text, &event);
	if (r < 0)
		return r;
	r = need_number(event, "timestamp", &end, &f->timestamp);
	if (r < 0)
		return r;
	r = need_number(event, "commit", &end, &f->commit);
	if (r < 0)
		return r;
	/* The flags for lost events are bits 30 and 31 of this word. */
	if (f->timestamp.size != 8 || f->commit.size < 4)
		return -EBADMSG;
	f->commit.is_signed = false;

	/* Its size is that of a sub-buffer, which 16 bits need not hold. */
	data = tep_find_any_field(event, "data");
	if (!data || data->offset < end || data->offset > UINT16_MAX)
		return -EBADMSG;
	f->data_offset = (uint16_t)data->offset;
	return 0;
}

static int resolve_mc_texts(struct mc_format *f, struct tep_event *event)
{
	int r;

	r = find_text(event, "msg", &f->mc.min_size, &f->mc.at.msg);
	if (r < 0)
		return r;
	r = find_text(event, "label", &f->mc.min_size, &f->mc.at.label);
	if (r < 0)
		return r;
	return find_text(event, "driver_detail", &f->mc.min_size, &f->mc.at.detail);
}

/* Its parts have no gaps between their members. */
_Static_assert(sizeof(struct mc_fields) == 8 * sizeof(struct mc_number) +
						   3 * sizeof(struct mc_text) &&
		       sizeof(struct mc_number) == 4 && sizeof(struct mc_text) == 8,
	       "or memcmp() would look at what nobody has set");

static int resolve_mc(struct mc_format *f, struct tep_handle *tep, const char *text)
{
	const struct {
		const char *name;
		struct mc_number *number;
	} optional[] = {
		{ "error_count", &f->mc.at.error_count },
		{ "mc_index", &f->mc.at.mc_index },
		{ "top_layer", &f->mc.at.layer[0] },
		{ "middle_layer", &f->mc.at.layer[1] },
		{ "lower_layer", &f->mc.at.layer[2] },
		{ "address", &f->mc.at.address },
		{ "grain_bits", &f->mc.at.grain_bits },
	};
	struct tep_event *event;
	int r;

	r = parse(tep, "", text, &event);
	if (r < 0)
		return r;
	if (event->id <= 0 || event->id > UINT16_MAX ||
	    strcmp(event->name, "mc_event") != 0)
		return -EBADMSG;
	f->mc.id = (uint16_t)event->id;

	r = need_number(event, "common_type", &f->mc.min_size, &f->type);
	if (r < 0)
		return r;
	r = need_number(event, "error_type", &f->mc.min_size, &f->mc.at.error_type);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		r = mc_format_number(event, optional[i].name, &f->mc.min_size,
				     optional[i].number);
		if (r < 0)
			return r;
	}
	r = resolve_mc_texts(f, event);
	f->mc.usual = memcmp(&f->mc.at, &mc_usual_fields, sizeof(f->mc.at)) == 0;
	return r;
}

static int resolve_failure(struct mc_format *f, struct tep_handle *tep, const char *text)
{
	struct tep_event *event;
	int r;

	r = parse(tep, "", text, &event);
	if (r < 0)
		return r;
	if (event->id <= 0 || event->id > UINT16_MAX || event->id == f->mc.id)
		return -EBADMSG;
	f->failure.id = (uint16_t)event->id;

	r = need_number(event, "pfn", &f->failure.min_size, &f->failure.pfn);
	if (r < 0)
		return r;
	r = need_number(event, "type", &f->failure.min_size, &f->failure.type);
	if (r < 0)
		return r;
	r = need_number(event, "result", &f->failure.min_size, &f->failure.result);
	if (r < 0)
		return r;
	f->failure.known = true;
	return 0;
}

int mc_format_parse_soft(struct mc_format *f, const char *text,
			 int (*resolve)(struct mc_format *f, struct tep_event *event))
{
	_cleanup_(tep_free_p) struct tep_handle *tep = tep_alloc();
	struct tep_event *event;
	int r;

	if (!tep)
		return -ENOMEM;
	r = parse(tep, "", text, &event);
	if (r < 0)
		return r;
	if (event->id <= 0 || event->id > UINT16_MAX || event->id == f->mc.id ||
	    (f->failure.known && event->id == f->failure.id))
		return -EBADMSG;
	f->soft.id = (uint16_t)event->id;
	return resolve(f, event);
}

int mc_format_new(struct mc_format **ret, const char *header_page, const char *mc_event,
		  const char *failure_event)
{
	_cleanup_(mc_format_free_p) struct mc_format *f = NULL;
	_cleanup_(tep_free_p) struct tep_handle *tep = NULL;
	int r;

	f = calloc(1, sizeof(*f));
	tep = tep_alloc();
	if (!f || !tep)
		return -ENOMEM;

	r = resolve_header(f, tep, header_page);
	if (r < 0)
		return r;
	r = resolve_mc(f, tep, mc_event);
	if (r < 0)
		return r;
	if (failure_event) {
		r = resolve_failure(f, tep, failure_event);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(f);
	return 0;
}

struct mc_format *mc_format_free(struct mc_format *f)
{
	free(f);
	return NULL;
}
