/* opener/: what it opens, what it refuses, and what happens when it dies, by real processes. */
#include "tests/unit/unit.h"

#include "tests/unit/opener_test.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/io.h"
#include "base/loop.h"
#include "opener/client.h"
#include "opener/file.h"
#include "opener/mounts.h"
#include "opener/opener.h"

/* Without CAP_CHECKPOINT_RESTORE files are found by name. (A process without rights looks into its
 * likes only.) */
#define NAME_CAPS (1ull << CAP_SYS_PTRACE | 1ull << CAP_DAC_READ_SEARCH)
#define CAPS      OPENER_CAPS

static const struct timespec moment = { .tv_nsec = 10000000 };

/* The last answer, and how many there were. */
struct answers {
	unsigned nr, nr_ok;
	struct opener_answer last;
	uint64_t cookie;
	int fds[OPENER_RANGES_MAX];
	unsigned nr_fds;
};

static void got_answer(void *ctx, const struct opener_request *q, const struct opener_answer *a,
		       int *fds, unsigned nr)
{
	struct answers *all = ctx;

	while (all->nr_fds)
		close(all->fds[--all->nr_fds]);
	all->nr++;
	all->nr_ok += !a->status;
	all->last = *a;
	all->cookie = q->cookie;
	assert_int_equal(a->cookie, q->cookie);
	memcpy(all->fds, fds, nr * sizeof(*fds));
	all->nr_fds = nr;
}

static void wait_answers(struct loop *l, const struct answers *all, unsigned nr)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (all->nr < nr && now_ms() < end)
		assert_int_equal(loop_step(l, 100), 0);
	assert_int_equal(all->nr, nr);
}

static bool has_cap(unsigned cap)
{
	char line[128] = "";
	uint64_t caps = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps >> cap & 1;
}

static void client_opens_libc_by_its_range(void **state)
{
	struct answers all = { 0 };
	struct opener_client *c;
	struct opener_status status;
	struct opener_request q;
	struct opener_range r;
	struct stat st;
	struct loop *l;

	assert_true(find_range(getpid(), "/libc.so", &r) || find_range(getpid(), "/libc-", &r));
	assert_int_equal(stat(r.path, &st), 0);
	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(opener_client_new(&c, l, got_answer, &all), 0);
	q = files_request(getpid(), &r);
	q.cookie = 0; /* any is the caller's right */
	assert_true(opener_client_ask(c, &q));
	wait_answers(l, &all, 1);
	assert_int_equal(all.last.status, 0);
	assert_int_equal(all.last.range_status[0], 0);
	assert_int_equal(all.nr_fds, 1);
	assert_true(same_file(all.fds[0], &st));
	assert_int_equal(fcntl(all.fds[0], F_GETFD), FD_CLOEXEC);
	close(all.fds[0]);
	opener_client_status(c, &status);
	assert_int_equal(status.nr_alive, 2);
	assert_int_equal(status.nr_requests, 1);
	assert_int_equal(status.nr_failed, 0);
	opener_client_free(c);
	loop_free(l);
}

static void client_answers_each_request_once(void **state)
{
	struct answers all = { 0 };
	struct opener_request q = { .what = OPENER_MAPS, .pid = (uint32_t)getpid() };
	struct opener_client *c;
	struct opener_status status;
	struct loop *l;
	unsigned nr = 0;

	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(opener_client_new(&c, l, got_answer, &all), 0);
	for (q.cookie = 0; q.cookie < 2000; q.cookie++)
		nr += opener_client_ask(c, &q);
	assert_in_range(nr, 1000, 1999); /* bounded, and the bound is of use */
	opener_client_status(c, &status);
	assert_int_equal(status.nr_queued, nr - 1);
	wait_answers(l, &all, nr);
	assert_int_equal(all.nr_ok, nr);
	assert_int_equal(all.cookie, nr - 1);
	close(all.fds[0]);
	q.pid = 0;
	assert_false(opener_client_ask(c, &q));
	opener_client_free(c);
	loop_free(l);
}

static void wait_alive(struct loop *l, struct opener_client *c, unsigned nr)
{
	struct opener_status status;

	for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end;) {
		opener_client_status(c, &status);
		if (status.nr_alive == nr)
			return;
		loop_step(l, 10);
	}
	assert_int_equal(status.nr_alive, nr);
}

/* Openers that other openers started come to us when those end. */
static void adopting_client(struct opener_client **c, struct loop **l, struct answers *all)
{
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(loop_new(l), 0);
	for (int i = 0; i < 100 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		nanosleep(&moment, NULL);
	assert_int_equal(opener_client_new(c, *l, got_answer, all), 0);
}

static void adopting_client_end(struct opener_client *c, struct loop *l, struct answers *all)
{
	while (all->nr_fds)
		close(all->fds[--all->nr_fds]);
	opener_client_free(c);
	/* Those that are not our children end with their channels. */
	for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end && waitpid(-1, NULL, WNOHANG) >= 0;)
		nanosleep(&moment, NULL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	loop_free(l);
}

static void client_gets_a_new_spare_whenever_one_dies(void **state)
{
	struct answers all = { 0 };
	struct opener_request q = { .what = OPENER_MAPS, .pid = (uint32_t)getpid() };
	struct opener_client *c;
	struct loop *l;
	pid_t openers[3] = { 0 };

	adopting_client(&c, &l, &all);
	for (unsigned i = 0; i < 5; i++) {
		wait_alive(l, c, 2);
		/* It serves, and dies of it. */
		assert_true(opener_client_ask(c, &q));
		wait_answers(l, &all, i + 1);
		assert_int_equal(all.nr_ok, i + 1);
		while (waitpid(-1, NULL, WNOHANG) > 0) /* what died before is not to be killed again */
			;
		assert_in_range(children(openers, 3), 1, 2);
		kill(openers[0], SIGKILL);
		wait_alive(l, c, 1);
		assert_false(opener_client_over(c));
	}
	wait_alive(l, c, 2);
	adopting_client_end(c, l, &all);
}

/* What was asked of the one that is left is answered, although a new one has come meanwhile. */
static void a_new_spare_does_not_serve(void **state)
{
	struct answers all = { 0 };
	struct opener_request q = { .what = OPENER_MAPS, .pid = (uint32_t)getpid() };
	struct opener_client *c;
	struct loop *l;
	pid_t pids[2] = { 0 };

	adopting_client(&c, &l, &all);
	assert_int_equal(children(pids, 2), 2);
	kill(pids[0], SIGKILL);
	wait_alive(l, c, 1);
	kill(pids[1], SIGSTOP);
	assert_true(opener_client_ask(c, &q));
	wait_alive(l, c, 2);
	kill(pids[1], SIGCONT);
	wait_answers(l, &all, 1);
	assert_int_equal(all.nr_ok, 1);
	wait_alive(l, c, 2);
	adopting_client_end(c, l, &all);
}

static void client_is_over_when_both_die(void **state)
{
	struct answers all = { 0 };
	struct opener_request q = { .what = OPENER_MAPS, .pid = (uint32_t)getpid() };
	struct opener_client *c;
	struct loop *l;
	pid_t pids[2] = { 0 };

	assert_int_equal(loop_new(&l), 0);
	for (int i = 0; i < 100 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		nanosleep(&moment, NULL);
	assert_int_equal(opener_client_new(&c, l, got_answer, &all), 0);
	assert_int_equal(children(pids, 2), 2);
	/* Three are under way or queued when they die: each is answered. */
	for (unsigned i = 0; i < 3; i++)
		assert_true(opener_client_ask(c, &q));
	kill(pids[0], SIGKILL);
	kill(pids[1], SIGKILL);
	wait_answers(l, &all, 3);
	for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end && !opener_client_over(c);)
		loop_step(l, 10);
	assert_true(opener_client_over(c));
	assert_false(opener_client_ask(c, &q));
	while (all.nr_fds)
		close(all.fds[--all.nr_fds]);
	opener_client_free(c);
	loop_free(l);
}

static void do_nothing(void *ctx)
{
}

static void target_is_known_by_its_start(void **state)
{
	struct opener_request q = { .cookie = 1, .what = OPENER_MAPS };
	struct opener_answer a;
	struct timespec ts;
	uint64_t fork_ns;
	int fds[OPENER_RANGES_MAX], channel;
	pid_t opener, pid;

	channel = raw_opener(CAPS, &opener);
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		fork_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
		pid = target_start(do_nothing, NULL);
		if (now_ms() - fork_ns / 1000000 < 20) /* nobody else had the CPU for long in between */
			break;
		target_end(pid);
	}
	q.pid = (uint32_t)pid;
	assert_int_equal(raw_ask(channel, &q, &a, fds), 1);
	close(fds[0]);
	assert_true(a.start_time > 0);
	q.start_time = a.start_time;
	assert_int_equal(raw_ask(channel, &q, &a, fds), 1);
	close(fds[0]);
	q.start_time++;
	assert_int_equal(raw_ask(channel, &q, &a, fds), 0);
	assert_int_equal(a.status, -ESRCH);
	q.start_time = 0;
	q.fork_ns = fork_ns;
	assert_int_equal(raw_ask(channel, &q, &a, fds), 1);
	close(fds[0]);
	q.fork_ns = fork_ns - 200000000;
	assert_int_equal(raw_ask(channel, &q, &a, fds), 0);
	assert_int_equal(a.status, -ESRCH);
	q.fork_ns = fork_ns + 200000000;
	assert_int_equal(raw_ask(channel, &q, &a, fds), 0);
	assert_int_equal(a.status, -ESRCH);
	target_end(pid);
	q.fork_ns = 0;
	assert_int_equal(raw_ask(channel, &q, &a, fds), 0);
	assert_int_equal(a.status, -ESRCH);
	raw_end(channel, opener);
}

static void maps_come_whole_and_sealed(void **state)
{
	struct opener_request q = { .cookie = 1, .what = OPENER_MAPS, .pid = (uint32_t)getpid() };
	struct opener_answer a;
	char text[16384], *libc;
	int fds[OPENER_RANGES_MAX], channel;
	pid_t opener;
	ssize_t n;

	channel = raw_opener(CAPS, &opener);
	assert_int_equal(raw_ask(channel, &q, &a, fds), 1);
	n = io_pread(fds[0], text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = 0;
	libc = strstr(text, "/libc");
	assert_non_null(libc);
	assert_int_equal(write(fds[0], "x", 1), -1);
	assert_int_equal(ftruncate(fds[0], 0), -1);
	close(fds[0]);
	raw_end(channel, opener);
}

/* What CREATE makes of the path of PID's map, then the answer's status. */
static int jit_status_of(int channel, pid_t pid, int (*create)(const char *path))
{
	struct opener_request q = { .cookie = 1, .what = OPENER_JIT, .pid = (uint32_t)pid };
	char path[64];
	struct opener_answer a;
	int fds[OPENER_RANGES_MAX], nr;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", pid);
	unlink(path);
	assert_int_equal(create(path), 0);
	nr = raw_ask(channel, &q, &a, fds);
	assert_true(nr >= 0);
	assert_int_equal(nr, !a.status);
	while (nr)
		close(fds[--nr]);
	unlink(path);
	return a.status;
}

static int jit_status(int channel, int (*create)(const char *path))
{
	return jit_status_of(channel, getpid(), create);
}

static int make_own_map(const char *path)
{
	return close(open(path, O_CREAT | O_WRONLY, 0600));
}

static int make_others_map(const char *path)
{
	return make_own_map(path) || chown(path, 65534, 65534);
}

static int make_fifo(const char *path)
{
	return mkfifo(path, 0600);
}

static int make_device_link(const char *path)
{
	return symlink("/dev/zero", path);
}

static int make_link(const char *path)
{
	return symlink("/proc/self/exe", path);
}

static int make_map_for_all(const char *path)
{
	return make_own_map(path) || chmod(path, 0644);
}

static void become_nobody(void *ctx)
{
	assert_int_equal(setresuid(65534, 65534, 65534), 0);
}

static int make_nothing(const char *path)
{
	return 0;
}

/* A file NAME below DIR, of user UID and MODE; its path. */
static const char *put(const char *dir, const char *name, uid_t uid, mode_t mode)
{
	static char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	if (!geteuid())
		assert_int_equal(fchown(fd, uid, uid), 0);
	close(fd);
	return path;
}

/* Q's status, for what is at PATH, or, PATH being NULL, for whatever is there. */
static int debug_status(int channel, const struct opener_request *q, const char *path)
{
	struct opener_answer a;
	int fds[OPENER_RANGES_MAX], nr = raw_ask(channel, q, &a, fds);
	struct stat opened, there;

	assert_int_equal(nr, !a.status);
	if (nr && path) {
		assert_int_equal(fstat(fds[0], &opened), 0);
		assert_int_equal(stat(path, &there), 0);
		assert_int_equal(opened.st_ino, there.st_ino);
	}
	while (nr)
		close(fds[--nr]);
	return a.status;
}

static void debug_files_are_found_and_the_owners(void **state)
{
	char dir[] = "/tmp/pprofd-debug-XXXXXX", folder[64], inner[512];
	struct opener_request q = { .cookie = 1, .what = OPENER_DEBUG, .pid = (uint32_t)getpid() };
	struct opener_debug *d = &q.debug;
	struct stat st;
	pid_t opener;
	int channel = raw_opener(CAPS, &opener);

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	d->uid = geteuid();
	snprintf(d->object, sizeof(d->object), "%s/object", dir);
	snprintf(folder, sizeof(folder), "%s/folder", dir);
	snprintf(d->folder, sizeof(d->folder), "%s", folder);
	strcpy(d->names.link, "x.debug");
	memcpy(d->names.build_id, "\xab\xcd\xef", 3);
	d->names.build_id_size = 3;
	assert_int_equal(debug_status(channel, &q, NULL), -ENOENT);

	/* The least wanted first. */
	snprintf(inner, sizeof(inner), "mkdir -p %s/.build-id/ab %s/.debug %s%s", folder, dir, folder, dir);
	assert_int_equal(system(inner), 0);
	snprintf(inner, sizeof(inner), "%s%s", folder, dir);
	assert_int_equal(debug_status(channel, &q, put(inner, "x.debug", d->uid, 0600)), 0);
	assert_int_equal(debug_status(channel, &q, put(dir, ".debug/x.debug", d->uid, 0600)), 0);
	assert_int_equal(debug_status(channel, &q, put(dir, "x.debug", d->uid, 0600)), 0);
	assert_int_equal(debug_status(channel, &q, put(folder, ".build-id/ab/cdef.debug", d->uid, 0600)), 0);
	/* Those that were others' are passed by; in the end there is none. */
	snprintf(inner, sizeof(inner), "%s%s/x.debug", folder, dir);
	{
		char beside[128], below[128], by_id[128];
		const char *const places[] = { by_id, beside, below, inner, by_id, inner };

		snprintf(beside, sizeof(beside), "%s/x.debug", dir);
		snprintf(below, sizeof(below), "%s/.debug/x.debug", dir);
		snprintf(by_id, sizeof(by_id), "%s/.build-id/ab/cdef.debug", folder);
		for (d->skip = 0; d->skip < 6; d->skip++)
			assert_int_equal(debug_status(channel, &q, places[d->skip]), 0);
	}
	for (; d->skip <= OPENER_SKIP_MAX; d->skip++)
		assert_int_equal(debug_status(channel, &q, NULL), -ENOENT);
	assert_int_equal(debug_status(channel, &q, NULL), -EINVAL);
	d->skip = 0;
	snprintf(inner, sizeof(inner), "%s%s", folder, dir);
	/* dwz's are below the folder in both roots. */
	strcpy(d->names.link, ".dwz/x/y.debug");
	memset(d->names.build_id, 1, 3);
	snprintf(inner, sizeof(inner), "mkdir -p %s/.dwz/x", folder);
	assert_int_equal(system(inner), 0);
	assert_int_equal(debug_status(channel, &q, NULL), -ENOENT);
	assert_int_equal(debug_status(channel, &q, put(folder, ".dwz/x/y.debug", d->uid, 0600)), 0);
	d->skip = 1;
	assert_int_equal(debug_status(channel, &q, NULL), 0);
	d->skip = 2;
	assert_int_equal(debug_status(channel, &q, NULL), -ENOENT);
	d->skip = 0;
	strcpy(d->names.link, ".dwz/../object");
	assert_int_equal(debug_status(channel, &q, NULL), -EINVAL);
	memset(d->names.link, 0, sizeof(d->names.link));
	strcpy(d->names.link, "x.debug");
	snprintf(inner, sizeof(inner), "%s%s", folder, dir);
	/* Without a process it is the folder alone. */
	q.pid = 0;
	d->names.build_id_size = 0;
	memset(d->names.build_id, 0, sizeof(d->names.build_id));
	assert_int_equal(debug_status(channel, &q, put(inner, "x.debug", d->uid, 0600)), 0);
	q.pid = (uint32_t)getpid();

	/* The object is not its own debug file. */
	put(dir, "x.debug", d->uid, 0600);
	snprintf(inner, sizeof(inner), "%s/x.debug", dir);
	assert_int_equal(stat(inner, &st), 0);
	d->dev = st.st_dev;
	d->inode = st.st_ino;
	assert_int_equal(debug_status(channel, &q, put(dir, ".debug/x.debug", d->uid, 0600)), 0);
	/* What is no file is passed by. */
	assert_int_equal(unlink(inner), 0);
	assert_int_equal(mkfifo(inner, 0666), 0);
	assert_int_equal(debug_status(channel, &q, put(dir, ".debug/x.debug", d->uid, 0600)), 0);
	assert_int_equal(unlink(inner), 0);
	assert_int_equal(symlink("x.debug", inner), 0);
	assert_int_equal(debug_status(channel, &q, put(dir, ".debug/x.debug", d->uid, 0600)), 0);

	if (!geteuid()) {
		snprintf(inner, sizeof(inner), "%s%s", folder, dir);
		/* What another user has made is not the object's; nor is what the object's cannot read. */
		put(dir, ".debug/x.debug", 65534, 0644);
		assert_int_equal(debug_status(channel, &q, put(inner, "x.debug", 0, 0644)), 0);
		d->uid = 65534;
		assert_int_equal(debug_status(channel, &q, put(dir, ".debug/x.debug", 65534, 0600)), 0);
		assert_int_equal(debug_status(channel, &q, put(dir, ".debug/x.debug", 0, 0644)), 0);
		put(dir, ".debug/x.debug", 0, 0600);
		assert_int_equal(debug_status(channel, &q, put(inner, "x.debug", 0, 0600)), 0); /* ours */
	}

	/* Names that lead elsewhere. */
	strcpy(d->names.link, "../x.debug");
	assert_int_equal(debug_status(channel, &q, NULL), -EINVAL);
	strcpy(d->names.link, "..");
	memset(d->names.link + 2, 0, sizeof(d->names.link) - 2);
	assert_int_equal(debug_status(channel, &q, NULL), -EINVAL);
	memset(d->names.link, 'x', sizeof(d->names.link));
	assert_int_equal(debug_status(channel, &q, NULL), -EINVAL);
	memset(d->names.link, 0, sizeof(d->names.link));
	assert_int_equal(debug_status(channel, &q, NULL), -EINVAL); /* nothing to look for */
	d->names.build_id_size = 21;
	assert_int_equal(debug_status(channel, &q, NULL), -EINVAL);
	raw_end(channel, opener);
	snprintf(inner, sizeof(inner), "rm -r %s", dir);
	assert_int_equal(system(inner), 0);
}

static void maps_of_jits_are_the_targets_own(void **state)
{
	pid_t opener, nobody;
	int channel = raw_opener(CAPS, &opener);

	assert_int_equal(jit_status(channel, make_own_map), 0);
	assert_int_equal(jit_status(channel, make_fifo), -ENXIO);
	assert_int_equal(jit_status(channel, make_device_link), -ENXIO);
	assert_int_equal(jit_status(channel, make_link), -ENXIO);
	assert_int_equal(jit_status(channel, make_nothing), -ENOENT);
	if (!geteuid()) {
		assert_int_equal(jit_status(channel, make_others_map), -EPERM);
		/* Root's: not what nobody else may read. */
		nobody = target_start(become_nobody, NULL);
		assert_int_equal(jit_status_of(channel, nobody, make_own_map), -EPERM);
		assert_int_equal(jit_status_of(channel, nobody, make_map_for_all), 0);
		assert_int_equal(jit_status_of(channel, nobody, make_others_map), 0);
		target_end(nobody);
	}
	raw_end(channel, opener);
}

struct mapping {
	const char *path, *root;
	void *p;
	size_t size;
	bool unlink, split;
};

static void map_file(void *ctx)
{
	struct mapping *m = ctx;
	int fd;

	if (m->root && (chroot(m->root) < 0 || chdir("/") < 0))
		_exit(1);
	fd = open(m->path, O_RDONLY);
	if (fd < 0 ||
	    mmap(m->p, m->size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) != m->p)
		_exit(1);
	if (m->unlink)
		unlink(m->path);
	if (m->split)
		mprotect((char *)m->p + 4096, m->size - 4096, PROT_READ);
}

/* A JIT compiler that tells of its code in CTX/jit-PID.dump. */
static void map_jitdump(void *ctx)
{
	struct mapping *m = ctx;
	char path[96];

	snprintf(path, sizeof(path), "%s/jit-%d.dump", m->path, getpid());
	if (truncate(path, 0) < 0 && close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) < 0)
		_exit(1);
	m->path = path;
	map_file(m);
}

static int make_file(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static struct opener_range mapped_range(const struct mapping *m)
{
	struct opener_range r = { .start = (uintptr_t)m->p, .end = (uintptr_t)m->p + m->size };

	snprintf(r.path, sizeof(r.path), "%s", m->path);
	return r;
}

/* The status of the one range of M, as an opener with CAPS sees it; it must be the file ST. */
static int open_mapping(uint64_t caps, struct mapping *m, const struct opener_range *r,
			const struct stat *st)
{
	struct opener_request q;
	struct opener_answer a;
	int fds[OPENER_RANGES_MAX], channel, nr;
	pid_t opener, pid = target_start(map_file, m);

	channel = raw_opener(caps, &opener);
	q = files_request(pid, r);
	nr = raw_ask(channel, &q, &a, fds);
	assert_int_equal(a.status, 0);
	assert_int_equal(nr, !a.range_status[0]);
	if (nr)
		assert_true(same_file(fds[0], st));
	while (nr)
		close(fds[--nr]);
	raw_end(channel, opener);
	target_end(pid);
	return a.range_status[0];
}

static void *free_addresses(size_t size)
{
	void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	munmap(p, size);
	return p;
}

/* What tells of PID's code: the size of what was opened, or the answer's status. */
static int64_t jitdump_of(int channel, pid_t pid, const struct opener_range *r)
{
	struct opener_request q = files_request(pid, r);
	struct opener_answer a;
	struct stat st = { 0 };
	int fds[OPENER_RANGES_MAX], nr;

	q.what = OPENER_JIT;
	nr = raw_ask(channel, &q, &a, fds);
	assert_int_equal(nr, !a.status);
	if (nr)
		assert_int_equal(fstat(fds[0], &st), 0);
	while (nr)
		close(fds[--nr]);
	return a.status ? a.status : st.st_size;
}

static void jitdumps_are_found_by_their_mapping(void **state)
{
	char dir[] = "/tmp/pprofd-opener-XXXXXX", path[64], map[64];
	struct mapping m = { .path = dir, .size = 4096 };
	struct opener_range r;
	pid_t opener, pid;
	int channel = raw_opener(CAPS, &opener);

	assert_non_null(mkdtemp(dir));
	m.p = free_addresses(m.size);
	pid = target_start(map_jitdump, &m);
	snprintf(path, sizeof(path), "%s/jit-%d.dump", dir, pid);
	snprintf(map, sizeof(map), "/tmp/perf-%d.map", pid);
	m.path = path;
	r = mapped_range(&m);
	/* While it is empty the other file counts, if there is one. */
	assert_int_equal(jitdump_of(channel, pid, &r), 0);
	assert_int_equal(truncate(path, 40), 0);
	assert_int_equal(close(make_file(map, 11)), 0);
	assert_int_equal(jitdump_of(channel, pid, &r), 11);
	assert_int_equal(truncate(path, 1000), 0);
	assert_int_equal(jitdump_of(channel, pid, &r), 1000);
	if (!geteuid()) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(jitdump_of(channel, pid, &r), 11);
		assert_int_equal(chown(path, 0, 0), 0);
	}
	/* Another process's, whoever has mapped it. */
	snprintf(r.path, sizeof(r.path), "%s/jit-%d.dump", dir, pid + 1);
	assert_int_equal(jitdump_of(channel, pid, &r), 11);
	r = mapped_range(&m);
	r.start += 4096;
	r.end += 4096;
	assert_int_equal(jitdump_of(channel, pid, &r), 11);
	unlink(map);
	assert_int_equal(jitdump_of(channel, pid, &r), -ENOENT);
	/* It may have been deleted. */
	unlink(path);
	r = mapped_range(&m);
	if (!geteuid())
		assert_int_equal(jitdump_of(channel, pid, &r), 1000);
	rmdir(dir);
	target_end(pid);
	raw_end(channel, opener);
}

static void ranges_lead_to_the_file_that_is_mapped(void **state)
{
	char dir[] = "/tmp/pprofd-opener-XXXXXX", path[64];
	struct mapping m = { .path = path, .size = 16384 };
	struct opener_range r;
	struct stat st;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/lib.so", dir);
	m.p = free_addresses(m.size);
	fd = make_file(path, m.size);
	assert_int_equal(fstat(fd, &st), 0);
	r = mapped_range(&m);
	assert_int_equal(open_mapping(CAPS, &m, &r, &st), 0);
	assert_int_equal(open_mapping(NAME_CAPS, &m, &r, &st), 0);
	m.split = true;
	assert_int_equal(open_mapping(CAPS, &m, &r, &st), 0);
	m.split = false;
	r.path[0] = 0;
	assert_int_equal(open_mapping(CAPS, &m, &r, &st), 0);
	snprintf(r.path, sizeof(r.path), "%s/other.so", dir);
	assert_int_equal(open_mapping(CAPS, &m, &r, &st), -ESTALE);
	assert_int_equal(open_mapping(NAME_CAPS, &m, &r, &st), -ESTALE);
	r = mapped_range(&m);
	r.pgoff = 4096;
	r.end += 4096;
	assert_int_equal(open_mapping(CAPS, &m, &r, &st), -ESTALE);
	r = mapped_range(&m);
	r.start = 4096;
	assert_int_equal(open_mapping(CAPS, &m, &r, &st), -ENOENT);
	/* Deleted: never by name, even when the name is back. */
	r = mapped_range(&m);
	m.unlink = true;
	assert_int_equal(open_mapping(NAME_CAPS, &m, &r, &st), -ENOENT);
	close(fd);
	unlink(path);
	rmdir(dir);
}

static void deleted_programs_and_chroots_open(void **state)
{
	char dir[] = "/tmp/pprofd-opener-XXXXXX", path[64];
	struct mapping m = { .size = 16384 };
	struct opener_range r;
	struct stat st;
	int fd;

	need(has_cap(CAP_CHECKPOINT_RESTORE) && has_cap(CAP_SYS_CHROOT),
	     "needs CAP_CHECKPOINT_RESTORE and CAP_SYS_CHROOT");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/lib.so", dir);
	m.p = free_addresses(m.size);
	fd = make_file(path, m.size);
	assert_int_equal(fstat(fd, &st), 0);
	m.path = "/lib.so"; /* as the kernel records it for the target */
	m.root = dir;
	r = mapped_range(&m);
	assert_int_equal(open_mapping(CAPS, &m, &r, &st), 0);
	assert_int_equal(open_mapping(NAME_CAPS, &m, &r, &st), 0);
	m.root = NULL;
	m.path = path;
	m.unlink = true;
	r = mapped_range(&m);
	assert_int_equal(open_mapping(CAPS, &m, &r, &st), 0);
	close(fd);
	rmdir(dir);
}

static void devices_are_not_opened(void **state)
{
	struct mapping m = { .path = "/dev/zero", .size = 4096 };
	struct opener_range r;

	m.p = free_addresses(m.size);
	r = mapped_range(&m);
	assert_int_equal(open_mapping(CAPS, &m, &r, NULL), -ENXIO);
	assert_int_equal(open_mapping(NAME_CAPS, &m, &r, NULL), -ENXIO);
}

static void names_stay_below_the_root(void **state)
{
	static const char *const escapes[] = {
		"abs/canary", "up/canary", "../../../../../../canary", "/dev/../canary", "magic",
	};
	char dir[] = "/tmp/pprofd-opener-XXXXXX", path[96], outside[64];
	struct stat st, inside;
	int root, fd;

	assert_non_null(mkdtemp(dir));
	snprintf(outside, sizeof(outside), "%s/outside", dir);
	snprintf(path, sizeof(path), "%s/root", dir);
	assert_int_equal(mkdir(path, 0755) | mkdir(outside, 0755), 0);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat(outside, root, "abs"), 0);
	assert_int_equal(symlinkat("../outside", root, "up"), 0);
	assert_int_equal(symlinkat("/proc/self/exe", root, "magic"), 0);
	snprintf(path, sizeof(path), "%s/canary", outside);
	close(make_file(path, 1));
	assert_int_equal(stat(path, &st), 0);
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
		assert_true(io_open_below(root, escapes[i], 0) < 0);
	snprintf(path, sizeof(path), "%s/root/canary", dir);
	close(make_file(path, 1));
	fd = io_open_below(root, "../../canary", 0); /* ".." of the root is the root */
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &inside), 0);
	assert_int_not_equal(inside.st_ino, st.st_ino);
	close(fd);
	unlinkat(root, "canary", 0);
	unlinkat(root, "abs", 0);
	unlinkat(root, "up", 0);
	unlinkat(root, "magic", 0);
	close(root);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

static void opener_has_no_more_rights_than_it_needs(void **state)
{
	static const char *const files[] = { "CapPrm:", "CapEff:", "CapBnd:" };
	struct opener_request q = { .cookie = 1, .what = OPENER_MAPS, .pid = (uint32_t)getpid() };
	struct opener_answer a;
	int fds[OPENER_RANGES_MAX], channel;
	char path[64], line[128];
	uint64_t caps;
	unsigned nr = 0;
	pid_t opener;
	FILE *f;

	channel = raw_opener(CAPS, &opener);
	assert_int_equal(raw_ask(channel, &q, &a, fds), 1); /* it has started */
	close(fds[0]);
	snprintf(path, sizeof(path), "/proc/%d/status", opener);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		for (int i = 0; i < 3; i++)
			if (!strncmp(line, files[i], 7) && (i < 2 || has_cap(CAP_SETPCAP))) {
				assert_int_equal(sscanf(line + 7, "%" SCNx64, &caps), 1);
				assert_int_equal(caps & ~CAPS, 0);
				if (!geteuid())
					assert_int_equal(caps >> CAP_SYS_PTRACE & 1,
							 has_cap(CAP_SYS_PTRACE));
				nr++;
			}
		if (!strncmp(line, "NoNewPrivs:", 11)) {
			assert_int_equal(atoi(line + 11), 1);
			nr++;
		}
	}
	fclose(f);
	assert_true(nr >= 3);
	/* Signals that a terminal or systemd sends to the whole unit are the daemon's. */
	kill(opener, SIGTERM);
	kill(opener, SIGINT);
	assert_int_equal(raw_ask(channel, &q, &a, fds), 1);
	close(fds[0]);
	raw_end(channel, opener);
}

/* The child of OPENER; 0: none at the moment. */
static int child_of(pid_t opener)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", opener, opener);
	f = fopen(path, "re");
	need(f, "no /proc/PID/task/TID/children in this kernel");
	if (fscanf(f, "%d", &child) != 1)
		child = 0;
	fclose(f);
	return child;
}

static void opener_survives_its_child_and_refuses_nonsense(void **state)
{
	struct opener_request q = { .cookie = 1, .what = OPENER_MAPS, .pid = (uint32_t)getpid() };
	struct opener_answer a;
	int fds[OPENER_RANGES_MAX], channel;
	uint64_t end = now_ms() + PATIENCE_MS;
	unsigned nr = OPENER_RANGES_MAX;
	int child;
	pid_t opener;

	channel = raw_opener(CAPS, &opener);
	q.what = 9;
	assert_int_equal(raw_ask(channel, &q, &a, fds), 0);
	assert_int_equal(a.status, -EINVAL);
	q.what = OPENER_MAPS;
	child = child_of(opener);
	assert_true(child > 0);
	kill(child, SIGKILL);
	while (child_of(opener) == child && now_ms() < end)
		nanosleep(&moment, NULL);
	assert_int_equal(raw_ask(channel, &q, &a, fds), 1);
	close(fds[0]);
	/* Too short to have a cookie: whoever sends that is not worth serving. */
	assert_int_equal(channel_send(channel, "x", 1, NULL, 0), 0);
	assert_int_equal(channel_wait(channel, POLLIN, PATIENCE_MS), 0);
	while (channel_recv(channel, &a, sizeof(a), fds, &nr) > 0)
		channel_wait(channel, POLLIN, PATIENCE_MS);
	raw_end(channel, opener);
}

static void answers_are_checked(void **state)
{
	struct opener_range r = { .start = 1, .end = 2 };
	struct opener_request q = files_request(1, &r);
	struct opener_answer good = { .cookie = 7, .nr_ranges = 1 }, a = good;
	size_t size = opener_answer_size(&good);

	assert_true(opener_answer_valid(&a, size, 1, &q));
	assert_false(opener_answer_valid(&a, size, 0, &q));
	assert_false(opener_answer_valid(&a, size, 2, &q));
	assert_false(opener_answer_valid(&a, size - 1, 1, &q));
	assert_false(opener_answer_valid(&a, size + 4, 1, &q));
	a.cookie = 8;
	assert_false(opener_answer_valid(&a, size, 1, &q));
	a = good;
	a.range_status[0] = 1;
	assert_false(opener_answer_valid(&a, size, 1, &q));
	a = good;
	a.status = -ESRCH;
	assert_false(opener_answer_valid(&a, size, 1, &q));
	a.nr_ranges = 0;
	assert_true(opener_answer_valid(&a, opener_answer_size(&a), 0, &q));
	a.nr_stuck = OPENER_STUCK_MAX;
	assert_false(opener_answer_valid(&a, opener_answer_size(&a), 0, &q));
	a.paused = 1;
	assert_true(opener_answer_valid(&a, opener_answer_size(&a), 0, &q));
	assert_false(opener_answer_valid(&a, opener_answer_size(&a), 0, NULL));
}

static void mounts_are_told_apart(void **state)
{
	static const char text[] =
		"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		"damaged\n"
		"30 21 0:40 / /mnt/a\\040-\\040nfs rw shared:9 master:2 - tmpfs none rw\n"
		"31 21 0:41 / /mnt/n rw - nfs4 server:/x rw,hard\n"
		"32 21 0:42 / /mnt/f rw - fuse.sshfs host: rw\n"
		"33 21 0:43 / /mnt/g rw - fuse";
	size_t size = sizeof(text) - 1;

	assert_int_equal(mount_kind_of_id(text, size, 21), MOUNT_LOCAL);
	assert_int_equal(mount_kind_of_id(text, size, 30), MOUNT_LOCAL);
	assert_int_equal(mount_kind_of_id(text, size, 31), MOUNT_REMOTE);
	assert_int_equal(mount_kind_of_id(text, size, 32), MOUNT_REMOTE);
	assert_int_equal(mount_kind_of_id(text, size, 33), MOUNT_REMOTE);
	assert_int_equal(mount_kind_of_id(text, size, 34), MOUNT_UNKNOWN);
	assert_int_equal(mount_kind_of_dev(text, size, 0, 41), MOUNT_REMOTE);
	assert_int_equal(mount_kind_of_dev(text, size, 8, 1), MOUNT_LOCAL);
	assert_int_equal(mount_kind_of_dev(NULL, 0, 8, 1), MOUNT_UNKNOWN);
	assert_int_equal(mount_kind_of_magic(0x6969), MOUNT_REMOTE);
	assert_int_equal(mount_kind_of_magic(0xff534d42), MOUNT_REMOTE);
	assert_int_equal(mount_kind_of_magic(0x01021994), MOUNT_LOCAL); /* tmpfs: memfd */
}

static void kinds_of_mounts_are_kept(void **state)
{
	struct mount_cache c = { 0 };

	assert_int_equal(mount_cache_find(&c, 0), MOUNT_UNKNOWN);
	assert_int_equal(mount_cache_find(&c, 7), MOUNT_UNKNOWN);
	mount_cache_add(&c, 7, MOUNT_LOCAL);
	mount_cache_add(&c, 8, MOUNT_REMOTE);
	assert_int_equal(mount_cache_find(&c, 7), MOUNT_LOCAL);
	assert_int_equal(mount_cache_find(&c, 8), MOUNT_REMOTE);
	assert_int_equal(mount_cache_find(&c, 7 + MOUNT_CACHE_SIZE), MOUNT_UNKNOWN);
	mount_cache_add(&c, 7 + MOUNT_CACHE_SIZE, MOUNT_REMOTE);
	assert_int_equal(mount_cache_find(&c, 7 + MOUNT_CACHE_SIZE), MOUNT_REMOTE);
	assert_int_equal(mount_cache_find(&c, 7), MOUNT_UNKNOWN);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_opens_libc_by_its_range),
		cmocka_unit_test(client_answers_each_request_once),
		cmocka_unit_test(client_gets_a_new_spare_whenever_one_dies),
		cmocka_unit_test(a_new_spare_does_not_serve),
		cmocka_unit_test(client_is_over_when_both_die),
		cmocka_unit_test(target_is_known_by_its_start),
		cmocka_unit_test(maps_come_whole_and_sealed),
		cmocka_unit_test(maps_of_jits_are_the_targets_own),
		cmocka_unit_test(debug_files_are_found_and_the_owners),
		cmocka_unit_test(jitdumps_are_found_by_their_mapping),
		cmocka_unit_test(ranges_lead_to_the_file_that_is_mapped),
		cmocka_unit_test(deleted_programs_and_chroots_open),
		cmocka_unit_test(devices_are_not_opened),
		cmocka_unit_test(names_stay_below_the_root),
		cmocka_unit_test(opener_has_no_more_rights_than_it_needs),
		cmocka_unit_test(opener_survives_its_child_and_refuses_nonsense),
		cmocka_unit_test(answers_are_checked),
		cmocka_unit_test(mounts_are_told_apart),
		cmocka_unit_test(kinds_of_mounts_are_kept),
	};

	if (argc > 1 && !strcmp(argv[1], "--opener"))
		return opener_main();
	return cmocka_run_group_tests_name("opener", tests, NULL, NULL);
}
