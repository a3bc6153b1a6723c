/* proc/procfs: made-up /proc trees, and the texts themselves. proc/fill: what they put into the table. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/fill.h"
#include "proc/procfs.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NUMBERS                                                                                    \
	" 1 1 1 0 -1 %u 100 0 0 0 0 0 0 0 20 0 1 0 226870 3133440 418 18446744073709551615\n"

struct tree {
	char dir[64];
	int root;
};

static void add(struct tree *tree, const char *path, const char *text, size_t size)
{
	char dir[128];
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = dir; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		assert_true(!mkdirat(tree->root, dir, 0700) || errno == EEXIST);
		*slash = '/';
	}
	fd = openat(tree->root, path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	close(fd);
}

static int setup(void **state)
{
	static struct tree tree;
	const char *tmp = getenv("TMPDIR");

	snprintf(tree.dir, sizeof(tree.dir), "%s/procfs-XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(tree.dir))
		return -1;
	tree.root = open(tree.dir, O_RDONLY | O_DIRECTORY);
	*state = &tree;
	return tree.root < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct tree *tree = *state;
	char command[96];

	close(tree->root);
	snprintf(command, sizeof(command), "rm -rf '%s'", tree->dir);
	return system(command);
}

struct numbers {
	uint32_t nr, sum;
};

static void count(void *ctx, uint32_t number)
{
	struct numbers *n = ctx;

	n->nr++;
	n->sum += number;
}

static void numbers_are_listed_and_nothing_else(void **state)
{
	struct tree *tree = *state;
	static const char *const names[] = {
		"1/stat",    "42/stat",	 "2147483647/stat", "2147483648/stat",
		"self/stat", "07/stat",	 "0/stat",	    "99999999999999999999/stat",
		"12x/stat",  "-3/stat",	 "42/task/42/stat", "42/task/43/stat",
		"42/task/x/stat",
	};
	struct numbers n = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add(tree, names[i], "", 0);
	assert_int_equal(procfs_each_pid(tree->root, count, &n), 0);
	assert_int_equal(n.nr, 3);
	assert_int_equal(n.sum, 1 + 42 + 2147483647u);
	n = (struct numbers){ 0 };
	assert_int_equal(procfs_each_tid(tree->root, 42, count, &n), 0);
	assert_int_equal(n.nr, 2);
	assert_int_equal(n.sum, 85);
	assert_int_equal(procfs_each_tid(tree->root, 43, count, &n), -ENOENT);
	assert_int_equal(procfs_each_pid(-1, count, &n), -EBADF);
}

static void stat_is_read(void **state)
{
	struct tree *tree = *state;
	struct procfs_stat st;
	char text[512];

	snprintf(text, sizeof(text), "42 (prog) S" NUMBERS, 4194304u);
	add(tree, "42/stat", text, strlen(text));
	snprintf(text, sizeof(text), "43 (kworker/0:1-events_unbound) I" NUMBERS, 69238880u);
	add(tree, "42/task/43/stat", text, strlen(text));
	assert_int_equal(procfs_stat(tree->root, 42, 0, &st), 0);
	assert_string_equal(st.comm, "prog");
	assert_int_equal(st.ppid, 1);
	assert_int_equal(st.state, 'S');
	assert_int_equal(st.start_time, 226870);
	assert_false(st.kthread);
	assert_int_equal(procfs_stat(tree->root, 42, 43, &st), 0);
	assert_string_equal(st.comm, "kworker/0:1-eve");
	assert_true(st.kthread);
	assert_int_equal(procfs_stat(tree->root, 44, 0, &st), -ENOENT);
	add(tree, "45/stat", "", 0);
	assert_int_equal(procfs_stat(tree->root, 45, 0, &st), -EBADMSG);
	assert_string_equal(st.comm, "kworker/0:1-eve"); /* left alone */
}

static void add_stat(struct tree *tree, const char *path, const char *comm, char state, unsigned flags)
{
	char text[512];

	snprintf(text, sizeof(text), "1 (%s) %c" NUMBERS, comm, state, flags);
	add(tree, path, text, strlen(text));
}

static void the_table_is_filled(void **state)
{
	struct tree *tree = *state;
	struct process_table *t = process_table_new();
	struct process *p;

	add_stat(tree, "42/stat", "prog", 'S', 0);
	add_stat(tree, "42/task/42/stat", "leader", 'S', 0);
	add_stat(tree, "42/task/43/stat", "thread", 'S', 0);
	add(tree, "42/task/44/stat", "", 0); /* has gone meanwhile */
	add(tree, "42/cgroup", "0::/system.slice/x.service\n", 27);
	add_stat(tree, "50/stat", "kworker", 'S', 0x200000);
	add_stat(tree, "51/stat", "zombie", 'Z', 0);
	add_stat(tree, "51/task/51/stat", "zombie", 'Z', 0);
	for (uint32_t pid = 42; pid < 60; pid++)
		fill_process(t, tree->root, pid, 7);
	p = process_find(t, 42);
	assert_string_equal(p->comm, "prog");
	assert_true(p->from_proc);
	assert_int_equal(p->start_time, 226870);
	assert_int_equal(p->nr_threads, 2);
	assert_string_equal(process_thread(t, p, 42)->comm, "leader");
	assert_string_equal(process_thread(t, p, 43)->comm, "thread");
	fill_cgroup(t, tree->root, p, 9);
	assert_string_equal(p->unit, "x.service");
	assert_true(process_find(t, 50)->kthread);
	assert_int_equal(process_find(t, 50)->space->state, SPACE_KNOWN);
	assert_true(process_find(t, 51)->exited);
	assert_null(process_find(t, 52));
	add_stat(tree, "42/stat", "another", 'S', 0);
	fill_process(t, tree->root, 42, 8); /* records know better */
	assert_string_equal(process_find(t, 42)->comm, "prog");
	process_table_free(t);
}

static int parse_stat(const char *text, struct procfs_stat *st)
{
	return procfs_parse_stat(text, strlen(text), st);
}

static void stat_of_hostile_names(void **state)
{
	struct procfs_stat st;
	char text[512];
	size_t n;

	snprintf(text, sizeof(text), "7 (a) R 666 (b) S" NUMBERS, 0u);
	assert_int_equal(parse_stat(text, &st), 0);
	assert_string_equal(st.comm, "a) R 666 (b");
	assert_int_equal(st.ppid, 1);
	snprintf(text, sizeof(text), "7 (\xff\n\x1b)))) S" NUMBERS, 0u);
	assert_int_equal(parse_stat(text, &st), 0);
	assert_string_equal(st.comm, "\xff\n\x1b)))");
	snprintf(text, sizeof(text), "7 () S" NUMBERS, 0u);
	assert_int_equal(parse_stat(text, &st), 0);
	assert_string_equal(st.comm, "");
	n = strlen(text);
	for (size_t cut = 0; cut < n; cut++) { /* cut off anywhere: a whole answer or none */
		if (!procfs_parse_stat(text, cut, &st))
			assert_int_equal(st.start_time, 226870);
		else
			assert_true(cut <= (size_t)(strstr(text, "226870") - text) + 6);
	}
	assert_int_equal(parse_stat("7 )( S 1 1 1 1 1 1", &st), -EBADMSG);
	snprintf(text, sizeof(text), "7 (x) S 99999999999999999999999" NUMBERS, 0u);
	assert_int_equal(parse_stat(text, &st), -EBADMSG);
	assert_int_equal(parse_stat("7 (x) S -1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 5 ", &st), 0);
	assert_int_equal(st.ppid, 0);
	assert_int_equal(st.start_time, 5);
}

static void expect_cgroup(const char *text, int rc, const char *want)
{
	char path[64] = "untouched";

	assert_int_equal(procfs_parse_cgroup(text, strlen(text), path, sizeof(path)), rc);
	assert_string_equal(path, want);
}

static void cgroup_is_chosen(void **state)
{
	struct tree *tree = *state;
	char path[64];

	expect_cgroup("0::/system.slice/a.service\n", 0, "/system.slice/a.service");
	expect_cgroup("1:name=systemd:/v1\n0::/v2\n", 0, "/v2");
	expect_cgroup("3:perf_event:/p\n1:name=systemd:/s\n0::/\n", 0, "/s");
	expect_cgroup("3:perf_event:/p\n1:name=systemd:/\n0::/\n", 0, "/p");
	expect_cgroup("1:name=systemd:/\n0::/\n", 0, "/");
	expect_cgroup("3:perf_event:/p\n2:cpu:/c\n", 0, "/p");
	expect_cgroup("2:cpu:/c\n", -ENOENT, "untouched");
	expect_cgroup("0::/a:b (deleted)\n", 0, "/a:b");
	expect_cgroup("", -ENOENT, "untouched");
	expect_cgroup("0::/cut", -ENOENT, "untouched");
	expect_cgroup("0::relative\n::\n:\n\n0::/x\n", 0, "/x");
	expect_cgroup("0::/" HEX64 "\n", -ENAMETOOLONG, "untouched");
	add(tree, "42/cgroup", "0::/x\n", 6);
	assert_int_equal(procfs_cgroup(tree->root, 42, path, sizeof(path)), 0);
	assert_string_equal(path, "/x");
	assert_int_equal(procfs_cgroup(tree->root, 43, path, sizeof(path)), -ENOENT);
}

static void units_and_containers(void **state)
{
	static const struct {
		const char *cgroup, *unit, *container;
	} cases[] = {
		{ "/", "", "" },
		{ "", "", "" },
		{ "/system.slice/nginx.service", "nginx.service", "" },
		{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "" },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service",
		  "foo.service", "" },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice",
		  "user@1000.service", "" },
		{ "/user.slice/user-1000.slice", "user-1000.slice", "" },
		{ "/system.slice/docker-" HEX64 ".scope", "docker-" HEX64 ".scope", HEX64 },
		{ "/docker/" HEX64, "", HEX64 },
		{ "/docker/" HEX64 "/", "", HEX64 },
		{ "/kubepods/burstable/pod1b5f6c0e-0b0a-4d8c/" HEX64, "", HEX64 },
		{ "/kubepods.slice/kubepods-burstable.slice/cri-containerd-" HEX64 ".scope",
		  "cri-containerd-" HEX64 ".scope", HEX64 },
		{ "/kubepods.slice/crio-" HEX64 ".scope/init.scope", "init.scope", HEX64 },
		{ "/machine.slice/libpod-" HEX64 ".scope/container",
		  "libpod-" HEX64 ".scope", HEX64 },
		{ "/machine.slice/libpod-conmon-" HEX64 ".scope",
		  "libpod-conmon-" HEX64 ".scope", "" },
		{ "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" HEX64,
		  "containerd.service", HEX64 },
		{ "/lxc/" HEX64 "0", "", "" },
		{ "/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		  "", "" },
		{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "" },
		{ "/system.slice/dev-disk-by\\x2duuid-1.swap", "dev-disk-by\\x2duuid-1.swap", "" },
		{ "/system.slice/_cpu.service", "cpu.service", "" },
		{ "/a.socket/b.mount/c.timer", "c.timer", "" },
		{ "/.service/.slice", "", "" },
		{ "/x y.service/\xff.service/\x1b[31m.scope/a;b.service", "", "" },
		{ "//////", "", "" },
		{ "/:/::/_/__", "", "" },
	};
	char unit[256], container[65], small[4] = "abc";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		procfs_parse_unit(cases[i].cgroup, unit, sizeof(unit), container,
				  sizeof(container));
		assert_string_equal(unit, cases[i].unit);
		assert_string_equal(container, cases[i].container);
	}
	procfs_parse_unit("/nginx.service/" HEX64, small, sizeof(small), container, 64);
	assert_string_equal(small, "");
	assert_string_equal(container, "");
}

static void overlong_unit_names_are_none(void **state)
{
	char cgroup[4096], unit[256], container[65];

	memset(cgroup, 'a', sizeof(cgroup));
	cgroup[0] = '/';
	strcpy(cgroup + 3000, ".service");
	procfs_parse_unit(cgroup, unit, sizeof(unit), container, sizeof(container));
	assert_string_equal(unit, "");
	strcpy(cgroup + 3000, "/b.service");
	procfs_parse_unit(cgroup, unit, sizeof(unit), container, sizeof(container));
	assert_string_equal(unit, "b.service");
}

static void maps_lines_are_read(void **state)
{
	static const char text[] =
		"55d0c0a00000-55d0c0a02000 r-xp 00002000 fe:01 320476   /usr/bin/a b (deleted)\n"
		"7f53a56a4000-7f53a56a6000 rw-s 00000000 00:00 0 \n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0             [vsyscall]\n";
	struct procfs_map m;
	uint32_t nr_bad = 0;
	size_t pos = 0;

	assert_true(procfs_next_map(text, sizeof(text) - 1, &pos, &m, &nr_bad));
	assert_true(m.start == 0x55d0c0a00000 && m.end == 0x55d0c0a02000 && m.pgoff == 0x2000);
	assert_true(m.read && !m.write && m.exec && !m.shared && m.deleted);
	assert_int_equal(m.dev_major, 0xfe);
	assert_int_equal(m.dev_minor, 1);
	assert_int_equal(m.inode, 320476);
	assert_int_equal(m.path_size, strlen("/usr/bin/a b"));
	assert_memory_equal(m.path, "/usr/bin/a b", m.path_size);
	assert_true(procfs_next_map(text, sizeof(text) - 1, &pos, &m, &nr_bad));
	assert_true(m.read && m.write && !m.exec && m.shared && !m.deleted && !m.path_size);
	assert_true(procfs_next_map(text, sizeof(text) - 1, &pos, &m, &nr_bad));
	assert_int_equal(m.end, 0xffffffffff601000);
	assert_false(procfs_next_map(text, sizeof(text) - 1, &pos, &m, &nr_bad));
	assert_int_equal(nr_bad, 0);
}

static void executable_maps_lines_are_kept(void **state)
{
	static const char text[] = "1000-2000 r--p 00000000 08:01 7 /bin/a\n"
				   "2000-3000 r-xp 00001000 08:01 7 /bin/a\n"
				   "damaged\n"
				   "3000-4000 rw-p 00000000 00:00 0 [heap]\n"
				   "5000-6000 r-xp 00000000 00:00 0 \n"
				   "7000-8000 rw-p 00000000 00:0";
	static const char kept[] = "2000-3000 r-xp 00001000 08:01 7 /bin/a\n"
				   "damaged\n"
				   "5000-6000 r-xp 00000000 00:00 0 \n"
				   "7000-8000 rw-p 00000000 00:0";
	char *out = malloc(sizeof(text) - 1);
	size_t size = procfs_executable_maps(text, sizeof(text) - 1, out);

	assert_int_equal(size, sizeof(kept) - 1);
	assert_memory_equal(out, kept, size);
	free(out);
	assert_int_equal(procfs_executable_maps(text, 0, NULL), 0);
}

static void damaged_maps_lines_are_counted(void **state)
{
	static const char *const lines[] = {
		"",
		"garbage",
		"1000-1000 r-xp 0 0:0 0 ",
		"2000-1000 r-xp 0 0:0 0 ",
		"1000-2000 rzxp 0 0:0 0 ",
		"1000-2000 r-x 0 0:0 0 ",
		"1000-2000 r-xp 0 0:0 ",
		"1000-2000 r-xp 0 0:0 0",
		"1000-2000 r-xp  0:0 0 ",
		"1000-2000 r-xp 0 100000000:0 0 ",
		"1000-2000 r-xp 0 0:0 18446744073709551616 ",
		"1000-20000000000000000 r-xp 0 0:0 0 ",
		"1000-2000 r-xp 0 0:0 a ",
		"-2000 r-xp 0 0:0 0 ",
		"1000-2000",
	};
	uint32_t nr = sizeof(lines) / sizeof(lines[0]), nr_bad = 0;
	struct procfs_map m;
	char text[2048] = "";
	size_t pos = 0;

	for (uint32_t i = 0; i < nr; i++) {
		strcat(text, lines[i]);
		strcat(text, "\n");
	}
	strcat(text, "1000-2000 r-xp 0 0:0 0 /good\n1000-2000 r-xp 0 0:0 0 /cut");
	assert_true(procfs_next_map(text, strlen(text), &pos, &m, &nr_bad));
	assert_memory_equal(m.path, "/good", 5);
	assert_int_equal(nr_bad, nr);
	assert_false(procfs_next_map(text, strlen(text), &pos, &m, &nr_bad));
	assert_int_equal(nr_bad, nr + 1);
	assert_false(procfs_next_map(text, strlen(text), &pos, &m, &nr_bad));
	assert_int_equal(nr_bad, nr + 1);
}

static void our_own_proc_is_read(void **state)
{
	int root = open("/proc", O_RDONLY | O_DIRECTORY);
	struct numbers pids = { 0 }, tids = { 0 };
	struct procfs_stat st;
	char path[4096];

	if (root < 0)
		skip();
	assert_int_equal(procfs_stat(root, (uint32_t)getpid(), 0, &st), 0);
	assert_int_equal(st.ppid, getppid());
	assert_string_equal(st.comm, "procfs");
	assert_int_equal(procfs_each_pid(root, count, &pids), 0);
	assert_int_equal(procfs_each_tid(root, (uint32_t)getpid(), count, &tids), 0);
	assert_true(pids.nr >= 1);
	assert_int_equal(tids.nr, 1);
	assert_int_equal(tids.sum, getpid());
	assert_int_equal(procfs_cgroup(root, (uint32_t)getpid(), path, sizeof(path)), 0);
	assert_int_equal(path[0], '/');
	close(root);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(numbers_are_listed_and_nothing_else),
		T(stat_is_read),
		T(the_table_is_filled),
		cmocka_unit_test(stat_of_hostile_names),
		T(cgroup_is_chosen),
		cmocka_unit_test(units_and_containers),
		cmocka_unit_test(overlong_unit_names_are_none),
		cmocka_unit_test(maps_lines_are_read),
		cmocka_unit_test(executable_maps_lines_are_kept),
		cmocka_unit_test(damaged_maps_lines_are_counted),
		cmocka_unit_test(our_own_proc_is_read),
	};

	return cmocka_run_group_tests_name("procfs", tests, NULL, NULL);
}
