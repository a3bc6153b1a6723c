/* A sample's callchain (perf_event_open(2), PERF_SAMPLE_CALLCHAIN) → the addresses of its stack;
 * or a walk's. */
#include <linux/perf_event.h>
#include <string.h>

#include "collect/state.h"

#define CONTEXT_KERNEL ((uint64_t)-128)
#define CONTEXT_USER ((uint64_t)-512)
#define CONTEXT_FIRST ((uint64_t)-4095) /* entries from here on are markers */

enum mode { MODE_OTHER, MODE_KERNEL, MODE_USER };

static enum mode mode_of_marker(uint64_t marker)
{
	/* Addresses of a guest or a hypervisor are not ours, a deferred user part is a cookie. */
	return marker == CONTEXT_KERNEL ? MODE_KERNEL :
	       marker == CONTEXT_USER	? MODE_USER :
					  MODE_OTHER;
}

static enum mode mode_of_record(const struct record *rec)
{
	unsigned cpumode = rec->misc & PERF_RECORD_MISC_CPUMODE_MASK;

	return cpumode == PERF_RECORD_MISC_KERNEL ? MODE_KERNEL :
	       cpumode == PERF_RECORD_MISC_USER	  ? MODE_USER :
						    MODE_OTHER;
}

/* The first address of either part is where it was interrupted or left, and stays as it is. Those
 * behind are return addresses: the call is before them. A frame-pointer chain does not tell which
 * frame a signal interrupted (it lacks that frame's pc and has the trampoline instead), so no
 * exception is made for it. */
static uint64_t *take(uint64_t *at, uint32_t *nr, uint64_t ip)
{
	*at = *nr && ip ? ip - 1 : ip;
	(*nr)++;
	return at + 1;
}

/* Returns the number of entries that are no markers. */
static uint32_t read_chain(struct collect *c, const struct record *rec, bool swap,
			   struct stack *out)
{
	const struct record_sample *s = &rec->sample;
	uint64_t nr = s->nr_ips < CHAIN_MAX ? s->nr_ips : CHAIN_MAX, *at = c->addresses;
	enum mode mode = mode_of_record(rec);
	uint32_t nr_entries = 0;

	for (uint64_t i = 0; i < nr; i++) {
		uint64_t ip = record_ip(s, i, swap);

		if (ip >= CONTEXT_FIRST) {
			mode = mode_of_marker(ip);
			continue;
		}
		nr_entries++;
		if (mode == MODE_USER)
			at = take(at, &out->nr_user, ip);
		else if (mode == MODE_KERNEL && !out->nr_user)
			at = take(at, &out->nr_kernel, ip);
	}
	return nr_entries;
}

void chain_read(struct collect *c, const struct record *rec, const struct record_layout *layout,
		struct stack *out)
{
	const struct record_sample *s = &rec->sample;
	bool has_ip = layout->sample_type & PERF_SAMPLE_IP && s->ip < CONTEXT_FIRST;
	enum mode mode = mode_of_record(rec);

	*out = (struct stack){ .addresses = c->addresses, .root = PSEUDO_NONE };
	if (read_chain(c, rec, layout->swap, out) >= c->o.max_stack)
		out->cut = CUT_DEEP;
	/* A chain may have been asked for one part only, or not at all: then the address alone says
	 * where. */
	if (has_ip && mode == MODE_USER && !out->nr_user)
		c->addresses[out->nr_kernel + out->nr_user++] = s->ip;
	else if (has_ip && mode == MODE_KERNEL && !out->nr_kernel && !out->nr_user)
		c->addresses[out->nr_kernel++] = s->ip;
	if (s->has_stack && s->regs_abi)
		out->cut = CUT_UNWALKED;
}

void chain_walked(struct collect *c, const struct unwind_walk *walk, struct stack *s)
{
	static const enum cut cuts[UNWIND_NR_STOPS] = {
		[UNWIND_STOP_COMPLETE] = CUT_NOT,
		[UNWIND_STOP_NO_MAPPING] = CUT_NO_MAPPING,
		[UNWIND_STOP_NO_PAGE] = CUT_NO_TABLE,
		[UNWIND_STOP_NO_ROW] = CUT_NO_ROW,
		[UNWIND_STOP_UNSUPPORTED] = CUT_UNSUPPORTED,
		[UNWIND_STOP_SHORT] = CUT_SHORT,
		[UNWIND_STOP_SWITCHED] = CUT_SWITCHED,
		[UNWIND_STOP_DEEP] = CUT_DEEP,
		[UNWIND_STOP_BAD_CFA] = CUT_BAD_FRAME,
		[UNWIND_STOP_LOOP] = CUT_LOOP,
		[UNWIND_STOP_FAULT] = CUT_FAULT,
	};
	uint32_t room = CHAIN_MAX - s->nr_kernel, nr = walk->nr < room ? walk->nr : room;

	memcpy(c->addresses + s->nr_kernel, walk->addresses, nr * sizeof(walk->addresses[0]));
	s->nr_user = nr;
	s->cut = nr < walk->nr ? CUT_DEEP : cuts[walk->stop];
	c->counters.frames_guessed += walk->nr_guessed;
}
