#include "daemon/asks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/java.h"
#include "daemon/maps_queue.h"
#include "daemon/tables.h"
#include "daemon/walker.h"
#include "proc/fill.h"

/* A mapping whose file is asked for. The file's names are copied: the process may be forgotten before the answer. */
struct ask_range {
	uint64_t start, end, pgoff, file_key;
	struct process_file file; /* path is ours */
};

/* One process's wishes, from the drain to the answer. */
struct ask {
	uint64_t cookie;
	uint32_t pid, exec_count;
	uint64_t fork_ns, start_time, cgroup, asked_ns;
	bool maps, sent;
	bool jit; /* the ranges are of code made at run time: one file tells of them all */
	struct ask_range jitdump; /* the mapping of that file; path NULL: there is none */
	uint32_t nr_ranges;
	struct ask_range *ranges;
};

struct asks {
	struct process_table *processes;
	struct objects *objects;
	struct collect *collect;
	struct opener_client *opener;
	struct tables *tables;
	struct walker *walker; /* NULL: none */
	struct java *java;     /* NULL: none */
	struct ask **asks; /* gathered, or under way */
	uint32_t nr, cap;
	uint32_t last;     /* index of the ask that grew last */
	uint64_t cookie;
	int proc_fd;
	struct buf text;
	struct maps_queue answered;
};

struct asks *asks_new(struct process_table *t, struct objects *o)
{
	struct asks *a = xcalloc(1, sizeof(*a));

	a->processes = t;
	a->objects = o;
	a->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return a;
}

static void ask_free(struct ask *k)
{
	for (uint32_t i = 0; i < k->nr_ranges; i++)
		free((char *)(uintptr_t)k->ranges[i].file.path);
	free((char *)(uintptr_t)k->jitdump.file.path);
	free(k->ranges);
	free(k);
}

void asks_free(struct asks *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; i < a->nr; i++)
		ask_free(a->asks[i]);
	free(a->asks);
	buf_fini(&a->text);
	maps_queue_fini(&a->answered);
	if (a->proc_fd >= 0)
		close(a->proc_fd);
	free(a);
}

void asks_set(struct asks *a, struct collect *c, struct opener_client *opener)
{
	a->collect = c;
	a->opener = opener;
}

void asks_set_tables(struct asks *a, struct tables *t)
{
	a->tables = t;
}

void asks_set_java(struct asks *a, struct java *j)
{
	a->java = j;
}

void asks_set_walker(struct asks *a, struct walker *w)
{
	a->walker = w;
}

static bool want_page(void *ctx, uint32_t object, uint64_t offset)
{
	struct asks *a = ctx;

	if (tables_want(a->tables, object, offset))
		return true;
	if (a->walker)
		walker_fail(a->walker, object, offset);
	return false;
}

static struct ask *ask_add(struct asks *a, const struct process *p)
{
	struct ask *k = xcalloc(1, sizeof(*k));

	k->cookie = ++a->cookie;
	k->pid = p->pid;
	k->exec_count = p->exec_count;
	k->fork_ns = p->fork_ns;
	k->start_time = p->from_proc ? p->start_time : 0;
	k->cgroup = p->cgroup;
	k->asked_ns = clock_ns(CLOCK_MONOTONIC);
	*array_push(a->asks, a->nr, a->cap) = k;
	a->last = a->nr - 1;
	return k;
}

static bool want_maps(void *ctx, struct process *p)
{
	ask_add(ctx, p)->maps = true;
	return true;
}

/* The ask of P that can take one more range: the last one mostly, since a drain brings a process's samples in runs. */
static struct ask *ask_of(struct asks *a, const struct process *p, bool jit)
{
	struct ask *k = a->last < a->nr ? a->asks[a->last] : NULL;

	if (k && !k->sent && !k->maps && k->jit == jit && k->pid == p->pid && k->fork_ns == p->fork_ns &&
	    k->exec_count == p->exec_count && k->nr_ranges < OPENER_RANGES_MAX)
		return k;
	return NULL;
}

static struct ask_range ask_range_of(uint64_t start, uint64_t end, uint64_t pgoff, const struct process_file *file)
{
	struct ask_range r = { .start = start, .end = end, .pgoff = pgoff, .file = *file };

	r.file.path = xstrdup(file->path);
	return r;
}

/* The mapping by which P's JIT compiler says what file tells of its code, the latest one. Whoever is to be asked for its
 * map is noted. */
static struct ask_range find_jitdump(const struct asks *a, const struct process *p)
{
	const struct process_map *found = NULL;
	bool hotspot = false;

	for (uint32_t i = 0; i < p->space->nr_maps; i++) {
		const struct process_map *map = space_map(p->space, i);
		const struct process_file *file = process_file(a->processes, map->file);

		hotspot |= file->hotspot;
		if (file->jitdump && (!found || map->time_ns > found->time_ns))
			found = map;
	}
	if (hotspot && a->java)
		java_meet(a->java, p);
	if (!found)
		return (struct ask_range){ 0 };
	return ask_range_of(found->start, found->end, found->pgoff, process_file(a->processes, found->file));
}

static bool want_object(void *ctx, const struct collect_object_ask *want)
{
	struct asks *a = ctx;
	struct ask *k;

	if (objects_use(a->objects, want->object))
		return true;
	k = ask_of(a, want->process, want->file->special);
	if (!k) {
		k = ask_add(a, want->process);
		k->jit = want->file->special;
		if (k->jit)
			k->jitdump = find_jitdump(a, want->process);
	}
	if (!k->ranges)
		k->ranges = xcalloc(OPENER_RANGES_MAX, sizeof(*k->ranges));
	k->ranges[k->nr_ranges] = ask_range_of(want->start, want->end, want->pgoff, want->file);
	k->ranges[k->nr_ranges++].file_key = want->file_key;
	return true;
}

static uint32_t known(void *ctx, const struct process *p, const struct process_file *file)
{
	const struct object_user user = { .pid = p->pid, .fork_ns = p->fork_ns,
					  .start_time = p->from_proc ? p->start_time : 0 };
	struct asks *a = ctx;
	uint32_t object = objects_known(a->objects, file, p->cgroup);
	objects_used_by(a->objects, object, &user, NULL);
	return object;
}

static void want_cgroup(void *ctx, struct process *p, uint64_t cgroup)
{
	struct asks *a = ctx;

	fill_cgroup(a->processes, a->proc_fd, p, cgroup);
}

void asks_fill(struct asks *a, struct collect_asks *fns)
{
	*fns = (struct collect_asks){ .ctx = a, .maps = want_maps, .object = want_object, .known = known,
				       .page = want_page, .cgroup = want_cgroup };
}

/* K's process has OBJECT mapped. */
static void tell_user(struct asks *a, const struct ask *k, const struct ask_range *r, uint32_t object)
{
	const struct object_user user = { .pid = k->pid, .fork_ns = k->fork_ns, .start_time = k->start_time };

	if (!k->jit)
		objects_used_by(a->objects, object, &user, r->file.path);
}

/* Tells collecting what is behind range R: from the opener, or from what was opened under the same name before. */
static void tell_object(struct asks *a, const struct ask *k, const struct ask_range *r, uint32_t object)
{
	if (object == OBJECT_MISSING && !k->jit)
		object = objects_recall(a->objects, &r->file, k->cgroup);
	tell_user(a, k, r, object);
	collect_object(a->collect, k->pid, k->fork_ns, k->exec_count, r->start, r->file_key, object);
}

/* A program that is started again and again maps the same inodes each time: what the kernel itself calls the same file
 * need not be opened anew. A build id would not do: anybody can write one into a file. */
static void ask_recall(struct asks *a, struct ask *k)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < k->nr_ranges; i++) {
		struct ask_range *r = &k->ranges[i];
		uint32_t object = OBJECT_MISSING;

		if (r->file.inode && !r->file.build_id_size)
			object = objects_recall(a->objects, &r->file, k->cgroup);
		if (object == OBJECT_MISSING) {
			k->ranges[kept++] = *r;
			continue;
		}
		tell_user(a, k, r, object);
		collect_object(a->collect, k->pid, k->fork_ns, k->exec_count, r->start, r->file_key, object);
		free((char *)(uintptr_t)r->file.path);
	}
	k->nr_ranges = kept;
}

static void ask_failed(struct asks *a, struct ask *k)
{
	if (k->maps)
		collect_maps(a->collect, k->pid, k->fork_ns, k->exec_count, NULL, 0, k->asked_ns);
	for (uint32_t i = 0; i < k->nr_ranges; i++)
		tell_object(a, k, &k->ranges[i], OBJECT_MISSING);
	ask_free(k);
}

static void fill_range(struct opener_range *to, const struct ask_range *from)
{
	size_t length = strlen(from->file.path);

	to->start = from->start;
	to->end = from->end;
	to->pgoff = from->pgoff;
	if (length >= sizeof(to->path))
		length = 0;
	memcpy(to->path, from->file.path, length);
	to->path[length] = 0;
}

static void ask_fill_request(const struct ask *k, struct opener_request *q)
{
	memset(q, 0, offsetof(struct opener_request, ranges));
	q->cookie = k->cookie;
	q->what = k->maps ? OPENER_MAPS : k->jit ? OPENER_JIT : OPENER_FILES;
	q->pid = k->pid;
	q->start_time = k->start_time;
	q->fork_ns = k->fork_ns;
	if (k->jitdump.file.path)
		fill_range(&q->ranges[q->nr_ranges++], &k->jitdump);
	for (uint32_t i = 0; !k->jit && i < k->nr_ranges; i++)
		fill_range(&q->ranges[q->nr_ranges++], &k->ranges[i]);
}

void asks_flush(struct asks *a)
{
	struct opener_request *q = NULL;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->nr; i++) {
		struct ask *k = a->asks[i];
		struct process *p;

		if (k->sent) {
			a->asks[kept++] = k;
			continue;
		}
		if (!k->maps && !k->jit) {
			ask_recall(a, k);
			if (!k->nr_ranges) {
				ask_free(k);
				continue;
			}
		}
		if (!q)
			q = xmalloc(sizeof(*q));
		/* Of a process that exited within this drain /proc has nothing any more. */
		p = process_find(a->processes, k->pid);
		ask_fill_request(k, q);
		if (p && !p->exited && p->fork_ns == k->fork_ns && opener_client_ask(a->opener, q)) {
			k->sent = true;
			a->asks[kept++] = k;
		} else {
			ask_failed(a, k);
		}
	}
	a->nr = kept;
	a->last = UINT32_MAX;
	free(q);
}

uint64_t asks_last(const struct asks *a)
{
	return a->cookie;
}

bool asks_waiting(const struct asks *a, uint64_t number)
{
	return (a->nr && a->asks[0]->cookie <= number) || /* they are in order */
	       maps_queue_waiting(&a->answered, number);
}

static struct ask *ask_take(struct asks *a, uint64_t cookie)
{
	for (uint32_t i = 0; i < a->nr; i++)
		if (a->asks[i]->cookie == cookie) {
			struct ask *k = a->asks[i];

			memmove(&a->asks[i], &a->asks[i + 1], (a->nr - i - 1) * sizeof(*a->asks));
			a->nr--;
			return k;
		}
	return NULL;
}

static void answer_maps(struct asks *a, struct ask *k, int fd)
{
	struct maps_text t = { .number = k->cookie, .pid = k->pid, .exec_count = k->exec_count, .fork_ns = k->fork_ns,
			       .asked_ns = k->asked_ns, .answered_ns = clock_ns(CLOCK_MONOTONIC) };
	int err;

	a->text.size = 0;
	err = lseek(fd, 0, SEEK_SET) < 0 ? -errno : io_read_all(fd, &a->text, OPENER_MAPS_MAX);
	close(fd);
	t.text = (char *)a->text.data;
	t.size = err ? 0 : a->text.size;
	maps_queue_add(&a->answered, &t);
	if (a->text.cap > 1 << 20)
		buf_fini(&a->text);
}

bool asks_settle(struct asks *a, uint64_t horizon_ns, uint32_t *pid)
{
	struct maps_text t;

	if (!maps_queue_next(&a->answered, horizon_ns, &t))
		return false;
	/* Mappings that records made after the question stay. */
	collect_maps(a->collect, t.pid, t.fork_ns, t.exec_count, t.text, t.size, t.asked_ns);
	free(t.text);
	*pid = t.pid;
	return true;
}

void asks_answer(struct asks *a, const struct opener_request *request, const struct opener_answer *answer, int *fds,
		 unsigned nr)
{
	struct ask *k = ask_take(a, request->cookie);
	unsigned next = 0;

	if (!k || answer->status < 0 || ((k->maps || k->jit) && nr != 1)) {
		for (unsigned i = 0; i < nr; i++)
			close(fds[i]);
		if (k)
			ask_failed(a, k);
		return;
	}
	if (k->maps) {
		answer_maps(a, k, fds[0]);
		ask_free(k);
		return;
	}
	if (k->jit) {
		uint32_t object = objects_add_jit(a->objects, fds[0]);

		for (uint32_t i = 0; i < k->nr_ranges; i++)
			tell_object(a, k, &k->ranges[i], object);
		ask_free(k);
		return;
	}
	for (uint32_t i = 0; i < k->nr_ranges; i++) {
		const struct ask_range *r = &k->ranges[i];
		bool there = !answer->range_status[i] && next < nr;

		tell_object(a, k, r, there ? objects_add(a->objects, fds[next++], &r->file, k->cgroup) : OBJECT_MISSING);
	}
	while (next < nr)
		close(fds[next++]);
	ask_free(k);
}
