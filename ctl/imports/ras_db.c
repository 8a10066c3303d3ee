/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rows of rasdaemon's database. What a row means is in mc_row.h and mcelog.h.
 */

#include "imports/ras_db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "backtest/backtest_csv.h"
#include "base/mem.h"
#include "imports/mc_row.h"
#include "imports/mcelog.h"

#define BUSY_MS 5000 /* rasdaemon may be writing */

struct ras_db {
	sqlite3 *db;
	sqlite3_stmt *rows;
	bool checks;      /* the rows are of mce_record */
	int64_t last_cut; /* id of the last row whose address was cut; 0: none */
	bool low;
	uint64_t row;
	char name[MC_ROW_NAME_MAX];
	char label[MCE_LABEL_MAX];
};

static char why_text[256];

static const char *ras_db_why(sqlite3 *db)
{
	snprintf(why_text, sizeof(why_text), "%s",
		 db ? sqlite3_errmsg(db) : "out of memory");
	return why_text;
}

/* The one number that @sql selects. False if it cannot be run. */
static bool ras_db_ask(struct ras_db *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *s = NULL;
	bool ok = sqlite3_prepare_v2(db->db, sql, -1, &s, NULL) == SQLITE_OK &&
		  sqlite3_step(s) == SQLITE_ROW;

	if (ok)
		*ret = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return ok;
}

/* A view of that name could run anything. */
static bool ras_db_has_rows(struct ras_db *db, const char *table)
{
	char sql[160];
	int64_t n = 0;

	snprintf(
		sql, sizeof(sql),
		"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '%s'",
		table);
	if (!ras_db_ask(db, sql, &n) || n == 0)
		return false;
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM (SELECT 1 FROM %s LIMIT 1)",
		 table);
	return ras_db_ask(db, sql, &n) && n > 0;
}

static int ras_db_prepare(struct ras_db *db, const char *sql)
{
	return sqlite3_prepare_v2(db->db, sql, -1, &db->rows, NULL) == SQLITE_OK
		       ? 0
		       : -EINVAL;
}

static int ras_db_start_events(struct ras_db *db)
{
	int64_t high = 0, any = 0;

	(void)ras_db_ask(db,
			 "SELECT max(id) FROM mc_event WHERE address < 0 AND "
			 "address >= -2147483648",
			 &db->last_cut);
	(void)ras_db_ask(db, "SELECT count(*) FROM mc_event WHERE address > 2147483647",
			 &high);
	(void)ras_db_ask(db, "SELECT count(*) FROM mc_event WHERE address > 0", &any);
	db->low = high == 0 && any > 0 && db->last_cut == 0;
	return ras_db_prepare(
		db, "SELECT id, timestamp, err_count, err_type, err_msg, label, mc, "
		    "top_layer, middle_layer, lower_layer, address, grain, "
		    "driver_detail FROM mc_event ORDER BY id");
}

#define CHECK_COLUMNS                                                                    \
	"SELECT id, timestamp, mcgcap, status, addr, misc, cpu, cpuid, socketid, "       \
	"bank, cpuvendor, "

/* Column ipid came with AMD's Zen. */
static int ras_db_start_checks(struct ras_db *db)
{
	db->checks = true;
	if (ras_db_prepare(db, CHECK_COLUMNS "ipid FROM mce_record ORDER BY id") == 0)
		return 0;
	return ras_db_prepare(db, CHECK_COLUMNS "0 FROM mce_record ORDER BY id");
}

static int ras_db_start(struct ras_db *db, const char *path, const char **ret_why)
{
	int r;

	if (sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		*ret_why = ras_db_why(db->db);
		return -EIO;
	}
	(void)sqlite3_busy_timeout(db->db, BUSY_MS);
	(void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
	(void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	if (ras_db_has_rows(db, "mc_event"))
		r = ras_db_start_events(db);
	else if (ras_db_has_rows(db, "mce_record"))
		r = ras_db_start_checks(db);
	else {
		r = sqlite3_errcode(db->db) == SQLITE_BUSY ? -EBUSY : -EINVAL;
		*ret_why = r == -EBUSY ? "another program writes to it"
				       : "neither its table mc_event nor mce_record "
					 "has a row";
		return r;
	}
	if (r < 0)
		*ret_why = ras_db_why(db->db);
	return r;
}

int ras_db_open(struct ras_db **ret, const char *path, const char **ret_why)
{
	struct ras_db *db = calloc(1, sizeof(*db));
	int r;

	*ret_why = "out of memory";
	if (!db)
		return -ENOMEM;
	r = ras_db_start(db, path, ret_why);
	if (r < 0)
		(void)ras_db_close(db);
	else
		*ret = db;
	return r;
}

struct ras_db *ras_db_close(struct ras_db *db)
{
	if (db) {
		sqlite3_finalize(db->rows);
		sqlite3_close(db->db);
		free(db);
	}
	return NULL;
}

static struct backtest_text ras_db_text(struct ras_db *db, int column)
{
	/* The length is that of the text which the call before it has made. */
	const char *s = (const char *)sqlite3_column_text(db->rows, column);

	return (struct backtest_text){ s ? s : "",
				       s ? (size_t)sqlite3_column_bytes(db->rows, column)
					 : 0 };
}

static uint64_t ras_db_number(struct ras_db *db, int column)
{
	return (uint64_t)sqlite3_column_int64(db->rows, column);
}

/* Layers and controllers that are not known are 255, -1 or NULL. */
static int ras_db_place(struct ras_db *db, int column)
{
	int64_t value = sqlite3_column_int64(db->rows, column);

	if (sqlite3_column_type(db->rows, column) == SQLITE_NULL)
		return -1;
	return value >= 0 && value <= INT8_MAX ? (int)value : -1;
}

static const char *ras_db_address(struct ras_db *db, uint64_t *ret)
{
	int64_t address = sqlite3_column_int64(db->rows, 10);

	if (address != 0 && address <= INT32_MAX && (int64_t)db->row <= db->last_cut)
		return "an old rasdaemon cut its address to 32 bits";
	if (address < 0)
		return "its address is negative";
	*ret = (uint64_t)address;
	return NULL;
}

static int ras_db_event(struct ras_db *db, int64_t time, struct backtest_row *ret,
			const char **ret_why)
{
	struct backtest_text type = ras_db_text(db, 3);
	uint64_t grain = ras_db_number(db, 11), count = ras_db_number(db, 2);
	struct mc_report report = {
		.time = time,
		.count = count > 0 && count <= INT32_MAX ? count : 1,
		.mc = ras_db_place(db, 6),
		.layer = { ras_db_place(db, 7), ras_db_place(db, 8),
			   ras_db_place(db, 9) },
		.grain_bits = (uint8_t)(grain < 64 ? grain : 63),
		.msg = ras_db_text(db, 4),
		.label = ras_db_text(db, 5),
		.detail = ras_db_text(db, 12),
	};

	*ret_why = "an unknown type of error";
	if (csv_parse_kind(type.s, type.len, &report.kind) < 0)
		return -EBADMSG;
	if (report.kind == BACKTEST_CE_SCRUB)
		report.kind = BACKTEST_CE;
	*ret_why = ras_db_address(db, &report.address);
	if (*ret_why)
		return -EBADMSG;
	mc_row_fill(&report, db->name, ret);
	return 1;
}

/* 1 and *ret; 0: no memory error. */
static int ras_db_check(struct ras_db *db, int64_t time, struct backtest_row *ret)
{
	struct mce_record record = {
		.mcgcap = ras_db_number(db, 2),
		.status = ras_db_number(db, 3),
		.addr = ras_db_number(db, 4),
		.misc = ras_db_number(db, 5),
		.cpu = (uint32_t)(ras_db_number(db, 6) & UINT32_MAX),
		.cpuid = (uint32_t)(ras_db_number(db, 7) & UINT32_MAX),
		.socketid = (uint32_t)(ras_db_number(db, 8) & UINT32_MAX),
		.bank = (uint8_t)(ras_db_number(db, 9) & UINT8_MAX),
		.cpuvendor = (uint8_t)(ras_db_number(db, 10) & UINT8_MAX),
		.ipid = ras_db_number(db, 11),
	};

	return mcelog_make_row(&record, time, db->label, ret);
}

int ras_db_next(struct ras_db *db, struct backtest_row *ret, const char **ret_why)
{
	for (;;) {
		int r = sqlite3_step(db->rows);
		struct backtest_text stamp;
		int64_t time;

		if (r == SQLITE_DONE)
			return 0;
		if (r != SQLITE_ROW) {
			*ret_why = ras_db_why(db->db);
			return -EIO;
		}
		db->row = ras_db_number(db, 0);
		stamp = ras_db_text(db, 1);
		*ret_why = "its time is not ISO 8601";
		if (csv_parse_time(stamp.s, stamp.len, &time) < 0)
			return -EBADMSG;
		if (!db->checks)
			return ras_db_event(db, time, ret, ret_why);
		if (ras_db_check(db, time, ret))
			return 1;
	}
}

uint64_t ras_db_row(const struct ras_db *db)
{
	return db->row;
}

bool ras_db_is_low(const struct ras_db *db)
{
	return db->low;
}
