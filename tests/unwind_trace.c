/* unwind_trace [-u] [-n STEPS] PROGRAM [ARGUMENTS]: runs a program that raises SIGUSR1 where it
 * gets interesting, walks its stack there and after each of the next STEPS instructions, by our
 * tables and by libdw, and compares. On its first instruction in the vDSO it is sent SIGUSR2. Prints
 * "walks N identical M unsupported U frames F deepest D in-vdso V further W" and the first differences; fails
 * below 99.5 %. Unsupported: ours ends at a rule that the tables cannot say, and is right so far;
 * with -u that is no failure. */
#include <elfutils/libdwfl.h>
#include <signal.h>

#include "tests/traced.h"

#define DIFFERENCES_SHOWN 5

struct tracer {
	struct traced ours;
	Dwfl *dwfl;
	uint64_t theirs[UNWIND_FRAMES_MAX];
	unsigned nr_theirs;
	uint64_t nr_walks, nr_same, nr_unsupported, nr_frames, nr_vdso, nr_further;
	unsigned deepest;
	bool sent;
};

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
	if (!t->dwfl || dwfl_linux_proc_report(t->dwfl, t->ours.pid) ||
	    dwfl_report_end(t->dwfl, NULL, NULL) || dwfl_linux_proc_attach(t->dwfl, t->ours.pid, true))
		traced_die("libdwfl");
}

/* --- Both --- */

/* In what the start files bring without unwind information libdw ends, or leaves a frame out. */
static bool goes_further(struct tracer *t)
{
	bool further = t->ours.walk.nr > t->nr_theirs && t->ours.walk.stop == UNWIND_STOP_COMPLETE;

	t->nr_further += further;
	return further;
}

/* Returns true when the program is in the vDSO. */
static bool compare(struct tracer *t)
{
	const struct unwind_walk *walk = &t->ours.walk;
	struct user_regs_struct r;
	bool same, vdso = false;

	if (ptrace(PTRACE_GETREGS, t->ours.pid, NULL, &r))
		traced_die("PTRACE_GETREGS");
	traced_walk(&t->ours, &r);
	t->nr_theirs = 0;
	dwfl_getthread_frames(t->dwfl, t->ours.pid, take_frame, t);
	/* Startup code without any information ends both. */
	same = goes_further(t) ||
	       (walk->nr == t->nr_theirs && (walk->stop == UNWIND_STOP_COMPLETE || walk->stop == UNWIND_STOP_NO_ROW) &&
		!memcmp(walk->addresses, t->theirs, t->nr_theirs * sizeof(t->theirs[0])));
	t->nr_walks++;
	t->nr_same += same;
	if (walk->stop == UNWIND_STOP_UNSUPPORTED && walk->nr <= t->nr_theirs &&
	    !memcmp(walk->addresses, t->theirs, walk->nr * sizeof(t->theirs[0])))
		t->nr_unsupported++;
	t->nr_frames += walk->nr;
	if (walk->nr > t->deepest)
		t->deepest = walk->nr;
	if (!same && t->nr_walks - t->nr_same <= DIFFERENCES_SHOWN)
		traced_show(&t->ours, r.rip, t->theirs, t->nr_theirs);
	for (unsigned i = 0; i < t->ours.nr_maps; i++) {
		const struct traced_map *m = &t->ours.maps[i];

		vdso |= !strcmp(m->path, "[vdso]") && r.rip >= m->start && r.rip < m->end;
	}
	t->nr_vdso += vdso;
	return vdso;
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
		ptrace(PTRACE_SINGLESTEP, t->ours.pid, NULL, (void *)(intptr_t)sig);
		sig = traced_wait(&t->ours);
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
	traced_start(&t.ours, argv + first);
	for (sig = SIGTRAP; sig >= 0; sig = traced_wait(&t.ours)) {
		if (sig == SIGUSR1) {
			if (!t.dwfl) {
				traced_read_maps(&t.ours);
				open_dwfl(&t);
			}
			step(&t, nr_steps);
		}
		if (sig == SIGTRAP || sig == SIGUSR1)
			sig = 0;
		ptrace(PTRACE_CONT, t.ours.pid, NULL, (void *)(intptr_t)sig);
	}
	printf("# walks %" PRIu64 " identical %" PRIu64 " unsupported %" PRIu64 " frames %" PRIu64
	       " deepest %u in-vdso %" PRIu64 " further %" PRIu64 "\n",
	       t.nr_walks, t.nr_same, t.nr_unsupported, t.nr_frames, t.deepest, t.nr_vdso, t.nr_further);
	if (unsupported)
		t.nr_same += t.nr_unsupported;
	dwfl_end(t.dwfl);
	traced_free(&t.ours);
	return !t.nr_walks || t.nr_same < t.nr_walks - t.nr_walks / 200 || t.nr_further > t.nr_walks / 20;
}
