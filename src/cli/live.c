/* pprofctl top --live */
#include "cli/live.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/record.h"
#include "control/client.h"
#include "profile/decode.h"
#include "profile/merge.h"

#define ASK_MS 10000
#define EVERY_MS 2000
#define LINES_BEFORE_ROWS 6
#define ROWS_MIN 3

struct terminal {
	bool out, in; /* is one */
	struct termios before;
};

/* Keys come one by one and are not shown. */
static void terminal_open(struct terminal *t)
{
	struct termios raw;

	t->out = isatty(STDOUT_FILENO);
	t->in = t->out && isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &t->before);
	if (!t->in)
		return;
	raw = t->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static void terminal_close(const struct terminal *t)
{
	if (t->in)
		tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
}

static unsigned terminal_rows(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_row < LINES_BEFORE_ROWS + ROWS_MIN)
		return ROWS_MIN;
	return w.ws_row - LINES_BEFORE_ROWS;
}

/* --- The window --- */

static void take_size(void *ctx, const char *key, const char *value)
{
	uint64_t *size = ctx;

	if (!strcmp(key, "size"))
		*size = strtoull(value, NULL, 10);
}

/* -ENODATA: it has no sample yet. */
static int ask(const struct cli *cli, const char *kind, struct profile **out, char *error,
	       size_t error_size)
{
	uint64_t size = 0, deadline = record_now() + ASK_MS * 1000000ull;
	struct control_stream *s = NULL;
	char request[64];
	int err, fd;

	snprintf(request, sizeof(request), "live %s", kind ? kind : "cpu");
	err = control_open(&s, cli->socket, request, ASK_MS, error, error_size);
	if (err)
		return err;
	for (err = 1; err == 1;) {
		struct pollfd p = { .fd = control_fd(s), .events = POLLIN };

		if (poll(&p, 1, ASK_MS) > 0)
			err = control_read(s, take_size, &size, error, error_size);
		if (err == 1 && record_now() > deadline) {
			snprintf(error, error_size, "%s: the daemon does not answer", cli->socket);
			err = -ETIMEDOUT;
		}
	}
	fd = err ? err : control_take_file(s, size);
	if (!err && fd < 0)
		snprintf(error, error_size, "%s: that is no answer of pprofd's", cli->socket);
	control_close(s);
	if (fd < 0)
		return fd;
	err = profile_read(fd, out, error, error_size);
	close(fd);
	return err;
}

static bool keep(void *ctx, const struct profile *p, uint32_t sample)
{
	return select_keeps(ctx, p, p->samples[sample].label_set);
}

/* What is selected of it. */
static struct profile *selected(const struct show *s, struct profile *p)
{
	struct profile *some;

	if (!s->select.nr_labels)
		return p;
	some = profile_new();
	profile_merge_some(some, p, keep, (void *)&s->select);
	profile_free(p);
	return some;
}

static int draw(const struct show *s, const struct profile *p, const struct terminal *t)
{
	struct view_options view = s->view;
	int type = view_type(p, s->type);

	if (type < 0) {
		log_warnx("no sample type %s", s->type);
		return -EINVAL;
	}
	view.type = (unsigned)type;
	if (t->out) {
		unsigned rows = terminal_rows();

		if (!view.nr || view.nr > rows)
			view.nr = rows;
		fputs("\033[H\033[2J", stdout);
	}
	view_header(p, &view, stdout);
	view_top(p, &view, stdout);
	if (!t->out)
		putchar('\n');
	return fflush(stdout) ? -errno : 0;
}

/* Until the next is due. False: q, or a signal. */
static bool wait_for_next(const struct terminal *t, int signals, uint64_t due)
{
	struct pollfd p[] = { { .fd = signals, .events = POLLIN },
			      { .fd = t->in ? STDIN_FILENO : -1, .events = POLLIN } };
	uint64_t now;
	char key;

	while ((now = record_now()) < due) {
		if (poll(p, 2, (int)((due - now) / 1000000) + 1) < 0 && errno != EINTR)
			return false;
		if (record_interrupted(signals))
			return false;
		if (p[1].revents && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q'))
			return false;
	}
	return true;
}

int live_top(struct cli *cli, struct show *s)
{
	int signals = record_signals(), err = 0;
	struct terminal t;
	char error[512] = "";
	uint64_t due;

	if (signals < 0)
		return CLI_FAILED;
	terminal_open(&t);
	do {
		struct profile *p = NULL;

		due = record_now() + EVERY_MS * 1000000ull;
		err = ask(cli, s->select.kind, &p, error, sizeof(error));
		if (!err) {
			p = selected(s, p);
			/* Of nothing, not even the types are known. */
			err = p->nr_types ? draw(s, p, &t) : 0;
			profile_free(p);
			error[0] = 0;
		} else if (err == -ENODATA) { /* it has just begun */
			err = 0;
		}
	} while (!err && wait_for_next(&t, signals, due));
	terminal_close(&t);
	close(signals);
	if (err && error[0])
		log_warnx("live: %s", error);
	return err ? CLI_FAILED : CLI_DONE;
}
