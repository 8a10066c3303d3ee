/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verbs that change something: offline, forget, reload. All of them ask the daemon;
 * none of them acts by itself.
 */

#include <errno.h>
#include <string.h>

#include "ctl.h"

static int print_result(const struct ctl *ctl, uint64_t address, enum result result,
			int error)
{
	const char *word = result_to_string(result);
	char text[OUTPUT_TEXT_MAX];

	text_address(address, text);
	if (ctl->ui.json)
		return print_json(json_pack("{s:s, s:s, s:i}", "address", text, "result",
					    word, "errno", error));
	printf("%s: %s: %s\n", text, word, result_help(result));
	return CTL_FINE;
}

int verb_offline(const struct ctl *ctl)
{
	_cleanup_(source_free_p) struct source *s = NULL;
	enum result result;
	uint64_t address;
	int error;
	int r;

	if (ctl_parse_address(ctl->words[0], &address) < 0)
		return CTL_USAGE;
	if (ctl_open_daemon(&s) < 0)
		return CTL_FAILURE;
	if (source_offline(s, address, &result, &error) < 0)
		return ctl_fail(s);
	r = print_result(ctl, address, result, error);
	if (r == CTL_FINE && result != RESULT_OFFLINED && result != RESULT_ALREADY &&
	    result != RESULT_DRY_RUN)
		r = CTL_FAILURE;
	return r;
}

/* @key: "address" or "dimm". Text output is empty: the exit status is enough. */
static int print_forgotten(const struct ctl *ctl, const char *key, const char *name)
{
	if (!ctl->ui.json)
		return CTL_FINE;
	return print_json(json_pack("{s:s, s:s}", key, name, "result", "forgotten"));
}

/* "dimm:" marks a label that looks like an address. */
static int act_forget_dimm(const struct ctl *ctl, const char *label)
{
	_cleanup_(source_free_p) struct source *s = NULL;

	if (strncmp(label, "dimm:", 5) == 0)
		label += 5;
	if (ctl_open_daemon(&s) < 0)
		return CTL_FAILURE;
	if (source_forget_dimm(s, label) < 0)
		return ctl_fail(s);
	return print_forgotten(ctl, "dimm", label);
}

int verb_forget(const struct ctl *ctl)
{
	_cleanup_(source_free_p) struct source *s = NULL;
	char text[OUTPUT_TEXT_MAX];
	uint64_t address;

	if (!args_looks_like_address(ctl->words[0]))
		return act_forget_dimm(ctl, ctl->words[0]);
	if (ctl_parse_address(ctl->words[0], &address) < 0)
		return CTL_USAGE;
	if (ctl_open_daemon(&s) < 0)
		return CTL_FAILURE;
	if (source_forget(s, address) < 0)
		return ctl_fail(s);
	return print_forgotten(ctl, "address", text_address(address, text));
}

static void print_lines(FILE *f, const char *text)
{
	size_t len = strlen(text);

	fputs(text, f);
	if (len > 0 && text[len - 1] != '\n')
		fputc('\n', f);
}

/* The lines of @text that are not empty, as an array; NULL without memory. */
static json_t *lines_to_json(const char *text)
{
	_cleanup_(json_decref_p) json_t *list = json_array();

	for (size_t len; list && *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len > 0 && json_array_append_new(list, json_stringn(text, len)) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

static int print_refused(const struct ctl *ctl, const char *why)
{
	complain("the configuration is refused; the old one stays");
	if (ctl->ui.json)
		(void)print_json(json_pack("{s:s, s:o}", "result", "refused", "findings",
					   lines_to_json(why)));
	else
		print_lines(stderr, why);
	return CTL_FAILURE;
}

int verb_reload(const struct ctl *ctl)
{
	_cleanup_(source_free_p) struct source *s = NULL;
	_cleanup_(free_p) char *text = NULL;
	int r;

	if (ctl_open_daemon(&s) < 0)
		return CTL_FAILURE;
	r = source_reload(s, &text);
	if (r == -EINVAL)
		return print_refused(ctl, s->why);
	if (r < 0)
		return ctl_fail(s);
	if (ctl->ui.json)
		return print_json(json_pack("{s:s, s:o}", "result", "reloaded",
					    "warnings", lines_to_json(text)));
	print_lines(stdout, text);
	return CTL_FINE;
}
