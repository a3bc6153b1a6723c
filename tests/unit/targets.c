/* daemon/: who belongs to a target, by a made-up /proc and made-up records; and what fits. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/match.h"
#include "daemon/members.h"
#include "daemon/split.h"
#include "daemon/targets.h"
#include "proc/procfs.h"
#include "spool/spool.h"

/* Members. */

static void members_are_counted_by_process(void **state)
{
	struct members m = { 0 };
	struct member *t;

	assert_null(members_find(&m, 1));
	t = members_add(&m, 10, 10, 5);
	t->entry = (void *)&m;
	assert_ptr_equal(members_add(&m, 10, 10, 9), t);
	assert_int_equal(t->since_ns, 5);
	members_add(&m, 10, 11, 6);
	members_add(&m, 20, 20, 7);
	assert_int_equal(m.nr_threads, 3);
	assert_int_equal(m.nr_processes, 2);
	assert_int_equal(members_process(&m, 10), 2);
	assert_int_equal(members_process(&m, 11), 0);
	members_del(&m, 10);
	members_del(&m, 10);
	assert_int_equal(members_process(&m, 10), 1);
	members_del(&m, 11);
	assert_int_equal(members_process(&m, 10), 0);
	assert_int_equal(m.nr_processes, 1);
	assert_non_null(members_find(&m, 20));
	members_fini(&m);
}

static void a_number_that_is_used_again_is_another(void **state)
{
	struct members m = { 0 };
	struct member *t = members_add(&m, 10, 12, 5);

	t->entry = (void *)&m;
	t = members_add(&m, 30, 12, 6); /* the end of 12 in 10 was not told */
	assert_null(t->entry);
	assert_int_equal(t->pid, 30);
	assert_int_equal(members_process(&m, 10), 0);
	assert_int_equal(members_process(&m, 30), 1);
	members_fini(&m);
}

static void a_thread_that_executes_becomes_the_leader(void **state)
{
	struct members m = { 0 };

	members_add(&m, 10, 10, 1)->entry = (void *)1;
	members_add(&m, 10, 12, 1)->entry = (void *)2;
	members_rename(&m, 12, 10);
	assert_int_equal(m.nr_threads, 1);
	assert_null(members_find(&m, 12));
	assert_ptr_equal(members_find(&m, 10)->entry, (void *)2);
	assert_int_equal(members_process(&m, 10), 1);
	members_rename(&m, 77, 10); /* nobody: then the leader is gone too */
	assert_int_equal(m.nr_threads, 0);
	members_fini(&m);
}

static void ten_thousand_births_and_deaths_leave_nothing(void **state)
{
	struct members m = { 0 };

	for (uint32_t i = 1; i <= 10000; i++)
		members_add(&m, 1 + i / 7, i, i);
	for (uint32_t i = 10000; i; i--)
		assert_int_equal(members_find(&m, i)->since_ns, i);
	for (uint32_t i = 1; i <= 10000; i += 2)
		members_del(&m, i);
	for (uint32_t i = 1; i <= 10000; i++)
		assert_int_equal(members_find(&m, i) != NULL, !(i & 1));
	for (uint32_t i = 2; i <= 10000; i += 2)
		members_del(&m, i);
	assert_int_equal(m.nr_threads, 0);
	assert_int_equal(m.nr_processes, 0);
	assert_int_equal(m.tids.nr, 0);
	assert_int_equal(m.pids.nr, 0);
	members_fini(&m);
}

/* Matching. */

struct world {
	char dir[64];
	int root;
	struct process_table *table;
};

static void write_file(const struct world *w, uint32_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%u", pid);
	assert_true(!mkdirat(w->root, path, 0700) || errno == EEXIST);
	snprintf(path, sizeof(path), "%u/%s", pid, name);
	fd = openat(w->root, path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static struct process *born(struct world *w, uint32_t pid, const char *comm, const char *program, unsigned uid,
			    const char *cgroup)
{
	struct process_mmap lib = { .start = 0x7f0000000000, .size = 0x1000, .path = "/lib/libc.so" };
	struct process_mmap vdso = { .start = 0x1000, .size = 0x1000, .path = "[vdso]" };
	struct process_mmap exe = { .start = 0x400000, .size = 0x1000, .path = program };
	char text[256];

	process_fork(w->table, pid, 1, pid, 1, 5);
	process_comm(w->table, pid, pid, comm, true, 6);
	process_mmap(w->table, pid, &lib, 7);
	process_mmap(w->table, pid, &vdso, 7);
	process_mmap(w->table, pid, &exe, 7);
	snprintf(text, sizeof(text), "Name:\tx\nPid:\t%u\nUid:\t7\t%u\t8\t9\nGid:\t0\t0\t0\t0\n", pid, uid);
	write_file(w, pid, "status", text);
	snprintf(text, sizeof(text), "0::%s\n", cgroup);
	write_file(w, pid, "cgroup", text);
	return process_find(w->table, pid);
}

static int setup(void **state)
{
	static struct world w;

	strcpy(w.dir, "/tmp/targets-XXXXXX");
	if (!mkdtemp(w.dir))
		return -1;
	w.root = open(w.dir, O_RDONLY | O_DIRECTORY);
	w.table = process_table_new();
	*state = &w;
	return w.root < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[96];

	process_table_free(w->table);
	close(w->root);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	return system(command);
}

static enum match_answer answer(const struct world *w, const struct config_target *t, const struct process *p)
{
	struct match m;
	enum match_answer a;

	match_init(&m, t);
	a = match_process(&m, w->root, w->table, p);
	match_fini(&m);
	return a;
}

static void each_key_matches_what_it_says(void **state)
{
	struct world *w = *state;
	const struct process *p = born(w, 42, "web server", "/opt/web/bin/serve", 1000,
				       "/user.slice/user@7.service/app.slice/web.service/sub");
	static const struct {
		struct config_target t;
		enum match_answer answer;
	} cases[] = {
		{ { .comm = "web server" }, MATCH_YES },
		{ { .comm = "web*" }, MATCH_YES },
		{ { .comm = "web" }, MATCH_NO },
		{ { .comm = "[" }, MATCH_NO },
		{ { .pids = { { 41, 42 }, 2 } }, MATCH_YES },
		{ { .pids = { { 41, 43 }, 2 } }, MATCH_NO },
		{ { .exe = "/opt/web/bin/serve" }, MATCH_YES },
		{ { .exe = "*/serve" }, MATCH_YES },
		{ { .exe = "/lib/*" }, MATCH_NO },
		{ { .exe = "serve" }, MATCH_NO },
		{ { .user = "1000" }, MATCH_YES },
		{ { .user = "7" }, MATCH_NO },
		{ { .user = "root" }, MATCH_NO },
		{ { .user = "no such user" }, MATCH_NO },
		{ { .unit = "web" }, MATCH_YES },
		{ { .unit = "web.service" }, MATCH_YES },
		{ { .unit = "user@*.service" }, MATCH_YES },
		{ { .unit = "we" }, MATCH_NO },
		{ { .unit = "sub" }, MATCH_NO },
		{ { .cgroup = "/user.slice/*/app.slice" }, MATCH_YES },
		{ { .cgroup = "/user.slice/*/web.service" }, MATCH_NO },
		{ { .cgroup = "/user" }, MATCH_NO },
		{ { .cgroup = "/" }, MATCH_YES },
		{ { .comm = "web*", .user = "1000", .exe = "/opt/*", .unit = "web", .pids = { { 42 }, 1 } }, MATCH_YES },
		{ { .comm = "web*", .user = "1001" }, MATCH_NO },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (answer(w, &cases[i].t, p) != cases[i].answer)
			fail_msg("case %zu", i);
}

static void who_is_gone_or_strange_does_not_match(void **state)
{
	struct world *w = *state;
	struct config_target user = { .user = "1000" }, group = { .cgroup = "/" }, exe = { .exe = "*" };
	struct process *p;

	process_fork(w->table, 50, 1, 50, 1, 5);
	p = process_find(w->table, 50);
	assert_int_equal(answer(w, &user, p), MATCH_NO); /* /proc has nothing of it */
	assert_int_equal(answer(w, &group, p), MATCH_NO);
	assert_int_equal(answer(w, &exe, p), MATCH_MAPS_UNKNOWN);
	write_file(w, 50, "status", "Name:\tUid:\t1000\nUid:\t1\n");
	assert_int_equal(answer(w, &user, p), MATCH_NO);
	p->kthread = true;
	assert_int_equal(answer(w, &exe, p), MATCH_NO);
}

static void control_groups_by_unit_or_path(void **state)
{
	struct config_target unit = { .unit = "a-*" }, path = { .cgroup = "/x/*" };
	struct match m;

	match_init(&m, &unit);
	assert_true(match_cgroup(&m, "/system.slice/a-b.service", "a-b.service"));
	assert_true(match_cgroup(&m, "/_a-b", "_a-b"));
	assert_false(match_cgroup(&m, "/a-b/c", "c"));
	match_fini(&m);
	match_init(&m, &path);
	assert_true(match_cgroup(&m, "/x/y", "y"));
	assert_false(match_cgroup(&m, "/x", "x"));
	assert_false(match_cgroup(&m, "/x/y/z", "z"));
	match_fini(&m);
}

static void users_are_the_effective_ones(void **state)
{
	static const char good[] = "Name:\ta\nUid:\t1\t2\t3\t4\n", *bad[] = {
		"", "Uid:\t1\t2\t3\t4\n", "\nUid:\t1", "\nUid:\t1\t", "\nUid:\t1\t2", "\nUid:\t1\tx\t",
		"\nUid:\t1\t4294967296\t", "\nUid:\t1\t99999999999\t", "\nUid:\t1\t-1\t",
	};
	uint32_t uid = 99;

	assert_int_equal(procfs_parse_uid(good, strlen(good), &uid), 0);
	assert_int_equal(uid, 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(procfs_parse_uid(bad[i], strlen(bad[i]), &uid), -EBADMSG);
	assert_int_equal(uid, 2);
}

#define V1 "30 20 0:5 / /sys/fs/cgroup/cpu,perf rw shared:9 - cgroup cgroup rw,cpu,perf_event\n"
#define V2 "31 20 0:6 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
#define ELSE "29 20 0:5 / /sys/fs/cgroup/x rw - cgroup cgroup rw,cpu,perf_events\n"

static void the_hierarchy_is_the_one_that_perf_takes(void **state)
{
	static const struct {
		const char *text, *path;
		bool v1;
	} cases[] = {
		{ ELSE V2, "/sys/fs/cgroup/unified", false },
		{ V2 V1 V2, "/sys/fs/cgroup/cpu,perf", true },
		{ "1 2 0:1 / /a\\040b\\134c rw master:1 propagate_from:2 - cgroup2 none rw\n", "/a b\\c", false },
		{ ELSE, NULL, false },
		{ "1 2 0:1 / /a rw cgroup2 none rw\n", NULL, false },
		{ "1 2 0:1 / /a rw - cgroup2", NULL, false },
		{ "", NULL, false },
	};
	char path[64];
	bool v1 = false;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = procfs_parse_cgroup_mount(cases[i].text, strlen(cases[i].text), path, sizeof(path), &v1);

		assert_int_equal(err, cases[i].path ? 0 : -ENOENT);
		if (cases[i].path) {
			assert_string_equal(path, cases[i].path);
			assert_int_equal(v1, cases[i].v1);
		}
	}
	assert_int_equal(procfs_parse_cgroup_mount(V2, strlen(V2), path, 5, &v1), -ENAMETOOLONG);
}

static void what_does_not_fit_is_said_with_its_numbers(void **state)
{
	char why[320] = "";

	assert_int_equal(targets_budget(1000, 2, 1, 0, 2000, why, sizeof(why)), 0);
	assert_int_equal(targets_budget(0, 2, 1, 5000, 2000, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	assert_int_equal(targets_budget(1000, 2, 1, 1, 2000, why, sizeof(why)), -EMFILE);
	assert_string_equal(why, "1000 threads x 2 CPUs x 1 kind of events need 2000 descriptors; of 2000 for targets "
				 "(by RLIMIT_NOFILE) 1999 are left");
	assert_int_equal(targets_budget(1, 1, 2, 3000, 2000, why, sizeof(why)), -EMFILE);
	assert_string_equal(why, "1 thread x 1 CPU x 2 kinds of events need 2 descriptors; of 2000 for targets "
				 "(by RLIMIT_NOFILE) 0 are left");
	assert_int_equal(targets_budget(UINT32_MAX, 4096, 2, 0, UINT32_MAX, why, sizeof(why)), -EMFILE);
}

/* Splitting. */

static void folders_cannot_leave_the_spool(void **state)
{
	static const char *const names[] = { "nginx.service", "../../etc", "a/b\n", "", "\xff\xfe", "..", "a b" };
	struct spool_name n = { .kind = "cpu", .start = 1795370400, .seconds = 60 }, again;
	char folder[SPOOL_FOLDER_MAX], text[SPOOL_NAME_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		spool_folder(folder, "unit", names[i]);
		assert_true(strlen(folder) > 5);
		assert_null(strchr(folder, '/'));
		assert_null(strchr(folder, '\n'));
		memcpy(n.folder, folder, sizeof(n.folder));
		assert_int_equal(spool_format_name(&n, text, sizeof(text)), 0);
		assert_true(spool_parse_name(text, &again));
		assert_string_equal(again.folder, folder);
		assert_int_equal(again.start, n.start);
	}
	assert_false(spool_parse_name("other/cpu-20261122T180000Z-60s.pb.gz", &again));
	assert_false(spool_parse_name("unit-../cpu-20261122T180000Z-60s.pb.gz/x", &again));
	assert_false(spool_parse_name("/cpu-20261122T180000Z-60s.pb.gz", &again));
	assert_false(spool_parse_name("unit-a/b/cpu-20261122T180000Z-60s.pb.gz", &again));
	assert_false(spool_parse_name("unit-a b/cpu-20261122T180000Z-60s.pb.gz", &again));
	assert_false(spool_parse_name("unit-a/", &again));
}

struct parts {
	unsigned nr;
	int64_t values;
	char folders[4096];
};

static void add_part(void *ctx, const char *folder, struct profile *part)
{
	struct parts *p = ctx;

	p->nr++;
	for (uint32_t i = 0; i < part->nr_samples; i++)
		p->values += part->values[i * part->nr_types];
	if (strlen(p->folders) + strlen(folder) + 2 < sizeof(p->folders)) {
		strcat(p->folders, folder);
		strcat(p->folders, " ");
	}
}

static void add_sample(struct profile *p, const char *key, const char *value, const char *comm, int64_t n)
{
	uint32_t location = profile_pseudo(p, "[x]");
	struct profile_label labels[2];
	uint32_t nr = 0;

	if (value) {
		labels[nr++] = (struct profile_label){ .key = profile_string(p, "comm"), .str = profile_string(p, comm) };
		labels[nr++] = (struct profile_label){ .key = profile_string(p, key), .str = profile_string(p, value) };
	}
	profile_add(p, profile_stack(p, &location, 1), profile_label_set(p, labels, nr), &n);
}

static void every_sample_is_in_one_part(void **state)
{
	struct process_table *table = process_table_new();
	struct profile *p = profile_new();
	struct parts parts = { 0 };

	profile_add_type(p, "samples", "count");
	add_sample(p, "unit", "a.service", "x", 3);
	add_sample(p, "unit", "a.service", "y", 4);
	add_sample(p, "unit", "b/../c.scope", "y", 5);
	add_sample(p, "unit", NULL, NULL, 6);
	split_profile(p, SPLIT_UNIT, table, add_part, &parts);
	assert_int_equal(parts.nr, 3);
	assert_int_equal(parts.values, 18);
	assert_non_null(strstr(parts.folders, "unit-a.service "));
	assert_non_null(strstr(parts.folders, "unit-none "));
	profile_free(p);

	p = profile_new();
	profile_add_type(p, "samples", "count");
	add_sample(p, "pid", "500", "before it executed", 1);
	for (int i = 1; i <= 500; i++) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", i);
		add_sample(p, "pid", pid, i == 500 ? "big one" : "small", i);
	}
	parts = (struct parts){ 0 };
	split_profile(p, SPLIT_PROCESS, table, add_part, &parts);
	assert_int_equal(parts.nr, SPLIT_PARTS_MAX);
	assert_int_equal(parts.values, 500 * 501 / 2 + 1);
	assert_non_null(strstr(parts.folders, "process-big_one-500 "));
	assert_null(strstr(parts.folders, "process-small-1 "));
	profile_free(p);
	process_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_counted_by_process),
		cmocka_unit_test(a_number_that_is_used_again_is_another),
		cmocka_unit_test(a_thread_that_executes_becomes_the_leader),
		cmocka_unit_test(ten_thousand_births_and_deaths_leave_nothing),
		cmocka_unit_test_setup_teardown(each_key_matches_what_it_says, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_gone_or_strange_does_not_match, setup, teardown),
		cmocka_unit_test(control_groups_by_unit_or_path),
		cmocka_unit_test(users_are_the_effective_ones),
		cmocka_unit_test(the_hierarchy_is_the_one_that_perf_takes),
		cmocka_unit_test(folders_cannot_leave_the_spool),
		cmocka_unit_test(every_sample_is_in_one_part),
		cmocka_unit_test(what_does_not_fit_is_said_with_its_numbers),
	};

	return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
