/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Loading the configuration, and swapping it in a running daemon: all of it or nothing.
 */

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "host/config_load.h"
#include "host/textfile_place.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"

struct findings {
	FILE *text; /* NULL: for the journal only */
};

static void config_take_finding(void *userdata, const struct config_diag *diag)
{
	struct findings *f = userdata;
	bool error = diag->severity == CONFIG_ERROR;

	journal_log(error ? LOG_ERR : LOG_WARNING, 0, "%s", diag->message);
	if (f->text)
		fprintf(f->text, "%s%s\n", error ? "" : "warning: ", diag->message);
}

static void config_refuse(struct findings *f, const char *message)
{
	struct config_diag diag = { .severity = CONFIG_ERROR, .message = message };

	config_take_finding(f, &diag);
}

/* The command line comes last, and overrides the files. */
static int override(struct daemon *d, struct config *cfg, struct findings *f)
{
	const struct daemon_options *o = &d->options;

	if ((o->db_path && strlen(o->db_path) >= CONFIG_PATH_MAX) ||
	    (o->metrics_file && strlen(o->metrics_file) >= CONFIG_PATH_MAX)) {
		config_refuse(f, "--db, --metrics: the path is too long");
		return -EINVAL;
	}
	if (o->db_path)
		strcpy(cfg->database.path, o->db_path);
	if (o->metrics_file)
		strcpy(cfg->metrics.file, o->metrics_file);
	return 0;
}

static int load_all(struct daemon *d, struct config *cfg, struct findings *f)
{
	const char *option = d->options.metrics_file ? "--metrics" : NULL;
	int r = config_load(cfg, d->options.config_file, "", config_take_finding, f);

	if (r >= 0)
		r = override(d, cfg, f);
	if (r < 0)
		return r;
	return textfile_check_place(cfg, option, config_take_finding, f) > 0 ? -EINVAL
									     : 0;
}

int daemon_load_config(struct daemon *d, struct config *cfg, char **ret_text)
{
	struct findings f = { 0 };
	char *text = NULL;
	size_t len;
	int r;

	if (ret_text)
		f.text = open_memstream(&text, &len);
	r = load_all(d, cfg, &f);
	if (r >= 0 && d->engine &&
	    strcmp(cfg->database.path, engine_config(d->engine)->database.path) != 0) {
		config_refuse(&f,
			      "[Database] Path: cannot be changed while running; restart "
			      "softofflined");
		r = -EINVAL;
	}
	if (f.text)
		fclose(f.text);
	if (ret_text)
		*ret_text = text;
	return r;
}

/* What can fail comes first, so that all of the configuration is in force or nothing. */
static int take_over(struct daemon *d, const struct config *cfg)
{
	const struct config *old = engine_config(d->engine);
	uint64_t old_size = old->source.buffer_size,
		 old_max = old->source.max_buffer_size;
	int r = daemon_set_buffer_size(d, cfg->source.buffer_size,
				       cfg->source.max_buffer_size);

	if (r < 0) {
		journal_log(LOG_ERR, r,
			    "[Source] BufferSize: the kernel refuses this size");
		return r;
	}
	(void)daemon_flush(
		d); /* a failing database must not stand in the way of a policy */
	r = daemon_step(d, (struct input){ .kind = INPUT_CONFIG, .config = cfg });
	if (r < 0) {
		(void)daemon_set_buffer_size(d, old_size, old_max);
		return r;
	}
	r = reading_want(&d->reading, daemon_unwanted(cfg));
	if (r < 0)
		journal_log(LOG_WARNING, r, "[Source] Events: not changed");
	/* Attempts that have not begun were decided by the old policy. */
	offline_worker_recall(d->worker);
	daemon_apply_control(d, cfg);
	metrics_file_set(&d->metrics_file, cfg, "");
	daemon_arm_metrics(d);
	r = d->db ? db_set_limits(d->db, cfg->database.max_size, cfg->database.retention)
		  : 0;
	if (r < 0)
		journal_log(LOG_WARNING, r, "[Database] MaxSize, Retention: not changed");
	return 0;
}

static int load_and_take_over(struct daemon *d, char **ret_text)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	int r;

	if (!cfg)
		return -ENOMEM;
	r = daemon_load_config(d, cfg, ret_text);
	return r < 0 ? r : take_over(d, cfg);
}

int daemon_reload(struct daemon *d, char **ret_text)
{
	int r;

	/* One message with the time: Type=notify-reload of systemd 253 insists on it. */
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
			 (long long)clock_monotonic().us);
	r = load_and_take_over(d, ret_text);
	d->reload_ok = r >= 0;
	if (r >= 0) {
		d->reload_time = clock_boot();
		journal_event(LOG_INFO, JOURNAL_ID_CONFIG_RELOADED, 0,
			      "Configuration reloaded.");
	} else {
		journal_event(LOG_ERR, JOURNAL_ID_CONFIG_REFUSED, r,
			      "Configuration refused; the old one stays in force");
	}
	(void)sd_notify(0, "READY=1");
	daemon_labels_again(d);
	daemon_look_for_db(d); /* an operator who brought the database back reloads */
	daemon_write_metrics(d);
	return r;
}
