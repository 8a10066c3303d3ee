/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Between SQLite and its own file functions: it passes every call on, and counts the
 * looks that failed. SQLite's checks put a page that cannot be read into the same words
 * as a page whose content is wrong, and take a file whose name cannot be looked up for
 * one that is not there; only down here can both be told apart. It knows no database.
 */

#include <errno.h>
#include <string.h>

#include "store/db_internal.h"

struct file {
	sqlite3_file base;
	sqlite3_file real[]; /* of szOsFile bytes */
};

static sqlite3_vfs *below;
/* A connection works in the thread that calls it. */
static _Thread_local unsigned int failures;

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

/* A short read is no failure: the file is as long as it is. */
static int note(int rc)
{
	if ((rc & 0xff) == SQLITE_IOERR && rc != SQLITE_IOERR_SHORT_READ)
		failures++;
	return rc;
}

static int file_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return note(real_of(f)->pMethods->xRead(real_of(f), to, n, at));
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int file_sync(sqlite3_file *f, int flags)
{
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return note(real_of(f)->pMethods->xFileSize(real_of(f), ret));
}

static int file_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_is_locked(sqlite3_file *f, int *ret)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_traits(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int region, int size, int extend,
			void volatile **ret)
{
	return note(real_of(f)->pMethods->xShmMap(real_of(f), region, size, extend, ret));
}

static int file_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

/* Version 2: without mapping of the file itself, which nobody here turns on. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_is_locked,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
		    int *ret_flags)
{
	int rc = below->xOpen(below, name, real_of(f), flags, ret_flags);

	f->pMethods = real_of(f)->pMethods ? &methods : NULL;
	return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
	return below->xDelete(below, name, sync_folder);
}

/* Below, every failure of stat() is "no such file": a log or journal would be ignored. */
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	int rc;

	errno = 0;
	rc = below->xAccess(below, name, flags, ret);
	if (rc == SQLITE_OK && flags == SQLITE_ACCESS_EXISTS && !*ret && errno != 0 &&
	    errno != ENOENT && errno != ENOTDIR)
		rc = SQLITE_IOERR_ACCESS;
	return note(rc);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
	return below->xFullPathname(below, name, size, ret);
}

void db_register_vfs(void)
{
	static sqlite3_vfs vfs;

	below = sqlite3_vfs_find(NULL);
	if (!below)
		return; /* then every open fails, and says so */
	vfs = *below;
	vfs.pNext = NULL;
	vfs.zName = DB_VFS;
	vfs.szOsFile = (int)sizeof(struct file) + below->szOsFile;
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	vfs.xAccess = vfs_access;
	vfs.xFullPathname = vfs_full_path;
	(void)sqlite3_vfs_register(&vfs, 0);
}

unsigned int db_io_failures(void)
{
	return failures;
}
