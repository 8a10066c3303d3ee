/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The registers that Intel's drivers print behind an error (skx_edac, i10nm_edac and
 * imh_edac with retry_rd_err_log=1 or 2): what the controller saw when it read again, and
 * its counters of corrected errors. They are kept as they stand; nothing here knows what a
 * bit means.
 */

#include "event/ce_event.h"

#define CE_REGISTERS_MAX 256 /* the longest known: 210 bytes, for two sets of registers */

/**
 * Copies "retry_rd_err_log[...]" and "correrrcnt[...]" of @detail to @ret, which gets a
 * text of at most CE_REGISTERS_MAX - 1 bytes, "" if there are none. Each bracket holds
 * words of 4, 8 or 16 hexadecimal digits; a bracket with anything else is left out. Of a
 * text that was cut off, the whole words stay, and the bracket stays open.
 */
void ce_registers_copy(const struct ce_text *detail, char ret[CE_REGISTERS_MAX]);
