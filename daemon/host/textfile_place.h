/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether the metrics of a configuration may be written where it says, as far as the disk
 * shows it.
 */

#include "config/config.h"

/**
 * Looks at [Metrics] File: it must not be a file of the database under another spelling
 * or through a link, and nothing may be there but a metrics file of ours. @option names
 * what stands for [Metrics] File instead, such as "--metrics", and may be NULL. Each
 * finding goes to @diag (may be NULL). File=auto and File=none are always fine.
 *
 * What another user could have put there is a warning and not an error: the daemon
 * starts, and does not write the file while that lasts.
 *
 * Returns the number of errors; if it is not 0, @cfg must not be used.
 */
unsigned int textfile_check_place(const struct config *cfg, const char *option,
				  config_diag_fn diag, void *userdata);
