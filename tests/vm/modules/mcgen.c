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
 * A write to /proc/mcgen_frames, frame numbers with blanks between them, makes a list.
 * With frames=N the events of a command go round over WRAP frames of it from number N
 * on, a cache line further (STEP) in each round. With row=N each event names the row
 * and column of its address as skx_edac does, behind the detail: a row for each frame,
 * from N on, and a column for each line.
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
#include <linux/pfn.h>
#include <linux/proc_fs.h>
#include <linux/rwsem.h>
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
#define MCGEN_NOT_GIVEN	ULONG_MAX
#define MCGEN_MAX_FRAMES	16384
#define MCGEN_LINE	64	/* bytes that share a column */

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
	unsigned long frames;
	unsigned long row;
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
	.frames = MCGEN_NOT_GIVEN,
	.row = MCGEN_NOT_GIVEN,
};

static const char * const mcgen_types[] = {
	[HW_EVENT_ERR_CORRECTED] = "ce",
	[HW_EVENT_ERR_UNCORRECTED] = "ue",
	[HW_EVENT_ERR_DEFERRED] = "deferred",
	[HW_EVENT_ERR_FATAL] = "fatal",
	[HW_EVENT_ERR_INFO] = "info",
};

static atomic64_t mcgen_emitted = ATOMIC64_INIT(0);

static DECLARE_RWSEM(mcgen_frames_lock);
static unsigned long mcgen_frames[MCGEN_MAX_FRAMES];
static unsigned long mcgen_n_frames;

/* Where an event lies: the number of its frame in the round, and the address. */
struct mcgen_place {
	unsigned long frame;
	unsigned long addr;
};

static void mcgen_next(const struct mcgen_command *c, struct mcgen_place *p,
		       unsigned long i)
{
	unsigned long round = c->wrap ? i / c->wrap : 0;

	p->frame = c->wrap ? i % c->wrap : i;
	if (c->frames == MCGEN_NOT_GIVEN)
		p->addr = c->addr + p->frame * c->step;
	else
		p->addr = PFN_PHYS(mcgen_frames[c->frames + p->frame]) +
			  offset_in_page(c->addr + round * c->step);
}

static const char *mcgen_detail(const struct mcgen_command *c,
				const struct mcgen_place *p, char *buf, size_t size)
{
	unsigned long line = offset_in_page(p->addr) / MCGEN_LINE;

	if (c->row == MCGEN_NOT_GIVEN)
		return c->detail;
	snprintf(buf, size, "%s row:0x%lx col:0x%lx", c->detail, c->row + p->frame,
		 (p->frame * 5 + line) % 128 * 8);
	return buf;
}

static long mcgen_emit(void *arg)
{
	const struct mcgen_job *job = arg;
	const struct mcgen_command *c = job->command;
	struct mcgen_place place;
	char detail[256];
	unsigned long i;

	for (i = 0; i < c->repeat; i++) {
		if (fatal_signal_pending(job->writer))
			return -EINTR;
		if (i && c->delay_us)
			fsleep(c->delay_us);

		mcgen_next(c, &place, i);
		trace_mc_event(c->type, c->msg, c->label, c->count, c->mc,
			       c->top, c->mid, c->low, place.addr,
			       c->grain_bits, c->syndrome,
			       mcgen_detail(c, &place, detail, sizeof(detail)));
		atomic64_inc(&mcgen_emitted);
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
	if (!strcmp(key, "frames"))
		return kstrtoul(value, 0, &c->frames);
	if (!strcmp(key, "row"))
		return kstrtoul(value, 0, &c->row);
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

/* That a command with frames= finds each of them in the list. */
static bool mcgen_has_frames(const struct mcgen_command *c)
{
	return c->frames == MCGEN_NOT_GIVEN ||
	       (c->wrap && c->frames < mcgen_n_frames &&
		c->wrap <= mcgen_n_frames - c->frames);
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

	down_read(&mcgen_frames_lock);
	cursor = text;
	while ((line = strsep(&cursor, "\n"))) {
		line = skip_spaces(line);
		if (!*line || *line == '#')
			continue;
		if (mcgen_parse(line, &commands[n]) ||
		    !mcgen_has_frames(&commands[n])) {
			ret = -EINVAL;
			goto out;
		}
		n++;
	}
	for (i = 0; i < n && !ret; i++)
		ret = mcgen_run(&commands[i]);
out:
	up_read(&mcgen_frames_lock);
	kvfree(commands);
out_text:
	kfree(text);
	return ret ? ret : len;
}

static ssize_t mcgen_frames_write(struct file *file, const char __user *ubuf,
				  size_t len, loff_t *pos)
{
	char *text, *cursor, *word;
	unsigned long n = 0;
	int ret = 0;

	if (len > MCGEN_MAX_WRITE)
		return -E2BIG;
	text = memdup_user_nul(ubuf, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	down_write(&mcgen_frames_lock);
	cursor = text;
	while (!ret && (word = strsep(&cursor, " \t\n"))) {
		if (*word && n == MCGEN_MAX_FRAMES)
			ret = -E2BIG;
		else if (*word)
			ret = kstrtoul(word, 0, &mcgen_frames[n++]);
	}
	mcgen_n_frames = ret ? 0 : n;
	up_write(&mcgen_frames_lock);
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

static const struct proc_ops mcgen_frames_proc_ops = {
	.proc_write = mcgen_frames_write,
};

static int __init mcgen_init(void)
{
	if (!proc_create("mcgen", 0600, NULL, &mcgen_proc_ops))
		return -ENOMEM;
	if (!proc_create("mcgen_frames", 0200, NULL, &mcgen_frames_proc_ops)) {
		remove_proc_entry("mcgen", NULL);
		return -ENOMEM;
	}
	return 0;
}
module_init(mcgen_init);

static void __exit mcgen_exit(void)
{
	remove_proc_entry("mcgen_frames", NULL);
	remove_proc_entry("mcgen", NULL);
}
module_exit(mcgen_exit);

MODULE_DESCRIPTION("Raises ras:mc_event trace events for tests");
MODULE_LICENSE("GPL");
