/* worker/: pages of unwind tables through a real worker process, and through ones that misbehave. */
#include "tests/unit/unit.h"
#include "tests/unit/worker_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/child.h"
#include "base/io.h"
#include "base/loop.h"
#include "worker/client.h"
#include "tests/elfgen.h"
#include "worker/worker.h"

#define ROLE "PPROFD_TEST_WORKER"
#define PAGES 8

struct fixture {
	struct loop *loop;
	struct worker_pages_client *client;
	struct worker_object object;
	uint64_t offsets[PAGES];
	struct worker_pages_job job;
	unsigned nr_pages, nr_bad, nr_failed, nr_jobs, nr_outcomes;
	unsigned nr_later, nr_wanted;
	uint32_t nr_rows;
	struct worker_want wanted;
	struct worker_pages_outcome last;
};

static void got_page(void *ctx, uint64_t cookie, uint64_t offset, int status,
		     const struct unwind_page *page)
{
	struct fixture *f = ctx;

	assert_int_equal(cookie, 42);
	assert_int_equal(offset, f->offsets[f->nr_pages++]);
	assert_int_equal(!status, !!page);
	f->nr_failed += status != 0;
	f->nr_later += status == -EAGAIN;
	f->nr_bad += page && !unwind_page_valid(page);
	f->nr_rows += page ? page->nr_rows : 0;
}

static void got_want(void *ctx, const struct worker_want *want)
{
	struct fixture *f = ctx;

	f->nr_wanted++;
	f->wanted = *want;
}

static void got_outcome(void *ctx, const struct worker_pages_outcome *o)
{
	struct fixture *f = ctx;

	f->nr_outcomes++;
	f->last = *o;
}

/* The page of this program's file that holds a function of it: before a sanitizer's programs' code
 * there are more pages than PAGES. */
static uint64_t code_page(void)
{
	extern const char __executable_start[];

	return (uint64_t)((const char *)(uintptr_t)got_page - __executable_start) & ~(UNWIND_PAGE_SIZE - 1);
}

static void setup(struct fixture *f, const char *role)
{
	struct stat st;

	memset(f, 0, sizeof(*f));
	setenv(ROLE, role, 1);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(worker_pages_client_new(&f->client, f->loop, got_page, got_outcome, f), 0);
	f->job = (struct worker_pages_job){ .cookie = 42, .object = &f->object, .nr = PAGES,
					    .offsets = f->offsets };
	for (unsigned i = 0; i < PAGES; i++)
		f->offsets[i] = code_page() + i * UNWIND_PAGE_SIZE;
	f->job.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(f->job.fd, &st), 0);
	f->object.id.dev = st.st_dev;
	f->object.id.inode = st.st_ino;
	f->object.id.size = (uint64_t)st.st_size;
}

static void teardown(struct fixture *f)
{
	worker_pages_client_free(f->client);
	loop_free(f->loop);
	if (f->job.fd >= 0)
		close(f->job.fd);
}

/* Starts a job; one that cannot start yet is tried again. */
static void start(struct fixture *f)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	f->nr_jobs++;
	f->nr_pages = f->nr_failed = f->nr_rows = f->nr_later = 0;
	while (!worker_pages_client_start(f->client, &f->job)) {
		assert_true(now_ms() < end);
		loop_step(f->loop, 1);
	}
	assert_true(worker_pages_client_busy(f->client));
	assert_false(worker_pages_client_start(f->client, &f->job)); /* one at a time */
}

static enum worker_result wait_outcome(struct fixture *f)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (f->nr_outcomes < f->nr_jobs && now_ms() < end)
		loop_step(f->loop, 10);
	assert_int_equal(f->nr_outcomes, f->nr_jobs);
	assert_int_equal(f->last.cookie, 42);
	assert_int_equal(f->last.nr_answered, f->nr_pages);
	assert_false(worker_pages_client_busy(f->client));
	return f->last.result;
}

static enum worker_result run(struct fixture *f)
{
	start(f);
	return wait_outcome(f);
}

/* The deadline passes when the worker has been at its object nine times as long as it took to come there. */
static enum worker_result run_late(struct fixture *f)
{
	uint64_t began;

	worker_pages_client_set_deadline(f->client, PATIENCE_MS);
	start(f);
	began = now_ms();
	worker_test_at_it(worker_pages_client_pid(f->client), f->loop);
	worker_pages_client_set_deadline(f->client, (unsigned)(200 + 9 * (now_ms() - began)));
	return wait_outcome(f);
}

static void pages_of_a_program(void **state)
{
	struct fixture f;

	setup(&f, "");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run(&f), WORKER_WRITTEN);
		assert_int_equal(f.nr_pages, PAGES);
		assert_int_equal(f.nr_failed, 0);
		assert_int_equal(f.nr_bad, 0);
		assert_true(f.nr_rows > 2 * PAGES);
	}
	assert_int_equal(worker_pages_client_nr_deaths(f.client), 0);
	teardown(&f);
}

static void pages_of_the_vdso(void **state)
{
	struct fixture f;

	setup(&f, "");
	close(f.job.fd);
	f.job.fd = -1;
	f.job.object = NULL;
	f.job.nr = 1;
	f.offsets[0] = 0;
	assert_int_equal(run(&f), WORKER_WRITTEN);
	assert_int_equal(f.nr_failed, 0);
	assert_true(f.nr_rows > 2);
	teardown(&f);
}

static void what_is_no_program_is_refused(void **state)
{
	struct fixture f;

	setup(&f, "");
	close(f.job.fd);
	f.job.fd = io_memfd("text", "not an ELF file", 15);
	assert_int_equal(run(&f), WORKER_WRITTEN);
	assert_int_equal(f.nr_failed, PAGES);
	teardown(&f);
}

static void another_build_id_is_another_file(void **state)
{
	struct fixture f;

	setup(&f, "");
	f.object.build_id_size = 20;
	memset(f.object.build_id, 0x5a, 20);
	assert_int_equal(run(&f), WORKER_WRITTEN);
	assert_int_equal(f.nr_failed, PAGES);
	teardown(&f);
}

/* One page of code at 0x401000, of which it says nothing; or its debug file, with .debug_frame of a
 * function of 256 bytes there that pushes a register. */
#define NR_UNDESCRIBED 3 /* before its text, its text from the entry on, behind it */

static int program(bool debug, char build_id)
{
	static const uint8_t cie[] = { 14, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1 };
	static const uint8_t fde[] = { 24, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x10, 0x40, 0, 0, 0, 0, 0,
				       0, 1, 0, 0, 0, 0, 0, 0, 0x41, 0x0e, 16, 0 };
	struct elfgen *g = calloc(1, sizeof(*g));
	int fd;

	g->build_id_size = 20;
	memset(g->build_id, build_id, 20);
	elfgen_make(g);
	if (debug) { /* in place of its symbols, over its code */
		memcpy(g->bytes + 0x1100, cie, sizeof(cie));
		memcpy(g->bytes + 0x1100 + sizeof(cie), fde, sizeof(fde));
		g->p = g->bytes + elfgen_shdr_at(g, ELFGEN_SYMTAB);
		elfgen_shdr(g, ELFGEN_DEBUG_FRAME, SHT_PROGBITS, 0, 0, 0x1100, sizeof(cie) + sizeof(fde), 0, 0);
	}
	fd = io_memfd("program", g->bytes, g->size);
	free(g);
	return fd;
}

static void program_setup(struct fixture *f)
{
	setup(f, "");
	close(f->job.fd);
	f->job.fd = program(false, 'a');
	f->job.nr = 1;
	f->offsets[0] = 0;
}

static void a_debug_file_is_wanted_and_says_more(void **state)
{
	struct fixture f;

	program_setup(&f);
	worker_pages_client_set_want(f.client, got_want);
	assert_int_equal(run(&f), WORKER_WRITTEN);
	assert_int_equal(f.nr_wanted, 1);
	assert_int_equal(f.nr_later, 1);
	assert_int_equal(f.wanted.names.build_id_size, 20);
	assert_int_equal(f.wanted.names.build_id[19], 'a');
	f.job.debug_fd = program(true, 'a');
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(&f), WORKER_WRITTEN);
		assert_int_equal(f.nr_failed, 0);
		assert_int_equal(f.nr_rows, 4); /* none, two of the function, none */
		if (!i)
			close(f.job.debug_fd);
		f.job.debug_fd = 0; /* it has been kept */
	}
	assert_int_equal(f.nr_wanted, 1);
	teardown(&f);
}

static void without_a_debug_file_it_is_done_without(void **state)
{
	struct fixture f;

	program_setup(&f);
	assert_int_equal(run(&f), WORKER_WRITTEN); /* nobody would look for one */
	assert_int_equal(f.nr_failed, 0);
	assert_int_equal(f.nr_rows, NR_UNDESCRIBED);
	worker_pages_client_set_want(f.client, got_want);
	f.job.no_files = true;
	assert_int_equal(run(&f), WORKER_WRITTEN);
	assert_int_equal(f.nr_failed + f.nr_wanted, 0);
	assert_int_equal(f.nr_rows, NR_UNDESCRIBED);
	/* Whoever says all of it wants none. */
	f.job.no_files = false;
	close(f.job.fd);
	f.job.fd = program(true, 'b');
	f.object.id.inode++;
	assert_int_equal(run(&f), WORKER_WRITTEN);
	assert_int_equal(f.nr_later, 1); /* a function of 256 bytes is not all of 4 KiB */
	teardown(&f);
}

static void instead_of_another_programs_debug_file_the_next_is_wanted(void **state)
{
	struct fixture f;
	int others[] = { program(true, 'b'), io_memfd("text", "not an ELF file", 15) };
	int right = program(true, 'a');
	struct stat st;

	for (unsigned i = 0; i < 2; i++) {
		program_setup(&f);
		worker_pages_client_set_want(f.client, got_want);
		f.job.debug_fd = others[i];
		assert_int_equal(fstat(others[i], &st), 0);
		assert_int_equal(run(&f), WORKER_WRITTEN);
		assert_int_equal(f.nr_later, 1);
		assert_int_equal(f.nr_wanted, 1);
		assert_int_equal(f.wanted.refused.inode, st.st_ino);
		assert_int_equal(f.wanted.refused.dev, st.st_dev);
		close(others[i]);
		f.job.debug_fd = right;
		assert_int_equal(run(&f), WORKER_WRITTEN);
		assert_int_equal(f.nr_failed, 0);
		assert_int_equal(f.nr_rows, 4);
		assert_int_equal(f.nr_wanted, 1);
		teardown(&f);
	}
	close(right);
}

static void deaths_cost_one_outcome(void **state)
{
	struct fixture f;
	unsigned nr_late = 0;

	setup(&f, "die");
	assert_int_equal(run(&f), WORKER_DIED);
	assert_false(f.last.parsing);
	setenv(ROLE, "parse and die", 1);
	assert_int_equal(run(&f), WORKER_DIED);
	assert_true(f.last.parsing);
	setenv(ROLE, "parse and sleep", 1);
	assert_int_equal(run_late(&f), WORKER_LATE);
	assert_true(f.last.parsing);
	assert_false(f.last.cpu_bound); /* a slow disk is nobody's fault */
	setenv(ROLE, "parse and spin", 1);
	do { /* what a hypervisor takes it has not run */
		assert_int_equal(run_late(&f), WORKER_LATE);
		nr_late++;
	} while (!f.last.cpu_bound && nr_late < 20);
	assert_true(f.last.cpu_bound);
	worker_pages_client_set_deadline(f.client, WORKER_PAGES_DEADLINE_MS);
	setenv(ROLE, "", 1);
	assert_int_equal(run(&f), WORKER_WRITTEN);
	assert_int_equal(worker_pages_client_nr_deaths(f.client), 3 + nr_late);
	teardown(&f);
}

static void liars_are_ended(void **state)
{
	static const char *const roles[] = { "lie offset", "lie cookie", "lie size", "lie status",
					     "lie rows", "want" };
	struct fixture f;

	for (unsigned i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		setup(&f, roles[i]);
		assert_int_equal(run(&f), WORKER_DIED);
		assert_int_equal(f.nr_pages, 0);
		teardown(&f);
	}
}

/* --- Workers that misbehave --- */

static void say_parsing(const struct worker_pages *q)
{
	struct worker_parsing p = { .type = WORKER_PARSING, .cookie = q->cookie };

	channel_send(CHILD_CHANNEL_FD, &p, sizeof(p), NULL, 0);
}

static void lie(const struct worker_pages *q, const char *how)
{
	struct worker_page p = { .type = WORKER_PAGE, .cookie = q->cookie, .offset = q->offsets[0],
				 .nr_rules = 1, .nr_rows = 1 };
	size_t size = worker_page_size(&p);

	if (!strcmp(how, "offset"))
		p.offset += UNWIND_PAGE_SIZE;
	else if (!strcmp(how, "cookie"))
		p.cookie++;
	else if (!strcmp(how, "size"))
		size -= 4;
	else if (!strcmp(how, "status"))
		p.status = 1;
	else
		p.nr_rows = UINT32_MAX;
	channel_send(CHILD_CHANNEL_FD, &p, size, NULL, 0);
	channel_wait(CHILD_CHANNEL_FD, POLLIN, -1);
}

static int fake_worker(const char *role)
{
	struct worker_pages q;
	unsigned nr_fds = 1;
	volatile unsigned long n = 0;
	int fd;

	child_init(true);
	channel_wait(CHILD_CHANNEL_FD, POLLIN, -1);
	if (channel_recv(CHILD_CHANNEL_FD, &q, sizeof(q), &fd, &nr_fds) <= 0 || !strcmp(role, "die"))
		return 1;
	if (!strcmp(role, "want")) { /* what it was told is not to be had */
		struct worker_want want = { .type = WORKER_WANT, .cookie = q.cookie, .file = WORKER_DEBUG_FILE,
					    .names = { .link = "x.debug" } };

		channel_send(CHILD_CHANNEL_FD, &want, sizeof(want), NULL, 0);
		channel_wait(CHILD_CHANNEL_FD, POLLIN, -1);
		return 0;
	}
	if (!strncmp(role, "lie ", 4)) {
		lie(&q, role + 4);
		return 0;
	}
	say_parsing(&q);
	worker_test_say_at_it();
	if (!strcmp(role, "parse and die"))
		abort();
	while (!strcmp(role, "parse and spin"))
		n++;
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	const char *role = getenv(ROLE);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_of_a_program),
		cmocka_unit_test(pages_of_the_vdso),
		cmocka_unit_test(what_is_no_program_is_refused),
		cmocka_unit_test(another_build_id_is_another_file),
		cmocka_unit_test(a_debug_file_is_wanted_and_says_more),
		cmocka_unit_test(without_a_debug_file_it_is_done_without),
		cmocka_unit_test(instead_of_another_programs_debug_file_the_next_is_wanted),
		cmocka_unit_test(deaths_cost_one_outcome),
		cmocka_unit_test(liars_are_ended),
	};

	if (argc > 1 && !strcmp(argv[1], "--worker"))
		return role && *role ? fake_worker(role) : worker_main();
	return cmocka_run_group_tests_name("worker_pages", tests, NULL, NULL);
}
