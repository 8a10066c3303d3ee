/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a ring-buffer page. The walk must end, stay inside the page, and hand out
 * only texts that lie in it; a sanitizer sees the rest.
 */

#include <stdlib.h>
#include <string.h>

#include "event/decoder.h"
#include "unit/page_builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fine)
{
	if (!fine)
		abort();
}

static void check_text(struct ce_text text, const uint8_t *page, size_t size)
{
	const uint8_t *s = (const uint8_t *)text.s;

	if (text.len == 0)
		return;
	check(s >= page && s < page + size && text.len <= (size_t)(page + size - s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mc_format *format;
	struct mc_decoder d;
	size_t steps = 0;
	int r;

	if (!format)
		check(mc_format_new(&format, page_builder_header_page,
				    page_builder_mc_format,
				    page_builder_failure_format) == 0 &&
		      mc_format_add_soft(format, page_builder_soft_format) == 0);
	if (mc_decoder_init(&d, format, 1, data, size) < 0)
		return 0;
	while ((r = mc_decoder_next(&d)) > 0) {
		/* No record is shorter than its header. */
		check(++steps <= size / 4);
		if (r == MC_SOFT)
			check(d.soft.error >= 0 && d.soft.duration_usec >= 0 &&
			      d.soft.origin < SOFT_ORIGIN_MAX_ &&
			      d.soft.kind < FRAME_KIND_MAX_ &&
			      d.soft.outcome < SOFT_OUTCOME_MAX_);
		if (r != MC_EVENT)
			continue;
		check_text(d.event.msg, data, size);
		check_text(d.event.label, data, size);
		check_text(d.event.detail, data, size);
	}
	check(mc_decoder_next(&d) == MC_END);
	return 0;
}
