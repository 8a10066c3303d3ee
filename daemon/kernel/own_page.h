/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A page of our own, whose use is known: what kpageflags says of the page shows whether a
 * flag of this kernel can be believed.
 *
 * Fact (fs/proc/page.c): Linux 6.12 tests the mapping of an anonymous page for any bit of
 * PAGE_MAPPING_KSM, a mask of two bits, of which PAGE_MAPPING_ANON is one. So KPF_KSM is
 * set on every anonymous page. 6.1 and 7.3 compare both bits.
 */

#include "base/machine.h"

/**
 * Whether @kpageflags_fd shows KPF_KSM for an anonymous page that is not merged. @root and
 * @page_shift as in sysfs_offline_new(). Returns FACT_YES or FACT_NO; FACT_UNKNOWN if
 * our page cannot be found: no /proc/self/pagemap, a pagemap that shows no frame numbers
 * (without CAP_SYS_ADMIN), a page that moves or is swapped out at each look.
 */
enum fact own_page_is_called_ksm(const char *root, int kpageflags_fd,
				 unsigned int page_shift);
