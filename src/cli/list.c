/* pprofctl list */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cli/select.h"

struct total {
	uint64_t nr_files, bytes;
};

static void print_entry(const struct spool_entry *e, struct total *t)
{
	time_t start = e->parsed.start;
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&start, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	if (!t->nr_files)
		printf("%-19s %7s %10s  %s\n", "START", "SECONDS", "BYTES", "FILE");
	printf("%-19s %7u %10llu  %s\n", when, e->parsed.seconds, (unsigned long long)e->size,
	       e->name);
	t->nr_files++;
	t->bytes += e->size;
}

static int print_spool(const struct cli *cli, const struct select *s)
{
	struct spool_entry *entries = NULL;
	struct total t = { 0 };
	long nr = spool_list(cli->directory, &entries);

	if (nr < 0) {
		log_warnx("%s: %s", cli->directory, strerror((int)-nr));
		return CLI_FAILED;
	}
	for (long i = 0; i < nr; i++)
		if ((!s->kind || !strcmp(s->kind, entries[i].parsed.kind)) &&
		    (!s->target || !strcmp(s->target, entries[i].parsed.target)) &&
		    select_in_time(s, &entries[i].parsed))
			print_entry(&entries[i], &t);
	printf("%llu file%s, %llu bytes\n", (unsigned long long)t.nr_files,
	       t.nr_files == 1 ? "" : "s", (unsigned long long)t.bytes);
	free(entries);
	return cli_end_output();
}

int cli_list(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = { SELECT_SPOOL_OPTIONS, { 0 } };
	struct select s;
	int c;

	select_init(&s);
	while ((c = cli_getopt(cli, argc, argv, "", longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (!select_option(cli, &s, c, optarg))
			return CLI_USAGE;
	}
	if (optind < argc)
		return cli_usage(cli, "%s: takes no files", argv[optind]);
	return print_spool(cli, &s);
}
