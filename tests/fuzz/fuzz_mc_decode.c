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

/* Whatever a record says, an error of it is within its bounds and has an honest label. */
static void check_machine_check(const struct mce_record *m)
{
	char label[MCE_LABEL_MAX];
	struct mce_error e;
	struct ce_event ev;

	check(m->traced == 1);
	if (!mce_decode(m, &e))
		return;
	check(e.count > 0 && e.count <= 0x7fff && e.grain_bits < 64);
	check(e.channel >= -1 && e.channel < 15 && e.socket >= -1);
	check(!e.has_address ||
	      (e.address.addr & ((UINT64_C(1) << e.grain_bits) - 1)) == 0);
	check(m->bank != MCE_BANK_FIRMWARE || e.socket < 0);
	mce_error_event(&e, label, &ev);
	check(ev.label.len == strlen(label) && ev.severity != CE_INFO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_format *format;
	struct event_decoder d;
	size_t steps = 0;
	int r;

	if (!format) {
		check(event_format_new(&format, page_builder_header_page) == 0);
		for (enum event_source_id id = 0; id < EVENT_SOURCE_MAX_; id++)
			check(event_format_add(format, id, page_builder_formats[id]) ==
			      0);
	}
	if (event_decoder_init(&d, format, 1, data, size) < 0)
		return 0;
	while ((r = event_decoder_next(&d)) > 0) {
		const struct event *ev = &d.event;

		/* No record is shorter than its header. */
		check(++steps <= size / 4);
		if (ev->kind == EVENT_KIND_SOFT)
			check(ev->soft.error >= 0 && ev->soft.duration_usec >= 0 &&
			      ev->soft.origin < SOFT_ORIGIN_MAX_ &&
			      ev->soft.kind < FRAME_KIND_MAX_ &&
			      ev->soft.outcome < SOFT_OUTCOME_MAX_);
		if (ev->kind == EVENT_KIND_CHECK)
			check_machine_check(&ev->check);
		if (ev->kind != EVENT_KIND_ERROR)
			continue;
		check_text(ev->ce.msg, data, size);
		check_text(ev->ce.label, data, size);
		check_text(ev->ce.detail, data, size);
	}
	check(event_decoder_next(&d) == 0);
	return 0;
}
