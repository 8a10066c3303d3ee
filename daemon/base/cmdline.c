/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel's command line as parameters. What a parameter means is not known here.
 */

#include "base/cmdline.h"

#include <string.h>

static bool cmdline_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Ends the parameter at @start, and says where its first "=" is; NULL if it has none. */
static char *cmdline_cut(char *start, bool quoted, char **ret_rest)
{
	char *equals = NULL, *p = start;

	for (; *p && (quoted || !cmdline_blank(*p)); p++) {
		if (*p == '=' && !equals && p > start)
			equals = p;
		if (*p == '"')
			quoted = !quoted;
	}
	*ret_rest = *p ? p + 1 : p;
	*p = '\0';
	return equals;
}

static void cmdline_drop_last_quote(char *text)
{
	size_t n = strlen(text);

	if (n > 0 && text[n - 1] == '"')
		text[n - 1] = '\0';
}

bool cmdline_next(char **text, struct cmdline_param *ret)
{
	char *start = *text, *equals;
	bool quoted;

	while (cmdline_blank(*start))
		start++;
	*text = start;
	if (*start == '\0')
		return false;
	quoted = *start == '"';
	start += quoted;
	equals = cmdline_cut(start, quoted, text);
	if (quoted)
		cmdline_drop_last_quote(start);
	*ret = (struct cmdline_param){ .name = start };
	if (!equals)
		return strcmp(start, "--") != 0;
	*equals = '\0';
	if (equals[1] == '"') {
		equals++;
		cmdline_drop_last_quote(equals + 1);
	}
	ret->value = equals + 1;
	return true;
}

static char cmdline_letter(char c, bool dashes)
{
	return dashes && c == '-' ? '_' : c;
}

static bool cmdline_same(const char *a, const char *b, size_t n, bool dashes)
{
	for (size_t i = 0; i < n; i++)
		if (cmdline_letter(a[i], dashes) != cmdline_letter(b[i], dashes))
			return false;
	return true;
}

bool cmdline_is(const char *name, const char *wanted)
{
	size_t n = strlen(wanted);

	return strlen(name) == n && cmdline_same(name, wanted, n, true);
}

bool cmdline_bool(const char *value, bool *ret_known)
{
	char first = value ? value[0] : '1';

	*ret_known = true;
	if ((first == 'o' || first == 'O') && (value[1] == 'n' || value[1] == 'N'))
		return true;
	if (first && strchr("1yYtT", first))
		return true;
	*ret_known =
		(first && strchr("0nNfF", first)) ||
		((first == 'o' || first == 'O') && (value[1] == 'f' || value[1] == 'F'));
	return false;
}

bool cmdline_list_has(const char *list, const char *word, bool dashes)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strcspn(p, ",") == n && cmdline_same(p, word, n, dashes))
			return true;
	}
	return false;
}
