/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One configuration file's text to struct config. inih splits sections and keys, but it
 * accepts too much: it cuts long lines and names, takes an indented line for a
 * continuation, splits at a colon and drops what it does not understand. So every line is
 * checked and cleaned before inih sees it. This file opens no file, and does not decide
 * what to do about a finding.
 */

#include <ctype.h>
#include <ini.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/config_internal.h"

/* inih 55 has room for 200 bytes of a line with its CR, LF and NUL, and for 50 of a
 * name. */
#define MAX_LINE 197
#define MAX_NAME 49

/* For errors and for warnings separately, so that neither can hide the other. */
#define MAX_FINDINGS 50

#define BOM "\xef\xbb\xbf"

/* Where a key of a section goes. */
enum place {
	PLACE_NONE,     /* before the first section */
	PLACE_SKIPPED,  /* a section with a finding: its keys are ignored */
	PLACE_FOREIGN,  /* [X-...]: another program's */
	PLACE_SECTION,  /* a section of the table */
	PLACE_OVERRIDE, /* [Policy "GLOB"] */
};

struct parser {
	struct config *cfg;
	const char *name;
	const char *next;
	const char *end;
	uint32_t line;
	uint8_t file;

	enum place place;
	const char *section;   /* the table's spelling */
	unsigned int override; /* PLACE_OVERRIDE */
	char title[4 * MAX_NAME];

	/* The line that set an option; the last row is for options outside of
	 * overrides. */
	uint32_t seen[CONFIG_MAX_OVERRIDES + 1][CONFIG_MAX_OPTIONS];

	config_diag_fn diag;
	void *userdata;
	unsigned int findings[CONFIG_ERROR + 1]; /* by severity */
};

/* One finding on the present line; @key is NULL if the finding is not about a key. */
static _printf_(4, 5) void parser_report(struct parser *p, enum config_severity severity,
					 const char *key, const char *format, ...)
{
	char message[CONFIG_MESSAGE_MAX], name[CONFIG_PATH_MAX], quoted[4 * MAX_NAME];
	unsigned int n = p->findings[severity]++;
	const char *more = severity == CONFIG_ERROR ? "errors" : "warnings";
	va_list args;
	int len;

	if (n > MAX_FINDINGS)
		return;
	text_escape(p->name, strlen(p->name), name, sizeof(name));
	len = snprintf(message, sizeof(message), "%s:%" PRIu32 ": ", name, p->line);
	if (n == MAX_FINDINGS) {
		snprintf(message + len, sizeof(message) - (size_t)len, "and more %s",
			 more);
		config_diagnose(p->diag, p->userdata, severity, "%s", message);
		return;
	}
	if (p->place == PLACE_SECTION || p->place == PLACE_OVERRIDE)
		len += snprintf(message + len, sizeof(message) - (size_t)len, "[%s] ",
				p->title);
	if (key)
		len += snprintf(message + len, sizeof(message) - (size_t)len, "%s: ",
				text_escape(key, strlen(key), quoted, sizeof(quoted)));
	va_start(args, format);
	vsnprintf(message + len, sizeof(message) - (size_t)len, format, args);
	va_end(args);
	config_diagnose(p->diag, p->userdata, severity, "%s", message);
}

static int parser_find_override(struct parser *p, const char *glob, size_t len)
{
	struct config *cfg = p->cfg;
	struct policy_override *override;

	for (unsigned int i = 0; i < cfg->n_overrides; i++)
		if (strlen(cfg->overrides[i].glob) == len &&
		    memcmp(cfg->overrides[i].glob, glob, len) == 0)
			return (int)i;
	if (cfg->n_overrides >= CONFIG_MAX_OVERRIDES) {
		parser_report(
			p, CONFIG_ERROR, NULL,
			"too many [Policy \"GLOB\"] sections; at most %d are possible",
			CONFIG_MAX_OVERRIDES);
		return -1;
	}
	override = &cfg->overrides[cfg->n_overrides];
	*override = (struct policy_override){ 0 };
	memcpy(override->glob, glob, len);
	return (int)cfg->n_overrides++;
}

/* @rest is the text after "Policy": blanks and a glob in quotes, or it is wrong. */
static void parser_enter_override(struct parser *p, const char *title, const char *rest)
{
	const char *glob = rest + strspn(rest, " \t");
	const char *close = *glob == '"' ? strchr(glob + 1, '"') : NULL;
	bool unprintable = false;
	int i;

	if (strncmp(title, "Policy", strlen("Policy")) != 0 || glob == rest || !close ||
	    close[1] != '\0' || close == glob + 1) {
		parser_report(
			p, CONFIG_ERROR, NULL,
			"[%s]: write [Policy \"GLOB\"], with a pattern of DIMM labels in "
			"double quotes",
			p->title);
		return;
	}
	glob++;
	if ((size_t)(close - glob) >= CONFIG_GLOB_MAX) {
		parser_report(p, CONFIG_ERROR, NULL,
			      "[%s]: the pattern is longer than %d bytes", p->title,
			      CONFIG_GLOB_MAX - 1);
		return;
	}
	/* Labels never contain such bytes, so the pattern would never match, without a
	 * message. */
	for (const char *c = glob; c < close; c++)
		unprintable = unprintable || !text_is_printable(*c);
	if (unprintable) {
		parser_report(
			p, CONFIG_ERROR, NULL,
			"[%s]: labels are kept with ? for each byte that is not printable "
			"ASCII; write ? or * in the pattern",
			p->title);
		return;
	}
	i = parser_find_override(p, glob, (size_t)(close - glob));
	if (i < 0)
		return;
	p->place = PLACE_OVERRIDE;
	p->section = "Policy";
	p->override = (unsigned int)i;
}

/* @title is the text between the brackets. */
static void parser_enter_section(struct parser *p, const char *title)
{
	char trimmed[MAX_NAME + 1], prefix[sizeof("Policy")];
	const char *start = title + strspn(title, " \t"), *known;
	size_t len = strlen(start);

	p->place = PLACE_SKIPPED;
	text_escape(title, strlen(title), p->title, sizeof(p->title));
	if (strncmp(title, "X-", strlen("X-")) == 0) {
		p->place = PLACE_FOREIGN;
		return;
	}
	while (len > 0 && (start[len - 1] == ' ' || start[len - 1] == '\t'))
		len--;
	snprintf(trimmed, sizeof(trimmed), "%.*s", (int)len, start);
	known = config_section_find(trimmed);
	if (known && strcmp(known, title) == 0) {
		p->place = PLACE_SECTION;
		p->section = known;
		return;
	}
	if (known) {
		parser_report(p, CONFIG_ERROR, NULL,
			      "[%s]: blanks and letter case count: write [%s]", p->title,
			      known);
		return;
	}
	snprintf(prefix, sizeof(prefix), "%.*s", (int)strlen("Policy"), trimmed);
	if (text_same_letters(prefix, "Policy") &&
	    !isalpha((unsigned char)trimmed[strlen(prefix)])) {
		parser_enter_override(p, title, trimmed + strlen(prefix));
		return;
	}
	parser_report(
		p, CONFIG_ERROR, NULL,
		"[%s]: unknown section; the nearest known one is [%s]; a section for "
		"another program begins with X-",
		p->title, config_section_nearest(trimmed));
}

/* Blank, then # or ;: the rest is a comment, but not inside a pattern's quotes. */
static size_t cut_comment(const char *s, size_t len)
{
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (s[0] == '[' && s[i] == '"')
			quoted = !quoted;
		if (!quoted && i > 0 && (s[i] == '#' || s[i] == ';') &&
		    (s[i - 1] == ' ' || s[i - 1] == '\t')) {
			len = i;
			break;
		}
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	return len;
}

static bool parser_check_header(struct parser *p, const char *s, size_t len)
{
	char title[MAX_LINE + 1];

	/* Even if this section is wrong: the keys below it do not belong to the section
	 * above. */
	p->place = PLACE_SKIPPED;
	if (s[len - 1] != ']') {
		parser_report(
			p, CONFIG_ERROR, NULL,
			"a section must end with \"]\" and nothing behind it but a comment");
		return false;
	}
	snprintf(title, sizeof(title), "%.*s", (int)len - 2, s + 1);
	if (strpbrk(title, "[]") || strstr(title, " ;") || strstr(title, "\t;")) {
		parser_report(
			p, CONFIG_ERROR, NULL,
			"a section name cannot hold [, ] or \" ;\"; in a pattern ? stands "
			"for any character");
		return false;
	}
	if (strlen(title) > MAX_NAME) {
		parser_report(
			p, CONFIG_ERROR, NULL,
			"the section name is longer than %d bytes; * stands for any text in "
			"a pattern",
			MAX_NAME);
		return false;
	}
	parser_enter_section(p, title);
	return true;
}

static bool parser_check_assignment(struct parser *p, const char *s, size_t len)
{
	const char *equals = memchr(s, '=', len);
	size_t key = equals ? (size_t)(equals - s) : len;
	bool colon = memchr(s, ':', key) != NULL;

	while (key > 0 && (s[key - 1] == ' ' || s[key - 1] == '\t'))
		key--;
	if (colon)
		parser_report(p, CONFIG_ERROR, NULL,
			      "a colon does not end a key; write Key=value");
	else if (!equals)
		parser_report(p, CONFIG_ERROR, NULL,
			      "neither a section nor a comment nor Key=value");
	else if (key == 0)
		parser_report(p, CONFIG_ERROR, NULL,
			      "no key before the \"=\"; write Key=value");
	else if (key > MAX_NAME)
		parser_report(p, CONFIG_ERROR, NULL, "the key is longer than %d bytes",
			      MAX_NAME);
	else
		return true;
	return false;
}

static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

/* True if inih may see @s; false if it is blank or has a finding. */
static bool parser_check_line(struct parser *p, const char *s, size_t *len)
{
	size_t indent = 0;

	if (memchr(s, '\0', *len)) {
		parser_report(p, CONFIG_ERROR, NULL,
			      "a NUL byte; this is not a text file");
		return false;
	}
	while (indent < *len && (s[indent] == ' ' || s[indent] == '\t'))
		indent++;
	if (indent == *len || s[indent] == '#' || s[indent] == ';')
		return false;

	*len = cut_comment(s, *len);
	if (has_control(s, *len))
		parser_report(p, CONFIG_ERROR, NULL,
			      "a control character; retype the line");
	else if (p->place == PLACE_FOREIGN && s[indent] != '[')
		return false; /* an indented [Policy] is not theirs */
	else if (*len > MAX_LINE)
		parser_report(p, CONFIG_ERROR, NULL,
			      "the line is longer than %d bytes without its comment",
			      MAX_LINE);
	else if (indent > 0)
		parser_report(
			p, CONFIG_ERROR, NULL,
			"white space before the first word; lines are not continued here");
	else if (s[0] == '[')
		return parser_check_header(p, s, *len);
	else
		return parser_check_assignment(p, s, *len);
	return false;
}

/* inih's reader: the next line if it is sound, else an empty line in its place. */
static char *parser_next_line(char *buf, int size, void *stream)
{
	struct parser *p = stream;
	const char *s = p->next, *newline;
	size_t len;

	if (s == p->end || size < MAX_LINE + 2)
		return NULL;
	newline = memchr(s, '\n', (size_t)(p->end - s));
	len = (size_t)((newline ? newline : p->end) - s);
	p->next = newline ? newline + 1 : p->end;
	p->line++;

	if (p->line == 1 && len >= strlen(BOM) && memcmp(s, BOM, strlen(BOM)) == 0) {
		s += strlen(BOM);
		len -= strlen(BOM);
	}
	if (len > 0 && s[len - 1] == '\r')
		len--;
	if (!parser_check_line(p, s, &len))
		len = 0;
	memcpy(buf, s, len);
	memcpy(buf + len, "\n", sizeof("\n"));
	return buf;
}

/*
 * True for a key that may be meant to keep the daemon from acting: a key of a section
 * that limits the daemon, or a key that exists only in such a section and was put
 * elsewhere.
 */
static bool may_restrain(const struct parser *p, const struct option *near,
			 const char *key)
{
	return config_section_acts(p->section) ||
	       (config_section_acts(near->doc.section) &&
		text_same_letters(near->doc.key, key));
}

static void parser_unknown_key(struct parser *p, const char *key)
{
	const struct option *near = config_option_nearest(p->section, key);
	bool here = strcmp(near->doc.section, p->section) == 0;
	bool same = text_same_letters(near->doc.key, key);
	bool refused = may_restrain(p, near, key);
	enum config_severity severity = refused ? CONFIG_ERROR : CONFIG_WARNING;

	if (here && same)
		parser_report(p, CONFIG_ERROR, key, "letter case counts: write %s",
			      near->doc.key);
	else if (same)
		parser_report(p, severity, key,
			      "no key of this section%s; %s belongs below [%s]",
			      refused ? "" : ", ignored", near->doc.key,
			      near->doc.section);
	else
		parser_report(p, severity, key,
			      "unknown key%s; the nearest known one is %s%s%s%s",
			      refused ? "" : ", ignored", near->doc.key,
			      here ? "" : " in [", here ? "" : near->doc.section,
			      here ? "" : "]");
}

/* inih's handler: one key of the section that the reader saw last. */
static int parser_set_option(void *user, const char *section, const char *key,
			     const char *value)
{
	struct parser *p = user;
	bool is_override = p->place == PLACE_OVERRIDE;
	struct policy_override *override = &p->cfg->overrides[p->override];
	struct config_origin *origin;
	const struct option *opt;
	struct value_error error;
	uint32_t *seen;
	int i;

	if (p->place == PLACE_NONE)
		parser_report(p, CONFIG_ERROR, key,
			      "a key before the first section; write [Section] above it");
	if (p->place != PLACE_SECTION && !is_override)
		return 1;
	i = config_option_find(p->section, key);
	if (i < 0) {
		parser_unknown_key(p, key);
		return 1;
	}
	opt = config_option_row((size_t)i);
	seen = &p->seen[is_override ? p->override : CONFIG_MAX_OVERRIDES][i];
	if (*seen != 0) {
		parser_report(p, CONFIG_ERROR, key,
			      "given before on line %" PRIu32 "; keep one of the two",
			      *seen);
		return 1;
	}
	*seen = p->line;
	if (config_value_parse(opt, value,
			       is_override ? &override->rule
					   : config_option_base(p->cfg, opt),
			       &error) < 0) {
		parser_report(p, CONFIG_ERROR, key, "%s", error.text);
		return 1;
	}
	if (is_override)
		override->set |= UINT64_C(1) << i;
	origin = is_override ? &override->origins[i] : &p->cfg->origins[i];
	*origin = (struct config_origin){ .line = p->line, .file = p->file };
	return 1;
}

static bool parser_add_file(struct parser *p)
{
	struct config *cfg = p->cfg;

	if (cfg->n_files >= CONFIG_MAX_FILES) {
		parser_report(p, CONFIG_ERROR, NULL, "more than %d configuration files",
			      CONFIG_MAX_FILES);
		return false;
	}
	if (strlen(p->name) >= CONFIG_PATH_MAX) {
		parser_report(p, CONFIG_ERROR, NULL, "a file name of more than %d bytes",
			      CONFIG_PATH_MAX - 1);
		return false;
	}
	p->file = (uint8_t)cfg->n_files;
	memcpy(cfg->files[cfg->n_files++], p->name, strlen(p->name) + 1);
	return true;
}

unsigned int config_parse(struct config *cfg, const char *name, const char *text,
			  size_t len, config_diag_fn diag, void *userdata)
{
	struct parser p = {
		.cfg = cfg,
		.name = name,
		.next = len > 0 ? text : "",
		.diag = diag,
		.userdata = userdata,
	};
	int r;

	p.end = p.next + len;
	if (!parser_add_file(&p))
		return p.findings[CONFIG_ERROR];
	r = ini_parse_stream(parser_next_line, &p, parser_set_option, &p);
	/* Never seen in practice; but a file that inih refuses must not count as an empty
	 * file. */
	if ((r != 0 || p.next != p.end) && p.findings[CONFIG_ERROR] == 0)
		parser_report(&p, CONFIG_ERROR, NULL, "not understood from here on");
	return p.findings[CONFIG_ERROR];
}

uint64_t config_amount_pages(const struct amount *amount, uint64_t ram_pages,
			     unsigned int page_shift)
{
	uint64_t share;

	switch (amount->unit) {
	case AMOUNT_PAGES:
		return amount->value;
	case AMOUNT_BYTES:
		return amount->value >> page_shift;
	case AMOUNT_PERCENT:
		/* In two parts: the product of the two numbers would not fit into 64
		 * bits. */
		share = amount->value < 1000000 ? amount->value : 1000000;
		return ram_pages / 1000000 * share +
		       ram_pages % 1000000 * share / 1000000;
	}
	return 0;
}
