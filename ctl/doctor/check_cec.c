/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether the kernel's own collector of corrected errors (RAS_CEC) stands between the
 * hardware and us, what it does by itself, and how it is turned off on this machine. It
 * changes nothing.
 */

#include <string.h>

#include "doctor/check_internal.h"
#include "host/ras_cec.h"

#define BOOT_LOADER                                                                      \
	"/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define GRUB_COMMAND                                                                      \
	"mkdir -p /etc/default/grub.d && echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX " \
	"ras=cec_disable\"' >/etc/default/grub.d/ras-cec.cfg && update-grub"
#define KERNEL_INSTALL "kernel-install add $(uname -r) /boot/vmlinuz-$(uname -r)"

enum boot_loader {
	LOADER_UNKNOWN,
	LOADER_GRUB_DEBIAN, /* with update-grub */
	LOADER_GRUBBY,      /* Fedora and its kin, whichever loader that is */
	LOADER_GRUB,
	LOADER_SYSTEMD_BOOT,
};

/* True if the firmware's variable, in UTF-16, says that systemd-boot started the kernel. */
static bool cec_booted_by_systemd(const struct check_context *c)
{
	static const char name[] = "systemd-boot";
	unsigned char text[256];
	ssize_t n = check_read(c, BOOT_LOADER, (char *)text, sizeof(text));

	for (ssize_t at = 0; at + 2 * (ssize_t)strlen(name) <= n; at++) {
		size_t i = 0;

		while (i < strlen(name) &&
		       text[at + 2 * (ssize_t)i] == (unsigned char)name[i])
			i++;
		if (i == strlen(name))
			return true;
	}
	return false;
}

static enum boot_loader cec_boot_loader(struct check_context *c)
{
	if (cec_booted_by_systemd(c))
		return LOADER_SYSTEMD_BOOT;
	if (check_look(c, "/usr/sbin/grubby") == SEEN)
		return LOADER_GRUBBY;
	if (check_look(c, "/usr/sbin/update-grub") == SEEN)
		return LOADER_GRUB_DEBIAN;
	if (check_look(c, "/etc/default/grub") == SEEN)
		return LOADER_GRUB;
	if (check_look(c, "/boot/efi/loader/loader.conf") == SEEN ||
	    check_look(c, "/efi/loader/loader.conf") == SEEN ||
	    check_look(c, "/boot/loader/loader.conf") == SEEN)
		return LOADER_SYSTEMD_BOOT;
	return LOADER_UNKNOWN;
}

/* What to type so that the next boot has ras=cec_disable. */
static const char *cec_disable_command(struct check_context *c)
{
	switch (cec_boot_loader(c)) {
	case LOADER_GRUB_DEBIAN:
		return ": " GRUB_COMMAND;
	case LOADER_GRUBBY:
		return ": grubby --update-kernel=ALL --args=ras=cec_disable";
	case LOADER_GRUB:
		return ": add it to GRUB_CMDLINE_LINUX in /etc/default/grub, then "
		       "grub-mkconfig -o /boot/grub/grub.cfg";
	case LOADER_SYSTEMD_BOOT:
		if (check_look(c, "/etc/kernel/cmdline") == SEEN)
			return ": sed -i '1s/$/ ras=cec_disable/' /etc/kernel/cmdline && "
			       "" KERNEL_INSTALL;
		return ": sed 's/\\(BOOT_IMAGE\\|initrd\\)=[^ ]* *//g; s/$/ "
		       "ras=cec_disable/' /proc/cmdline >/etc/kernel/cmdline && "
		       "" KERNEL_INSTALL;
	case LOADER_UNKNOWN:
		break;
	}
	return " on the kernel's command line";
}

/* The collector runs, and @cec says what can be seen of it. */
static void cec_judge_active(struct check_context *c, struct check_row *row,
			     const struct ras_cec *cec)
{
	bool told = check_look(c, TRACEFS "/events/mce/mce_record") != MISSING;
	/* Root can read the threshold, unless the kernel is locked down. */
	bool closed = cec->threshold == RAS_CEC_UNSEEN && c->o->euid == 0;
	char when[48] = "pages";

	if (told && check_source_is_off(c, EVENT_SOURCE_MCE)) {
		check_say(row, CHECK_FAILED,
			  "the kernel's own collector (RAS_CEC) hides corrected errors, "
			  "and the trace instance does not record mce:mce_record, which "
			  "tells of them");
		check_hint(row,
			   "[Source] Events=auto and systemctl restart softofflined, or "
			   "ras=cec_disable%s",
			   cec_disable_command(c));
		return;
	}
	if (cec->threshold == RAS_CEC_MAX && told) {
		check_say(row, CHECK_OK,
			  "the kernel's own collector (RAS_CEC) counts and offlines no "
			  "page: its threshold is at its maximum, %d",
			  RAS_CEC_MAX);
		return;
	}
	if (cec->threshold != RAS_CEC_UNSEEN)
		snprintf(when, sizeof(when), "a page at its error number %lld",
			 (long long)cec->threshold);
	if (!told)
		check_say(
			row, CHECK_FAILED,
			"the kernel's own collector (RAS_CEC) hides corrected errors, and "
			"there is no mce:mce_record that tells of them");
	else
		check_say(
			row, CHECK_FAILED,
			"the kernel's own collector (RAS_CEC) hides corrected errors from "
			"EDAC and offlines %s, whatever Action= and the budgets say%s",
			when,
			closed ? "; the kernel closes its threshold to "
				 "SoftOfflineControl=own"
			       : "");
	if (!told || closed)
		check_hint(row, "boot with ras=cec_disable%s", cec_disable_command(c));
	else
		check_hint(row, "SoftOfflineControl=own, or ras=cec_disable%s",
			   cec_disable_command(c));
}

/* As the daemon sees it (topology_sight.c has the reason). */
static bool cec_is_spared(const struct check_context *c)
{
	struct sight_facts facts = { 0 };

	topology_machine_facts(c->o->root, &facts);
	return facts.spared;
}

/*
 * Its folder in debugfs proves that it runs, and so does the word of softofflined-cec. If
 * neither can be read, the kernel's command line and configuration are the evidence.
 */
void check_ras_cec(struct check_context *c, struct check_row *row)
{
	bool ras_seen = check_look(c, "/sys/kernel/debug/ras") == SEEN;
	char option = check_kernel_option(c, "CONFIG_RAS_CEC");
	char boot_id[BOOT_ID_MAX] = "";
	struct ras_cec cec;

	if (!c->x86) {
		check_say(row, CHECK_OK, "the kernel's own collector exists on x86 only");
		return;
	}
	if (check_read(c, "/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id)) >
	    0)
		boot_id[strcspn(boot_id, "\n")] = '\0';
	ras_cec_look(c->o->root, boot_id, &cec);
	if (cec.state == RAS_CEC_ACTIVE && cec_is_spared(c)) {
		check_say(row, CHECK_OK,
			  "the kernel's own collector (RAS_CEC) takes no errors of AMD's "
			  "processors, whose addresses it cannot use");
	} else if (cec.state == RAS_CEC_ACTIVE) {
		cec_judge_active(c, row, &cec);
	} else if (cec.state == RAS_CEC_DISABLED) {
		check_say(row, CHECK_OK,
			  "the kernel's own collector is off by "
			  "ras=cec_disable");
	} else if (option == 'n') {
		check_say(row, CHECK_OK, "the kernel is built without its own collector");
	} else if (ras_seen || cec.state == RAS_CEC_NO) {
		check_say(row, CHECK_OK, "the kernel's own collector does not run");
	} else if (option == 'y' && cec_is_spared(c)) {
		check_say(
			row, CHECK_OK,
			"the kernel's own collector (CONFIG_RAS_CEC), if it runs, takes "
			"no errors of AMD's processors");
	} else if (option == 'y') {
		check_say(row, CHECK_FAILED,
			  "the kernel's own collector (CONFIG_RAS_CEC) is built in and "
			  "nothing turns it off");
		check_hint(row, "boot with ras=cec_disable%s", cec_disable_command(c));
	} else {
		check_say(
			row, CHECK_WARNING,
			"cannot tell whether the kernel's own collector (RAS_CEC) hides "
			"corrected errors");
		check_hint(row,
			   "%szgrep CONFIG_RAS_CEC /proc/config.gz; if it is y, boot "
			   "with ras=cec_disable",
			   c->o->euid != 0 ? "run as root, or " : "");
	}
}
