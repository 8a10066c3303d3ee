/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verbs that change something: offline, forget, reload. All of them ask the daemon;
 * nothing is ever done past it.
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

/* An explicit "dimm:" is for labels that look like something else. */
static int forget_dimm(const char *label)
{
	_cleanup_(source_free_p) struct source *s = NULL;

	if (strncmp(label, "dimm:", 5) == 0)
		label += 5;
	if (ctl_open_daemon(&s) < 0)
		return CTL_FAILURE;
	return source_forget_dimm(s, label) < 0 ? ctl_fail(s) : CTL_FINE;
}

int verb_forget(const struct ctl *ctl)
{
	_cleanup_(source_free_p) struct source *s = NULL;
	uint64_t address;

	if (!args_looks_like_address(ctl->words[0]))
		return forget_dimm(ctl->words[0]);
	if (ctl_parse_address(ctl->words[0], &address) < 0)
		return CTL_USAGE;
	if (ctl_open_daemon(&s) < 0)
		return CTL_FAILURE;
	return source_forget(s, address) < 0 ? ctl_fail(s) : CTL_FINE;
}

static void print_lines(FILE *f, const char *text)
{
	size_t len = strlen(text);

	fputs(text, f);
	if (len > 0 && text[len - 1] != '\n')
		fputc('\n', f);
}

int verb_reload(const struct ctl *ctl)
{
	_cleanup_(source_free_p) struct source *s = NULL;
	_cleanup_(free_p) char *text = NULL;
	int r;

	if (ctl_open_daemon(&s) < 0)
		return CTL_FAILURE;
	r = source_reload(s, &text);
	if (r == -EINVAL) {
		complain("the configuration is refused; the old one stays");
		print_lines(stderr, s->why);
		return CTL_FAILURE;
	}
	if (r < 0)
		return ctl_fail(s);
	print_lines(stdout, text);
	return CTL_FINE;
}
