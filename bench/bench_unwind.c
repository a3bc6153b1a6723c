/* Unwind tables and the walker. Prints "METRIC VALUE UNIT" lines:
 *	bench_unwind tables FILE    compiles all pages of FILE: time, rows, bytes
 *	bench_unwind walk           walks one stack of 17 frames, all rules warm
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "object/cfi.h"
#include "object/elf.h"
#include "unwind/stack.h"

#define ROUNDS 5
#define WALKS 200000
#define FRAMES 17

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(double *v, unsigned nr)
{
	qsort(v, nr, sizeof(*v), by_value);
	return v[nr / 2];
}

static int compile_all(int fd, struct unwind_tables *t)
{
	struct elf *e = NULL;
	struct cfi *c = NULL;
	int err = elf_open(&e, fd);

	if (!err)
		err = cfi_open(&c, e, NULL);
	for (uint64_t at = 0; !err; at += UNWIND_PAGE_SIZE) {
		struct unwind_page page;

		at = cfi_next_page(c, at);
		if (at == UINT64_MAX)
			break;
		err = cfi_page(c, at, &page);
		if (!err && t)
			err = unwind_tables_add(t, 1, &page);
	}
	cfi_close(c);
	elf_close(e);
	return err;
}

static int tables(const char *path)
{
	struct unwind_tables *t = unwind_tables_new(SIZE_MAX);
	double compile[ROUNDS], take[ROUNDS];
	struct unwind_tables_stats s;
	struct rusage usage;
	int fd = open(path, O_RDONLY), err = fd < 0 ? -errno : 0;

	for (unsigned i = 0; i < ROUNDS && !err; i++) {
		double start = cpu_ms();

		err = compile_all(fd, NULL);
		compile[i] = cpu_ms() - start;
		start = cpu_ms();
		if (!err)
			err = compile_all(fd, t);
		take[i] = cpu_ms() - start;
	}
	if (err) {
		fprintf(stderr, "bench_unwind: %s: %s\n", path, strerror(-err));
		return 1;
	}
	unwind_tables_stats(t, &s);
	getrusage(RUSAGE_SELF, &usage);
	printf("compile %.1f ms\n", median(compile, ROUNDS));
	printf("compile_and_take %.1f ms\n", median(take, ROUNDS));
	printf("rows %u rows\npages %u pages\nrules %u rules\n", s.nr_rows, s.nr_pages, s.nr_rules);
	printf("rows_size %.2f MB\n", s.nr_rows * 4 / 1e6);
	printf("tables_size %.2f MB\n", (double)s.size / 1e6);
	printf("peak_rss %.1f MB\n", (double)usage.ru_maxrss / 1024);
	unwind_tables_free(t);
	close(fd);
	return 0;
}

/* Frames of 48 bytes, found by the stack pointer; one page of one row. */
static void find(void *ctx, uint64_t address, struct unwind_code *code)
{
	*code = (struct unwind_code){ UNWIND_CODE_OBJECT, 1, 0x400000 };
}

static int walk(void)
{
	struct unwind_rule rules[3] = { { 0 }, { 48, -16, UNWIND_SP, UNWIND_FP_CFA },
					{ .cfa = UNWIND_END } };
	uint32_t rows[2] = { 1, 0x8000 << 16 | 2 };
	struct unwind_page page = { 0, 2, 3, rows, rules };
	struct unwind_tables *t = unwind_tables_new(1 << 20);
	struct unwinder *u = unwinder_new(t);
	struct unwind_space space = { 1, NULL, find };
	struct unwind_walk *w = malloc(sizeof(*w));
	uint64_t stack[FRAMES * 6] = { 0 };
	struct unwind_regs regs = { 0x400010, 0x7ffc00000000, 0 };
	double ns[ROUNDS];

	for (unsigned i = 0; i < FRAMES - 1; i++)
		stack[i * 6 + 5] = i < FRAMES - 2 ? 0x400100 + i * 64 : 0x408010;
	if (!w || unwind_tables_add(t, 1, &page))
		return 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		double start = cpu_ms();

		for (unsigned k = 0; k < WALKS; k++)
			unwind_stack(u, &space, &regs, stack, sizeof(stack), w);
		ns[i] = (cpu_ms() - start) * 1e6 / WALKS;
	}
	if (w->stop != UNWIND_STOP_COMPLETE || w->nr != FRAMES)
		return 1;
	printf("walk %.0f ns\n", median(ns, ROUNDS));
	free(w);
	unwinder_free(u);
	unwind_tables_free(t);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "tables"))
		return tables(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "walk"))
		return walk();
	fprintf(stderr, "usage: bench_unwind tables FILE | walk\n");
	return 2;
}
