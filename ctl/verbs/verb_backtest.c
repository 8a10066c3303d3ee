/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl policy backtest: which policies, which input, and what was wrong with
 * it. What a policy does with an error is not known here.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <string.h>

#include "backtest/backtest_show.h"
#include "ctl.h"
#include "host/config_load.h"
#include "host/page_shift.h"
#include "imports/imports.h"
#include "imports/own_db.h"
#include "progress.h"

#define BAD_ROWS_TOLD 10
#define CSV_SHIFT     12 /* recorded addresses are cut into pages of 4 KiB */

DEFINE_CLEANUP(struct backtest *, backtest_free)
DEFINE_CLEANUP(struct import *, import_free)

/** The policies that were asked for. */
struct policies {
	struct backtest_policy *v[BACKTEST_MAX_POLICIES];
	unsigned int n;
};

static void policies_done(struct policies *p)
{
	for (unsigned int i = 0; i < p->n; i++)
		free(p->v[i]);
}

static void backtest_print_diag(void *userdata, const struct config_diag *diag)
{
	complain("%s: %s", diag->severity == CONFIG_ERROR ? "error" : "warning",
		 diag->message);
}

static int load_named(struct backtest_policy *p, const char *name)
{
	char known[ARGS_TEXT_MAX] = "";
	size_t len = 0;

	if (backtest_policy_get(name, p) == 0)
		return CTL_FINE;
	for (unsigned int i = 0; backtest_policy_name(i) && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
					i ? ", " : "", backtest_policy_name(i));
	complain("\"%s\" is not a policy; there are %s; a file is given with --config",
		 name, known);
	return CTL_USAGE;
}

/* Names of files may hold any byte; what is no text goes to no terminal, nor into JSON.
 */
static void name_policy(struct backtest_policy *p, const char *file)
{
	_cleanup_(json_decref_p) json_t *text = json_string(file);
	size_t len = 0;

	for (const char *c = file; *c && len + sizeof("%NN") <= sizeof(p->name); c++) {
		bool shown = (*c & 0x80) ? text != NULL : *c >= ' ' && *c != 0x7f;

		if (shown)
			p->name[len++] = *c;
		else
			len += (size_t)sprintf(p->name + len, "%%%02x",
					       (unsigned char)*c);
	}
}

static int load_file(struct backtest_policy *p, const char *file)
{
	name_policy(p, file);
	if (config_load(&p->cfg, file, "", backtest_print_diag, NULL) < 0)
		return CTL_FAILURE;
	return CTL_FINE;
}

static int add_policy(struct policies *all, const char *word, bool is_file)
{
	struct backtest_policy *p;

	if (all->n == BACKTEST_MAX_POLICIES) {
		complain("more than %d policies at once", BACKTEST_MAX_POLICIES);
		return CTL_USAGE;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return CTL_FAILURE;
	all->v[all->n++] = p;
	return is_file ? load_file(p, word) : load_named(p, word);
}

/* Words behind the verb go on with the option that was given: --config a.conf b.conf. */
static int load_policies(const struct ctl *ctl, struct policies *all)
{
	const struct args *args = ctl->args;
	bool files = args->configs.n > 0;
	int r = CTL_FINE;

	if (ctl->n_words > 0 && (args->policies.n > 0) == files) {
		complain("\"%s\": is it a file for --config, or a name for --policy?",
			 ctl->words[0]);
		return CTL_USAGE;
	}
	for (unsigned int i = 0; r == CTL_FINE && i < args->policies.n; i++)
		r = add_policy(all, args->policies.v[i], false);
	for (unsigned int i = 0; r == CTL_FINE && i < args->configs.n; i++)
		r = add_policy(all, args->configs.v[i], true);
	for (unsigned int i = 0; r == CTL_FINE && i < ctl->n_words; i++)
		r = add_policy(all, ctl->words[i], files);
	for (unsigned int i = 0;
	     r == CTL_FINE && args->policies.n == 0 && !files && backtest_policy_name(i);
	     i++)
		r = add_policy(all, backtest_policy_name(i), false);
	return r;
}

#define SPREAD 16 /* moments at which a row's events are taken to have come */

/*
 * A row of a cell that errs for long stands for hours or days: its first and last event
 * come when they came, those between are spread evenly.
 */
static int add_spread(struct backtest *b, const struct backtest_row *whole)
{
	uint32_t parts = whole->events < SPREAD ? whole->events : SPREAD;
	struct backtest_row row = *whole;
	int64_t length;
	int r = 0;

	if (whole->first <= 0 || parts < 2)
		return backtest_add(b, whole);
	length = usec_sub(usec(whole->time), usec(whole->first)).us;
	if (length < USEC_PER_SEC)
		return backtest_add(b, whole);
	for (uint32_t i = 0; r == 0 && i < parts; i++) {
		row.time = i + 1 == parts ? whole->time
					  : whole->first + length / (parts - 1) * i;
		row.events = whole->events / parts + (i < whole->events % parts);
		row.count = whole->count / parts + (i < whole->count % parts);
		r = backtest_add(b, &row);
	}
	return r;
}

/* Gives each row to @b. Returns 0 or negative errno; bad rows are reported here. */
static int backtest_read_rows(struct import *im, const char *name, struct backtest *b,
			      uint64_t *ret_bad)
{
	struct progress progress;
	struct backtest_row row;
	const char *why = "";
	uint64_t bad = 0;
	int r;

	progress_begin(&progress, "rows read");
	for (;;) {
		r = import_next(im, &row, &why);
		progress_step(&progress);
		if (r < 0)
			progress_clear(&progress);
		if (r == -EBADMSG && ++bad <= BAD_ROWS_TOLD)
			complain("%s:%" PRIu64 ": row skipped: %s", name, import_line(im),
				 why);
		if (r == -EBADMSG)
			continue;
		if (r < 0)
			complain("%s: cannot be read: %s", name, why);
		if (r <= 0)
			break;
		r = add_spread(b, &row);
		if (r < 0)
			break;
	}
	progress_clear(&progress);
	if (bad > BAD_ROWS_TOLD)
		complain("%s: %" PRIu64 " more rows skipped", name, bad - BAD_ROWS_TOLD);
	*ret_bad = bad;
	return r;
}

/* What makes it likely that the file means something else than was read. */
static int tell_doubts(const struct import *im, const char *name)
{
	bool refused;
	int r = 0;

	for (unsigned int i = 0;; i++) {
		const char *doubt = import_doubt(im, i, &refused);

		if (!doubt)
			return r;
		complain("%s: %s", name, doubt);
		if (refused)
			r = -EINVAL;
	}
}

static int read_input(const struct ctl *ctl, struct backtest *b, uint64_t *ret_bad)
{
	const char *path = ctl->args->input;
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	_cleanup_(import_free_p) struct import *im = NULL;
	const char *why = "";
	int r = import_open(&im, path, ctl->ui.now, CSV_SHIFT, &why);

	if (r == -EINVAL)
		complain("%s: no recorded errors: %s", name, why);
	else if (r < 0 && r != -ENOMEM)
		complain("%s: cannot be read: %s", name, why);
	if (r == 0)
		r = backtest_read_rows(im, name, b, ret_bad);
	return r < 0 ? r : tell_doubts(im, name);
}

/* Where the rows of a database go. */
struct own_rows {
	struct backtest *backtest;
	struct progress progress;
};

static int take_own(void *userdata, const struct history_row *row)
{
	struct own_rows *rows = userdata;
	struct backtest_row whole;

	progress_step(&rows->progress);
	history_to_backtest(row, &whole);
	return add_spread(rows->backtest, &whole);
}

static int read_db(const char *path, struct backtest *b)
{
	struct own_rows rows = { .backtest = b };
	char server[CTL_SERVER_MAX];
	const char *why = "";
	int r;

	ctl_server_of(path, server);
	progress_begin(&rows.progress, "rows read");
	r = own_db_read(path, server, take_own, &rows, &why);
	progress_clear(&rows.progress);
	if (r < 0 && r != -ENOMEM)
		complain("%s", why);
	return r;
}

static void tell_input(const struct backtest *b)
{
	struct backtest_input in;

	backtest_input(b, &in);
	if (in.late > 0)
		complain("%" PRIu64 " rows came more than %d rows late and were taken as "
			 "they came; sort the input by time",
			 in.late, BACKTEST_ORDER_ROWS);
	if (in.untimed > 0)
		complain("%" PRIu64 " rows left out: their time is not between the years "
			 "1970 and 2199",
			 in.untimed);
	if (in.left_out > 0)
		complain("%" PRIu64 " rows left out: more than %d DIMMs", in.left_out,
			 BACKTEST_MAX_DIMMS);
}

/*
 * An engine has blocks for more pages than most DIMMs ever show, and what is not touched
 * costs nothing while a block is a mapping of its own. By default malloc() makes 65,536
 * of these, about 11,000 engines, and then takes memory that it has to clear.
 */
static void keep_blocks_apart(void)
{
	(void)mallopt(M_MMAP_MAX, INT_MAX);
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

static int run(const struct ctl *ctl, const struct policies *all)
{
	const struct backtest_policy *const *v =
		(const struct backtest_policy *const *)all->v;
	const char *input = ctl->args->input;
	_cleanup_(backtest_free_p) struct backtest *b = NULL;
	struct backtest_show show = { .policies = v, .n_policies = all->n };
	int r;

	keep_blocks_apart();
	show.page_shift = input ? CSV_SHIFT : host_page_shift();
	r = backtest_new(&b, v, all->n, show.page_shift);
	if (r == 0)
		r = input ? read_input(ctl, b, &show.bad_rows)
			  : read_db(ctl->args->db, b);
	if (r == 0)
		r = backtest_finish(b);
	if (r == -ENOMEM)
		complain("policy backtest: out of memory with %u policies: try one at a "
			 "time with --policy, or the input in parts",
			 all->n);
	if (r < 0)
		return CTL_FAILURE;
	tell_input(b);
	show.backtest = b;
	return backtest_print(&ctl->ui, &show);
}

int verb_policy_backtest(const struct ctl *ctl)
{
	_cleanup_(policies_done) struct policies all = { .n = 0 };
	bool input = ctl->args->given & ARGS_INPUT;
	bool db = ctl->args->given & ARGS_DB;
	int r;

	if (input == db) {
		complain("policy backtest wants --input FILE or --db FILE%s",
			 input ? ", not both" : "");
		return CTL_USAGE;
	}
	r = load_policies(ctl, &all);
	return r == CTL_FINE ? run(ctl, &all) : r;
}
