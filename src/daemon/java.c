#include "daemon/java.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/client.h"
#include "base/array.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"

#define FIRST_NS    1000000000ull
#define PAUSE_NS    60000000000ull  /* at most, between maps */
#define FAILED_NS   900000000000ull /* at most, after failures */
#define MACHINES_MAX 1024
#define LOOKS_MAX 32 /* at machines that no target wants, in a beat: all of them have had one within PAUSE_NS */

/* One life and image of a process. */
struct machine_met {
	uint32_t pid, exec_count;
	uint64_t fork_ns, next_ns, pause_ns;
	bool unwanted; /* when it was looked at */
};

struct java {
	struct daemon *d;
	struct attach_client *attacher;
	struct machine_met *machines;
	uint32_t nr, cap;
	struct machine_met asked; /* under way */
	uint64_t nr_maps, nr_failed;
	uint32_t failed_pid; /* the last one; 0: none */
	int failed_status;
	enum attach_stage failed_stage;
};

static bool is_same(const struct machine_met *m, const struct machine_met *n)
{
	return m->pid == n->pid && m->fork_ns == n->fork_ns && m->exec_count == n->exec_count;
}

static struct machine_met *find(struct java *j, const struct machine_met *key)
{
	for (uint32_t i = 0; i < j->nr; i++)
		if (is_same(&j->machines[i], key))
			return &j->machines[i];
	return NULL;
}

static void answered(void *ctx, uint32_t pid, int status, enum attach_stage stage)
{
	struct java *j = ctx;
	struct machine_met *m = find(j, &j->asked);
	uint64_t most = status ? FAILED_NS : PAUSE_NS;

	if (status) {
		j->nr_failed++;
		j->failed_pid = pid;
		j->failed_status = status;
		j->failed_stage = stage;
	} else {
		j->nr_maps++;
		collect_ask_code(j->d->collect, j->asked.pid, j->asked.fork_ns, j->asked.exec_count);
	}
	if (!m)
		return;
	m->pause_ns = 2 * m->pause_ns < most ? 2 * m->pause_ns : most;
	m->next_ns = clock_ns(CLOCK_MONOTONIC) + m->pause_ns;
}

int java_new(struct java **out, struct daemon *d)
{
	struct java *j = xcalloc(1, sizeof(*j));
	int err;

	j->d = d;
	err = attach_client_new(&j->attacher, d->loop, answered, j);
	if (err)
		free(j);
	else
		*out = j;
	return err;
}

void java_free(struct java *j)
{
	if (!j)
		return;
	attach_client_free(j->attacher);
	free(j->machines);
	free(j);
}

/* For one more; when there are too many, in place of one that nobody wants. NULL: none. */
static struct machine_met *find_room(struct java *j)
{
	if (j->nr < MACHINES_MAX)
		return array_push(j->machines, j->nr, j->cap);
	for (uint32_t i = 0; i < j->nr; i++)
		if (j->machines[i].unwanted)
			return &j->machines[i];
	return NULL;
}

void java_meet(struct java *j, const struct process *p)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct machine_met key = { .pid = p->pid, .exec_count = p->exec_count, .fork_ns = p->fork_ns,
				   .next_ns = now + FIRST_NS, .pause_ns = FIRST_NS };
	struct machine_met *m = find(j, &key) ? NULL : find_room(j);

	if (m)
		*m = key;
}

/* The process that M was, if it is still there and wanted. */
static const struct process *process_of(const struct java *j, const struct machine_met *m)
{
	const struct process *p = process_find(j->d->processes, m->pid);

	if (!p || p->exited || p->fork_ns != m->fork_ns || p->exec_count != m->exec_count)
		return NULL;
	return p;
}

static void forget_gone(struct java *j)
{
	for (uint32_t i = 0; i < j->nr;) {
		if (!process_of(j, &j->machines[i]))
			j->machines[i] = j->machines[--j->nr];
		else
			i++;
	}
}

/* The one that has been due for longest; NULL: none is. */
static struct machine_met *find_due(struct java *j, uint64_t now)
{
	struct machine_met *next = NULL;

	for (uint32_t i = 0; i < j->nr; i++) {
		struct machine_met *m = &j->machines[i];

		if (m->next_ns <= now && (!next || m->next_ns < next->next_ns))
			next = m;
	}
	return next;
}

static void ask(struct java *j, struct machine_met *m)
{
	if (!attach_client_ask(j->attacher, m->pid))
		return; /* it is still at another, and that one's answer will come */
	j->asked = *m;
	m->next_ns = UINT64_MAX; /* until the answer */
}

void java_beat(struct java *j, uint64_t now)
{
	forget_gone(j);
	for (int i = 0; i < LOOKS_MAX; i++) {
		struct machine_met *m = find_due(j, now);

		if (!m)
			return;
		m->unwanted = !targets_want_code(j->d->targets, process_of(j, m));
		if (!m->unwanted) {
			ask(j, m);
			return;
		}
		m->next_ns = now + PAUSE_NS; /* it may become a target's */
	}
}

static const char *words(enum attach_stage stage, int status)
{
	static const char *const text[] = {
		[ATTACH_PROCESS] = "it cannot be looked at",
		[ATTACH_HOTSPOT] = "it is still starting, or does not listen to signals (-Xrs)",
		[ATTACH_ROOT] = "its /tmp cannot be opened",
		[ATTACH_USER] = "becoming its user needs CAP_SETUID and CAP_SETGID",
		[ATTACH_TRIGGER] = "no file can be made in its /tmp",
		[ATTACH_SIGNAL] = "it cannot be sent SIGQUIT",
		[ATTACH_SOCKET] = "it opens no socket (-XX:+DisableAttachMechanism)",
		[ATTACH_CONNECT] = "its socket takes no connection",
		[ATTACH_COMMAND] = "it gives no answer",
		[ATTACH_SERVICE] = "the attacher had no time for it",
	};

	if (stage == ATTACH_COMMAND && status == -ENOTSUP)
		return "it does not know Compiler.perfmap (JDK 17 does)";
	return stage < sizeof(text) / sizeof(text[0]) && text[stage] ? text[stage] : "";
}

static bool is_wanted(const struct daemon *d)
{
	for (unsigned n = 0; n < targets_nr(d->targets); n++) {
		const struct config_target *o = targets_options(d->targets, n);

		if (o && o->java_perf_map)
			return true;
	}
	return false;
}

void java_status(const struct java *j, const struct daemon *d, struct control_client *c)
{
	if (!is_wanted(d))
		return;
	if (!j) {
		control_value(c, "java", "%s", "not asked: JavaPerfMap= was not set when pprofd was started");
		return;
	}
	control_value(c, "java", "%s", attach_client_over(j->attacher) ? "not asked: the attacher has gone" : "asked");
	control_value(c, "java_machines", "%u", j->nr);
	control_value(c, "java_maps", "%llu", (unsigned long long)j->nr_maps);
	control_value(c, "java_failed", "%llu", (unsigned long long)j->nr_failed);
	if (j->failed_pid)
		control_value(c, "java_last_failure", "pid %u: %s: %s", j->failed_pid, words(j->failed_stage, j->failed_status),
			      strerror(-j->failed_status));
}
