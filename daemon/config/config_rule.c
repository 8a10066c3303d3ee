/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which rule is for which DIMM: the patterns of [Policy "GLOB"], and what holds while a
 * DIMM has no name that they could match. It knows no DIMM but the one it is asked about.
 */

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/dimm_label.h"
#include "config/config_internal.h"

/* "mc0 0:1": the controller, and the layers from the top. */
static void override_place(const struct config_dimm *d, const char *controller, char *buf,
			   size_t size)
{
	int n = snprintf(buf, size, "%s", controller);

	for (int i = 0; i < 3 && d->layer[i] >= 0 && n > 0 && (size_t)n < size; i++)
		n += snprintf(buf + n, size - (size_t)n, "%c%d", i == 0 ? ' ' : ':',
			      d->layer[i]);
}

/* Patterns such as "*1" are meant for labels, not for places. */
static bool override_fits_place(const char *glob, const struct config_dimm *d,
				const char *controller)
{
	char place[CONFIG_GLOB_MAX + 96]; /* a longer one fits no pattern */

	if (controller[0] == '\0' || glob[0] != controller[0])
		return false;
	override_place(d, controller, place, sizeof(place));
	return fnmatch(glob, controller, FNM_NOESCAPE) == 0 ||
	       fnmatch(glob, place, FNM_NOESCAPE) == 0;
}

bool config_override_fits(const struct policy_override *override,
			  const struct config_dimm *dimm)
{
	const char *glob = override->glob;
	char controller[8];

	snprintf(controller, sizeof(controller), "mc%u", dimm->mc);
	/* parser_check_header() refuses brackets. */
	return fnmatch(glob, dimm->label, FNM_NOESCAPE) == 0 ||
	       (dimm->slot && dimm->slot[0] &&
		fnmatch(glob, dimm->slot, FNM_NOESCAPE) == 0) ||
	       (strncmp(glob, "mc", strlen("mc")) == 0 &&
		override_fits_place(glob, dimm, controller)) ||
	       (dimm->device && override_fits_place(glob, dimm, dimm->device));
}

/* True if @glob begins as @text does up to its first '#', and so is written for texts of
 * the kernel's that differ behind it. */
static bool override_is_of(const char *glob, const char *text)
{
	const char *end = text ? strchr(text, '#') : NULL;

	return end && strncmp(glob, text, (size_t)(end - text) + 1) == 0;
}

bool config_override_may_fit(const struct policy_override *override,
			     const struct config_dimm *dimm)
{
	const char *glob = override->glob;
	bool of_controllers =
		strncmp(glob, "mc", 2) == 0 && strspn(glob + 2, "0123456789#");

	return !config_override_fits(override, dimm) && !of_controllers &&
	       strncmp(glob, "socket ", strlen("socket ")) != 0 &&
	       !override_is_of(glob, dimm->label) && !override_is_of(glob, dimm->device);
}

struct policy_rule config_rule_by_now(const struct config *cfg,
				      const struct config_dimm *dimm)
{
	struct policy_rule rule = cfg->policy;
	const struct option *opt;

	for (unsigned int i = 0; i < cfg->n_overrides; i++) {
		const struct policy_override *override = &cfg->overrides[i];

		if (!config_override_fits(override, dimm))
			continue;
		for (size_t j = 0; (opt = config_option_row(j)) != NULL; j++)
			if (override->set & (UINT64_C(1) << j))
				config_value_copy(opt, &rule, &override->rule);
	}
	return rule;
}

bool config_dimm_is_named(const struct config_dimm *dimm)
{
	return dimm->label[0] == '\0' || (dimm->slot && dimm->slot[0]) ||
	       dimm_label_is_registered(dimm->label);
}

struct policy_rule config_rule_for(const struct config *cfg,
				   const struct config_dimm *dimm)
{
	struct policy_rule rule = config_rule_by_now(cfg, dimm);
	const struct option *opt;

	if (cfg->n_overrides == 0 || config_dimm_is_named(dimm))
		return rule;
	for (unsigned int i = 0; i < cfg->n_overrides; i++) {
		const struct policy_override *override = &cfg->overrides[i];

		if (!config_override_may_fit(override, dimm))
			continue;
		for (size_t j = 0; (opt = config_option_row(j)) != NULL; j++)
			if (override->set & (UINT64_C(1) << j))
				(void)config_value_least(opt, &rule, &override->rule);
	}
	return rule;
}

uint32_t config_max_page_threshold(const struct config *cfg)
{
	int index = config_option_find("Policy", "PageThreshold");
	uint32_t max = cfg->policy.page.count;

	for (unsigned int i = 0; i < cfg->n_overrides; i++) {
		const struct policy_override *override = &cfg->overrides[i];

		if ((override->set & (UINT64_C(1) << index)) &&
		    override->rule.page.count > max)
			max = override->rule.page.count;
	}
	return max > 0 ? max : 1;
}
