/* pprofctl record */
#include "cli/record.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/units.h"

#define PROGRESS_NS 500000000ull

uint64_t record_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int record_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		log_warn("signalfd");
	return fd;
}

bool record_interrupted(int signals)
{
	struct signalfd_siginfo s;
	bool interrupted = false;

	while (read(signals, &s, sizeof(s)) == sizeof(s))
		interrupted |= s.ssi_signo != SIGCHLD;
	return interrupted;
}

void record_wait_for_command(struct command *c, int signals, const char *name)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };

	while (!command_ended(c) && !record_interrupted(signals))
		poll(&p, 1, 250);
	command_tell(c, name);
}

void record_progress_init(struct record_progress *p)
{
	*p = (struct record_progress){ .on = isatty(STDERR_FILENO) };
}

void record_progress(struct record_progress *p, uint64_t elapsed_ns, uint64_t samples,
		     uint64_t lost)
{
	uint64_t now = record_now();

	if (!p->on || (p->shown && now - p->shown_ns < PROGRESS_NS))
		return;
	p->shown = true;
	p->shown_ns = now;
	fprintf(stderr, "\r%.1f s, %llu samples, %llu lost\033[K", (double)elapsed_ns / 1e9,
		(unsigned long long)samples, (unsigned long long)lost);
	fflush(stderr);
}

void record_progress_end(struct record_progress *p)
{
	if (p->shown)
		fputc('\n', stderr);
	p->shown = false;
}

/* --- Options --- */

static bool parse_number(const struct cli *cli, const char *option, const char *value,
			 unsigned long max, unsigned *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || !n || n > max) {
		cli_usage(cli, "%s %s: not a number from 1 to %lu", option, value, max);
		return false;
	}
	*out = (unsigned)n;
	return true;
}

static bool parse_name(const struct cli *cli, const char *option, const char *value,
		       const char *const names[], unsigned nr, unsigned *out)
{
	for (unsigned i = 0; i < nr; i++)
		if (!strcmp(value, names[i])) {
			*out = i;
			return true;
		}
	cli_usage(cli, "%s %s: not known", option, value);
	return false;
}

enum { OPTION_TID = 256, OPTION_COMM, OPTION_UNIT, OPTION_CALL_CHAIN, OPTION_STANDALONE };

static bool take_option(const struct cli *cli, struct record_options *o, int c, const char *value)
{
	static const char *const chains[] = {
		[CALLCHAIN_NO] = "no", [CALLCHAIN_YES] = "yes",
		[CALLCHAIN_USER] = "user", [CALLCHAIN_KERNEL] = "kernel",
	};
	unsigned n = 0;

	switch (c) {
	case 'p':
		return parse_number(cli, "-p", value, INT32_MAX, &o->pid);
	case OPTION_TID:
		return parse_number(cli, "--tid", value, INT32_MAX, &o->tid);
	case OPTION_COMM:
		o->comm = value;
		return true;
	case OPTION_UNIT:
		o->unit = value;
		return true;
	case 'F':
		return parse_number(cli, "-F", value, RECORD_FREQUENCY_MAX, &o->frequency);
	case 'e':
		if (!parse_name(cli, "-e", value, event_kind_names, EVENT_NR_KINDS, &n))
			return false;
		o->kind = (enum event_kind)n;
		return true;
	case OPTION_CALL_CHAIN:
		if (!parse_name(cli, "--call-chain", value, chains, 4, &n))
			return false;
		o->callchain = (enum event_callchain)n;
		return true;
	case 'd':
		if (!units_parse_span(value, &o->duration_ns) && o->duration_ns)
			return true;
		cli_usage(cli, "-d %s: not a time (10, 90s, 5min)", value);
		return false;
	case 'o':
		o->output = value;
		return true;
	}
	return false;
}

/* A recording of an hour should not find out at its end. */
static bool can_write(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xasprintf("%.*s", (int)(slash + 1 - path), path) : xstrdup(".");
	bool can = !strcmp(path, "-") || !access(dir, W_OK | X_OK) || !access(path, W_OK);

	if (!can)
		log_warn("%s", path);
	free(dir);
	return can;
}

int cli_record(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "tid", required_argument, NULL, OPTION_TID },
		{ "comm", required_argument, NULL, OPTION_COMM },
		{ "unit", required_argument, NULL, OPTION_UNIT },
		{ "event", required_argument, NULL, 'e' },
		{ "frequency", required_argument, NULL, 'F' },
		{ "duration", required_argument, NULL, 'd' },
		{ "call-chain", required_argument, NULL, OPTION_CALL_CHAIN },
		{ "output", required_argument, NULL, 'o' },
		{ "standalone", no_argument, NULL, OPTION_STANDALONE },
		{ 0 },
	};
	struct record_options o = { .frequency = RECORD_FREQUENCY, .callchain = CALLCHAIN_YES };
	bool standalone = false;
	int c;

	while ((c = cli_getopt(cli, argc, argv, "+p:e:F:d:o:", longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (c == OPTION_STANDALONE)
			standalone = true;
		else if (!take_option(cli, &o, c, optarg))
			return CLI_USAGE;
	}
	o.command = optind < argc ? argv + optind : NULL;
	if (!!o.pid + !!o.tid + !!o.command + !!o.unit + !!o.comm != 1)
		return cli_usage(cli, "give one of -p PID, --tid TID, --unit UNIT, --comm COMM and a command");
	if (!o.output)
		return cli_usage(cli, "-o FILE says where to write");
	if (standalone && (o.unit || o.comm))
		return cli_usage(cli, "--unit and --comm are the daemon's");
	if (!can_write(o.output))
		return CLI_FAILED;
	return standalone ? record_standalone(&o) : record_by_daemon(cli, &o);
}
