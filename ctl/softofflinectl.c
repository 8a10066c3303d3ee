/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl: the table of verbs, --help made from the table, and the choice of a verb.
 * What a verb does is in verbs/.
 */

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ctl.h"
#include "host/clock.h"

/* Options that every verb takes. */
#define ARGS_ALWAYS (ARGS_JSON | ARGS_NO_LEGEND | ARGS_HELP | ARGS_VERSION)

struct verb {
	const char *name;      /* one word, or two */
	const char *arguments; /* for --help */
	unsigned int min;      /* arguments */
	unsigned int max;
	unsigned int options; /* besides ARGS_ALWAYS */
	const char *help;
	int (*run)(const struct ctl *ctl);
};

/* clang-format off */
static const struct verb verbs[] = {
	{ "status", "", 0, 0, ARGS_DB | ARGS_EXIT_CODE,
	  "What is watched, what was done, what to do (default)", verb_status },
	{ "pages", "", 0, 0, ARGS_DB | ARGS_STATE | ARGS_LINES | ARGS_FORMAT | ARGS_WIDE,
	  "Pages that have had errors, worst first", verb_pages },
	{ "show", "ADDRESS", 1, 1, ARGS_DB | ARGS_LINES | ARGS_SINCE | ARGS_WIDE,
	  "One page: errors, actions, what happens next", verb_show },
	{ "dimms", "", 0, 0, ARGS_DB | ARGS_WIDE,
	  "DIMMs, their errors and their verdicts", verb_dimms },
	{ "history", "", 0, 0, ARGS_DB | ARGS_LINES | ARGS_SINCE | ARGS_WIDE,
	  "What was done or refused, oldest first", verb_history },
	{ "export", "", 0, 0, ARGS_DB | ARGS_FORMAT,
	  "The stored errors as a table, for policy backtest", verb_export },
	{ "import", "FILE", 1, 1, ARGS_DB | ARGS_SERVER,
	  "Keep what another machine or an earlier disk exported", verb_import },
	{ "check", "", 0, 0, ARGS_WIDE,
	  "Whether this machine can do its part, and what to fix", verb_check },
	{ "monitor", "", 0, 0, ARGS_LINES | ARGS_EXEC,
	  "Follow what the daemon says, or run programs for it", verb_monitor },
	{ "probe", "", 0, 0, ARGS_AS,
	  "The verdict for a monitoring system", verb_probe },
	{ "offline", "ADDRESS", 1, 1, 0,
	  "Soft-offline the page now, and wait for it", verb_offline },
	{ "forget", "ADDRESS|DIMM", 1, 1, 0,
	  "Drop what is known about a page, or a DIMM's pages", verb_forget },
	{ "reload", "", 0, 0, 0,
	  "Read the configuration again", verb_reload },
	{ "policy show", "[DIMM|ADDRESS]", 0, 1, 0,
	  "The configuration in force, or what applies there", verb_policy_show },
	{ "policy verify", "[FILE...]", 0, ARGS_MAX_WORDS, ARGS_STRICT,
	  "Whether configuration files are valid", verb_policy_verify },
	{ "policy backtest", "", 0, ARGS_MAX_WORDS,
	  ARGS_DB | ARGS_INPUT | ARGS_CONFIG | ARGS_POLICY | ARGS_WIDE,
	  "What policies would have done with recorded errors", verb_policy_backtest },
};
/* clang-format on */

/*
 * Each with its lines of --help, in the order in which they are printed; with a verb: what
 * the help of that verb says instead.
 */
/* clang-format off */
static const struct {
	unsigned int bit;
	const char *verb;
	const char *help;
} option_lines[] = {
	{ ARGS_JSON, NULL,
	  "      --json              Print JSON" },
	{ ARGS_NO_LEGEND, NULL,
	  "      --no-legend         Print tables without headings" },
	{ ARGS_WIDE, NULL,
	  "      --wide              Print all columns, however narrow the terminal is" },
	{ ARGS_DB, NULL,
	  "      --db FILE           Read this database instead of asking the daemon" },
	{ ARGS_DB, "import",
	  "      --db FILE           Keep them next to this database" },
	{ ARGS_DB, "policy backtest",
	  "      --db FILE           The errors are those of this database" },
	{ ARGS_LINES, NULL,
	  "  -n, --lines N           Show the newest N" },
	{ ARGS_LINES, "pages",
	  "  -n, --lines N           Show the worst N" },
	{ ARGS_LINES, "monitor",
	  "  -n, --lines N           End after N notices" },
	{ ARGS_SINCE, NULL,
	  "  -S, --since TIME        Show what is newer: 2h, 3d, \"2026-01-31 12:00\"" },
	{ ARGS_STATE, NULL,
	  "      --state STATE       pages: watched, pending, offlined, failed, refused" },
	{ ARGS_STATE, "pages",
	  "      --state STATE       Show only the pages that are watched, pending,\n"
	  "                          offlined, failed or refused" },
	{ ARGS_EXIT_CODE, NULL,
	  "      --exit-code         status: exit 10 if degraded, 11 to replace a DIMM" },
	{ ARGS_EXIT_CODE, "status",
	  "      --exit-code         Exit with 10 if degraded, 11 to replace a DIMM" },
	{ ARGS_EXEC, NULL,
	  "      --exec PROGRAM      monitor: run it for each notice; or a folder of them" },
	{ ARGS_EXEC, "monitor",
	  "      --exec PROGRAM      Run it for each notice; or a folder of programs" },
	{ ARGS_AS, NULL,
	  "      --as FORM           probe: nagios, npd or nhc" },
	{ ARGS_AS, "probe",
	  "      --as FORM           For nagios, npd or nhc" },
	{ ARGS_STRICT, NULL,
	  "      --strict            policy verify: also refuse a file with warnings" },
	{ ARGS_STRICT, "policy verify",
	  "      --strict            Also refuse a file with warnings" },
	{ ARGS_FORMAT, NULL,
	  "      --format FORMAT     pages: pfn or memmap; export: csv or ndjson" },
	{ ARGS_FORMAT, "pages",
	  "      --format FORMAT     Print the offlined pages for the next boot: pfn or\n"
	  "                          memmap" },
	{ ARGS_FORMAT, "export",
	  "      --format FORMAT     Print csv or ndjson" },
	{ ARGS_SERVER, NULL,
	  "      --server NAME       import: the machine, if the file does not name it" },
	{ ARGS_SERVER, "import",
	  "      --server NAME       The machine, if the file does not name it" },
	{ ARGS_INPUT, NULL,
	  "      --input FILE        policy backtest: rasdaemon's database, kernel log,\n"
	  "                          mcelog's log or CSV; - for stdin" },
	{ ARGS_INPUT, "policy backtest",
	  "      --input FILE        The errors are those of rasdaemon's database, a kernel\n"
	  "                          log, mcelog's log or CSV; - for stdin" },
	{ ARGS_CONFIG, NULL,
	  "      --config FILE       policy backtest: this configuration; may be repeated" },
	{ ARGS_CONFIG, "policy backtest",
	  "      --config FILE       Test this configuration; may be repeated" },
	{ ARGS_POLICY, NULL,
	  "      --policy NAME       policy backtest: default, rasdaemon, mcelog, windows\n"
	  "                          or illumos; may be repeated (all of them)" },
	{ ARGS_POLICY, "policy backtest",
	  "      --policy NAME       Test default, rasdaemon, mcelog, windows or illumos;\n"
	  "                          may be repeated (all of them)" },
	{ ARGS_HELP, NULL,
	  "  -h, --help              Print this" },
	{ ARGS_VERSION, NULL,
	  "      --version           Print the version" },
};
/* clang-format on */

/* Whether @verb has a line of its own for the option of line @i. */
static bool has_own_line(size_t i, const char *verb)
{
	for (size_t k = 0; k < ARRAY_SIZE(option_lines); k++)
		if (option_lines[k].bit == option_lines[i].bit && option_lines[k].verb &&
		    strcmp(option_lines[k].verb, verb) == 0)
			return true;
	return false;
}

/* @verb: "" for all of them. */
static void print_options(unsigned int bits, const char *verb)
{
	puts("\nOptions:");
	for (size_t i = 0; i < ARRAY_SIZE(option_lines); i++) {
		const char *of = option_lines[i].verb;

		if (bits & option_lines[i].bit &&
		    (of ? strcmp(of, verb) == 0 : !has_own_line(i, verb)))
			puts(option_lines[i].help);
	}
}

static void print_help(void)
{
	puts("softofflinectl [OPTION...] [VERB] [ARGUMENT...]\n\n"
	     "Shows and directs what softofflined does about failing memory.\n\n"
	     "Verbs:");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		char left[40];

		snprintf(left, sizeof(left), "%s %s", verbs[i].name, verbs[i].arguments);
		if (strlen(left) > 23)
			printf("  %s\n%26s%s\n", left, "", verbs[i].help);
		else
			printf("  %-23s %s\n", left, verbs[i].help);
	}
	print_options(UINT_MAX, "");
	puts("\nADDRESS is a physical address, 0x..., or a page frame number, pfn:0x...\n\n"
	     "See softofflinectl(1).");
}

/* --help of one verb: about that verb alone. */
static void print_verb_help(const struct verb *verb)
{
	printf("softofflinectl %s%s%s [OPTION...]\n\n%s\n", verb->name,
	       *verb->arguments ? " " : "", verb->arguments, verb->help);
	print_options(verb->options | ARGS_ALWAYS, verb->name);
	if (strstr(verb->arguments, "ADDRESS"))
		puts("\nADDRESS is a physical address, 0x..., or a page frame number, "
		     "pfn:0x...");
	puts("\nSee softofflinectl(1).");
}

/* Words of @args that name @verb: 1 or 2, or 0 if they do not. */
static unsigned int match_verb(const struct verb *verb, const struct args *args)
{
	const char *space = strchr(verb->name, ' ');
	size_t first = space ? (size_t)(space - verb->name) : strlen(verb->name);

	if (strlen(args->words[0]) != first ||
	    strncmp(args->words[0], verb->name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return args->n_words > 1 && strcmp(args->words[1], space + 1) == 0 ? 2 : 0;
}

static int unknown_verb(const struct args *args)
{
	const char *near;

	if (strcmp(args->words[0], "policy") == 0) {
		complain("policy needs \"show\", \"verify\" or \"backtest\"");
		return CTL_USAGE;
	}
	near = args_nearest(args->words[0], &verbs[0].name, ARRAY_SIZE(verbs),
			    sizeof(verbs[0]));
	complain("unknown verb \"%s\"%s%s%s", args->words[0],
		 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return CTL_USAGE;
}

static int check_call(const struct verb *verb, const struct args *args, unsigned int n)
{
	unsigned int foreign = args->given & ~(verb->options | ARGS_ALWAYS);

	if (foreign) {
		complain("%s does not take %s", verb->name,
			 args_option_name((enum args_option)(foreign & -foreign)));
		return CTL_USAGE;
	}
	if (n < verb->min) {
		complain("%s needs %s", verb->name, verb->arguments);
		return CTL_USAGE;
	}
	if (n > verb->max) {
		complain("%s takes %s (\"%s\")", verb->name,
			 verb->max ? "fewer arguments" : "no arguments",
			 args->words[args->n_words - n + verb->max]);
		return CTL_USAGE;
	}
	return CTL_FINE;
}

/* Columns of the terminal, for tables; 0: no terminal, or all is wanted. */
static unsigned int table_width(const struct args *args, bool terminal)
{
	struct winsize size = { .ws_col = 0 };

	if (!terminal || args->given & ARGS_WIDE)
		return 0;
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	return size.ws_col > 0 ? size.ws_col : SCREEN_COLUMNS;
}

static struct ui make_ui(const struct args *args)
{
	const char *no_color = getenv("NO_COLOR");
	bool terminal = isatty(STDOUT_FILENO);

	return (struct ui){
		.json = args->given & ARGS_JSON,
		.legend = !(args->given & ARGS_NO_LEGEND),
		.terminal = terminal,
		.width = table_width(args, terminal),
		.color = terminal && !(no_color && *no_color),
		.now = usec_add(clock_boot(), clock_wall_offset()).us,
	};
}

static int run_verb(const struct verb *verb, const struct args *args, unsigned int named)
{
	const char *root = getenv("SOFTOFFLINECTL_SYSROOT");
	struct ctl ctl = { .args = args,
			   .words = args->words + named,
			   .root = root ? root : "" };
	int r;

	ctl.n_words = args->n_words - named;
	r = check_call(verb, args, ctl.n_words);
	if (r != CTL_FINE)
		return r;
	ctl.ui = make_ui(args);
	return verb->run(&ctl);
}

/* The verb that @args names, the first one if none; NULL if it is unknown. */
static const struct verb *find_verb(const struct args *args, unsigned int *ret_named)
{
	*ret_named = 0;
	if (args->n_words == 0)
		return &verbs[0];
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		*ret_named = match_verb(&verbs[i], args);
		if (*ret_named > 0)
			return &verbs[i];
	}
	return NULL;
}

static int run_args(const struct args *args)
{
	unsigned int named;
	const struct verb *verb = find_verb(args, &named);

	if (args->given & ARGS_HELP) {
		if (verb && named > 0)
			print_verb_help(verb);
		else
			print_help();
		return CTL_FINE;
	}
	if (args->given & ARGS_VERSION) {
		puts("softofflinectl " SOFTOFFLINED_VERSION);
		return CTL_FINE;
	}
	return verb ? run_verb(verb, args, named) : unknown_verb(args);
}

int main(int argc, char **argv)
{
	char why[ARGS_TEXT_MAX];
	struct args args;
	int r;

	/* LC_CTYPE only: numbers and dates have the same form in every locale. */
	/* Without a locale, UTF-8 is assumed. */
	setlocale(LC_CTYPE, "");
	if (MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	if (args_parse(&args, argc, argv, why) < 0) {
		complain("%s", why);
		return CTL_USAGE;
	}
	r = run_args(&args);
	/* A script must not take half an answer for a whole one. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("cannot write: %s", strerror(errno));
		return CTL_FAILURE;
	}
	return r;
}
