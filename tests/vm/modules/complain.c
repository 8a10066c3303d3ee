// SPDX-License-Identifier: GPL-2.0-only
/*
 * complain - make the kernel find a mistake, on purpose.
 *
 * A word written to /proc/complain says which:
 *
 *	warn	a WARN()
 *	vm	a VM_WARN_ON(), for CONFIG_DEBUG_VM
 *	atomic	something that may sleep while a spinlock is held, for
 *		CONFIG_DEBUG_ATOMIC_SLEEP
 *	locks	two locks in one order and then in the other, for CONFIG_PROVE_LOCKING
 *	page	pages freed that still say that they are in use
 *
 * Where the kernel is not built to look for it, nothing is said. A test that cannot
 * see these does not see real ones either. What is seen, and by whom, is not known
 * here.
 */
#include <linux/bug.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmdebug.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static DEFINE_SPINLOCK(complain_one);
static DEFINE_SPINLOCK(complain_two);

static int complain_warn(void)
{
	WARN(1, "complain: asked for\n");
	return 0;
}

static int complain_vm(void)
{
	VM_WARN_ON(complain_warn != NULL);
	return 0;
}

static int complain_atomic(void)
{
	spin_lock(&complain_one);
	might_sleep();
	spin_unlock(&complain_one);
	return 0;
}

static int complain_locks(void)
{
	spin_lock(&complain_one);
	spin_lock(&complain_two);
	spin_unlock(&complain_two);
	spin_unlock(&complain_one);

	spin_lock(&complain_two);
	spin_lock(&complain_one);
	spin_unlock(&complain_one);
	spin_unlock(&complain_two);
	return 0;
}

/*
 * Small blocks go to a list of their CPU first, and are looked at later, unless
 * CONFIG_DEBUG_VM says otherwise. The pages are lost: who finds one in such a state
 * does not use it again.
 */
static int complain_page(void)
{
	unsigned int order = PAGE_ALLOC_COSTLY_ORDER + 1;
	struct page *page = alloc_pages(GFP_KERNEL, order);

	if (!page)
		return -ENOMEM;
	page->mapping = (struct address_space *)&complain_one;
	__free_pages(page, order);
	return 0;
}

static const struct {
	const char *word;
	int (*make)(void);
} complaints[] = {
	{ "warn", complain_warn },     { "vm", complain_vm },
	{ "atomic", complain_atomic }, { "locks", complain_locks },
	{ "page", complain_page },
};

static ssize_t complain_write(struct file *file, const char __user *ubuf, size_t len,
			      loff_t *pos)
{
	char word[16] = "";
	size_t i;
	int ret;

	if (len >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, ubuf, len))
		return -EFAULT;
	for (i = 0; i < ARRAY_SIZE(complaints); i++) {
		if (!sysfs_streq(word, complaints[i].word))
			continue;
		ret = complaints[i].make();
		return ret ? ret : len;
	}
	return -EINVAL;
}

static const struct proc_ops complain_proc_ops = {
	.proc_write = complain_write,
};

static int __init complain_init(void)
{
	if (!proc_create("complain", 0200, NULL, &complain_proc_ops))
		return -ENOMEM;
	return 0;
}
module_init(complain_init);

static void __exit complain_exit(void)
{
	remove_proc_entry("complain", NULL);
}
module_exit(complain_exit);

MODULE_DESCRIPTION("Makes the kernel complain, for tests of who looks for that");
MODULE_LICENSE("GPL");
