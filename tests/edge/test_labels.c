/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The names of slots: the text of label files, which file holds, and which module of DMI
 * sits in which slot. What is not certain must not look so.
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"
#include "topology/topology.h"
#include "topology/topology_internal.h"

DEFINE_CLEANUP(struct topology *, topology_free)
DEFINE_CLEANUP(struct slot_labels *, slot_labels_free)

static char root[PATH_MAX];

static const struct board board = {
	.vendor = "Board Maker, Inc.",
	.name = "X-1 rev B",
	.maker = "Example Computers",
	.product = "Model 7",
};

static struct label_rows rows;
static char faults[4096]; /* "LINE: WHAT\n" */

static void note_fault(void *userdata, unsigned int line, const char *what)
{
	size_t n = strlen(faults);

	snprintf(faults + n, sizeof(faults) - n, "%u: %s\n", line, what);
}

static void parse(const char *text)
{
	faults[0] = '\0';
	label_file_parse(text, strlen(text), &board, &rows, note_fault, NULL);
}

/* The name of mc.a.b.c, -1 for a missing layer; "" if the place has none. */
static const char *name_of(uint8_t mc, int a, int b, int c)
{
	const int8_t layer[3] = { (int8_t)a, (int8_t)b, (int8_t)c };

	for (int by_product = 0; by_product < 2; by_product++) {
		const struct label_row *row =
			label_rows_find(&rows, mc, layer, by_product);

		if (row)
			return row->disputed ? "(disputed)" : row->name;
	}
	return "";
}

static void names_of_this_board(void **state)
{
	parse("# a comment\n"
	      "Vendor: Somebody Else\n"
	      "  Model: X-1 rev B\n"
	      "    WRONG: 0.0.0\n"
	      "\n"
	      "VENDOR : board maker, inc.\n"
	      "  model: Y-2, x-1 REV b ,Z\n"
	      "    DIMM_A1: 0.0.0;  DIMM A2:0.0.1, 0.1.1;\t# MC#0: the left one\n"
	      "    P1: B1 : 1.0.0 1.1.0;\r\n"
	      "  Model: Y-2\n"
	      "    WRONG: 0.0.0\n"
	      "  # Product: Model 7\n");
	assert_string_equal(faults, "");
	assert_int_equal(rows.n, 5);
	assert_string_equal(name_of(0, 0, 0, -1), "DIMM_A1");
	assert_string_equal(name_of(0, 0, 1, -1), "DIMM A2");
	assert_string_equal(name_of(0, 1, 1, -1), "DIMM A2");
	assert_string_equal(name_of(1, 1, 0, -1), "P1: B1");
	assert_false(rows.v[0].by_product);
	assert_int_equal(rows.v[1].line, 8);
}

/* Behind a place a comment begins, with whatever is in it; in a name "#" is a letter. */
static void comments(void **state)
{
	parse("Vendor: Board Maker, Inc.\n"
	      " Model: X-1 rev B\n"
	      "  A1: 0.0.0 # the left one\n"
	      "  A2: 0.0.1, 0.1.1\t#note: see A1; B9: 0.2.0\n"
	      "  DIMM #1: 1.0.0; P1 #2: 1.0.1 # P1: 1.0.2\n"
	      "  P1: B1 #3: 1.1.0\n");
	assert_string_equal(faults, "");
	assert_int_equal(rows.n, 6);
	assert_string_equal(name_of(0, 0, 0, -1), "A1");
	assert_string_equal(name_of(0, 1, 1, -1), "A2");
	assert_string_equal(name_of(1, 0, 0, -1), "DIMM #1");
	assert_string_equal(name_of(1, 0, 1, -1), "P1 #2");
	assert_string_equal(name_of(1, 1, 0, -1), "P1: B1 #3");
}

static void by_product(void **state)
{
	parse("Vendor: example computers\n"
	      " Product: Model 6, MODEL 7\n"
	      "  A1: 0.0\n  B1: 255.127\n"
	      " Model: X-1 rev B\n" /* the machine's maker is not the board's */
	      "  WRONG: 0.0\n"
	      "Vendor: Board Maker, Inc.\n"
	      " Product: Model 7\n"
	      "  C1: 1.2.3.4\n"
	      " Board: X-1 rev B\n"
	      "  D1: 2.0\n");
	assert_string_equal(faults, "");
	assert_string_equal(name_of(0, 0, -1, -1), "A1");
	assert_string_equal(name_of(255, 127, -1, -1), "B1");
	assert_string_equal(name_of(1, 2, 3, 4), "C1");
	assert_string_equal(name_of(2, 0, -1, -1), "D1");
	assert_true(rows.v[0].by_product);
}

static void mistakes(void **state)
{
	static const struct {
		const char *text;
		const char *fault; /* the only one; a prefix */
	} cases[] = {
		{ "Model: X\n", "1: Model: without a Vendor: above it" },
		{ "Vendor:\n", "1: Vendor: without a name" },
		{ "Vendor: A\nProduct: , ;\n", "2: Product: without a name" },
		{ "Vendor: A\n A1: 0.0.0; A2: 0.0.1\n",
		  "2: a name before any Model: or Product:" },
		{ "Vendor: A\nModel: B\n A1\n",
		  "3: \"A1\" is neither NAME: PLACE nor a board" },
		{ "Vendor: A\nModel: B\n A1: ;\n", "3: no place after the name" },
		{ "Vendor: A\nModel: B\n : 0.0;\n", "3: no name before the ':'" },
		{ "Vendor: A\nModel: B\n A1: 0\n", "3: \"0\" is no place" },
		{ "Vendor: A\nModel: B\n A1: 0.0.0.0.0\n", "3: \"0.0.0.0.0\" is no" },
		{ "Vendor: A\nModel: B\n A1: 0.0x\n", "3: \"0.0x\" is no place" },
		{ "Vendor: A\nModel: B\n A1: 0.-1\n", "3: \"0.-1\" is no place" },
		{ "Vendor: A\nModel: B\n A1: 256.0\n", "3: \"256.0\" is no place" },
		{ "Vendor: A\nModel: B\n A1: 0.128\n", "3: \"0.128\" is no place" },
		{ "Vendor: A\nModel: B\n A1: 0.00000000001\n",
		  "3: \"0.00000000001\" is no place" },
		{ "Vendor: A\nModel: B\n A1: 0.0.0\n A2: 0.0\n",
		  "4: 1 layers here, and 2 before for this board" },
		{ "Vendor: A\nModel: B\n A\033[1m: 0.0\n",
		  "3: \"A\\x1b[1m\": a name is printable ASCII" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text);
		assert_memory_equal(faults, cases[i].fault, strlen(cases[i].fault));
		assert_ptr_equal(strchr(faults, '\n') + 1, strchr(faults, '\0'));
		assert_int_equal(rows.n, 0);
	}
}

/* One mistake costs one line: what stands around it holds. */
static void after_a_mistake(void **state)
{
	parse("Vendor: Board Maker, Inc.\n Model: X-1 rev B\n"
	      "A1: 0.0.0; A2: zero; A3: 0.0.2 0.0.x\nA4: 0.0.3\n");
	assert_int_equal(rows.n, 3);
	assert_string_equal(name_of(0, 0, 2, -1), "A3");
	assert_string_equal(name_of(0, 0, 3, -1), "A4");
	assert_non_null(strstr(faults, "3: \"zero\""));
	assert_non_null(strstr(faults, "3: \"0.0.x\""));
}

static void two_names_for_a_place(void **state)
{
	parse("Vendor: Board Maker, Inc.\n Model: X-1 rev B\n"
	      "A1: 0.0.0\nA1: 0.0.0\nB1: 0.0.1\nB2: 0.0.1\n");
	assert_string_equal(name_of(0, 0, 0, -1), "A1");
	assert_string_equal(name_of(0, 0, 1, -1), "(disputed)");
	assert_string_equal(faults,
			    "6: line 5 calls this place \"B1\"; neither name is used\n");
}

/* A machine without DMI strings matches no board, not even one without a name. */
static void unknown_board(void **state)
{
	static const struct board none;

	label_file_parse("Vendor: \nModel: \nA1: 0.0\nVendor: x\nModel: ,\nA2: 0.0\n", 50,
			 &none, &rows, NULL, NULL);
	assert_int_equal(rows.n, 0);
}

static int set_up(void **state)
{
	if (tree_make(root, sizeof(root)) < 0)
		return -1;
	return tree_add_file(root, "tests/cli/trees/server.tree");
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

static void put(const char *line)
{
	assert_int_equal(tree_add_line(root, line), 0);
}

static void put_board(void)
{
	put("/sys/class/dmi/id/board_vendor: Board Maker, Inc.");
	put("/sys/class/dmi/id/board_name: X-1 rev B ");
}

static struct topology *look(void)
{
	struct topology *t = NULL;

	assert_int_equal(topology_read(&t, root), 0);
	return t;
}

#define BOARD "Vendor: Board Maker, Inc.\\n Model: X-1 rev B\\n"

static void which_file_holds(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = NULL;

	put_board();
	put("/etc/ras/dimm_labels.db: " BOARD "OLD-A: 0.0.0\\nOLD-B: 0.1.0\\n");
	put("/etc/ras/dimm_labels.d/board: " BOARD "RAS-A: 0.0.0; RAS-C: 1.0.0\\n");
	put("/etc/ras/dimm_labels.d/.hidden: " BOARD "HIDDEN: 1.1.0\\n");
	put("/etc/softofflined/dimm_labels.d/10-a.conf: " BOARD "OUR-C: 1.0.0\\n");
	put("/etc/softofflined/dimm_labels.d/20-b.conf: " BOARD "OUR-D: 1.0.0\\n");
	put("/etc/softofflined/dimm_labels.d/30-c.old: " BOARD "NO: 1.0.0\\n");
	t = look();
	assert_string_equal(t->dimms[0].slot_name, "RAS-A");
	assert_int_equal(t->dimms[0].slot_source, SLOT_BY_RAS_FILE);
	assert_int_equal(t->dimms[0].slot_match, SLOT_EXACT);
	assert_string_equal(t->dimms[1].slot_name, "OLD-B");
	assert_string_equal(t->dimms[2].slot_name, "OUR-D");
	assert_int_equal(t->dimms[2].slot_source, SLOT_BY_OWN_FILE);
	assert_string_equal(t->dimms[3].slot_name, "");
	assert_int_equal(t->dimms[3].slot_match, SLOT_UNKNOWN);
}

/* The tree of the command's screens: rasdaemon's file, and one name of our own. */
static void tree_of_a_server(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = NULL;

	assert_int_equal(tree_add_file(root, "tests/cli/trees/labels.tree"), 0);
	t = look();
	assert_string_equal(t->dimms[0].slot_name, "CPU1_DIMM_A1");
	assert_string_equal(t->dimms[1].slot_name, "CPU1_DIMM_B1");
	assert_string_equal(t->dimms[2].slot_name, "CPU2_DIMM_A1");
	assert_string_equal(t->dimms[3].slot_name, "CPU2 DIMM B1");
}

static void model_before_product(void **state)
{
	_cleanup_(slot_labels_free_p) struct slot_labels *l = NULL;
	_cleanup_(topology_free_p) struct topology *t = NULL;

	put_board();
	put("/etc/ras/dimm_labels.d/a: " BOARD "M: 0.0.0\\n");
	put("/etc/ras/dimm_labels.d/b: Vendor: Example Computers\\n"
	    " Product: Model 7\\nP: 0.0.0; P2: 0.1.0\\n");
	t = look();
	assert_string_equal(t->dimms[0].slot_name, "M");
	assert_string_equal(t->dimms[1].slot_name, "");
	assert_int_equal(slot_labels_read(&l, root), 0);
	assert_int_equal(slot_labels_count(l), 1);
	assert_int_equal(l->files, 2);

	put("- /etc/ras/dimm_labels.d/a");
	topology_free(t);
	t = look();
	assert_string_equal(t->dimms[0].slot_name, "P");
	assert_string_equal(t->dimms[1].slot_name, "P2");
}

static void files_that_cannot_be_read(void **state)
{
	_cleanup_(slot_labels_free_p) struct slot_labels *l = NULL;
	char path[PATH_MAX + 64];

	put_board();
	put("/etc/ras/dimm_labels.d/folder/: ");
	snprintf(path, sizeof(path), "%s/etc/ras/dimm_labels.d/fifo", root);
	assert_int_equal(mkfifo(path, 0600), 0);
	put("/etc/ras/dimm_labels.d/link -> nowhere");
	put("/etc/softofflined/dimm_labels.d/a.conf: " BOARD "A1: 0.0.0; A2\\n");
	assert_int_equal(slot_labels_read(&l, root), 0);
	assert_int_equal(l->n_faults, 3);
	assert_string_equal(l->faults[0].path, "/etc/ras/dimm_labels.d/fifo");
	assert_string_equal(l->faults[0].what, "cannot be read: not a regular file");
	assert_int_equal(l->faults[0].line, 0);
	assert_string_equal(l->faults[1].path, "/etc/ras/dimm_labels.d/folder");
	assert_string_equal(l->faults[2].path, "/etc/softofflined/dimm_labels.d/a.conf");
	assert_int_equal(l->faults[2].line, 3);
	assert_string_equal(l->from, "/etc/softofflined/dimm_labels.d/a.conf");
	assert_int_equal(slot_labels_count(l), 1);
}

/* A place that our own file disputes is not filled in from another file. */
static void disputed_stays_open(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = NULL;

	put_board();
	put("/etc/ras/dimm_labels.d/a: " BOARD "M: 0.0.0\\n");
	put("/etc/softofflined/dimm_labels.d/a.conf: " BOARD "A: 0.0.0; B: 0.0.0\\n");
	t = look();
	assert_string_equal(t->dimms[0].slot_name, "");
}

static void registered_label(void **state)
{
	static const char *const drivers[] = {
		"",
		"unknown memory",
		"CPU_SrcID#0_MC#0_Chan#0_DIMM#0",
		"mc#0csrow#1channel#0",
	};
	static const char *const set[] = { "P1-DIMMA1", "NODE 1 DIMM_A1", "DIMM #1" };
	_cleanup_(topology_free_p) struct topology *t = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		assert_true(topology_label_is_drivers(drivers[i]));
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		assert_false(topology_label_is_drivers(set[i]));
	put("/sys/devices/system/edac/mc/mc0/dimm0/dimm_label: P1-DIMMA1");
	t = look();
	assert_string_equal(t->dimms[0].slot_name, "P1-DIMMA1");
	assert_int_equal(t->dimms[0].slot_source, SLOT_BY_LABEL);
	assert_string_equal(t->dimms[1].slot_name, "");
}

/* A made-up machine in memory, for matches. */
static struct topology machine;

static void add_dimm(const char *label, uint64_t size)
{
	struct edac_dimm *d = &machine.dimms[machine.n_dimms++];

	*d = (struct edac_dimm){ .size_mib = size, .module = TOPOLOGY_NO_MODULE };
	snprintf(d->label, sizeof(d->label), "%s", label);
}

static void add_module(const char *bank, const char *locator, uint64_t size)
{
	struct dmi_module *m = &machine.modules[machine.n_modules++];

	*m = (struct dmi_module){ .size_mib = size };
	snprintf(m->bank, sizeof(m->bank), "%s", bank);
	snprintf(m->locator, sizeof(m->locator), "%s", locator);
}

static void new_machine(int channels)
{
	memset(&machine, 0, sizeof(machine));
	machine.n_mcs = 1;
	machine.mcs[0].channels = channels;
}

static void match(void)
{
	topology_name_slots(&machine, NULL);
	topology_match_modules(&machine);
	topology_name_slots_by_module(&machine);
}

#define SKX(socket, mc, channel, dimm)                                                   \
	"CPU_SrcID#" #socket "_MC#" #mc "_Chan#" #channel "_DIMM#" #dimm

static void numbers_of_all_places(void **state)
{
	new_machine(3);
	add_dimm(SKX(0, 1, 2, 0), 16384);
	add_dimm(SKX(0, 0, 0, 0), 16384);
	add_dimm(SKX(1, 0, 0, 1), 32768);
	add_module("P0_Node0_Channel0_Dimm0", "P1-DIMMA1", 16384);
	add_module("P0_Node1_Channel2_Dimm0", "P1-DIMMF1", 16384);
	add_module("P1_Node0_Channel0_Dimm1", "P2-DIMMA2", 32768);
	match();
	assert_string_equal(machine.dimms[0].slot_name, "P1-DIMMF1");
	assert_int_equal(machine.dimms[0].match, SLOT_EXACT);
	assert_int_equal(machine.dimms[0].slot_match, SLOT_EXACT);
	assert_int_equal(machine.dimms[0].slot_source, SLOT_BY_FIRMWARE);
	assert_string_equal(machine.dimms[1].slot_name, "P1-DIMMA1");
	assert_string_equal(machine.dimms[2].slot_name, "P2-DIMMA2");

	/* One size that differs: somewhere the numbers mean something else. */
	machine.modules[1].size_mib = 8192;
	for (int i = 0; i < 3; i++) {
		machine.dimms[i].module = TOPOLOGY_NO_MODULE;
		machine.dimms[i].match = machine.dimms[i].slot_match = SLOT_UNKNOWN;
		machine.dimms[i].slot_name[0] = '\0';
	}
	match();
	for (int i = 0; i < 3; i++)
		assert_int_equal(machine.dimms[i].match, SLOT_UNKNOWN);
}

/* The firmware counts a socket's channels through both controllers: so it is nearly
 * always, and nothing proves it. */
static void channels_of_a_socket(void **state)
{
	new_machine(3);
	add_dimm(SKX(0, 0, 0, 0), 16384);
	add_dimm(SKX(0, 1, 0, 0), 16384);
	add_module("NODE 1 CHANNEL 0 DIMM 0", "DIMM A1", 16384);
	add_module("NODE 1 CHANNEL 3 DIMM 0", "DIMM D1", 16384);
	match();
	assert_int_equal(machine.dimms[1].match, SLOT_LIKELY);
	assert_int_equal(machine.dimms[1].slot_match, SLOT_LIKELY);
	assert_string_equal(machine.dimms[1].slot_name, "DIMM D1");

	/* One controller: the numbers can mean nothing else. */
	new_machine(3);
	add_dimm(SKX(0, 0, 0, 0), 16384);
	add_dimm(SKX(0, 0, 1, 0), 16384);
	add_module("NODE 1 CHANNEL 1 DIMM 0", "DIMM B1", 16384);
	add_module("NODE 1 CHANNEL 0 DIMM 0", "DIMM A1", 16384);
	match();
	assert_int_equal(machine.dimms[1].match, SLOT_EXACT);
	assert_string_equal(machine.dimms[1].slot_name, "DIMM B1");
}

/* The firmware counts from 1: so it does with channels and slots alike, or it is not sure
 * that it does. */
static void counted_from_one(void **state)
{
	new_machine(3);
	add_dimm(SKX(0, 0, 0, 0), 16384);
	add_dimm(SKX(0, 0, 1, 0), 16384);
	add_module("NODE 1 CHANNEL 1 DIMM 1", "DIMM A1", 16384);
	add_module("NODE 1 CHANNEL 2 DIMM 1", "DIMM B1", 16384);
	match();
	assert_int_equal(machine.dimms[1].match, SLOT_EXACT);
	assert_string_equal(machine.dimms[1].slot_name, "DIMM B1");

	new_machine(3);
	add_dimm(SKX(0, 0, 0, 0), 16384);
	add_dimm(SKX(0, 0, 1, 0), 16384);
	add_module("NODE 0 CHANNEL 1 DIMM 0", "DIMM A1", 16384);
	add_module("NODE 0 CHANNEL 2 DIMM 0", "DIMM B1", 16384);
	match();
	assert_int_equal(machine.dimms[1].match, SLOT_LIKELY);
	assert_string_equal(machine.dimms[1].slot_name, "DIMM B1");
}

static void letters_are_likely(void **state)
{
	new_machine(2);
	add_dimm(SKX(0, 0, 0, 0), 16384);
	add_dimm(SKX(0, 0, 1, 0), 16384);
	add_dimm(SKX(1, 1, 0, 0), 16384);
	add_module("", "CPU2_DIMM_C1", 16384);
	add_module("", "CPU1_DIMM_B1", 16384);
	add_module("", "CPU1_DIMM_A1", 16384);
	match();
	assert_int_equal(machine.dimms[0].match, SLOT_LIKELY);
	assert_string_equal(machine.dimms[0].slot_name, "CPU1_DIMM_A1");
	assert_string_equal(machine.dimms[2].slot_name, "CPU2_DIMM_C1");
	/* No such place on one side: no guess for any. */
	new_machine(2);
	add_dimm(SKX(0, 0, 0, 0), 16384);
	add_dimm(SKX(0, 0, 1, 0), 16384);
	add_module("", "P1-DIMMA1", 16384);
	add_module("", "P1-DIMMD1", 16384);
	match();
	assert_int_equal(machine.dimms[0].match, SLOT_UNKNOWN);
	assert_string_equal(machine.dimms[0].slot_name, "");
}

/* A desktop: igen6_edac and its firmware. */
static void one_socket(void **state)
{
	new_machine(2);
	add_dimm("MC#0_Chan#0_DIMM#0", 16384);
	add_dimm("MC#1_Chan#0_DIMM#0", 16384);
	add_module("BANK 0", "Controller0-ChannelA-DIMM0", 16384);
	add_module("BANK 1", "Controller1-ChannelA-DIMM0", 16384);
	match();
	assert_int_equal(machine.dimms[1].match, SLOT_LIKELY);
	assert_string_equal(machine.dimms[1].slot_name, "Controller1-ChannelA-DIMM0");
	/* Of two sockets, the firmware must name which. */
	new_machine(2);
	add_dimm(SKX(0, 0, 0, 0), 16384);
	add_dimm(SKX(1, 0, 0, 0), 16384);
	add_module("", "CHANNEL A DIMM 0", 16384);
	add_module("", "CHANNEL B DIMM 0", 16384);
	match();
	assert_int_equal(machine.dimms[0].match, SLOT_UNKNOWN);
	/* amd64_edac's labels are of chip selects, and its channels are in no order. */
	new_machine(2);
	add_dimm("mc#0csrow#0channel#0", 16384);
	add_module("P0 CHANNEL A", "DIMM 0", 16384);
	add_module("P0 CHANNEL B", "DIMM 0", 16384);
	match();
	assert_int_equal(machine.dimms[0].match, SLOT_UNKNOWN);
}

static void spelling(void **state)
{
	new_machine(0);
	add_dimm("P1-DIMMA1", 1);
	add_dimm("board: DIMM_B1", 1);
	add_dimm("DIMM_C1", 1);
	add_module("", "P1_dimmA1", 1);
	add_module("", "DIMM_B1", 1);
	add_module("", "DIMM C1", 1);
	add_module("", "DIMM-C1", 1);
	match();
	assert_int_equal(machine.dimms[0].match, SLOT_EXACT);
	assert_int_equal(machine.dimms[0].module, 0);
	assert_int_equal(machine.dimms[1].match, SLOT_LIKELY);
	assert_int_equal(machine.dimms[2].match, SLOT_UNKNOWN);
	/* The label is a name all the same. */
	assert_string_equal(machine.dimms[2].slot_name, "DIMM_C1");
}

/* Two DIMMs that claim one module: at most one is right. */
static void one_module_twice(void **state)
{
	new_machine(0);
	add_dimm("A1", 1);
	add_dimm("A1", 1);
	add_dimm("A2", 1);
	add_module("", "A1", 1);
	add_module("", "A2", 1);
	match();
	assert_int_equal(machine.dimms[0].match, SLOT_LIKELY);
	assert_int_equal(machine.dimms[1].match, SLOT_LIKELY);
	assert_int_equal(machine.dimms[2].match, SLOT_EXACT);
	machine.dimms[0].layout = machine.dimms[1].layout = EDAC_RANK;
	match();
	assert_int_equal(machine.dimms[1].match, SLOT_LIKELY); /* as it was */
	for (int i = 0; i < 2; i++)
		machine.dimms[i].match = SLOT_UNKNOWN;
	match();
	assert_int_equal(machine.dimms[0].match, SLOT_EXACT);
	assert_int_equal(machine.dimms[1].match, SLOT_EXACT);
}

/* A file's name is found in DMI, and with it the module's part and serial. */
static void module_by_the_files_name(void **state)
{
	static struct slot_labels labels = {
		.own = { .n = 1,
			 .v = { { .mc = 0, .layer = { 0, 0, -1 }, .name = "A1" } } }
	};

	new_machine(0);
	add_dimm("mc#0csrow#0channel#0", 1);
	add_dimm("mc#0csrow#0channel#1", 1);
	memcpy(machine.dimms[0].layer, labels.own.v[0].layer, 3);
	memset(machine.dimms[1].layer, 1, 3);
	add_module("BANK 0", "A1", 1);
	add_module("BANK 1", "B1", 1);
	topology_name_slots(&machine, &labels);
	topology_match_modules(&machine);
	topology_name_slots_by_module(&machine);
	assert_int_equal(machine.dimms[0].match, SLOT_EXACT);
	assert_int_equal(machine.dimms[0].module, 0);
	assert_int_equal(machine.dimms[1].match, SLOT_UNKNOWN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_this_board),
		cmocka_unit_test(comments),
		cmocka_unit_test(by_product),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(after_a_mistake),
		cmocka_unit_test(two_names_for_a_place),
		cmocka_unit_test(unknown_board),
		TEST(which_file_holds),
		TEST(tree_of_a_server),
		TEST(model_before_product),
		TEST(files_that_cannot_be_read),
		TEST(disputed_stays_open),
		TEST(registered_label),
		cmocka_unit_test(numbers_of_all_places),
		cmocka_unit_test(channels_of_a_socket),
		cmocka_unit_test(counted_from_one),
		cmocka_unit_test(letters_are_likely),
		cmocka_unit_test(one_socket),
		cmocka_unit_test(spelling),
		cmocka_unit_test(one_module_twice),
		cmocka_unit_test(module_by_the_files_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
