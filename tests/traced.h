/* traced.h: a program that is traced: what it has mapped, and walks of its stack by our tables, as the sampler does them, by
 * registers and a copy of the stack. For the tests that step through programs. */
#ifndef TESTS_TRACED_H
#define TESTS_TRACED_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "object/cfi.h"
#include "object/elf.h"
#include "symbolize/vdso.h"
#include "unwind/stack.h"

#define TRACED_MAPS_MAX 256
#define TRACED_STACK_SIZE (256u << 10)

struct traced_map {
	uint64_t start, end, pgoff;
	char path[256];
	int fd;
	struct elf *elf;
	struct cfi *cfi;
};

struct traced {
	pid_t pid;
	struct traced_map maps[TRACED_MAPS_MAX]; /* executable ones */
	unsigned nr_maps;
	struct unwind_tables *tables;
	struct unwinder *unwinder;
	uint8_t stack[TRACED_STACK_SIZE]; /* from the stack pointer on */
	size_t stack_size;
	struct unwind_walk walk;
};

static void traced_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

/* A signal that is to be delivered, 0: none, −1: it has ended. */
static int traced_wait(struct traced *t)
{
	int status;

	if (waitpid(t->pid, &status, 0) != t->pid)
		traced_die("waitpid");
	return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

/* Runs ARGV, which stops before its first instruction. */
static void traced_start(struct traced *t, char **argv)
{
	t->tables = unwind_tables_new(64 << 20);
	t->unwinder = unwinder_new(t->tables);
	t->pid = fork();
	if (!t->pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			traced_die("ptrace");
		execv(argv[0], argv);
		traced_die(argv[0]);
	}
	if (traced_wait(t) != SIGTRAP)
		exit(2);
	if (ptrace(PTRACE_SETOPTIONS, t->pid, NULL, (void *)PTRACE_O_EXITKILL))
		traced_die("PTRACE_SETOPTIONS");
}

static void traced_read_maps(struct traced *t)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", t->pid);
	f = fopen(path, "r");
	if (!f)
		traced_die(path);
	while (t->nr_maps < TRACED_MAPS_MAX && fgets(line, sizeof(line), f)) {
		struct traced_map *m = &t->maps[t->nr_maps];
		char perms[8];

		m->path[0] = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255s", &m->start, &m->end, perms,
			   &m->pgoff, m->path) >= 4 && perms[2] == 'x') {
			m->fd = -1;
			t->nr_maps++;
		}
	}
	fclose(f);
}

static void traced_free(struct traced *t)
{
	for (unsigned i = 0; i < t->nr_maps; i++) {
		cfi_close(t->maps[i].cfi);
		elf_close(t->maps[i].elf);
		if (t->maps[i].fd >= 0)
			close(t->maps[i].fd);
	}
	unwinder_free(t->unwinder);
	unwind_tables_free(t->tables);
}

static bool traced_open(struct traced_map *m)
{
	uint64_t size;

	if (m->elf)
		return m->cfi;
	m->fd = strcmp(m->path, "[vdso]") ? open(m->path, O_RDONLY) : vdso_open(&size);
	return m->fd >= 0 && !elf_open(&m->elf, m->fd) && !cfi_open(&m->cfi, m->elf, NULL);
}

static void traced_find(void *ctx, uint64_t address, struct unwind_code *code)
{
	struct traced *t = ctx;

	code->kind = UNWIND_CODE_UNMAPPED;
	for (unsigned i = 0; i < t->nr_maps; i++) {
		struct traced_map *m = &t->maps[i];

		if (address < m->start || address >= m->end)
			continue;
		code->kind = traced_open(m) ? UNWIND_CODE_OBJECT : UNWIND_CODE_UNKNOWN;
		code->object = i + 1;
		code->bias = m->start - m->pgoff;
	}
}

/* Its stack to its end, wherever that is: it ends with a page. */
static void traced_copy_stack(struct traced *t, uint64_t sp)
{
	for (size_t size = TRACED_STACK_SIZE; size; size = size > 4096 ? size - 4096 : 0) {
		struct iovec local = { t->stack, size }, remote = { (void *)(uintptr_t)sp, size };
		ssize_t n = process_vm_readv(t->pid, &local, 1, &remote, 1, 0);

		t->stack_size = n > 0 ? (size_t)n : 0;
		if (n > 0)
			return;
	}
}

/* Walks its stack: t->walk. */
static void traced_walk(struct traced *t, const struct user_regs_struct *r)
{
	struct unwind_space space = { 1, t, traced_find };
	struct unwind_regs regs = { r->rip, r->rsp, r->rbp };
	struct unwind_page page;

	traced_copy_stack(t, r->rsp);
	do
		unwind_stack(t->unwinder, &space, &regs, t->stack, t->stack_size, &t->walk);
	while (t->walk.stop == UNWIND_STOP_NO_PAGE && t->walk.missing_object &&
	       !cfi_page(t->maps[t->walk.missing_object - 1].cfi, t->walk.missing_offset, &page) &&
	       !unwind_tables_add(t->tables, t->walk.missing_object, &page));
}

/* Both walks, where they differ. */
static void traced_show(const struct traced *t, uint64_t ip, const uint64_t *theirs, unsigned nr)
{
	printf("# at %" PRIx64 ": %s\n#   ours  ", ip, unwind_stop_text[t->walk.stop]);
	for (unsigned i = 0; i < t->walk.nr && i < 24; i++)
		printf(" %" PRIx64, t->walk.addresses[i]);
	printf("\n#   theirs");
	for (unsigned i = 0; i < nr && i < 24; i++)
		printf(" %" PRIx64, theirs[i]);
	putchar('\n');
}

#endif
