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
