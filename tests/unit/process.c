/* proc/process: lives, threads, address spaces. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc/table.h"

#define SEC 1000000000ull

static struct process_stats stats_of(const struct process_table *t)
{
	struct process_stats s;

	process_table_stats(t, &s);
	return s;
}

static void map(struct process_table *t, uint32_t pid, uint64_t start, uint64_t size,
		uint64_t pgoff, const char *path, uint64_t time_ns)
{
	struct process_mmap m = { start, size, pgoff, path, NULL, 0, 8, 1, 42, 7 };

	process_mmap(t, pid, &m, time_ns);
}

static void map_id(struct process_table *t, uint32_t pid, uint64_t start, const char *path,
		   uint8_t id, uint64_t time_ns)
{
	uint8_t build_id[20] = { id };
	struct process_mmap m = { .start = start, .size = 0x1000, .path = path,
				  .build_id = build_id, .build_id_size = 20 };

	process_mmap(t, pid, &m, time_ns);
}

static const char *path_at(struct process_table *t, uint32_t pid, uint64_t address)
{
	struct process_map *m = space_find(process_find(t, pid)->space, address);

	return m ? process_file(t, m->file)->path : NULL;
}

static struct process *begin(struct process_table *t, uint32_t pid)
{
	process_fork(t, pid, 1, pid, 1, SEC);
	process_comm(t, pid, pid, "prog", true, SEC);
	return process_find(t, pid);
}

static void set_maps(struct process_table *t, struct process *p, const char *text, uint64_t time_ns)
{
	process_set_maps(t, p, text, strlen(text), time_ns);
}

static int setup(void **state)
{
	*state = process_table_new();
	return 0;
}

/* Whatever a test did: nothing is left when all is over. */
static int teardown(void **state)
{
	struct process_table *t = *state;
	struct process_stats s;

	for (uint32_t i = t->processes.nr; i-- > 0;)
		process_gone(t, t->processes.items[i], UINT64_MAX);
	process_reap(t, UINT64_MAX);
	s = stats_of(t);
	assert_int_equal(s.nr_processes + s.nr_threads + s.nr_spaces + s.nr_maps + s.nr_files, 0);
	assert_int_equal(t->names.files_size + t->names.strings_size + t->spaces_size, 0);
	process_table_free(t);
	return 0;
}

static void fork_inherits_and_shares(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100), *child;

	map(t, 100, 0x1000, 0x1000, 0, "/bin/prog", SEC);
	process_set_cgroup(t, p, 77, "a.service", "c");
	process_fork(t, 100, 100, 101, 100, SEC);
	process_comm(t, 100, 101, "worker", false, SEC);
	process_fork(t, 102, 100, 102, 101, 2 * SEC);
	child = process_find(t, 102);
	assert_int_equal(child->ppid, 100);
	assert_int_equal(child->fork_ns, 2 * SEC);
	assert_string_equal(child->comm, "worker"); /* of the thread that forked */
	assert_string_equal(process_thread(t, child, 102)->comm, "worker");
	assert_int_equal(child->cgroup, 77);
	assert_string_equal(child->unit, "a.service");
	assert_string_equal(child->container, "c");
	assert_ptr_equal(child->space, p->space);
	assert_string_equal(path_at(t, 102, 0x1fff), "/bin/prog");
	assert_null(path_at(t, 102, 0x2000));
	assert_int_equal(p->nr_threads, 2);
	assert_int_equal(child->nr_threads, 1);
}

static void who_maps_after_a_fork_gets_a_copy(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100), *child;
	struct space *s = p->space;
	uint32_t serial = s->serial;

	map(t, 100, 0x1000, 0x1000, 0, "/bin/prog", SEC);
	space_find(s, 0x1000)->object = 9;
	process_fork(t, 102, 100, 102, 100, SEC);
	child = process_find(t, 102);
	map(t, 102, 0x1000, 0x1000, 0, "/bin/prog", SEC); /* it is there: nothing to copy */
	assert_ptr_equal(child->space, s);
	map(t, 102, 0x5000, 0x1000, 0, "/lib/x.so", SEC);
	assert_ptr_equal(p->space, s);
	assert_int_equal(s->serial, serial);
	assert_int_not_equal(child->space->serial, serial);
	assert_int_equal(child->space->state, SPACE_KNOWN);
	assert_null(path_at(t, 100, 0x5000));
	assert_string_equal(path_at(t, 102, 0x5000), "/lib/x.so");
	assert_int_equal(space_find(child->space, 0x1000)->object, 9);
	map(t, 100, 0x6000, 0x1000, 0, "/lib/y.so", SEC);
	assert_ptr_equal(p->space, s); /* the only one left that has it */
	assert_int_equal(s->serial, serial);
}

static void a_copy_of_an_asked_space_waits_for_no_answer(void **state)
{
	struct process_table *t = *state;
	struct process *p = process_get(t, 100);

	process_fork(t, 101, 100, 101, 100, SEC);
	p->space->state = SPACE_ASKED;
	map(t, 100, 0x1000, 0x1000, 0, "/x", SEC);
	assert_int_equal(p->space->state, SPACE_UNKNOWN);
	assert_int_equal(process_find(t, 101)->space->state, SPACE_UNKNOWN);
	process_fork(t, 102, 101, 102, 101, SEC);
	process_find(t, 101)->space->state = SPACE_ASKED;
	process_exit(t, 101, 101, SEC);
	assert_int_equal(process_find(t, 102)->space->state, SPACE_UNKNOWN);
}

static void exec_begins_a_known_empty_image(void **state)
{
	struct process_table *t = *state;
	struct process *p = process_get(t, 100);
	uint32_t serial = p->space->serial;

	assert_int_equal(p->space->state, SPACE_UNKNOWN);
	p->kthread = true; /* a helper of the kernel's that becomes a program */
	map(t, 100, 0x1000, 0x1000, 0, "/bin/sh", SEC);
	process_comm(t, 100, 100, "ls", true, 2 * SEC);
	assert_int_equal(p->space->state, SPACE_KNOWN);
	assert_int_equal(p->space->nr_maps, 0);
	assert_int_not_equal(p->space->serial, serial);
	assert_int_equal(p->exec_count, 1);
	assert_int_equal(p->exec_ns, 2 * SEC);
	assert_false(p->kthread);
	assert_string_equal(p->comm, "ls");
	assert_int_equal(stats_of(t).nr_files, 0);
}

static void exec_ends_the_other_threads(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);

	for (uint32_t tid = 101; tid < 110; tid++)
		process_fork(t, 100, 100, tid, 100, SEC);
	process_exit(t, 100, 100, 2 * SEC); /* 105 execs: it kills the leader and takes its tid */
	for (uint32_t tid = 101; tid < 105; tid++)
		process_exit(t, 100, tid, 2 * SEC);
	process_comm(t, 100, 100, "next", true, 2 * SEC);
	assert_false(p->exited);
	assert_int_equal(p->nr_threads, 1);
	assert_int_equal(p->threads->tid, 100);
	assert_false(process_thread(t, p, 100)->exited);
	assert_string_equal(process_thread(t, p, 100)->comm, "next");
	assert_true(process_thread(t, p, 105)->exited);
	process_exit(t, 100, 100, 3 * SEC);
	assert_true(p->exited);
	assert_int_equal(p->exit_ns, 3 * SEC);
}

static void exec_of_an_unknown_thread_revives(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);

	process_exit(t, 100, 100, 2 * SEC); /* all that we know of it */
	assert_true(p->exited);
	process_comm(t, 100, 100, "next", true, 2 * SEC);
	assert_false(p->exited);
	process_reap(t, 3 * SEC);
	assert_ptr_equal(process_find(t, 100), p);
	process_exit(t, 100, 100, 4 * SEC);
	process_reap(t, 5 * SEC);
	assert_null(process_find(t, 100));
}

static void life_goes_on_without_its_leader(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);

	process_fork(t, 100, 100, 101, 100, SEC);
	process_exit(t, 100, 100, 2 * SEC);
	process_reap(t, 10 * SEC);
	assert_ptr_equal(process_find(t, 100), p);
	assert_false(p->exited);
	assert_string_equal(p->comm, "prog");
	map(t, 100, 0x1000, 0x1000, 0, "/x", 11 * SEC);
	assert_string_equal(path_at(t, 100, 0x1000), "/x");
	process_exit(t, 100, 101, 12 * SEC);
	assert_true(p->exited);
	process_reap(t, 12 * SEC); /* not before the horizon has passed it */
	assert_non_null(process_find(t, 100));
	assert_string_equal(process_thread(t, p, 101)->comm, "prog");
	assert_true(p->exited); /* a late sample does not revive it */
	process_reap(t, 13 * SEC);
	assert_null(process_find(t, 100));
}

static void an_unknown_thread_shows_life(void **state)
{
	struct process_table *t = *state;
	struct process *p = process_get(t, 100);

	process_comm(t, 100, 100, "old", false, SEC);
	process_exit(t, 100, 100, 2 * SEC);
	assert_true(p->exited);
	assert_string_equal(process_thread(t, p, 105)->comm, "old");
	assert_false(p->exited);
	process_reap(t, 3 * SEC);
	assert_ptr_equal(process_find(t, 100), p);
}

static void a_pid_is_used_again(void **state)
{
	struct process_table *t = *state;
	struct process *old = begin(t, 100), *p;

	map(t, 100, 0x1000, 0x1000, 0, "/old", SEC);
	process_exit(t, 100, 100, 2 * SEC);
	process_fork(t, 100, 50, 100, 50, 2 * SEC);
	p = process_find(t, 100);
	assert_ptr_not_equal(p, old);
	assert_int_equal(p->fork_ns, 2 * SEC);
	assert_int_equal(p->exec_count, 0);
	assert_null(path_at(t, 100, 0x1000));
	assert_ptr_not_equal(process_thread(t, p, 100)->process, old);
	process_reap(t, 3 * SEC);
	assert_ptr_equal(process_find(t, 100), p);
	assert_int_equal(stats_of(t).nr_processes, 3); /* 1, 50 and 100 */
}

static void a_lost_exit_ends_with_the_next_fork(void **state)
{
	struct process_table *t = *state;
	struct process *old = begin(t, 100);

	process_fork(t, 100, 100, 101, 100, SEC);
	process_fork(t, 100, 50, 100, 50, 5 * SEC);
	assert_ptr_not_equal(process_find(t, 100), old);
	assert_int_equal(stats_of(t).nr_threads, 5);
	process_reap(t, 6 * SEC);
	assert_int_equal(stats_of(t).nr_processes, 3);
	assert_int_equal(stats_of(t).nr_threads, 3);
	process_gone(t, process_find(t, 100), 7 * SEC); /* as after a look at /proc */
	process_gone(t, process_find(t, 100), 8 * SEC);
	process_reap(t, 8 * SEC);
	assert_null(process_find(t, 100));
}

static void a_tid_is_used_again(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);
	struct thread *old, *th;

	process_fork(t, 100, 100, 101, 100, SEC);
	old = process_thread(t, p, 101);
	process_comm(t, 100, 101, "old", false, SEC);
	process_exit(t, 100, 101, 2 * SEC);
	assert_ptr_equal(process_thread(t, p, 101), old);
	process_fork(t, 100, 100, 101, 100, 2 * SEC);
	th = process_thread(t, p, 101);
	assert_ptr_not_equal(th, old);
	assert_string_equal(th->comm, "prog");
	assert_false(th->exited);
	process_fork(t, 100, 100, 101, 100, 3 * SEC); /* its EXIT was lost */
	assert_true(th->exited);
	assert_int_equal(p->nr_threads, 2);
	process_reap(t, 4 * SEC);
	assert_int_equal(p->nr_held, 2);
	assert_false(process_thread(t, p, 101)->exited);
	process_fork(t, 200, 1, 200, 1, 4 * SEC);
	assert_ptr_not_equal(process_thread(t, process_find(t, 200), 101),
			     process_thread(t, p, 101)); /* each process has its own */
}

static void tasks_that_were_there_share_nothing(void **state)
{
	struct process_table *t = *state;
	struct process *p;

	map(t, 50, 0x1000, 0x1000, 0, "/bin/sh", 0);
	process_was_there(t, 100, 50, 100);
	process_was_there(t, 100, 100, 101);
	process_was_there(t, 100, 50, 100);
	process_was_there(t, 0, 0, 0);
	p = process_find(t, 100);
	assert_int_equal(p->ppid, 50);
	assert_int_equal(p->nr_threads, 2);
	assert_int_equal(p->space->state, SPACE_UNKNOWN);
	assert_null(path_at(t, 100, 0x1000));
	process_exit(t, 100, 100, SEC);
	assert_false(p->exited);
}

static void names_follow_their_threads(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);

	process_fork(t, 100, 100, 101, 100, SEC);
	process_comm(t, 100, 101, "a-name-of-more-than-15", false, SEC);
	assert_string_equal(process_thread(t, p, 101)->comm, "a-name-of-more-");
	assert_string_equal(p->comm, "prog");
	process_fork(t, 100, 100, 102, 101, SEC);
	assert_string_equal(process_thread(t, p, 102)->comm, "a-name-of-more-");
	process_comm(t, 100, 100, "\xff\x01\n)", false, SEC);
	assert_string_equal(p->comm, "\xff\x01\n)");
	assert_string_equal(process_thread(t, p, 100)->comm, "\xff\x01\n)");
	assert_string_equal(process_thread(t, p, 999)->comm, "\xff\x01\n)");
}

static void pids_that_are_none_are_no_processes(void **state)
{
	struct process_table *t = *state;

	assert_null(process_get(t, 0));
	assert_null(process_get(t, UINT32_MAX));
	process_fork(t, 0, 1, 0, 1, SEC);
	process_fork(t, UINT32_MAX, UINT32_MAX, 5, 5, SEC);
	process_exit(t, 0, 0, SEC);
	process_exit(t, 4000, 4000, SEC);
	process_comm(t, 0, 0, "x", true, SEC);
	map(t, UINT32_MAX, 0x1000, 0x1000, 0, "[kernel.kallsyms]", SEC);
	process_fork(t, 7, 0, 7, 0, SEC); /* from outside our PID namespace */
	assert_int_equal(process_find(t, 7)->space->state, SPACE_UNKNOWN);
	assert_string_equal(process_find(t, 7)->comm, "");
}

static void check_maps(struct process_table *t, uint32_t pid, const char *want)
{
	struct space *s = process_find(t, pid)->space;
	char text[1024] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < s->nr_maps; i++) {
		struct process_map *m = space_map(s, i);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%llx-%llx+%llx %s",
				      i ? ", " : "", (unsigned long long)m->start,
				      (unsigned long long)m->end, (unsigned long long)m->pgoff,
				      process_file(t, m->file)->path);
		assert_true(n < sizeof(text));
	}
	assert_string_equal(text, want);
}

static void a_mapping_replaces_what_it_overlaps(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);
	uint32_t serial = p->space->serial;

	map(t, 100, 0x1000, 0x9000, 0x100000, "/a", SEC);
	map(t, 100, 0x20000, 0x1000, 0, "/z", SEC);
	space_find(p->space, 0x1000)->object = 9;
	assert_int_equal(p->space->serial, serial); /* added, nothing replaced */
	map(t, 100, 0x4000, 0x2000, 0, "/m", SEC);
	check_maps(t, 100, "1000-4000+100000 /a, 4000-6000+0 /m, 6000-a000+105000 /a, "
			   "20000-21000+0 /z");
	assert_int_not_equal(p->space->serial, serial);
	assert_int_equal(space_find(p->space, 0x6000)->object, 9);
	assert_int_equal(space_find(p->space, 0x3fff)->object, 9);
	assert_int_equal(space_find(p->space, 0x4000)->object, OBJECT_NONE);
	serial = p->space->serial;
	map(t, 100, 0x0, 0x2000, 0, "/f", SEC); /* the front */
	check_maps(t, 100, "0-2000+0 /f, 2000-4000+101000 /a, 4000-6000+0 /m, "
			   "6000-a000+105000 /a, 20000-21000+0 /z");
	map(t, 100, 0x9000, 0x2000, 0, "/b", SEC); /* the back */
	check_maps(t, 100, "0-2000+0 /f, 2000-4000+101000 /a, 4000-6000+0 /m, "
			   "6000-9000+105000 /a, 9000-b000+0 /b, 20000-21000+0 /z");
	map(t, 100, 0x4000, 0x2000, 0, "/n", SEC); /* exactly */
	assert_string_equal(path_at(t, 100, 0x4000), "/n");
	assert_int_not_equal(p->space->serial, serial);
	map(t, 100, 0x1000, 0xa000, 0, "/all", SEC);
	check_maps(t, 100, "0-1000+0 /f, 1000-b000+0 /all, 20000-21000+0 /z");
	assert_int_equal(stats_of(t).nr_files, 3);
	assert_null(path_at(t, 100, 0xb000));
	assert_string_equal(path_at(t, 100, 0), "/f");
	assert_null(path_at(t, 100, UINT64_MAX));
}

static void the_same_mapping_again_changes_nothing(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);
	uint32_t serial = p->space->serial;

	map(t, 100, 0x1000, 0x4000, 0x5000, "/a", SEC);
	space_find(p->space, 0x1000)->object = 9;
	map(t, 100, 0x1000, 0x4000, 0x5000, "/a", 2 * SEC);
	map(t, 100, 0x2000, 0x1000, 0x6000, "/a", 2 * SEC);	       /* a part of it */
	map(t, 100, 0x2000, 0x1000, 0x6000, "/a (deleted)", 2 * SEC); /* since then */
	check_maps(t, 100, "1000-5000+5000 /a");
	map(t, 100, 0x4000, 0x2000, 0x8000, "/a", 2 * SEC); /* longer */
	check_maps(t, 100, "1000-4000+5000 /a, 4000-6000+8000 /a");
	assert_int_equal(space_find(p->space, 0x5000)->object, 9);
	assert_int_equal(p->space->serial, serial);
	map(t, 100, 0x1000, 0x1000, 0, "/a", 2 * SEC); /* another part of the file */
	assert_int_not_equal(p->space->serial, serial);
}

static void build_ids_tell_files_of_one_name_apart(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);
	uint32_t serial;

	map_id(t, 100, 0x1000, "/lib/a.so", 1, SEC);
	space_find(p->space, 0x1000)->object = 9;
	serial = p->space->serial;
	map_id(t, 100, 0x1000, "/lib/a.so", 1, 2 * SEC);
	assert_int_equal(space_find(p->space, 0x1000)->object, 9);
	assert_int_equal(p->space->serial, serial);
	map_id(t, 100, 0x1000, "/lib/a.so", 2, 2 * SEC); /* upgraded */
	assert_int_equal(space_find(p->space, 0x1000)->object, OBJECT_NONE);
	assert_int_not_equal(p->space->serial, serial);
	/* Known by inode, and now by build id: nobody can tell, so it is asked for again. */
	map(t, 100, 0x8000, 0x1000, 0, "/lib/b.so", SEC);
	space_find(p->space, 0x8000)->object = 9;
	map_id(t, 100, 0x8000, "/lib/b.so", 2, 2 * SEC);
	assert_int_equal(space_find(p->space, 0x8000)->object, OBJECT_NONE);
}

static void an_older_record_replaces_nothing_newer(void **state)
{
	struct process_table *t = *state;
	struct process *p = process_get(t, 100);

	set_maps(t, p, "1000-3000 r-xp 00000000 08:01 42 /b\n", 3 * SEC);
	map(t, 100, 0x2000, 0x4000, 0, "/a", 2 * SEC);
	check_maps(t, 100, "1000-3000+0 /b");
	space_find(p->space, 0x1000)->object = 9;
	map_id(t, 100, 0x1000, "/b", 1, 2 * SEC); /* the record of what the text saw */
	assert_int_equal(space_find(p->space, 0x1000)->object, 9);
	map(t, 100, 0x2000, 0x4000, 0, "/a", 4 * SEC);
	check_maps(t, 100, "1000-2000+0 /b, 2000-6000+0 /a");
}

static void ranges_that_are_none_are_refused(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);

	map(t, 100, 0x1000, 0, 0, "/a", SEC);
	map(t, 100, UINT64_MAX - 0xfff, 0x1000, 0, "/a", SEC);
	map(t, 100, UINT64_MAX - 0xfff, 0x2000, 0, "/a", SEC);
	assert_int_equal(p->space->nr_maps, 0);
	map(t, 100, 0xffffffffff600000, 0x1000, 0, "[vsyscall]", SEC);
	assert_string_equal(path_at(t, 100, 0xffffffffff600fff), "[vsyscall]");
	assert_int_equal(stats_of(t).nr_files, 1);
}

static const char maps_text[] =
	"00001000-00002000 r--p 00000000 08:01 42                     /bin/prog\n"
	"00002000-00004000 r-xp 00001000 08:01 42                     /bin/prog\n"
	"00004000-00005000 rw-p 00003000 08:01 42                     /bin/prog\n"
	"00010000-00012000 rwxp 00000000 00:00 0 \n"
	"7f0000000000-7f0000002000 r-xp 00000000 00:00 0              [vdso]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0      [vsyscall]\n";

static void maps_of_a_process_that_was_there(void **state)
{
	struct process_table *t = *state;
	struct process *p = process_get(t, 100);
	uint32_t serial = p->space->serial;
	const struct process_file *f;

	set_maps(t, p, maps_text, 2 * SEC);
	assert_int_equal(p->space->state, SPACE_KNOWN);
	assert_int_equal(p->space->serial, serial);
	check_maps(t, 100, "2000-4000+1000 /bin/prog, 10000-12000+0 //anon, "
			   "7f0000000000-7f0000002000+0 [vdso], "
			   "ffffffffff600000-ffffffffff601000+0 [vsyscall]");
	f = process_file(t, space_find(p->space, 0x2000)->file);
	assert_int_equal(f->inode, 42);
	assert_int_equal(f->dev_major, 8);
	assert_false(f->special);
	assert_true(process_file(t, space_find(p->space, 0x10000)->file)->special);
	space_find(p->space, 0x2000)->object = 9;
	set_maps(t, p, maps_text, 3 * SEC); /* again */
	assert_int_equal(p->space->serial, serial);
	assert_int_equal(space_find(p->space, 0x2000)->object, 9);
	set_maps(t, p, "", 4 * SEC);
	assert_int_equal(p->space->nr_maps, 0);
	assert_int_not_equal(p->space->serial, serial);
	assert_int_equal(stats_of(t).nr_files, 0);
}

static void maps_meet_records(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);
	uint32_t serial = p->space->serial;

	map_id(t, 100, 0x2000, "/lib/kept.so", 1, SEC);
	map(t, 100, 0x5000, 0x1000, 0x123000, "//anon", SEC);
	space_find(p->space, 0x2000)->object = 9;
	map(t, 100, 0x8000, 0x1000, 0, "/lib/new.so", 3 * SEC); /* after the text was taken */
	set_maps(t, p,
		 "2000-3000 r-xp 00000000 08:01 42 /lib/kept.so (deleted)\n"
		 "5000-6000 rwxp 00000000 00:00 0 [anon:jit]\n"
		 "7000-a000 r-xp 00000000 08:01 43 /lib/c.so\n",
		 2 * SEC);
	check_maps(t, 100, "2000-3000+0 /lib/kept.so, 5000-6000+0 //anon, 7000-8000+0 /lib/c.so, "
			   "8000-9000+0 /lib/new.so, 9000-a000+2000 /lib/c.so");
	assert_int_equal(p->space->serial, serial); /* additions only */
	assert_int_equal(space_find(p->space, 0x2000)->object, 9);
	assert_int_equal(process_file(t, space_find(p->space, 0x2000)->file)->build_id_size, 20);
	set_maps(t, p, "2000-3000 r-xp 00000000 08:01 44 /lib/other.so\n", 4 * SEC);
	check_maps(t, 100, "2000-3000+0 /lib/other.so");
	assert_int_equal(space_find(p->space, 0x2000)->object, OBJECT_NONE);
	assert_int_not_equal(p->space->serial, serial);
	serial = p->space->serial;
	/* The same name, another file. */
	set_maps(t, p, "2000-3000 r-xp 00000000 08:01 45 /lib/other.so\n", 5 * SEC);
	assert_int_not_equal(p->space->serial, serial);
}

static void a_split_mapping_keeps_its_object(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);
	uint32_t serial = p->space->serial;

	map(t, 100, 0x2000, 0x4000, 0x1000, "/a", SEC);
	space_find(p->space, 0x2000)->object = 9;
	set_maps(t, p,
		 "2000-3000 r-xp 00001000 08:01 42 /a\n"
		 "3000-6000 rwxp 00002000 08:01 42 /a\n", 2 * SEC);
	assert_int_equal(p->space->nr_maps, 2);
	assert_int_equal(space_find(p->space, 0x5000)->object, 9);
	assert_int_equal(p->space->serial, serial);
	set_maps(t, p, "2000-5000 r-xp 00001000 08:01 42 /a\n", 3 * SEC); /* a part went */
	assert_int_not_equal(p->space->serial, serial);
}

static void the_first_maps_are_for_all_that_share(void **state)
{
	struct process_table *t = *state;
	struct process *p = process_get(t, 100), *child;
	uint32_t serial;

	process_fork(t, 101, 100, 101, 100, SEC);
	child = process_find(t, 101);
	set_maps(t, p, maps_text, 2 * SEC);
	assert_ptr_equal(child->space, p->space);
	assert_int_equal(child->space->state, SPACE_KNOWN);
	serial = p->space->serial;
	child->space->state = SPACE_ASKED;
	set_maps(t, child, maps_text, 3 * SEC); /* nothing new */
	assert_ptr_equal(child->space, p->space);
	assert_int_equal(child->space->state, SPACE_KNOWN);
	child->space->state = SPACE_ASKED;
	/* The child's own. */
	set_maps(t, child, "9000-a000 r-xp 00000000 08:01 4 /moved\n", 4 * SEC);
	assert_ptr_not_equal(child->space, p->space);
	assert_int_equal(p->space->serial, serial);
	assert_int_equal(p->space->state, SPACE_KNOWN);
	assert_int_not_equal(child->space->serial, serial);
	assert_string_equal(path_at(t, 100, 0x2000), "/bin/prog");
	assert_string_equal(path_at(t, 101, 0x9000), "/moved");
	assert_null(path_at(t, 101, 0x2000));
}

static void damaged_maps_are_passed_over(void **state)
{
	struct process_table *t = *state;
	struct process *p = process_get(t, 100);

	set_maps(t, p,
		 "2000-1000 r-xp 00000000 08:01 42 /backwards\n"
		 "5000-6000 r-xp 00000000 08:01 42 /ok\n"
		 "1000-2000 r-xp 00000000 08:01 42 /unsorted\n"
		 "5800-7000 r-xp 00000000 08:01 42 /overlaps\n"
		 "\n"
		 "8000-9000 r-xp 00000000 08:01 42 /cut", 2 * SEC);
	check_maps(t, 100, "5000-6000+0 /ok");
	assert_int_equal(stats_of(t).nr_bad, 5);
}

static void hostile_paths_are_cleaned(void **state)
{
	struct process_table *t = *state;
	static char path[9000];
	static const char *const special[] = { "",		 "//anon",
					       "[heap]",	 "anon_inode:[x]",
					       "[vdso]",	 "/dev/zero (deleted)",
					       "//toolong",	 "/SYSV00000000 (deleted)" };
	struct space *s;

	s = begin(t, 100)->space;
	map(t, 100, 0x1000, 0x1000, 0, "/\xff\n\x1b[31m/\xc3\xa9", SEC);
	assert_string_equal(path_at(t, 100, 0x1000), "/\\xff\\x0a\\x1b[31m/\xc3\xa9");
	set_maps(t, process_find(t, 100), "1000-2000 r-xp 0 08:01 42 /\xff\\012\x1b[31m/\xc3\xa9\n",
		 2 * SEC);
	assert_string_equal(path_at(t, 100, 0x1000), "/\\xff\\x0a\\x1b[31m/\xc3\xa9");
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	map(t, 100, 0x1000, 0x1000, 0, path, 3 * SEC);
	assert_int_equal(strlen(path_at(t, 100, 0x1000)), 4095);
	map(t, 100, 0x1000, 0x1000, 0, "/memfd:x (deleted)", 3 * SEC);
	assert_string_equal(path_at(t, 100, 0x1000), "/memfd:x");
	assert_false(process_file(t, space_find(s, 0x1000)->file)->special);
	map(t, 100, 0x1000, 0x1000, 0, " (deleted)", 3 * SEC);
	assert_string_equal(path_at(t, 100, 0x1000), " (deleted)");
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		map(t, 100, 0x1000, 0x1000, 0, special[i], 3 * SEC);
		assert_true(process_file(t, space_find(s, 0x1000)->file)->special);
	}
	process_set_cgroup(t, process_find(t, 100), 1, "\xff\n", "");
	assert_string_equal(process_find(t, 100)->unit, "\\xff\\x0a");
}

static void ten_thousand_threads_leave_nothing(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);
	size_t before = stats_of(t).size;

	for (uint32_t round = 0; round < 3; round++) {
		uint64_t now = (round + 2) * SEC;

		for (uint32_t i = 0; i < 10000; i++)
			process_fork(t, 100, 100, 1000 + i, 100, now);
		assert_int_equal(p->nr_threads, 10001);
		assert_true(stats_of(t).size > before + 10000 * sizeof(struct thread));
		for (uint32_t i = 0; i < 10000; i++)
			process_exit(t, 100, 1000 + i * 7 % 10000, now);
		process_reap(t, now + 1);
		assert_int_equal(p->nr_held, 1);
	}
	assert_in_range(stats_of(t).size, before, before + 2048);
}

static void a_storm_of_forks_and_execs_leaves_nothing(void **state)
{
	struct process_table *t = *state;
	struct process *sh = begin(t, 50);
	size_t before;
	char path[64];

	map(t, 50, 0x1000, 0x1000, 0, "/bin/sh", SEC);
	before = stats_of(t).size;
	for (uint32_t i = 0; i < 50000; i++) {
		uint64_t now = 2 * SEC + i * 200000ull;
		uint32_t pid = 100 + i % 20000;

		process_fork(t, pid, 50, pid, 50, now);
		process_comm(t, pid, pid, "x", true, now);
		snprintf(path, sizeof(path), "/tmp/random-%u", i);
		map(t, pid, 0x400000, 0x1000, 0, path, now);
		map(t, pid, 0x7f0000000000, 0x1000, 0, "/lib/libc.so.6", now);
		process_exit(t, pid, pid, now);
		process_reap(t, now - SEC / 4);
	}
	assert_in_range(stats_of(t).nr_processes, 1000, 1300);
	process_reap(t, 3600 * SEC);
	/* The numbers of files stay: 16 bytes for each of the most that there were at once. */
	assert_in_range(stats_of(t).size, before, before + 16 * 1300 * 3 / 2 + 2048);
	assert_int_equal(sh->space->refs, 1);
	assert_int_equal(stats_of(t).nr_refused, 0);
}

static void mappings_are_limited(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 100);
	struct process_stats s;

	for (uint64_t i = 0; i < 65530; i++) /* top down, as mmap(2) gives them */
		map(t, 100, 0x7f0000000000 - i * 0x2000, 0x1000, i << 12, "/a", SEC);
	assert_int_equal(p->space->nr_maps, SPACE_MAPS_MAX);
	assert_int_equal(stats_of(t).nr_refused, 65530 - SPACE_MAPS_MAX);
	for (uint32_t i = 1; i < p->space->nr_maps; i++)
		assert_true(space_map(p->space, i - 1)->end <= space_map(p->space, i)->start);
	assert_non_null(space_find(p->space, 0x7f0000000000));
	for (uint32_t pid = 1000; pid < 1100; pid++) { /* copies of it */
		process_fork(t, pid, 100, pid, 100, SEC);
		map(t, pid, 0x7f0000000000, 0x1000, 0, "/b", SEC);
	}
	s = stats_of(t);
	assert_in_range(s.nr_maps, MAPS_MAX - SPACE_MAPS_MAX, MAPS_MAX);
	assert_in_range(s.size, MAPS_MAX * 50ul / 2, MAPS_MAX * 50ul * 2);
	assert_ptr_equal(process_find(t, 1099)->space, p->space);
	map(t, 1000, 0, 0x7fffffffffff, 0, "/all", SEC);
	assert_int_equal(process_find(t, 1000)->space->nr_maps, 1);
	assert_true(process_find(t, 1000)->space->maps_cap < 16); /* given back */
}

static void names_are_limited(void **state)
{
	struct process_table *t = *state;
	static char path[4000];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	begin(t, 100);
	for (uint32_t i = 0; i < 10000; i++) {
		snprintf(path + 3900, 64, "%u", i);
		map(t, 100, 0x10000 + i * 0x1000ull, 0x1000, 0, path, SEC);
	}
	assert_in_range(stats_of(t).size, FILES_SIZE_MAX / 2, FILES_SIZE_MAX + (4u << 20));
	assert_true(stats_of(t).nr_refused > 1000);
	assert_string_equal(path_at(t, 100, 0x10000 + 9999 * 0x1000ull), "[refused]");
	assert_string_equal(path_at(t, 100, 0x10000) + 3900, "0");
}

static void processes_and_threads_are_limited(void **state)
{
	struct process_table *t = *state;
	struct process *p = begin(t, 1);

	for (uint32_t i = 0; i < PROCESSES_MAX + 100; i++)
		process_fork(t, i + 2, 1, i + 2, 1, SEC);
	assert_int_equal(stats_of(t).nr_processes, PROCESSES_MAX);
	assert_int_equal(stats_of(t).nr_refused, 101);
	assert_null(process_find(t, PROCESSES_MAX + 50));
	process_comm(t, PROCESSES_MAX + 50, PROCESSES_MAX + 50, "x", true, SEC);
	map(t, PROCESSES_MAX + 50, 0x1000, 0x1000, 0, "/x", SEC);
	for (uint32_t i = 0; i < THREADS_MAX; i++)
		process_thread(t, p, 10000000 + i);
	assert_int_equal(stats_of(t).nr_threads, THREADS_MAX);
	process_comm(t, 1, 1, "still", true, 2 * SEC);
	process_exit(t, 1, 1, 2 * SEC);
	assert_true(p->exited);
	process_reap(t, 3 * SEC);
	assert_int_equal(stats_of(t).nr_threads, PROCESSES_MAX - 1);
	assert_non_null(process_get(t, PROCESSES_MAX + 50));
}

static void serials_never_meet(void **state)
{
	struct process_table *t = *state;
	struct process *a = begin(t, 100), *b = begin(t, 101);

	t->last_serial = UINT32_MAX - 1;
	process_comm(t, 100, 100, "x", true, SEC);
	assert_int_equal(a->space->serial, UINT32_MAX);
	process_comm(t, 100, 100, "x", true, SEC);
	assert_int_not_equal(a->space->serial, 0);
	assert_int_not_equal(b->space->serial, 0);
	assert_int_not_equal(a->space->serial, b->space->serial);
	assert_in_range(a->space->serial, 1, 10);
	assert_in_range(b->space->serial, 1, 10);
}

static void a_typical_process_is_small(void **state)
{
	struct process_table *t = *state;
	size_t before, size;
	char path[32];

	for (uint32_t i = 0; i < 30; i++) { /* names are shared by all that map them */
		snprintf(path, sizeof(path), "/lib/lib%u.so", i);
		map(t, 1, 0x10000 + i * 0x2000, 0x1000, 0, path, SEC);
	}
	before = stats_of(t).size;
	for (uint32_t pid = 1000; pid < 2000; pid++) {
		begin(t, pid);
		for (uint32_t i = 0; i < 30; i++) {
			snprintf(path, sizeof(path), "/lib/lib%u.so", i);
			map(t, pid, 0x10000 + i * 0x2000, 0x1000, 0, path, SEC);
		}
	}
	size = (stats_of(t).size - before) / 1000;
	print_message("# a process with 30 mappings: %zu bytes\n", size);
	assert_in_range(size, 1, 2560);
	before = stats_of(t).size;
	for (uint32_t i = 0; i < 10000; i++)
		process_fork(t, 1000, 1000, 100000 + i, 1000, SEC);
	size = (stats_of(t).size - before) / 10000;
	print_message("# a further thread: %zu bytes\n", size);
	assert_in_range(size, 1, 100);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(fork_inherits_and_shares),
		T(who_maps_after_a_fork_gets_a_copy),
		T(a_copy_of_an_asked_space_waits_for_no_answer),
		T(exec_begins_a_known_empty_image),
		T(exec_ends_the_other_threads),
		T(exec_of_an_unknown_thread_revives),
		T(life_goes_on_without_its_leader),
		T(an_unknown_thread_shows_life),
		T(a_pid_is_used_again),
		T(a_lost_exit_ends_with_the_next_fork),
		T(a_tid_is_used_again),
		T(tasks_that_were_there_share_nothing),
		T(names_follow_their_threads),
		T(pids_that_are_none_are_no_processes),
		T(a_mapping_replaces_what_it_overlaps),
		T(the_same_mapping_again_changes_nothing),
		T(build_ids_tell_files_of_one_name_apart),
		T(an_older_record_replaces_nothing_newer),
		T(ranges_that_are_none_are_refused),
		T(maps_of_a_process_that_was_there),
		T(maps_meet_records),
		T(a_split_mapping_keeps_its_object),
		T(the_first_maps_are_for_all_that_share),
		T(damaged_maps_are_passed_over),
		T(hostile_paths_are_cleaned),
		T(ten_thousand_threads_leave_nothing),
		T(a_storm_of_forks_and_execs_leaves_nothing),
		T(mappings_are_limited),
		T(names_are_limited),
		T(processes_and_threads_are_limited),
		T(serials_never_meet),
		T(a_typical_process_is_small),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
