/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What several verbs of softofflinectl share: where to read from, and how to read their
 * arguments.
 */

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "ctl.h"
#include "db.h"
#include "host/config_load.h"
#include "host/page_shift.h"

int ctl_configured_path(char path[CONFIG_PATH_MAX])
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));

	if (!cfg)
		return -ENOMEM;
	if (config_load(cfg, NULL, "", NULL, NULL) < 0)
		config_init(cfg);
	strcpy(path, cfg->database.path);
	return 0;
}

int ctl_database_path(const struct ctl *ctl, char path[CONFIG_PATH_MAX])
{
	if (!(ctl->args->given & ARGS_DB))
		return ctl_configured_path(path);
	snprintf(path, CONFIG_PATH_MAX, "%s", ctl->args->db);
	return 0;
}

void ctl_server_of(const char *path, char ret[CTL_SERVER_MAX])
{
	char own[CONFIG_PATH_MAX];
	struct utsname host;

	if (ctl_configured_path(own) == 0 && strcmp(own, path) == 0 && uname(&host) == 0)
		snprintf(ret, CTL_SERVER_MAX, "%s", host.nodename);
	else
		snprintf(ret, CTL_SERVER_MAX, "this machine");
}

/* The database of this machine, which is judged by its configuration. */
static int open_configured(struct source **ret, char why[SOURCE_WHY_MAX])
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	int r;

	if (!cfg)
		return -ENOMEM;
	if (config_load(cfg, NULL, "", NULL, NULL) < 0)
		config_init(cfg);
	r = source_open_db(ret, cfg->database.path, why);
	if (r == 0)
		(*ret)->pages_per_dimm = cfg->budget.pages_per_dimm;
	return r;
}

/*
 * Why no daemon answered, a sentence without full stop. A running daemon holds the lock
 * next to its database.
 */
static const char *why_no_answer(bool *ret_runs)
{
	char path[CONFIG_PATH_MAX];
	int r = ctl_configured_path(path);

	r = r < 0 ? r : db_in_use(path);
	*ret_runs = r > 0;
	if (r > 0)
		return "softofflined runs, but cannot be reached over the system bus";
	if (r < 0)
		return "softofflined does not answer on the system bus";
	return "softofflined is not running";
}

static int open_stored(struct source **ret)
{
	char why[SOURCE_WHY_MAX] = "";
	bool runs;
	const char *reason = why_no_answer(&runs);

	if (geteuid() != 0) {
		complain("%s; run as root to see what it stored", reason);
		return -ESRCH;
	}
	if (open_configured(ret, why) < 0) {
		complain("%s, and what it stored cannot be read: %s", reason, why);
		return -ESRCH;
	}
	(*ret)->daemon = runs ? SOURCE_DAEMON_UNREACHED : SOURCE_DAEMON_STOPPED;
	complain("%s; showing what it stored", reason);
	return 0;
}

int ctl_open_source(const struct ctl *ctl, struct source **ret)
{
	char why[SOURCE_WHY_MAX] = "";
	int r;

	if (ctl->args->given & ARGS_DB) {
		if (source_open_db(ret, ctl->args->db, why) == 0)
			return 0;
		complain("%s", why);
		return -EIO;
	}
	r = source_open_bus(ret);
	return r == 0 ? 0 : open_stored(ret);
}

int ctl_open_stored(struct source **ret)
{
	char why[SOURCE_WHY_MAX] = "";

	return geteuid() == 0 ? open_configured(ret, why) : -EPERM;
}

int ctl_open_daemon(struct source **ret)
{
	bool runs;

	if (source_open_bus(ret) == 0)
		return 0;
	complain("%s", why_no_answer(&runs));
	return -ESRCH;
}

int ctl_fail(const struct source *s)
{
	complain("%s", s->why);
	return CTL_FAILURE;
}

int ctl_parse_address(const char *text, uint64_t *ret)
{
	int r = args_parse_address(text, host_page_shift(), ret);

	if (r == -ERANGE)
		complain("\"%s\" is not an address: more than 64 bits", text);
	else if (r < 0)
		complain(
			"\"%s\" is not an address; write 0x... in hexadecimal, or pfn:0x... "
			"for a page frame number",
			text);
	return r < 0 ? -EINVAL : 0;
}

int ctl_parse_filter(const struct ctl *ctl, struct report_filter *ret)
{
	const struct args *args = ctl->args;
	struct report_filter f = { .since = INT64_MIN, .until = INT64_MAX };
	enum page_state state;

	f.limit = args->lines;
	f.state = args->state;
	if (args->state && page_state_from_string(args->state, &state) < 0) {
		complain(
			"\"%s\" is not a page state; there are watched, pending, offlined, "
			"failed and refused",
			args->state);
		return -EINVAL;
	}
	if (args->since && args_parse_moment(args->since, ctl->ui.now, &f.since) < 0) {
		complain("\"%s\" is not a time; write a span such as 2h or 3d, "
			 "\"YYYY-MM-DD HH:MM\", or @SECONDS",
			 args->since);
		return -EINVAL;
	}
	*ret = f;
	return 0;
}
