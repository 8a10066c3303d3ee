/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Prints the field tables of all reports, for schema.py: "REPORT KEY TYPE" on each line.
 */

#include <stdio.h>

#include "tell/report.h"

static const char *type_word(enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return "text";
	case FIELD_BOOL:
		return "flag";
	case FIELD_U64:
		return "count";
	case FIELD_I64:
		return "number";
	case FIELD_ADDRESS:
		return "address";
	case FIELD_TIME:
		return "time";
	}
	return "";
}

static const struct {
	const char *name;
	const struct report_field *(*fields)(size_t *ret_n);
} reports[] = {
	{ "status", status_report_fields },   { "page", page_report_fields },
	{ "history", history_report_fields }, { "outlook", outlook_report_fields },
	{ "ce", ce_report_fields },           { "dimm", dimm_report_fields },
	{ "node", node_report_fields },       { "notice", notice_report_fields },
};

int main(void)
{
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		size_t n;
		const struct report_field *fields = reports[i].fields(&n);

		for (size_t k = 0; k < n; k++)
			printf("%s %s %s\n", reports[i].name, fields[k].key,
			       type_word(fields[k].type));
	}
	return 0;
}
