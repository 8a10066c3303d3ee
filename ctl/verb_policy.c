/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl policy: the configuration as it is in force, and whether files would do.
 * Parsing is the daemon's own code; what is fine here is fine there.
 */

#include <errno.h>

#include "config_load.h"
#include "ctl.h"

static int print_policy(const struct ctl *ctl, const char *origin, const char *text)
{
	if (ctl->ui.json)
		return print_json(
			json_pack("{s:s, s:s}", "origin", origin, "text", text));
	fputs(text, stdout);
	return CTL_FINE;
}

static int show_running(const struct ctl *ctl, struct source *s)
{
	_cleanup_(free_p) char *text = NULL;

	if (source_policy(s, &text) < 0)
		return ctl_fail(s);
	return print_policy(ctl, "daemon", text);
}

static void print_diag(void *userdata, const struct config_diag *diag)
{
	fprintf(stderr, "%s: %s\n", diag->severity == CONFIG_ERROR ? "error" : "warning",
		diag->message);
}

static int show_files(const struct ctl *ctl)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	_cleanup_(free_p) char *text = NULL;
	size_t size;

	complain("softofflined is not running; this is what the files say");
	if (!cfg || config_load(cfg, NULL, "", print_diag, NULL) < 0)
		return CTL_FAILURE;
	size = config_format(cfg, NULL, 0) + 1;
	text = malloc(size);
	if (!text)
		return CTL_FAILURE;
	(void)config_format(cfg, text, size);
	return print_policy(ctl, "files", text);
}

int verb_policy_show(const struct ctl *ctl)
{
	_cleanup_(source_free_p) struct source *s = NULL;

	if (source_open_bus(&s) == 0)
		return show_running(ctl, s);
	return show_files(ctl);
}

/* Findings on their way out: lines at once, or JSON at the end. */
struct findings {
	json_t *list; /* NULL: print lines */
	unsigned int n;
	bool failed; /* no memory */
};

static void take_finding(void *userdata, const struct config_diag *diag)
{
	const char *severity = diag->severity == CONFIG_ERROR ? "error" : "warning";
	struct findings *f = userdata;

	f->n++;
	if (!f->list)
		printf("%s: %s\n", severity, diag->message);
	else if (json_array_append_new(f->list,
				       json_pack("{s:s, s:s}", "severity", severity,
						 "message", diag->message)) < 0)
		f->failed = true;
}

/* @file: NULL for the standard places. Returns an exit code. */
static int verify(const char *file, struct findings *f)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	unsigned int before = f->n;
	int r;

	if (!cfg)
		return CTL_FAILURE;
	r = config_load(cfg, file, "", take_finding, f);
	if (r < 0)
		return CTL_FAILURE;
	if (!f->list && f->n == before)
		printf("%s: fine\n", file ? file : "configuration");
	return CTL_FINE;
}

int verb_policy_verify(const struct ctl *ctl)
{
	_cleanup_(json_decref_p) json_t *list = ctl->ui.json ? json_array() : NULL;
	struct findings f = { .list = list };
	int r = CTL_FINE;

	if (ctl->ui.json && !list)
		return CTL_FAILURE;
	if (ctl->n_words == 0)
		r = verify(NULL, &f);
	for (unsigned int i = 0; i < ctl->n_words; i++)
		if (verify(ctl->words[i], &f) != CTL_FINE)
			r = CTL_FAILURE;
	if (list && (f.failed || print_json(TAKE_PTR(list)) != CTL_FINE))
		return CTL_FAILURE;
	return r;
}
