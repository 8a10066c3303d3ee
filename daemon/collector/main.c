/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflined-cec: what has to be done in debugfs, which the daemon does not see. It
 * leaves a word on whether the kernel's own collector (RAS_CEC) runs, and with
 * SoftOfflineControl=own it takes the collector's threshold over and gives it back. It
 * counts nothing, offlines nothing, and ends at once.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/mem.h"
#include "host/config_load.h"
#include "kernel/cec_control.h"
#include "tell/journal.h"

#define EXIT_USAGE 2

static const char help_text[] =
	"Usage: softofflined-cec [--config FILE] start|reload|stop\n"
	"\n"
	"Leaves a word for softofflined on whether the kernel's own collector of corrected\n"
	"errors (RAS_CEC) runs. With [Kernel] SoftOfflineControl=own its threshold is raised\n"
	"to the maximum, and given back at stop. softofflined-cec.service calls it.\n"
	"\n"
	"      --config FILE   read this configuration (and FILE.d/*.conf) only\n"
	"      --root DIR      look below this folder, for tests\n"
	"      --version       print the version\n"
	"  -h, --help          print this help\n"
	"\n"
	"See softofflined(8).\n";

struct call {
	const char *config_file;
	const char *root;
	bool stop; /* else: start or reload */
};

static void collector_say_finding(void *userdata, const struct config_diag *diag)
{
	/* The daemon reports warnings, and once is enough. */
	if (diag->severity == CONFIG_ERROR)
		journal_log(LOG_ERR, 0, "%s", diag->message);
}

static int collector_take(struct cec_control *c)
{
	int64_t before = c->seen.threshold;
	int r = cec_control_take(c);

	if (r == -ENOENT)
		return 0; /* no collector, or it cannot be seen: the word says which */
	if (r == 0 && before != RAS_CEC_MAX)
		journal_log(LOG_INFO, 0,
			    RAS_CEC_THRESHOLD
			    " is %d and was %" PRId64
			    ": the kernel's own collector (RAS_CEC) offlines no page",
			    RAS_CEC_MAX, before);
	else if (r < 0)
		journal_log(LOG_WARNING, r,
			    "SoftOfflineControl=own: " RAS_CEC_THRESHOLD
			    " cannot be set, and the kernel's own collector (RAS_CEC) "
			    "continues to offline pages; see softofflinectl check");
	/* The daemon does its work all the same, and status says what holds. */
	return 0;
}

static int collector_give_back(struct cec_control *c)
{
	int r = cec_control_give_back(c);

	if (r > 0)
		journal_log(LOG_INFO, 0, RAS_CEC_THRESHOLD " is %" PRId64 " again",
			    c->seen.threshold);
	else if (r == -ESTALE)
		journal_log(LOG_NOTICE, 0,
			    RAS_CEC_THRESHOLD
			    " was changed by another program and stays as it is");
	else if (r < 0)
		journal_log(LOG_WARNING, r, RAS_CEC_THRESHOLD ": cannot be restored");
	return r < 0 && r != -ESTALE ? r : 0;
}

static int collector_apply(struct cec_control *c, const struct call *call)
{
	_cleanup_(free_p) struct config *cfg = NULL;
	int r;

	if (call->stop)
		return collector_give_back(c);
	cfg = malloc(sizeof(*cfg));
	if (!cfg)
		return -ENOMEM;
	r = config_load(cfg, call->config_file, call->root, collector_say_finding, NULL);
	if (r < 0)
		return r; /* what was taken stays, as the daemon's configuration does */
	return cfg->kernel.soft_offline_control == CONTROL_OWN ? collector_take(c)
							       : collector_give_back(c);
}

static int collector_leave_word(const struct cec_control *c)
{
	char folder[PATH_MAX];
	int r;

	snprintf(folder, sizeof(folder), "%.4000s" RAS_CEC_RUN, c->root);
	(void)mkdir(folder, 0755); /* systemd makes it; nobody else does */
	r = cec_control_leave_word(c);
	if (r < 0)
		journal_log(LOG_WARNING, r,
			    RAS_CEC_WORD
			    ": cannot be written; softofflined does not know "
			    "whether the kernel's own collector runs");
	return r;
}

static int collector_run(const struct call *call)
{
	char boot_id[BOOT_ID_MAX] = "";
	struct cec_control *c = malloc(sizeof(*c));
	int r, word;

	if (!c)
		return EXIT_FAILURE;
	(void)clock_boot_id(boot_id);
	r = cec_control_init(c, call->root, boot_id);
	if (r >= 0) {
		/* First, because the note of the former value goes to the same folder. */
		word = collector_leave_word(c);
		r = collector_apply(c, call);
		if (word >= 0)
			word = collector_leave_word(c);
		r = r < 0 ? r : word;
	}
	free(c);
	return r == -EINVAL ? EX_CONFIG : r < 0 ? EXIT_FAILURE : 0;
}

enum option_code {
	OPT_CONFIG = 256,
	OPT_ROOT,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Returns -1 to continue, otherwise the exit status. */
static int collector_parse(int argc, char **argv, struct call *call)
{
	int c;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
		switch (c) {
		case OPT_CONFIG:
			call->config_file = optarg;
			break;
		case OPT_ROOT:
			call->root = optarg;
			break;
		case OPT_VERSION:
			puts("softofflined-cec " SOFTOFFLINED_VERSION);
			return 0;
		case 'h':
			fputs(help_text, stdout);
			return 0;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind + 1 == argc && strcmp(argv[optind], "stop") == 0)
		call->stop = true;
	else if (optind + 1 != argc || (strcmp(argv[optind], "start") != 0 &&
					strcmp(argv[optind], "reload") != 0)) {
		fputs("softofflined-cec: wants start, reload or stop; see --help\n",
		      stderr);
		return EXIT_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct call call = { .root = "" };
	int r = collector_parse(argc, argv, &call);

	return r >= 0 ? r : collector_run(&call);
}
