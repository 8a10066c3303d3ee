/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * All the SQL: the schema and the statements. It does not know what the rows mean.
 *
 * In every table but dimm and totals a row's times are CLOCK_BOOTTIME microseconds of the
 * boot that its column "boot" names; in totals the key "boot" names it.
 */

#include <errno.h>
#include <stddef.h>

#include "store/db_internal.h"

/* clang-format off */
/* Cells that erred and the place of a fault, by DRAM coordinates as far as they are known. */
#define COORD_COLUMNS \
	" rank INTEGER, device INTEGER, bank_group INTEGER, bank INTEGER, row INTEGER," \
	" \"column\" INTEGER"
static const char tables[] =
	"CREATE TABLE boot ("
	" id INTEGER PRIMARY KEY,"
	" boot_id TEXT NOT NULL UNIQUE,"
	" wall_offset INTEGER NOT NULL,"
	" first_seen INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE dimm ("
	" id INTEGER PRIMARY KEY,"
	" boot INTEGER NOT NULL REFERENCES boot(id),"
	" label TEXT NOT NULL,"
	" mc INTEGER NOT NULL,"
	" layer_0 INTEGER NOT NULL,"
	" layer_1 INTEGER NOT NULL,"
	" layer_2 INTEGER NOT NULL,"
	" overflow INTEGER NOT NULL,"
	" corrected_errors INTEGER NOT NULL,"
	" uncorrected_errors INTEGER NOT NULL,"
	" unattributed INTEGER NOT NULL,"
	" pages INTEGER NOT NULL,"
	" offlined INTEGER NOT NULL,"
	" first_seen INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE page ("
	" pfn INTEGER PRIMARY KEY,"
	" boot INTEGER NOT NULL REFERENCES boot(id),"
	" dimm INTEGER NOT NULL,"
	" corrected_errors INTEGER NOT NULL,"
	" first_seen INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL,"
	" not_before INTEGER NOT NULL,"
	" state TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" result TEXT NOT NULL,"
	" attempts INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" by_us INTEGER NOT NULL,"
	" stamps BLOB NOT NULL"
	") STRICT;"
	"CREATE TABLE ce ("
	" id INTEGER PRIMARY KEY,"
	" boot INTEGER NOT NULL REFERENCES boot(id),"
	" first INTEGER NOT NULL,"
	" last INTEGER NOT NULL,"
	" address INTEGER,"
	" count INTEGER NOT NULL,"
	" events INTEGER NOT NULL,"
	" dimm INTEGER NOT NULL,"
	" severity INTEGER NOT NULL,"
	" grain_bits INTEGER NOT NULL,"
	" unattributed TEXT NOT NULL,"
	" overflow INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE action ("
	" id INTEGER PRIMARY KEY,"
	" boot INTEGER NOT NULL REFERENCES boot(id),"
	" time INTEGER NOT NULL,"
	" pfn INTEGER NOT NULL,"
	" action TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" result TEXT NOT NULL,"
	" page_type TEXT NOT NULL,"
	" error INTEGER NOT NULL,"
	" duration_usec INTEGER NOT NULL,"
	" poisoned_before_kib INTEGER NOT NULL,"
	" poisoned_after_kib INTEGER NOT NULL,"
	" dimm INTEGER NOT NULL,"
	" outcome TEXT"
	") STRICT;"
	"CREATE TABLE poison ("
	" id INTEGER PRIMARY KEY,"
	" boot INTEGER NOT NULL REFERENCES boot(id),"
	" time INTEGER NOT NULL,"
	" kib INTEGER NOT NULL,"
	" delta_kib INTEGER NOT NULL,"
	" cause TEXT NOT NULL,"
	" pfn INTEGER"
	") STRICT;"
	"CREATE TABLE totals ("
	" key TEXT PRIMARY KEY NOT NULL,"
	" value INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE reader ("
	" cpu INTEGER PRIMARY KEY,"
	" boot INTEGER NOT NULL,"
	" read INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE cell ("
	" dimm INTEGER NOT NULL,"
	" slot INTEGER NOT NULL,"
	" boot INTEGER NOT NULL REFERENCES boot(id),"
	" address INTEGER NOT NULL,"
	" first INTEGER NOT NULL,"
	" last INTEGER NOT NULL,"
	COORD_COLUMNS ","
	" votes INTEGER NOT NULL,"
	" doubted INTEGER NOT NULL,"
	" row_faulty INTEGER NOT NULL,"
	" other_boot INTEGER NOT NULL,"
	" PRIMARY KEY (dimm, slot)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE fault ("
	" dimm INTEGER PRIMARY KEY,"
	" class TEXT NOT NULL,"
	" since INTEGER NOT NULL,"
	" cells INTEGER NOT NULL,"
	" rows INTEGER NOT NULL,"
	" faulty_rows INTEGER NOT NULL,"
	" bank_faulty_rows INTEGER NOT NULL,"
	" banks INTEGER NOT NULL,"
	" devices INTEGER NOT NULL,"
	" extent INTEGER NOT NULL,"
	COORD_COLUMNS
	") STRICT;"
	"CREATE TABLE module ("
	" dimm INTEGER PRIMARY KEY,"
	" part TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" former INTEGER NOT NULL"
	") STRICT;";

/* Look-ups by frame without reading all the history; the newest pages, and the oldest,
 * without reading all the others. */
static const char indexes[] =
	"CREATE INDEX ce_address ON ce(address) WHERE address IS NOT NULL;"
	"CREATE INDEX action_pfn ON action(pfn);"
	"CREATE INDEX action_intent ON action(boot) WHERE result = 'none';"
	"CREATE INDEX page_seen ON page(boot, last_seen);";

/* For people with the sqlite3 shell. */
#define WALL(time) "strftime('%Y-%m-%d %H:%M:%f', (" time \
	" + boot.wall_offset) / 1000000.0, 'unixepoch')"
#define HEX(number) "printf('0x%llx', " number ")"
#define LABEL(table) \
	"coalesce((SELECT label FROM dimm WHERE dimm.id = " table ".dimm), '')"
static const char views[] =
	"CREATE VIEW page_log AS SELECT " HEX("pfn") " AS pfn, " LABEL("page") " AS dimm,"
	" corrected_errors, " WALL("page.first_seen") " AS first_seen,"
	" " WALL("page.last_seen") " AS last_seen, state, reason, result, attempts"
	" FROM page JOIN boot ON boot.id = page.boot ORDER BY 5;"
	"CREATE VIEW ce_log AS SELECT " WALL("first") " AS first,"
	" " WALL("last") " AS last,"
	" iif(address IS NULL, NULL, " HEX("address") ") AS address, count, events,"
	" " LABEL("ce") " AS dimm, severity, grain_bits, unattributed"
	" FROM ce JOIN boot ON boot.id = ce.boot ORDER BY ce.id;"
	"CREATE VIEW action_log AS SELECT " WALL("time") " AS time,"
	" " HEX("pfn") " AS pfn,"
	" action, reason, result, outcome, page_type, error, duration_usec,"
	" poisoned_before_kib, poisoned_after_kib, " LABEL("action") " AS dimm"
	" FROM action JOIN boot ON boot.id = action.boot ORDER BY action.id;"
	"CREATE VIEW poison_log AS SELECT " WALL("time") " AS time,"
	" kib, delta_kib, cause,"
	" iif(pfn IS NULL, NULL, " HEX("pfn") ") AS pfn"
	" FROM poison JOIN boot ON boot.id = poison.boot ORDER BY poison.id;"
	"CREATE VIEW cell_log AS SELECT " WALL("first") " AS first,"
	" " WALL("last") " AS last,"
	" " HEX("address") " AS address, " LABEL("cell") " AS dimm, rank, device,"
	" bank_group, bank, row, \"column\", votes, row_faulty"
	" FROM cell JOIN boot ON boot.id = cell.boot ORDER BY cell.dimm, slot;";

#define PAGE_COLUMNS \
	"pfn, page.boot, boot.wall_offset, dimm, corrected_errors, page.first_seen," \
	" page.not_before, state, reason, result, attempts, tries, by_us, stamps"
#define FROM_PAGE "FROM page CROSS JOIN boot ON boot.id = page.boot "
#define ACTION_COLUMNS \
	"action.id, action.time, pfn, action, reason, result, page_type, error," \
	" duration_usec, poisoned_before_kib, poisoned_after_kib, dimm, outcome"
#define CE_COLUMNS \
	"ce.id AS id, first, last, boot.wall_offset AS wall_offset, address, count," \
	" events, " LABEL("ce") " AS label, severity, unattributed"
#define FROM_CE "FROM ce CROSS JOIN boot ON boot.id = ce.boot "
#define CE_WITHIN "last + wall_offset >= ?1 AND first + wall_offset <= ?2 "

/* DB_ROWS_AT_ONCE of them. */
#define SEVERAL(row) \
	row ", " row ", " row ", " row ", " row ", " row ", " row ", " row
_Static_assert(DB_ROWS_AT_ONCE == 8, "or SEVERAL() is to be another");

/* An upsert, not REPLACE: the row and its entry in the index stay in their places. */
#define PAGE_INTO \
	"INSERT INTO page(pfn, boot, dimm, corrected_errors, first_seen, last_seen," \
	" not_before, state, reason, result, attempts, tries, by_us, stamps) VALUES "
#define PAGE_ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define PAGE_OVER \
	" ON CONFLICT(pfn) DO UPDATE SET boot = excluded.boot, dimm = excluded.dimm," \
	" corrected_errors = excluded.corrected_errors," \
	" first_seen = excluded.first_seen, last_seen = excluded.last_seen," \
	" not_before = excluded.not_before, state = excluded.state," \
	" reason = excluded.reason, result = excluded.result," \
	" attempts = excluded.attempts, tries = excluded.tries," \
	" by_us = excluded.by_us, stamps = excluded.stamps"
#define CE_INTO \
	"INSERT INTO ce(id, boot, first, last, address, count, events, dimm, severity," \
	" grain_bits, unattributed, overflow) VALUES "
#define CE_ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define CE_OVER \
	" ON CONFLICT(id) DO UPDATE SET first = excluded.first, last = excluded.last," \
	" count = excluded.count, events = excluded.events," \
	" overflow = excluded.overflow"

#define ACTION_INTO \
	"action(id, boot, time, pfn, action, reason, result, page_type, error," \
	" duration_usec, poisoned_before_kib, poisoned_after_kib, dimm, outcome)" \
	" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"

/* The oldest rows come first in the order of id, so looking at the first few is enough;
 * no cutoff (NULL) means whatever their age. */
#define PRUNE(table, time, unless) \
	"DELETE FROM " table " WHERE id IN (SELECT old.id FROM (SELECT id, boot, " time \
	" AS time FROM " table " WHERE NOT (" unless ") ORDER BY id LIMIT ?2) AS old" \
	" CROSS JOIN boot ON boot.id = old.boot" \
	" WHERE ?1 IS NULL OR old.time + boot.wall_offset < ?1)"

static const char *const statements[STMT_MAX_] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_BOOT_PUT] =
		"INSERT INTO boot(boot_id, wall_offset, first_seen, last_seen)"
		" VALUES(?1, ?2, ?3, ?3) ON CONFLICT(boot_id) DO UPDATE SET"
		" wall_offset = excluded.wall_offset, last_seen = excluded.last_seen"
		" RETURNING id",
	[STMT_BOOT_REFRESH] =
		"UPDATE boot SET wall_offset = ?1, last_seen = ?2 WHERE id = ?3",
	[STMT_PAGE_PUT] = PAGE_INTO PAGE_ROW PAGE_OVER,
	[STMT_PAGES_PUT] = PAGE_INTO SEVERAL(PAGE_ROW) PAGE_OVER,
	[STMT_PAGE_REMOVE] = "DELETE FROM page WHERE pfn = ?1",
	[STMT_DIMM_PAGES_REMOVE] = "DELETE FROM page WHERE dimm = ?1",
	[STMT_CE_PUT] = CE_INTO CE_ROW CE_OVER,
	[STMT_CES_PUT] = CE_INTO SEVERAL(CE_ROW) CE_OVER,
	/* of an intent whose answer has come: an index of what stays is left alone */
	[STMT_ACTION_PUT] =
		"INSERT INTO " ACTION_INTO
		" ON CONFLICT(id) DO UPDATE SET time = excluded.time,"
		" action = excluded.action, reason = excluded.reason,"
		" result = excluded.result, page_type = excluded.page_type,"
		" error = excluded.error, duration_usec = excluded.duration_usec,"
		" poisoned_before_kib = excluded.poisoned_before_kib,"
		" poisoned_after_kib = excluded.poisoned_after_kib,"
		" dimm = excluded.dimm, outcome = excluded.outcome"
		" WHERE pfn = excluded.pfn AND boot = excluded.boot",
	[STMT_ACTION_REPLACE] = "INSERT OR REPLACE INTO " ACTION_INTO,
	/* what an earlier boot left open nobody can settle any more */
	[STMT_ACTION_CLOSE] =
		"UPDATE action SET result = 'interrupted'"
		" WHERE result = 'none' AND boot <> ?1",
	[STMT_POISON_PUT] =
		"INSERT INTO poison(boot, time, kib, delta_kib, cause, pfn)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[STMT_DIMM_PUT] =
		"INSERT OR REPLACE INTO dimm(id, boot, label, mc, layer_0, layer_1,"
		" layer_2,"
		" overflow, corrected_errors, uncorrected_errors, unattributed, pages,"
		" offlined, first_seen, last_seen)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
		" ?15)",
	[STMT_FAULT_PUT] =
		"INSERT OR REPLACE INTO fault(dimm, class, since, cells, rows,"
		" faulty_rows, bank_faulty_rows, banks, devices, extent, rank, device,"
		" bank_group, bank, row, \"column\")"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
		" ?15, ?16)",
	[STMT_FAULT] =
		"SELECT class, since, cells, rows, faulty_rows, bank_faulty_rows, banks,"
		" devices, extent, rank, device, bank_group, bank, row, \"column\""
		" FROM fault WHERE dimm = ?1",
	[STMT_MODULE_PUT] =
		"INSERT OR REPLACE INTO module(dimm, part, serial, former)"
		" VALUES(?1, ?2, ?3, ?4)",
	[STMT_MODULE] = "SELECT part, serial, former FROM module WHERE dimm = ?1",
	[STMT_CELL_PUT] =
		"INSERT OR REPLACE INTO cell(dimm, slot, boot, address, first, last,"
		" rank, device, bank_group, bank, row, \"column\", votes, doubted,"
		" row_faulty, other_boot) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		" ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[STMT_CELL_REMOVE] = "DELETE FROM cell WHERE dimm = ?1 AND slot = ?2",
	[STMT_DIMM_CELLS_REMOVE] = "DELETE FROM cell WHERE dimm = ?1",
	[STMT_CELLS] =
		"SELECT dimm, slot, boot, wall_offset, address, first, last, rank,"
		" device, bank_group, bank, row, \"column\", votes, doubted,"
		" row_faulty, other_boot FROM cell CROSS JOIN boot ON boot.id = cell.boot"
		" ORDER BY dimm, slot",
	[STMT_TOTAL_PUT] = "INSERT OR REPLACE INTO totals(key, value) VALUES(?1, ?2)",
	[STMT_READER_PUT] =
		"INSERT OR REPLACE INTO reader(cpu, boot, read) VALUES(?1, ?2, ?3)",
	[STMT_READERS] = "SELECT cpu, read FROM reader WHERE boot = ?1 ORDER BY cpu",
	/* found in the index; then each page of the file is read once, in its order */
	[STMT_PAGES] =
		"SELECT " PAGE_COLUMNS " " FROM_PAGE "WHERE pfn IN (SELECT pfn FROM page"
		" ORDER BY boot DESC, last_seen DESC LIMIT ?1)",
	[STMT_PAGES_MORE] =
		"SELECT 1 FROM page ORDER BY boot DESC, last_seen DESC LIMIT 1 OFFSET ?1",
	[STMT_PAGE] = "SELECT " PAGE_COLUMNS " " FROM_PAGE "WHERE pfn = ?1",
	[STMT_DIMMS] =
		"SELECT dimm.id, boot, wall_offset, label, mc, layer_0, layer_1, layer_2,"
		" overflow, corrected_errors, uncorrected_errors, unattributed, pages,"
		" offlined, dimm.first_seen, dimm.last_seen"
		" FROM dimm CROSS JOIN boot ON boot.id = dimm.boot ORDER BY dimm.id",
	[STMT_INTENTS] =
		"SELECT " ACTION_COLUMNS " FROM action"
		" WHERE boot = ?1 AND result = 'none' ORDER BY action.id",
	[STMT_TOTALS] =
		"SELECT key, value,"
		" (SELECT value FROM totals WHERE key = '" DB_TOTALS_BOOT "'),"
		" (SELECT wall_offset FROM boot WHERE id ="
		" (SELECT value FROM totals WHERE key = '" DB_TOTALS_BOOT "'))"
		" FROM totals",
	[STMT_REPORT_PAGES] =
		"SELECT * FROM (SELECT pfn, " LABEL("page") " AS label, corrected_errors,"
		" boot.wall_offset, page.first_seen, page.last_seen, state, reason,"
		" result,"
		" attempts " FROM_PAGE
		"WHERE page.last_seen + boot.wall_offset BETWEEN ?1 AND ?2"
		" AND pfn BETWEEN ?3 AND ?4 AND (?5 IS NULL OR state = ?5)"
		" ORDER BY page.last_seen + boot.wall_offset DESC, pfn DESC LIMIT ?6)"
		" ORDER BY last_seen + wall_offset, pfn",
	[STMT_REPORT_HISTORY] =
		"SELECT * FROM (SELECT boot.wall_offset, " ACTION_COLUMNS
		" FROM action CROSS JOIN boot ON boot.id = action.boot"
		" WHERE action.time + boot.wall_offset BETWEEN ?1 AND ?2"
		" AND pfn BETWEEN ?3 AND ?4 ORDER BY action.id DESC LIMIT ?5)"
		" ORDER BY id",
	[STMT_REPORT_CES] =
		"SELECT * FROM (SELECT " CE_COLUMNS " " FROM_CE "WHERE " CE_WITHIN
		"ORDER BY ce.id DESC LIMIT ?3) ORDER BY last + wall_offset, id",
	[STMT_REPORT_FRAME_CES] =
		"SELECT * FROM (SELECT " CE_COLUMNS " " FROM_CE "WHERE " CE_WITHIN
		"AND address BETWEEN ?4 AND ?5 "
		"ORDER BY ce.id DESC LIMIT ?3) ORDER BY last + wall_offset, id",
	[STMT_BROWSE_HISTORY] =
		"SELECT boot.wall_offset, " ACTION_COLUMNS
		" FROM action CROSS JOIN boot ON boot.id = action.boot"
		" WHERE action.id < ?1 ORDER BY action.id DESC LIMIT ?2",
	[STMT_BROWSE_CES] =
		"SELECT " CE_COLUMNS " " FROM_CE
		"WHERE ce.id < ?1 ORDER BY ce.id DESC LIMIT ?2",
	[STMT_COUNT_PAGES] = "SELECT state, count(*) FROM page GROUP BY state",
	[STMT_LAST_POISON] = "SELECT kib FROM poison ORDER BY id DESC LIMIT 1",
	[STMT_LAST_COMMIT] =
		"SELECT last_seen, wall_offset FROM boot ORDER BY id DESC LIMIT 1",
	[STMT_PRUNE_CE] = PRUNE("ce", "last", "0"),
	[STMT_PRUNE_POISON] = PRUNE("poison", "time", "0"),
	/* an intent of the present boot is what a restart recovers from */
	[STMT_PRUNE_ACTION] = PRUNE("action", "time", "result = 'none' AND boot = ?3"),
	[STMT_PRUNE_PAGE] =
		"DELETE FROM page WHERE pfn IN (SELECT pfn FROM boot CROSS JOIN page"
		" ON page.boot = boot.id AND page.last_seen < ?1 - boot.wall_offset"
		" WHERE state IN ('watched', 'failed', 'refused') LIMIT ?2)",
	[STMT_PRUNE_WATCHED] =
		"DELETE FROM page WHERE pfn IN (SELECT pfn FROM page"
		" WHERE state = 'watched' ORDER BY boot, last_seen LIMIT ?2)",
	[STMT_PRUNE_BOOT] =
		"DELETE FROM boot WHERE id IN (SELECT id FROM boot WHERE id <> ?1"
		" AND id NOT IN (SELECT boot FROM ce UNION SELECT boot FROM action"
		" UNION SELECT boot FROM poison UNION SELECT boot FROM page"
		" UNION SELECT boot FROM dimm UNION SELECT boot FROM cell"
		" UNION SELECT value FROM totals WHERE key = '" DB_TOTALS_BOOT "')"
		" ORDER BY id LIMIT 4)",
	[STMT_VACUUM_INTO] = "VACUUM INTO ?1",
};

#define TOTAL(name, k) { #name, offsetof(struct totals, name), k, false }
#define SPENT(name, k) { #name, offsetof(struct totals, name), k, true }
const struct db_total db_totals[] = {
	TOTAL(events, DB_TOTAL_COUNT),
	TOTAL(corrected_errors, DB_TOTAL_COUNT),
	TOTAL(uncorrected_errors, DB_TOTAL_COUNT),
	TOTAL(unattributed, DB_TOTAL_COUNT),
	TOTAL(events_lost, DB_TOTAL_COUNT),
	TOTAL(malformed, DB_TOTAL_COUNT),
	SPENT(next_action_id, DB_TOTAL_COUNT),
	TOTAL(last_event, DB_TOTAL_TIME),
	SPENT(last_offline, DB_TOTAL_TIME),
	SPENT(bucket_level, DB_TOTAL_NUMBER),
	SPENT(bucket_time, DB_TOTAL_TIME),
	TOTAL(ram_print, DB_TOTAL_NUMBER),
	TOTAL(module_print, DB_TOTAL_NUMBER),
};
const size_t db_totals_n = ARRAY_SIZE(db_totals);
/* clang-format on */

const char *db_statement_sql(enum stmt id)
{
	return statements[id];
}

int db_create_schema(struct db *db)
{
	int r = db_exec(db, tables);

	if (r == 0)
		r = db_exec(db, indexes);
	if (r == 0)
		r = db_exec(db, views);
	if (r == 0)
		r = db_pragma(db, "user_version", DB_SCHEMA_VERSION);
	return r < 0 ? r : db_pragma(db, "application_id", DB_APPLICATION_ID);
}
