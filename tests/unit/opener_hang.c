/* The opener's deadline, against a real hang: a FUSE file system whose server takes requests and
 * does not answer. The kernel lets nobody end an open(2) that waits for it, SIGKILL included. */
#include "tests/unit/unit.h"

#include "tests/unit/opener_test.h"

#include <linux/capability.h>
#include <linux/fuse.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "base/loop.h"
#include "opener/client.h"
#include "opener/opener.h"

#define FILE_SIZE 4096
#define ALL_CAPS  (~0ull)

static void fuse_attr(struct fuse_attr *attr, uint64_t node)
{
	*attr = (struct fuse_attr){
		.ino = node,
		.nlink = 1,
		.size = node == 1 ? 0 : FILE_SIZE,
		.mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0755,
	};
}

/* The answer to one request: a directory with one file, whatever its name. Its size; negative:
 * error. */
static int fuse_answer(const struct fuse_in_header *in, void *out)
{
	switch (in->opcode) {
	case FUSE_INIT: {
		struct fuse_init_out *init = out;

		*init = (struct fuse_init_out){ .major = 7, .minor = 31, .max_write = 4096 };
		return sizeof(*init);
	}
	case FUSE_LOOKUP: {
		struct fuse_entry_out *entry = out;

		*entry = (struct fuse_entry_out){
			.nodeid = 2, .attr_valid = 1000, .entry_valid = 1000,
		};
		fuse_attr(&entry->attr, 2);
		return sizeof(*entry);
	}
	case FUSE_GETATTR: {
		struct fuse_attr_out *attr = out;

		*attr = (struct fuse_attr_out){ .attr_valid = 1000 };
		fuse_attr(&attr->attr, in->nodeid);
		return sizeof(*attr);
	}
	case FUSE_OPEN:
		memset(out, 0, sizeof(struct fuse_open_out));
		return sizeof(struct fuse_open_out);
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		return 0;
	default:
		return -ENOSYS;
	}
}

static void fuse_serve(int fd, const volatile bool *silent)
{
	static char in[65536], reply[4096];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, in, sizeof(in)) > 0) {
		const struct fuse_in_header *h = (const void *)in;
		struct fuse_out_header *out = (void *)reply;
		int n;

		if (*silent || h->opcode == FUSE_FORGET || h->opcode == FUSE_BATCH_FORGET)
			continue;
		n = fuse_answer(h, reply + sizeof(*out));
		out->unique = h->unique;
		out->error = n < 0 ? n : 0;
		out->len = (uint32_t)sizeof(*out) + (uint32_t)(n < 0 ? 0 : n);
		if (write(fd, reply, out->len) < 0)
			break;
	}
	_exit(0);
}

struct hang {
	char dir[64], path[80];
	pid_t server, targets[OPENER_STUCK_MAX + 1];
	void *p;
	volatile bool *silent; /* shared with the server */
	struct opener_request remote, own;
};

static void map_remote(void *ctx)
{
	struct hang *h = ctx;
	int fd = open(h->path, O_RDONLY);

	if (fd < 0 ||
	    mmap(h->p, FILE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) != h->p)
		_exit(1);
	close(fd);
}

/* Mounts, in a mount namespace that ends with us; lets a target map the file, and silences the
 * server. */
static void hang_setup(struct hang *h)
{
	struct opener_range r = { 0 };
	char options[128];
	int fd;

	need(!geteuid(), "needs root for a FUSE mount");
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	need(fd >= 0, "no /dev/fuse");
	need(!unshare(CLONE_NEWNS), "no mount namespaces");
	need(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "/ is no mount of its own");
	strcpy(h->dir, "/tmp/pprofd-hang-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 fd);
	need(!mount("hang", h->dir, "fuse", 0, options), "FUSE mounts are refused");
	h->silent = mmap(NULL, sizeof(*h->silent), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(h->silent != MAP_FAILED);
	h->server = fork();
	if (!h->server)
		fuse_serve(fd, h->silent);
	close(fd);
	snprintf(h->path, sizeof(h->path), "%s/lib.so", h->dir);
	h->p = mmap(NULL, FILE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(h->p, FILE_SIZE);
	for (int i = 0; i <= OPENER_STUCK_MAX; i++)
		h->targets[i] = target_start(map_remote, h);
	r.start = (uintptr_t)h->p;
	r.end = r.start + FILE_SIZE;
	snprintf(r.path, sizeof(r.path), "%s", h->path);
	h->remote = files_request(h->targets[0], &r);
	h->remote.flags = OPENER_REMOTE;
	assert_true(find_range(getpid(), "/libc", &r));
	h->own = files_request(getpid(), &r);
	*h->silent = true;
}

struct got {
	unsigned nr;
	struct opener_answer last;
};

static void got_answer(void *ctx, const struct opener_request *q, const struct opener_answer *a,
		       int *fds, unsigned nr)
{
	struct got *g = ctx;

	g->nr++;
	g->last = *a;
	while (nr)
		close(fds[--nr]);
}

/* Asks Q and waits for its status; how long that took, in ms. */
static uint64_t ask(struct loop *l, struct opener_client *c, struct got *g,
		    const struct opener_request *q, int *status)
{
	uint64_t start = now_ms();
	unsigned before = g->nr;

	assert_true(opener_client_ask(c, q));
	while (g->nr == before && now_ms() - start < PATIENCE_MS)
		loop_step(l, 50);
	assert_int_equal(g->nr, before + 1);
	*status = g->last.status ? g->last.status : g->last.range_status[0];
	return now_ms() - start;
}

static struct opener_status status_of(const struct opener_client *c)
{
	struct opener_status s;

	opener_client_status(c, &s);
	return s;
}

/* An opener with a stuck child ends with its channel. */
static void closing_does_not_wait(const struct hang *h)
{
	struct opener_answer a;
	int fds[OPENER_RANGES_MAX], channel, status;
	pid_t opener;

	channel = raw_opener(ALL_CAPS, &opener);
	assert_int_equal(raw_ask(channel, &h->remote, &a, fds), 0);
	assert_int_equal(a.status, -ETIMEDOUT);
	assert_int_equal(a.nr_stuck, 1);
	close(channel);
	assert_int_equal(waitpid(opener, &status, 0), opener); /* the child is stuck until all is over */
	assert_true(WIFEXITED(status));
}

static void hanging_opens_are_left_behind(void **state)
{
	struct hang h = { 0 };
	struct got g = { 0 };
	struct opener_client *c;
	struct opener_request local;
	struct loop *l;
	uint64_t end;
	int status;

	hang_setup(&h);
	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(opener_client_new(&c, l, got_answer, &g), 0);
	/* Not even tried, unless it is wanted. */
	local = h.remote;
	local.flags = 0;
	ask(l, c, &g, &local, &status);
	assert_int_equal(status, -EREMOTE);
	for (unsigned i = 1; i <= OPENER_STUCK_MAX; i++) {
		h.remote.pid = (uint32_t)h.targets[i];
		assert_true(ask(l, c, &g, &h.remote, &status) >= OPENER_DEADLINE_MS - 10);
		assert_int_equal(status, -ETIMEDOUT);
		assert_int_equal(status_of(c).nr_stuck, i);
		if (i < OPENER_STUCK_MAX) {
			assert_false(opener_client_ask(c, &h.remote)); /* not twice */
			ask(l, c, &g, &h.own, &status);
			assert_int_equal(status, 0);
		}
	}
	assert_true(status_of(c).paused);
	assert_int_equal(status_of(c).nr_timeouts, OPENER_STUCK_MAX);
	assert_false(opener_client_ask(c, &h.own));
	closing_does_not_wait(&h);
	kill(h.server, SIGKILL); /* the kernel ends what waits for it */
	for (end = now_ms() + PATIENCE_MS; status_of(c).nr_stuck && now_ms() < end;)
		loop_step(l, 50);
	assert_int_equal(status_of(c).nr_stuck, 0);
	assert_false(status_of(c).paused);
	ask(l, c, &g, &h.own, &status);
	assert_int_equal(status, 0);
	opener_client_free(c);
	loop_free(l);
	for (int i = 0; i <= OPENER_STUCK_MAX; i++)
		target_end(h.targets[i]);
	waitpid(h.server, NULL, 0);
	umount2(h.dir, MNT_DETACH);
	rmdir(h.dir);
}

/* The parent itself hangs: stopped, as a debugger or a cgroup freezer may do. */
static void a_hanging_opener_gives_way_to_the_spare(void **state)
{
	struct opener_request q = { .what = OPENER_MAPS, .pid = (uint32_t)getpid() };
	struct got g = { 0 };
	struct opener_client *c;
	struct loop *l;
	uint64_t end = now_ms() + PATIENCE_MS;
	pid_t pids[2] = { 0 };

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(opener_client_new(&c, l, got_answer, &g), 0);
	assert_int_equal(children(pids, 2), 2);
	kill(pids[0], SIGSTOP);
	assert_true(opener_client_ask(c, &q));
	assert_true(opener_client_ask(c, &q));
	while (g.nr < 1 && now_ms() < end)
		loop_step(l, 50);
	assert_int_equal(g.nr, 1);
	assert_int_equal(g.last.status, -EIO);
	assert_int_equal(status_of(c).nr_alive, 1);
	while (g.nr < 2 && now_ms() < end)
		loop_step(l, 50);
	assert_int_equal(g.nr, 2);
	assert_int_equal(g.last.status, 0);
	opener_client_free(c);
	loop_free(l);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hanging_opener_gives_way_to_the_spare),
		cmocka_unit_test(hanging_opens_are_left_behind),
	};

	if (argc > 1 && !strcmp(argv[1], "--opener"))
		return opener_main();
	return cmocka_run_group_tests_name("opener_hang", tests, NULL, NULL);
}
