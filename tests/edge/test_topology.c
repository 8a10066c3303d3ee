/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Controllers, DIMMs and modules out of made-up machines (tests/cli/trees), and the
 * bytes of DMI, whole and broken. libpci reads the same made-up sysfs.
 */

#include <errno.h>
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

DEFINE_CLEANUP(struct topology *, topology_free)

static char root[PATH_MAX];

static void add_tree(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "tests/cli/trees/%s.tree", name);
	assert_int_equal(tree_add_file(root, path), 0);
}

static int set_up(void **state)
{
	if (tree_make(root, sizeof(root)) < 0)
		return -1;
	add_tree("server");
	return 0;
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

static struct topology *read_tree(const char *name)
{
	struct topology *t = NULL;

	if (name)
		add_tree(name);
	assert_int_equal(topology_read(&t, root), 0);
	return t;
}

/* A memory device of SMBIOS 2.8 with its strings. */
static size_t make_module(uint8_t *raw, uint16_t handle, uint16_t size,
			  const char *strings, size_t n_strings)
{
	memset(raw, 0, 0x28);
	raw[0] = 17;
	raw[1] = 0x28;
	raw[2] = (uint8_t)handle;
	raw[3] = (uint8_t)(handle >> 8);
	raw[0x0c] = (uint8_t)size;
	raw[0x0d] = (uint8_t)(size >> 8);
	raw[0x10] = 1;
	raw[0x11] = 2;
	raw[0x15] = 0x80;
	raw[0x16] = 0x0c;
	raw[0x17] = 3;
	raw[0x18] = 4;
	raw[0x1a] = 5;
	memcpy(raw + 0x28, strings, n_strings);
	return 0x28 + n_strings;
}

static const char strings_a1[] = "DIMM_A1\0NODE 1\0Samsung\0  2F4A61C0 \0M393A2K40\0";

static void put_module(unsigned int n, uint16_t handle, uint16_t size,
		       const char *strings, size_t n_strings)
{
	_cleanup_(fclose_p) FILE *f = NULL;
	char path[PATH_MAX + 64], line[64];
	uint8_t raw[256];
	size_t len = make_module(raw, handle, size, strings, n_strings);

	snprintf(line, sizeof(line), "/sys/firmware/dmi/entries/17-%u/raw: x", n);
	assert_int_equal(tree_add_line(root, line), 0);
	snprintf(path, sizeof(path), "%s/sys/firmware/dmi/entries/17-%u/raw", root, n);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(raw, 1, len, f), len);
}

static void server(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = read_tree(NULL);

	assert_int_equal(t->n_mcs, 2);
	assert_int_equal(t->n_dimms, 4);
	assert_string_equal(t->mcs[1].name, "Skylake Socket#1 IMC#0");
	assert_int_equal(t->mcs[1].index, 1);
	assert_int_equal(t->mcs[1].ce_count, 7);
	assert_int_equal(t->mcs[1].n_dimms, 2);
	assert_false(t->mcs[0].outside);
	assert_int_equal(t->dimms[3].layout, EDAC_DIMM);
	assert_int_equal(t->dimms[3].mc, 1);
	assert_string_equal(t->dimms[3].label, "CPU_SrcID#1_MC#0_Chan#1_DIMM#0");
	assert_string_equal(t->dimms[3].location, "channel 1 slot 0");
	assert_int_equal(t->dimms[3].layer[0], 1);
	assert_int_equal(t->dimms[3].layer[1], 0);
	assert_int_equal(t->dimms[3].layer[2], -1);
	assert_int_equal(t->dimms[3].size_mib, 16384);
	assert_int_equal(t->dimms[3].ce_count, 7);
	assert_string_equal(t->dimms[3].mem_type, "Registered-DDR4");
	assert_int_equal(t->dimms[3].match, SLOT_UNKNOWN);
	assert_int_equal(t->dimms[3].module, TOPOLOGY_NO_MODULE);
}

/* The number of a controller is not its name: see edac_mc.device. */
static void controllers(void **state)
{
	static const char again[] =
		"/sys/devices/system/edac/mc/mc2/mc_name: Skylake Socket#1 IMC#0";
	struct topology *t = read_tree(NULL);

	assert_string_equal(t->mcs[0].device, "Skylake Socket#0 IMC#0");
	assert_string_equal(t->mcs[1].device, "Skylake Socket#1 IMC#0");
	topology_free(t);
	assert_int_equal(tree_add_line(root, again), 0);
	t = read_tree(NULL);
	assert_int_equal(t->n_mcs, 3);
	assert_string_equal(t->mcs[0].device, "Skylake Socket#0 IMC#0");
	assert_string_equal(t->mcs[1].device, "");
	assert_string_equal(t->mcs[2].device, "");
	topology_free(t);
}

static void outside_of_edac(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = read_tree("ghes");

	assert_int_equal(t->n_mcs, 1);
	assert_true(t->mcs[0].outside);
	assert_string_equal(t->mcs[0].name, "ghes_edac");
	assert_int_equal(t->n_dimms, 2);
	assert_int_equal(t->dimms[1].layer[0], 1);
	assert_int_equal(t->dimms[1].layer[1], -1);
	assert_true(topology_firmware_first(root));
}

static void ranks_and_rows(void **state)
{
	_cleanup_(topology_free_p) struct topology *ranks = read_tree("amd");
	_cleanup_(topology_free_p) struct topology *rows = NULL;

	assert_int_equal(ranks->n_dimms, 2);
	assert_int_equal(ranks->dimms[1].layout, EDAC_RANK);
	assert_int_equal(ranks->dimms[1].layer[0], 1);
	assert_int_equal(ranks->dimms[1].layer[1], 0);
	rows = read_tree("csrow");
	assert_int_equal(rows->n_mcs, 1);
	assert_int_equal(rows->mcs[0].index, 3);
	assert_int_equal(rows->n_dimms, 2);
	assert_int_equal(rows->dimms[0].layout, EDAC_CSROW);
	assert_int_equal(rows->dimms[0].size_mib, 1024);
	assert_int_equal(rows->dimms[0].ce_count, 4);
	assert_int_equal(rows->dimms[0].ue_count, 1);
	assert_int_equal(rows->dimms[1].ue_count, 0);
	assert_string_equal(rows->dimms[1].label, "DIMM1B");
	assert_int_equal(rows->dimms[1].layer[0], 2);
	assert_int_equal(rows->dimms[1].layer[1], 1);
}

static void same_dimms(const struct topology *a, const struct topology *b)
{
	assert_int_equal(a->n_mcs, b->n_mcs);
	assert_int_equal(a->n_dimms, b->n_dimms);
	for (unsigned int i = 0; i < a->n_dimms; i++)
		assert_memory_equal(&a->dimms[i], &b->dimms[i], sizeof(a->dimms[i]));
}

/* Linux 7.3 has no csrowN any more, only dimmN or rankN (EDAC_LEGACY_SYSFS is gone). */
static void without_rows(void **state)
{
	_cleanup_(topology_free_p) struct topology *with = read_tree("amd");
	_cleanup_(topology_free_p) struct topology *without = NULL;

	assert_int_equal(tree_add_line(root, "- /sys/devices/system/edac/mc/mc0/csrow0"),
			 0);
	assert_int_equal(topology_read(&without, root), 0);
	same_dimms(with, without);
	assert_int_equal(without->n_dimms, 2);
	assert_int_equal(without->dimms[0].size_mib, 16384);
}

static void nothing_there(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = NULL;
	struct edac_driver drivers[4];
	struct dmi_system system;

	assert_int_equal(topology_read(&t, "/nonexistent"), 0);
	assert_int_equal(t->n_mcs + t->n_dimms + t->n_modules, 0);
	assert_false(t->modules_denied || t->cut);
	assert_int_equal(topology_edac_drivers("/nonexistent", drivers, 4), -ENOENT);
	assert_false(topology_firmware_first("/nonexistent"));
	topology_system("/nonexistent", &system);
	assert_string_equal(system.vendor, "");
	assert_null(topology_free(NULL));
}

static void more_than_the_table_holds(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = NULL;
	char line[128];

	for (unsigned int i = 0; i < TOPOLOGY_MAX_DIMMS + 9; i++) {
		snprintf(line, sizeof(line),
			 "/sys/devices/system/edac/mc/mc0/dimm%u/size: 1024", i);
		assert_int_equal(tree_add_line(root, line), 0);
	}
	t = read_tree(NULL);
	assert_int_equal(t->n_dimms, TOPOLOGY_MAX_DIMMS);
	assert_true(t->cut);
}

static void find_by_layers_or_label(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = read_tree(NULL);
	static const int8_t layers[3] = { 1, 0, -1 }, none[3] = { -1, -1, -1 };

	assert_ptr_equal(topology_find(t, 1, layers, ""), &t->dimms[3]);
	assert_ptr_equal(topology_find(t, 0, none, "CPU_SrcID#0_MC#0_Chan#0_DIMM#0"),
			 &t->dimms[0]);
	assert_null(topology_find(t, 1, none, "CPU_SrcID#0_MC#0_Chan#0_DIMM#0"));
	assert_null(topology_find(t, 0, none, "any memory"));
	assert_null(topology_find(t, 0, none, ""));
	/* Two of a name: neither. */
	memcpy(t->dimms[1].label, t->dimms[0].label, sizeof(t->dimms[0].label));
	assert_null(topology_find(t, 0, none, "CPU_SrcID#0_MC#0_Chan#0_DIMM#0"));
}

static void dmi_of_a_module(void **state)
{
	uint8_t raw[256];
	struct dmi_module m;
	size_t len = make_module(raw, 0x1100, 16384, strings_a1, sizeof(strings_a1));

	assert_int_equal(dmi_module_parse(&m, raw, len), 1);
	assert_int_equal(m.handle, 0x1100);
	assert_int_equal(m.size_mib, 16384);
	assert_int_equal(m.speed_mts, 3200);
	assert_string_equal(m.locator, "DIMM_A1");
	assert_string_equal(m.bank, "NODE 1");
	assert_string_equal(m.manufacturer, "Samsung");
	assert_string_equal(m.serial, "2F4A61C0");
	assert_string_equal(m.part, "M393A2K40");
	raw[0x0c] = 0xff;
	raw[0x0d] = 0x7f;
	raw[0x1e] = 1; /* 0x00010000 MiB */
	assert_int_equal(dmi_module_parse(&m, raw, len), 1);
	assert_int_equal(m.size_mib, 65536);
	raw[0x0d] = 0xff;
	assert_int_equal(dmi_module_parse(&m, raw, len), 1);
	assert_int_equal(m.size_mib, 0);
	raw[0x0c] = 0x00;
	raw[0x0d] = 0xc0; /* in KiB: 16 MiB */
	assert_int_equal(dmi_module_parse(&m, raw, len), 1);
	assert_int_equal(m.size_mib, 16);
	raw[0x0d] = 0;
	assert_int_equal(dmi_module_parse(&m, raw, len), 0);
}

static void dmi_cut_and_broken(void **state)
{
	uint8_t raw[256];
	struct dmi_module m;
	size_t len = make_module(raw, 1, 1024, strings_a1, sizeof(strings_a1));

	/* Each prefix on the heap, so that a sanitizer sees the first byte too many. */
	for (size_t n = 0; n <= len; n++) {
		_cleanup_(free_p) uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, raw, n);
		assert_int_equal(dmi_module_parse(&m, copy, n), n < 0x28 ? -EINVAL : 1);
	}
	raw[0x10] = 200; /* there is no such string */
	assert_int_equal(dmi_module_parse(&m, raw, len), 1);
	assert_string_equal(m.locator, "");
	raw[1] = 0x11;
	assert_int_equal(dmi_module_parse(&m, raw, len), -EINVAL);
	raw[1] = 0x15; /* SMBIOS 2.1: ends before the speed */
	assert_int_equal(dmi_module_parse(&m, raw, len), 1);
	assert_int_equal(m.speed_mts, 0);
	assert_string_equal(m.part, "");
	raw[0] = 16;
	assert_int_equal(dmi_module_parse(&m, raw, len), -EINVAL);
}

static void slots(void **state)
{
	static const char a2[] = "DIMM_A2\0NODE 1\0Micron\0S2\0P2\0";
	static const char b2[] = "DIMM_A2\0NODE 2\0Micron\0S3\0P3\0";
	_cleanup_(topology_free_p) struct topology *exact = NULL;
	_cleanup_(topology_free_p) struct topology *likely = NULL;

	put_module(0, 0x1102, 16384, a2, sizeof(a2));
	put_module(1, 0x1100, 16384, strings_a1, sizeof(strings_a1));
	put_module(2, 0x1101, 0, a2, sizeof(a2));
	exact = read_tree("ghes");
	assert_int_equal(exact->n_modules, 2);
	assert_int_equal(exact->modules[0].handle, 0x1100);
	assert_int_equal(exact->dimms[0].match, SLOT_EXACT);
	assert_int_equal(exact->dimms[0].module, 0);
	assert_int_equal(exact->dimms[1].match, SLOT_EXACT);
	assert_string_equal(exact->modules[exact->dimms[1].module].part, "P2");

	put_module(3, 0x1103, 16384, b2, sizeof(b2));
	tree_add_line(root, "/sys/devices/mc0/dimm0/dimm_label: board: DIMM_A1 (front)");
	tree_add_line(root, "/sys/devices/mc0/dimm1/dimm_label: DIMM_A2");
	likely = read_tree(NULL);
	assert_int_equal(likely->dimms[0].match, SLOT_LIKELY);
	assert_string_equal(likely->modules[likely->dimms[0].module].locator, "DIMM_A1");
	/* Two slots of this name: never guess. */
	assert_int_equal(likely->dimms[1].match, SLOT_UNKNOWN);
	assert_int_equal(likely->dimms[1].module, TOPOLOGY_NO_MODULE);
	/* A slot's name inside a longer word is another slot. */
	topology_free(likely);
	tree_add_line(root, "/sys/devices/mc0/dimm0/dimm_label: DIMM_A10");
	likely = read_tree(NULL);
	assert_int_equal(likely->dimms[0].match, SLOT_UNKNOWN);
}

/*
 * One module's table cannot be read: the rest is no other memory, and its slot's name may
 * be one that another has, too.
 */
static void not_all_read(void **state)
{
	static const char b1[] = "DIMM_A1\0NODE 1\0Micron\0S3\0P3\0";
	static const char raw[] = "/sys/firmware/dmi/entries/17-1/raw";
	_cleanup_(topology_free_p) struct topology *whole = NULL;
	_cleanup_(topology_free_p) struct topology *part = NULL;
	_cleanup_(topology_free_p) struct topology *edac = NULL;
	char line[128];

	put_module(0, 1, 16384, strings_a1, sizeof(strings_a1));
	put_module(1, 2, 16384, b1, sizeof(b1));
	whole = read_tree("ghes");
	assert_int_equal(whole->unread, 0);
	assert_true(topology_module_print(whole) != 0);
	assert_int_equal(whole->dimms[0].match, SLOT_UNKNOWN);

	snprintf(line, sizeof(line), "- %s", raw);
	assert_int_equal(tree_add_line(root, line), 0);
	snprintf(line, sizeof(line), "%s/", raw);
	assert_int_equal(tree_add_line(root, line), 0);
	part = read_tree(NULL);
	assert_int_equal(part->unread, -EISDIR);
	assert_int_equal(part->n_modules, 1);
	assert_int_equal(topology_module_print(part), 0);
	assert_int_not_equal(part->dimms[0].match, SLOT_EXACT);

	put_module(2, 3, 0, strings_a1, sizeof(strings_a1));
	snprintf(line, sizeof(line), "- %s", raw);
	assert_int_equal(tree_add_line(root, line), 0);
	assert_int_equal(tree_add_line(root, "- /sys/devices/mc0/dimm0/size"), 0);
	assert_int_equal(tree_add_line(root, "/sys/devices/mc0/dimm0/size/"), 0);
	edac = read_tree(NULL);
	assert_int_equal(edac->unread, -EISDIR);
}

static void modules_for_root_only(void **state)
{
	_cleanup_(topology_free_p) struct topology *t = NULL;
	char path[PATH_MAX + 64];
	bool root_user = geteuid() == 0;

	put_module(0, 1, 1024, strings_a1, sizeof(strings_a1));
	snprintf(path, sizeof(path), "%s/sys/firmware/dmi/entries/17-0/raw", root);
	assert_int_equal(chmod(path, 0), 0);
	assert_true(!root_user || seteuid(65534) == 0);
	t = read_tree(NULL);
	assert_true(!root_user || seteuid(0) == 0);
	assert_true(t->modules_denied);
	assert_int_equal(t->n_modules, 0);
}

static void driver_by_cpu(void **state)
{
	struct edac_driver d[4];

	assert_int_equal(topology_edac_drivers(root, d, 4), 1);
	assert_string_equal(d[0].module, "skx_edac");
	assert_true(d[0].loaded);
	assert_false(d[0].blacklisted);
	add_tree("blacklisted");
	assert_int_equal(topology_edac_drivers(root, d, 4), 1);
	assert_false(d[0].loaded);
	assert_true(d[0].blacklisted);
	assert_int_equal(tree_add_line(root, "/sys/devices/system/cpu/modalias: "
					     "cpu:type:x86,ven0000fam0006mod0001:x"),
			 0);
	assert_int_equal(topology_edac_drivers(root, d, 4), 0);
}

/* As modprobe reads it: a file in /etc masks one of the same name in /usr/lib. */
static void driver_masked(void **state)
{
	struct edac_driver d[4];

	tree_add_line(root, "/usr/lib/modprobe.d/site.conf: blacklist skx_edac");
	assert_int_equal(topology_edac_drivers(root, d, 4), 1);
	assert_true(d[0].blacklisted);
	tree_add_line(root, "/etc/modprobe.d/site.conf: # blacklist skx_edac");
	assert_int_equal(topology_edac_drivers(root, d, 4), 1);
	assert_false(d[0].blacklisted);
}

static void driver_by_pci(void **state)
{
	struct edac_driver d[4];

	add_tree("desktop");
	assert_int_equal(topology_edac_drivers(root, d, 4), 1);
	assert_string_equal(d[0].module, "ie31200_edac");
	assert_true(d[0].loaded);
	/* Without modalias the alias is put together from the numbers. */
	tree_add_line(root, "- /sys/bus/pci/devices/0000:00:00.0/modalias");
	assert_int_equal(topology_edac_drivers(root, d, 4), 1);
	assert_int_equal(topology_edac_drivers(root, d, 0), 0);
}

/* A file below the modules of the tree, which depmod reads; @size bytes. */
static void put_module_file(const char *name, const char *bytes, size_t size)
{
	_cleanup_(fclose_p) FILE *f = NULL;
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/lib/modules/6.1.0-56-amd64/%s", root, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
}

/* With the indexes that depmod makes: a built-in driver needs no modprobe. */
static void driver_built_in(void **state)
{
	static const char modinfo[] =
		"ie31200_edac.alias=cpu:type:x86*ven0000*\0ie31200_edac.license=GPL\0"
		"ie31200_edac.file=drivers/edac/ie31200_edac";
	static const char file[] = "kernel/drivers/edac/ie31200_edac.ko\n";
	char command[PATH_MAX + 64];
	struct edac_driver d[4];

	if (access("/usr/sbin/depmod", X_OK) < 0 && access("/sbin/depmod", X_OK) < 0)
		skip(); /* the package kmod, which scripts/deps installs */
	put_module_file("modules.order", "", 0);
	put_module_file("modules.builtin", file, strlen(file));
	put_module_file("modules.builtin.modinfo", modinfo, sizeof(modinfo));
	snprintf(command, sizeof(command),
		 "PATH=/usr/sbin:/sbin:$PATH depmod -b '%s' 6.1.0-56-amd64", root);
	assert_int_equal(system(command), 0);
	assert_int_equal(topology_edac_drivers(root, d, 4), 1);
	assert_string_equal(d[0].module, "ie31200_edac");
	assert_true(d[0].loaded);
}

static void count_device(void *userdata, const char *modalias)
{
	unsigned int *n = userdata;

	assert_int_equal(strncmp(modalias, "pci:v", 5), 0);
	(*n)++;
}

static void libpci_errors_do_not_end_us(void **state)
{
	unsigned int n = 0;

	assert_int_equal(topology_pci_devices(root, count_device, &n), 2);
	assert_int_equal(n, 2);
	assert_int_equal(topology_pci_devices("/nonexistent", count_device, &n), -EIO);
	tree_add_line(root, "- /sys/bus/pci/devices/0000:3a:0a.0/vendor");
	assert_int_equal(topology_pci_devices(root, count_device, &n), -EIO);
	tree_add_line(root, "/sys/bus/pci/devices/0000:3a:0a.0/vendor: 0x8086");
	assert_int_equal(topology_pci_devices(root, count_device, &n), 2);
}

static struct pci_memories *read_memories(const char *name)
{
	struct pci_memories *m = NULL;

	if (name)
		add_tree(name);
	assert_int_equal(topology_pci_memories(root, &m), 0);
	return m;
}

static void memory_by_class_and_name(void **state)
{
	_cleanup_(free_p) struct pci_memories *m = read_memories("cxl");

	/* The host bridge with another name is none of them. */
	assert_int_equal(m->n, 5);
	assert_string_equal(m->v[0].address, "0000:00:14.2");
	assert_int_equal(m->v[0].kind, PCI_MEMORY_OTHER);
	assert_string_equal(m->v[0].name, "Intel Corporation PCH Shared SRAM");
	assert_string_equal(m->v[1].address, "0000:3a:0a.0");
	assert_int_equal(m->v[1].kind, PCI_MEMORY_CONTROLLER);
	assert_string_equal(m->v[2].address, "0000:3a:0c.0");
	assert_string_equal(m->v[2].name,
			    "Intel Corporation Sky Lake-E Integrated Memory Controller");
	assert_int_equal(m->v[3].kind, PCI_MEMORY_CXL);
	assert_string_equal(m->v[3].name, "Example Memory Device c002");
	assert_int_equal(m->v[4].kind, PCI_MEMORY_CXL);
	assert_string_equal(m->v[4].address, "0000:c1:00.0");
	assert_null(topology_pci_edac(m));
	assert_false(m->cut);
}

static void the_device_of_edac(void **state)
{
	_cleanup_(free_p) struct pci_memories *one = read_memories("workstation");
	_cleanup_(free_p) struct pci_memories *two = NULL;
	const struct pci_memory *edac = topology_pci_edac(one);

	assert_non_null(edac);
	assert_string_equal(edac->address, "0000:00:00.0");
	assert_int_equal(edac->kind, PCI_MEMORY_CONTROLLER);
	/* A second one, of a class and name that say nothing: no telling any more. */
	tree_add_line(root, "/sys/bus/pci/devices/0000:00:01.0/vendor: 0x8086");
	tree_add_line(root, "/sys/bus/pci/devices/0000:00:01.0/device: 0x1901");
	tree_add_line(root, "/sys/bus/pci/devices/0000:00:01.0/class: 0x060400");
	tree_add_line(root, "/sys/bus/pci/devices/0000:00:01.0/irq: 0");
	tree_add_line(root, "/sys/bus/pci/devices/0000:00:01.0/resource:");
	tree_add_line(root, "/sys/bus/pci/devices/0000:00:01.0/driver -> "
			    "../../drivers/ie31200_edac");
	two = read_memories(NULL);
	assert_int_equal(two->n, 2);
	assert_null(topology_pci_edac(two));
}

static void names_missing_or_broken(void **state)
{
	_cleanup_(free_p) struct pci_memories *broken = NULL;
	_cleanup_(free_p) struct pci_memories *none = NULL;
	struct pci_memories *untouched = NULL;

	tree_add_line(root, "/usr/share/misc/pci.ids: 8086  Intel\\n\t2040  A DRAM "
			    "channel\\n\t\t\tx");
	broken = read_memories(NULL);
	assert_int_equal(broken->n, 1);
	assert_string_equal(broken->v[0].name, "Intel A DRAM channel");
	/* Without names only the class can tell. */
	add_tree("cxl");
	tree_add_line(root, "- /usr/share/misc/pci.ids");
	none = read_memories(NULL);
	assert_int_equal(none->n, 3);
	assert_string_equal(none->v[0].name, "Device 8086:a3ef");
	assert_int_equal(none->v[2].kind, PCI_MEMORY_CXL);
	assert_int_equal(topology_pci_memories("/nonexistent", &untouched), -EIO);
	assert_null(untouched);
}

static void more_pci_than_the_table_holds(void **state)
{
	_cleanup_(free_p) struct pci_memories *m = NULL;
	static const char *const files[] = { "vendor: 0x1b00", "device: 0xc001",
					     "class: 0x050210", "irq: 0", "resource:" };
	char line[128];

	for (unsigned int i = 0; i < PCI_MEMORY_MAX; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
			snprintf(line, sizeof(line),
				 "/sys/bus/pci/devices/0001:%02x:00.0/%s", i, files[k]);
			assert_int_equal(tree_add_line(root, line), 0);
		}
	}
	m = read_memories("workstation");
	assert_int_equal(m->n, PCI_MEMORY_MAX);
	assert_true(m->cut);
	assert_null(topology_pci_edac(m));
}

static void maker(void **state)
{
	struct dmi_system system;

	topology_system(root, &system);
	assert_string_equal(system.vendor, "Example Computers");
	assert_string_equal(system.product, "Model 7");
}

/* base/serial.h has the kinds of fillers; here: two modules with one number. */
static void serial_numbers(void **state)
{
	static struct topology t;

	t.n_modules = 3;
	strcpy(t.modules[0].serial, "31B9BEF4");
	strcpy(t.modules[1].serial, "31B9BEF5");
	strcpy(t.modules[2].serial, "A1_SerNum0");
	assert_true(topology_serial_is_real(&t, 0));
	assert_true(topology_serial_is_real(&t, 1));
	assert_false(topology_serial_is_real(&t, 2));
	assert_int_equal(topology_module_print(&t), 0);
	strcpy(t.modules[2].serial, "31B9BEF4");
	assert_false(topology_serial_is_real(&t, 0));
	assert_true(topology_serial_is_real(&t, 1));
	assert_false(topology_serial_is_real(&t, 2));
	assert_int_equal(topology_module_print(&t), 0);
	strcpy(t.modules[2].serial, "31B9BEF6");
	assert_true(topology_module_print(&t) != 0);
}

static void fingerprint_of_modules(void **state)
{
	static struct topology a, b;
	int64_t print;

	a.n_modules = 2;
	strcpy(a.modules[0].locator, "A1");
	strcpy(a.modules[0].serial, "S1");
	strcpy(a.modules[1].locator, "A2");
	strcpy(a.modules[1].serial, "S2");
	b = a;
	print = topology_module_print(&a);
	assert_true(print != 0);
	assert_true(topology_module_print(&b) == print);

	strcpy(b.modules[1].serial, "S3");
	assert_true(topology_module_print(&b) != print);
	/* Swapped slots: the addresses of one are now the other's. */
	strcpy(b.modules[0].serial, "S2");
	strcpy(b.modules[1].serial, "S1");
	assert_true(topology_module_print(&b) != print);

	strcpy(b.modules[1].serial, "Not Specified");
	assert_int_equal(topology_module_print(&b), 0);
	b = a;
	b.cut = true;
	assert_int_equal(topology_module_print(&b), 0);
	b.n_modules = 0;
	b.cut = false;
	assert_int_equal(topology_module_print(&b), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(server),
		TEST(controllers),
		TEST(outside_of_edac),
		TEST(ranks_and_rows),
		TEST(without_rows),
		TEST(nothing_there),
		TEST(more_than_the_table_holds),
		TEST(find_by_layers_or_label),
		TEST(dmi_of_a_module),
		TEST(dmi_cut_and_broken),
		TEST(slots),
		TEST(not_all_read),
		TEST(modules_for_root_only),
		TEST(driver_by_cpu),
		TEST(driver_masked),
		TEST(driver_by_pci),
		TEST(driver_built_in),
		TEST(libpci_errors_do_not_end_us),
		TEST(memory_by_class_and_name),
		TEST(the_device_of_edac),
		TEST(names_missing_or_broken),
		TEST(more_pci_than_the_table_holds),
		TEST(maker),
		TEST(serial_numbers),
		TEST(fingerprint_of_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
