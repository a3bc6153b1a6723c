/* control/: requests in pieces and in bulk, late answers, clients that leave, stall or crowd. */
#include "tests/unit/control_test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "control/client.h"
#include "control/internal.h"
#include "control/protocol.h"

struct fixture {
	struct control_test t;
	struct control_client *late;
	unsigned nr_requests, nr_gone;
	bool may_change;
};

static void request(void *ctx, struct control_client *c, int argc, char **argv)
{
	struct fixture *f = ctx;

	f->nr_requests++;
	f->may_change = control_may_change(c);
	assert_null(argv[argc]);
	if (!strcmp(argv[0], "echo")) {
		for (int i = 1; i < argc; i++)
			control_value(c, "word", "%s", argv[i]);
		control_end(c, 0, NULL);
	} else if (!strcmp(argv[0], "late")) {
		f->late = c;
	} else if (!strcmp(argv[0], "big")) {
		size_t size = (size_t)atoi(argv[1]);

		memset(buf_reserve(control_answer(c), size), 'x', size);
		control_answer(c)->size += size;
		buf_str(control_answer(c), "\n");
		control_end(c, 0, NULL);
	} else if (!strcmp(argv[0], "dirty")) {
		control_value(c, "text", "%s", "a\nerrno=0\n\xff");
		control_end(c, 0, NULL);
	} else {
		control_end(c, -ESRCH, !strcmp(argv[0], "why") ? "be\ncause" : NULL);
	}
}

static void gone(void *ctx, struct control_client *c)
{
	struct fixture *f = ctx;

	assert_ptr_equal(c, f->late);
	f->late = NULL;
	f->nr_gone++;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	control_test_open(&f->t, request, gone, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	control_test_close(&f->t);
	free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	control_test_turn(&f->t);
}

static int dial(struct fixture *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, f->t.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void say(struct fixture *f, int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn(f);
}

/* All that has come meanwhile; whether the connection ended then. */
static bool hear(int fd, char *text, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while ((got = recv(fd, text + n, size - 1 - n, 0)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	return got == 0 || errno == ECONNRESET;
}

static void check_heard(int fd, const char *want, bool ended)
{
	char text[4096];

	assert_int_equal(hear(fd, text, sizeof(text)), ended);
	assert_string_equal(text, want);
}

static void requests_in_pieces_and_in_bulk(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(f, fd, "ec");
	say(f, fd, "ho one  two\tthree ");
	check_heard(fd, "", false);
	say(f, fd, "\n");
	check_heard(fd, "word=one\nword=two\nword=three\nerrno=0\n\n", false);
	say(f, fd, "echo a\n\n  \nnone\necho b\nwhy\nec");
	check_heard(fd, "word=a\nerrno=0\n\nerror=No such process\nerrno=3\n\n"
			"word=b\nerrno=0\n\nerror=be\\x0acause\nerrno=3\n\n", false);
	say(f, fd, "ho c\ndirty\n");
	check_heard(fd, "word=c\nerrno=0\n\ntext=a\\x0aerrno=0\\x0a\\xff\nerrno=0\n\n", false);
	assert_true(f->may_change);
	close(fd);
	turn(f);
}

static void a_half_closed_client_gets_its_answer(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	assert_int_equal(send(fd, "echo a\necho b\nec", 16, 0), 16);
	shutdown(fd, SHUT_WR);
	turn(f);
	check_heard(fd, "word=a\nerrno=0\n\nword=b\nerrno=0\n\n", true);
	assert_int_equal(f->nr_requests, 2); /* a line that was not ended is none */
	close(fd);
	fd = dial(f);
	assert_int_equal(send(fd, "late\necho b\n", 12, 0), 12);
	shutdown(fd, SHUT_WR);
	turn(f);
	check_heard(fd, "", false);
	assert_non_null(f->late);
	control_value(f->late, "k", "v");
	control_end(f->late, -EIO, "late indeed");
	turn(f);
	check_heard(fd, "k=v\nerror=late indeed\nerrno=5\n\nword=b\nerrno=0\n\n", true);
	assert_int_equal(f->nr_gone, 0);
	close(fd);
}

static void late_answers_keep_their_order(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f), other = dial(f);

	say(f, fd, "late\necho after\n");
	say(f, other, "echo other\n");
	check_heard(other, "word=other\nerrno=0\n\n", false);
	check_heard(fd, "", false);
	control_end(f->late, 0, NULL);
	assert_int_equal(f->nr_requests, 2); /* control_end asks nothing by itself */
	turn(f);
	check_heard(fd, "errno=0\n\nword=after\nerrno=0\n\n", false);
	close(fd);
	close(other);
}

static void one_who_leaves_is_told(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(f, fd, "late\n");
	assert_non_null(f->late);
	close(fd);
	turn(f);
	assert_null(f->late);
	assert_int_equal(f->nr_gone, 1);
	fd = dial(f);
	say(f, fd, "late\n");
	control_server_free(f->t.server);
	f->t.server = NULL;
	assert_int_equal(f->nr_gone, 2);
	check_heard(fd, "", true);
	close(fd);
}

static void bad_lines_are_refused(void **state)
{
	struct fixture *f = *state;
	char line[CONTROL_LINE_MAX + 2];
	int fd = dial(f);

	say(f, fd, "echo \x01\necho \xff\n");
	check_heard(fd, "error=control bytes in the request, or not UTF-8\nerrno=22\n\n"
			"error=control bytes in the request, or not UTF-8\nerrno=22\n\n", false);
	assert_int_equal(send(fd, "echo\0x\n", 7, 0), 7);
	turn(f);
	check_heard(fd, "error=control bytes in the request, or not UTF-8\nerrno=22\n\n", false);
	memset(line, 'a', sizeof(line));
	for (int i = 1; i < 80; i += 2)
		line[i] = ' ';
	strcpy(line + 80, "\n");
	say(f, fd, line);
	check_heard(fd, "error=too many words\nerrno=7\n\n", false);
	memset(line, 'a', sizeof(line));
	strcpy(line + CONTROL_LINE_MAX - 1, "\n"); /* the longest */
	say(f, fd, line);
	check_heard(fd, "error=No such process\nerrno=3\n\n", false);
	strcpy(line + CONTROL_LINE_MAX - 1, "a\n");
	line[CONTROL_LINE_MAX - 1] = 'a';
	say(f, fd, line);
	check_heard(fd, "error=the request is too long\nerrno=90\n\n", true);
	assert_int_equal(f->nr_requests, 1);
	close(fd);
}

static void who_never_reads_holds_one_answer(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	unsigned asked;
	char *text = xmalloc(2 << 20);
	size_t total = 0;

	for (int i = 0; i < 40; i++)
		say(f, fd, "big 100000\n");
	asked = f->nr_requests;
	assert_true(asked < 10); /* what the socket's buffer takes, and one more */
	do {
		assert_false(hear(fd, text, 2 << 20));
		total += strlen(text);
		turn(f);
	} while (text[0]);
	assert_int_equal(f->nr_requests, 40);
	assert_int_equal(total, 40 * (100000 + strlen("\nerrno=0\n\n")));
	say(f, fd, "big 1048577\n");
	check_heard(fd, "error=the answer is too long\nerrno=90\n\n", false);
	close(fd);
	turn(f);
	free(text);
}

static void a_crowd_is_refused(void **state)
{
	struct fixture *f = *state;
	int fds[CONTROL_CLIENTS_MAX + 1];

	for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
		fds[i] = dial(f);
		turn(f);
	}
	check_heard(fds[CONTROL_CLIENTS_MAX], "error=too many clients\nerrno=16\n\n", true);
	close(fds[0]);
	turn(f);
	close(fds[CONTROL_CLIENTS_MAX]);
	fds[0] = dial(f);
	turn(f);
	say(f, fds[0], "echo in\n");
	check_heard(fds[0], "word=in\nerrno=0\n\n", false);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	turn(f);
}

static void without_descriptors_accepting_waits(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, none;
	int fd = dial(f);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[64];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	turn(f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(send(fd, "echo a\n", 7, 0), 7);
	turn(f);
	assert_int_equal(f->nr_requests, 0);
	for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end && !poll(&p, 1, 0);)
		loop_step(f->t.loop, 100);
	assert_false(hear(fd, text, sizeof(text)));
	assert_string_equal(text, "word=a\nerrno=0\n\n");
	close(fd);
	turn(f);
}

static void the_idle_are_closed_and_the_waiting_not(void **state)
{
	struct fixture *f = *state;
	int idle = dial(f), waiting = dial(f), stalled = dial(f), fresh = dial(f);
	struct pollfd p = { .fd = idle, .events = POLLIN };

	say(f, idle, "ech"); /* less than a line is not a word */
	say(f, waiting, "late\n");
	for (int i = 0; i < 10; i++)
		say(f, stalled, "big 100000\n");
	assert_int_equal(f->t.server->nr_clients, 4);
	for (unsigned i = 0; i < 4; i++)
		f->t.server->clients[i]->active_ms -= CONTROL_IDLE_MS + 1;
	say(f, fresh, "echo a\n");
	for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end && !poll(&p, 1, 0);)
		loop_step(f->t.loop, 100);
	check_heard(idle, "", true);
	check_heard(waiting, "", false);
	check_heard(fresh, "word=a\nerrno=0\n\n", false);
	assert_int_equal(f->t.server->nr_clients, 2);
	close(idle);
	close(waiting);
	close(stalled);
	close(fresh);
	turn(f);
	assert_int_equal(f->t.server->nr_clients, 0);
}

static void the_sockets_file(void **state)
{
	struct fixture *f = *state;
	struct control_server *s;
	char other[128];
	struct stat st;
	int fd;

	assert_int_equal(stat(f->t.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	snprintf(other, sizeof(other), "%s/run", f->t.dir);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(control_server_new(&s, f->t.loop, f->t.path, request, gone, f), -EADDRINUSE);
	assert_int_equal(stat(f->t.path, &st), 0);

	snprintf(other, sizeof(other), "%s/file", f->t.dir);
	fd = open(other, O_WRONLY | O_CREAT, 0600);
	close(fd);
	assert_int_equal(control_server_new(&s, f->t.loop, other, request, gone, f), -EEXIST);
	assert_int_equal(stat(other, &st), 0);
	snprintf(other, sizeof(other), "%s/a/b/c", f->t.dir);
	assert_int_equal(control_server_new(&s, f->t.loop, other, request, gone, f), -ENOENT);
	memset(other, 'x', 120);
	other[0] = '/';
	other[120] = '\0';
	assert_int_equal(control_server_new(&s, f->t.loop, other, request, gone, f), -ENAMETOOLONG);

	/* What a killed daemon leaves is replaced; what has replaced ours stays. */
	snprintf(other, sizeof(other), "%s/kept", f->t.dir);
	assert_int_equal(link(f->t.path, other), 0);
	control_server_free(f->t.server);
	assert_int_equal(stat(f->t.path, &st), -1);
	assert_int_equal(rename(other, f->t.path), 0);
	assert_int_equal(control_server_new(&f->t.server, f->t.loop, f->t.path, request, gone, f), 0);
	fd = dial(f);
	say(f, fd, "echo a\n");
	check_heard(fd, "word=a\nerrno=0\n\n", false);
	close(fd);
	assert_int_equal(unlink(f->t.path), 0);
	fd = open(f->t.path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	control_server_free(f->t.server);
	f->t.server = NULL;
	assert_int_equal(stat(f->t.path, &st), 0);
}

/* What a peer of UID and GROUPS may do. */
static bool may_change_as(struct fixture *f, uid_t uid, gid_t gid, gid_t extra)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		char byte;
		int fd;

		if (setgroups(1, &extra) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			_exit(1);
		fd = dial(f);
		if (send(fd, "echo\n", 5, 0) != 5)
			_exit(1);
		fcntl(fd, F_SETFL, 0);
		_exit(recv(fd, &byte, 1, 0) != 1);
	}
	for (unsigned before = f->nr_requests; f->nr_requests == before;)
		assert_int_equal(loop_step(f->t.loop, 100), 0);
	turn(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return f->may_change;
}

static void changing_is_for_the_group(void **state)
{
	struct fixture *f = *state;

	if (geteuid() || getuid()) {
		print_message("# skipped: needs root, to be others\n");
		skip();
	}
	assert_int_equal(chmod(f->t.dir, 0755), 0);
	assert_int_equal(chmod(f->t.path, 0666), 0);
	assert_int_equal(chown(f->t.path, 0, 4242), 0);
	assert_true(may_change_as(f, 0, 7, 7));
	assert_true(may_change_as(f, 65534, 4242, 7));
	assert_true(may_change_as(f, 65534, 7, 4242));
	assert_false(may_change_as(f, 65534, 7, 8));
}

struct asking {
	const char *path, *request;
	struct buf out;
	char error[128];
	int timeout_ms, ret;
	volatile bool done;
};

static void *ask_thread(void *arg)
{
	struct asking *a = arg;

	a->ret = control_ask(a->path, a->request, a->timeout_ms, &a->out, a->error,
			     sizeof(a->error));
	__atomic_store_n(&a->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int ask(struct fixture *f, struct asking *a, const char *line)
{
	pthread_t thread;

	*a = (struct asking){ .path = f->t.path, .request = line,
				.timeout_ms = strcmp(line, "late") ? PATIENCE_MS : 500 };
	assert_int_equal(pthread_create(&thread, NULL, ask_thread, a), 0);
	while (!__atomic_load_n(&a->done, __ATOMIC_ACQUIRE))
		loop_step(f->t.loop, 5);
	pthread_join(thread, NULL);
	return a->ret;
}

static void the_client_asks(void **state)
{
	struct fixture *f = *state;
	struct asking a;
	char value[8], line[CONTROL_LINE_MAX + 1];

	assert_int_equal(ask(f, &a, "echo one two"), 0);
	assert_string_equal((char *)a.out.data, "word=one\nword=two\n");
	assert_string_equal(control_get(&a.out, "word", value, sizeof(value)), "one");
	assert_null(control_get(&a.out, "wor", value, sizeof(value)));
	assert_null(control_get(&a.out, "one", value, sizeof(value)));
	buf_fini(&a.out);
	assert_null(control_get(&a.out, "word", value, sizeof(value)));
	assert_int_equal(ask(f, &a, "echo"), 0);
	assert_string_equal((char *)a.out.data, "");
	buf_fini(&a.out);
	assert_int_equal(ask(f, &a, "big 900000"), 0);
	assert_int_equal(a.out.size, 900001);
	buf_fini(&a.out);
	assert_int_equal(ask(f, &a, "why"), -ESRCH);
	assert_string_equal(a.error, "be\\x0acause");
	assert_null(a.out.data);
	assert_int_equal(ask(f, &a, "late"), -ETIMEDOUT);
	assert_non_null(strstr(a.error, "does not answer"));
	turn(f);
	assert_int_equal(f->nr_gone, 1);
	assert_int_equal(ask(f, &a, "two\nlines"), -EINVAL);
	memset(line, 'x', sizeof(line));
	line[CONTROL_LINE_MAX] = '\0';
	assert_int_equal(ask(f, &a, line), -EINVAL);
	control_server_free(f->t.server);
	f->t.server = NULL;
	assert_int_equal(ask(f, &a, "echo"), -ENOENT);
	assert_non_null(strstr(a.error, "no daemon"));
}

/* A daemon that says other things. */
static void the_client_believes_nothing(void **state)
{
	static const struct {
		const char *answer;
		size_t size;
		int ret;
	} cases[] = {
#define SAYS(text, ret) { text, sizeof(text) - 1, ret }
		SAYS("errno=0\n\n", 0),
		SAYS("a=b\nerrno=0\n\n", 0),
		SAYS("", -EPIPE),
		SAYS("errno=0\n", -EPIPE),
		SAYS("a=b\n\n", -EBADMSG),
		SAYS("\n\n", -EBADMSG),
		SAYS("errno=\n\n", -EBADMSG),
		SAYS("errno=-1\n\n", -EBADMSG),
		SAYS("errno=x\n\n", -EBADMSG),
		SAYS("errno=99999\n\n", -EBADMSG),
		SAYS("errno=0x\n\n", -EBADMSG),
		SAYS("a\0b\nerrno=0\n\n", -EBADMSG),
		SAYS("errno=5\n\n", -EIO),
		SAYS("error=\nerrno=5\n\n", -EIO),
		SAYS("xerrno=0\n\n", -EBADMSG),
	};
	struct fixture *f = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[120];
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name, sizeof(name), "%s/liar", f->t.dir);
	memcpy(addr.sun_path, name, strlen(name));
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 4), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asking a = { .path = name, .request = "status", .timeout_ms = PATIENCE_MS };
		pthread_t thread;
		int fd;

		assert_int_equal(pthread_create(&thread, NULL, ask_thread, &a), 0);
		fd = accept(listener, NULL, NULL);
		assert_int_equal(io_write(fd, cases[i].answer, cases[i].size), 0);
		close(fd);
		pthread_join(thread, NULL);
		assert_int_equal(a.ret, cases[i].ret);
		assert_int_equal(a.error[0] == '\0', !a.ret || i == 13);
		buf_fini(&a.out);
	}
	close(listener);
}

static void splitting(void **state)
{
	char line[64], *argv[4];

	strcpy(line, "  a\t b  c ");
	assert_int_equal(control_split(line, argv, 4), 3);
	assert_string_equal(argv[0], "a");
	assert_string_equal(argv[1], "b");
	assert_string_equal(argv[2], "c");
	assert_null(argv[3]);
	strcpy(line, "a b c d");
	assert_int_equal(control_split(line, argv, 4), -E2BIG);
	strcpy(line, " \t ");
	assert_int_equal(control_split(line, argv, 4), 0);
	assert_null(argv[0]);
	strcpy(line, "a\rb");
	assert_int_equal(control_split(line, argv, 4), -EINVAL);
	strcpy(line, "a\xc3");
	assert_int_equal(control_split(line, argv, 4), -EINVAL);
	strcpy(line, "a\xc3\xbc");
	assert_int_equal(control_split(line, argv, 4), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(requests_in_pieces_and_in_bulk),
		TEST(a_half_closed_client_gets_its_answer),
		TEST(late_answers_keep_their_order),
		TEST(one_who_leaves_is_told),
		TEST(bad_lines_are_refused),
		TEST(who_never_reads_holds_one_answer),
		TEST(a_crowd_is_refused),
		TEST(without_descriptors_accepting_waits),
		TEST(the_idle_are_closed_and_the_waiting_not),
		TEST(the_sockets_file),
		TEST(changing_is_for_the_group),
		TEST(the_client_asks),
		TEST(the_client_believes_nothing),
		cmocka_unit_test(splitting),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
