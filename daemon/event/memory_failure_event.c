/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * memory_failure_event: a page that the kernel itself poisoned, or tried to
 * (include/ras/ras_event.h; some kernels have it in the system memory_failure). Each
 * field is needed. It does not know what the numbers of type and result mean.
 */

#include "event/decoder_internal.h"

struct failure_fields {
	struct number_field pfn;
	struct number_field type;
	struct number_field result;
};

static const struct number_name failure_numbers[] = {
	{ "pfn", offsetof(struct failure_fields, pfn), true },
	{ "type", offsetof(struct failure_fields, type), true },
	{ "result", offsetof(struct failure_fields, result), true },
};

static void failure_decode(const void *fields, const struct raw_event *raw,
			   struct event *ret)
{
	const struct failure_fields *f = fields;

	ret->kind = EVENT_KIND_FAILURE;
	ret->failure = (struct failure_event){
		.time = usec((int64_t)(raw->time_ns / 1000)),
		.pfn = pfn(load_number(raw->data, &f->pfn)),
		.type = (int32_t)load_number(raw->data, &f->type),
		.result = (int32_t)load_number(raw->data, &f->result),
	};
}

const struct source_decoder memory_failure_event_decoder = {
	.fields_size = sizeof(struct failure_fields),
	.numbers = failure_numbers,
	.n_numbers = ARRAY_SIZE(failure_numbers),
	.decode = failure_decode,
};
