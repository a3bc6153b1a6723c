/* pprofctl: a table of verbs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"

#define SELECTORS "[SELECTORS | FILE...]"

static const struct cli_verb verbs[] = {
	{ "convert", cli_convert,
	  "FILE -o FILE|DIR/ [--event NAME] [--kallsyms FILE] [--root DIR] [--debug-path DIR] [--no-symbolize] [--lines]",
	  "make profiles of what perf record wrote (- reads standard input)" },
	{ "folded", cli_folded, "[--type NAME] " SELECTORS, "print folded stacks: comm;root;...;leaf samples" },
	{ "list", cli_list, "[--since TIME] [--until TIME] [--kind KIND] [--target NAME]",
	  "list the spool's files" },
	{ "merge", cli_merge, "-o FILE " SELECTORS, "write one profile of several" },
	{ "record", cli_record,
	  "[--standalone] [-p PID | --tid TID | --unit UNIT | --comm COMM] [-e cpu|cycles] [-F HZ] [-d SECONDS]\n"
	  "       [--call-chain yes|user|kernel|no] -o FILE [-- COMMAND...]",
	  "profile a process, a thread or a command" },
	{ "reload", cli_reload, "", "make the daemon read its configuration again" },
	{ "rotate", cli_rotate, "", "end the window now; prints the files written" },
	{ "status", cli_status, "[--json] [--unwind | --symbols]", "show what the daemon does" },
	{ "symbolize", cli_symbolize,
	  "FILE [-o FILE] [--debug-path DIR]... [--kallsyms FILE] [--lines]",
	  "name the functions of a profile that has no names" },
	{ "threads", cli_threads, "[-n N] [--json] [--pid PID] [--tid TID] [--comm GLOB] [--unit GLOB]",
	  "CPU time of the last window by thread, beside the kernel's own clock" },
	{ "top", cli_top, "[--live] [-n N] [--by WHAT] [--cum] [--type NAME] " SELECTORS,
	  "print where the time went: flat and cumulative" },
	{ "tree", cli_tree, "[-n N] [--min PERCENT] [--by WHAT] [--type NAME] " SELECTORS,
	  "print the tree of calls, from the roots down" },
	{ "vacuum", cli_vacuum, "[--max-use SIZE] [--max-files N] [--max-age SPAN]",
	  "remove the spool's oldest files" },
};
#define NR_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void usage(FILE *out)
{
	fputs("usage: pprofctl [-D DIRECTORY] [-s SOCKET] VERB ...\n", out);
	for (size_t i = 0; i < NR_VERBS; i++)
		fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].help);
	fputs("`pprofctl VERB -h` shows a verb's arguments; pprofctl(1) tells it all.\n", out);
}

static const struct cli_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < NR_VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int run_verb(struct cli *cli, int argc, char **argv)
{
	char *name = xasprintf("pprofctl %s", cli->verb->name);
	int status;

	argv[0] = name; /* getopt's messages begin with it */
	optind = 0;
	status = cli->verb->fn(cli, argc, argv);
	free(name);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "directory", required_argument, NULL, 'D' },
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct cli cli = { .directory = CLI_DIRECTORY, .socket = CLI_SOCKET };
	int c;

	log_init("pprofctl", false);
	signal(SIGPIPE, SIG_DFL); /* `| head` ends us quietly, whoever started us */
	while ((c = getopt_long(argc, argv, "+D:s:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'D':
			cli.directory = optarg;
			break;
		case 's':
			cli.socket = optarg;
			break;
		case 'h':
			usage(stdout);
			return cli_end_output();
		case 'V':
			puts(PACKAGE_STRING);
			return cli_end_output();
		default:
			return CLI_USAGE;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return CLI_USAGE;
	}
	cli.verb = find_verb(argv[optind]);
	if (!cli.verb) {
		log_warnx("no verb %s; `pprofctl -h` lists them", argv[optind]);
		return CLI_USAGE;
	}
	return run_verb(&cli, argc - optind, argv + optind);
}
