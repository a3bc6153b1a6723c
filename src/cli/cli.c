#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define COMMON_SHORTS "D:s:h"
static const struct option common_longs[] = {
	{ "directory", required_argument, NULL, 'D' },
	{ "socket", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
};
#define NR_COMMON (sizeof(common_longs) / sizeof(common_longs[0]))

static struct option *all_longs(const struct option *longs)
{
	struct option *all;
	size_t nr = 0;

	while (longs && longs[nr].name)
		nr++;
	all = xcalloc(nr + NR_COMMON + 1, sizeof(*all));
	if (nr)
		memcpy(all, longs, nr * sizeof(*all));
	memcpy(all + nr, common_longs, sizeof(common_longs));
	return all;
}

int cli_getopt(struct cli *cli, int argc, char **argv, const char *shorts,
	       const struct option *longs)
{
	struct option *all = all_longs(longs);
	char *all_shorts = xasprintf("%s" COMMON_SHORTS, shorts);
	int c;

	for (;;) {
		c = getopt_long(argc, argv, all_shorts, all, NULL);
		if (c == 'D')
			cli->directory = optarg;
		else if (c == 's')
			cli->socket = optarg;
		else
			break;
	}
	if (c == CLI_OPTION_HELP)
		printf("usage: pprofctl %s %s\n%s\n", cli->verb->name, cli->verb->arguments,
		       cli->verb->help);
	free(all);
	free(all_shorts);
	return c;
}

int cli_getopt_status(int c)
{
	return c == CLI_OPTION_HELP ? cli_end_output() : CLI_USAGE;
}

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	log_warnx("%s: %s", cli->verb->name, why);
	return CLI_USAGE;
}

int cli_end_output(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		log_warn("standard output");
		return CLI_FAILED;
	}
	return CLI_DONE;
}
