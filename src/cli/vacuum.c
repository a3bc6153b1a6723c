/* pprofctl vacuum: retention by hand, with the daemon or without. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cli/cli.h"
#include "config/units.h"
#include "spool/spool.h"

enum { MAX_USE = 256, MAX_FILES, MAX_AGE };

static bool set_limit(const struct cli *cli, struct spool_limits *l, int c, const char *value)
{
	if (c == MAX_USE && (units_parse_size(value, &l->max_use) || !l->max_use)) {
		cli_usage(cli, "--max-use %s: not a size (500M)", value);
		return false;
	}
	if (c == MAX_FILES && (units_parse_number(value, &l->max_files) || !l->max_files)) {
		cli_usage(cli, "--max-files %s: not a number", value);
		return false;
	}
	if (c == MAX_AGE &&
	    (units_parse_span(value, &l->max_retention_ns) || !l->max_retention_ns)) {
		cli_usage(cli, "--max-age %s: not a span of time (7d)", value);
		return false;
	}
	return true;
}

static int prune(const struct cli *cli, const struct spool_limits *limits)
{
	struct spool_pruned pruned = { 0 };
	struct spool *s = NULL;
	int err = spool_open(&s, cli->directory, false);

	if (err) {
		log_warnx("%s: %s", cli->directory, strerror(-err));
		return CLI_FAILED;
	}
	err = spool_prune(s, limits, 0, time(NULL), &pruned); /* tells its failures */
	spool_close(s);
	printf("removed %llu file%s, %llu bytes\n", (unsigned long long)pruned.nr_files,
	       pruned.nr_files == 1 ? "" : "s", (unsigned long long)pruned.bytes);
	return cli_end_output() || err ? CLI_FAILED : CLI_DONE;
}

int cli_vacuum(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "max-use", required_argument, NULL, MAX_USE },
		{ "max-files", required_argument, NULL, MAX_FILES },
		{ "max-age", required_argument, NULL, MAX_AGE },
		{ 0 },
	};
	struct spool_limits limits = { 0 };
	int c;

	while ((c = cli_getopt(cli, argc, argv, "", longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (!set_limit(cli, &limits, c, optarg))
			return CLI_USAGE;
	}
	if (optind < argc)
		return cli_usage(cli, "%s: takes no files", argv[optind]);
	if (!limits.max_use && !limits.max_files && !limits.max_retention_ns)
		return cli_usage(cli, "down to what? --max-use, --max-files or --max-age");
	return prune(cli, &limits);
}
