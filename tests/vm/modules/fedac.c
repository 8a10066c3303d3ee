// SPDX-License-Identifier: GPL-2.0-only
/*
 * fedac - a memory controller that is not there.
 *
 * Registers one controller with two channels of two DIMMs each in the EDAC
 * core of a stock kernel, so that sysfs, counters, labels and ras:mc_event
 * all come from the code that real hardware drivers use. Errors are reported
 * by writing lines to /proc/fedac:
 *
 *	[grain=BYTES] CE|UE|DEFERRED|FATAL|INFO COUNT ADDR SYNDROME TOP MID LOW MESSAGE...
 *
 * TOP is the channel, MID the slot, -1 stands for "not known"; the controller
 * has no third layer, so LOW is -1 by rights. The grain holds for this one
 * report. A bad line fails with EINVAL; the lines before it were reported.
 */
#include <linux/edac.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define FEDAC_NAME		"fedac"
#define FEDAC_MAX_WRITE		(64 * 1024)
#define FEDAC_CHANNELS		2
#define FEDAC_SLOTS		2
#define FEDAC_DIMM_PAGES	(1U << (30 - PAGE_SHIFT))
#define FEDAC_GRAIN		64

/*
 * The EDAC core exports these, but keeps their prototypes in
 * drivers/edac/edac_mc.h, which is not part of the kernel headers package.
 */
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

struct fedac_report {
	enum hw_event_mc_err_type type;
	u16 count;
	u32 grain;
	u64 addr;
	unsigned long syndrome;
	int top;
	int mid;
	int low;
	const char *msg;
};

static const char * const fedac_types[] = {
	[HW_EVENT_ERR_CORRECTED] = "CE",
	[HW_EVENT_ERR_UNCORRECTED] = "UE",
	[HW_EVENT_ERR_DEFERRED] = "DEFERRED",
	[HW_EVENT_ERR_FATAL] = "FATAL",
	[HW_EVENT_ERR_INFO] = "INFO",
};

static struct platform_device *fedac_pdev;
static struct mem_ctl_info *fedac_mci;
/* The core keeps the report being built in the mci: one at a time. */
static DEFINE_MUTEX(fedac_lock);

static void fedac_send(const struct fedac_report *r)
{
	struct dimm_info *dimm;

	mutex_lock(&fedac_lock);
	mci_for_each_dimm(fedac_mci, dimm)
		dimm->grain = r->grain;
	edac_mc_handle_error(r->type, fedac_mci, r->count,
			     r->addr >> PAGE_SHIFT, r->addr & ~PAGE_MASK,
			     r->syndrome, r->top, r->mid, r->low, r->msg, "");
	mutex_unlock(&fedac_lock);
}

static char *fedac_word(char **line)
{
	char *word = skip_spaces(*line);
	char *end = word + strcspn(word, " \t");

	*line = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static int fedac_parse(char *line, struct fedac_report *r)
{
	char *word = fedac_word(&line);
	int type;

	r->grain = FEDAC_GRAIN;
	if (str_has_prefix(word, "grain=")) {
		if (kstrtou32(word + strlen("grain="), 0, &r->grain) ||
		    !r->grain)
			return -EINVAL;
		word = fedac_word(&line);
	}
	type = match_string(fedac_types, ARRAY_SIZE(fedac_types), word);
	if (type < 0)
		return -EINVAL;
	r->type = type;

	if (kstrtou16(fedac_word(&line), 0, &r->count) ||
	    kstrtou64(fedac_word(&line), 0, &r->addr) ||
	    kstrtoul(fedac_word(&line), 0, &r->syndrome) ||
	    kstrtoint(fedac_word(&line), 0, &r->top) ||
	    kstrtoint(fedac_word(&line), 0, &r->mid) ||
	    kstrtoint(fedac_word(&line), 0, &r->low))
		return -EINVAL;
	r->msg = strim(line);
	return 0;
}

static ssize_t fedac_write(struct file *file, const char __user *ubuf,
			   size_t len, loff_t *pos)
{
	struct fedac_report report;
	char *text, *cursor, *line;
	int ret = 0;

	if (len > FEDAC_MAX_WRITE)
		return -E2BIG;
	text = memdup_user_nul(ubuf, len);
	if (IS_ERR(text))
		return PTR_ERR(text);

	cursor = text;
	while ((line = strsep(&cursor, "\n"))) {
		line = skip_spaces(line);
		if (!*line || *line == '#')
			continue;
		ret = fedac_parse(line, &report);
		if (ret)
			break;
		fedac_send(&report);
		cond_resched();
	}
	kfree(text);
	return ret ? ret : len;
}

static const struct proc_ops fedac_proc_ops = {
	.proc_write = fedac_write,
	.proc_lseek = noop_llseek,
};

static void fedac_describe(struct mem_ctl_info *mci)
{
	struct dimm_info *dimm;

	mci->pdev = &fedac_pdev->dev;
	mci->mod_name = FEDAC_NAME;
	mci->ctl_name = FEDAC_NAME;
	mci->dev_name = dev_name(&fedac_pdev->dev);
	mci->mtype_cap = MEM_FLAG_DDR4;
	mci->edac_ctl_cap = EDAC_FLAG_SECDED;
	mci->edac_cap = EDAC_FLAG_SECDED;
	mci->scrub_mode = SCRUB_HW_SRC;

	mci_for_each_dimm(mci, dimm) {
		snprintf(dimm->label, sizeof(dimm->label), "DIMM_%c%u",
			 'A' + dimm->location[0], dimm->location[1]);
		dimm->nr_pages = FEDAC_DIMM_PAGES;
		dimm->grain = FEDAC_GRAIN;
		dimm->mtype = MEM_DDR4;
		dimm->dtype = DEV_X8;
		dimm->edac_mode = EDAC_SECDED;
	}
}

static int fedac_register(void)
{
	struct edac_mc_layer layers[] = {
		{ .type = EDAC_MC_LAYER_CHANNEL, .size = FEDAC_CHANNELS },
		{ .type = EDAC_MC_LAYER_SLOT, .size = FEDAC_SLOTS,
		  .is_virt_csrow = true },
	};
	int ret;

	fedac_mci = edac_mc_alloc(0, ARRAY_SIZE(layers), layers, 0);
	if (!fedac_mci)
		return -ENOMEM;
	fedac_describe(fedac_mci);
	ret = edac_mc_add_mc_with_groups(fedac_mci, NULL);
	if (ret)
		edac_mc_free(fedac_mci);
	return ret;
}

static void fedac_unregister(void)
{
	edac_mc_del_mc(&fedac_pdev->dev);
	edac_mc_free(fedac_mci);
}

static int __init fedac_init(void)
{
	int ret;

	fedac_pdev = platform_device_register_simple(FEDAC_NAME, -1, NULL, 0);
	if (IS_ERR(fedac_pdev))
		return PTR_ERR(fedac_pdev);
	ret = fedac_register();
	if (ret)
		goto out_pdev;
	if (!proc_create(FEDAC_NAME, 0200, NULL, &fedac_proc_ops)) {
		ret = -ENOMEM;
		goto out_mci;
	}
	return 0;

out_mci:
	fedac_unregister();
out_pdev:
	platform_device_unregister(fedac_pdev);
	return ret;
}
module_init(fedac_init);

static void __exit fedac_exit(void)
{
	remove_proc_entry(FEDAC_NAME, NULL);
	fedac_unregister();
	platform_device_unregister(fedac_pdev);
}
module_exit(fedac_exit);

MODULE_DESCRIPTION("A fake memory controller for tests");
MODULE_LICENSE("GPL");
