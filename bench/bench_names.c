/* Names of functions.
 *	bench_names -g N FILE          prints N addresses in functions of an ELF file, the same ones
 *	bench_names FILE <ADDRESSES    prints their names
 *	bench_names -w FILE <…         what windows of such locations cost in symbolize()
 *	bench_names -o FILE <…         what their files, lines and inlined calls cost, of a Go program
 *	bench_names -j                 what a map of 200 000 functions made at run time costs
 *	bench_names -k                 what reading /proc/kallsyms costs
 *	bench_names -t INPUT COMMAND…  runs a command; its wall time, CPU time and peak memory (KiB) */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "object/elf.h"
#include "object/gopclntab.h"
#include "object/jitmap.h"
#include "object/kallsyms.h"
#include "object/radix.h"
#include "object/symtab.h"
#include "symbolize/levels.h"
#include "symbolize/name_table.h"
#include "symbolize/symbolize.h"

static double now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fatal("%s", path);
	return fd;
}

static struct elf *open_elf(const char *path, int *fd)
{
	struct elf *e;
	int err;

	*fd = open_file(path);
	err = elf_open(&e, *fd);
	if (err)
		fatalx("%s: %s", path, strerror(-err));
	return e;
}

static void print_addresses(const char *path, long nr)
{
	uint64_t x = 88172645463325252u, limit = 0;
	struct levels l = { 0 };
	struct level_function f;
	struct elf *e;
	int fd;

	e = open_elf(path, &fd);
	if (levels_open(&l, e))
		fatalx("%s: no functions", path);
	for (unsigned i = 0; i < elf_nr_segments(e); i++)
		if (elf_segment(e, i)->exec &&
		    elf_segment(e, i)->vaddr + elf_segment(e, i)->file_size > limit)
			limit = elf_segment(e, i)->vaddr + elf_segment(e, i)->file_size;
	while (nr > 0) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (levels_find(&l, fd, x % limit, &f) || f.level == LEVEL_BOUNDS)
			continue;
		printf("0x%" PRIx64 "\n", x % limit);
		nr--;
	}
}

/* A mapping for each executable segment, where the file says: addresses are the file's own. */
static struct profile *make_profile(const struct elf *e, const uint64_t *addresses, uint32_t nr)
{
	struct profile *p = profile_new();

	for (unsigned i = 0; i < elf_nr_segments(e); i++) {
		const struct elf_segment *s = elf_segment(e, i);
		struct profile_mapping m = { .start = s->vaddr,
					     .limit = s->vaddr + s->file_size,
					     .offset = s->offset,
					     .object = 1 };

		if (s->exec)
			profile_mapping(p, &m);
	}
	for (uint32_t i = 0; i < nr; i++)
		for (uint32_t m = 0; m < p->nr_mappings; m++)
			if (addresses[i] >= p->mappings[m].start &&
			    addresses[i] < p->mappings[m].limit)
				profile_location(p, m, addresses[i]);
	return p;
}

/* Their names, in the order of the addresses read; each function's is made once. Looked up in order of address, as
 * windows are. */
static void print_names(const char *path)
{
	uint32_t nr = 0, cap = 1 << 17, *found = xcalloc(cap, sizeof(*found));
	struct radix_entry *addresses = xcalloc(cap, sizeof(*addresses));
	struct name_table names = { 0 };
	struct symtab *t;
	struct symbol s = { .index = UINT32_MAX };
	struct elf *e;
	char line[64];
	int fd;

	e = open_elf(path, &fd);
	if (symtab_open(&t, e))
		fatalx("%s: no symbols", path);
	for (; nr < cap && fgets_unlocked(line, sizeof(line), stdin); nr++)
		addresses[nr] = (struct radix_entry){ .key = strtoull(line, NULL, 16), .a = nr };
	if (radix_sort(addresses, nr))
		fatalx("out of memory");
	for (uint32_t i = 0, before = UINT32_MAX; i < nr; i++) {
		if (symtab_lookup(t, addresses[i].key, &s))
			continue;
		if (s.index != before && !symtab_name(t, fd, &s) &&
		    name_table_add(&names, s.index, s.name))
			before = s.index;
		if (s.index == before)
			found[addresses[i].a] = names.nr;
	}
	for (uint32_t i = 0; i < nr; i++) {
		fputs_unlocked(found[i] ? name_table_text(&names, names.names[found[i] - 1].name) : "??", stdout);
		putchar_unlocked('\n');
	}
	name_table_fini(&names);
	symtab_free(t);
	elf_close(e);
	free(addresses);
	free(found);
}

/* As the worker does: a window whose locations are these, and the same again. */
static void name_windows(const char *path)
{
	struct symbolize_object o = { .id = { .dev = 1 } };
	struct symbolizer *s = symbolizer_new(64 << 20);
	uint32_t nr = 0, cap = 1 << 17;
	uint64_t *addresses = xcalloc(cap, sizeof(*addresses));
	struct symbolize_stats stats = { 0 };
	struct elf *e = open_elf(path, &o.fd);
	double cpu[2];
	char line[64];

	while (nr < cap && fgets(line, sizeof(line), stdin))
		addresses[nr++] = strtoull(line, NULL, 16);
	for (unsigned window = 0; window < 2; window++) {
		struct profile *p = make_profile(e, addresses, nr);

		cpu[window] = now(CLOCK_PROCESS_CPUTIME_ID);
		symbolize(s, p, &o, 1, NULL, NULL, &stats);
		cpu[window] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu[window];
		profile_free(p);
	}
	printf("  a window of them: %u of %u locations named in %.1f ms, the next in %.1f ms: 1/%.1f (limit 1/10); %.1f MB kept\n",
	       stats.nr_named, stats.nr_locations, 1e3 * cpu[0], 1e3 * cpu[1], cpu[0] / cpu[1],
	       (double)symbolizer_size(s) / 1e6);
	symbolizer_free(s);
	elf_close(e);
	free(addresses);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Look-ups a second, with the names of functions and files. */
static double go_rate(struct gopclntab *t, int fd, const uint64_t *addresses, uint32_t nr,
		      uint32_t *nr_frames)
{
	static struct go_frame frames[GOPCLNTAB_FRAMES_MAX];
	char name[GOPCLNTAB_NAME_MAX];
	double cpu = now(CLOCK_PROCESS_CPUTIME_ID);

	*nr_frames = 0;
	for (uint32_t i = 0; i < nr; i++) {
		int found = gopclntab_frames(t, fd, addresses[i], frames);

		for (int k = 0; k < found; k++, ++*nr_frames) {
			gopclntab_name(t, fd, frames[k].name, name, sizeof(name));
			gopclntab_file(t, fd, frames[k].file, name, sizeof(name));
		}
	}
	return nr / (now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

static void go_frames(const char *path)
{
	uint32_t nr = 0, cap = 1 << 17, nr_frames;
	uint64_t *addresses = xcalloc(cap, sizeof(*addresses));
	struct gopclntab *t;
	double any, sorted;
	struct elf *e;
	char line[64];
	int fd;

	e = open_elf(path, &fd);
	if (gopclntab_open(&t, e))
		fatalx("%s: no Go program", path);
	while (nr < cap && fgets(line, sizeof(line), stdin))
		addresses[nr++] = strtoull(line, NULL, 16);
	any = go_rate(t, fd, addresses, nr, &nr_frames);
	qsort(addresses, nr, sizeof(*addresses), by_value);
	sorted = go_rate(t, fd, addresses, nr, &nr_frames);
	printf("Go: %u functions; %u addresses, %u frames with file and line: %.0f look-ups/s in order, as windows ask (limit 200000), %.0f at random; %.2f MB held (limit 1)\n",
	       gopclntab_nr(t), nr, nr_frames, sorted, any, (double)gopclntab_size(t) / 1e6);
	gopclntab_free(t);
	elf_close(e);
	free(addresses);
}

static void read_jitmap(void)
{
	enum { NR = 200000 };
	FILE *f = tmpfile();
	double best = 1, cpu;

	for (uint64_t i = 0, x = 88172645463325252u; f && i < NR; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		fprintf(f, "%" PRIx64 " %x LazyCompile:*function%" PRIu64 " /srv/application/lib/module.js:%u\n",
			0x7f0000000000 + x % NR * 512, (unsigned)(x % 480) + 16, i, (unsigned)(x % 5000));
	}
	if (!f || fflush(f))
		fatal("a map of functions");
	for (unsigned i = 0; i < 5; i++) {
		struct jitmap *m;

		cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		if (jitmap_open(&m, fileno(f)))
			fatalx("a map of functions cannot be read");
		cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		best = cpu < best ? cpu : best;
		if (i == 4)
			printf("JIT: %u functions of a perf map, %.0f ns an entry (limit 200), %.1f MB held\n", jitmap_nr(m),
			       1e9 * best / jitmap_nr(m), (double)jitmap_size(m) / 1e6);
		jitmap_free(m);
	}
	fclose(f);
}

static long anon_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "RssAnon: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

static void read_kallsyms(void)
{
	long before = anon_kib();
	double best = 1, cpu;
	struct rusage usage;
	struct kallsyms *k;

	for (unsigned i = 0; i < 5; i++) {
		int fd = open_file("/proc/kallsyms"), err;

		cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		err = kallsyms_open(&k, fd);
		cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		best = cpu < best ? cpu : best;
		if (err)
			fatalx("/proc/kallsyms: %s", strerror(-err));
		if (i == 4)
			break;
		kallsyms_free(k);
		close(fd);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("kallsyms: %u functions, %.1f ms CPU (limit 60), %.1f MB held, %.1f MB anon (limit 6), peak %.1f MB\n",
	       kallsyms_nr(k), 1e3 * best, (double)kallsyms_size(k) / 1e6,
	       (double)(anon_kib() - before) / 1e3, (double)usage.ru_maxrss / 1e3);
	kallsyms_free(k);
}

static int run(char **argv)
{
	double start = now(CLOCK_MONOTONIC);
	struct rusage usage;
	int status = 1;
	pid_t pid = fork();

	if (pid < 0)
		fatal("fork");
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		if (dup2(open_file(argv[0]), 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			fatal("dup2");
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	printf("%.4f %.4f %ld\n", now(CLOCK_MONOTONIC) - start,
	       (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
	       usage.ru_maxrss);
	return status;
}

int main(int argc, char **argv)
{
	log_init("bench_names", false);
	setvbuf(stdin, NULL, _IOFBF, 1 << 16);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	if (argc == 4 && !strcmp(argv[1], "-g"))
		print_addresses(argv[3], atol(argv[2]));
	else if (argc == 2 && !strcmp(argv[1], "-k"))
		read_kallsyms();
	else if (argc == 2 && !strcmp(argv[1], "-j"))
		read_jitmap();
	else if (argc > 3 && !strcmp(argv[1], "-t"))
		return run(argv + 2) != 0;
	else if (argc == 3 && !strcmp(argv[1], "-w"))
		name_windows(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "-o"))
		go_frames(argv[2]);
	else if (argc == 2)
		print_names(argv[1]);
	else
		fatalx("usage: bench_names FILE | -g N FILE | -w FILE | -o FILE | -j | -k | -t INPUT COMMAND…");
	return 0;
}
