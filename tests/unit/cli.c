/* cli/: what pprofctl makes of a daemon's answers. The daemon is a process that knows one. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "cli/cli.h"

/* Listens on PATH, takes one request, which must be the line REQUEST, and answers. The pid. */
static pid_t serve(const char *path, const char *request, const char *answer)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	char line[64] = "";
	pid_t pid;

	unlink(path);
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid = fork();
	if (pid) {
		close(listener);
		return pid;
	}
	alarm(PATIENCE_MS / 1000);
	fd = accept(listener, NULL, NULL);
	if (read(fd, line, sizeof(line) - 1) <= 0 || strcmp(line, request))
		_exit(1);
	_exit(io_write(fd, answer, strlen(answer)) ? 2 : 0);
}

struct outcome {
	int status;
	char out[2048], err[512];
};

static void swap_fd(int fd, int *saved, const char *name)
{
	int file = memfd_create(name, MFD_CLOEXEC);

	*saved = dup(fd);
	dup2(file, fd);
	close(file);
}

static void take_fd(int fd, int saved, char *text, size_t size)
{
	ssize_t n = io_pread(fd, text, size - 1, 0);

	text[n < 0 ? 0 : n] = 0;
	dup2(saved, fd);
	close(saved);
}

static struct outcome run(int (*fn)(struct cli *cli, int argc, char **argv), const char *verb,
			  const char *option, const char *answer)
{
	static char name[] = "pprofctl", directory[] = "/tmp/pprofd-cli-XXXXXX";
	char *argv[] = { name, (char *)(uintptr_t)option, NULL }, path[64], request[64];
	struct cli_verb v = { verb, fn, "", "" };
	struct cli cli = { .socket = path, .verb = &v };
	struct outcome o;
	int out, err, child;
	pid_t pid;

	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	snprintf(request, sizeof(request), "%s\n", verb);
	pid = serve(path, request, answer);
	fflush(stdout);
	swap_fd(STDOUT_FILENO, &out, "out");
	swap_fd(STDERR_FILENO, &err, "err");
	optind = 0;
	o.status = fn(&cli, option ? 2 : 1, argv);
	fflush(stdout);
	take_fd(STDOUT_FILENO, out, o.out, sizeof(o.out));
	take_fd(STDERR_FILENO, err, o.err, sizeof(o.err));
	waitpid(pid, &child, 0);
	unlink(path);
	rmdir(directory);
	assert_int_equal(child, 0);
	return o;
}

static const char answer[] = "version=0.1\nstate=running\nscope=host\nsamples=12345\n"
			     "window_seconds=3.5\nodd=007\nbig=12345678901234567890\n"
			     "last_error=\"a\\b\"=c\nempty=\nerrno=0\n\n";

static void status_groups_what_the_daemon_says(void **state)
{
	struct outcome o = run(cli_status, "status", NULL, answer);

	assert_int_equal(o.status, CLI_DONE);
	assert_string_equal(o.err, "");
	assert_string_equal(o.out, "daemon\n"
				   "  version                0.1\n"
				   "  state                  running\n"
				   "\nsampling\n"
				   "  scope                  host\n"
				   "\nsamples\n"
				   "  samples                12345\n"
				   "  window_seconds         3.5\n"
				   "  odd                    007\n"
				   "  big                    12345678901234567890\n"
				   "  last_error             \"a\\b\"=c\n"
				   "  empty                  -\n");
}

static void status_is_json_on_demand(void **state)
{
	struct outcome o = run(cli_status, "status", "--json", answer);

	assert_int_equal(o.status, CLI_DONE);
	assert_string_equal(o.out, "{\n"
				   "  \"version\": \"0.1\",\n"
				   "  \"state\": \"running\",\n"
				   "  \"scope\": \"host\",\n"
				   "  \"samples\": 12345,\n"
				   "  \"window_seconds\": 3.5,\n"
				   "  \"odd\": \"007\",\n"
				   "  \"big\": \"12345678901234567890\",\n"
				   "  \"last_error\": \"\\\"a\\\\b\\\"=c\",\n"
				   "  \"empty\": \"\"\n"
				   "}\n");
	o = run(cli_status, "status", "--json", "errno=0\n\n");
	assert_string_equal(o.out, "{}\n");
}

static void rotate_prints_the_files(void **state)
{
	struct outcome o = run(cli_rotate, "rotate", NULL, "files=cpu-x.pb.gz\nerrno=0\n\n");

	assert_int_equal(o.status, CLI_DONE);
	assert_string_equal(o.out, "cpu-x.pb.gz\n");
}

static void refusals_are_told(void **state)
{
	struct outcome o = run(cli_reload, "reload", NULL,
			       "error=/etc/pprofd.conf:3: no key Foo\nerrno=22\n\n");

	assert_int_equal(o.status, CLI_FAILED);
	assert_string_equal(o.out, "");
	assert_non_null(strstr(o.err, "reload: /etc/pprofd.conf:3: no key Foo\n"));
	o = run(cli_reload, "reload", NULL, "half an answ");
	assert_int_equal(o.status, CLI_FAILED);
	assert_string_not_equal(o.err, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_groups_what_the_daemon_says),
		cmocka_unit_test(status_is_json_on_demand),
		cmocka_unit_test(rotate_prints_the_files),
		cmocka_unit_test(refusals_are_told),
	};

	log_init("pprofctl", false);
	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
