/* unwind_steps PROGRAM: steps through a program from its first instruction to its last, and walks its stack by our tables before
 * each. What the stack is, it knows by itself: each call instruction puts an address on it, each return takes one off. So no
 * unwind information is believed, ours or another's. x86-64.
 *
 * Prints "steps N calls C deepest D short S wrong W"; fails if a frame is wrong, or more than one stack of 200 ends too soon: there
 * a rule is needed that the tables cannot say, and all frames to there are right. The program is fixtures/steps.c: a jump into the
 * middle of a stack, as of longjmp(3), is not followed. */
#include "tests/traced.h"

#define STEPS_MAX 100000
#define DEPTH_MAX 200
#define SHOWN 5

struct stepper {
	struct traced ours;
	uint64_t returns[DEPTH_MAX]; /* return addresses, the outermost first */
	unsigned depth, deepest;
	uint64_t frames[DEPTH_MAX + 1]; /* what a walk must give */
	unsigned nr_steps, nr_calls, nr_short, nr_wrong;
};

enum instruction { OTHER, CALL, RETURN };

/* Of Intel's manual, volume 2, appendix A. */
static enum instruction classify(const uint8_t *code, size_t size)
{
	size_t i = 0;

	while (i < size && (code[i] == 0xf2 || code[i] == 0xf3 || code[i] == 0x3e || code[i] == 0x66 || code[i] == 0x67 ||
			    (code[i] & 0xf0) == 0x40))
		i++; /* bnd, rep, notrack, sizes, REX */
	if (i + 1 >= size)
		return OTHER;
	if (code[i] == 0xe8 || (code[i] == 0xff && (code[i + 1] >> 3 & 7) == 2))
		return CALL;
	return code[i] == 0xc3 || code[i] == 0xc2 ? RETURN : OTHER;
}

static enum instruction instruction_at(const struct stepper *s, uint64_t ip)
{
	uint8_t code[16];
	struct iovec local = { code, sizeof(code) }, remote = { (void *)(uintptr_t)ip, sizeof(code) };
	ssize_t n = process_vm_readv(s->ours.pid, &local, 1, &remote, 1, 0);

	return n > 0 ? classify(code, (size_t)n) : OTHER;
}

static void impossible(const char *what, uint64_t ip)
{
	fprintf(stderr, "at %" PRIx64 ": %s: the program is not one to be stepped through\n", ip, what);
	exit(3);
}

/* What the instruction before has done to the stack. */
static void follow(struct stepper *s, enum instruction last, const struct user_regs_struct *r)
{
	if (last == RETURN) {
		if (!s->depth || s->returns[--s->depth] != r->rip)
			impossible("a return to where nobody called", r->rip);
	} else if (last == CALL) {
		if (s->depth == DEPTH_MAX || s->ours.stack_size < sizeof(uint64_t))
			impossible("too deep", r->rip);
		memcpy(&s->returns[s->depth++], s->ours.stack, sizeof(uint64_t));
		s->nr_calls++;
		if (s->depth > s->deepest)
			s->deepest = s->depth;
	}
}

static void compare(struct stepper *s, uint64_t ip)
{
	const struct unwind_walk *walk = &s->ours.walk;
	unsigned nr = 0;
	bool same;

	s->frames[nr++] = ip;
	for (unsigned i = s->depth; i-- > 0;)
		s->frames[nr++] = s->returns[i] - 1;
	same = walk->nr <= nr && !walk->nr_guessed && !memcmp(walk->addresses, s->frames, walk->nr * sizeof(s->frames[0]));
	if (same && walk->nr == nr && walk->stop == UNWIND_STOP_COMPLETE)
		return;
	if (same && walk->stop == UNWIND_STOP_UNSUPPORTED)
		s->nr_short++;
	else if (s->nr_wrong++ < SHOWN)
		traced_show(&s->ours, ip, s->frames, nr);
}

int main(int argc, char **argv)
{
	static struct stepper s;
	enum instruction last = OTHER;
	struct user_regs_struct r;
	int sig;

	if (argc < 2)
		return 2;
	traced_start(&s.ours, argv + 1);
	traced_read_maps(&s.ours);
	do {
		if (++s.nr_steps > STEPS_MAX)
			impossible("no end", r.rip);
		if (ptrace(PTRACE_GETREGS, s.ours.pid, NULL, &r))
			traced_die("PTRACE_GETREGS");
		traced_walk(&s.ours, &r);
		follow(&s, last, &r);
		compare(&s, r.rip);
		last = instruction_at(&s, r.rip);
		if (ptrace(PTRACE_SINGLESTEP, s.ours.pid, NULL, NULL))
			traced_die("PTRACE_SINGLESTEP");
		sig = traced_wait(&s.ours);
		if (sig >= 0 && sig != SIGTRAP)
			impossible(strsignal(sig), r.rip);
	} while (sig >= 0);
	printf("# steps %u calls %u deepest %u short %u wrong %u\n", s.nr_steps, s.nr_calls, s.deepest, s.nr_short, s.nr_wrong);
	traced_free(&s.ours);
	return s.nr_wrong || !s.nr_calls || s.nr_short > s.nr_steps / 200;
}
