/* pprofctl record, by the daemon: it samples, we hold the command and take the file. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/answer.h"
#include "cli/output.h"
#include "cli/record.h"
#include "profile/decode.h"

struct answer {
	unsigned recording; /* its number; 0: not begun */
	uint64_t size;
	struct record_progress progress;
	uint64_t lost;
};

static void take_line(void *ctx, const char *key, const char *value)
{
	struct answer *a = ctx;
	double seconds;
	unsigned long long samples, lost;

	if (!strcmp(key, "recording")) {
		a->recording = (unsigned)strtoul(value, NULL, 10);
	} else if (!strcmp(key, "note")) {
		record_progress_end(&a->progress);
		log_warnx("record: %s", value);
	} else if (!strcmp(key, "size")) {
		a->size = strtoull(value, NULL, 10);
	} else if (!strcmp(key, "progress") &&
		   sscanf(value, "%lf %llu %llu", &seconds, &samples, &lost) == 3 && seconds >= 0) {
		a->lost = lost;
		record_progress(&a->progress, (uint64_t)(seconds * 1e9), samples, lost);
	}
}

/* A request's words are parted by blanks: a glob stands for those in names. */
static void add_pattern(struct buf *b, const char *key, const char *pattern)
{
	if (!pattern)
		return;
	buf_printf(b, " %s=", key);
	for (; *pattern; pattern++)
		buf_add(b, *pattern == ' ' ? "?" : pattern, 1);
}

static void build_request(const struct record_options *o, uint32_t pid, struct buf *b)
{
	static const char *const chains[] = {
		[CALLCHAIN_NO] = "no", [CALLCHAIN_YES] = "yes",
		[CALLCHAIN_USER] = "user", [CALLCHAIN_KERNEL] = "kernel",
	};

	buf_printf(b, "record event=%s frequency=%u callchain=%s", event_kind_names[o->kind],
		   o->frequency, chains[o->callchain]);
	if (pid)
		buf_printf(b, " pid=%u", pid);
	if (o->tid)
		buf_printf(b, " tid=%u", o->tid);
	add_pattern(b, "unit", o->unit);
	add_pattern(b, "comm", o->comm);
	if (o->duration_ns)
		buf_printf(b, " seconds=%llu",
			   (unsigned long long)(o->duration_ns + 999999999) / 1000000000);
	buf_add(b, "", 1);
}

static void stop(const struct cli *cli, const struct answer *a)
{
	struct buf ignored = { 0 };
	char request[32];

	snprintf(request, sizeof(request), "stop %u", a->recording);
	answer_ask(cli, request, ANSWER_MS, &ignored);
	buf_fini(&ignored);
}

/* Until the answer's end. 0 or negative errno with words in ERROR. */
static int follow(const struct cli *cli, struct control_stream *s, const struct record_options *o,
		  struct command *c, int signals, struct answer *a, char *error, size_t size)
{
	bool stopped = false, gone = false;
	int err = 1;

	while (err == 1) {
		struct pollfd p[] = { { .fd = control_fd(s), .events = POLLIN },
				      { .fd = signals, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents)
			err = control_read(s, take_line, a, error, size);
		if (err == 1 && a->recording && o->command && !gone) {
			int failed = command_go(c); /* it is watched now */

			gone = true;
			if (failed) {
				snprintf(error, size, "%s: %s", o->command[0], strerror(-failed));
				return failed;
			}
		}
		/* A second Ctrl-C does not wait for names. */
		if (record_interrupted(signals)) {
			if (stopped || !a->recording) {
				snprintf(error, size, "interrupted");
				return -EINTR;
			}
			stopped = true;
			stop(cli, a);
		}
		if (err == 1 && gone && !stopped && command_ended(c)) {
			stopped = true;
			stop(cli, a);
		}
	}
	return err;
}

static int write_file(struct control_stream *s, const struct answer *a, const char *path)
{
	struct profile *p;
	char error[256];
	int fd = control_take_file(s, a->size), err;

	if (fd < 0) {
		log_warnx("record: what the daemon gave is no finished file");
		return fd;
	}
	err = profile_read(fd, &p, error, sizeof(error));
	close(fd);
	if (err) {
		log_warnx("record: %s", error);
		return err;
	}
	err = output_profile(path, p);
	profile_free(p);
	return err;
}

int record_by_daemon(const struct cli *cli, const struct record_options *o)
{
	struct control_stream *s = NULL;
	struct command c = { 0 };
	struct answer a = { 0 };
	struct buf request = { 0 };
	char error[512] = "";
	int signals = record_signals(), err;

	if (signals < 0)
		return CLI_FAILED;
	record_progress_init(&a.progress);
	err = o->command ? command_start(&c, o->command) : 0;
	if (err)
		snprintf(error, sizeof(error), "fork: %s", strerror(-err));
	if (!err) {
		build_request(o, o->command ? (uint32_t)c.pid : o->pid, &request);
		err = control_open(&s, cli->socket, (char *)request.data, ANSWER_MS, error, sizeof(error));
	}
	if (!err)
		err = follow(cli, s, o, &c, signals, &a, error, sizeof(error));
	record_progress_end(&a.progress);
	if (err)
		log_warnx("record: %s", error);
	else
		err = write_file(s, &a, o->output);
	if (!err && a.lost)
		log_warnx("%llu samples were lost; they are in the profile as [lost]",
			  (unsigned long long)a.lost);
	if (!err && o->command)
		record_wait_for_command(&c, signals, o->command[0]);
	control_close(s);
	command_fini(&c);
	buf_fini(&request);
	close(signals);
	return err ? CLI_FAILED : CLI_DONE;
}
