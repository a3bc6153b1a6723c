/* control/: answers that come in parts, and files that come with them. */
#include "tests/unit/control_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "control/client.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct fixture {
	struct control_test t;
	struct control_client *client; /* whose answer is outstanding */
	unsigned nr_gone;
	char lines[256];
};

static void request(void *ctx, struct control_client *c, int argc, char **argv)
{
	struct fixture *f = ctx;

	f->client = c;
}

static void gone(void *ctx, struct control_client *c)
{
	struct fixture *f = ctx;

	f->nr_gone++;
	f->client = NULL;
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

static void line(void *ctx, const char *key, const char *value)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->lines);

	snprintf(f->lines + n, sizeof(f->lines) - n, "%s=%s;", key, value);
}

static void turn(struct fixture *f)
{
	control_test_turn(&f->t);
}

static struct control_stream *asked(struct fixture *f)
{
	struct control_stream *s;
	char error[256] = "";

	assert_int_equal(control_open(&s, f->t.path, "work", 1000, error, sizeof(error)), 0);
	turn(f);
	assert_non_null(f->client);
	return s;
}

static int take(struct fixture *f, struct control_stream *s)
{
	char error[256] = "";
	int status = 1;

	turn(f);
	for (int i = 0; i < 10 && status == 1; i++)
		status = control_read(s, line, f, error, sizeof(error));
	return status;
}

static int sealed_file(const char *text, int seals)
{
	int fd = io_memfd("test", text, strlen(text));

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void parts_come_before_the_end(void **state)
{
	struct fixture *f = *state;
	struct control_stream *s = asked(f);

	control_value(f->client, "progress", "1");
	assert_int_equal(take(f, s), 1);
	assert_string_equal(f->lines, ""); /* not flushed */
	control_flush(f->client);
	assert_int_equal(take(f, s), 1);
	assert_string_equal(f->lines, "progress=1;");
	control_value(f->client, "progress", "2");
	control_flush(f->client);
	assert_int_equal(take(f, s), 1);
	control_value(f->client, "size", "3");
	control_end(f->client, 0, NULL);
	assert_int_equal(take(f, s), 0);
	assert_string_equal(f->lines, "progress=1;progress=2;size=3;");
	control_close(s);
}

static void an_error_after_parts_is_told(void **state)
{
	struct fixture *f = *state;
	struct control_stream *s = asked(f);

	control_value(f->client, "progress", "1");
	control_flush(f->client);
	assert_int_equal(take(f, s), 1);
	control_end(f->client, -ENODATA, "no sample");
	assert_int_equal(take(f, s), -ENODATA);
	control_close(s);
}

static void a_client_that_leaves_between_parts_is_told(void **state)
{
	struct fixture *f = *state;
	struct control_stream *s = asked(f);

	control_value(f->client, "progress", "1");
	control_flush(f->client);
	turn(f);
	control_close(s);
	turn(f);
	assert_int_equal(f->nr_gone, 1);
}

static void who_does_not_read_is_known(void **state)
{
	struct fixture *f = *state;
	struct control_stream *s = asked(f);
	size_t waiting = 0;

	for (int i = 0; i < 2000 && waiting < 4096; i++) {
		control_value(f->client, "progress", "%0500d", i);
		waiting = control_flush(f->client);
		loop_step(f->t.loop, 0);
	}
	assert_true(waiting >= 4096);
	control_close(s);
	turn(f);
	assert_int_equal(f->nr_gone, 1);
}

static void a_sealed_file_comes_with_the_answer(void **state)
{
	struct fixture *f = *state;
	struct control_stream *s = asked(f);
	char text[8] = "";
	int fd;

	control_give(f->client, sealed_file("abc", SEALS));
	control_end(f->client, 0, NULL);
	assert_int_equal(take(f, s), 0);
	fd = control_take_file(s, 3);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(io_pread(fd, text, sizeof(text), 0), 3);
	assert_string_equal(text, "abc");
	close(fd);
	assert_int_equal(control_take_file(s, 3), -ENOENT);
	control_close(s);
}

static void refused(struct fixture *f, int fd, uint64_t size)
{
	struct control_stream *s = asked(f);

	control_give(f->client, fd);
	control_end(f->client, 0, NULL);
	assert_int_equal(take(f, s), 0);
	assert_int_equal(control_take_file(s, size), -EBADMSG);
	control_close(s);
}

static void other_files_are_refused(void **state)
{
	struct fixture *f = *state;

	refused(f, sealed_file("abc", SEALS), 4);
	refused(f, sealed_file("abc", F_SEAL_SHRINK | F_SEAL_GROW), 3);
	refused(f, io_memfd("test", "abc", 3), 3);
	refused(f, open("/dev/null", O_RDONLY), 0);
	refused(f, open("/proc/self/exe", O_RDONLY), 3);
}

static void a_file_that_nobody_takes_is_closed(void **state)
{
	struct fixture *f = *state;
	int before = dup(0), after;
	struct control_stream *s;

	close(before);
	s = asked(f);
	control_give(f->client, sealed_file("abc", SEALS));
	control_give(f->client, sealed_file("abcd", SEALS)); /* in place of the first */
	control_end(f->client, 0, NULL);
	assert_int_equal(take(f, s), 0);
	control_close(s);
	s = asked(f);
	control_give(f->client, sealed_file("abc", SEALS));
	control_close(s); /* it was never sent */
	turn(f);
	assert_int_equal(f->nr_gone, 1);
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
		TEST(parts_come_before_the_end),
		TEST(an_error_after_parts_is_told),
		TEST(a_client_that_leaves_between_parts_is_told),
		TEST(who_does_not_read_is_known),
		TEST(a_sealed_file_comes_with_the_answer),
		TEST(other_files_are_refused),
		TEST(a_file_that_nobody_takes_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
