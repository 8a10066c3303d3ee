/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room "topology" finds out what the machine's memory is made of, and which EDAC
 * driver fits the machine. It only reads; a file that cannot be read leaves things
 * unknown. Its door is this header: controllers and DIMMs as EDAC knows them, modules as
 * the firmware describes them (DMI), and the EDAC driver that would fit. The only door to
 * EDAC's sysfs, to DMI and to libpci. Every path is below a root folder, "" in
 * production.
 *
 * Facts (drivers/edac/edac_mc_sysfs.c, ghes_edac.c and edac_module.c of Linux 6.1; SMBIOS
 * 3.6, 7.18): a driver that registers before the EDAC core, as ghes_edac does there, has
 * its controllers at /sys/devices/mcN instead of /sys/devices/system/edac/mc/mcN. A
 * controller that is organised by chip select shows "rankN" folders instead of "dimmN";
 * one DIMM then appears once for each of its ranks. Sizes are in MiB.
 *
 * N of mcN is the order in which a driver found its controllers, and may be another in
 * the next boot. The folder of mcN names no device. What names the hardware is mc_name:
 * skx, i10nm, sb, i7core and igen6 put the socket and the controller into it, and other
 * drivers mostly have one controller. So edac_mc.device is mc_name where no other
 * controller has the same. Several controllers of one name (amd64_edac, where N is the
 * number of the node and so the hardware's own) have no other identity than N.
 */

#include <stddef.h>

#include "base/sight.h"
#include "topology/label_file.h"

#define TOPOLOGY_MAX_MCS     64
#define TOPOLOGY_MAX_DIMMS   512
#define TOPOLOGY_MAX_MODULES 256
#define TOPOLOGY_NO_MODULE   UINT16_MAX
#define EDAC_DRIVER_MAX      56
#define LABEL_FAULTS_MAX     32
#define LABEL_PATH_MAX       256

/** Which kind of folder shows a piece of memory in EDAC's sysfs. */
enum edac_layout {
	EDAC_DIMM,  /* mcN/dimmM */
	EDAC_RANK,  /* mcN/rankM: a DIMM has one or more */
	EDAC_CSROW, /* mcN/csrowM/chK, of kernels without the other two */
};

/** Where the name of a slot comes from; the first that knows one is taken. */
enum slot_source {
	SLOT_BY_NOTHING,
	SLOT_BY_OWN_FILE, /* /etc/softofflined/dimm_labels.d */
	SLOT_BY_RAS_FILE, /* /etc/ras/dimm_labels.d and dimm_labels.db */
	SLOT_BY_LABEL,    /* EDAC's label, where an operator or the firmware set it */
	SLOT_BY_FIRMWARE, /* DMI's locator of the module that was matched */
};

/** One memory controller. */
struct edac_mc {
	unsigned int index; /* N of mcN; mc_event's mc */
	char name[64];      /* mc_name: the hardware as the driver calls it */
	char device[64];    /* the same hardware in every boot; empty: only N is known */
	bool outside;       /* found at /sys/devices/mcN */
	uint64_t size_mib;  /* 0 if unknown */
	uint64_t ce_count;  /* since the driver was loaded, or reset */
	uint64_t ue_count;
	uint64_t ce_noinfo; /* corrected errors without a known DIMM */
	unsigned int n_dimms;
	int channels; /* populated or not, where that is its top layer; 0: not known */
};

/** One DIMM, or one rank of one, that holds memory. */
struct edac_dimm {
	uint8_t mc;
	enum edac_layout layout;
	int8_t layer[3];            /* as in ce_event; -1: unknown */
	char label[DIMM_LABEL_MAX]; /* may be empty */
	char location[64];          /* "channel 0 slot 1"; empty if unknown */
	char mem_type[32];          /* "Registered-DDR4" */
	char edac_mode[32];         /* "SECDED", "S4ECD4ED" */
	uint64_t size_mib;
	uint64_t ce_count;
	uint64_t ue_count;
	uint16_t module; /* index into topology.modules, or TOPOLOGY_NO_MODULE */
	enum slot_match match;
	/*
	 * The slot by the name that is printed on the board, or as near to it as is
	 * known; "" with SLOT_UNKNOWN. SLOT_LIKELY: a guess, to be shown as one and never
	 * to be decided by. Ranks of one module have the same name.
	 */
	char slot_name[SLOT_NAME_MAX];
	enum slot_match slot_match;
	enum slot_source slot_source;
};

/** One memory module from DMI type 17; empty slots are left out. */
struct dmi_module {
	uint16_t handle;
	char locator[64]; /* the slot; some makers print this name on the board */
	char bank[64];
	char manufacturer[64];
	char serial[64];
	char part[64];
	uint64_t size_mib;
	uint32_t speed_mts; /* 0 if unknown */
};

/** What is wrong with a file of slot names. */
struct label_fault {
	char path[LABEL_PATH_MAX];
	unsigned int line; /* 0: the file cannot be read */
	char what[256];
};

/** The slot names of this board, out of all files. */
struct slot_labels {
	struct board board;
	struct label_rows own;
	struct label_rows ras;
	unsigned int files;        /* that were read */
	char from[LABEL_PATH_MAX]; /* the last file that names a slot of this board */
	struct label_fault faults[LABEL_FAULTS_MAX];
	unsigned int n_faults; /* all of them; the table may hold fewer */
};

struct topology {
	struct edac_mc mcs[TOPOLOGY_MAX_MCS]; /* by index */
	unsigned int n_mcs;
	struct edac_dimm dimms[TOPOLOGY_MAX_DIMMS]; /* by controller and number */
	unsigned int n_dimms;
	struct dmi_module modules[TOPOLOGY_MAX_MODULES]; /* by handle */
	unsigned int n_modules;
	bool modules_denied; /* DMI is there, but only root may read it */
	bool cut;            /* the machine has more than the tables hold */
	int unread; /* negative errno of the first file that could not be read; 0 */
};

/**
 * Reads everything in struct topology. What is missing or unreadable is left out. If
 * something is unreadable, @unread shows it, and nothing is certain then: no match of a
 * DIMM and a module, no fingerprint. Returns 0 and *ret, to be freed with
 * topology_free(); -ENOMEM.
 */
int topology_read(struct topology **ret, const char *root);

/** The same with slot names that were read before; NULL: with none. */
int topology_read_with(struct topology **ret, const char *root,
		       const struct slot_labels *labels);

/**
 * Reads the files of slot names below @root and chooses those of its board:
 * /etc/softofflined/dimm_labels.d/X.conf, and rasdaemon's /etc/ras/dimm_labels.db and
 * /etc/ras/dimm_labels.d/X, each folder in the order of names. A name in a file of ours
 * goes before one in a file of rasdaemon's; among files of one kind, the later file's
 * goes first. Names by "Product:" count only where no file of the kind has the board by
 * "Model:", as for ras-mc-ctl. A missing file or folder is fine.
 *
 * Returns 0 and *ret, to be freed with slot_labels_free(); -ENOMEM.
 */
int slot_labels_read(struct slot_labels **ret, const char *root);

/** Frees @l; NULL is fine. Returns NULL. */
struct slot_labels *slot_labels_free(struct slot_labels *l);

/** Names of slots that @l holds for this board. */
unsigned int slot_labels_count(const struct slot_labels *l);

/** Frees @t; NULL is fine. Returns NULL. */
struct topology *topology_free(struct topology *t);

/**
 * Fingerprint of which controllers EDAC has, by their numbers: a cheap way to see that a
 * driver has come or gone.
 */
int64_t topology_controllers_print(const char *root);

/**
 * The DIMM that an event of controller @mc with @layer and @label means: the DIMM with
 * these layers, else the only DIMM of @mc with this label. NULL if none or several fit.
 */
const struct edac_dimm *topology_find(const struct topology *t, uint8_t mc,
				      const int8_t layer[3], const char *label);

/**
 * Makes *ret of what @t knows: one row for each DIMM or rank of EDAC, with the module in
 * its slot, and one for each module of DMI that no DIMM was matched with. @now: when @t
 * was read.
 */
void topology_list(const struct topology *t, usec_t now, struct module_list *ret);

/**
 * What EDAC knows of the DIMM of @rec: topology_find() by its controller, layers and label.
 * NULL also if @rec is former, or its hardware is not the controller of that number.
 */
const struct edac_dimm *topology_find_dimm(const struct topology *t,
					   const struct dimm_rec *rec);

/**
 * Parses one SMBIOS structure of type 17, strings included.
 *
 * Returns 1 and *ret; 0 for an empty slot; -EINVAL if the structure is of another type or
 * cut off.
 */
int dmi_module_parse(struct dmi_module *ret, const uint8_t *raw, size_t len);

/**
 * True if the serial number of module @module distinguishes it from the others: it is a
 * real one (base/serial.h), and no other module of the machine has it.
 */
bool topology_serial_is_real(const struct topology *t, uint16_t module);

/**
 * Fingerprint of which module is in which slot (fingerprint.h). 0 if that is not known:
 * there are no modules, a module has no serial number of its own, or a file could not be
 * read.
 */
int64_t topology_module_print(const struct topology *t);

/** Who made the machine; fields that DMI does not have are empty. */
struct dmi_system {
	char vendor[64];  /* sys_vendor */
	char product[64]; /* product_name */
};

/** Reads /sys/class/dmi/id, which every user may read. */
void topology_system(const char *root, struct dmi_system *ret);

/**
 * True if this is a virtual machine; *ret is then what it runs on, as far as that is
 * known, cut to @size. By DMI, Xen's folder, the flag that x86 processors show, the device
 * tree and ACPI.
 */
bool topology_guest(const char *root, char *ret, size_t size);

/**
 * True if this is a container; *ret is then which manager's, cut to @size. By what the
 * manager leaves in /run, and the environment of process 1.
 */
bool topology_container(const char *root, char *ret, size_t size);

/** What keeps a kernel module out, the strongest last. */
enum driver_bar_kind {
	DRIVER_FREE,
	DRIVER_BLACKLISTED, /* "blacklist" in modprobe.d: modprobe NAME still loads it */
	DRIVER_BOOT_BLACKLISTED, /* the same by modprobe.blacklist= */
	DRIVER_ALIAS_OFF,        /* "alias NAME off": modprobe NAME looks for "off" */
	DRIVER_INSTALL,   /* modprobe runs a command instead, and that loads nothing */
	DRIVER_FORBIDDEN, /* module_blacklist=: the kernel refuses it */
	DRIVER_INITCALL,  /* initcall_blacklist=: the kernel does not start it */
};

/** Why a module does not get into the kernel, or does not start there. */
struct driver_bar {
	enum driver_bar_kind kind;
	char module[EDAC_DRIVER_MAX]; /* the driver, or a module that it needs */
	char line[96];                /* the line, or the parameter, as it is written */
	char file[128];               /* of the line; "" for a parameter */
};

/**
 * Finds the strongest bar that keeps @module, or the module that it needs, out: lines of
 * the modprobe.d folders below @root as modprobe.d(5) ranks them, and parameters of the
 * kernel's command line.
 */
void topology_driver_bar(const char *root, const char *module, struct driver_bar *ret);

/**
 * The same for the @text of one file of modprobe.d, which is changed: *@bar becomes what
 * @text has, if that is stronger. *@installed is set by the first "install" of @module;
 * those after it do not count. @file is the name to show.
 */
void driver_bar_read(struct driver_bar *bar, bool *installed, const char *module,
		     char *text, const char *file);

/** The same for the @text of the kernel's command line; @init: see driver_list.h. */
void driver_bar_read_cmdline(struct driver_bar *bar, const char *module, const char *init,
			     char *text);

/** What is known of a driver, whether this kernel has it or not: see driver_list.h. */
struct driver_fact {
	const char *module;
	const char *option;  /* "CONFIG_EDAC_SKX" */
	const char *init;    /* its first function; "" if not known */
	const char *needs;   /* a module that it needs; "" */
	const char *aliases; /* patterns of modaliases, parted by blanks; "" */
};

/** NULL for an unknown module. */
const struct driver_fact *topology_driver_fact(const char *module);

/**
 * Fills the part of @f that a boot does not change: what kind of machine this is, and the
 * kernel's command line. What cannot be read leaves its part as it is.
 */
void topology_machine_facts(const char *root, struct sight_facts *f);

/**
 * Fills the part of @f that may change while the machine runs: controllers, switches of the
 * machine checks, lockdown. About a dozen small files, and one for each bank.
 *
 * Facts (edac_mc_sysfs.c, ghes_edac.c; arch/x86/kernel/cpu/mce/core.c; Linux 6.1): the
 * folder of a controller goes with its driver. The switches are the same for all
 * processors, and each machinecheckN shows them. check_interval 0 ends polling, and
 * cmci_disabled the interrupts.
 */
void topology_sight_facts(const char *root, struct sight_facts *f);

/**
 * Whether half of the machine-check banks or more are switched off, so that the kernel does
 * not look at them (machine_check_poll() of Linux 6.12). It turns one of some old
 * processors off by itself; who turns errors off does it for all. A bank that the processor
 * does not have cannot be read. False if none can.
 */
bool topology_banks_off(const char *root);

/** One EDAC driver whose module alias fits this machine. */
struct edac_driver {
	char module[EDAC_DRIVER_MAX]; /* with underscores: "skx_edac" */
	bool loaded;                  /* /sys/module has it; built-in drivers count */
	bool blacklisted;             /* @bar is one */
	struct driver_bar bar;
};

/**
 * The EDAC drivers of the running kernel that fit this machine: libkmod looks up the
 * modaliases of the CPU, of the PCI devices (libpci), and of platform and ACPI devices,
 * which may come from a device tree.
 *
 * Returns how many were written to @ret, at most @max; -ENOENT if modules.alias cannot be
 * read, so that no answer is possible; other negative errno.
 */
int topology_edac_drivers(const char *root, struct edac_driver *ret, size_t max);

/**
 * The driver that this machine's processor, platform and ACPI devices ask for, whether
 * the running kernel has it or not. NULL if none is known.
 */
const struct driver_fact *topology_driver_wanted(const char *root);

/** Called with the modalias of a PCI device. */
typedef void (*pci_modalias_fn)(void *userdata, const char *modalias);

/**
 * Calls @fn for each PCI device that sysfs shows. libpci would end the process on an
 * error; its error hook is caught, and reading ends at the error.
 *
 * Returns the number of devices; -EIO after an error of libpci; -ENOMEM. Do not call it
 * in two threads at a time.
 */
int topology_pci_devices(const char *root, pci_modalias_fn fn, void *userdata);

#define PCI_MEMORY_MAX 256

/** What a PCI device has to do with memory. */
enum pci_memory_kind {
	PCI_MEMORY_CONTROLLER, /* an EDAC driver is bound to it, or its name says so */
	PCI_MEMORY_CXL,        /* class 0x0502: memory on the CXL bus */
	PCI_MEMORY_OTHER, /* class 0x05xx, and no more is known: a chip's own RAM... */
};

/** One PCI function; a memory controller of a server has several functions. */
struct pci_memory {
	enum pci_memory_kind kind;
	bool edac;        /* an EDAC driver is bound to it */
	char address[24]; /* "0000:3a:0a.0" */
	char name[96];    /* by pci.ids, ASCII; "Device 8086:2040" without an entry */
};

struct pci_memories {
	struct pci_memory v[PCI_MEMORY_MAX]; /* by address */
	unsigned int n;
	bool cut; /* the machine has more than the table holds */
};

/**
 * The PCI functions that are memory or drive memory: functions of class 0x05xx; host
 * bridges (0x0600) and system peripherals (0x0880) whose name says "memory controller" or
 * "DRAM"; any function with an EDAC driver bound to it. AMD's controllers since family
 * 17h are on no PCI bus. The names come from @root/usr/share/misc/pci.ids, or from
 * libpci's own file for the root "".
 *
 * For short-lived programs: libpci may end the process, so a daemon must not use this.
 *
 * Returns 0 and *ret, to be freed with free(); -EIO after an error of libpci, as without
 * PCI; -ENOMEM; -ENAMETOOLONG. Do not call it in two threads at a time.
 */
int topology_pci_memories(const char *root, struct pci_memories **ret);

/**
 * The device that every memory controller of EDAC is part of: the only device that an
 * EDAC driver is bound to. NULL if there is none, or several.
 *
 * Facts (drivers/edac/edac_mc.c and edac_mc_sysfs.c of Linux 6.1): one driver at a time
 * may register controllers, and the other drivers get EPERM, so that one bound device
 * stands for all mcN. The folder of mcN itself names no device. The drivers of server
 * processors (skx, i10nm, sb, amd64) bind to none.
 */
const struct pci_memory *topology_pci_edac(const struct pci_memories *m);

/**
 * True if the firmware gets memory errors first and reports them (ACPI APEI): a GHES
 * device is bound to the kernel's GHES driver.
 */
bool topology_firmware_first(const char *root);
