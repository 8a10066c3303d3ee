/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * All tables of the file, column by column, and all the SQL. A change before the first
 * release changes the table here; after it, a numbered step is needed that brings older
 * files forward. It does not know what the rows mean.
 *
 * In every table but fault, module and totals a row's times are CLOCK_BOOTTIME
 * microseconds of the boot that its column "boot" names; in totals the key "boot" names
 * it, and the times of fault are those of the DIMM's row.
 */

#include "store/db_schema.h"

#include "base/mem.h"
#include "ce_tracker.h"
#include "db.h"
#include "track/fault_map.h"
#include "track/module_list.h"
#include "track/records.h"

/* clang-format off */
#define FIELD(member) \
	.offset = offsetof(ROW, member), .size = sizeof(((ROW *)0)->member)
#define NUMBER_IN(min, max) .low = (min), .high = (max)
#define KEY                .flags = DB_COLUMN_KEY
#define FIXED              .flags = DB_COLUMN_FIXED
#define NO_FIELD           .size = 0
#define BOOT               { "boot", &db_type_boot, NO_FIELD }
#define FIXED_BOOT         { "boot", &db_type_boot, FIXED }
#define IF_PRESENT(member, value) .presence = offsetof(ROW, member), .bit = (value)

/* Most bits of a page's state share a word with others: they have no offset. */
#define BIT_FIELD(member, bits)                                         \
	static uint64_t page_##member(const void *rec)                  \
	{                                                               \
		return ((const struct page_rec *)rec)->member;          \
	}                                                               \
	static void page_set_##member(void *rec, uint64_t value)        \
	{                                                               \
		((struct page_rec *)rec)->member =                      \
			(unsigned int)value & PAGE_BITS_MAX(bits);      \
	}
#define IN_BITS(member)    .get = page_##member, .put = page_set_##member

BIT_FIELD(state, PAGE_STATE_BITS)
BIT_FIELD(reason, PAGE_REASON_BITS)
BIT_FIELD(result, PAGE_RESULT_BITS)
BIT_FIELD(attempts, PAGE_TRIES_BITS)
BIT_FIELD(tries, PAGE_TRIES_BITS)
BIT_FIELD(by_us, 1)

#define ROW struct page_rec
static const struct db_column page_columns[] = {
	{ "pfn", &db_type_whole, FIELD(pfn), KEY },
	BOOT,
	{ "dimm", &db_type_dimm, FIELD(dimm) },
	{ "corrected_errors", &db_type_count, FIELD(corrected_errors) },
	{ "first_seen", &db_type_time, FIELD(first_seen) },
	{ "last_seen", &db_type_last_stamp, NO_FIELD },
	{ "not_before", &db_type_deadline, FIELD(not_before) },
	{ "state", &db_type_page_state, IN_BITS(state) },
	{ "reason", &db_type_reason, IN_BITS(reason) },
	{ "result", &db_type_result, IN_BITS(result) },
	{ "attempts", &db_type_number, IN_BITS(attempts),
	  NUMBER_IN(0, PAGE_BITS_MAX(PAGE_TRIES_BITS)) },
	{ "tries", &db_type_number, IN_BITS(tries),
	  NUMBER_IN(0, PAGE_BITS_MAX(PAGE_TRIES_BITS)) },
	{ "by_us", &db_type_flag, IN_BITS(by_us) },
	{ "stamps", &db_type_stamps, NO_FIELD },
};
#undef ROW

#define ROW struct ce_row
static const struct db_column ce_columns[] = {
	{ "id", &db_type_auto_key, KEY },
	FIXED_BOOT,
	{ "first", &db_type_time, FIELD(first) },
	{ "last", &db_type_time, FIELD(last) },
	{ "address", &db_type_optional, FIELD(address), IF_PRESENT(has_address, 1), FIXED },
	{ "count", &db_type_count, FIELD(count) },
	{ "events", &db_type_number, FIELD(events) },
	{ "dimm", &db_type_dimm, FIELD(dimm), FIXED },
	{ "severity", &db_type_number, FIELD(severity), FIXED },
	{ "grain_bits", &db_type_number, FIELD(grain_bits), FIXED },
	{ "unattributed", &db_type_result, FIELD(unattributed), FIXED },
	{ "overflow", &db_type_flag, FIELD(overflow) },
	{ "registers", &db_type_text, FIELD(registers), FIXED },
};
#undef ROW

#define ROW struct action_row
static const struct db_column action_columns[] = {
	{ "id", &db_type_whole, FIELD(id), KEY },
	FIXED_BOOT,
	{ "time", &db_type_time, FIELD(time) },
	{ "pfn", &db_type_whole, FIELD(pfn), FIXED },
	{ "action", &db_type_action, FIELD(action) },
	{ "reason", &db_type_reason, FIELD(reason) },
	{ "result", &db_type_result, FIELD(result) },
	{ "page_type", &db_type_frame_kind, FIELD(page_type) },
	{ "error", &db_type_number, FIELD(error), NUMBER_IN(INT32_MIN, INT32_MAX) },
	{ "duration_usec", &db_type_whole, FIELD(duration_usec) },
	{ "poisoned_before_kib", &db_type_whole, FIELD(poisoned_before_kib) },
	{ "poisoned_after_kib", &db_type_whole, FIELD(poisoned_after_kib) },
	{ "dimm", &db_type_dimm, FIELD(dimm) },
	{ "outcome", &db_type_outcome, FIELD(outcome) },
};
#undef ROW

#define ROW struct poison_row
static const struct db_column poison_columns[] = {
	{ "id", &db_type_auto_key, KEY },
	BOOT,
	{ "time", &db_type_time, FIELD(time) },
	{ "kib", &db_type_whole, FIELD(kib) },
	{ "delta_kib", &db_type_whole, FIELD(delta_kib) },
	{ "cause", &db_type_poison_cause, FIELD(cause) },
	{ "pfn", &db_type_frame, FIELD(pfn) },
};
#undef ROW

#define ROW struct dimm_rec
#define LAYER(i) \
	{ "layer_" #i, &db_type_number, FIELD(layer[i]), NUMBER_IN(-1, INT8_MAX) }
static const struct db_column dimm_columns[] = {
	{ "id", &db_type_key, KEY },
	BOOT,
	{ "label", &db_type_text, FIELD(label) },
	{ "mc", &db_type_number, FIELD(mc) },
	LAYER(0),
	LAYER(1),
	LAYER(2),
	{ "overflow", &db_type_flag, FIELD(overflow) },
	{ "corrected_errors", &db_type_count, FIELD(corrected_errors) },
	{ "uncorrected_errors", &db_type_count, FIELD(uncorrected_errors) },
	{ "unattributed", &db_type_count, FIELD(unattributed) },
	{ "pages", &db_type_number, FIELD(pages) },
	{ "offlined", &db_type_number, FIELD(offlined) },
	{ "first_seen", &db_type_time, FIELD(first_seen) },
	{ "last_seen", &db_type_time, FIELD(last_seen) },
	{ "last_ue", &db_type_time, FIELD(last_ue) },
	{ "last_ue_address", &db_type_optional, FIELD(last_ue_address),
	  IF_PRESENT(last_ue_has_address, 1) },
};
static const struct db_column module_columns[] = {
	{ "dimm", &db_type_key, KEY },
	{ "part", &db_type_text, FIELD(part) },
	{ "serial", &db_type_text, FIELD(serial) },
	{ "former", &db_type_flag, FIELD(former) },
	{ "same_as", &db_type_number, FIELD(same_as), NUMBER_IN(0, MAX_DIMMS - 1) },
	{ "device", &db_type_text, FIELD(device) },
};
#undef ROW

/* Where in the DIMM, as far as that is known. */
#define PART(name, at, member, part) \
	{ name, &db_type_optional, FIELD(at.member), IF_PRESENT(at.have, part) }
#define PARTS(at)                                       \
	PART("sub_channel", at, sub_channel, DRAM_SUB_CHANNEL), \
	PART("rank", at, rank, DRAM_RANK),              \
	PART("chip", at, chip, DRAM_CHIP),              \
	PART("device", at, device, DRAM_DEVICE),        \
	PART("bank_group", at, bank_group, DRAM_BANK_GROUP), \
	PART("bank", at, bank, DRAM_BANK),              \
	PART("row", at, row, DRAM_ROW),                 \
	PART("\"column\"", at, column, DRAM_COLUMN)

#define ROW struct dimm_fault
static const struct db_column fault_columns[] = {
	{ "dimm", &db_type_key, KEY },
	{ "class", &db_type_fault_class, FIELD(class) },
	{ "since", &db_type_time, FIELD(since) },
	{ "cells", &db_type_number, FIELD(cells) },
	{ "rows", &db_type_number, FIELD(rows) },
	{ "faulty_rows", &db_type_number, FIELD(faulty_rows) },
	{ "bank_faulty_rows", &db_type_number, FIELD(bank_faulty_rows) },
	{ "banks", &db_type_number, FIELD(banks) },
	{ "devices", &db_type_number, FIELD(devices) },
	{ "extent", &db_type_number, FIELD(extent) },
	PARTS(at),
};
#undef ROW

#define ROW struct fault_cell
static const struct db_column cell_columns[] = {
	{ "dimm", &db_type_key, KEY },
	{ "slot", &db_type_key, KEY, .index = 1 },
	BOOT,
	{ "address", &db_type_line, FIELD(line) },
	{ "first", &db_type_time, FIELD(first) },
	{ "last", &db_type_time, FIELD(last) },
	PARTS(coord),
	{ "votes", &db_type_number, FIELD(votes), NUMBER_IN(0, FAULT_MAP_CERTAIN) },
	{ "doubted", &db_type_flag, FIELD(doubted) },
	{ "row_faulty", &db_type_flag, FIELD(row_faulty) },
	{ "other_boot", &db_type_flag, FIELD(other_boot) },
};
#undef ROW

static const struct db_column reader_columns[] = {
	{ "cpu", &db_type_key, KEY },
	{ "boot", &db_type_boot_loose, NO_FIELD },
	{ "read", &db_type_count, .size = sizeof(uint64_t) },
};

#define ROW struct module_rec
static const struct db_column inventory_columns[] = {
	{ "id", &db_type_key, KEY },
	BOOT,
	{ "slot", &db_type_text, FIELD(slot) },
	{ "slot_match", &db_type_number, FIELD(slot_match), NUMBER_IN(0, SLOT_EXACT) },
	{ "label", &db_type_text, FIELD(label) },
	{ "counted", &db_type_flag, FIELD(counted) },
	{ "rank", &db_type_flag, FIELD(rank) },
	{ "device", &db_type_text, FIELD(device) },
	{ "mc", &db_type_number, FIELD(mc) },
	LAYER(0),
	LAYER(1),
	LAYER(2),
	{ "size_mib", &db_type_whole, FIELD(size_mib) },
	{ "identity", &db_type_number, FIELD(identity), NUMBER_IN(0, SLOT_EXACT) },
	{ "locator", &db_type_text, FIELD(locator) },
	{ "bank", &db_type_text, FIELD(bank) },
	{ "part", &db_type_text, FIELD(part) },
	{ "serial", &db_type_text, FIELD(serial) },
	{ "has_serial", &db_type_flag, FIELD(has_serial) },
	{ "missing", &db_type_flag, FIELD(missing) },
	{ "doubted", &db_type_flag, FIELD(doubted) },
	{ "seen", &db_type_time, FIELD(seen) },
};
#undef ROW

#define TABLE(t)      .name = #t, .columns = t##_columns, .n = ARRAY_SIZE(t##_columns)
const struct db_table db_page_table = { TABLE(page), .has_rowid = true, .is_long = true };
const struct db_table db_ce_table = { TABLE(ce), .has_rowid = true, .is_long = true };
const struct db_table db_action_table = {
	TABLE(action), .has_rowid = true, .is_long = true
};
const struct db_table db_poison_table = {
	TABLE(poison), .has_rowid = true, .is_long = true
};
const struct db_table db_dimm_table = { TABLE(dimm), .has_rowid = true };
const struct db_table db_fault_table = { TABLE(fault), .has_rowid = true };
const struct db_table db_module_table = { TABLE(module), .has_rowid = true };
const struct db_table db_cell_table = { TABLE(cell) };
const struct db_table db_reader_table = { TABLE(reader), .has_rowid = true };
const struct db_table db_inventory_table = { TABLE(inventory), .has_rowid = true };

static const struct db_table boot_table = {
	.name = "boot",
	.create = "id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE,"
		  " wall_offset INTEGER NOT NULL, first_seen INTEGER NOT NULL,"
		  " last_seen INTEGER NOT NULL",
	.has_rowid = true,
};
static const struct db_table totals_table = {
	.name = "totals",
	.create = "key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL",
};

const struct db_table *const db_tables[] = {
	&boot_table, &db_dimm_table, &db_page_table, &db_ce_table, &db_action_table,
	&db_poison_table, &totals_table, &db_reader_table, &db_cell_table, &db_fault_table,
	&db_module_table, &db_inventory_table,
};
const size_t db_tables_n = ARRAY_SIZE(db_tables);

#define ROW struct totals
const struct db_column db_totals[] = {
	{ "events", &db_type_count, FIELD(events) },
	{ "corrected_errors", &db_type_count, FIELD(corrected_errors) },
	{ "uncorrected_errors", &db_type_count, FIELD(uncorrected_errors) },
	{ "unattributed", &db_type_count, FIELD(unattributed) },
	{ "events_lost", &db_type_count, FIELD(events_lost) },
	{ "malformed", &db_type_count, FIELD(malformed) },
	{ "gaps", &db_type_count, FIELD(gaps) },
	{ "next_action_id", &db_type_count, FIELD(next_action_id), .flags = DB_COLUMN_SPENT },
	{ "last_event", &db_type_time, FIELD(last_event) },
	{ "last_offline", &db_type_time, FIELD(last_offline), .flags = DB_COLUMN_SPENT },
	{ "bucket_level", &db_type_whole, FIELD(bucket_level), .flags = DB_COLUMN_SPENT },
	{ "bucket_time", &db_type_time, FIELD(bucket_time), .flags = DB_COLUMN_SPENT },
	{ "ram_print", &db_type_whole, FIELD(ram_print) },
	{ "module_print", &db_type_whole, FIELD(module_print) },
	{ "sight", &db_type_whole, FIELD(sight) },
};
const size_t db_totals_n = ARRAY_SIZE(db_totals);
#undef ROW

/* Look-ups by frame without reading all the history; the newest pages, and the oldest,
 * without reading all the others. */
const char db_indexes[] =
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
const char db_views[] =
	"CREATE VIEW page_log AS SELECT " HEX("pfn") " AS pfn, " LABEL("page") " AS dimm,"
	" corrected_errors, " WALL("page.first_seen") " AS first_seen,"
	" " WALL("page.last_seen") " AS last_seen, state, reason, result, attempts"
	" FROM page JOIN boot ON boot.id = page.boot ORDER BY 5;"
	"CREATE VIEW ce_log AS SELECT " WALL("first") " AS first,"
	" " WALL("last") " AS last,"
	" iif(address IS NULL, NULL, " HEX("address") ") AS address, count, events,"
	" " LABEL("ce") " AS dimm, severity, grain_bits, unattributed, registers"
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
	" iif(address < 0, NULL, " HEX("address") ") AS address,"
	" " LABEL("cell") " AS dimm, sub_channel,"
	" rank, chip, device, bank_group, bank, row, \"column\", votes, row_faulty"
	" FROM cell JOIN boot ON boot.id = cell.boot ORDER BY cell.dimm, slot;";

/* What the lists show, in words as they stand in the file. */
#define LABEL_OF(table) .expression = LABEL(table)

#define ROW struct db_page
static const struct db_column page_shown[] = {
	{ "pfn", &db_type_whole, FIELD(pfn) },
	{ "label", &db_type_text, FIELD(dimm), LABEL_OF("page") },
	{ "corrected_errors", &db_type_count, FIELD(corrected_errors) },
	{ "first_seen", &db_type_time, FIELD(first_seen) },
	{ "last_seen", &db_type_time, FIELD(last_seen) },
	{ "state", &db_type_text, FIELD(state) },
	{ "reason", &db_type_text, FIELD(reason) },
	{ "result", &db_type_text, FIELD(result) },
	{ "attempts", &db_type_number, FIELD(attempts) },
};
#undef ROW

#define ROW struct db_history
static const struct db_column action_shown[] = {
	{ "time", &db_type_time, FIELD(time) },
	{ "pfn", &db_type_whole, FIELD(pfn) },
	{ "action", &db_type_text, FIELD(action) },
	{ "reason", &db_type_text, FIELD(reason) },
	{ "result", &db_type_text, FIELD(result) },
	{ "page_type", &db_type_text, FIELD(page_type) },
	{ "error", &db_type_number, FIELD(error), NUMBER_IN(INT32_MIN, INT32_MAX) },
	{ "duration_usec", &db_type_whole, FIELD(duration_usec) },
	{ "poisoned_before_kib", &db_type_whole, FIELD(poisoned_before_kib) },
	{ "poisoned_after_kib", &db_type_whole, FIELD(poisoned_after_kib) },
	{ "outcome", &db_type_text, FIELD(outcome) },
};
#undef ROW

#define ROW struct db_ce
static const struct db_column ce_shown[] = {
	{ "first", &db_type_time, FIELD(first) },
	{ "last", &db_type_time, FIELD(last) },
	{ "address", &db_type_optional, FIELD(address), IF_PRESENT(has_address, 1) },
	{ "count", &db_type_count, FIELD(count) },
	{ "events", &db_type_number, FIELD(events) },
	{ "dimm", &db_type_dimm, FIELD(index) },
	{ "label", &db_type_text, FIELD(dimm), LABEL_OF("ce") },
	{ "severity", &db_type_number, FIELD(severity) },
	{ "unattributed", &db_type_text, FIELD(unattributed) },
	{ "registers", &db_type_text, FIELD(registers) },
};
#undef ROW

#define SHOWN(t)  { .name = #t, .columns = t##_shown, .n = ARRAY_SIZE(t##_shown) }
const struct db_table db_page_list = SHOWN(page);
const struct db_table db_history_list = SHOWN(action);
const struct db_table db_ce_list = SHOWN(ce);

/* An upsert, not REPLACE: the row and its entry in the index stay in their places. */
#define PAGE_PUT \
	"INSERT INTO page({names}) VALUES {values}" \
	" ON CONFLICT(pfn) DO UPDATE SET {updates}"
#define CE_PUT \
	"INSERT INTO ce({names}) VALUES {values} ON CONFLICT(id) DO UPDATE SET {updates}"

#define FROM_PAGE "FROM page CROSS JOIN boot ON boot.id = page.boot "
#define FROM_ACTION "FROM action CROSS JOIN boot ON boot.id = action.boot "
#define CE_SELECT \
	"SELECT ce.id AS id, {read}, boot.wall_offset AS wall_offset FROM ce" \
	" CROSS JOIN boot ON boot.id = ce.boot "
#define CE_WITHIN "last + wall_offset >= ?1 AND first + wall_offset <= ?2 "

/* The oldest rows come first in the order of id, so looking at the first few is enough;
 * without a cutoff (NULL) their age does not count. */
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
	[STMT_BOOTS] =
		"SELECT id, first_seen, last_seen, wall_offset FROM boot"
		" ORDER BY id DESC",
	[STMT_PAGE_PUT] = PAGE_PUT,
	[STMT_PAGES_PUT] = PAGE_PUT,
	[STMT_PAGE_REMOVE] = "DELETE FROM page WHERE pfn = ?1",
	[STMT_DIMM_PAGES_REMOVE] = "DELETE FROM page WHERE dimm = ?1",
	[STMT_CE_PUT] = CE_PUT,
	[STMT_CES_PUT] = CE_PUT,
	/* Of an intent whose answer has come. An id that was another frame's changes
	 * nothing, and is then replaced. */
	[STMT_ACTION_PUT] =
		"INSERT INTO action({names}) VALUES {values} ON CONFLICT(id) DO UPDATE"
		" SET {updates} WHERE pfn = excluded.pfn AND boot = excluded.boot",
	[STMT_ACTION_REPLACE] = "INSERT OR REPLACE INTO action({names}) VALUES {values}",
	/* Nobody can answer any more what an earlier boot left open. */
	[STMT_ACTION_CLOSE] =
		"UPDATE action SET result = 'interrupted'"
		" WHERE result = 'none' AND boot <> ?1",
	[STMT_POISON_PUT] = "INSERT INTO poison({names}) VALUES {values}",
	[STMT_DIMM_PUT] =
		"INSERT OR REPLACE INTO dimm({names}) VALUES {values}",
	[STMT_FAULT_PUT] =
		"INSERT OR REPLACE INTO fault({names}) VALUES {values}",
	[STMT_FAULT] = "SELECT {read} FROM fault WHERE dimm = ?1",
	[STMT_MODULE_PUT] =
		"INSERT OR REPLACE INTO module({names}) VALUES {values}",
	[STMT_MODULE] = "SELECT {read} FROM module WHERE dimm = ?1",
	[STMT_CELL_PUT] =
		"INSERT OR REPLACE INTO cell({names}) VALUES {values}",
	[STMT_CELL_REMOVE] = "DELETE FROM cell WHERE dimm = ?1 AND slot = ?2",
	[STMT_DIMM_CELLS_REMOVE] = "DELETE FROM cell WHERE dimm = ?1",
	[STMT_CELLS] =
		"SELECT {read}, boot.wall_offset FROM cell CROSS JOIN boot"
		" ON boot.id = cell.boot ORDER BY dimm, slot",
	[STMT_TOTAL_PUT] = "INSERT OR REPLACE INTO totals(key, value) VALUES(?1, ?2)",
	[STMT_READER_PUT] =
		"INSERT OR REPLACE INTO reader({names}) VALUES {values}",
	[STMT_INVENTORY_PUT] =
		"INSERT OR REPLACE INTO inventory({names}) VALUES {values}",
	[STMT_INVENTORY_TRIM] = "DELETE FROM inventory WHERE id >= ?1",
	[STMT_INVENTORY] =
		"SELECT {read}, boot.wall_offset FROM inventory CROSS JOIN boot"
		" ON boot.id = inventory.boot ORDER BY inventory.id",
	[STMT_READERS] =
		"SELECT {read} FROM reader WHERE boot = ?1 ORDER BY cpu",
	/* Found in the index; then each page of the file is read once, in its order. */
	[STMT_PAGES] =
		"SELECT {read}, boot.wall_offset " FROM_PAGE "WHERE pfn IN (SELECT pfn FROM page"
		" ORDER BY boot DESC, last_seen DESC LIMIT ?1)",
	[STMT_PAGES_MORE] =
		"SELECT 1 FROM page ORDER BY boot DESC, last_seen DESC LIMIT 1 OFFSET ?1",
	[STMT_PAGE] = "SELECT {read}, boot.wall_offset " FROM_PAGE "WHERE pfn = ?1",
	[STMT_DIMMS] =
		"SELECT {read}, boot.wall_offset FROM dimm CROSS JOIN boot"
		" ON boot.id = dimm.boot ORDER BY dimm.id",
	[STMT_INTENTS] =
		"SELECT {read} FROM action WHERE boot = ?1 AND result = 'none'"
		" ORDER BY action.id",
	[STMT_TOTALS] =
		"SELECT key, value,"
		" (SELECT value FROM totals WHERE key = '" DB_TOTALS_BOOT "'),"
		" (SELECT wall_offset FROM boot WHERE id ="
		" (SELECT value FROM totals WHERE key = '" DB_TOTALS_BOOT "'))"
		" FROM totals WHERE key <> '" DB_TOTALS_PAGE_SHIFT "'",
	[STMT_REPORT_PAGES] =
		"SELECT * FROM (SELECT {read}, boot.wall_offset AS wall_offset " FROM_PAGE
		"WHERE page.last_seen + boot.wall_offset BETWEEN ?1 AND ?2"
		" AND pfn BETWEEN ?3 AND ?4 AND (?5 IS NULL OR state = ?5)"
		" ORDER BY page.last_seen + boot.wall_offset DESC, pfn DESC LIMIT ?6)"
		" ORDER BY last_seen + wall_offset, pfn",
	[STMT_REPORT_HISTORY] =
		"SELECT * FROM (SELECT action.id AS id, {read}, boot.wall_offset "
		FROM_ACTION "WHERE action.time + boot.wall_offset BETWEEN ?1 AND ?2"
		" AND pfn BETWEEN ?3 AND ?4 ORDER BY action.id DESC LIMIT ?5)"
		" ORDER BY id",
	[STMT_REPORT_CES] =
		"SELECT * FROM (" CE_SELECT "WHERE " CE_WITHIN
		"ORDER BY ce.id DESC LIMIT ?3) ORDER BY last + wall_offset, id",
	[STMT_REPORT_FRAME_CES] =
		"SELECT * FROM (" CE_SELECT "WHERE " CE_WITHIN
		"AND address BETWEEN ?4 AND ?5 "
		"ORDER BY ce.id DESC LIMIT ?3) ORDER BY last + wall_offset, id",
	[STMT_BROWSE_HISTORY] =
		"SELECT action.id, {read}, boot.wall_offset " FROM_ACTION
		"WHERE action.id < ?1 ORDER BY action.id DESC LIMIT ?2",
	[STMT_BROWSE_CES] =
		CE_SELECT "WHERE ce.id < ?1 ORDER BY ce.id DESC LIMIT ?2",
	[STMT_COUNT_PAGES] = "SELECT state, count(*) FROM page GROUP BY state",
	[STMT_LAST_POISON] = "SELECT kib FROM poison ORDER BY id DESC LIMIT 1",
	[STMT_LAST_COMMIT] =
		"SELECT last_seen, wall_offset FROM boot ORDER BY id DESC LIMIT 1",
	[STMT_PRUNE_CE] = PRUNE("ce", "last", "0"),
	[STMT_PRUNE_POISON] = PRUNE("poison", "time", "0"),
	/* A restart recovers from the intents of the present boot. */
	[STMT_PRUNE_ACTION] = PRUNE("action", "time", "result = 'none' AND boot = ?3"),
	[STMT_PRUNE_PAGE] =
		"DELETE FROM page WHERE pfn IN (SELECT pfn FROM boot CROSS JOIN page"
		" ON page.boot = boot.id AND page.last_seen < ?1 - boot.wall_offset"
		" WHERE state IN ('watched', 'failed', 'refused') LIMIT ?2)",
	[STMT_PRUNE_WATCHED] =
		"DELETE FROM page WHERE pfn IN (SELECT pfn FROM page"
		" WHERE state = 'watched' ORDER BY boot, last_seen LIMIT ?2)",
	[STMT_PRUNE_BOOT] =
		/* The newest of each 10 days stays, see db_boots_unlived(). */
		"DELETE FROM boot WHERE id IN (SELECT id FROM boot AS old WHERE id <> ?1"
		" AND EXISTS (SELECT 1 FROM boot WHERE (id > old.id OR id = ?1)"
		" AND (last_seen + wall_offset) / 864000000000"
		" = (old.last_seen + old.wall_offset) / 864000000000)"
		" AND id NOT IN (SELECT boot FROM ce UNION SELECT boot FROM action"
		" UNION SELECT boot FROM poison UNION SELECT boot FROM page"
		" UNION SELECT boot FROM dimm UNION SELECT boot FROM cell"
		" UNION SELECT boot FROM inventory"
		" UNION SELECT value FROM totals WHERE key = '" DB_TOTALS_BOOT "')"
		" ORDER BY id LIMIT 4)",
	[STMT_VACUUM_INTO] = "VACUUM INTO ?1",
};

/* clang-format on */

/* The table whose columns the words in braces of a statement stand for. */
static const struct {
	const struct db_table *table;
	unsigned int rows; /* that it writes at once */
} statement_tables[STMT_MAX_] = {
	[STMT_PAGE_PUT] = { &db_page_table, 1 },
	[STMT_PAGES_PUT] = { &db_page_table, DB_ROWS_AT_ONCE },
	[STMT_CE_PUT] = { &db_ce_table, 1 },
	[STMT_CES_PUT] = { &db_ce_table, DB_ROWS_AT_ONCE },
	[STMT_ACTION_PUT] = { &db_action_table, 1 },
	[STMT_ACTION_REPLACE] = { &db_action_table, 1 },
	[STMT_POISON_PUT] = { &db_poison_table, 1 },
	[STMT_DIMM_PUT] = { &db_dimm_table, 1 },
	[STMT_FAULT_PUT] = { &db_fault_table, 1 },
	[STMT_FAULT] = { &db_fault_table, 0 },
	[STMT_MODULE_PUT] = { &db_module_table, 1 },
	[STMT_MODULE] = { &db_module_table, 0 },
	[STMT_CELL_PUT] = { &db_cell_table, 1 },
	[STMT_CELLS] = { &db_cell_table, 0 },
	[STMT_READER_PUT] = { &db_reader_table, 1 },
	[STMT_READERS] = { &db_reader_table, 0 },
	[STMT_INVENTORY_PUT] = { &db_inventory_table, 1 },
	[STMT_INVENTORY] = { &db_inventory_table, 0 },
	[STMT_PAGES] = { &db_page_table, 0 },
	[STMT_PAGE] = { &db_page_table, 0 },
	[STMT_DIMMS] = { &db_dimm_table, 0 },
	[STMT_INTENTS] = { &db_action_table, 0 },
	[STMT_REPORT_PAGES] = { &db_page_list, 0 },
	[STMT_REPORT_HISTORY] = { &db_history_list, 0 },
	[STMT_REPORT_CES] = { &db_ce_list, 0 },
	[STMT_REPORT_FRAME_CES] = { &db_ce_list, 0 },
	[STMT_BROWSE_HISTORY] = { &db_history_list, 0 },
	[STMT_BROWSE_CES] = { &db_ce_list, 0 },
};

int db_statement_sql(enum stmt id, char *ret)
{
	return db_render(statement_tables[id].table, statements[id],
			 statement_tables[id].rows, ret, DB_SQL_MAX);
}
