// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * race - ask for soft offlines while others fight for the same frames.
 *
 *	race --kind=KIND --rounds=N --workers=N [--fragment]
 *
 *	free	 a page just freed, workers on 4K pages
 *	inuse	 a HugeTLB page in use, workers on the pool
 *	buddy	 a HugeTLB page in use, workers on transparent huge pages
 *	freehuge a HugeTLB page just freed, workers on the pool
 *	gup	 a shared page in use, workers that hold it for a moment
 *
 * Prints one line of "name=value", by name: rounds, ok, the errors, what became
 * of the pool, and what must always be 0. It judges nothing: the kernel decides
 * the answers, the script judge what they are worth.
 */
#define _GNU_SOURCE
#include "race.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "pagemap.h"

enum kind { KIND_FREE, KIND_INUSE, KIND_BUDDY, KIND_FREEHUGE, KIND_GUP, KIND_COUNT };

static const struct {
	const char *name;
	enum churn churn;
	bool huge; /* else a 4K page */
	bool held; /* in use while the request runs */
} kinds[KIND_COUNT] = {
	[KIND_FREE] = { "free", CHURN_SMALL, false, false },
	[KIND_INUSE] = { "inuse", CHURN_POOL, true, true },
	[KIND_BUDDY] = { "buddy", CHURN_THP, true, true },
	[KIND_FREEHUGE] = { "freehuge", CHURN_POOL, true, false },
	[KIND_GUP] = { "gup", CHURN_SPLICE, false, true },
};

struct tally {
	unsigned int rounds;
	unsigned int ok;
	unsigned int ebusy;
	unsigned int eio;
	unsigned int enomem;
	unsigned int other;
	unsigned int shrunk; /* failed, and the pool is smaller */
	unsigned int pool_less;
	unsigned int pool_more;
	unsigned int data_bad;
	unsigned int flag_bad; /* 0 without the flag, or an error with it */
	unsigned int kept;     /* poison that would not go away again */
};

#define MASTER_WORDS (HUGE_SIZE / sizeof(uint64_t) + GUEST_PAGE_SIZE)

/* Pages that free_frame() takes its frames from. */
#define CROWD_PAGES 128

static uint64_t master[MASTER_WORDS];

struct race {
	enum kind kind;
	unsigned int rounds;
	unsigned int workers;
	bool fragment;
	unsigned long pool;
	int pagemap;
	void *shared_page; /* KIND_GUP */
	char *crowd;       /* KIND_FREE */
	struct tally tally;
};

static size_t target_length(const struct race *race)
{
	return kinds[race->kind].huge ? HUGE_SIZE : GUEST_PAGE_SIZE;
}

/* Free huge pages may be all on loan for a moment: then it is tried again. */
static void *map_target(const struct race *race)
{
	int flags = MAP_ANONYMOUS;
	void *map;

	flags |= race->kind == KIND_GUP ? MAP_SHARED : MAP_PRIVATE;
	if (kinds[race->kind].huge)
		flags |= MAP_HUGETLB;
	for (unsigned int try = 0; try < 10000; try++) {
		map = mmap(NULL, target_length(race), PROT_READ | PROT_WRITE, flags, -1,
			   0);
		if (map != MAP_FAILED)
			return map;
		usleep(100);
	}
	err(2, "no page to offline");
}

/* Each round has other bytes at every place; making new ones would be slow. */
static const char *contents(uint64_t seed)
{
	return (const char *)master + seed % GUEST_PAGE_SIZE * sizeof(*master);
}

static void make_contents(void)
{
	for (size_t i = 0; i < MASTER_WORDS; i++)
		master[i] = pattern(0, i);
}

/* Every 4K page of a huge page has its turn, the first one too. */
static uint64_t choose_frame(const struct race *race, const char *start, uint64_t seed)
{
	size_t pages = target_length(race) / GUEST_PAGE_SIZE;
	uint64_t entry;

	pagemap_read(race->pagemap, start + seed * 37 % pages * GUEST_PAGE_SIZE, &entry,
		     1);
	if (!pagemap_present(entry) || !pagemap_pfn(entry))
		errx(2, "no frame behind the page");
	return pagemap_pfn(entry);
}

/*
 * Free a page whose other half of an order-1 block is ours and stays so: alone
 * in its list it is the next one to be handed out, as a page of a larger free
 * block would not be.
 */
static uint64_t free_frame(const struct race *race, uint64_t seed)
{
	uint64_t entries[CROWD_PAGES];
	size_t victim = seed * 37 % CROWD_PAGES;

	memset(race->crowd, 1, CROWD_PAGES * GUEST_PAGE_SIZE);
	pagemap_read(race->pagemap, race->crowd, entries, CROWD_PAGES);
	for (size_t i = 0; i < CROWD_PAGES * CROWD_PAGES; i++) {
		size_t a = (i / CROWD_PAGES + victim) % CROWD_PAGES;

		if (pagemap_pfn(entries[a]) ==
		    (pagemap_pfn(entries[i % CROWD_PAGES]) ^ 1)) {
			victim = a;
			break;
		}
	}
	if (!pagemap_pfn(entries[victim]))
		errx(2, "no frame behind the page");
	if (madvise(race->crowd + victim * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE,
		    MADV_DONTNEED))
		err(2, "MADV_DONTNEED");
	return pagemap_pfn(entries[victim]);
}

static void count_answer(struct tally *tally, int answer)
{
	switch (answer) {
	case 0:
		tally->ok++;
		break;
	case -EBUSY:
		tally->ebusy++;
		break;
	case -EIO:
		tally->eio++;
		break;
	case -ENOMEM:
		tally->enomem++;
		break;
	default:
		tally->other++;
		break;
	}
}

/*
 * Fresh huge pages may be late while workers hold the blocks. Where there shall
 * be none the pool takes what there is, at least as much as is needed.
 */
static void refill_pool(const struct race *race)
{
	unsigned long size = race->fragment ? hog_whole_blocks() : pool_size();

	if (race->fragment && size >= race->pool)
		return;
	for (unsigned int try = 0; size != race->pool && try < 2000; try++) {
		size = pool_resize(race->pool);
		if (size != race->pool)
			usleep(1000);
	}
	if (size != race->pool)
		errx(2, "the pool has %lu pages, not %lu", size, race->pool);
}

static void count_pool(struct tally *tally, int answer, unsigned long before,
		       unsigned long after)
{
	if (after > before)
		tally->pool_more += after - before;
	if (after < before) {
		tally->pool_less += before - after;
		if (answer)
			tally->shrunk++;
	}
}

/* What is still mapped afterwards is *ret_target, else that is NULL. */
static uint64_t take_target(const struct race *race, uint64_t seed, void **ret_target)
{
	void *target = race->shared_page;
	uint64_t pfn;

	*ret_target = NULL;
	if (race->crowd)
		return free_frame(race, seed);
	if (!target)
		target = map_target(race);
	memcpy(target, contents(seed), target_length(race));
	pfn = choose_frame(race, target, seed);
	if (kinds[race->kind].held)
		*ret_target = target;
	else
		munmap(target, target_length(race));
	return pfn;
}

static void one_round(struct race *race, uint64_t seed)
{
	bool huge = kinds[race->kind].huge;
	struct tally *tally = &race->tally;
	unsigned long before = 0;
	void *target;
	uint64_t pfn;
	int answer;

	if (huge) {
		refill_pool(race);
		before = pool_size();
	}
	pfn = take_target(race, seed, &target);

	answer = soft_offline(pfn);

	tally->rounds++;
	count_answer(tally, answer);
	if (huge)
		count_pool(tally, answer, before, pool_size());
	if (target && memcmp(target, contents(seed), target_length(race)))
		tally->data_bad++;
	if (frame_poisoned(pfn) != !answer)
		tally->flag_bad++;
	if (target && !race->shared_page)
		munmap(target, target_length(race));
	if (!answer && !frame_unpoison(pfn))
		tally->kept++;
}

static void prepare(struct race *race)
{
	if (race->kind == KIND_GUP) {
		race->shared_page = map_target(race);
		memset(race->shared_page, 0, GUEST_PAGE_SIZE);
	}
	if (race->kind == KIND_FREE) {
		race->crowd =
			mmap(NULL, CROWD_PAGES * GUEST_PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (race->crowd == MAP_FAILED ||
		    madvise(race->crowd, CROWD_PAGES * GUEST_PAGE_SIZE, MADV_NOHUGEPAGE))
			err(2, "mmap");
	}
	if (kinds[race->kind].huge && pool_resize(race->pool) != race->pool)
		errx(2, "no pool of %lu pages", race->pool);
	if (race->fragment)
		hog_fragment();
}

static void run(struct race *race)
{
	struct churn_shared *shared;

	prepare(race);
	shared = churn_start(kinds[race->kind].churn, race->workers, race->shared_page);
	/* Huge pages take the workers long: the rounds would wait more than run. */
	if (kinds[race->kind].huge && setpriority(PRIO_PROCESS, 0, -10))
		err(2, "setpriority");
	for (unsigned int i = 0; i < race->rounds; i++)
		one_round(race, i);
	churn_stop(shared);
	race->tally.data_bad += atomic_load(&shared->data_bad);
	if (!atomic_load(&shared->loops))
		errx(2, "the workers did nothing");
	printf("loops=%lu ", atomic_load(&shared->loops));
}

static void print_tally(const struct tally *t)
{
	printf("rounds=%u ok=%u ebusy=%u eio=%u enomem=%u other=%u ", t->rounds, t->ok,
	       t->ebusy, t->eio, t->enomem, t->other);
	printf("shrunk=%u pool_less=%u pool_more=%u ", t->shrunk, t->pool_less,
	       t->pool_more);
	printf("data_bad=%u flag_bad=%u kept=%u\n", t->data_bad, t->flag_bad, t->kept);
}

static enum kind parse_kind(const char *text)
{
	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		if (!strcmp(text, kinds[kind].name))
			return kind;
	errx(2, "no such race: %s", text);
}

static _Noreturn void usage(void)
{
	fputs("usage: race --kind=free|inuse|buddy|freehuge|gup --rounds=N"
	      " --workers=N [--fragment]\n",
	      stderr);
	exit(2);
}

static void parse_options(struct race *race, int argc, char **argv)
{
	static const struct option options[] = {
		{ "kind", required_argument, NULL, 'k' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "workers", required_argument, NULL, 'w' },
		{ "fragment", no_argument, NULL, 'f' },
		{ 0 },
	};
	int option;

	race->kind = KIND_COUNT;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'k':
			race->kind = parse_kind(optarg);
			break;
		case 'r':
			race->rounds = parse_number(optarg);
			break;
		case 'w':
			race->workers = parse_number(optarg);
			break;
		case 'f':
			race->fragment = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || race->kind == KIND_COUNT || !race->rounds || !race->workers)
		usage();
}

int main(int argc, char **argv)
{
	struct race race = { 0 };

	parse_options(&race, argc, argv);
	/* One each for the workers, for us, for the migration, and some spare ones. */
	race.pool = race.workers + 4;
	race.pagemap = pagemap_open();
	prctl(PR_SET_NAME, REQUEST_COMM);
	make_contents();
	run(&race);
	print_tally(&race.tally);
	return 0;
}
