/* spool_writer: what tests/spool_faults.test kills and starves.
 *   spool_writer [-t] [-r] [-w] [-v] [-u MAXUSE] [-k KEEPFREE] [-n FIRST] DIR NR SIZE
 * publishes NR profiles of SIZE incompressible bytes and writes to stdout, with pwrite(2) so that
 * no fault meant for the spool's write(2) hits it, a line "stored NAME" or "failed ERRNO" for each.
 *   spool_writer -c [-e] DIR <LOG
 * opens the spool as the next daemon would and checks it against such a log: all that was stored is
 * there and whole, so is every other profile, no temporary is left; with -e, nothing else was
 * published.
 * -t: as on a file system without O_TMPFILE; -r: without RENAME_NOREPLACE too; -w: by the spool's
 * thread, which makes room on a full disk; -v: every other one is a tenth as large. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/gzip.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "spool/thread.h"

#define START INT64_C(1795370400) /* 20261122T180000Z */

struct options {
	bool no_tmpfile, no_rename, by_thread, vary, check, exact;
	struct spool_limits limits;
	unsigned first;
	const char *dir;
};

static off_t log_at;

static void say(const char *what, const char *name, int err)
{
	char line[SPOOL_NAME_MAX + 32];
	int length = name ? snprintf(line, sizeof(line), "%s %s\n", what, name) :
			    snprintf(line, sizeof(line), "%s %d\n", what, -err);

	if (pwrite(STDOUT_FILENO, line, (size_t)length, log_at) != length)
		_exit(99);
	log_at += length;
}

/* A kernel's answer for a file system that lacks them, from here on. */
static void lack(bool no_rename)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_renameat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 no_rename ? SECCOMP_RET_ERRNO | EINVAL : SECCOMP_RET_ALLOW),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("seccomp");
		_exit(98);
	}
}

static void fill(char *data, size_t size, unsigned seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (char)(x >> 32);
	}
}

static size_t size_of(const struct options *o, unsigned i, size_t size)
{
	return o->vary && i % 2 ? size / 10 : size;
}

static struct spool_name name_of(unsigned i)
{
	return (struct spool_name){ .kind = "cpu", .start = START + i * 60, .seconds = 60 };
}

static int store(struct spool *s, const struct options *o, unsigned i, const void *data,
		 size_t size)
{
	struct spool_name n = name_of(i);
	struct spool_published out;
	int fd = spool_create(s, &n), err;

	if (fd < 0)
		return fd;
	err = gzip_to_fd(fd, data, size, 1, NULL);
	if (err) {
		spool_discard(s, fd);
		return err;
	}
	err = spool_publish(s, fd, &n, &o->limits, true, &out);
	close(fd);
	if (!err)
		say("stored", out.name, 0);
	return err;
}

static int write_by_hand(const struct options *o, unsigned nr, size_t size)
{
	char *data = xmalloc(size + 1);
	struct spool *s;
	int err = spool_open(&s, o->dir, true);

	for (unsigned i = o->first; !err && i < o->first + nr; i++) {
		int failed;

		fill(data, size, i);
		failed = store(s, o, i, data, size_of(o, i, size));
		if (failed)
			say("failed", NULL, failed);
	}
	if (!err)
		spool_close(s);
	free(data);
	return err;
}

static void done(void *ctx, struct spool_job *job)
{
	bool *waiting = ctx;

	*waiting = false;
	if (job->status)
		say("failed", NULL, job->status);
	else
		say("stored", job->final, 0);
}

static int write_by_thread(const struct options *o, unsigned nr, size_t size)
{
	char *data = xmalloc(size + 1);
	struct spool_thread *t = NULL;
	struct loop *l;
	bool waiting;
	int err = loop_new(&l);

	if (!err)
		err = spool_thread_new(&t, o->dir, l, done, &waiting);
	for (unsigned i = o->first; !err && i < o->first + nr; i++) {
		struct spool_job job = {
			.what = SPOOL_WRITE,
			.name = name_of(i),
			.limits = o->limits,
			.data_size = size_of(o, i, size),
			.compress_level = 1,
			.sync = true,
		};

		fill(data, size, i);
		job.data_fd = io_memfd("profile", data, size_of(o, i, size));
		waiting = true;
		err = spool_thread_submit(t, &job);
		while (!err && waiting)
			err = loop_step(l, -1);
	}
	if (t)
		spool_thread_free(t, 5000);
	loop_free(l);
	free(data);
	return err;
}

static int check_file(const char *dir, const char *name)
{
	struct buf packed = { 0 }, plain = { 0 };
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	err = fd < 0 ? -errno : io_read_all(fd, &packed, 1 << 24);
	if (!err)
		err = gzip_inflate(packed.data, packed.size, 1 << 24, &plain);
	if (fd >= 0)
		close(fd);
	buf_fini(&packed);
	buf_fini(&plain);
	free(path);
	if (err)
		printf("# %s: %s\n", name, strerror(-err));
	return err;
}

static int check(const struct options *o)
{
	struct spool_entry *entries = NULL;
	struct spool *s;
	char line[256], name[SPOOL_NAME_MAX];
	long nr_stored = 0, nr;
	int bad = spool_open(&s, o->dir, true);
	struct dirent *e;
	DIR *d;

	if (bad) {
		printf("# cannot be opened: %s\n", strerror(-bad));
		return 1;
	}
	spool_close(s);
	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "stored %127s", name) == 1) {
			nr_stored++;
			bad |= check_file(o->dir, name);
		}
	nr = spool_list(o->dir, &entries);
	for (long i = 0; i < nr; i++)
		bad |= check_file(o->dir, entries[i].name);
	free(entries);
	if (nr < nr_stored || (o->exact && nr != nr_stored)) {
		printf("# %ld profiles were stored, %ld are there\n", nr_stored, nr);
		bad = 1;
	}
	d = opendir(o->dir);
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, ".cpu", 4) && text_has_suffix(e->d_name, ".tmp")) {
			printf("# left: %s\n", e->d_name);
			bad = 1;
		}
	closedir(d);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	unsigned nr;
	size_t size;
	int c, err;

	while ((c = getopt(argc, argv, "trwvceu:k:n:")) != -1)
		switch (c) {
		case 't': o.no_tmpfile = true; break;
		case 'r': o.no_rename = true; break;
		case 'w': o.by_thread = true; break;
		case 'v': o.vary = true; break;
		case 'c': o.check = true; break;
		case 'e': o.exact = true; break;
		case 'u': o.limits.max_use = strtoull(optarg, NULL, 10); break;
		case 'k': o.limits.keep_free = strtoull(optarg, NULL, 10); break;
		case 'n': o.first = (unsigned)strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	if (argc - optind != (o.check ? 1 : 3))
		return 2;
	o.dir = argv[optind];
	if (o.check)
		return check(&o);
	if (o.no_tmpfile)
		lack(o.no_rename);
	nr = (unsigned)strtoul(argv[optind + 1], NULL, 10);
	size = strtoul(argv[optind + 2], NULL, 10);
	err = o.by_thread ? write_by_thread(&o, nr, size) : write_by_hand(&o, nr, size);
	if (err)
		say("failed", NULL, err);
	return err ? 1 : 0;
}
