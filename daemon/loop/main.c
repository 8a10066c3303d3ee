/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The command line, and nothing else.
 */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "loop/daemon.h"

#define EXIT_USAGE 2

static const char help_text[] =
	"Usage: softofflined [OPTION]...\n"
	"\n"
	"Watches corrected memory errors and soft-offlines pages that keep having them.\n"
	"\n"
	"      --config FILE   read this configuration (and FILE.d/*.conf) only\n"
	"      --dry-run       do everything but write to soft_offline_page\n"
	"      --db FILE       database, instead of [Database] Path\n"
	"      --metrics FILE  metrics, instead of [Metrics] File\n"
	"      --record DIR    keep the raw pages of the trace buffer, for bug reports\n"
	"      --version       print the version\n"
	"  -h, --help          print this help\n"
	"\n"
	"It runs in the foreground. See softofflined(8), softofflinectl(1).\n";

enum option_code {
	OPT_CONFIG = 256,
	OPT_DRY_RUN,
	OPT_DB,
	OPT_METRICS,
	OPT_RECORD,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "db", required_argument, NULL, OPT_DB },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "record", required_argument, NULL, OPT_RECORD },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Returns -1 to continue, otherwise the exit status. */
static int parse_options(int argc, char **argv, struct daemon_options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
		switch (c) {
		case OPT_CONFIG:
			o->config_file = optarg;
			break;
		case OPT_DRY_RUN:
			o->dry_run = true;
			break;
		case OPT_DB:
			o->db_path = optarg;
			break;
		case OPT_METRICS:
			o->metrics_file = optarg;
			break;
		case OPT_RECORD:
			o->record_dir = optarg;
			break;
		case OPT_VERSION:
			puts("softofflined " SOFTOFFLINED_VERSION);
			return 0;
		case 'h':
			fputs(help_text, stdout);
			return 0;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "softofflined: unexpected argument \"%s\"; see --help\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct daemon_options options = { 0 };
	int r = parse_options(argc, argv, &options);

	return r >= 0 ? r : daemon_run(&options);
}
