/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a configuration file. What is accepted must be within the table's ranges,
 * must be written as text that reads back to the same values, and must yield a rule for
 * any label; what is said about it must be printable. It knows nothing of files.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_internal.h"

#define OUT_MAX (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "fuzz_config: %s\n", what);
	abort();
}

static void check_message(void *userdata, const struct config_diag *diag)
{
	unsigned int *errors = userdata;

	require(strncmp(diag->message, "fuzz", 4) == 0 || diag->message[0] == '[',
		"a message that does not begin with its place");
	for (const char *c = diag->message; *c; c++)
		require(*c >= 0x20 && *c < 0x7f, "a message that is not printable");
	*errors += diag->severity == CONFIG_ERROR;
}

static bool same_value(const struct option *opt, const void *a, const void *b)
{
	char x[CONFIG_PATH_MAX + 1], y[CONFIG_PATH_MAX + 1];

	return strcmp(config_value_format(opt, a, x, sizeof(x)),
		      config_value_format(opt, b, y, sizeof(y))) == 0;
}

static void check_same(const struct config *a, const struct config *b)
{
	const struct option *opt;

	require(a->n_overrides == b->n_overrides, "the overrides got more or fewer");
	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++) {
		require(same_value(opt, config_option_base_const(a, opt),
				   config_option_base_const(b, opt)),
			"a value changed");
		for (unsigned int j = 0; j < a->n_overrides; j++) {
			require(a->overrides[j].set == b->overrides[j].set,
				"an override sets other keys");
			if (a->overrides[j].set & (UINT64_C(1) << i))
				require(same_value(opt, &a->overrides[j].rule,
						   &b->overrides[j].rule),
					"an override's value changed");
		}
	}
}

static void check_accepted(const struct config *cfg)
{
	_cleanup_(free_p) char *text = malloc(OUT_MAX);
	const struct config_dimm dimm = { .label = "CPU_SrcID#0_MC#0_Chan#0_DIMM#0" };
	struct policy_rule rule;
	struct config again;
	unsigned int errors = 0;
	size_t len;

	require(text != NULL, "no memory");
	len = config_format(cfg, text, OUT_MAX);
	require(len < OUT_MAX && len == strlen(text), "the text is too long");
	config_init(&again);
	require(config_parse(&again, "fuzz", text, len, check_message, &errors) == 0,
		"its own text is refused");
	check_same(cfg, &again);

	rule = config_rule_for(cfg, &dimm);
	require(rule.page.count <= config_max_page_threshold(cfg), "a larger threshold");
	require(config_amount_pages(&cfg->budget.total, 1 << 20, 12) <= 1 << 20 ||
			cfg->budget.total.unit != AMOUNT_PERCENT,
		"a share of more than all");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int errors = 0, refused;
	struct config cfg;

	config_init(&cfg);
	refused = config_parse(&cfg, "fuzz", (const char *)data, size, check_message,
			       &errors);
	require((refused == 0) == (errors == 0), "an error that was not reported");
	if (refused > 0)
		return 0;
	config_check(&cfg, check_message, &errors);
	check_accepted(&cfg);
	return 0;
}
