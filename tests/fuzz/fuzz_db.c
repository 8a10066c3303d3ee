/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a database: a refusal must come with one line; what is read must
 * end, with texts that end; and an engine that is given all of it, as the daemon does at
 * its start, must stand it. SQLite itself is not what is fuzzed: it is linked as it is.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db.h"
#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/input.h"

#define PAGES_MAX 64
#define ROWS_MAX  2000 /* of one list */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(struct db *, db_close)
DEFINE_CLEANUP(struct engine *, engine_free)

static char folder[] = "/tmp/fuzz_db.XXXXXX";
static char file[sizeof(folder) + 8];

static void require(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "fuzz_db: %s\n", what);
	abort();
}

static void remove_folder(void)
{
	(void)unlink(file);
	(void)rmdir(folder);
}

/* One for all inputs: making one for each input would take most of the time. */
static void make_folder(void)
{
	if (file[0])
		return;
	require(mkdtemp(folder) != NULL, "no folder");
	snprintf(file, sizeof(file), "%s/db", folder);
	require(atexit(remove_folder) == 0, "no way to tidy up");
}

static void write_file(const uint8_t *data, size_t size)
{
	_cleanup_(close_p) int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size, "no file");
}

static void check_text(const char *text, size_t size)
{
	require(strnlen(text, size) < size, "a text without an end");
}

static int see_page(void *userdata, const struct db_page *row)
{
	unsigned int *n = userdata;

	check_text(row->dimm, sizeof(row->dimm));
	check_text(row->state, sizeof(row->state));
	check_text(row->reason, sizeof(row->reason));
	check_text(row->result, sizeof(row->result));
	return ++*n == ROWS_MAX;
}

static int see_history(void *userdata, const struct db_history *row)
{
	unsigned int *n = userdata;

	check_text(row->action, sizeof(row->action));
	check_text(row->reason, sizeof(row->reason));
	check_text(row->result, sizeof(row->result));
	check_text(row->page_type, sizeof(row->page_type));
	check_text(row->outcome, sizeof(row->outcome));
	return ++*n == ROWS_MAX;
}

static int see_ce(void *userdata, const struct db_ce *row)
{
	unsigned int *n = userdata;

	check_text(row->dimm, sizeof(row->dimm));
	check_text(row->unattributed, sizeof(row->unattributed));
	return ++*n == ROWS_MAX;
}

static void report(struct db *db)
{
	const struct db_filter all = { .page_shift = 12,
				       .since = INT64_MIN,
				       .until = INT64_MAX };
	struct db_filter some = { .has_pfn = true,
				  .pfn = 0x12345,
				  .page_shift = 12,
				  .since = 0,
				  .until = INT64_MAX,
				  .limit = 5 };
	struct db_summary summary;
	unsigned int n[4] = { 0 };

	(void)db_list_pages(db, &all, see_page, &n[0]);
	(void)db_list_history(db, &all, see_history, &n[1]);
	(void)db_list_ces(db, &all, see_ce, &n[2]);
	(void)db_list_ces(db, &some, see_ce, &n[3]);
	require(n[3] <= some.limit, "more rows than asked for");
	(void)db_get_summary(db, &summary);
}

static void step(struct engine *e, struct input in)
{
	struct effects out;

	in.now = usec(USEC_PER_HOUR);
	(void)engine_step(e, &in, &out);
}

static int restore_page(void *userdata, const struct page_rec *rec, bool other_boot)
{
	struct input in = { .kind = INPUT_RESTORE_PAGE };

	in.page.pfn = pfn(rec->pfn);
	in.page.rec = rec;
	in.page.other_boot = other_boot;
	step(userdata, in);
	return 0;
}

static int restore_dimm(void *userdata, uint16_t index, const struct dimm_rec *rec)
{
	struct input in = { .kind = INPUT_RESTORE_DIMM };

	check_text(rec->label, sizeof(rec->label));
	in.dimm.rec = rec;
	in.dimm.index = index;
	step(userdata, in);
	return 0;
}

static int restore_cell(void *userdata, uint16_t dimm, uint16_t slot,
			const struct fault_cell *cell)
{
	struct input in = { .kind = INPUT_RESTORE_CELL };

	in.cell.rec = cell;
	in.cell.dimm = dimm;
	in.cell.slot = slot;
	step(userdata, in);
	return 0;
}

static int restore_action(void *userdata, const struct action_row *row)
{
	struct input in = { .kind = INPUT_RESTORE_ACTION };

	in.action.row = row;
	in.action.frame = (struct frame){ .readable = true, .in_ram = true };
	step(userdata, in);
	return 0;
}

static void flush(struct engine *e)
{
	const struct input in = { .kind = INPUT_FLUSH, .now = usec(USEC_PER_HOUR) };
	struct effects out;
	unsigned int turns = 0;

	do {
		(void)engine_step(e, &in, &out);
		require(++turns < ROWS_MAX, "an engine that never gets done");
	} while (out.more);
}

/* As the daemon does at its start. */
static void restore(struct db *db)
{
	_cleanup_(engine_free_p) struct engine *e = NULL;
	struct input done = { .kind = INPUT_RESTORE_DONE };
	struct engine_status status;
	struct totals totals;
	struct config cfg;

	config_init(&cfg);
	cfg.tracker.max_tracked_pages = PAGES_MAX;
	require(engine_new(&e, &cfg, 12) == 0, "no engine");
	if (db_get_totals(db, &totals) == 0)
		step(e,
		     (struct input){ .kind = INPUT_RESTORE_TOTALS, .totals = &totals });
	(void)db_each_dimm(db, restore_dimm, e);
	(void)db_each_cell(db, restore_cell, e);
	(void)db_each_page(db, PAGES_MAX, restore_page, e, &done.restored.more_stored);
	(void)db_each_intent(db, restore_action, e);
	step(e, done);
	flush(e);
	engine_status(e, usec(USEC_PER_HOUR), &status);
	require(status.tracked <= PAGES_MAX, "more pages than there is room for");
}

static void check_why(const char *why)
{
	require(why && *why, "a refusal without a reason");
	require(!strchr(why, '\n'), "a reason of more than one line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(db_close_p) struct db *db = NULL;
	const char *why = NULL;

	make_folder();
	write_file(data, size);
	if (db_open_readonly(&db, file, &why) < 0) {
		check_why(why);
		return 0;
	}
	report(db);
	restore(db);
	return 0;
}
