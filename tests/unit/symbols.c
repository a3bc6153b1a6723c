/* daemon/symbols, worker/symbols: what is told of objects that gave names, and of those that did not. */
#include "tests/unit/control_test.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/symbols.h"
#include "worker/symbols.h"

/* --- the worker's messages --- */

static void only_what_was_asked_is_told(void **state)
{
	struct symbolize_object_stats stats[3 + SYMBOLIZE_NR_OTHERS] = {
		[0] = { .nr[LEVEL_DYNSYM] = 5, .nr[LEVEL_BOUNDS] = 2, .build_id = { 1 }, .build_id_size = 20, .lines = 1 },
		[2] = { .nr[0] = 7, .status = -ESTALE },
		[3] = { .nr[LEVEL_SYMBOL] = 9 }, /* the vDSO */
		[4] = { .nr[LEVEL_KERNEL] = 11, .nr[0] = 1 },
	};
	struct worker_window w = { .cookie = 8, .nr_objects = 3 };
	struct worker_symbols s = { .type = WORKER_SYMBOLS, .cookie = 8 };
	uint32_t at = 0;

	assert_true(symbols_next(stats, 3, &at, &s));
	assert_true(worker_symbols_valid(&s, worker_symbols_size(&s), &w, 0, 0));
	assert_int_equal(s.nr, 3);
	assert_int_equal(s.objects[0].object, 0);
	assert_int_equal(s.objects[0].nr[WORKER_LEVEL_DYNSYM], 5);
	assert_int_equal(s.objects[0].nr[WORKER_LEVEL_BOUNDS], 2);
	assert_int_equal(s.objects[0].lines, 1);
	assert_int_equal(s.objects[1].object, 2);
	assert_int_equal(s.objects[1].nr[WORKER_LEVEL_NONE], 7);
	assert_int_equal(s.objects[1].status, -ESTALE);
	assert_int_equal(s.objects[2].object, WORKER_PARSING_KALLSYMS);
	assert_int_equal(s.objects[2].nr[WORKER_LEVEL_KALLSYMS], 11);
	assert_false(symbols_next(stats, 3, &at, &s));
}

static void many_objects_take_many_messages(void **state)
{
	enum { NR = 3 * WORKER_SYMBOLS_PER_MESSAGE };
	struct symbolize_object_stats *stats = xcalloc(NR + SYMBOLIZE_NR_OTHERS, sizeof(*stats));
	struct worker_window w = { .nr_objects = NR };
	struct worker_symbols s = { .type = WORKER_SYMBOLS };
	uint32_t at = 0, nr = 0, last = 0;

	for (uint32_t i = 0; i < NR; i++)
		stats[i].nr[LEVEL_GO] = i + 1;
	while (symbols_next(stats, NR, &at, &s)) {
		assert_true(worker_symbols_valid(&s, worker_symbols_size(&s), &w, nr, last));
		assert_int_equal(s.objects[0].nr[WORKER_LEVEL_GO], nr + 1);
		nr += s.nr;
		last = s.objects[s.nr - 1].object;
	}
	assert_int_equal(nr, NR);
	free(stats);
}

static void nonsense_is_refused(void **state)
{
	struct worker_window w = { .cookie = 8, .nr_objects = 3 };
	const struct worker_symbols good = { .type = WORKER_SYMBOLS, .cookie = 8, .nr = 2, .objects = { [1].object = 1 } };
	struct worker_symbols s;

#define REFUSED(change)                                                                            \
	do {                                                                                       \
		s = good;                                                                          \
		assert_true(worker_symbols_valid(&s, worker_symbols_size(&s), &w, 0, 0));          \
		change;                                                                            \
		assert_false(worker_symbols_valid(&s, worker_symbols_size(&s), &w, 0, 0));         \
	} while (0)
	REFUSED(s.type = WORKER_DONE);
	REFUSED(s.cookie = 9);
	REFUSED(s.nr = 0);
	REFUSED(s.objects[1].object = 3);
	REFUSED(s.objects[1].object = 0); /* twice */
	REFUSED(s.objects[1].status = 1);
	REFUSED(s.objects[1].status = -5000);
	REFUSED(s.objects[0].lines = 2);
	REFUSED(s.objects[0].build_id_size = 21);
	s = good;
	assert_false(worker_symbols_valid(&s, worker_symbols_size(&s) - 1, &w, 0, 0));
	assert_false(worker_symbols_valid(&s, 8, &w, 0, 0));
	assert_false(worker_symbols_valid(&s, worker_symbols_size(&s), &w, 2, 1)); /* before the last */
	s.objects[0].object = 1;
	s.objects[1].object = 2;
	assert_true(worker_symbols_valid(&s, worker_symbols_size(&s), &w, WORKER_SYMBOLS_MAX - 2, 0));
	assert_false(worker_symbols_valid(&s, worker_symbols_size(&s), &w, WORKER_SYMBOLS_MAX - 1, 0));
}

static void a_message_has_so_many(void **state)
{
	struct worker_window w = { .nr_objects = WORKER_SYMBOLS_PER_MESSAGE + 1 };
	struct worker_symbols *s = xcalloc(2, sizeof(*s));

	s->type = WORKER_SYMBOLS;
	for (uint32_t i = 0; i <= WORKER_SYMBOLS_PER_MESSAGE; i++)
		memcpy((char *)s->objects + i * sizeof(s->objects[0]), &(struct worker_object_symbols){ .object = i },
		       sizeof(s->objects[0]));
	s->nr = WORKER_SYMBOLS_PER_MESSAGE;
	assert_true(worker_symbols_valid(s, worker_symbols_size(s), &w, 0, 0));
	s->nr++;
	assert_false(worker_symbols_valid(s, worker_symbols_size(s), &w, 0, 0));
	free(s);
}

/* --- what the daemon keeps --- */

static void answer(void *ctx, struct control_client *c, int argc, char **argv)
{
	symbols_status(ctx, c);
	control_end(c, 0, NULL);
}

static void ask(struct symbols *s, char *out, size_t size)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct control_test t;
	size_t n = 0;
	ssize_t got;
	int fd;

	control_test_open(&t, answer, NULL, s);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(addr.sun_path, t.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(write(fd, "symbols\n", 8), 8);
	shutdown(fd, SHUT_WR);
	do {
		control_test_turn(&t);
		got = recv(fd, out + n, size - 1 - n, MSG_DONTWAIT);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EAGAIN));
	out[n] = 0;
	close(fd);
	control_test_close(&t);
}

static void files_of_a_window_add_up(void **state)
{
	static char out[1 << 20];
	struct symbols *s = symbols_new();
	struct worker_object_symbols o = { .nr[WORKER_LEVEL_SYMTAB] = 3, .nr[WORKER_LEVEL_BOUNDS] = 1,
					   .build_id = { 0xab, 0xcd }, .build_id_size = 2 };

	symbols_note(s, 60, 7, "/bin/a", &o);
	symbols_note(s, 120, 7, "/bin/a", &o);
	symbols_note(s, 120, 7, "/bin/a", &o);
	o = (struct worker_object_symbols){ .nr[WORKER_LEVEL_NONE] = 100, .status = -ESTALE, .lines = -ENODATA };
	symbols_note(s, 60, 8, "/bin/old", &o);
	symbols_note(s, 120, 9, "/bin/new", &o);
	ask(s, out, sizeof(out));
	assert_non_null(strstr(out, "window=120\naddresses=108\nnone=100\ngopclntab=0\nsymtab=6\n"));
	assert_non_null(strstr(out, "object.1=/bin/new\nobject.1.window=120\nobject.1.addresses=100\nobject.1.none=100\n"
				    "object.1.failed=the file has another build id than what was mapped\n"
				    "object.1.lines=no debugging information\n"));
	assert_non_null(strstr(out, "object.2=/bin/a\nobject.2.build_id=abcd\nobject.2.window=120\nobject.2.addresses=8\n"
				    "object.2.symtab=6\nobject.2.bounds=2\nobject.3=/bin/old\nobject.3.window=60\n"));
	symbols_free(s);
}

static void the_longest_unasked_goes(void **state)
{
	static char out[1 << 20];
	struct symbols *s = symbols_new();
	struct worker_object_symbols o = { .nr[WORKER_LEVEL_JIT] = 1 };
	char path[300];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	for (uint32_t i = 0; i < SYMBOLS_OBJECTS_MAX; i++)
		symbols_note(s, 60 + (i != 5), i, i == 5 ? "/bin/oldest" : path, &o);
	ask(s, out, sizeof(out));
	assert_non_null(strstr(out, "=/bin/oldest\n"));
	symbols_note(s, 120, SYMBOLS_KERNEL, "[kernel.kallsyms]", &o);
	ask(s, out, sizeof(out));
	assert_null(strstr(out, "=/bin/oldest\n"));
	assert_non_null(strstr(out, "object.1=[kernel.kallsyms]\n"));
	assert_non_null(strstr(out, "object.512=xxx")); /* a path's end is what tells it */
	assert_null(strstr(out, "object.513"));
	symbols_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_asked_is_told),
		cmocka_unit_test(many_objects_take_many_messages),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(a_message_has_so_many),
		cmocka_unit_test(files_of_a_window_add_up),
		cmocka_unit_test(the_longest_unasked_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
