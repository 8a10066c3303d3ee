/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Between SQLite and its own file functions: it passes every call on, and counts the
 * looks that failed. SQLite's checks put a page that cannot be read into the same words
 * as a page whose content is wrong, and take a file whose name cannot be looked up for
 * one that is not there; only below SQLite can one know which it is. It knows no
 * database.
 */

#include "store/db_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

struct vfs_file {
	sqlite3_file base;
	sqlite3_file real[]; /* of szOsFile bytes */
};

static sqlite3_vfs *below;
/* A connection works in the thread that calls it. */
static _Thread_local unsigned int vfs_failed;

static sqlite3_file *vfs_real(sqlite3_file *f)
{
	return ((struct vfs_file *)f)->real;
}

/* A short read is no failure: the file is as long as it is. */
static int vfs_note(int rc)
{
	if ((rc & 0xff) == SQLITE_IOERR && rc != SQLITE_IOERR_SHORT_READ)
		vfs_failed++;
	return rc;
}

static int vfs_file_close(sqlite3_file *f)
{
	return vfs_real(f)->pMethods->xClose(vfs_real(f));
}

static int vfs_file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return vfs_note(vfs_real(f)->pMethods->xRead(vfs_real(f), to, n, at));
}

static int vfs_file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	return vfs_real(f)->pMethods->xWrite(vfs_real(f), from, n, at);
}

static int vfs_file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return vfs_real(f)->pMethods->xTruncate(vfs_real(f), size);
}

static int vfs_file_sync(sqlite3_file *f, int flags)
{
	return vfs_real(f)->pMethods->xSync(vfs_real(f), flags);
}

static int vfs_file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return vfs_note(vfs_real(f)->pMethods->xFileSize(vfs_real(f), ret));
}

static int vfs_file_lock(sqlite3_file *f, int level)
{
	return vfs_real(f)->pMethods->xLock(vfs_real(f), level);
}

static int vfs_file_unlock(sqlite3_file *f, int level)
{
	return vfs_real(f)->pMethods->xUnlock(vfs_real(f), level);
}

static int vfs_file_is_locked(sqlite3_file *f, int *ret)
{
	return vfs_real(f)->pMethods->xCheckReservedLock(vfs_real(f), ret);
}

static int vfs_file_control(sqlite3_file *f, int op, void *arg)
{
	return vfs_real(f)->pMethods->xFileControl(vfs_real(f), op, arg);
}

static int vfs_file_sector(sqlite3_file *f)
{
	return vfs_real(f)->pMethods->xSectorSize(vfs_real(f));
}

static int vfs_file_traits(sqlite3_file *f)
{
	return vfs_real(f)->pMethods->xDeviceCharacteristics(vfs_real(f));
}

static int vfs_file_shm_map(sqlite3_file *f, int region, int size, int extend,
			    void volatile **ret)
{
	return vfs_note(
		vfs_real(f)->pMethods->xShmMap(vfs_real(f), region, size, extend, ret));
}

static int vfs_file_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return vfs_real(f)->pMethods->xShmLock(vfs_real(f), at, n, flags);
}

static void vfs_file_shm_barrier(sqlite3_file *f)
{
	vfs_real(f)->pMethods->xShmBarrier(vfs_real(f));
}

static int vfs_file_shm_unmap(sqlite3_file *f, int remove)
{
	return vfs_real(f)->pMethods->xShmUnmap(vfs_real(f), remove);
}

/* Version 2: without mapping of the file itself, which nobody here turns on. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = vfs_file_close,
	.xRead = vfs_file_read,
	.xWrite = vfs_file_write,
	.xTruncate = vfs_file_truncate,
	.xSync = vfs_file_sync,
	.xFileSize = vfs_file_size,
	.xLock = vfs_file_lock,
	.xUnlock = vfs_file_unlock,
	.xCheckReservedLock = vfs_file_is_locked,
	.xFileControl = vfs_file_control,
	.xSectorSize = vfs_file_sector,
	.xDeviceCharacteristics = vfs_file_traits,
	.xShmMap = vfs_file_shm_map,
	.xShmLock = vfs_file_shm_lock,
	.xShmBarrier = vfs_file_shm_barrier,
	.xShmUnmap = vfs_file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
		    int *ret_flags)
{
	int rc = below->xOpen(below, name, vfs_real(f), flags, ret_flags);

	f->pMethods = vfs_real(f)->pMethods ? &methods : NULL;
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
	return vfs_note(rc);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
	return below->xFullPathname(below, name, size, ret);
}

void db_vfs_register(void)
{
	static sqlite3_vfs vfs;

	below = sqlite3_vfs_find(NULL);
	if (!below)
		return; /* then every open fails, and says so */
	vfs = *below;
	vfs.pNext = NULL;
	vfs.zName = DB_VFS;
	vfs.szOsFile = (int)sizeof(struct vfs_file) + below->szOsFile;
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	vfs.xAccess = vfs_access;
	vfs.xFullPathname = vfs_full_path;
	(void)sqlite3_vfs_register(&vfs, 0);
}

unsigned int db_vfs_failures(void)
{
	return vfs_failed;
}
