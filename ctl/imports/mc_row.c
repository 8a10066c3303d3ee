/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * EDAC's report to a row: the same coordinates as the daemon reads from the same texts.
 */

#include "imports/mc_row.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "event/dram_parse.h"

#define MC_ROW_LABEL_MAX 255

static struct ce_text mc_row_text(struct backtest_text t)
{
	return (struct ce_text){ t.s, (uint32_t)t.len };
}

static bool mc_row_is_scrub(struct backtest_text msg)
{
	static const char word[] = "scrub";

	for (size_t i = 0; i + sizeof(word) - 1 <= msg.len; i++)
		if (strncasecmp(msg.s + i, word, sizeof(word) - 1) == 0)
			return true;
	return false;
}

uint8_t mc_row_grain_bits(uint64_t bytes)
{
	uint8_t bits = 0;

	while (bits < 63 && (UINT64_C(1) << bits) < bytes)
		bits++;
	return bits;
}

static int16_t mc_row_place(int value)
{
	return value >= 0 && value <= INT8_MAX ? (int16_t)value : -1;
}

static struct backtest_text mc_row_name_place(const struct mc_report *report,
					      char name[MC_ROW_NAME_MAX])
{
	size_t len = (size_t)snprintf(name, MC_ROW_NAME_MAX, "mc%d", report->mc);

	for (size_t i = 0; i < ARRAY_SIZE(report->layer); i++)
		if (report->layer[i] >= 0)
			len += (size_t)snprintf(name + len, MC_ROW_NAME_MAX - len, "%c%d",
						i == 0 ? ' ' : ':', report->layer[i]);
	return (struct backtest_text){ name, len };
}

void mc_row_fill(const struct mc_report *report, char name[MC_ROW_NAME_MAX],
		 struct backtest_row *ret)
{
	static const char one[] = "this machine";
	const struct ce_event texts = { .label = mc_row_text(report->label),
					.msg = mc_row_text(report->msg),
					.detail = mc_row_text(report->detail) };

	*ret = (struct backtest_row){
		.time = report->time,
		.ue_time = BACKTEST_NO_TIME,
		.address = report->address,
		.has_address = report->address != 0,
		.count = report->count ? report->count : 1,
		.events = 1,
		.kind = report->kind,
		.grain_bits = report->grain_bits,
		.socket = mc_row_place(report->mc),
		.channel = mc_row_place(report->layer[0]),
		.slot = mc_row_place(report->layer[1]),
		.dimm = report->label,
		.server = report->server,
	};
	if (ret->kind == BACKTEST_CE && mc_row_is_scrub(report->msg))
		ret->kind = BACKTEST_CE_SCRUB;
	if (ret->dimm.len == 0)
		ret->dimm = mc_row_name_place(report, name);
	if (ret->dimm.len > MC_ROW_LABEL_MAX)
		ret->dimm.len = MC_ROW_LABEL_MAX;
	if (ret->server.len == 0 || ret->server.len > MC_ROW_LABEL_MAX)
		ret->server = (struct backtest_text){ one, sizeof(one) - 1 };
	dram_coord_parse(&texts, &ret->coord);
}
