// SPDX-License-Identifier: GPL-2.0-only
/*
 * widen - hold a task back at the entry of kernel functions, so that a race
 * which is open for microseconds stays open for milliseconds.
 *
 *	insmod widen.ko symbols=NAME[,NAME...] us=N [comm=TASK]
 *
 * A task that enters one of the functions spins there for us microseconds, with
 * preemption off as in every kprobe; with comm only tasks of that name. The
 * parameter hits, readable, tells how often each place was held: a window that
 * was never entered proves nothing. A name that cannot be probed (inlined, not
 * there) refuses the module.
 *
 * It knows nothing of memory: what the functions do is the test's business.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#define WIDEN_MAX_PROBES 8
#define WIDEN_MAX_US     100000

struct widen_probe {
	struct kprobe kp;
	atomic_long_t hits;
};

static char *symbols;
module_param(symbols, charp, 0444);
MODULE_PARM_DESC(symbols, "functions to be held at, with commas between them");

static unsigned int us = 1000;
module_param(us, uint, 0444);
MODULE_PARM_DESC(us, "how long to spin, in microseconds, at most 100000");

static char *comm = "";
module_param(comm, charp, 0444);
MODULE_PARM_DESC(comm, "hold only tasks of this name; empty: all");

static struct widen_probe widen_probes[WIDEN_MAX_PROBES];
static unsigned int widen_count;
static char *widen_names;

static int widen_get_hits(char *buffer, const struct kernel_param *kp)
{
	unsigned int i;
	int at = 0;

	for (i = 0; i < widen_count; i++)
		at += sysfs_emit_at(buffer, at, "%s %ld\n",
				    widen_probes[i].kp.symbol_name,
				    atomic_long_read(&widen_probes[i].hits));
	return at;
}

static const struct kernel_param_ops widen_hits_ops = {
	.get = widen_get_hits,
};
module_param_cb(hits, &widen_hits_ops, NULL, 0444);
MODULE_PARM_DESC(hits, "how often each function was held at");

static int widen_hold(struct kprobe *kp, struct pt_regs *regs)
{
	struct widen_probe *probe = container_of(kp, struct widen_probe, kp);
	u64 end;

	if (*comm && strcmp(current->comm, comm))
		return 0;

	atomic_long_inc(&probe->hits);
	end = ktime_get_mono_fast_ns() + us * (u64)NSEC_PER_USEC;
	while (ktime_get_mono_fast_ns() < end)
		cpu_relax();
	return 0;
}

static void widen_remove(void)
{
	while (widen_count)
		unregister_kprobe(&widen_probes[--widen_count].kp);
	kfree(widen_names);
}

static int widen_add(const char *name)
{
	struct widen_probe *probe;
	int ret;

	if (widen_count == WIDEN_MAX_PROBES)
		return -E2BIG;
	probe = &widen_probes[widen_count];
	probe->kp.symbol_name = name;
	probe->kp.pre_handler = widen_hold;
	ret = register_kprobe(&probe->kp);
	if (ret) {
		pr_err("widen: cannot probe %s: %d\n", name, ret);
		return ret;
	}
	widen_count++;
	return 0;
}

static int __init widen_init(void)
{
	char *cursor, *name;
	int ret = 0;

	if (!symbols || !*symbols || us > WIDEN_MAX_US)
		return -EINVAL;
	widen_names = kstrdup(symbols, GFP_KERNEL);
	if (!widen_names)
		return -ENOMEM;

	cursor = widen_names;
	while (!ret && (name = strsep(&cursor, ",")))
		ret = widen_add(name);
	if (ret)
		widen_remove();
	return ret;
}
module_init(widen_init);

static void __exit widen_exit(void)
{
	widen_remove();
}
module_exit(widen_exit);

MODULE_DESCRIPTION("Widens race windows for tests");
MODULE_LICENSE("GPL");
