/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * SQLite's own file functions, with the failures to read counted: SQLite uses the same
 * words for a page that cannot be read and for one whose content is wrong.
 */

#define DB_VFS "softofflined"

/** Makes DB_VFS known to SQLite. To be called once. */
void db_vfs_register(void);

/** Failures of this thread to read a file of DB_VFS or to find out what is there. */
unsigned int db_vfs_failures(void);
