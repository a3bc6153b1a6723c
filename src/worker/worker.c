#include "worker/worker.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/channel.h"
#include "base/child.h"
#include "base/gzip.h"
#include "base/io.h"
#include "base/mem.h"
#include "profile/encode.h"
#include "symbolize/identify.h"
#include "symbolize/symbolize.h"
#include "worker/pages.h"
#include "worker/protocol_pages.h"
#include "worker/protocol_window.h"
#include "worker/symbols.h"
#include "worker/window.h"

/* What a window may need beyond what we hold already, caches included: so much for the objects it
 * makes us parse, and so many times its encoded size. */
#define PARSE_MEMORY  (512ull << 20)
#define WINDOW_MEMORY 8
#define NICE          5
#define IDLE_MS       2000 /* then no object stays open for the next page */
#define LINES_EARNED  50   /* samples that make lines of an object worth their index */
#define DEBUG_EARNED  50   /* and that make it worth looking for its debug file */
#define POLL_MS       250  /* while one is built */

struct request {
	struct worker_window window;
	int profile, output, kallsyms; /* descriptors, -1: none */
	struct symbolize_object *objects;
	uint32_t nr_objects; /* so far */
};

static void request_fini(struct request *q)
{
	const int fds[] = { q->profile, q->output, q->kallsyms };

	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (uint32_t i = 0; i < q->nr_objects; i++) {
		const struct symbolize_object *o = &q->objects[i];
		const int of_object[] = { o->fd, o->index_fd, o->debug_fd, o->alt_fd };

		for (int k = 0; k < 4; k++)
			if (of_object[k] >= 0)
				close(of_object[k]);
	}
	free(q->objects);
}

/* One message, waited for. Its size; 0 or negative errno: there will be none, -ETIMEDOUT: not in
 * time. */
static ssize_t receive(void *msg, size_t size, int *fds, unsigned *nr_fds, int timeout_ms)
{
	unsigned room = *nr_fds;
	ssize_t n;
	int err;

	do {
		err = channel_wait(CHILD_CHANNEL_FD, POLLIN, timeout_ms);
		if (err)
			return err;
		*nr_fds = room;
		n = channel_recv(CHILD_CHANNEL_FD, msg, size, fds, nr_fds);
	} while (n == -EAGAIN);
	return n;
}

static int send_with(const void *msg, size_t size, const int *fds, unsigned nr_fds)
{
	int err;

	while ((err = channel_send(CHILD_CHANNEL_FD, msg, size, fds, nr_fds)) == -EAGAIN) {
		err = channel_wait(CHILD_CHANNEL_FD, POLLOUT, -1);
		if (err)
			break;
	}
	return err;
}

static int send_message(const void *msg, size_t size)
{
	return send_with(msg, size, NULL, 0);
}

static void take_objects(struct request *q, const struct worker_objects *o, const int *fds)
{
	for (uint32_t i = 0; i < o->nr; i++) {
		const struct worker_object *from = &o->objects[i];
		struct symbolize_object *to = &q->objects[q->nr_objects++];

		*to = (struct symbolize_object){
			.id = { .dev = from->id.dev, .inode = from->id.inode, .size = from->id.size,
				.mtime_ns = from->id.mtime_ns, .ctime_ns = from->id.ctime_ns },
			.build_id_size = from->build_id_size,
			.quarantined = from->quarantined,
			.index_coming = from->flags & WORKER_INDEX_COMING,
			.jit_map = from->flags & WORKER_JIT_MAP,
		};
		/* Statements, since an initializer's expressions have no order. */
		to->fd = *fds++;
		to->index_fd = from->files & 1u << WORKER_INDEX_FILE ? *fds++ : -1;
		to->debug_fd = from->files & 1u << WORKER_DEBUG_FILE ? *fds++ : -1;
		to->alt_fd = from->files & 1u << WORKER_ALT_FILE ? *fds++ : -1;
		memcpy(to->build_id, from->build_id, sizeof(to->build_id));
	}
}

/* The whole of a request for a window that begins with W of SIZE bytes; takes FDS. False: the
 * channel has closed, or what came is not to be worked for. */
static bool receive_window(struct request *q, const struct worker_window *w, size_t size,
			   const int *first_fds, unsigned nr_fds)
{
	struct worker_objects *o = NULL;
	int fds[CHANNEL_FDS_MAX];
	bool ok = false;
	ssize_t n;

	*q = (struct request){ .window = *w, .profile = -1, .output = -1, .kallsyms = -1 };
	q->profile = nr_fds > 0 ? first_fds[0] : -1;
	q->output = nr_fds > 1 ? first_fds[1] : -1;
	q->kallsyms = nr_fds > 2 ? first_fds[2] : -1;
	if (!worker_window_valid(&q->window, size, nr_fds))
		return false;
	q->objects = calloc(q->window.nr_objects + 1u, sizeof(*q->objects));
	o = malloc(sizeof(*o));
	if (!q->objects || !o)
		goto out;
	while (q->nr_objects < q->window.nr_objects) {
		nr_fds = CHANNEL_FDS_MAX;
		n = receive(o, sizeof(*o), fds, &nr_fds, -1);
		if (n <= 0)
			goto out;
		if (!worker_objects_valid(o, (size_t)n, nr_fds, &q->window, q->nr_objects)) {
			while (nr_fds)
				close(fds[--nr_fds]);
			goto out;
		}
		take_objects(q, o, fds);
	}
	ok = true;
out:
	free(o);
	return ok;
}

/* Whoever asks for more than that is stopped by malloc(3), and with him we: the sampler knows what
 * we were at. */
static void limit_memory(uint64_t profile_size)
{
	child_limit_memory(PARSE_MEMORY + WINDOW_MEMORY * profile_size);
}

static int read_window(const struct request *q, struct profile **out)
{
	size_t size = q->window.profile_size + q->window.nr_mappings * sizeof(uint32_t);
	void *data = malloc(size + 1);
	ssize_t n;
	int err;

	if (!data)
		return -ENOMEM;
	n = io_pread(q->profile, data, size, 0);
	err = n < 0 ? (int)n : window_decode(&q->window, data, (size_t)n, out);
	free(data);
	return err;
}

/* Before OBJECT is parsed: the sampler remembers it, should this be the last it hears of us. */
static void notice(void *ctx, uint32_t object)
{
	const struct request *q = ctx;
	struct worker_parsing p = {
		.type = WORKER_PARSING,
		.object = object,
		.cookie = q->window.cookie,
	};

	send_message(&p, sizeof(p));
}

/* The sampler keeps it for whoever comes after us; if it cannot, only time is lost. */
static void send_index(void *ctx, const struct object_id *id, int fd, uint64_t size)
{
	struct worker_index x = {
		.type = WORKER_INDEX,
		.id = { id->dev, id->inode, id->size, id->mtime_ns, id->ctime_ns },
		.size = size,
	};

	send_with(&x, sizeof(x), &fd, 1);
}

static int send_want(void *ctx, uint32_t object, enum symbolize_file file, bool another,
		     const struct debug_names *names)
{
	const struct request *q = ctx;
	const struct symbolize_object *o = &q->objects[object];
	struct worker_want want;
	struct stat st;

	memset(&want, 0, sizeof(want)); /* padding is sent too */
	want.type = WORKER_WANT;
	want.object = object;
	want.cookie = q->window.cookie;
	want.file = file == SYMBOLIZE_ALT_FILE ? WORKER_ALT_FILE : WORKER_DEBUG_FILE;
	want.names = *names;
	if (another && !fstat(file == SYMBOLIZE_ALT_FILE ? o->alt_fd : o->debug_fd, &st)) {
		want.refused.dev = st.st_dev;
		want.refused.inode = st.st_ino;
	}
	return send_message(&want, sizeof(want)) ? -EPIPE : -EAGAIN;
}

/* What came of it, of so many objects; for whoever asks which of them lack names. */
static void send_symbols(const struct request *q, const struct symbolize_object_stats *stats)
{
	struct worker_symbols s = { .type = WORKER_SYMBOLS, .cookie = q->window.cookie };

	for (uint32_t at = 0, nr = 0; nr < WORKER_SYMBOLS_MAX && symbols_next(stats, q->nr_objects, &at, &s); nr += s.nr)
		send_message(&s, worker_symbols_size(&s));
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void name_locations(struct symbolizer *s, struct request *q, struct profile *p,
			   struct worker_done *done)
{
	struct symbolize_stats stats = {
		.objects = xcalloc((size_t)q->nr_objects + SYMBOLIZE_NR_OTHERS, sizeof(*stats.objects)),
	};
	struct symbolize_lines lines = { .earned = LINES_EARNED, .built = send_index };
	struct symbolize_debug debug = { .earned = DEBUG_EARNED, .want = send_want, .ctx = q };
	uint64_t start = cpu_ns();

	if (q->window.symbolize == WORKER_LINES)
		lines.size = q->window.cache_size;
	symbolizer_set_lines(s, &lines);
	symbolizer_set_debug(s, &debug);
	symbolizer_set_cache_size(s, q->window.cache_size);
	if (q->kallsyms >= 0)
		notice(q, WORKER_PARSING_KALLSYMS);
	done->kallsyms_status = symbolizer_set_kernel(s, q->kallsyms, q->window.kernel_relative,
						       q->window.kernel_blind);
	symbolize(s, p, q->objects, q->nr_objects, notice, q, &stats);
	notice(q, WORKER_PARSING_NONE);
	send_symbols(q, stats.objects);
	free(stats.objects);
	done->nr_locations = stats.nr_locations;
	done->nr_named = stats.nr_named;
	done->nr_bounded = stats.nr_bounded;
	done->nr_objects = stats.nr_objects;
	done->nr_objects_failed = stats.nr_objects_failed;
	done->nr_cached = stats.nr_cached;
	done->nr_lined = stats.nr_lined;
	done->nr_indexes = stats.nr_indexes;
	done->nr_waiting = stats.nr_waiting;
	done->nr_refused = stats.nr_refused;
	done->names_ns = cpu_ns() - start;
}

static void identify_mappings(struct request *q, struct profile *p)
{
	symbolize_identify(p, q->objects, q->nr_objects, notice, q);
	notice(q, WORKER_PARSING_NONE);
}

static int write_profile(const struct request *q, const struct buf *b, uint64_t *written)
{
	size_t size;
	int err;

	if (ftruncate(q->output, 0) < 0 || lseek(q->output, 0, SEEK_SET) < 0)
		return -errno;
	err = gzip_to_fd(q->output, b->data, b->size, (int)q->window.compress_level, &size);
	if (err)
		return err;
	if (q->window.sync && fsync(q->output) < 0)
		return -errno;
	*written = size;
	return 0;
}

static void serve(struct symbolizer *s, struct request *q, struct worker_done *done)
{
	struct profile *p = NULL;
	struct buf b = { 0 };
	uint64_t start = cpu_ns();

	*done = (struct worker_done){ .type = WORKER_DONE, .cookie = q->window.cookie };
	limit_memory(q->window.profile_size);
	done->status = read_window(q, &p);
	if (!done->status) {
		if (q->window.symbolize >= WORKER_NAMES)
			name_locations(s, q, p, done);
		else if (q->window.symbolize == WORKER_BUILD_IDS)
			identify_mappings(q, p);
		profile_encode(p, &b);
		profile_free(p);
		done->status = write_profile(q, &b, &done->written);
		buf_fini(&b);
	}
	malloc_trim(0); /* until the next window we are the symbol cache and no more */
	done->cpu_ns = cpu_ns() - start;
}

/* --- Either kind of request --- */

union message {
	uint32_t type;
	struct worker_window window;
	struct worker_pages pages;
};

struct worker {
	struct symbolizer *symbolizer; /* of the one that gets windows, made at the first */
	struct pages *pages;           /* of the one that gets pages */
	struct worker_page page;
};

static bool serve_window(struct worker *w, const union message *m, size_t size, const int *fds,
			 unsigned nr_fds)
{
	struct request q;
	struct worker_done done;
	bool alive;

	if (!w->symbolizer) {
		setpriority(PRIO_PROCESS, 0, NICE);
		w->symbolizer = symbolizer_new(0);
	}
	alive = receive_window(&q, &m->window, size, fds, nr_fds);
	if (alive) {
		serve(w->symbolizer, &q, &done);
		alive = !send_message(&done, sizeof(done));
	}
	request_fini(&q);
	return alive;
}

static bool serve_pages(struct worker *w, const union message *m, size_t size, const int *fds,
			unsigned nr_fds)
{
	const struct worker_pages *q = &m->pages;
	struct worker_parsing parsing = { .type = WORKER_PARSING, .cookie = q->cookie };
	bool alive = worker_pages_valid(q, size, nr_fds), wanted = false;
	struct worker_want want;

	if (!alive) {
		while (nr_fds)
			close(fds[--nr_fds]);
		return false;
	}
	if (!w->pages)
		w->pages = pages_new();
	limit_memory(0);
	alive = !send_message(&parsing, sizeof(parsing));
	pages_open(w->pages, q, nr_fds ? fds[0] : -1, nr_fds > 1 ? fds[1] : -1);
	for (uint32_t i = 0; i < q->nr && alive; i++) {
		pages_compile(w->pages, q, q->offsets[i], &w->page);
		if (w->page.status == -EAGAIN && !wanted) {
			pages_want(w->pages, q, &want);
			alive = !send_message(&want, sizeof(want));
			wanted = true;
		}
		alive = alive && !send_message(&w->page, worker_page_size(&w->page));
	}
	return alive;
}

/* The first message of the next request; while there is none, looks after what may be done
 * meanwhile. */
static ssize_t receive_next(struct worker *w, union message *m, int *fds, unsigned *nr_fds)
{
	unsigned room = *nr_fds;
	int timeout_ms = w->pages ? IDLE_MS : -1;
	ssize_t n;

	for (;;) {
		if (w->symbolizer)
			timeout_ms = symbolizer_poll(w->symbolizer) ? POLL_MS : -1;
		*nr_fds = room;
		n = receive(m, sizeof(*m), fds, nr_fds, timeout_ms);
		if (n != -ETIMEDOUT)
			return n;
		if (w->pages) {
			pages_idle(w->pages);
			malloc_trim(0);
			timeout_ms = -1;
		}
	}
}

/* The next request. False: there will be none. */
static bool serve_next(struct worker *w)
{
	union message m = { 0 };
	int fds[3];
	unsigned nr_fds = 3;
	ssize_t n = receive_next(w, &m, fds, &nr_fds);

	if (n <= 0)
		return false;
	if (m.type == WORKER_PAGES)
		return serve_pages(w, &m, (size_t)n, fds, nr_fds);
	return serve_window(w, &m, (size_t)n, fds, nr_fds);
}

int worker_main(void)
{
	struct worker *w;
	struct rlimit files;

	child_init(true);
	/* A window has a descriptor for each of its objects. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	w = xcalloc(1, sizeof(*w));
	while (serve_next(w))
		;
	symbolizer_free(w->symbolizer);
	pages_free(w->pages);
	free(w);
	return 0;
}
