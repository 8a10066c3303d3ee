/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The database's file: opened, checked as a whole after the start, and looked for by the
 * minute; and what to do if it cannot be opened, is damaged or is gone. How each of that
 * is found out is db.h's business.
 */

#include <errno.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"

int daemon_db_not_opened(struct daemon *d, int r, const char *why)
{
	bool disk = r == -ENOSPC || r == -EIO || r == -EROFS || r == -ESTALE;
	bool first = d->db_state.open_error == 0;

	/* At a start the daemon continues only if the disk is to blame. */
	if (first && !disk) {
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, 0, "%s", why);
		/* A later version's file, another program's, or no file: trying again
		 * does not help, and the operator has to decide. */
		return r == -EPROTONOSUPPORT || r == -EINVAL ? EX_CONFIG : EXIT_FAILURE;
	}
	if (db_state_not_opened(&d->db_state, r))
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, 0, "%s", why);
	if (first)
		journal_log(LOG_ERR, 0,
			    "Continuing without a database: counts last only as long as "
			    "this process. Opening it is tried again every minute, and "
			    "what was counted is stored then.");
	return 0;
}

int daemon_open_db(struct daemon *d, const struct config *cfg, bool check_later)
{
	struct db_options options = {
		.path = cfg->database.path,
		.max_size = cfg->database.max_size,
		.retention = cfg->database.retention,
		.now = clock_boot(),
		.wall_offset = d->wall_offset,
		.page_shift = d->page_shift,
		.check_later = check_later,
	};
	enum db_opened how;
	const char *why = "";
	int r = clock_boot_id(options.boot_id);

	if (r < 0) {
		journal_log(LOG_ERR, r,
			    "/proc/sys/kernel/random/boot_id: cannot be read");
		return EXIT_FAILURE;
	}
	r = db_open(&d->db, &options, &how, &why);
	if (r < 0)
		return daemon_db_not_opened(d, r, why);
	db_inherit(d->db, TAKE_PTR(d->heritage));
	if (how == DB_QUARANTINED)
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_RECOVERED, 0, "%s", why);
	else if (how == DB_RETIRED || how == DB_REPAGED)
		journal_log(LOG_WARNING, 0, "%s", why);
	return 0;
}

/*
 * The engine knows what could be read from the damaged file and what happened since. All
 * of that is stored again, into the backup or into a new file.
 */
static void replace_db(struct daemon *d)
{
	int status;

	d->heritage = db_close_for_next(TAKE_PTR(d->db));
	d->db_state.replaced = true;
	/* As at a start: better no daemon than attempts that leave no trace. */
	status = daemon_open_db(d, engine_config(d->engine), false);
	if (status != 0) {
		(void)sd_event_exit(d->event, status);
		return;
	}
	if (!d->db)
		return;
	daemon_store_again(d);
	(void)daemon_flush(d);
}

/* True if the file at the path is the file that is open. */
static bool in_place(const struct daemon *d)
{
	const char *why;

	return !d->db_state.away && db_is_in_place(d->db, &why);
}

/* The check of the whole file, which runs in a thread. */
struct check {
	struct db_check *run;
	sd_event_source *source;
};

static int on_checked(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;
	int r = db_check_result(d->check->run);

	daemon_end_check(d);
	if (!d->db || !in_place(d))
		return 0;
	if (r == -EUCLEAN)
		replace_db(d);
	else if (r < 0)
		journal_log(LOG_WARNING, r,
			    "Database: the file could not be checked; the check is "
			    "tried again within ten minutes");
	else
		db_set_checked(d->db);
	return 0;
}

static const char *db_path_of(const struct daemon *d)
{
	return engine_config(d->engine)->database.path;
}

/* Once for each time that the files are gone, and for each reason. */
static void say_away(struct daemon *d, int r, const char *why)
{
	if (!db_state_stays_away(&d->db_state, r))
		return;
	journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, why ? 0 : r,
		      "%s; until the database is stored there again, all that is counted "
		      "is lost when the daemon ends. Storing it is tried again every "
		      "minute.",
		      why ? why : db_path_of(d));
}

static void look_for_lock(struct daemon *d)
{
	int r = db_hold_lock(d->db);

	if (!db_state_set_lock(&d->db_state, r))
		return;
	if (r > 0)
		journal_log(LOG_NOTICE, 0,
			    "%s.lock: was removed or replaced; taken again",
			    db_path_of(d));
	else if (r < 0)
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, r,
			      "%s.lock: was removed or replaced, and cannot be taken "
			      "again",
			      db_path_of(d));
}

/* The open file cannot be read any more, and nothing is at the path: what the engine
 * knows is stored there; the histories are lost. */
static void give_up_old(struct daemon *d)
{
	journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, 0,
		      "%s: the file that was open cannot be copied (%s); its history is "
		      "lost",
		      db_path_of(d), db_last_error(d->db));
	replace_db(d);
	d->db_state.away = false;
}

static void bring_back(struct daemon *d)
{
	const char *why = NULL;
	int r;

	daemon_end_check(d);
	(void)daemon_flush(d);
	r = db_bring_back(d->db, &why);
	if (r == 0) {
		d->db_state.away = false;
		journal_event(LOG_NOTICE, JOURNAL_ID_DATABASE_RECOVERED, 0, "%s", why);
	} else if (!db_is_open(d->db)) {
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, r, "%s",
			      why ? why : db_path_of(d));
		replace_db(d);
		d->db_state.away = false;
	} else if ((r == -EIO || r == -EUCLEAN) && access(db_path_of(d), F_OK) < 0 &&
		   errno == ENOENT) {
		give_up_old(d);
	} else {
		say_away(d, r, why);
	}
}

bool daemon_db_fine(const struct daemon *d)
{
	return d->db && db_state_is_fine(&d->db_state);
}

void daemon_look_for_db(struct daemon *d)
{
	const char *why = NULL;

	if (!d->db) {
		daemon_try_db_again(d);
		return;
	}
	look_for_lock(d);
	if (db_is_in_place(d->db, &why)) {
		d->db_state.away = false;
		return;
	}
	if (db_state_gone(&d->db_state))
		journal_event(LOG_WARNING, JOURNAL_ID_DATABASE_FAILED, 0,
			      "%s while the daemon runs", why);
	bring_back(d);
}

void daemon_begin_check(struct daemon *d)
{
	struct check *c;
	int r;

	/* The check opens the path, where another file may be now. */
	if (!d->db || d->check || !db_unchecked(d->db) || !in_place(d))
		return;
	d->check = c = calloc(1, sizeof(*c));
	r = c ? db_check_start(&c->run, db_path_of(d)) : -ENOMEM;
	if (r >= 0)
		r = sd_event_add_io(d->event, &c->source, db_check_fd(c->run), EPOLLIN,
				    on_checked, d);
	if (r >= 0)
		return;
	journal_log(LOG_WARNING, r, "Database: the file cannot be checked");
	daemon_end_check(d);
}

void daemon_end_check(struct daemon *d)
{
	struct check *c = TAKE_PTR(d->check);

	if (!c)
		return;
	sd_event_source_disable_unref(c->source);
	db_check_stop(c->run);
	free(c);
}
