/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl export: the stored history as a table that the back-test reads, or as one
 * JSON object a line.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "ctl.h"
#include "event/dram_coord.h"
#include "imports/own_db.h"

/** How it is written. */
struct exporter {
	bool ndjson;
	struct utsname host; /* of this machine; of a file that was named nobody knows */
	const char *server;
};

/* The parts of a place, by the names of their columns. */
static const struct export_part {
	const char *name;
	enum dram_part part;
} parts[] = {
	{ "subchannel", DRAM_SUB_CHANNEL },
	{ "rank", DRAM_RANK },
	{ "chip", DRAM_CHIP },
	{ "device", DRAM_DEVICE },
	{ "bankgroup", DRAM_BANK_GROUP },
	{ "bank", DRAM_BANK },
	{ "row", DRAM_ROW },
	{ "column", DRAM_COLUMN },
};

static uint32_t export_value(const struct dram_coord *c, enum dram_part part)
{
	switch (part) {
	case DRAM_SUB_CHANNEL:
		return c->sub_channel;
	case DRAM_RANK:
		return c->rank;
	case DRAM_CHIP:
		return c->chip;
	case DRAM_DEVICE:
		return c->device;
	case DRAM_BANK_GROUP:
		return c->bank_group;
	case DRAM_BANK:
		return c->bank;
	case DRAM_ROW:
		return c->row;
	case DRAM_COLUMN:
		break;
	}
	return c->column;
}

static const char *export_type(const struct backtest_row *row)
{
	switch (row->kind) {
	case BACKTEST_CE:
	case BACKTEST_CE_SCRUB:
		return "CE";
	case BACKTEST_UNCORRECTED:
		return "UE";
	case BACKTEST_OTHER:
		break;
	}
	return "info";
}

/* Between quotes; what is not printable ASCII as %NN, as the back-test shows it. */
static void export_quoted(const char *text, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c > '~')
			printf("%%%02x", c);
		else if (c == '"')
			fputs("\"\"", stdout);
		else
			putchar(c);
	}
	putchar('"');
}

static void export_time(int64_t time)
{
	printf("%" PRId64 ".%06" PRId64, time / USEC_PER_SEC, time % USEC_PER_SEC);
}

static void export_csv_header(void)
{
	fputs("time,first,server,dimm,slot_name,part,serial,mc,layer_0,layer_1,layer_2,type,"
	      "err_count,events,pa",
	      stdout);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		printf(",%s", parts[i].name);
	putchar('\n');
}

/** What identifies a DIMM; texts may be empty. */
struct export_dimm {
	const char *slot;
	const char *part;
	const char *serial;
	int mc; /* -1: not known */
	int layer[3];
};

/* A slot or a module that is only likely is not named. */
static struct export_dimm export_identify(const struct own_dimm *dimm)
{
	const struct dimm_rec *rec = dimm->rec;
	const struct module_rec *m = dimm->module;
	struct export_dimm d = { "", "", "", -1, { -1, -1, -1 } };

	if (!rec)
		return d;
	d.part = rec->part;
	d.serial = rec->serial;
	d.mc = rec->mc != MC_NONE ? rec->mc : -1;
	for (size_t i = 0; i < ARRAY_SIZE(d.layer); i++)
		d.layer[i] = rec->layer[i];
	if (m && m->slot_match == SLOT_EXACT)
		d.slot = m->slot;
	if (m && m->identity == SLOT_EXACT && !rec->former && !*d.part && !*d.serial) {
		d.part = m->part;
		d.serial = m->serial;
	}
	return d;
}

static void export_csv_dimm(const struct own_dimm *dimm)
{
	struct export_dimm d = export_identify(dimm);

	export_quoted(d.slot, strlen(d.slot));
	putchar(',');
	export_quoted(d.part, strlen(d.part));
	putchar(',');
	export_quoted(d.serial, strlen(d.serial));
	printf(",%d", d.mc);
	for (size_t i = 0; i < ARRAY_SIZE(d.layer); i++)
		printf(",%d", d.layer[i]);
}

static void export_csv(const struct exporter *e, const struct backtest_row *row,
		       const struct own_dimm *dimm)
{
	export_time(row->time);
	putchar(',');
	export_time(row->first);
	putchar(',');
	export_quoted(e->server, strlen(e->server));
	putchar(',');
	export_quoted(row->dimm.s, row->dimm.len);
	putchar(',');
	export_csv_dimm(dimm);
	printf(",%s,%" PRIu64 ",%" PRIu32 ",", export_type(row), row->count, row->events);
	if (row->has_address)
		printf("0x%" PRIx64, row->address);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		putchar(',');
		if (row->coord.have & parts[i].part)
			printf("%" PRIu32, export_value(&row->coord, parts[i].part));
	}
	putchar('\n');
}

#define EXPORT_TEXT_MAX 1024 /* a label, each byte as %NN */

/* As in the table: a name of any bytes is the same in both, and makes JSON. */
static json_t *export_json_text(const char *text, size_t len)
{
	char printable[EXPORT_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < len && n + sizeof("%NN") <= sizeof(printable); i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= ' ' && c <= '~')
			printable[n++] = (char)c;
		else
			n += (size_t)sprintf(printable + n, "%%%02x", c);
	}
	return json_stringn(printable, n);
}

static json_t *export_json_dimm(const struct own_dimm *dimm)
{
	struct export_dimm d = export_identify(dimm);

	return json_pack("{s:o, s:o, s:o, s:i, s:[i,i,i]}", "slot",
			 export_json_text(d.slot, strlen(d.slot)), "part",
			 export_json_text(d.part, strlen(d.part)), "serial",
			 export_json_text(d.serial, strlen(d.serial)), "mc", d.mc,
			 "layers", d.layer[0], d.layer[1], d.layer[2]);
}

static int export_json(const struct exporter *e, const struct backtest_row *row,
		       const struct own_dimm *dimm)
{
	_cleanup_(json_decref_p) json_t *object =
		json_pack("{s:I, s:I, s:o, s:o, s:o, s:s, s:I, s:I}", "time",
			  (json_int_t)row->time, "first", (json_int_t)row->first,
			  "server", export_json_text(e->server, strlen(e->server)),
			  "dimm", export_json_text(row->dimm.s, row->dimm.len), "module",
			  export_json_dimm(dimm), "type", export_type(row), "err_count",
			  (json_int_t)row->count, "events", (json_int_t)row->events);
	char address[24];
	json_t *place = json_object();

	snprintf(address, sizeof(address), "0x%" PRIx64, row->address);
	if (json_object_set_new(object, "address",
				row->has_address ? json_string(address) : json_null()) <
	    0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (row->coord.have & parts[i].part)
			(void)json_object_set_new(
				place, parts[i].name,
				json_integer(export_value(&row->coord, parts[i].part)));
	if (json_object_set_new(object, "place", place) < 0 ||
	    json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS) < 0)
		return -ENOMEM;
	putchar('\n');
	return 0;
}

static int export_row(void *userdata, const struct backtest_row *row,
		      const struct own_dimm *dimm)
{
	const struct exporter *e = userdata;

	if (e->ndjson)
		return export_json(e, row, dimm);
	export_csv(e, row, dimm);
	return 0;
}

/* The database that --db names, else the one that the configuration names. */
static int export_path(const struct ctl *ctl, char ret[CONFIG_PATH_MAX])
{
	if (!(ctl->args->given & ARGS_DB))
		return ctl_configured_path(ret);
	snprintf(ret, CONFIG_PATH_MAX, "%s", ctl->args->db);
	return 0;
}

int verb_export(const struct ctl *ctl)
{
	const char *format = ctl->args->format ? ctl->args->format : "csv";
	struct exporter e = { .server = "this machine" };
	char path[CONFIG_PATH_MAX];
	const char *why = "";
	int r;

	e.ndjson = ctl->ui.json || strcmp(format, "ndjson") == 0;
	if (!e.ndjson && strcmp(format, "csv") != 0) {
		complain("export: --format is csv or ndjson, not \"%s\"", format);
		return CTL_USAGE;
	}
	if (export_path(ctl, path) < 0)
		return CTL_FAILURE;
	if (!(ctl->args->given & ARGS_DB) && uname(&e.host) == 0)
		e.server = e.host.nodename;
	if (!e.ndjson && ctl->ui.legend)
		export_csv_header();
	r = own_db_read(path, export_row, &e, &why);
	if (r < 0)
		complain("%s", r == -ENOMEM ? "out of memory" : why);
	return r < 0 ? CTL_FAILURE : CTL_FINE;
}
