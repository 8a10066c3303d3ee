/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Drivers' texts to DRAM coordinates. A driver's new text form is a row of the table of
 * names in dram_parse.c.
 */

#include "event/ce_event.h"

/**
 * Reads the coordinates that @ev's driver_detail, message and label give, in every form
 * that a kernel driver prints. The first of these texts that names a part decides the
 * part. A part is absent if a text contradicts it or cuts it short. Allocates nothing;
 * never reads past a text's length.
 */
void dram_coord_parse(const struct ce_event *ev, struct dram_coord *ret);

#define DRAM_PREFIX_PARTS 2

/**
 * How a driver_detail begins, up to where it names what differs from error to error, and
 * what it has said by then. All zeros: none yet.
 */
struct dram_prefix {
	uint32_t value[DRAM_PREFIX_PARTS];
	uint8_t name[DRAM_PREFIX_PARTS]; /* rows of dram_parse.c's table */
	uint8_t n;
	uint8_t len;
	char text[108];
};

/**
 * The same in two parts: what the driver_detail gives, with the help of @prefix, NULL or
 * kept from another text, which says the same in less time; and what message and label give of
 * the parts that @c does not have. A part more in @c never makes the second add more.
 */
void dram_coord_parse_detail(const struct ce_event *ev, struct dram_prefix *prefix,
			     struct dram_coord *ret);
void dram_coord_parse_rest(const struct ce_event *ev, struct dram_coord *c);
