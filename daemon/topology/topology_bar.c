/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What keeps a driver's module out of the kernel: modprobe's configuration and the
 * kernel's command line. libkmod knows the rules too, but not the place of a line, and it
 * reads the command line of the real machine only.
 *
 * Facts: modprobe.d(5) of kmod 30; kmod's libkmod-config.c (files by name, of the same
 * name the first folder's counts; of several "install" the first counts, whose name is a
 * shell pattern); module_blacklist is compared letter by letter, and the last one counts
 * (kernel/module/main.c of Linux 6.12); every initcall_blacklist= counts (init/main.c).
 */

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cmdline.h"
#include "base/text.h"
#include "host/small_file.h"
#include "topology/driver_list.h"
#include "topology/topology.h"
#include "topology/topology_internal.h"

#define CONF_MAX  256
#define CONF_SIZE 65536

/* The order of modprobe.d(5). */
static const char *const bar_folders[] = { "/etc/modprobe.d", "/run/modprobe.d",
					   "/usr/local/lib/modprobe.d",
					   "/usr/lib/modprobe.d", "/lib/modprobe.d" };

struct bar_conf {
	size_t folder;
	char name[128];
};

static const struct driver_fact driver_facts[] = {
#define X(module, option, init, needs, aliases) { module, option, init, needs, aliases },
	DRIVER_LIST(X)
#undef X
};

const struct driver_fact *topology_driver_fact(const char *module)
{
	for (size_t i = 0; i < ARRAY_SIZE(driver_facts); i++)
		if (strcmp(driver_facts[i].module, module) == 0)
			return &driver_facts[i];
	return NULL;
}

const struct driver_fact *driver_fact_of(const char *modalias)
{
	for (size_t i = 0; i < ARRAY_SIZE(driver_facts); i++) {
		char patterns[512], *save = NULL;

		snprintf(patterns, sizeof(patterns), "%s", driver_facts[i].aliases);
		for (char *p = strtok_r(patterns, " ", &save); p;
		     p = strtok_r(NULL, " ", &save))
			if (fnmatch(p, modalias, 0) == 0)
				return &driver_facts[i];
	}
	return NULL;
}

static void bar_set(struct driver_bar *bar, enum driver_bar_kind kind, const char *module,
		    const char *line, const char *file)
{
	if (kind <= bar->kind)
		return;
	bar->kind = kind;
	snprintf(bar->module, sizeof(bar->module), "%s", module);
	text_clean(bar->line, sizeof(bar->line), line, strlen(line));
	text_clean(bar->file, sizeof(bar->file), file, strlen(file));
}

/* The next word of a line, ended; NULL if there is none. */
static char *bar_word(char **line)
{
	char *word = *line + strspn(*line, " \t\r");

	*line = word + strcspn(word, " \t\r");
	if (**line)
		*(*line)++ = '\0';
	return *word ? word : NULL;
}

/* True if @name, in which "-" is "_", is or, as a shell pattern, fits @module. */
static bool bar_names(char *name, const char *module, bool pattern)
{
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return pattern ? fnmatch(name, module, 0) == 0 : strcmp(name, module) == 0;
}

/* Whatever else a command does, it loads a module only by one of these. */
static bool bar_loads(const char *command)
{
	return strstr(command, "modprobe") || strstr(command, "insmod");
}

static void bar_read_line(struct driver_bar *bar, bool *installed, const char *module,
			  char *line, const char *file)
{
	char whole[sizeof(bar->line)];
	char *key, *name;

	snprintf(whole, sizeof(whole), "%s", line + strspn(line, " \t"));
	key = bar_word(&line);
	name = key ? bar_word(&line) : NULL;
	if (!name)
		return;
	if (strcmp(key, "blacklist") == 0 && bar_names(name, module, false)) {
		bar_set(bar, DRIVER_BLACKLISTED, module, whole, file);
	} else if (strcmp(key, "install") == 0 && bar_names(name, module, true)) {
		if (!*installed && !bar_loads(line))
			bar_set(bar, DRIVER_INSTALL, module, whole, file);
		*installed = true;
	} else if (strcmp(key, "alias") == 0 && bar_names(name, module, true)) {
		const char *target = bar_word(&line);

		if (target && strcmp(target, "off") == 0)
			bar_set(bar, DRIVER_ALIAS_OFF, module, whole, file);
	}
}

void driver_bar_read(struct driver_bar *bar, bool *installed, const char *module,
		     char *text, const char *file)
{
	for (char *line = text, *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		/* A line that ends with a backslash goes on. */
		while (*end && end > line && end[-1] == '\\') {
			end[-1] = *end = ' ';
			end += strcspn(end, "\n");
		}
		if (*end)
			*end++ = '\0';
		if (line[strspn(line, " \t")] != '#')
			bar_read_line(bar, installed, module, line, file);
	}
}

void driver_bar_read_cmdline(struct driver_bar *bar, const char *module, const char *init,
			     char *text)
{
	const char *forbidden = NULL;
	struct cmdline_param p;
	char word[sizeof(bar->line)];

	while (cmdline_next(&text, &p)) {
		enum driver_bar_kind kind = DRIVER_FREE;

		if (!p.value)
			continue;
		if (cmdline_is(p.name, "module_blacklist"))
			forbidden = p.value;
		else if (cmdline_is(p.name, "modprobe.blacklist") &&
			 cmdline_list_has(p.value, module, true))
			kind = DRIVER_BOOT_BLACKLISTED;
		else if (cmdline_is(p.name, "initcall_blacklist") && *init &&
			 cmdline_list_has(p.value, init, false))
			kind = DRIVER_INITCALL;
		snprintf(word, sizeof(word), "%s=%s", p.name, p.value);
		bar_set(bar, kind, module, word, "");
	}
	if (!forbidden || !cmdline_list_has(forbidden, module, false))
		return;
	snprintf(word, sizeof(word), "module_blacklist=%s", forbidden);
	bar_set(bar, DRIVER_FORBIDDEN, module, word, "");
}

/* Puts @name into the list, by name; not if an earlier folder has a file of this name. */
static size_t bar_add_conf(struct bar_conf *list, size_t n, size_t folder,
			   const char *name)
{
	size_t len = strlen(name), at = 0;

	if (n == CONF_MAX || len < 6 || len >= sizeof(list->name) ||
	    strcmp(name + len - 5, ".conf") != 0)
		return n;
	while (at < n && strcmp(list[at].name, name) < 0)
		at++;
	if (at < n && strcmp(list[at].name, name) == 0)
		return n;
	memmove(list + at + 1, list + at, (n - at) * sizeof(*list));
	list[at].folder = folder;
	memcpy(list[at].name, name, len + 1);
	return n + 1;
}

static size_t bar_find_confs(const char *root, struct bar_conf *list)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bar_folders); i++) {
		_cleanup_(closedir_p) DIR *d = NULL;
		const struct dirent *entry;
		char path[PATH_MAX];

		if (small_file_path(path, sizeof(path), root, bar_folders[i]) < 0)
			continue;
		d = opendir(path);
		while (d && (entry = readdir(d)))
			n = bar_add_conf(list, n, i, entry->d_name);
	}
	return n;
}

static void bar_read_confs(const char *root, const char *module, struct driver_bar *ret)
{
	_cleanup_(free_p) struct bar_conf *list = malloc(CONF_MAX * sizeof(*list));
	_cleanup_(free_p) char *text = malloc(CONF_SIZE);
	size_t n = list && text ? bar_find_confs(root, list) : 0;
	bool installed = false;

	for (size_t i = 0; i < n; i++) {
		char path[192];
		ssize_t r;

		snprintf(path, sizeof(path), "%s/%s", bar_folders[list[i].folder],
			 list[i].name);
		r = small_file_read_below(root, path, text, CONF_SIZE);
		if (r >= 0 || r == -EFBIG)
			driver_bar_read(ret, &installed, module, text, path);
	}
}

static void bar_read_cmdline(const char *root, const char *module, const char *init,
			     struct driver_bar *ret)
{
	char text[4096];

	if (small_file_read_below(root, "/proc/cmdline", text, sizeof(text)) >= 0)
		driver_bar_read_cmdline(ret, module, init, text);
}

void topology_driver_bar(const char *root, const char *module, struct driver_bar *ret)
{
	const struct driver_fact *fact = topology_driver_fact(module);
	struct driver_bar needed = { .kind = DRIVER_FREE };

	memset(ret, 0, sizeof(*ret));
	bar_read_confs(root, module, ret);
	bar_read_cmdline(root, module, fact ? fact->init : "", ret);
	if (!fact || !*fact->needs)
		return;
	/* A blacklist stops only what udev asks for by modalias, not a dependency. */
	bar_read_confs(root, fact->needs, &needed);
	bar_read_cmdline(root, fact->needs, "", &needed);
	if (needed.kind >= DRIVER_INSTALL && needed.kind > ret->kind)
		*ret = needed;
}
