#include "replay/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/array.h"
#include "base/text.h"
#include "collect/collect.h"
#include "proc/process.h"
#include "replay/impl.h"

#define NO_KIND UINT32_MAX
#define TICK_RECORDS 4096
#define REORDER_NS 1000000000ull /* a record may come so late for its round */
#define KERNEL_PREFIX "[kernel.kallsyms]"
#define MISC_FORK_EXEC (1u << 13) /* PERF_RECORD_MISC_FORK_EXEC */

struct answer { /* to collect's question for a file; given when it has done with the record */
	uint32_t pid, exec_count, object;
	uint64_t fork_ns, start, file_key;
};

struct state {
	const struct replay_options *o;
	struct perfdata *d;
	struct replay *r;
	struct process_table *processes;
	struct collect *collect;
	struct replay_names names;
	struct replay_unwind *unwind; /* NULL: no copied stacks, or of another machine */
	struct hash build_ids; /* by file name */
	uint32_t *kinds;       /* of each event, NO_KIND before its first sample */
	uint64_t *lost;        /* of each event */
	struct answer *answers;
	uint32_t nr_answers, answers_cap;
	uint64_t first_ns, last_ns, nr_records;
	char *error;
	size_t error_size;
};

/* --- Build ids --- */

static uint32_t build_id_hash(const char *name)
{
	return hash_bytes(name, strlen(name));
}

static void index_build_ids(struct state *s)
{
	for (uint32_t i = 0; i < perfdata_nr_build_ids(s->d); i++) {
		const struct perfdata_build_id *b = perfdata_build_id(s->d, i);

		if (b->misc == PERF_RECORD_MISC_GUEST_KERNEL ||
		    b->misc == PERF_RECORD_MISC_GUEST_USER)
			continue;
		hash_add(&s->build_ids, build_id_hash(b->filename), i);
		if (b->misc == PERF_RECORD_MISC_KERNEL && !strcmp(b->filename, KERNEL_PREFIX)) {
			s->names.kernel.build_id_size = b->size;
			memcpy(s->names.kernel.build_id, b->id, b->size);
		}
	}
}

/* The one recorded for the file NAME; two different ones: nobody knows which is meant. */
static const struct perfdata_build_id *find_build_id(const struct state *s, const char *name)
{
	const struct perfdata_build_id *found = NULL;
	uint32_t pos, i, hash = build_id_hash(name);

	for (i = hash_first(&s->build_ids, hash, &pos); i != HASH_NONE;
	     i = hash_next(&s->build_ids, hash, &pos)) {
		const struct perfdata_build_id *b = perfdata_build_id(s->d, i);

		if (strcmp(b->filename, name))
			continue;
		if (found && (found->size != b->size || memcmp(found->id, b->id, b->size)))
			return NULL;
		found = b;
	}
	return found;
}

/* --- What collect asks --- */

static bool answer_object(void *ctx, const struct collect_object_ask *ask)
{
	struct state *s = ctx;
	struct answer a = {
		.pid = ask->process->pid, .exec_count = ask->process->exec_count,
		.fork_ns = ask->process->fork_ns, .start = ask->start, .file_key = ask->file_key, .object = OBJECT_MISSING,
	};
	const struct process_file *f = ask->file;
	uint32_t number;

	if ((s->o->symbolize || s->unwind) &&
	    !replay_files_open(&s->names.files, f->path, f->build_id,
						  f->build_id_size, &number))
		a.object = OBJECT_FIRST + number;
	*array_push(s->answers, s->nr_answers, s->answers_cap) = a;
	return true;
}

static void give_answers(struct state *s)
{
	for (uint32_t i = 0; i < s->nr_answers; i++) {
		const struct answer *a = &s->answers[i];

		collect_object(s->collect, a->pid, a->fork_ns, a->exec_count, a->start, a->file_key, a->object);
	}
	s->nr_answers = 0;
}

/* --- Records --- */

static uint32_t kind_of(struct state *s, unsigned event)
{
	struct replay_kind k;

	if (s->kinds[event] == NO_KIND) {
		replay_kind(perfdata_event(s->d, event), &k);
		s->kinds[event] = collect_add_kind(s->collect, &(struct collect_kind){
			.name = k.name, .unit = k.unit, .period = k.period });
	}
	return s->kinds[event];
}

static void note_time(struct state *s, uint64_t time)
{
	if (!time)
		return;
	if (!s->first_ns || time < s->first_ns)
		s->first_ns = time;
	if (time > s->last_ns)
		s->last_ns = time;
}

static void give_sample(struct state *s, const struct record *rec, unsigned event)
{
	struct record_layout layout = perfdata_event(s->d, event)->layout;
	const struct unwind_walk *walk =
		s->unwind ? replay_unwind_sample(s->unwind, rec, &layout) : NULL;

	/* Of a group that was read at once the period is the difference of counts. */
	if (layout.sample_type & PERF_SAMPLE_READ && layout.read_format & PERF_FORMAT_ID)
		layout.sample_type |= PERF_SAMPLE_PERIOD;
	s->r->events[event].nr_samples++;
	note_time(s, rec->time);
	if (walk)
		collect_walked(s->collect, rec, kind_of(s, event), &layout, walk);
	else
		collect_record(s->collect, rec, kind_of(s, event), &layout);
}

static void give_mmap(struct state *s, const struct record *rec, unsigned event)
{
	const char *end, *name = rec->mmap.filename;
	const struct perfdata_build_id *b;
	struct record copy = *rec;
	bool is_kernel = (rec->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL &&
			 text_has_prefix(name, KERNEL_PREFIX);

	/* perf appends the symbol that it relocates by, and its address is the offset. */
	end = is_kernel ? name + strlen(KERNEL_PREFIX) : NULL;
	if (end && !strcmp(end, "_text") && !s->names.kernel.text)
		s->names.kernel.text = rec->mmap.pgoff;
	b = rec->mmap.build_id_size ? NULL : find_build_id(s, is_kernel ? KERNEL_PREFIX : name);
	if (b) {
		copy.mmap.build_id_size = b->size;
		memcpy(copy.mmap.build_id, b->id, b->size);
	} else if (is_kernel && rec->mmap.build_id_size && !s->names.kernel.build_id_size) {
		s->names.kernel.build_id_size = rec->mmap.build_id_size;
		memcpy(s->names.kernel.build_id, rec->mmap.build_id, rec->mmap.build_id_size);
	}
	collect_record(s->collect, &copy, 0, &perfdata_event(s->d, event)->layout);
}

/* perf makes up a fork for each process that was there before it: its maps follow, it has none of
 * its parent's. */
static bool is_made_up(const struct record *rec)
{
	return rec->task.pid != rec->task.ppid && (rec->misc & MISC_FORK_EXEC || !rec->task.time);
}

static int malformed(struct state *s, const struct record *rec, unsigned event)
{
	if (rec->type == PERF_RECORD_SAMPLE) {
		snprintf(s->error, s->error_size, "damaged: sample %llu of %s does not decode",
			 (unsigned long long)s->r->events[event].nr_samples + 1,
			 s->r->events[event].name);
		return -EBADMSG;
	}
	collect_malformed(s->collect);
	return 0;
}

static int take(void *ctx, const struct record *rec, unsigned event, int err)
{
	struct state *s = ctx;

	if (err == -ENOTSUP)
		return 0;
	if (err)
		return malformed(s, rec, event);
	switch (rec->type) {
	case PERF_RECORD_SAMPLE:
		give_sample(s, rec, event);
		break;
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		give_mmap(s, rec, event);
		break;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		if (__builtin_add_overflow(s->lost[event], rec->lost.lost, &s->lost[event]))
			s->lost[event] = UINT64_MAX;
		collect_record(s->collect, rec, 0, &perfdata_event(s->d, event)->layout);
		break;
	case PERF_RECORD_FORK:
		if (is_made_up(rec))
			break;
		/* fall through */
	default:
		collect_record(s->collect, rec, 0, &perfdata_event(s->d, event)->layout);
	}
	give_answers(s);
	if (++s->nr_records % TICK_RECORDS == 0 && s->last_ns > REORDER_NS)
		collect_tick(s->collect, s->last_ns - REORDER_NS);
	return 0;
}

/* --- The end --- */

/* Losses are the ring's; where its event has no samples, they are the busiest event's. */
static void enter_lost(struct state *s)
{
	unsigned most = 0;

	for (unsigned i = 1; i < s->r->nr_events; i++)
		if (s->r->events[i].nr_samples > s->r->events[most].nr_samples)
			most = i;
	for (unsigned i = 0; i < s->r->nr_events; i++) {
		unsigned event = s->kinds[i] == NO_KIND ? most : i;

		if (s->lost[i] && s->kinds[event] != NO_KIND)
			collect_lost(s->collect, s->kinds[event], s->lost[i]);
	}
}

/* The wall clock at the first sample: recorded, or else the file was finished at the last. */
static int64_t start_time(const struct state *s, int fd)
{
	uint64_t wall, clock, duration = s->last_ns - s->first_ns;
	struct timespec now;
	struct stat st;

	if (perfdata_clock(s->d, &wall, &clock))
		return (int64_t)(wall + (s->first_ns - clock));
	if (!fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		now = st.st_mtim;
	else
		clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec - duration);
}

static void warn(struct state *s)
{
	char *out = s->r->warning;
	size_t size = sizeof(s->r->warning), n = 0;
	uint64_t unknown = perfdata_nr_unknown(s->d);
	uint64_t bad = s->r->counters.records_malformed;

	if (perfdata_unfinished(s->d))
		n += (size_t)snprintf(out + n, size - n, "never finished: has what was written; ");
	if (unknown)
		n += (size_t)snprintf(out + n, size - n, "%llu samples of events that it does not "
				      "describe; ", (unsigned long long)unknown);
	if (bad)
		n += (size_t)snprintf(out + n, size - n, "%llu records of no use; ",
				      (unsigned long long)bad);
	if (n)
		out[n - 2] = 0;
}

static int finish(struct state *s, int fd)
{
	int64_t start = start_time(s, fd), duration = (int64_t)(s->last_ns - s->first_ns);

	enter_lost(s);
	if (s->last_ns)
		collect_tick(s->collect, s->last_ns);
	give_answers(s);
	for (unsigned i = 0; i < s->r->nr_events; i++)
		if (s->kinds[i] != NO_KIND)
			s->r->events[i].profile =
				collect_finish(s->collect, s->kinds[i], start, duration);
	s->r->counters = *collect_counters(s->collect);
	warn(s);
	return replay_names_give(&s->names, s->r, s->error, s->error_size);
}

/* --- The beginning --- */

/* Files of other machines hold paths and kernels of other machines. */
static bool is_x86(const struct perfdata *d)
{
	const char *arch = perfdata_arch(d);

	return !perfdata_event(d, 0)->layout.swap &&
	       (!arch[0] || !strcmp(arch, "x86_64") || (arch[0] == 'i' && !strcmp(arch + 2, "86")));
}

static bool has_stacks(const struct perfdata *d)
{
	for (unsigned i = 0; i < perfdata_nr_events(d); i++)
		if (perfdata_event(d, i)->layout.sample_type & PERF_SAMPLE_STACK_USER)
			return true;
	return false;
}

static void start(struct state *s, struct replay_options *o)
{
	const struct collect_asks asks = { .ctx = s, .object = answer_object };
	char host[256], build_id[41] = "";

	o->symbolize = o->symbolize && is_x86(s->d);
	s->names.o = o;
	s->names.files.root = o->root;
	index_build_ids(s);
	for (unsigned i = 0; i < s->names.kernel.build_id_size; i++)
		snprintf(build_id + 2 * i, 3, "%02x", s->names.kernel.build_id[i]);
	text_clean(host, sizeof(host), perfdata_hostname(s->d), strlen(perfdata_hostname(s->d)));
	s->processes = process_table_new();
	if (is_x86(s->d) && has_stacks(s->d))
		s->unwind = replay_unwind_new(&s->names, s->processes,
					      replay_kernel_runs_here(&s->names.kernel));
	s->collect = collect_new(s->processes, &(struct collect_options){
		.labels = o->labels ? o->labels : LABEL_ALL,
		.lost_by_count = true,
		.max_stack = perfdata_event(s->d, 0)->attr.sample_max_stack,
		.kernel_build_id = build_id,
		.host = host,
	}, &asks);
	s->r->nr_events = perfdata_nr_events(s->d);
	s->r->events = xcalloc(s->r->nr_events, sizeof(*s->r->events));
	s->kinds = xcalloc(s->r->nr_events, sizeof(*s->kinds));
	s->lost = xcalloc(s->r->nr_events, sizeof(*s->lost));
	for (unsigned i = 0; i < s->r->nr_events; i++) {
		const char *name = perfdata_event(s->d, i)->name;

		s->kinds[i] = NO_KIND;
		text_clean(s->r->events[i].name, sizeof(s->r->events[i].name), name, strlen(name));
	}
}

int replay_file(struct replay **out, int fd, const struct replay_options *options, char *error,
		size_t error_size)
{
	struct replay_options o = *options;
	struct state s = { .o = &o, .error = error, .error_size = error_size };
	int err = perfdata_open(&s.d, fd, o.limit, error, error_size);

	if (err)
		return err;
	s.r = xcalloc(1, sizeof(*s.r));
	start(&s, &o);
	err = perfdata_each(s.d, take, &s, error, error_size);
	if (!err)
		err = finish(&s, fd);
	collect_free(s.collect);
	replay_unwind_free(s.unwind);
	process_table_free(s.processes);
	replay_names_fini(&s.names);
	hash_fini(&s.build_ids);
	free(s.kinds);
	free(s.lost);
	free(s.answers);
	perfdata_free(s.d);
	if (err)
		replay_free(s.r);
	else
		*out = s.r;
	return err;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->nr_events; i++)
		profile_free(r->events[i].profile);
	free(r->events);
	free(r);
}
