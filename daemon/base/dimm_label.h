/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the label of a DIMM says about itself. The kernel gives every DIMM a label of its
 * own making until somebody registers the board's names (ras-mc-ctl --register-labels).
 *
 * Facts (drivers/edac of Linux 6.12: edac_mc.c, skx_common.c, sb_edac.c, i7core_edac.c,
 * igen6_edac.c, loongson_edac.c): the labels that the kernel makes are parts of a word, a
 * '#' and a number: "mc#0csrow#1channel#0", "CPU_SrcID#0_MC#0_Chan#0_DIMM#0",
 * "CPU_SrcID#1_Ha#0_Chan#2_DIMM#0", "MC#0_Chan#0_DIMM#0", "CPU#0Channel#1_DIMM#0". An
 * error that may belong to several DIMMs gets their labels, joined by " or ".
 */

#include <stdbool.h>

/**
 * True if @label is a name that somebody gave to one DIMM: the board's, registered in
 * EDAC, or the firmware's (ghes_edac). False for a label that the kernel made, for labels
 * of several DIMMs, and for words that name none ("unknown memory", "any memory",
 * "socket 0", "N/A N/A").
 */
bool dimm_label_is_registered(const char *label);

/** True if @label holds the labels of several DIMMs. */
bool dimm_label_names_several(const char *label);

/**
 * True if the kernel made both labels, from the places of two DIMMs: they never mean one
 * slot, whatever number their controllers got. Only the labels that begin with the socket
 * ("CPU...") say so; the others hold the number of mcN.
 */
bool dimm_labels_contradict(const char *a, const char *b);
