/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl policy show and verify: the configuration in force, and whether files are
 * valid. The daemon's own code parses, so the answer holds for the daemon.
 */

#include <errno.h>
#include <string.h>

#include "ctl.h"
#include "host/config_load.h"
#include "host/textfile_place.h"

/* Whose policy is shown. */
struct subject {
	bool all; /* no DIMM: the whole configuration */
	char label[DIMM_LABEL_MAX];
	uint8_t mc;
};

#define MAX_SUBJECTS  64
#define NO_CONTROLLER UINT8_MAX

struct subjects {
	struct subject v[MAX_SUBJECTS];
	unsigned int n;
	const char *label; /* while they are collected */
};

/* Prints it, or adds it to @list. */
static int print_policy(json_t *list, const struct subject *subject, const char *origin,
			const char *text)
{
	if (list) {
		json_t *mc = subject->mc == NO_CONTROLLER ? json_null()
							  : json_integer(subject->mc);
		int r = json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:s}", "origin", origin, "dimm",
					subject->label, "mc", mc, "text", text));

		return r < 0 ? CTL_FAILURE : CTL_FINE;
	}
	if (!subject->all && subject->mc == NO_CONTROLLER)
		printf("# DIMM %s\n", subject->label[0] ? subject->label : "(not known)");
	else if (!subject->all)
		printf("# DIMM %s of controller mc%u\n",
		       subject->label[0] ? subject->label : "(any)", subject->mc);
	fputs(text, stdout);
	return CTL_FINE;
}

static int show_running(json_t *list, struct source *s, const struct subject *subject)
{
	_cleanup_(free_p) char *text = NULL;
	int r;

	if (subject->all)
		r = source_policy(s, &text);
	else
		r = source_policy_for(s, subject->label, subject->mc, &text);
	return r < 0 ? ctl_fail(s) : print_policy(list, subject, "daemon", text);
}

static void print_diag(void *userdata, const struct config_diag *diag)
{
	fprintf(stderr, "%s: %s\n", diag->severity == CONFIG_ERROR ? "error" : "warning",
		diag->message);
}

/* Length and text as of config_format(). */
static size_t format_subject(const struct config *cfg, const struct subject *subject,
			     char *buf, size_t size)
{
	struct config_dimm dimm = { .label = subject->label,
				    .mc = subject->mc,
				    .layer = { -1, -1, -1 } };

	if (subject->all)
		return config_format(cfg, buf, size);
	return config_format_for(cfg, &dimm, buf, size);
}

static int show_files(json_t *list, const struct subject *subject)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	_cleanup_(free_p) char *text = NULL;
	size_t size;

	if (!cfg || config_load(cfg, NULL, "", print_diag, NULL) < 0)
		return CTL_FAILURE;
	size = format_subject(cfg, subject, NULL, 0) + 1;
	text = malloc(size);
	if (!text)
		return CTL_FAILURE;
	(void)format_subject(cfg, subject, text, size);
	return print_policy(list, subject, "files", text);
}

static void add_subject(struct subjects *all, const char *label, uint8_t mc)
{
	struct subject *subject = &all->v[all->n];

	for (unsigned int i = 0; i < all->n; i++)
		if (all->v[i].mc == mc && strcmp(all->v[i].label, label) == 0)
			return;
	if (all->n == MAX_SUBJECTS)
		return;
	*subject = (struct subject){ .mc = mc };
	snprintf(subject->label, sizeof(subject->label), "%s", label);
	all->n++;
}

/* A label may stand for DIMMs of several controllers; location is "mc0 ...". */
static int collect_dimm(void *userdata, const void *report)
{
	const struct dimm_report *dimm = report;
	struct subjects *all = userdata;
	unsigned int mc;

	if (strcmp(dimm->label, all->label) == 0 &&
	    sscanf(dimm->location, "mc%3u", &mc) == 1 && mc < NO_CONTROLLER)
		add_subject(all, dimm->label, (uint8_t)mc);
	return 0;
}

/* The DIMM that the errors of the page at @word named; "" if none did. */
static int find_label(const struct ctl *ctl, struct source *s, char *ret, size_t size)
{
	_cleanup_(rows_done) struct rows pages = { .size = sizeof(struct page_report) };
	struct report_filter f = {
		.has_address = true, .since = INT64_MIN, .until = INT64_MAX, .limit = 1
	};

	if (ctl_parse_address(ctl->words[0], &f.address) < 0)
		return -EINVAL;
	if (s && s->ops->pages(s, &f, rows_add, &pages) < 0)
		return ctl_fail(s), -EIO;
	if (pages.n > 0) {
		const struct page_report *page = rows_at(&pages, 0);

		snprintf(ret, size, "%s", page->dimm);
		return 0;
	}
	complain("no error of the page at %s is known, so neither is its DIMM; this is "
		 "for a DIMM that no section names",
		 ctl->words[0]);
	ret[0] = '\0';
	return 0;
}

/* @s is NULL if neither daemon nor database can be asked. Returns an exit code. */
static int find_subjects(const struct ctl *ctl, struct source *s, struct subjects *all)
{
	char label[DIMM_LABEL_MAX];
	unsigned int mc;
	int used = 0;

	if (ctl->n_words == 0) {
		all->v[all->n++] = (struct subject){ .all = true };
		return CTL_FINE;
	}
	if (sscanf(ctl->words[0], "mc%3u%n", &mc, &used) == 1 && mc < NO_CONTROLLER &&
	    ctl->words[0][used] == '\0') {
		add_subject(all, "", (uint8_t)mc);
		return CTL_FINE;
	}
	snprintf(label, sizeof(label), "%s", ctl->words[0]);
	if (args_looks_like_address(ctl->words[0])) {
		int r = find_label(ctl, s, label, sizeof(label));

		if (r < 0)
			return r == -EINVAL ? CTL_USAGE : CTL_FAILURE;
	}
	all->label = label;
	if (s && s->ops->dimms(s, collect_dimm, all) < 0)
		return ctl_fail(s);
	if (all->n == 0)
		add_subject(all, label, NO_CONTROLLER);
	all->label = NULL;
	return CTL_FINE;
}

static int print_list(const struct ctl *ctl, json_t *list)
{
	json_t *whole;

	if (ctl->n_words > 0)
		return print_json(list);
	whole = json_pack("{s:O, s:O}", "origin",
			  json_object_get(json_array_get(list, 0), "origin"), "text",
			  json_object_get(json_array_get(list, 0), "text"));
	json_decref(list);
	return print_json(whole);
}

int verb_policy_show(const struct ctl *ctl)
{
	_cleanup_(json_decref_p) json_t *list = ctl->ui.json ? json_array() : NULL;
	_cleanup_(free_p) struct subjects *all = calloc(1, sizeof(*all));
	_cleanup_(source_free_p) struct source *s = NULL;
	bool running = source_open_bus(&s) == 0;
	int r;

	if (!all || (ctl->ui.json && !list))
		return CTL_FAILURE;
	if (!running) {
		complain("softofflined is not running; this is what the files say");
		/* The database may know which DIMM a page is on. */
		if (ctl->n_words > 0)
			(void)ctl_open_stored(&s);
	}
	r = find_subjects(ctl, s, all);
	for (unsigned int i = 0; r == CTL_FINE && i < all->n; i++) {
		if (i > 0 && !list)
			putchar('\n');
		r = running ? show_running(list, s, &all->v[i])
			    : show_files(list, &all->v[i]);
	}
	if (r != CTL_FINE || !list)
		return r;
	return print_list(ctl, TAKE_PTR(list));
}

/* Where findings go: to lines at once, or into JSON for the end. */
struct findings {
	json_t *list; /* NULL: print lines */
	unsigned int n;
	bool failed; /* no memory */
};

static void verify_take_finding(void *userdata, const struct config_diag *diag)
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

/* @file: NULL for the standard locations. @strict: any finding is a failure. */
static int verify(const char *file, bool strict, struct findings *f)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	unsigned int before = f->n;
	int r;

	if (!cfg)
		return CTL_FAILURE;
	r = config_load(cfg, file, "", verify_take_finding, f);
	if (r < 0 || textfile_check_place(cfg, NULL, verify_take_finding, f) > 0)
		return CTL_FAILURE;
	if (f->n != before)
		return strict ? CTL_FAILURE : CTL_FINE;
	if (!f->list)
		printf("%s: fine\n", file ? file : "configuration");
	return CTL_FINE;
}

int verb_policy_verify(const struct ctl *ctl)
{
	_cleanup_(json_decref_p) json_t *list = ctl->ui.json ? json_array() : NULL;
	bool strict = ctl->args->given & ARGS_STRICT;
	struct findings f = { .list = list };
	int r = CTL_FINE;

	if (ctl->ui.json && !list)
		return CTL_FAILURE;
	if (ctl->n_words == 0)
		r = verify(NULL, strict, &f);
	for (unsigned int i = 0; i < ctl->n_words; i++)
		if (verify(ctl->words[i], strict, &f) != CTL_FINE)
			r = CTL_FAILURE;
	if (list && (f.failed || print_json(TAKE_PTR(list)) != CTL_FINE))
		return CTL_FAILURE;
	return r;
}
