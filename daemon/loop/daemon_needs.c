/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Says on the bus what the engine has no notice for. The journal has the daemon's own
 * lines about the database; here is one notice for its failing, and one for its end.
 */

#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "tell/report_notice.h"

static void needs_signal(struct daemon *d, const char *kind, int priority,
			 const char *message)
{
	int64_t now = usec_add(clock_boot(), clock_wall_offset()).us;
	struct notice_report report;

	if (!d->link.bus)
		return; /* who listens later asks for what stands */
	report_of_daemon(kind, priority, message, now, &report);
	bus_signal_notice(d->link.bus, &report);
}

void daemon_look_at_db_state(struct daemon *d)
{
	bool fine = daemon_db_fine(d);

	if (!needs_note_db(&d->needs, fine))
		return;
	if (fine)
		needs_signal(d, "database-works", LOG_NOTICE,
			     "Database: works again; what is known is stored.");
	else
		needs_signal(d, "database-failed", LOG_ERR,
			     "Database: what is counted cannot be stored; see "
			     "journalctl -u softofflined. Counting continues.");
}

void daemon_look_at_waiting(struct daemon *d)
{
	static const char text[] =
		"Failing pages have waited for six hours to be taken out "
		"of use; softofflinectl status says what they wait for.";
	usec_t now = clock_boot();
	struct engine_status s;

	engine_status(d->engine, now, &s);
	if (!needs_note_waiting(&d->needs, s.waiting_since, now))
		return;
	journal_log(LOG_WARNING, 0, "%s", text);
	needs_signal(d, "waiting", LOG_WARNING, text);
}
