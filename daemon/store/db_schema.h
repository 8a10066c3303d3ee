/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * All tables of the file with their columns, and every statement that is run more than
 * once.
 */

#include "store/db_columns.h"

/** One row a struct. Keys: the DIMM's index; for cells its slot, too; the CPU. */
extern const struct db_table db_page_table;   /* struct page_rec */
extern const struct db_table db_ce_table;     /* struct ce_row; key: the row's number */
extern const struct db_table db_action_table; /* struct action_row */
extern const struct db_table db_poison_table; /* struct poison_row; key: 0 */
extern const struct db_table db_dimm_table;   /* struct dimm_rec */
extern const struct db_table db_fault_table;  /* struct dimm_fault */
extern const struct db_table db_module_table; /* struct dimm_rec */
extern const struct db_table db_cell_table;   /* struct fault_cell */
extern const struct db_table db_reader_table; /* uint64_t */
extern const struct db_table db_inventory_table; /* struct module_rec; key: the row */

/** The same rows as the lists show them. */
extern const struct db_table db_page_list;    /* struct db_page */
extern const struct db_table db_ce_list;      /* struct db_ce */
extern const struct db_table db_history_list; /* struct db_history */

/** All tables, for what is done to each. */
extern const struct db_table *const db_tables[];
extern const size_t db_tables_n;

/** Table totals has a row for each of these fields of struct totals, its name as key. */
extern const struct db_column db_totals[];
extern const size_t db_totals_n;

/** Key under which the boot's row that the times in table totals belong to is kept. */
#define DB_TOTALS_BOOT "boot"
/** Key under which the page size is kept (db_take_page_shift()). */
#define DB_TOTALS_PAGE_SHIFT "page_shift"
/** What stands before a result's word in the keys of struct totals.attempts. */
#define DB_TOTALS_ATTEMPTS "attempts-"

/** Rows that one statement writes: pages, or rows of the history. */
#define DB_ROWS_AT_ONCE 8

/** Bytes that the text of a statement, or of what makes a table, takes at most. */
#define DB_SQL_MAX 2048

enum stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_BOOT_PUT,
	STMT_BOOT_REFRESH,
	STMT_BOOTS,
	STMT_PAGE_PUT,
	STMT_PAGES_PUT,
	STMT_PAGE_REMOVE,
	STMT_DIMM_PAGES_REMOVE,
	STMT_CE_PUT,
	STMT_CES_PUT,
	STMT_ACTION_PUT,
	STMT_ACTION_REPLACE,
	STMT_ACTION_CLOSE,
	STMT_POISON_PUT,
	STMT_DIMM_PUT,
	STMT_FAULT_PUT,
	STMT_FAULT,
	STMT_MODULE_PUT,
	STMT_MODULE,
	STMT_CELL_PUT,
	STMT_CELL_REMOVE,
	STMT_DIMM_CELLS_REMOVE,
	STMT_CELLS,
	STMT_TOTAL_PUT,
	STMT_READER_PUT,
	STMT_READERS,
	STMT_INVENTORY_PUT,
	STMT_INVENTORY_TRIM,
	STMT_INVENTORY,
	STMT_PAGES,
	STMT_PAGES_MORE,
	STMT_PAGE,
	STMT_DIMMS,
	STMT_INTENTS,
	STMT_TOTALS,
	STMT_REPORT_PAGES,
	STMT_REPORT_HISTORY,
	STMT_REPORT_CES,
	STMT_REPORT_FRAME_CES,
	STMT_BROWSE_HISTORY,
	STMT_BROWSE_CES,
	STMT_COUNT_PAGES,
	STMT_LAST_POISON,
	STMT_LAST_COMMIT,
	STMT_PRUNE_CE,
	STMT_PRUNE_POISON,
	STMT_PRUNE_ACTION,
	STMT_PRUNE_PAGE,
	STMT_PRUNE_WATCHED,
	STMT_PRUNE_BOOT,
	STMT_VACUUM_INTO,
	STMT_MAX_,
};

/** Writes the text of a statement to @ret, DB_SQL_MAX bytes. 0; -E2BIG or -EINVAL. */
int db_statement_sql(enum stmt id, char *ret);

/** Indexes for look-ups; views for people with the sqlite3 shell. */
extern const char db_indexes[];
extern const char db_views[];
