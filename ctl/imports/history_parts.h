/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The columns of a history, shared by what writes it (history.c) and what reads it
 * (history_read.c).
 */

#include "event/dram_coord.h"

#define HISTORY_HEADING                                                                  \
	"time,first,server,dimm,slot_name,part,serial,mc,layer_0,layer_1,layer_2,type,"  \
	"err_count,events,pa,subchannel,rank,chip,device,bankgroup,bank,row,column"
#define HISTORY_PARTS   8
#define HISTORY_COLUMNS 23

/* The parts of a place, by the names of their columns. */
struct history_part {
	const char *name;
	enum dram_part part;
	uint32_t max;
};

extern const struct history_part history_parts[HISTORY_PARTS];
