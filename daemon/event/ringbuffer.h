/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The commit word of a ring-buffer page, for the code that reads pages: the decoder,
 * which walks a page, and the trace room, which copies the used part of a page.
 *
 * Facts (kernel/trace/ring_buffer.c, ring_buffer_read_page() and the RB_MISSED flags):
 * the low 30 bits are the number of bytes of events on the page. Bit 31 says that events
 * were lost before this page. Bit 30 says that the number of lost events follows the last
 * event, in a word as wide as the commit word itself; the kernel leaves the number out if
 * the page has no room for it. The word is a local_t: 8 bytes on 64 bits, 4 bytes on 32
 * bits.
 */

#include <stdint.h>

#define RINGBUFFER_MISSED      (UINT64_C(1) << 31)
#define RINGBUFFER_STORED      (UINT64_C(1) << 30)
#define RINGBUFFER_COMMIT_MASK (RINGBUFFER_STORED - 1)
