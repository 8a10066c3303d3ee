/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * After a start: the look at the whole database, beside the work, and what to do if it is
 * damaged. It does not look itself.
 */

#include <errno.h>
#include <sys/epoll.h>

#include "daemon_internal.h"
#include "journal.h"

/*
 * The engine knows by now what could be read and what happened since. All of it is stored
 * anew, into the backup or a new file.
 */
static void replace_db(struct daemon *d)
{
	struct input in = { .kind = INPUT_UNSTORED };

	d->db = db_close(d->db);
	/* As at a start: better no daemon than one whose attempts leave no trace. */
	if (daemon_open_db(d, engine_config(d->engine), false) != 0) {
		(void)sd_event_exit(d->event, EXIT_FAILURE);
		return;
	}
	if (!d->db)
		return;
	daemon_step(d, in);
	daemon_forget_read(d);
	(void)daemon_flush(d);
}

static int on_checked(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;
	int r = db_check_result(d->check);

	daemon_end_check(d);
	if (r == -EUCLEAN && d->db)
		replace_db(d);
	else if (r < 0)
		journal_log(LOG_WARNING, r, "Database: the file could not be checked");
	else if (d->db)
		db_set_checked(d->db);
	return 0;
}

void daemon_begin_check(struct daemon *d)
{
	int r;

	if (!d->db || !db_unchecked(d->db))
		return;
	r = db_check_start(&d->check, engine_config(d->engine)->database.path);
	if (r >= 0)
		r = sd_event_add_io(d->event, &d->checked, db_check_fd(d->check), EPOLLIN,
				    on_checked, d);
	if (r < 0)
		journal_log(LOG_WARNING, r, "Database: the file cannot be checked");
}

void daemon_end_check(struct daemon *d)
{
	d->checked = sd_event_source_disable_unref(d->checked);
	d->check = db_check_stop(d->check);
}
