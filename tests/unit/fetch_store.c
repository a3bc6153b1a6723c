/* fetch: the folder of what was fetched; what its process cannot do; what is said to it. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "fetch/confine.h"
#include "fetch/protocol.h"
#include "fetch/store.h"

struct folder {
	char path[32];
	int dir;
};

static int setup(void **state)
{
	struct folder *f = xcalloc(1, sizeof(*f));

	strcpy(f->path, "/tmp/pprofd-store-XXXXXX");
	if (!mkdtemp(f->path))
		return 1;
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	char *command = xasprintf("rm -rf %s", f->path);
	int err = system(command);

	close(f->dir);
	free(command);
	free(f);
	return err;
}

static void make(const struct folder *f, const char *name, size_t size, int age)
{
	struct timespec times[2] = { { .tv_sec = 1000000 - age }, { .tv_sec = 1000000 - age } };
	char zeros[8192] = "";
	int fd = openat(f->dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(io_write(fd, zeros, size), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool there(const struct folder *f, const char *name)
{
	return !faccessat(f->dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static void what_was_used_longest_ago_goes_first(void **state)
{
	struct folder *f = *state;
	char name[STORE_NAME_MAX];
	uint8_t id[FETCH_BUILD_ID_MAX] = { 0xab, 0xcd, 1 };
	struct stat st;
	int fd;

	store_name(name, id, 3);
	assert_string_equal(name, "abcd01.debug");
	store_name(name, id, sizeof(id));
	assert_int_equal(strlen(name), 46);
	make(f, "aa01.debug", 8192, 30);
	make(f, "aa02.debug", 8192, 20);
	make(f, "aa03.debug", 8192, 10);
	make(f, "a.debug", 8192, 50);
	make(f, "other", 8192, 60);
	assert_int_equal(symlinkat("other", f->dir, "aa04.debug"), 0);
	assert_int_equal(fstatat(f->dir, "aa01.debug", &st, 0), 0);
	store_prune(f->dir, 3 * (uint64_t)st.st_blocks * 512);
	assert_true(there(f, "aa01.debug"));
	fd = store_find(f->dir, "aa01.debug"); /* used */
	assert_true(fd >= 0);
	close(fd);
	store_prune(f->dir, 2 * (uint64_t)st.st_blocks * 512);
	assert_true(there(f, "aa01.debug") && !there(f, "aa02.debug") && there(f, "aa03.debug"));
	store_prune(f->dir, 0);
	assert_false(there(f, "aa01.debug") || there(f, "aa03.debug"));
	assert_true(there(f, "a.debug") && there(f, "other") && there(f, "aa04.debug"));
	assert_true(store_find(f->dir, "aa04.debug") < 0);
	assert_int_equal(store_find(f->dir, "aa05.debug"), -ENOENT);
}

static void messages_are_checked(void **state)
{
	struct fetch_setup s = { .max_size = 1, .timeout_ms = 1 };
	struct fetch_request q = { .cookie = 1, .build_id_size = 20 };
	struct fetch_answer a = { .cookie = 1 };

	assert_true(fetch_setup_valid(&s, sizeof(s), 1));
	assert_false(fetch_setup_valid(&s, sizeof(s), 0));
	memset(s.urls, 'x', sizeof(s.urls));
	assert_false(fetch_setup_valid(&s, sizeof(s), 1));
	assert_true(fetch_request_valid(&q, sizeof(q)));
	q.build_id_size = 21;
	assert_false(fetch_request_valid(&q, sizeof(q)));
	q.build_id_size = 1;
	assert_false(fetch_request_valid(&q, sizeof(q)));
	assert_true(fetch_answer_valid(&a, sizeof(a), 1, 1));
	assert_false(fetch_answer_valid(&a, sizeof(a), 0, 1));
	assert_false(fetch_answer_valid(&a, sizeof(a), 1, 2));
	a.status = -ENOENT;
	assert_true(fetch_answer_valid(&a, sizeof(a), 0, 1));
	assert_false(fetch_answer_valid(&a, sizeof(a), 1, 1));
}

static void servers_are_told_from_other_words(void **state)
{
	const char *urls = " ima:enforcing\thttp://a/ https://b file:///c\nhttp:/d httpx://e  http://f", *at;
	size_t size;

	at = fetch_url(urls, &size);
	assert_memory_equal(at, "http://a/", size);
	at = fetch_url(at + size, &size);
	assert_memory_equal(at, "https://b", size);
	at = fetch_url(at + size, &size);
	assert_memory_equal(at, "http://f", size);
	assert_null(fetch_url(at + size, &size));
	assert_null(fetch_url("", &size));
	assert_null(fetch_url("  ", &size));
}

static void *nothing(void *p)
{
	return p;
}

/* What became of each thing that it tried: the number of the first that went wrong, 0: none. */
static int try_files(const struct folder *f, const char *outside)
{
	int fd = store_begin(f->dir);

	if (fd < 0 || io_write(fd, "x", 1) || store_keep(f->dir, fd, "aa01.debug") || store_find(f->dir, "aa01.debug") < 0)
		return 1;
	store_prune(f->dir, 0);
	if (store_find(f->dir, "aa01.debug") != -ENOENT)
		return 2;
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0)
		return 3;
	if (open(outside, O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		return 4;
	if (open("/tmp/pprofd-fetch-no", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0 || errno != EACCES)
		return 5;
	return unlink(outside) < 0 && errno == EACCES ? 0 : 6;
}

static int try_calls(void)
{
	struct rlimit limit = { 0, 0 };
	pthread_t thread;
	int pair[2];

	if (kill(getppid(), 0) == 0 || errno != EPERM)
		return 11;
	if (execl("/bin/true", "true", NULL) == 0 || errno != EPERM)
		return 12;
	if (socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 || errno != EAFNOSUPPORT)
		return 13;
	if (prlimit(getppid(), RLIMIT_CPU, NULL, &limit) == 0 || errno != EPERM)
		return 14;
	if (socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
	    getrlimit(RLIMIT_CPU, &limit) < 0)
		return 15;
	return pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL) ? 16 : 0;
}

/* With the rights that the tests have, which are more than those of the real one. */
static void it_reaches_nothing_but_its_folder_and_the_internet(void **state)
{
	const struct folder *f = *state;
	char outside[] = "/tmp/pprofd-outside-XXXXXX";
	int fd = mkstemp(outside), status;
	pid_t pid = fork();

	if (!pid) {
		int err = confine_files(f->dir), wrong = err == -ENOSYS || err == -EOPNOTSUPP ? 0 : err ? 20 : try_files(f, outside);

		if (!wrong)
			wrong = confine_calls() ? 21 : try_calls();
		_exit(wrong);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fd);
	assert_int_equal(unlink(outside), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_used_longest_ago_goes_first),
		TEST(it_reaches_nothing_but_its_folder_and_the_internet),
		cmocka_unit_test(servers_are_told_from_other_words),
		cmocka_unit_test(messages_are_checked),
	};

	return cmocka_run_group_tests_name("fetch_store", tests, NULL, NULL);
}
