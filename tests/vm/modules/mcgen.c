// SPDX-License-Identifier: GPL-2.0-only
/*
 * mcgen - raise ras:mc_event on demand, with any contents and at any rate.
 *
 * Each line written to /proc/mcgen is one command, made of key=value pairs in
 * any order; a value with blanks stands in double quotes, where \" \\ \n \t
 * and \xHH are understood. Blank lines and lines that begin with # are
 * skipped. A write is checked as a whole first: if one line is bad the write
 * fails with EINVAL and nothing is emitted. Reading gives the total number of
 * events so far.
 *
 * This module knows nothing of the EDAC core: no memory controller appears in
 * sysfs and no counter moves. fedac is there for that.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/edac.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <ras/ras_event.h>

#define MCGEN_MAX_WRITE	(64 * 1024)
#define MCGEN_ANY_CPU	(-1)

struct mcgen_command {
	unsigned int type;
	u16 count;
	u8 mc;
	s8 top;
	s8 mid;
	s8 low;
	u8 grain_bits;
	unsigned long addr;
	unsigned long syndrome;
	const char *label;
	const char *msg;
	const char *detail;
	int cpu;
	unsigned long repeat;
	unsigned long step;
	unsigned long wrap;
	unsigned long delay_us;
};

struct mcgen_job {
	const struct mcgen_command *command;
	struct task_struct *writer;
};

static const struct mcgen_command mcgen_defaults = {
	.type = HW_EVENT_ERR_CORRECTED,
	.count = 1,
	.low = -1,
	.grain_bits = 6,
	.label = "DIMM_A0",
	.msg = "memory read error",
	.detail = "",
	.cpu = MCGEN_ANY_CPU,
	.repeat = 1,
};

static const char * const mcgen_types[] = {
	[HW_EVENT_ERR_CORRECTED] = "ce",
	[HW_EVENT_ERR_UNCORRECTED] = "ue",
	[HW_EVENT_ERR_DEFERRED] = "deferred",
	[HW_EVENT_ERR_FATAL] = "fatal",
	[HW_EVENT_ERR_INFO] = "info",
};

static atomic64_t mcgen_emitted = ATOMIC64_INIT(0);

static long mcgen_emit(void *arg)
{
	const struct mcgen_job *job = arg;
	const struct mcgen_command *c = job->command;
	unsigned long addr = c->addr;
	unsigned long in_round = 0;
	unsigned long i;

	for (i = 0; i < c->repeat; i++) {
		if (fatal_signal_pending(job->writer))
			return -EINTR;
		if (i && c->delay_us)
			fsleep(c->delay_us);

		trace_mc_event(c->type, c->msg, c->label, c->count, c->mc,
			       c->top, c->mid, c->low, addr, c->grain_bits,
			       c->syndrome, c->detail);
		atomic64_inc(&mcgen_emitted);

		addr += c->step;
		if (++in_round == c->wrap) {
			addr = c->addr;
			in_round = 0;
		}
		cond_resched();
	}
	return 0;
}

static int mcgen_run(const struct mcgen_command *c)
{
	struct mcgen_job job = { .command = c, .writer = current };
	int ret;

	if (c->cpu == MCGEN_ANY_CPU)
		return mcgen_emit(&job);

	/* What work_on_cpu_safe() does, which newer kernels lack. */
	cpus_read_lock();
	ret = cpu_online(c->cpu) ? work_on_cpu(c->cpu, mcgen_emit, &job) : -ENODEV;
	cpus_read_unlock();
	return ret;
}

static int mcgen_set_cpu(struct mcgen_command *c, const char *value)
{
	unsigned int cpu;
	int ret = kstrtouint(value, 0, &cpu);

	if (ret)
		return ret;
	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	c->cpu = cpu;
	return 0;
}

static int mcgen_set_grain(struct mcgen_command *c, const char *value)
{
	u8 bits;
	int ret = kstrtou8(value, 0, &bits);

	if (ret)
		return ret;
	if (bits >= BITS_PER_LONG)
		return -EINVAL;
	c->grain_bits = bits;
	return 0;
}

static int mcgen_set_type(struct mcgen_command *c, const char *value)
{
	int type = match_string(mcgen_types, ARRAY_SIZE(mcgen_types), value);

	if (type < 0)
		return type;
	c->type = type;
	return 0;
}

static int mcgen_set(struct mcgen_command *c, const char *key,
		     const char *value)
{
	if (!strcmp(key, "type"))
		return mcgen_set_type(c, value);
	if (!strcmp(key, "count"))
		return kstrtou16(value, 0, &c->count);
	if (!strcmp(key, "addr"))
		return kstrtoul(value, 0, &c->addr);
	if (!strcmp(key, "grain"))
		return mcgen_set_grain(c, value);
	if (!strcmp(key, "mc"))
		return kstrtou8(value, 0, &c->mc);
	if (!strcmp(key, "top"))
		return kstrtos8(value, 0, &c->top);
	if (!strcmp(key, "mid"))
		return kstrtos8(value, 0, &c->mid);
	if (!strcmp(key, "low"))
		return kstrtos8(value, 0, &c->low);
	if (!strcmp(key, "syndrome"))
		return kstrtoul(value, 0, &c->syndrome);
	if (!strcmp(key, "cpu"))
		return mcgen_set_cpu(c, value);
	if (!strcmp(key, "repeat"))
		return kstrtoul(value, 0, &c->repeat);
	if (!strcmp(key, "step"))
		return kstrtoul(value, 0, &c->step);
	if (!strcmp(key, "wrap"))
		return kstrtoul(value, 0, &c->wrap);
	if (!strcmp(key, "delay_us"))
		return kstrtoul(value, 0, &c->delay_us);
	if (!strcmp(key, "label"))
		c->label = value;
	else if (!strcmp(key, "msg"))
		c->msg = value;
	else if (!strcmp(key, "detail"))
		c->detail = value;
	else
		return -EINVAL;
	return 0;
}

/* Cut a quoted value out of the line; *rest then points behind its quote. */
static int mcgen_unquote(char *value, char **rest)
{
	char *end = value;

	while (*end && *end != '"') {
		if (*end == '\\' && end[1])
			end++;
		end++;
	}
	if (*end != '"' || (end[1] && !isspace(end[1])))
		return -EINVAL;
	*end = '\0';
	*rest = end + 1;
	string_unescape_inplace(value, UNESCAPE_ANY);
	return 0;
}

static int mcgen_parse(char *line, struct mcgen_command *c)
{
	*c = mcgen_defaults;

	for (;;) {
		char *key = skip_spaces(line);
		char *value;
		int ret;

		if (!*key)
			return 0;
		value = strchr(key, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';

		if (*value == '"') {
			ret = mcgen_unquote(++value, &line);
			if (ret)
				return ret;
		} else {
			line = value + strcspn(value, " \t");
			if (*line)
				*line++ = '\0';
		}
		ret = mcgen_set(c, key, value);
		if (ret)
			return ret;
	}
}

static size_t mcgen_count_lines(const char *text)
{
	size_t lines = 1;

	while ((text = strchr(text, '\n'))) {
		text++;
		lines++;
	}
	return lines;
}

static ssize_t mcgen_write(struct file *file, const char __user *ubuf,
			   size_t len, loff_t *pos)
{
	struct mcgen_command *commands;
	char *text, *cursor, *line;
	size_t i, n = 0;
	int ret = 0;

	if (len > MCGEN_MAX_WRITE)
		return -E2BIG;
	text = memdup_user_nul(ubuf, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	commands = kvcalloc(mcgen_count_lines(text), sizeof(*commands),
			    GFP_KERNEL);
	if (!commands) {
		ret = -ENOMEM;
		goto out_text;
	}

	cursor = text;
	while ((line = strsep(&cursor, "\n"))) {
		line = skip_spaces(line);
		if (!*line || *line == '#')
			continue;
		if (mcgen_parse(line, &commands[n++])) {
			ret = -EINVAL;
			goto out;
		}
	}
	for (i = 0; i < n && !ret; i++)
		ret = mcgen_run(&commands[i]);
out:
	kvfree(commands);
out_text:
	kfree(text);
	return ret ? ret : len;
}

static int mcgen_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "emitted %lld\n", atomic64_read(&mcgen_emitted));
	return 0;
}

static int mcgen_open(struct inode *inode, struct file *file)
{
	return single_open(file, mcgen_show, NULL);
}

static const struct proc_ops mcgen_proc_ops = {
	.proc_open = mcgen_open,
	.proc_read = seq_read,
	.proc_write = mcgen_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static int __init mcgen_init(void)
{
	if (!proc_create("mcgen", 0600, NULL, &mcgen_proc_ops))
		return -ENOMEM;
	return 0;
}
module_init(mcgen_init);

static void __exit mcgen_exit(void)
{
	remove_proc_entry("mcgen", NULL);
}
module_exit(mcgen_exit);

MODULE_DESCRIPTION("Raises ras:mc_event trace events for tests");
MODULE_LICENSE("GPL");
