/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Finds and reads configuration files: the main file, then drop-in folders, in the order
 * of systemd's own configuration files. The only door to them.
 */

#include "config/config.h"

/**
 * Loads the configuration into *cfg, from defaults on.
 *
 * @file: NULL for the standard places: softofflined.conf in /etc/softofflined, else in
 *        /usr/lib/softofflined (none is fine: the defaults), then
 * softofflined.conf.d/X.conf in /usr/lib/softofflined, /run/softofflined and
 * /etc/softofflined, sorted by base name, the same name in a later folder of /usr/lib,
 * /run, /etc masking the earlier one, and a link to /dev/null masking it altogether.
 * If the program was built for another prefix, its own folders come as well, each after
 * the one that it is like: PREFIX/lib/softofflined, SYSCONFDIR/softofflined; a main file
 * in the latter is read after that in /etc. Nothing in /etc is ever passed over.
 * Otherwise exactly this file and FILE.d/X.conf beside it; it must exist.
 * @root: put before every standard path, for tests; "" otherwise.
 *
 * A file must be a regular file of at most 1 MiB (links are followed).
 *
 * Returns 0; -EINVAL if there was any error (each was given to @diag; *cfg is not
 * usable); -ENOMEM.
 */
int config_load(struct config *cfg, const char *file, const char *root,
		config_diag_fn diag, void *userdata);
