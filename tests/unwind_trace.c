/* unwind_trace [-u] [-n STEPS] PROGRAM [ARGUMENTS]: runs a program that raises SIGUSR1 where it
 * gets interesting, walks its stack there and after each of the next STEPS instructions, by our
 * tables and by libdw, and compares. On its first instruction in the vDSO it is sent SIGUSR2. Prints
 * "walks N identical M unsupported U frames F deepest D in-vdso V further W" and the first differences; fails
 * below 99.5 %. Unsupported: ours ends at a rule that the tables cannot say, and is right so far;
 * with -u that is no failure. */
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
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

#define MAPS_MAX 256
#define STACK_SIZE (256u << 10)
#define DIFFERENCES_SHOWN 5

struct map {
	uint64_t start, end, pgoff;
	char path[256];
	int fd;
	struct elf *elf;
	struct cfi *cfi;
	bool exec;
};

struct tracer {
	pid_t pid;
	struct map maps[MAPS_MAX];
	unsigned nr_maps;
	struct unwind_tables *tables;
	struct unwinder *unwinder;
	Dwfl *dwfl;
	uint64_t theirs[UNWIND_FRAMES_MAX];
	unsigned nr_theirs;
	struct unwind_walk ours;
	uint64_t nr_walks, nr_same, nr_unsupported, nr_frames, nr_vdso, nr_further;
	unsigned deepest;
	bool sent;
};

static void die(const char *what)
{
	fprintf(stderr, "unwind_trace: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- Ours --- */

static void read_maps(struct tracer *t)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", t->pid);
	f = fopen(path, "r");
	if (!f)
		die(path);
	while (t->nr_maps < MAPS_MAX && fgets(line, sizeof(line), f)) {
		struct map *m = &t->maps[t->nr_maps];
		char perms[8];

		m->path[0] = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255s", &m->start,
			   &m->end, perms, &m->pgoff, m->path) >= 4 && perms[2] == 'x') {
			m->fd = -1;
			t->nr_maps++;
		}
	}
	fclose(f);
}

static bool open_map(struct map *m)
{
	uint64_t size;

	if (m->elf)
		return m->cfi;
	m->fd = strcmp(m->path, "[vdso]") ? open(m->path, O_RDONLY) : vdso_open(&size);
	return m->fd >= 0 && !elf_open(&m->elf, m->fd) && !cfi_open(&m->cfi, m->elf, NULL);
}

static void find(void *ctx, uint64_t address, struct unwind_code *code)
{
	struct tracer *t = ctx;

	code->kind = UNWIND_CODE_UNMAPPED;
	for (unsigned i = 0; i < t->nr_maps; i++) {
		struct map *m = &t->maps[i];

		if (address < m->start || address >= m->end)
			continue;
		code->kind = open_map(m) ? UNWIND_CODE_OBJECT : UNWIND_CODE_UNKNOWN;
		code->object = i + 1;
		code->bias = m->start - m->pgoff;
	}
}

static void walk(struct tracer *t, const struct user_regs_struct *r)
{
	static uint8_t stack[STACK_SIZE];
	struct unwind_space space = { 1, t, find };
	struct unwind_regs regs = { r->rip, r->rsp, r->rbp };
	size_t size = STACK_SIZE;
	struct unwind_page page;

	/* To the end of the stack, wherever that is: it ends with a page. */
	for (; size; size = (size > 4096 ? size - 4096 : 0)) {
		struct iovec local = { stack, size }, remote = { (void *)(uintptr_t)r->rsp, size };
		ssize_t n = process_vm_readv(t->pid, &local, 1, &remote, 1, 0);

		if (n > 0) {
			size = (size_t)n;
			break;
		}
	}
	do
		unwind_stack(t->unwinder, &space, &regs, stack, size, &t->ours);
	while (t->ours.stop == UNWIND_STOP_NO_PAGE && t->ours.missing_object &&
	       !cfi_page(t->maps[t->ours.missing_object - 1].cfi, t->ours.missing_offset, &page) &&
	       !unwind_tables_add(t->tables, t->ours.missing_object, &page));
}

/* --- libdw's --- */

static int take_frame(Dwfl_Frame *frame, void *ctx)
{
	struct tracer *t = ctx;
	bool activation;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, &activation) || t->nr_theirs == UNWIND_FRAMES_MAX)
		return DWARF_CB_ABORT;
	if (!pc)
		return DWARF_CB_ABORT;
	t->theirs[t->nr_theirs++] = activation ? pc : pc - 1;
	return DWARF_CB_OK;
}

static void open_dwfl(struct tracer *t)
{
	static const Dwfl_Callbacks callbacks = { .find_elf = dwfl_linux_proc_find_elf,
						  .find_debuginfo = dwfl_standard_find_debuginfo };

	t->dwfl = dwfl_begin(&callbacks);
	if (!t->dwfl || dwfl_linux_proc_report(t->dwfl, t->pid) ||
	    dwfl_report_end(t->dwfl, NULL, NULL) || dwfl_linux_proc_attach(t->dwfl, t->pid, true))
		die("libdwfl");
}

/* --- Both --- */

static void show(const struct tracer *t, const struct user_regs_struct *r)
{
	printf("# at %llx: %s\n#   ours  ", r->rip, unwind_stop_text[t->ours.stop]);
	for (unsigned i = 0; i < t->ours.nr && i < 24; i++)
		printf(" %" PRIx64, t->ours.addresses[i]);
	printf("\n#   theirs");
	for (unsigned i = 0; i < t->nr_theirs && i < 24; i++)
		printf(" %" PRIx64, t->theirs[i]);
	putchar('\n');
}

/* Returns true when the program is in the vDSO. */
/* In what the start files bring without unwind information libdw ends, or leaves a frame out. */
static bool goes_further(struct tracer *t)
{
	bool further = t->ours.nr > t->nr_theirs && t->ours.stop == UNWIND_STOP_COMPLETE;

	t->nr_further += further;
	return further;
}

static bool compare(struct tracer *t)
{
	struct user_regs_struct r;
	bool same, vdso = false;

	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &r))
		die("PTRACE_GETREGS");
	walk(t, &r);
	t->nr_theirs = 0;
	dwfl_getthread_frames(t->dwfl, t->pid, take_frame, t);
	/* Startup code without any information ends both. */
	same = goes_further(t) ||
	       (t->ours.nr == t->nr_theirs &&
		(t->ours.stop == UNWIND_STOP_COMPLETE || t->ours.stop == UNWIND_STOP_NO_ROW) &&
		!memcmp(t->ours.addresses, t->theirs, t->nr_theirs * sizeof(t->theirs[0])));
	t->nr_walks++;
	t->nr_same += same;
	if (t->ours.stop == UNWIND_STOP_UNSUPPORTED && t->ours.nr <= t->nr_theirs &&
	    !memcmp(t->ours.addresses, t->theirs, t->ours.nr * sizeof(t->theirs[0])))
		t->nr_unsupported++;
	t->nr_frames += t->ours.nr;
	if (t->ours.nr > t->deepest)
		t->deepest = t->ours.nr;
	if (!same && t->nr_walks - t->nr_same <= DIFFERENCES_SHOWN)
		show(t, &r);
	for (unsigned i = 0; i < t->nr_maps; i++)
		vdso |= !strcmp(t->maps[i].path, "[vdso]") && r.rip >= t->maps[i].start &&
			r.rip < t->maps[i].end;
	t->nr_vdso += vdso;
	return vdso;
}

/* A signal that is to be delivered, 0: none, −1: it has ended. */
static int wait_stop(struct tracer *t)
{
	int status;

	if (waitpid(t->pid, &status, 0) != t->pid)
		die("waitpid");
	return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

static void step(struct tracer *t, unsigned nr)
{
	int sig = 0;

	while (nr--) {
		bool vdso = compare(t);

		if (vdso && !t->sent) {
			t->sent = true;
			sig = SIGUSR2;
		}
		ptrace(PTRACE_SINGLESTEP, t->pid, NULL, (void *)(intptr_t)sig);
		sig = wait_stop(t);
		if (sig < 0)
			exit(3); /* ended in the middle: the fixture is wrong */
		if (sig == SIGTRAP || sig == SIGUSR1)
			sig = 0;
	}
}

int main(int argc, char **argv)
{
	static struct tracer t;
	unsigned nr_steps = 1;
	bool unsupported = false;
	int first, sig;

	for (int option; (option = getopt(argc, argv, "+n:u")) != -1;) {
		if (option == 'n')
			nr_steps = (unsigned)atoi(optarg);
		else if (option == 'u')
			unsupported = true;
		else
			return 2;
	}
	first = optind;
	if (first >= argc)
		return 2;
	t.pid = fork();
	if (!t.pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execv(argv[first], argv + first);
		_exit(127);
	}
	ptrace(PTRACE_SETOPTIONS, t.pid, NULL, (void *)PTRACE_O_EXITKILL);
	t.tables = unwind_tables_new(64 << 20);
	t.unwinder = unwinder_new(t.tables);
	for (sig = wait_stop(&t); sig >= 0; sig = wait_stop(&t)) {
		if (sig == SIGUSR1) {
			if (!t.dwfl) {
				read_maps(&t);
				open_dwfl(&t);
			}
			step(&t, nr_steps);
		}
		if (sig == SIGTRAP || sig == SIGUSR1)
			sig = 0;
		ptrace(PTRACE_CONT, t.pid, NULL, (void *)(intptr_t)sig);
	}
	printf("# walks %" PRIu64 " identical %" PRIu64 " unsupported %" PRIu64 " frames %" PRIu64
	       " deepest %u in-vdso %" PRIu64 " further %" PRIu64 "\n",
	       t.nr_walks, t.nr_same, t.nr_unsupported, t.nr_frames, t.deepest, t.nr_vdso, t.nr_further);
	if (unsupported)
		t.nr_same += t.nr_unsupported;
	for (unsigned i = 0; i < t.nr_maps; i++) {
		cfi_close(t.maps[i].cfi);
		elf_close(t.maps[i].elf);
		if (t.maps[i].fd >= 0)
			close(t.maps[i].fd);
	}
	dwfl_end(t.dwfl);
	unwinder_free(t.unwinder);
	unwind_tables_free(t.tables);
	return !t.nr_walks || t.nr_same < t.nr_walks - t.nr_walks / 200 || t.nr_further > t.nr_walks / 20;
}
