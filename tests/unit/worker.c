/* worker/: windows through a real worker process, and through processes that misbehave in the ways
 * a worker may when a hostile file has taken it over. */
#include "tests/unit/unit.h"
#include "tests/unit/worker_test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/channel.h"
#include "base/child.h"
#include "base/gzip.h"
#include "base/io.h"
#include "base/loop.h"
#include "object/elf.h"
#include "profile/decode.h"
#include "profile/encode.h"
#include "worker/client.h"
#include "worker/window.h"
#include "worker/worker.h"

/* How the next process with the role --worker is to behave; it inherits the environment. */
#define ROLE "PPROFD_TEST_WORKER"

struct outcomes {
	unsigned nr;
	struct worker_outcome last;
	unsigned nr_symbols;
	struct worker_object_symbols symbols; /* the last */
};

static void got_symbols(void *ctx, uint64_t cookie, const struct worker_object_symbols *s)
{
	struct outcomes *all = ctx;

	assert_int_equal(cookie, 42);
	all->symbols = *s;
	all->nr_symbols++;
}

static void got_outcome(void *ctx, const struct worker_outcome *o)
{
	struct outcomes *all = ctx;

	all->nr++;
	all->last = *o;
}

struct fixture {
	struct loop *loop;
	struct worker_client *client;
	struct outcomes all;
	unsigned nr_jobs;
	struct worker_job job;
	struct buf window;
};

/* A window of one mapping, our own program's, one location in it (this function) and one sample. */
static void window_init(struct fixture *f)
{
	struct profile *p = profile_new();
	struct profile_mapping m = { 0 };
	uint32_t location, table = 1;
	int64_t value = 3;
	unsigned long long start, limit, offset;
	char line[4400];
	FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t here = (uintptr_t)window_init;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%llx-%llx %*s %llx", &start, &limit, &offset) == 3 &&
		    here >= start && here < limit)
			m = (struct profile_mapping){
				.start = start, .limit = limit, .offset = offset,
			};
	fclose(maps);
	assert_true(m.limit > 0);
	profile_add_type(p, "samples", "count");
	m.filename = profile_string(p, "/usr/bin/worker-test");
	m.object = 1;
	location = profile_location(p, profile_mapping(p, &m), here + 1);
	profile_add(p, profile_stack(p, &location, 1), profile_label_set(p, NULL, 0), &value);
	profile_encode(p, &f->window);
	profile_free(p);
	f->job.profile_size = f->window.size;
	buf_add(&f->window, &table, sizeof(table));
	f->job.nr_mappings = 1;
}

static void setup(struct fixture *f, const char *role)
{
	memset(f, 0, sizeof(*f));
	setenv(ROLE, role, 1);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(worker_client_new(&f->client, f->loop, got_outcome, &f->all), 0);
	worker_client_set_symbols(f->client, got_symbols);
	window_init(f);
	f->job.cookie = 42;
	f->job.profile_fd = io_memfd("window", f->window.data, f->window.size);
	f->job.output_fd = io_memfd_new("output");
	f->job.kallsyms_fd = -1;
	f->job.compress_level = 6;
	f->job.cache_size = 1 << 20;
	assert_true(f->job.profile_fd >= 0 && f->job.output_fd >= 0);
}

static void teardown(struct fixture *f)
{
	worker_client_free(f->client);
	loop_free(f->loop);
	buf_fini(&f->window);
	close(f->job.profile_fd);
	close(f->job.output_fd);
}

/* Starts the job, waiting for the end of a back-off. */
static void start(struct fixture *f)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (!worker_client_start(f->client, &f->job)) {
		assert_false(worker_client_busy(f->client));
		assert_true(now_ms() < end);
		loop_step(f->loop, 1);
	}
	assert_true(worker_client_busy(f->client));
	f->nr_jobs++;
}

/* The outcome of the job started last, which may have come already, and that there is no second one. */
static enum worker_result wait_outcome(struct fixture *f)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (f->all.nr < f->nr_jobs && now_ms() < end)
		assert_int_equal(loop_step(f->loop, 10), 0);
	assert_int_equal(f->all.nr, f->nr_jobs);
	assert_false(worker_client_busy(f->client));
	assert_int_equal(f->all.last.cookie, 42);
	for (int i = 0; i < 3; i++)
		loop_step(f->loop, 1);
	assert_int_equal(f->all.nr, f->nr_jobs);
	return f->all.last.result;
}

static struct profile *read_output(const struct fixture *f)
{
	struct profile *p;
	char error[128];

	assert_true(lseek(f->job.output_fd, 0, SEEK_SET) == 0);
	assert_int_equal(profile_read(f->job.output_fd, &p, error, sizeof(error)), 0);
	return p;
}

static void window_is_written(void **state)
{
	struct fixture f;
	struct profile *p;
	struct stat st;

	setup(&f, "");
	f.job.sync = true;
	assert_int_equal(ftruncate(f.job.output_fd, 100000), 0); /* nothing of it is kept */
	for (int i = 0; i < 3; i++) {
		start(&f);
		assert_false(worker_client_start(f.client, &f.job)); /* one at a time */
		assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
		assert_int_equal(f.all.last.parsing, WORKER_PARSING_NONE);
		assert_int_equal(fstat(f.job.output_fd, &st), 0);
		assert_int_equal(f.all.last.done.written, st.st_size);
		assert_true(f.all.last.done.cpu_ns > 0);
		p = read_output(&f);
		assert_int_equal(p->nr_samples, 1);
		assert_int_equal(p->values[0], 3);
		profile_free(p);
	}
	assert_int_equal(worker_client_nr_deaths(f.client), 0);
	teardown(&f);
}

static void locations_get_names(void **state)
{
	struct worker_object object = { 0 };
	struct fixture f;
	struct profile *p;
	struct stat st;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fstat(fd, &st), 0);
	setup(&f, "");
	object.id.dev = st.st_dev;
	object.id.inode = st.st_ino;
	object.id.size = (uint64_t)st.st_size;
	f.job.symbolize = WORKER_NAMES;
	f.job.nr_objects = 1;
	f.job.objects = &object;
	f.job.object_fds = &fd;
	for (int i = 0; i < 2; i++) {
		start(&f);
		assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
		assert_int_equal(f.all.last.done.nr_named, 1);
		assert_int_equal(f.all.last.done.nr_objects, 1);
		/* The cache lives as long as the worker. */
		assert_int_equal(f.all.last.done.nr_cached, i);
		/* Whatever the program was linked with. */
		assert_int_equal(f.all.nr_symbols, i + 1u);
		assert_int_equal(f.all.symbols.object, 0);
		assert_int_equal(f.all.symbols.nr[WORKER_LEVEL_SYMTAB], 1);
		assert_int_equal(f.all.symbols.status, 0);
		p = read_output(&f);
		assert_int_equal(p->locations[0].nr_lines, 1);
		assert_string_equal(profile_str(p, p->functions[p->lines[0].function].name),
				    "window_init");
		profile_free(p);
	}
	object.quarantined = 1;
	object.id.inode++;
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	assert_int_equal(f.all.last.done.nr_named, 0);
	assert_int_equal(f.all.symbols.status, -ECANCELED);
	assert_int_equal(f.all.symbols.nr[WORKER_LEVEL_NONE], 1);
	close(fd);
	teardown(&f);
}

/* For who names a profile later, elsewhere. */
static void build_ids_alone(void **state)
{
	struct worker_object object = { 0 };
	uint8_t id[ELF_BUILD_ID_MAX];
	char want[2 * ELF_BUILD_ID_MAX + 1];
	struct fixture f;
	struct profile *p;
	struct elf *e;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(elf_open(&e, fd), 0);
	elf_build_id_hex(id, elf_build_id(e, id), want);
	elf_close(e);
	setup(&f, "");
	f.job.symbolize = WORKER_BUILD_IDS;
	f.job.nr_objects = 1;
	f.job.objects = &object;
	f.job.object_fds = &fd;
	for (unsigned quarantined = 0; quarantined < 2; quarantined++) {
		object.quarantined = (uint8_t)quarantined;
		start(&f);
		assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
		p = read_output(&f);
		assert_int_equal(p->locations[0].nr_lines, 0);
		assert_string_equal(profile_str(p, p->mappings[0].build_id), quarantined ? "" : want);
		profile_free(p);
	}
	close(fd);
	teardown(&f);
}

static void restricted_kallsyms_cost_only_names(void **state)
{
	static const char text[] = "0000000000000000 T _text\n0000000000000000 T start_kernel\n";
	struct fixture f;

	setup(&f, "");
	f.job.symbolize = WORKER_NAMES;
	f.job.kallsyms_fd = io_memfd("kallsyms", text, sizeof(text) - 1);
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	assert_int_equal(f.all.last.done.kallsyms_status, -EACCES);
	close(f.job.kallsyms_fd);
	teardown(&f);
}

static void nonsense_is_refused(void **state)
{
	char garbage[12];
	struct fixture f;
	pid_t pid;

	setup(&f, "");
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	pid = worker_client_pid(f.client);
	f.job.nr_mappings = 2; /* the table is too short */
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_REFUSED);
	assert_int_equal(f.all.last.done.status, -EBADMSG);
	f.job.nr_mappings = 0; /* another number than the profile's */
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_REFUSED);
	f.job.nr_mappings = 1;
	memset(garbage, 0xff, sizeof(garbage));
	assert_int_equal(pwrite(f.job.profile_fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_REFUSED);
	assert_int_equal(f.all.last.done.status, -EBADMSG);
	assert_int_equal(worker_client_pid(f.client), pid);
	/* What breaks the protocol itself ends the worker. */
	f.job.compress_level = 0;
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_DIED);
	assert_int_equal(worker_client_nr_deaths(f.client), 1);
	teardown(&f);
}

static void unwritable_files_are_refused(void **state)
{
	struct fixture f;
	int output;

	setup(&f, "");
	output = f.job.output_fd;
	f.job.output_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_REFUSED);
	assert_true(f.all.last.done.status < 0);
	close(f.job.output_fd);
	f.job.output_fd = output;
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	teardown(&f);
}

/* NR objects, all of them this program: more messages than a channel holds. */
static void many_objects(struct fixture *f, uint32_t nr, struct worker_object **objects, int **fds)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	*objects = calloc(nr, sizeof(**objects));
	*fds = calloc(nr, sizeof(**fds));
	for (uint32_t i = 0; i < nr; i++) {
		(*objects)[i].id.inode = i;
		(*objects)[i].quarantined = 1;
		(*fds)[i] = fd;
	}
	f->job.nr_objects = nr;
	f->job.objects = *objects;
	f->job.object_fds = *fds;
}

static unsigned nr_open(pid_t pid)
{
	char command[64];
	unsigned nr = 0;
	FILE *f;

	snprintf(command, sizeof(command), "ls /proc/%d/fd 2>&- | wc -l", pid);
	f = popen(command, "re");
	assert_int_equal(fscanf(f, "%u", &nr), 1);
	pclose(f);
	return nr;
}

static void objects_arrive_and_are_closed(void **state)
{
	struct worker_object *objects;
	struct fixture f;
	int *fds;

	setup(&f, "late reader"); /* the channel is full before it is read */
	many_objects(&f, 6000, &objects, &fds);
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_DIED);
	assert_int_equal(f.all.last.parsing, 5999); /* all had come */
	setenv(ROLE, "", 1);
	f.job.nr_objects = 900; /* of the usual 1024 */
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	assert_in_range(nr_open(worker_client_pid(f.client)), 0, 10); /* 0: we may not look */
	close(fds[0]);
	free(objects);
	free(fds);
	teardown(&f);
}

static void kills_at_any_moment_cost_one_outcome(void **state)
{
	struct worker_object *objects;
	struct fixture f;
	unsigned nr_died = 0;
	int *fds;

	setup(&f, "");
	many_objects(&f, 500, &objects, &fds);
	srandom(1);
	for (int i = 0; i < 25; i++) {
		long range = i % 2 ? 300000 : 6000000;
		struct timespec moment = { .tv_nsec = i % 5 ? random() % range : 0 };
		enum worker_result result;

		start(&f);
		if (i % 2)
			loop_step(f.loop, 0);
		nanosleep(&moment, NULL);
		assert_true(worker_client_pid(f.client) > 0);
		kill(worker_client_pid(f.client), SIGKILL);
		result = wait_outcome(&f); /* of its channel, not of the deadline: that were LATE */
		assert_true(result == WORKER_DIED || result == WORKER_WRITTEN);
		if (result == WORKER_DIED)
			assert_int_equal(f.all.last.parsing, WORKER_PARSING_NONE);
		nr_died += result == WORKER_DIED;
		/* A good one in between, so that the back-off stays short. */
		start(&f);
		result = wait_outcome(&f);
		if (result == WORKER_DIED) { /* the kill came after the answer */
			start(&f);
			result = wait_outcome(&f);
		}
		assert_int_equal(result, WORKER_WRITTEN);
	}
	assert_true(nr_died > 0);
	assert_int_equal(worker_client_nr_deaths(f.client), 25);
	close(fds[0]);
	free(objects);
	free(fds);
	teardown(&f);
}

/* The deadline passes when the worker has been at its object nine times as long as it took to come there. */
static void start_and_be_late(struct fixture *f)
{
	uint64_t began;

	worker_client_set_deadline(f->client, PATIENCE_MS);
	start(f);
	began = now_ms();
	worker_test_at_it(worker_client_pid(f->client), f->loop);
	worker_client_set_deadline(f->client, (unsigned)(200 + 9 * (now_ms() - began)));
}

static void an_object_is_to_blame_when_it_was_being_parsed(void **state)
{
	struct worker_object *objects;
	struct fixture f;
	int *fds;
	unsigned nr_late = 0;

	setup(&f, "parse and die");
	many_objects(&f, 5, &objects, &fds);
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_DIED);
	assert_int_equal(f.all.last.parsing, 4);
	assert_int_equal(f.all.last.nr_objects, 5);
	setenv(ROLE, "parse and spin", 1);
	do { /* what a hypervisor takes it has not run */
		start_and_be_late(&f);
		assert_int_equal(wait_outcome(&f), WORKER_LATE);
		assert_int_equal(f.all.last.parsing, 4);
	} while (!f.all.last.cpu_bound && ++nr_late < 20);
	assert_true(f.all.last.cpu_bound);
	setenv(ROLE, "parse and sleep", 1);
	start_and_be_late(&f);
	assert_int_equal(wait_outcome(&f), WORKER_LATE);
	assert_int_equal(f.all.last.parsing, 4);
	assert_false(f.all.last.cpu_bound);
	close(fds[0]);
	free(objects);
	free(fds);
	teardown(&f);
}

static void a_stopped_worker_is_replaced(void **state)
{
	struct fixture f;

	setup(&f, "");
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	kill(worker_client_pid(f.client), SIGSTOP);
	worker_test_state(worker_client_pid(f.client), 'T', f.loop);
	worker_client_set_deadline(f.client, 200);
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_LATE);
	assert_false(f.all.last.cpu_bound);
	assert_int_equal(worker_client_pid(f.client), 0);
	worker_client_set_deadline(f.client, WORKER_DEADLINE_MS);
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	teardown(&f);
}

static void lying_workers_are_ended(void **state)
{
	static const char *const lies[] = {
		"lie: size", "lie: cookie", "lie: object", "lie: status", "lie: early", "lie: fds",
		"lie: symbols",
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct fixture f;

		setup(&f, lies[i]);
		start(&f);
		assert_int_equal(wait_outcome(&f), WORKER_DIED);
		assert_int_equal(worker_client_nr_deaths(f.client), 1);
		setenv(ROLE, "", 1);
		start(&f);
		assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
		teardown(&f);
	}
}

static void deaths_are_answered_more_and_more_slowly(void **state)
{
	uint64_t begin = now_ms();
	struct fixture f;

	setup(&f, "die");
	for (int i = 0; i < 6; i++) {
		start(&f);
		assert_int_equal(wait_outcome(&f), WORKER_DIED);
	}
	assert_true(now_ms() - begin >= 10 + 20 + 40 + 80 + 160);
	teardown(&f);
}

static void worker_has_no_rights(void **state)
{
	char path[64], line[128];
	struct fixture f;
	unsigned nr = 0;
	FILE *status;
	pid_t pid;

	setup(&f, "");
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	pid = worker_client_pid(f.client);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	assert_non_null(status);
	while (fgets(line, sizeof(line), status)) {
		uint64_t caps;

		if (sscanf(line, "CapPrm: %" SCNx64, &caps) == 1 ||
		    sscanf(line, "CapEff: %" SCNx64, &caps) == 1 ||
		    sscanf(line, "CapInh: %" SCNx64, &caps) == 1) {
			assert_int_equal(caps, 0);
			nr++;
		}
		if (!strncmp(line, "NoNewPrivs:", 11)) {
			assert_int_equal(atoi(line + 11), 1);
			nr++;
		}
	}
	fclose(status);
	assert_int_equal(nr, 4);
	/* It outlives the signals that end the daemon, and ends with its channel. */
	kill(pid, SIGTERM);
	kill(pid, SIGINT);
	start(&f);
	assert_int_equal(wait_outcome(&f), WORKER_WRITTEN);
	assert_int_equal(worker_client_pid(f.client), pid);
	teardown(&f);
}

static void worker_ends_with_its_channel(void **state)
{
	int pair[2], status;
	pid_t pid;

	setenv(ROLE, "", 1);
	assert_int_equal(channel_pair(pair), 0);
	pid = child_start("--worker", pair[1], 0);
	assert_true(pid > 0);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
}

/* Receives a whole request; the last object's index, and the cookie. */
static uint32_t fake_receive(uint64_t *cookie)
{
	static struct worker_objects o;
	struct worker_window w;
	int fds[WORKER_OBJECTS_PER_MESSAGE];
	unsigned nr = 3;
	uint32_t sum = 0;

	channel_wait(CHILD_CHANNEL_FD, POLLIN, -1);
	if (channel_recv(CHILD_CHANNEL_FD, &w, sizeof(w), fds, &nr) <= 0)
		_exit(1);
	*cookie = w.cookie;
	while (sum < w.nr_objects) {
		nr = WORKER_OBJECTS_PER_MESSAGE;
		channel_wait(CHILD_CHANNEL_FD, POLLIN, -1);
		if (channel_recv(CHILD_CHANNEL_FD, &o, sizeof(o), fds, &nr) <= 0 || nr != o.nr)
			_exit(1);
		sum += nr;
		while (nr)
			close(fds[--nr]);
	}
	return sum - 1;
}

static void fake_lie(const char *lie, uint64_t cookie)
{
	struct worker_done d = { .type = WORKER_DONE, .cookie = cookie };
	struct worker_parsing p = { .type = WORKER_PARSING, .cookie = cookie };
	struct worker_symbols s = { .type = WORKER_SYMBOLS, .cookie = cookie, .nr = 1 };
	int fd = STDERR_FILENO;

	if (!strcmp(lie, "lie: size"))
		channel_send(CHILD_CHANNEL_FD, &d, sizeof(d) - 8, NULL, 0);
	else if (!strcmp(lie, "lie: object"))
		channel_send(CHILD_CHANNEL_FD, &p, sizeof(p), NULL, 0); /* there are no objects */
	else if (!strcmp(lie, "lie: symbols"))
		channel_send(CHILD_CHANNEL_FD, &s, worker_symbols_size(&s), NULL, 0); /* likewise */
	else if (!strcmp(lie, "lie: fds"))
		channel_send(CHILD_CHANNEL_FD, &d, sizeof(d), &fd, 1);
	d.cookie += !strcmp(lie, "lie: cookie");
	d.status = !strcmp(lie, "lie: status");
	channel_send(CHILD_CHANNEL_FD, &d, sizeof(d), NULL, 0);
}

/* What a worker does that its file has taken over. */
static int fake_worker(const char *role)
{
	struct worker_parsing p = { .type = WORKER_PARSING };
	const struct timespec moment = { .tv_nsec = 200000000 };

	if (!strcmp(role, "die"))
		return 1;
	if (!strcmp(role, "late reader"))
		nanosleep(&moment, NULL);
	if (!strcmp(role, "lie: early"))
		channel_send(CHILD_CHANNEL_FD, &p, sizeof(p), NULL, 0);
	p.object = fake_receive(&p.cookie);
	if (!strncmp(role, "lie:", 4)) {
		fake_lie(role, p.cookie);
		pause();
	}
	channel_send(CHILD_CHANNEL_FD, &p, sizeof(p), NULL, 0);
	worker_test_say_at_it();
	if (!strcmp(role, "parse and sleep"))
		pause();
	while (!strcmp(role, "parse and spin"))
		;
	return 1;
}

int main(int argc, char **argv)
{
	const char *role = getenv(ROLE);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_is_written),
		cmocka_unit_test(locations_get_names),
		cmocka_unit_test(build_ids_alone),
		cmocka_unit_test(restricted_kallsyms_cost_only_names),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(unwritable_files_are_refused),
		cmocka_unit_test(objects_arrive_and_are_closed),
		cmocka_unit_test(kills_at_any_moment_cost_one_outcome),
		cmocka_unit_test(an_object_is_to_blame_when_it_was_being_parsed),
		cmocka_unit_test(a_stopped_worker_is_replaced),
		cmocka_unit_test(lying_workers_are_ended),
		cmocka_unit_test(deaths_are_answered_more_and_more_slowly),
		cmocka_unit_test(worker_has_no_rights),
		cmocka_unit_test(worker_ends_with_its_channel),
	};

	if (argc > 1 && !strcmp(argv[1], "--worker"))
		return role && *role ? fake_worker(role) : worker_main();
	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
