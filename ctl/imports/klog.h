/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel's log: the lines that EDAC writes of each error. Pure.
 *
 * Facts: edac_ce_error(), edac_ue_error() and edac_mc_printk() of
 * drivers/edac/edac_mc.c: "EDAC MC0: 1 CE memory read error on LABEL (channel:1 slot:0
 * page:0x7f2a34 offset:0x4c0 grain:32 syndrome:0x0 - DETAIL)". Before 3.5: "EDAC MC0: CE
 * page 0x3ebf8, offset 0xf0, grain 8, syndrome 0x7, row 0, channel 1, label \"A0\": ...".
 * A page there is one of the kernel's, of PAGE_SIZE.
 */

#include "imports/log_time.h"
#include "imports/mc_row.h"

/** What is kept from line to line. Begin with klog_init(). */
struct klog {
	struct log_time time;
	unsigned int page_shift;
	char name[MC_ROW_NAME_MAX];
};

/** @now: microseconds since the epoch. @page_shift: of the kernel that wrote the log. */
void klog_init(struct klog *k, int64_t now, unsigned int page_shift);

/**
 * Reads one line. Returns 1 and *ret, whose texts point into @line and @k until the next
 * call; 0: the line names no error; -EBADMSG: it does, and is not usable: *ret_why
 * (static text).
 */
int klog_line(struct klog *k, struct backtest_text line, struct backtest_row *ret,
	      const char **ret_why);
