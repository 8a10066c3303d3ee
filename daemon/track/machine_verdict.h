/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The verdict of the machine as a whole, from what is known of its DIMMs, pages and
 * sources. The running daemon and softofflinectl, which reads the database alone, fill the
 * same facts, so both say the same. Pure functions.
 */

#include "base/sight.h"
#include "track/fault_class.h"

/** What the verdict depends on; zeroed facts are those of a machine without errors. */
struct machine_facts {
	/* DIMMs with that verdict, and the label of the first of them. */
	unsigned int replace, repair;
	char replace_label[DIMM_LABEL_MAX], repair_label[DIMM_LABEL_MAX];
	enum sight_cause sight;
	enum result hold;
	bool total_used_up;
	bool hour_used_up;
	bool lost; /* events were lost within a day */
	bool gap;  /* the recording was interrupted within a day */
	/* Pages by state; of the refused ones: by what the result says about them. */
	uint64_t offlined, pending, failed;
	uint64_t kept;      /* policy, budget or kind of page keep them in use */
	uint64_t accounted; /* Action=account */
	uint64_t corrected_errors;
	uint64_t unattributed; /* of these: name no page */
};

/** Counts a DIMM, or a module whose ranks are counted as one. */
void machine_facts_add_dimm(struct machine_facts *f, const char *label,
			    enum verdict verdict);

/** Counts @n pages in @state; @result is what their last attempt ended with. */
void machine_facts_add_pages(struct machine_facts *f, enum page_state state,
			     enum result result, uint64_t n);

/**
 * Returns the verdict. *ret_why gets what it is based on: the first DIMM by its label, if
 * a DIMM is the cause.
 */
enum verdict machine_verdict(const struct machine_facts *f, char ret_why[CLASS_WHY_MAX]);
