/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The list of modules as reports: the slot and the module of a DIMM that errors came
 * from, and all the modules without an error. The daemon uses it for what it sees,
 * softofflinectl for what is stored; so both show the same. It reads nothing.
 */

#include "tell/report.h"
#include "track/module_list.h"

/** What has been shown of a list. */
struct module_show {
	const struct module_list *list; /* NULL: none is known */
	bool shown[MODULE_LIST_MAX];
};

/** Adds slot, part, serial number and size of the DIMM @rec to *ret, if they are known. */
void report_add_module(struct module_show *show, const struct dimm_rec *rec,
		       struct dimm_report *ret);

/**
 * Calls @fn with a report for each module that was not shown: those without an error,
 * those that EDAC does not count for, and those that are missing; ranks of one module
 * once. Returns 0, or what @fn returned.
 */
int report_rest(const struct module_show *show, report_fn fn, void *userdata);
