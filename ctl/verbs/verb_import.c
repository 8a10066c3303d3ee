/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl import: what export wrote elsewhere, for export and the back-test here. The
 * database is not opened.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "imports/kept.h"

static bool importer_is(struct backtest_text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.s, word, text.len) == 0;
}

/*
 * Rows of nobody knows whose errors are rows of the machine that --server names. Addresses
 * of two machines must not mix, so nothing is guessed. 0; -EINVAL, complained about.
 */
static int importer_name_servers(const struct ctl *ctl, struct kept *rows)
{
	const char *server = ctl->args->server;

	for (size_t i = 0; i < rows->n; i++) {
		struct history_row *row = &rows->v[i].row;

		if (!importer_is(row->server, HISTORY_HERE))
			continue;
		if (!server) {
			complain("import: the file does not say whose errors these are: "
				 "name the machine with --server");
			return -EINVAL;
		}
		row->server = (struct backtest_text){ server, strlen(server) };
	}
	return 0;
}

static int importer_read(const struct ctl *ctl, struct kept *rows)
{
	const char *path = ctl->words[0];
	bool piped = strcmp(path, "-") == 0;
	_cleanup_(close_p) int fd = piped ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *name = piped ? "standard input" : path;
	const char *why = "";
	uint64_t line = 0;
	int r = fd < 0 ? -errno
		       : kept_read(rows, fd, ctl->ui.now + USEC_PER_DAY, &line, &why);

	if (r == -EINVAL)
		complain("%s:%" PRIu64 ": %s; nothing was imported", name, line, why);
	else if (r == -EFBIG)
		complain("%s: more than 1,000,000 rows; nothing was imported", name);
	else if (r < 0)
		complain("%s: cannot be read: %s; nothing was imported", name,
			 strerror(-r));
	return r;
}

static bool importer_is_name(const char *server)
{
	size_t len = strlen(server);

	for (size_t i = 0; i < len; i++)
		if (server[i] < ' ' || server[i] > '~')
			return false;
	return len > 0 && len < HISTORY_TEXT_MAX;
}

static int importer_show(const struct ctl *ctl, const struct kept_sums *sums)
{
	_cleanup_(json_decref_p) json_t *object = NULL;

	if (!ctl->ui.json) {
		printf("%" PRIu64 " rows: %" PRIu64 " new, %" PRIu64 " with more errors, "
		       "%" PRIu64 " known; %" PRIu64 " are kept\n",
		       sums->rows, sums->added, sums->updated, sums->known, sums->kept);
		return CTL_FINE;
	}
	object = json_pack("{s:I, s:I, s:I, s:I, s:I}", "rows", (json_int_t)sums->rows,
			   "added", (json_int_t)sums->added, "updated",
			   (json_int_t)sums->updated, "known", (json_int_t)sums->known,
			   "kept", (json_int_t)sums->kept);
	if (!object)
		return CTL_FAILURE;
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	return CTL_FINE;
}

int verb_import(const struct ctl *ctl)
{
	_cleanup_(kept_done) struct kept rows = { 0 };
	const char *server = ctl->args->server;
	struct kept_sums sums = { 0 };
	char path[CONFIG_PATH_MAX];
	const char *why = "out of memory";

	if (server && !importer_is_name(server)) {
		complain("import: --server is a name of printable ASCII");
		return CTL_USAGE;
	}
	if (ctl_database_path(ctl, path) < 0 || importer_read(ctl, &rows) < 0 ||
	    importer_name_servers(ctl, &rows) < 0)
		return CTL_FAILURE;
	kept_sort_cells(&rows);
	if (kept_store(&rows, path, &sums, &why) < 0) {
		complain("%s; nothing was imported", why);
		return CTL_FAILURE;
	}
	return importer_show(ctl, &sums);
}
