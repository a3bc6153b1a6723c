/* attach: a Java virtual machine is asked for a map of its code as its own user, within a time, and what is none is left alone.
 * The machines here are made of a mapped file with the right name, a signal handler and a socket. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/attach.h"
#include "attach/client.h"
#include "attach/hotspot.h"
#include "base/loop.h"

#define SOON_MS     300   /* for what must not */
#define NOBODY      65534

enum behaviour { ANSWERS, REFUSES, TALKS_NONSENSE, CLOSES, IS_SILENT, OPENS_NOTHING, IGNORES_QUIT, IS_NO_MACHINE, OPENS_A_LINK };

struct machine {
	enum behaviour behaviour;
	uid_t uid; /* 0: ours */
	char file[64];
	pid_t pid;
};

static volatile sig_atomic_t nr_quits;

static void on_quit(int sig)
{
	nr_quits++;
}

static void name_in_tmp(char out[64], const char *name, pid_t pid)
{
	snprintf(out, 64, "/tmp/%s%d", name, pid);
}

/* What the real one does: the file must be its user's, as must be who connects. */
static void answer_one(const struct machine *m, int listener)
{
	static const char want[] = "1\0jcmd\0Compiler.perfmap\0\0";
	static const char *const answers[] = { [ANSWERS] = "0\n", [REFUSES] = "-1\njava.lang.IllegalArgumentException\n",
					       [TALKS_NONSENSE] = "hello\n", [CLOSES] = "" };
	struct ucred who = { 0 };
	socklen_t size = sizeof(who);
	char got[sizeof(want)];
	int fd = accept(listener, NULL, NULL);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	if (who.uid != geteuid() || who.gid != getegid() || recv(fd, got, sizeof(got), MSG_WAITALL) != sizeof(got) ||
	    memcmp(got, want, sizeof(want)))
		_exit(1);
	if (m->behaviour == IS_SILENT)
		pause();
	if (write(fd, answers[m->behaviour], strlen(answers[m->behaviour])) < 0)
		_exit(1);
	close(fd);
}

static int open_socket(const struct machine *m)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char path[64], early[64];

	name_in_tmp(path, ".java_pid", getpid());
	unlink(path);
	if (m->behaviour == OPENS_A_LINK)
		return symlink("/run/some-socket", path) ? -1 : fd;
	/* Whoever sees it may connect at once. */
	name_in_tmp(early, ".early_pid", getpid());
	strcpy(name.sun_path, early);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) || chmod(early, 0600) || listen(fd, 5) || rename(early, path))
		return -1;
	return fd;
}

static void serve_when_asked(const struct machine *m)
{
	char trigger[64];
	struct stat st;
	int listener = -1, seen = 0;

	name_in_tmp(trigger, ".attach_pid", getpid());
	for (;;) {
		while (nr_quits == seen) /* pause(2) would miss one that has just come */
			usleep(1000);
		seen = nr_quits;
		if (stat(trigger, &st) || st.st_uid != geteuid() || m->behaviour == OPENS_NOTHING)
			continue;
		if (listener < 0)
			listener = open_socket(m);
		while (listener >= 0 && m->behaviour != OPENS_A_LINK)
			answer_one(m, listener);
	}
}

static void live(const struct machine *m, int ready)
{
	struct sigaction quit = { .sa_handler = on_quit };
	int fd = open(m->file, O_RDONLY | O_CLOEXEC);

	if (m->behaviour != IS_NO_MACHINE && mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		_exit(1);
	if (m->behaviour != IGNORES_QUIT)
		sigaction(SIGQUIT, &quit, NULL);
	if (m->uid && (setresgid(m->uid, m->uid, m->uid) || setresuid(m->uid, m->uid, m->uid)))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves it behind */
	if (write(ready, "", 1) == 1)
		serve_when_asked(m);
	_exit(1);
}

/* In a folder of its own, as others may have a library of that name here. */
static void machine_start(struct machine *m, enum behaviour behaviour, uid_t uid)
{
	char dir[] = "/tmp/pprofd-attach-XXXXXX", path[64], c;
	int ready[2], fd;

	*m = (struct machine){ .behaviour = behaviour, .uid = uid };
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(m->file, sizeof(m->file), "%s/libjvm.so", dir);
	fd = open(m->file, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(ftruncate(fd, 4096), 0);
	close(fd);
	assert_int_equal(pipe(ready), 0);
	m->pid = fork();
	assert_true(m->pid >= 0);
	if (!m->pid)
		live(m, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	/* What another test left, killed, whose machine had the same number. */
	name_in_tmp(path, ".attach_pid", m->pid);
	unlink(path);
	name_in_tmp(path, ".java_pid", m->pid);
	unlink(path);
}

/* It is alive still, and nothing of ours is left in its folder. */
static void machine_end(struct machine *m)
{
	char path[64];

	assert_int_equal(waitpid(m->pid, NULL, WNOHANG), 0);
	kill(m->pid, SIGKILL);
	waitpid(m->pid, NULL, 0);
	name_in_tmp(path, ".attach_pid", m->pid);
	assert_int_equal(unlink(path), -1);
	name_in_tmp(path, ".java_pid", m->pid);
	unlink(path);
	unlink(m->file);
	*strrchr(m->file, '/') = 0;
	rmdir(m->file);
}

/* In a process of its own, since it gives up what it may. */
static int ask(pid_t pid, unsigned patience_ms, enum attach_stage *stage)
{
	struct { int status; enum attach_stage stage; } got = { -1, ATTACH_SERVICE };
	int said[2];
	pid_t child;

	assert_int_equal(pipe(said), 0);
	child = fork();
	if (!child) {
		got.status = hotspot_ask(pid, patience_ms, &got.stage);
		_exit(write(said[1], &got, sizeof(got)) != sizeof(got));
	}
	close(said[1]);
	assert_int_equal(read(said[0], &got, sizeof(got)), sizeof(got));
	close(said[0]);
	waitpid(child, NULL, 0);
	*stage = got.stage;
	return got.status;
}

static void assert_asked(enum behaviour behaviour, uid_t uid, unsigned patience_ms, int status, enum attach_stage stage)
{
	enum attach_stage reached;
	struct machine m;

	machine_start(&m, behaviour, uid);
	assert_int_equal(ask(m.pid, patience_ms, &reached), status);
	assert_int_equal(reached, stage);
	machine_end(&m);
}

static void a_machine_is_asked_as_its_user(void **state)
{
	enum attach_stage stage;
	struct machine m;

	assert_asked(ANSWERS, 0, PATIENCE_MS, 0, ATTACH_DONE);
	if (geteuid())
		return;
	machine_start(&m, ANSWERS, NOBODY);
	assert_int_equal(ask(m.pid, PATIENCE_MS, &stage), 0);
	assert_int_equal(stage, ATTACH_DONE);
	/* Its socket is there now, and needs no signal. */
	assert_int_equal(ask(m.pid, PATIENCE_MS, &stage), 0);
	machine_end(&m);
}

/* What a process of the same number has left there. */
static void a_dead_socket_is_none(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	enum attach_stage stage;
	struct machine m;

	machine_start(&m, ANSWERS, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/.java_pid%d", m.pid);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	close(fd);
	assert_int_equal(ask(m.pid, PATIENCE_MS, &stage), 0);
	assert_int_equal(stage, ATTACH_DONE);
	machine_end(&m);
}

/* A machine that finds another user's file in place of its own prints its stacks, and opens nothing. */
static void a_trigger_of_others_is_none(void **state)
{
	enum attach_stage stage;
	struct machine m;
	char path[64];

	machine_start(&m, ANSWERS, 0);
	name_in_tmp(path, ".attach_pid", m.pid);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(ask(m.pid, PATIENCE_MS, &stage), -EPERM);
	assert_int_equal(stage, ATTACH_TRIGGER);
	assert_int_equal(unlink(path), 0);
	close(open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
	if (!geteuid()) {
		assert_int_equal(chown(path, NOBODY, NOBODY), 0);
		assert_int_equal(ask(m.pid, PATIENCE_MS, &stage), -EPERM);
		assert_int_equal(stage, ATTACH_TRIGGER);
		assert_int_equal(chown(path, 0, 0), 0);
	}
	/* Its own user's will do, and is left to whoever made it. */
	assert_int_equal(ask(m.pid, PATIENCE_MS, &stage), 0);
	assert_int_equal(unlink(path), 0);
	machine_end(&m);
}

static void its_answers_are_read(void **state)
{
	assert_asked(REFUSES, 0, PATIENCE_MS, -ENOTSUP, ATTACH_COMMAND);
	assert_asked(TALKS_NONSENSE, 0, PATIENCE_MS, -EBADMSG, ATTACH_COMMAND);
	assert_asked(CLOSES, 0, PATIENCE_MS, -EBADMSG, ATTACH_COMMAND);
	/* No more than these. */
	assert_int_equal(hotspot_answer("0\nwords\n", 8), 0);
	assert_int_equal(hotspot_answer("0", 1), -EBADMSG);
	assert_int_equal(hotspot_answer("00\n", 3), -ENOTSUP);
	assert_int_equal(hotspot_answer("\n", 1), -EBADMSG);
	assert_int_equal(hotspot_answer("1-\n", 3), -EBADMSG);
	assert_int_equal(hotspot_answer("", 0), -EBADMSG);
}

/* A machine that is slower than all patience may not come as far as it would. */
static void nobody_waits_for_ever(void **state)
{
	enum attach_stage reached = ATTACH_SERVICE;
	struct machine m;

	machine_start(&m, IS_SILENT, 0);
	for (unsigned ms = SOON_MS; reached != ATTACH_COMMAND && ms < PATIENCE_MS; ms *= 2)
		assert_int_equal(ask(m.pid, ms, &reached), -ETIMEDOUT);
	assert_int_equal(reached, ATTACH_COMMAND);
	machine_end(&m);
	assert_asked(OPENS_NOTHING, 0, SOON_MS, -ETIMEDOUT, ATTACH_SOCKET);
}

/* SIGQUIT would end these. */
static void what_is_no_machine_is_left_alone(void **state)
{
	enum attach_stage stage;

	assert_asked(IS_NO_MACHINE, 0, SOON_MS, -EINVAL, ATTACH_HOTSPOT);
	assert_asked(IGNORES_QUIT, 0, SOON_MS, -EINVAL, ATTACH_HOTSPOT);
	assert_asked(OPENS_A_LINK, 0, PATIENCE_MS, -EPERM, ATTACH_CONNECT);
	assert_int_equal(ask(INT32_MAX, SOON_MS, &stage), -ESRCH);
	assert_int_equal(stage, ATTACH_PROCESS);
}

static void what_a_status_lacks_is_seen(void **state)
{
#define STATUS(uid, nspid) "Name:\tUid:\t9\t9\n" uid "Gid:\t3\t4\t5\t6\n" nspid "SigCgt:\t0000000000000004\n"
	struct hotspot_status s;

	assert_true(hotspot_status(STATUS("Uid:\t1\t2\t3\t4\n", "NSpid:\t77\t8\n"), &s));
	assert_int_equal(s.number, 8);
	assert_int_equal(s.uid, 2);
	assert_int_equal(s.gid, 4);
	assert_true(s.catches_quit);
	assert_false(hotspot_status(STATUS("Uid:\t1\n", "NSpid:\t77\n"), &s)); /* not the real one in its place */
	assert_false(hotspot_status(STATUS("", "NSpid:\t77\n"), &s));
	assert_false(hotspot_status(STATUS("Uid:\t1\tx\t3\t4\n", "NSpid:\t77\n"), &s));
	assert_false(hotspot_status(STATUS("Uid:\t1\t2\t3\t4\n", "NSpid:\t\n"), &s));
	assert_false(hotspot_status("", &s));
#undef STATUS
}

static void mapped_libraries_are_told(void **state)
{
#define MAPPED(text) hotspot_is_mapped(text, sizeof(text) - 1)
	assert_true(MAPPED("1000-2000 r-xp 00000000 fe:00 12 /usr/lib/jvm/lib/server/libjvm.so\n"));
	assert_true(MAPPED("0-1 r--p 0 0:0 0 /x\n1000-2000 r-xp 0 fe:00 12   /libjvm.so\n5-6 r-xp 0 0:0 0 /y\n"));
	assert_false(MAPPED("1000-2000 r--p 00000000 fe:00 12 /usr/lib/libjvm.so\n"));
	assert_false(MAPPED("1000-2000 r-xp 00000000 fe:00 12 /usr/lib/notlibjvm.so\n"));
	assert_false(MAPPED("1000-2000 r-xp 00000000 fe:00 12 /usr/lib/libjvm.so"));
	assert_false(MAPPED("/libjvm.so\n"));
	assert_false(MAPPED("1 r-x\n"));
	assert_false(MAPPED(""));
#undef MAPPED
}

struct answered {
	unsigned nr;
	uint32_t pid;
	int status;
	enum attach_stage stage;
};

static void note(void *ctx, uint32_t pid, int status, enum attach_stage stage)
{
	struct answered *a = ctx;

	*a = (struct answered){ a->nr + 1, pid, status, stage };
}

static void step_until(struct loop *l, const struct answered *a, unsigned nr)
{
	for (int i = 0; i < PATIENCE_MS / 100 && a->nr < nr; i++)
		loop_step(l, 100);
	assert_int_equal(a->nr, nr);
}

static void the_attacher_serves_one_at_a_time(void **state)
{
	struct attach_client *c;
	struct answered a = { 0 };
	struct machine m;
	struct loop *l;

	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(attach_client_new(&c, l, note, &a), 0);
	machine_start(&m, ANSWERS, geteuid() ? 0 : NOBODY);
	assert_true(attach_client_ask(c, (uint32_t)m.pid));
	assert_false(attach_client_ask(c, (uint32_t)m.pid));
	step_until(l, &a, 1);
	assert_int_equal(a.pid, m.pid);
	assert_int_equal(a.status, 0);
	assert_int_equal(a.stage, ATTACH_DONE);
	for (unsigned nr = 2; nr < 20; nr++) {
		assert_true(attach_client_ask(c, INT32_MAX));
		step_until(l, &a, nr);
		assert_int_equal(a.status, -ESRCH);
		assert_int_equal(a.stage, ATTACH_PROCESS);
	}
	assert_false(attach_client_over(c));
	machine_end(&m);
	attach_client_free(c);
	loop_free(l);
}

static void messages_are_checked(void **state)
{
	struct attach_request q = { .cookie = 1, .pid = 1 };
	struct attach_answer a = { .cookie = 1 };

	assert_true(attach_request_valid(&q, sizeof(q)));
	assert_false(attach_request_valid(&q, sizeof(q) - 1));
	q.pid = 0x80000000;
	assert_false(attach_request_valid(&q, sizeof(q)));
	assert_true(attach_answer_valid(&a, sizeof(a), 1));
	assert_false(attach_answer_valid(&a, sizeof(a), 2));
	a.status = -EPERM;
	assert_false(attach_answer_valid(&a, sizeof(a), 1));
	a.stage = ATTACH_USER;
	assert_true(attach_answer_valid(&a, sizeof(a), 1));
	a.stage = ATTACH_NR_STAGES;
	assert_false(attach_answer_valid(&a, sizeof(a), 1));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_is_asked_as_its_user),
		cmocka_unit_test(a_dead_socket_is_none),
		cmocka_unit_test(a_trigger_of_others_is_none),
		cmocka_unit_test(its_answers_are_read),
		cmocka_unit_test(nobody_waits_for_ever),
		cmocka_unit_test(what_is_no_machine_is_left_alone),
		cmocka_unit_test(what_a_status_lacks_is_seen),
		cmocka_unit_test(mapped_libraries_are_told),
		cmocka_unit_test(the_attacher_serves_one_at_a_time),
		cmocka_unit_test(messages_are_checked),
	};

	if (argc == 2 && !strcmp(argv[1], "--attach"))
		return attach_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
