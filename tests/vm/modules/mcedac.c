// SPDX-License-Identifier: GPL-2.0-only
/*
 * mcedac - a memory controller's driver on the machine-check chain.
 *
 * Does what skx_edac does with a machine check, on a machine without that hardware:
 * drops what the corrected errors collector (RAS_CEC) has taken, and reports every
 * other memory error with an address through the EDAC core, so that ras:mc_event,
 * sysfs and the counters are the core's own. Errors come from mce-inject.
 *
 *	silent=1	is there and reports nothing (may be changed while it is loaded)
 *
 * Two channels of one DIMM each, DIMM_A0 and DIMM_B0; bit 8 of the address is the channel.
 */
#include <linux/edac.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/platform_device.h>
#include <asm/mce.h>

#define MCEDAC_NAME		"mcedac"
#define MCEDAC_CHANNELS		2
#define MCEDAC_DIMM_PAGES	(1U << (30 - PAGE_SHIFT))
#define MCEDAC_GRAIN		64
/* A memory controller's error, whatever the channel; bit 12 is the filter. */
#define MCEDAC_IS_MEMORY(status)	(((status) & 0xefff) >> 7 == 1)
#define MCEDAC_COUNT(status)		(((status) >> 38) & 0x7fff)

/* Exported by the EDAC core, with prototypes that are not in the headers package. */
struct mem_ctl_info *edac_mc_alloc(unsigned int mc_num, unsigned int n_layers,
				   struct edac_mc_layer *layers,
				   unsigned int sz_pvt);
int edac_mc_add_mc_with_groups(struct mem_ctl_info *mci,
			       const struct attribute_group **groups);
struct mem_ctl_info *edac_mc_del_mc(struct device *dev);
void edac_mc_free(struct mem_ctl_info *mci);
void edac_mc_handle_error(const enum hw_event_mc_err_type type,
			  struct mem_ctl_info *mci, const u16 error_count,
			  const unsigned long page_frame_number,
			  const unsigned long offset_in_page,
			  const unsigned long syndrome, const int top_layer,
			  const int mid_layer, const int low_layer,
			  const char *msg, const char *other_detail);

static bool silent;
module_param(silent, bool, 0600);
MODULE_PARM_DESC(silent, "report nothing");

static struct platform_device *mcedac_pdev;
static struct mem_ctl_info *mcedac_mci;

static int mcedac_decode(struct notifier_block *nb, unsigned long val, void *data)
{
	struct mce *m = data;
	enum hw_event_mc_err_type type = HW_EVENT_ERR_CORRECTED;
	char detail[128];

	if (!m || m->kflags & MCE_HANDLED_CEC || silent)
		return NOTIFY_DONE;
	if (!MCEDAC_IS_MEMORY(m->status) || !(m->status & MCI_STATUS_ADDRV))
		return NOTIFY_DONE;
	if (m->status & MCI_STATUS_UC)
		type = HW_EVENT_ERR_UNCORRECTED;
	snprintf(detail, sizeof(detail),
		 "err_code:0x%04x:0x%04x  SystemAddress:0x%llx ProcessorSocketId:0x%x ChannelId:0x%x",
		 (u32)(m->status >> 16) & 0xffff, (u32)m->status & 0xffff, m->addr,
		 m->socketid, (u32)(m->addr >> 8) & 1);
	edac_mc_handle_error(type, mcedac_mci, MCEDAC_COUNT(m->status),
			     m->addr >> PAGE_SHIFT, m->addr & ~PAGE_MASK, 0,
			     (m->addr >> 8) & 1, 0, -1, "memory read error", detail);
	m->kflags |= MCE_HANDLED_EDAC;
	return NOTIFY_DONE;
}

static struct notifier_block mcedac_nb = {
	.notifier_call = mcedac_decode,
	.priority = MCE_PRIO_EDAC,
};

static void mcedac_describe(struct mem_ctl_info *mci)
{
	struct dimm_info *dimm;

	mci->pdev = &mcedac_pdev->dev;
	mci->mod_name = MCEDAC_NAME;
	mci->ctl_name = MCEDAC_NAME;
	mci->dev_name = dev_name(&mcedac_pdev->dev);
	mci->mtype_cap = MEM_FLAG_DDR4;
	mci->edac_ctl_cap = EDAC_FLAG_SECDED;
	mci->edac_cap = EDAC_FLAG_SECDED;
	mci->scrub_mode = SCRUB_HW_SRC;

	mci_for_each_dimm(mci, dimm) {
		snprintf(dimm->label, sizeof(dimm->label), "DIMM_%c%u",
			 'A' + dimm->location[0], dimm->location[1]);
		dimm->nr_pages = MCEDAC_DIMM_PAGES;
		dimm->grain = MCEDAC_GRAIN;
		dimm->mtype = MEM_DDR4;
		dimm->dtype = DEV_X8;
		dimm->edac_mode = EDAC_SECDED;
	}
}

static int __init mcedac_init(void)
{
	struct edac_mc_layer layers[] = {
		{ .type = EDAC_MC_LAYER_CHANNEL, .size = MCEDAC_CHANNELS },
		{ .type = EDAC_MC_LAYER_SLOT, .size = 1, .is_virt_csrow = true },
	};
	int ret;

	mcedac_pdev = platform_device_register_simple(MCEDAC_NAME, -1, NULL, 0);
	if (IS_ERR(mcedac_pdev))
		return PTR_ERR(mcedac_pdev);
	mcedac_mci = edac_mc_alloc(0, ARRAY_SIZE(layers), layers, 0);
	if (!mcedac_mci) {
		ret = -ENOMEM;
		goto out_pdev;
	}
	mcedac_describe(mcedac_mci);
	ret = edac_mc_add_mc_with_groups(mcedac_mci, NULL);
	if (ret)
		goto out_mci;
	mce_register_decode_chain(&mcedac_nb);
	return 0;

out_mci:
	edac_mc_free(mcedac_mci);
out_pdev:
	platform_device_unregister(mcedac_pdev);
	return ret;
}
module_init(mcedac_init);

static void __exit mcedac_exit(void)
{
	mce_unregister_decode_chain(&mcedac_nb);
	edac_mc_del_mc(&mcedac_pdev->dev);
	edac_mc_free(mcedac_mci);
	platform_device_unregister(mcedac_pdev);
}
module_exit(mcedac_exit);

MODULE_DESCRIPTION("A memory controller's driver on the machine-check chain, for tests");
MODULE_LICENSE("GPL");
