/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The database as files in a folder: the file, SQLite's files next to it, the lock. Files
 * are looked at, renamed and copied here; their content is not looked at. All functions
 * return 0 or negative errno unless they say more.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** What belongs to a database, by suffix: the file itself, its -wal and its -shm. */
#define DB_FILES 3
extern const char *const db_files_suffix[DB_FILES];

/** A file, whatever its name is now. */
struct db_file_id {
	bool known;
	dev_t dev;
	ino_t ino;
};

/** Names that a database takes when it is put aside. */
#define DB_FILES_CORRUPT     ".corrupt-"
#define DB_FILES_REPLACED    ".replaced-"
#define DB_FILES_DEVELOPMENT ".development"

/** @path with @suffix in @ret, PATH_MAX bytes. Or -ENAMETOOLONG. */
int db_files_name(const char *path, const char *suffix, char *ret);

/** @path with @infix, @number and @suffix in @ret, PATH_MAX bytes. Or -ENAMETOOLONG. */
int db_files_aside_name(const char *path, const char *infix, int64_t number,
			const char *suffix, char *ret);

/** 1 if something is at @path, 0 if nothing; negative errno if that cannot be known. */
int db_files_there(const char *path);

/** *ret; -ENOENT: nothing is there; other errors say nothing about what is there. */
int db_files_identity(const char *path, struct db_file_id *ret);
bool db_files_same(const struct db_file_id *a, const struct db_file_id *b);

/** Makes an empty file of mode 0600 if none is at @path. */
int db_files_make_private(const char *path);

/** Narrows the files of the database at @path, which is known to be ours, to 0600. */
void db_files_narrow(const char *path);

/** Makes the names in the folder of @path last. */
int db_files_sync_folder(const char *path);

/**
 * Renames the database at @path, from suffix number @first on, to names with @infix and
 * @number, or the next number whose name is free. *ret_number: the number.
 */
int db_files_put_aside(const char *path, const char *infix, unsigned int first,
		       int64_t number, int64_t *ret_number);

/**
 * Renames the database at @path and its backup, or only the backup, to names with
 * DB_FILES_DEVELOPMENT, or with @number added if one of them is taken. @ret, PATH_MAX
 * bytes: the new name of the first.
 */
int db_files_retire(const char *path, bool only_backup, int64_t number, char *ret);

/** Removes all databases that were put aside as damaged but the newest @kept; never
 * number @newest. */
void db_files_keep_newest(const char *path, int64_t newest, unsigned int kept);

/** A copy of the file @from at @to, where nothing is, on disk. */
int db_files_copy(const char *from, const char *to);

/** Locks PATH.lock, made if it is not there. *ret; -EBUSY: another program holds it. */
int db_files_lock(const char *path, int *ret);
