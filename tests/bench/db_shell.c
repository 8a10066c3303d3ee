/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The daemon's way with its database, without the daemon: a commit for each second of
 * event time or a thousand rows, whichever comes first. It measures only commits.
 */

#include "db_shell.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "loop/effect_store.h"

#define MAX_SIZE_DEFAULT (UINT64_C(256) << 20)

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	exit(1);
}

static void open_db(struct db_shell *s, uint64_t max_size)
{
	struct db_options o = {
		.path = s->path,
		.max_size = max_size,
		.retention = usec(400 * USEC_PER_DAY),
		.now = s->now,
		.wall_offset = usec(INT64_C(1700000000) * USEC_PER_SEC),
	};
	enum db_opened how;
	const char *why = "";

	snprintf(o.boot_id, sizeof(o.boot_id), "bbbbbbbb-0000-4000-8000-%012u",
		 s->boots++);
	must(db_open(&s->db, &o, &how, &why), why);
}

void db_shell_open(struct db_shell *s, uint64_t max_size)
{
	*s = (struct db_shell){ .now = usec(USEC_PER_SEC),
				.commit_every = usec(USEC_PER_SEC) };
	strcpy(s->folder, "bench-db-XXXXXX");
	if (!mkdtemp(s->folder))
		must(-1, s->folder);
	snprintf(s->path, sizeof(s->path), "%s/bench.db", s->folder);
	open_db(s, max_size ? max_size : MAX_SIZE_DEFAULT);
}

uint64_t db_shell_reopen(struct db_shell *s)
{
	uint64_t begin;

	s->db = db_close(s->db);
	begin = bench_wall();
	open_db(s, MAX_SIZE_DEFAULT);
	return bench_wall() - begin;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void db_shell_close(struct db_shell *s)
{
	s->engine = engine_free(s->engine);
	s->db = db_close(s->db);
	(void)nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void step(struct db_shell *s, struct input in);

static void load(struct db_shell *s, pfn_t p)
{
	struct input in = { .kind = INPUT_LOADED };

	in.page.pfn = p;
	if (db_get_page(s->db, p, &in.page.rec, &in.page.other_boot) < 0)
		in.page.rec = NULL;
	s->loads++;
	step(s, in);
}

static void perform(struct db_shell *s, const struct effects *out)
{
	for (unsigned int i = 0; i < out->n; i++) {
		const struct effect *f = &out->v[i];

		if (f->kind == EFFECT_NOTICE)
			s->reports++;
		else if (f->kind == EFFECT_LOAD)
			load(s, f->pfn);
		else if (effect_store(s->db, s->engine, f) == 0)
			s->stored++;
	}
}

static void step(struct db_shell *s, struct input in)
{
	struct effects out;

	in.now = s->now;
	if (engine_step(s->engine, &in, &out) >= 0)
		perform(s, &out);
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

void db_shell_start(struct db_shell *s, uint32_t max_pages)
{
	struct input done = { .kind = INPUT_RESTORE_DONE };
	struct config *cfg = malloc(sizeof(*cfg));

	if (!cfg)
		must(-1, "memory");
	config_init(cfg);
	cfg->tracker.max_tracked_pages = max_pages;
	cfg->policy.action = POLICY_ACCOUNT;
	must(engine_new(&s->engine, cfg, 12), "engine");
	free(cfg);
	must(db_each_page(s->db, ce_tracker_capacity(engine_tracker(s->engine)),
			  restore_page, s, &done.restored.more_stored),
	     "restoring pages");
	step(s, done);
}

void db_shell_flush(struct db_shell *s)
{
	struct input in = { .kind = INPUT_FLUSH, .now = s->now };
	struct effects out = { .more = true };
	uint64_t begin;

	while (out.more) {
		(void)engine_step(s->engine, &in, &out);
		if (effect_store_all(s->db, s->engine, &out) == 0)
			s->stored += out.n;
	}
	begin = bench_wall();
	(void)db_commit(s->db, s->now, usec(INT64_C(1700000000) * USEC_PER_SEC));
	s->commit_ns += bench_wall() - begin;
	s->commits++;
	s->committed = s->now;
}

void db_shell_error(struct db_shell *s, uint64_t address, usec_t when)
{
	struct ce_event ev = {
		.time = when,
		.count = 1,
		.has_address = true,
		.address = paddr(address),
		.grain_bits = 6,
		.severity = CE_CORRECTED,
		.label = { "DIMM_A0", 7 },
	};

	if (usec_sub(when, s->committed).us >= s->commit_every.us ||
	    db_pending(s->db) >= DB_GROUP_ROWS)
		db_shell_flush(s);
	s->now = when;
	step(s, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}
