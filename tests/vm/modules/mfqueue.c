// SPDX-License-Identifier: GPL-2.0-only
/*
 * mfqueue - have the kernel itself soft-offline a page.
 *
 * Each number written to /proc/mfqueue, 0x and hex digits, is a page frame
 * number that goes to memory_failure_queue(), the way in which ACPI GHES acts
 * on a report of firmware. What becomes of it is decided later, in a worker:
 * the write succeeds in any case.
 *
 * This module knows no errors and no memory controller: mcgen and fedac do.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/uaccess.h>

static ssize_t mfqueue_write(struct file *file, const char __user *ubuf,
			     size_t len, loff_t *pos)
{
	unsigned long pfn;
	int ret = kstrtoul_from_user(ubuf, len, 0, &pfn);

	if (ret)
		return ret;
	memory_failure_queue(pfn, MF_SOFT_OFFLINE);
	return len;
}

static const struct proc_ops mfqueue_proc_ops = {
	.proc_write = mfqueue_write,
};

static int __init mfqueue_init(void)
{
	if (!proc_create("mfqueue", 0200, NULL, &mfqueue_proc_ops))
		return -ENOMEM;
	return 0;
}
module_init(mfqueue_init);

static void __exit mfqueue_exit(void)
{
	remove_proc_entry("mfqueue", NULL);
}
module_exit(mfqueue_exit);

MODULE_DESCRIPTION("Queues soft-offline requests of the kernel's own for tests");
MODULE_LICENSE("GPL");
