/* pprofctl convert */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "replay/replay.h"

#define LIMIT_MAX (16ul << 30)
#define MODIFIERS "ukhHGpPSDIWeb"

struct convert {
	const char *in, *out, *event;
	struct replay_options replay;
};

/* What may be held of the data: half of the machine's memory. */
static size_t memory_limit(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	size_t half = pages > 0 && size > 0 ? (size_t)pages * (size_t)size / 2 : LIMIT_MAX;

	return half < LIMIT_MAX ? half : LIMIT_MAX;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return text_has_suffix(path, "/") || (!stat(path, &st) && S_ISDIR(st.st_mode));
}

/* NAME is the event's whole name, or what precedes its modifiers ("cycles" of "cycles:u"). */
static bool is_named(const struct replay_event *e, const char *name)
{
	size_t size = strlen(name);
	const char *rest = e->name + size;

	return !strncmp(e->name, name, size) &&
	       (!*rest || (*rest == ':' && strspn(rest + 1, MODIFIERS) == strlen(rest + 1)));
}

/* The event called NAME with most samples; of all events where NAME is NULL. */
static const struct replay_event *choose(const struct replay *r, const char *name)
{
	const struct replay_event *best = NULL;

	for (unsigned i = 0; i < r->nr_events; i++) {
		const struct replay_event *e = &r->events[i];

		if ((!name || is_named(e, name)) && (!best || e->nr_samples > best->nr_samples))
			best = e;
	}
	return best;
}

/* Says which other events have samples. */
static void tell_others(const struct convert *c, const struct replay *r, const struct replay_event *taken)
{
	char names[256];
	bool more = false;
	unsigned nr = 0;
	size_t at = 0;

	for (unsigned i = 0; i < r->nr_events; i++) {
		const struct replay_event *e = &r->events[i];

		if (e == taken || !e->profile)
			continue;
		nr++;
		more = more || at + strlen(e->name) + sizeof(", ") > sizeof(names);
		if (!more)
			at += (size_t)sprintf(names + at, "%s%s", at ? ", " : "", e->name);
	}
	if (nr)
		log_warnx("%s: this is %s; not written: %u with samples, %s%s (--event NAME takes one, -o DIR/ all)",
			  c->in, taken->name, nr, names, more ? ", …" : "");
}

static int write_one(const struct convert *c, const struct replay *r)
{
	const struct replay_event *e = choose(r, c->event);

	if (!e) {
		log_warnx("%s: no event %s; it has %s%s", c->in, c->event, r->events[0].name,
			  r->nr_events > 1 ? " and others" : "");
		return CLI_FAILED;
	}
	if (!e->profile) {
		log_warnx("%s: no samples of %s", c->in, c->event ? c->event : "any event");
		return CLI_FAILED;
	}
	if (!c->event)
		tell_others(c, r, e);
	return output_profile(c->out, e->profile) ? CLI_FAILED : CLI_DONE;
}

/* DIR/EVENT.pb.gz; a second event of that file name gets "-1", the next "-2". */
static char *event_path(const char *dir, const struct replay *r, unsigned event)
{
	char name[128], other[128];
	unsigned nr = 0;

	text_file_name(name, sizeof(name), r->events[event].name);
	for (unsigned i = 0; i < event; i++) {
		text_file_name(other, sizeof(other), r->events[i].name);
		nr += r->events[i].profile && !strcmp(name, other);
	}
	return nr ? xasprintf("%s/%s-%u.pb.gz", dir, name, nr)
		  : xasprintf("%s/%s.pb.gz", dir, name);
}

static int write_each(const struct convert *c, const struct replay *r)
{
	int status = CLI_FAILED;

	if (!choose(r, NULL)->profile) {
		log_warnx("%s: no samples of any event", c->in);
		return CLI_FAILED;
	}
	if (mkdir(c->out, 0777) && errno != EEXIST) {
		log_warn("%s", c->out);
		return CLI_FAILED;
	}
	for (unsigned i = 0; i < r->nr_events; i++) {
		char *path;

		if (!r->events[i].profile || (c->event && !is_named(&r->events[i], c->event)))
			continue;
		path = event_path(c->out, r, i);
		status = output_profile(path, r->events[i].profile) ? CLI_FAILED : CLI_DONE;
		free(path);
		if (status == CLI_FAILED)
			return status;
	}
	if (status == CLI_FAILED)
		log_warnx("%s: no samples of %s", c->in, c->event);
	return status;
}

static int convert(const struct convert *c)
{
	struct replay *r;
	char error[256];
	int fd, err, status;

	fd = !strcmp(c->in, "-") ? dup(STDIN_FILENO) : open(c->in, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		log_warn("%s", c->in);
		return CLI_FAILED;
	}
	err = replay_file(&r, fd, &c->replay, error, sizeof(error));
	close(fd);
	if (err) {
		log_warnx("%s: %s", c->in, error);
		return CLI_FAILED;
	}
	if (r->warning[0])
		log_warnx("%s: %s", c->in, r->warning);
	status = is_directory(c->out) ? write_each(c, r) : write_one(c, r);
	replay_free(r);
	return status;
}

int cli_convert(struct cli *cli, int argc, char **argv)
{
	enum { OPTION_EVENT = 256, OPTION_KALLSYMS, OPTION_ROOT, OPTION_NO_SYMBOLIZE, OPTION_LINES,
	       OPTION_DEBUG_PATH };
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "event", required_argument, NULL, OPTION_EVENT },
		{ "kallsyms", required_argument, NULL, OPTION_KALLSYMS },
		{ "root", required_argument, NULL, OPTION_ROOT },
		{ "no-symbolize", no_argument, NULL, OPTION_NO_SYMBOLIZE },
		{ "lines", no_argument, NULL, OPTION_LINES },
		{ "debug-path", required_argument, NULL, OPTION_DEBUG_PATH },
		{ 0 },
	};
	struct convert c = { .replay = { .symbolize = true, .debug_path = REPLAY_DEBUG_PATH,
					 .limit = memory_limit() } };
	int o;

	while ((o = cli_getopt(cli, argc, argv, "o:", longs)) != -1) {
		switch (o) {
		case 'o':
			c.out = optarg;
			break;
		case OPTION_EVENT:
			c.event = optarg;
			break;
		case OPTION_KALLSYMS:
			c.replay.kallsyms = optarg;
			break;
		case OPTION_ROOT:
			c.replay.root = optarg;
			break;
		case OPTION_NO_SYMBOLIZE:
			c.replay.symbolize = false;
			break;
		case OPTION_LINES:
			c.replay.lines = true;
			break;
		case OPTION_DEBUG_PATH:
			if (optarg[0] != '/')
				return cli_usage(cli, "--debug-path is an absolute path");
			c.replay.debug_path = optarg;
			break;
		default:
			return cli_getopt_status(o);
		}
	}
	if (optind != argc - 1)
		return cli_usage(cli, "give one file of perf record, or - for standard input");
	if (!c.out)
		return cli_usage(cli, "-o FILE or -o DIR/ says where to write");
	c.in = argv[optind];
	return convert(&c);
}
