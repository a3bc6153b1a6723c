/* fetch: debug files come by build id from a server that answers, late, never, nonsense or too much (fetch_server.py); what has
 * come is kept. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/loop.h"
#include "base/mem.h"
#include "fetch/client.h"
#include "fetch/fetch.h"
#include "fetch/http.h"

#define MAX_SIZE 4096

struct fixture {
	char folder[32], url[64];
	int dir;
	pid_t server;
	struct loop *loop;
	struct fetch_client *client;
	unsigned nr;
	int status, fd; /* of the last answer */
};

static void answered(void *ctx, const uint8_t *build_id, unsigned size, int fd)
{
	struct fixture *f = ctx;

	if (f->fd >= 0)
		close(f->fd);
	f->nr++;
	f->status = fd < 0 ? fd : 0;
	f->fd = fd;
}

static void start_client(struct fixture *f, uint32_t timeout_ms, const char *urls)
{
	struct fetch_options o = { .urls = urls, .dir = f->dir, .max_use = 1 << 20, .max_size = MAX_SIZE, .timeout_ms = timeout_ms };

	assert_int_equal(fetch_client_configure(f->client, &o), 0);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	const char *source = getenv("top_srcdir");
	char port[16] = "", *server = xasprintf("%s/tests/unit/fetch_server.py", source ? source : ".");
	int out[2];
	FILE *in;

	setenv("no_proxy", "127.0.0.1", 1);
	strcpy(f->folder, "/tmp/pprofd-fetch-XXXXXX");
	f->fd = -1;
	if (!mkdtemp(f->folder) || pipe(out) || loop_new(&f->loop))
		return 1;
	f->client = fetch_client_new(f->loop, answered, f);
	f->dir = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->server = fork();
	if (!f->server) {
		dup2(out[1], 1);
		close(out[0]);
		execlp("python3", "python3", server, NULL);
		_exit(127);
	}
	close(out[1]);
	in = fdopen(out[0], "r");
	if (fgets(port, sizeof(port), in))
		snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d", atoi(port));
	fclose(in);
	free(server);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *command = xasprintf("rm -rf %s", f->folder);

	fetch_client_free(f->client);
	loop_free(f->loop);
	if (f->fd >= 0)
		close(f->fd);
	kill(f->server, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0) /* and the fetcher, killed too */
		;
	close(f->dir);
	if (system(command))
		return 1;
	free(command);
	free(f);
	return 0;
}

static void need_server(const struct fixture *f)
{
	struct http *h;

	if (!*f->url) {
		print_message("# python3 is not installed\n");
		skip();
	}
	if (http_new(&h)) {
		print_message("# libcurl is not installed\n");
		skip();
	}
	http_free(h);
}

/* What comes of build id aaNN. */
static int fetch_one(struct fixture *f, uint8_t number)
{
	const uint8_t id[] = { 0xaa, number };
	unsigned nr = f->nr;

	assert_true(fetch_client_want(f->client, id, 2));
	for (int i = 0; i < PATIENCE_MS / 100 && f->nr == nr; i++)
		loop_step(f->loop, 100);
	assert_int_equal(f->nr, nr + 1);
	return f->status;
}

/* The whole file, and what is in it before the list of sections. */
static void assert_content(const struct fixture *f, const char *want)
{
	char got[MAX_SIZE];
	ssize_t size = io_pread(f->fd, got, sizeof(got), 0);

	assert_true(size > 64);
	assert_memory_equal(got, "\177ELF", 4);
	assert_non_null(memmem(got, (size_t)size, want, strlen(want)));
}

static void files_come_and_stay(void **state)
{
	struct fixture *f = *state;
	const uint8_t id[] = { 0xaa, 0x01 }, other[] = { 0xaa, 0x02 };
	struct fetch_status s;

	need_server(f);
	start_client(f, 60000, f->url);
	assert_int_equal(fetch_one(f, 0x01), 0);
	assert_content(f, "first");
	assert_int_equal(fetch_one(f, 0x03), 0);
	assert_content(f, "late");
	assert_int_equal(fetch_one(f, 0x02), -ENOENT);
	assert_false(fetch_client_want(f->client, other, 2)); /* that is known now */
	/* Without the server, from the folder; with others before it that have nothing, from the one that has. */
	kill(f->server, SIGSTOP);
	start_client(f, 60000, "http://127.0.0.1:1");
	assert_int_equal(fetch_one(f, 0x01), 0);
	kill(f->server, SIGCONT);
	/* Two at once, one after the other. */
	assert_true(fetch_client_want(f->client, id, 2));
	assert_false(fetch_client_want(f->client, id, 2));
	assert_true(fetch_client_want(f->client, other, 2));
	fetch_client_status(f->client, &s);
	assert_int_equal(s.nr_queued, 2);
	for (int i = 0; i < PATIENCE_MS / 100 && f->nr < 6; i++)
		loop_step(f->loop, 100);
	assert_int_equal(f->nr, 6);
	fetch_client_status(f->client, &s);
	assert_int_equal(s.nr_found, 2);
	assert_int_equal(s.nr_failed, 1);
}

static void servers_are_asked_in_order(void **state)
{
	struct fixture *f = *state;
	char *urls = xasprintf(" http://127.0.0.1:1/  %s///\t%s ", f->url, f->url);

	need_server(f);
	start_client(f, 60000, urls);
	assert_int_equal(fetch_one(f, 0x01), 0);
	assert_content(f, "first");
	assert_int_equal(fetch_one(f, 0x02), -EHOSTUNREACH); /* the first might have had it */
	free(urls);
}

static bool is_kept(const struct fixture *f, uint8_t number)
{
	char name[16];

	snprintf(name, sizeof(name), "aa%02x.debug", number);
	return !faccessat(f->dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static void nothing_bad_is_kept(void **state)
{
	static const struct { uint8_t number; int status; } kinds[] = {
		{ 0x05, -EHOSTUNREACH }, { 0x06, -EFBIG }, { 0x07, -EHOSTUNREACH }, { 0x08, -EHOSTUNREACH }, { 0x09, -EFBIG },
		{ 0x10, -EHOSTUNREACH }, { 0x11, -EHOSTUNREACH }, { 0x13, -EBADMSG }, { 0x14, -EBADMSG }, { 0x15, -EBADMSG },
	};
	struct fixture *f = *state;

	need_server(f);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		start_client(f, 60000, f->url);
		assert_int_equal(fetch_one(f, kinds[i].number), kinds[i].status);
		assert_false(is_kept(f, kinds[i].number));
	}
	start_client(f, 60000, f->url);
	assert_int_equal(fetch_one(f, 0x16), 0); /* for comparison: where it was sent to, it is */
	assert_content(f, "moved");
}

/* A disk that lost it, or another program. */
static void what_is_kept_is_checked(void **state)
{
	struct fixture *f = *state;
	int fd = openat(f->dir, "aa01.debug", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	need_server(f);
	assert_int_equal(io_write(fd, (char[100]){ 0 }, 100), 0);
	close(fd);
	start_client(f, 60000, f->url);
	assert_int_equal(fetch_one(f, 0x01), 0);
	assert_content(f, "first");
}

static void a_server_that_never_answers_holds_up_nobody_for_ever(void **state)
{
	struct fixture *f = *state;
	const uint8_t id[] = { 0xaa, 0x01 };
	struct fetch_status s;

	need_server(f);
	start_client(f, 300, f->url);
	assert_int_equal(fetch_one(f, 0x04), -ETIMEDOUT);
	start_client(f, 1500, f->url);
	assert_int_equal(fetch_one(f, 0x12), -ETIMEDOUT); /* it answers a byte at a time */
	/* None that can be asked, again and again: then none is. */
	start_client(f, 60000, "http://127.0.0.1:1");
	for (uint8_t i = 0x20; i < 0x23; i++)
		assert_int_equal(fetch_one(f, i), -EHOSTUNREACH);
	assert_false(fetch_client_want(f->client, id, 2));
	fetch_client_status(f->client, &s);
	assert_true(s.paused);
	assert_int_equal(s.last_error, -EHOSTUNREACH);
}

/* proc_pid_task(5), "children". */
static unsigned nr_children(void)
{
	char path[64], text[256] = "";
	unsigned nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	while (fscanf(f, "%255s", text) == 1)
		nr++;
	fclose(f);
	return nr;
}

static void nobody_is_asked_unless_somebody_is_named(void **state)
{
	struct fixture *f = *state;
	const uint8_t id[] = { 0xaa, 0x01 };
	struct fetch_status s;

	need_server(f);
	assert_false(fetch_client_want(f->client, id, 2));
	start_client(f, 60000, "");
	assert_false(fetch_client_want(f->client, id, 2));
	start_client(f, 60000, "file:///tmp ftp://127.0.0.1 ima:enforcing");
	assert_false(fetch_client_want(f->client, id, 2));
	/* Ended while it is at one: that has no answer any more. */
	start_client(f, 60000, f->url);
	assert_true(fetch_client_want(f->client, (const uint8_t[]){ 0xaa, 0x04 }, 2));
	fetch_client_status(f->client, &s);
	assert_int_equal(s.nr_servers, 1);
	assert_int_equal(s.nr_queued, 1);
	assert_int_equal(fetch_client_configure(f->client, NULL), 0);
	assert_false(fetch_client_want(f->client, id, 2));
	assert_int_equal(f->nr, 0);
	/* And is gone, whenever it has died. */
	for (uint64_t end = now_ms() + PATIENCE_MS; nr_children() > 1 && now_ms() < end;)
		loop_step(f->loop, 100);
	assert_int_equal(nr_children(), 1); /* the server */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(files_come_and_stay),
		TEST(servers_are_asked_in_order),
		TEST(nothing_bad_is_kept),
		TEST(what_is_kept_is_checked),
		TEST(a_server_that_never_answers_holds_up_nobody_for_ever),
		TEST(nobody_is_asked_unless_somebody_is_named),
	};

	if (argc == 2 && !strcmp(argv[1], "--debuginfod"))
		return fetch_main();
	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
