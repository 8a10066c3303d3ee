/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Answers "why not?": what of the configuration applies to a DIMM, and what would have to
 * happen for one page to be offlined. It only restates what the engine holds.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "loop/daemon_internal.h"

int op_policy_for(void *ctx, const char *label, uint8_t mc, char **ret_text)
{
	const struct daemon *d = ctx;
	const struct config *cfg = engine_config(d->engine);
	size_t len = config_format_for(cfg, label, mc, NULL, 0);
	char *text = malloc(len + 1);

	if (!text)
		return -ENOMEM;
	config_format_for(cfg, label, mc, text, len + 1);
	*ret_text = text;
	return 0;
}

static int64_t to_wall(const struct daemon *d, usec_t t)
{
	return usec_add(t, d->wall_offset).us;
}

/* How far the page is from its threshold. */
static void fill_window(const struct daemon *d, const struct page_rec *rec,
			const struct threshold *t, struct outlook_report *o)
{
	uint32_t n;

	if (t->count == 0)
		return;
	n = page_rec_in_window(rec, t->window, clock_boot());
	o->in_window = n;
	if (rec->state != PAGE_WATCHED)
		return;
	o->missing = n < t->count ? t->count - n : 1;
	if (n > 0)
		o->until = to_wall(
			d, usec_add(usec(rec->stamps[rec->n_stamps - n]), t->window));
}

int op_explain(void *ctx, uint64_t address, struct outlook_report *o,
	       char why[REPORT_TEXT_MAX])
{
	struct daemon *d = ctx;
	pfn_t p = paddr_to_pfn(paddr(address), d->page_shift);
	const struct page_rec *rec = ce_tracker_peek(engine_tracker(d->engine), p);
	const struct policy_rule *rule;
	bool other_boot;
	int r = rec ? 0 : daemon_stored_page(d, p, &rec, &other_boot);

	if (r == -ENOENT)
		daemon_say_unknown(d, p, why);
	else if (r < 0)
		daemon_say_unread(d, why);
	if (r < 0)
		return r;
	rule = engine_rule(d->engine, rec->dimm);
	*o = (struct outlook_report){ .in_window = REPORT_NO_NUMBER,
				      .missing = REPORT_NO_NUMBER,
				      .until = REPORT_NO_NUMBER,
				      .next_try = REPORT_NO_NUMBER };
	snprintf(o->action, sizeof(o->action), "%s",
		 rule->action == POLICY_SOFT ? "soft" : "account");
	(void)config_format_threshold(&rule->page, o->page_threshold,
				      sizeof(o->page_threshold));
	(void)config_format_threshold(&rule->row, o->row_threshold,
				      sizeof(o->row_threshold));
	fill_window(d, rec, &rule->page, o);
	if (rec->state != PAGE_WATCHED && rec->state != PAGE_OFFLINED &&
	    rec->not_before > clock_boot().us && rec->not_before != USEC_NEVER)
		o->next_try = to_wall(d, usec(rec->not_before));
	return 0;
}
