/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Serial numbers of memory modules as firmware gives them. This is the only list of
 * texts that stand for no number.
 */

#include <stdbool.h>

/**
 * True if @serial may distinguish one module from another. False for what firmware writes
 * when a module has no number or could not be read:
 *   - nothing, or a single letter or digit;
 *   - a byte that is not printable (kept as '?'), or a text in angle brackets, as
 *     "<BAD INDEX>";
 *   - memory that was never programmed: zeros and ones ("00000000", "0xFFFFFFFF");
 *   - a short text repeated ("11111111", "5A5A5A5A"), or letters and digits in their
 *     order ("12345678", "0123456789", "ABCDEF"), or steps of one size ("01020304",
 *     "11223344", "13579BDF");
 *   - words ("Not Specified", "NO DIMM", "To Be Filled By O.E.M.", "Undefined") and the
 *     name of the field or of the slot ("A1_SerNum0", "DIMM_A1 SerNum", "Serial Number").
 * A short serial such as "S2" is real. Whether two modules of a machine have the same is
 * for the caller to see.
 */
bool dmi_serial_is_real(const char *serial);
