/* cli: pprofctl's verbs, a file each. pprofctl.c has their table. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>

#define CLI_DIRECTORY "/var/spool/pprofd"
#define CLI_SOCKET "/run/pprofd/control"

enum cli_status { CLI_DONE, CLI_FAILED, CLI_USAGE }; /* exit statuses */

struct cli_verb;

/* One call of pprofctl. */
struct cli {
	const char *directory, *socket; /* -D, -s */
	const struct cli_verb *verb;
};

struct cli_verb {
	const char *name;
	/* argv[0] names program and verb. Returns an enum cli_status; a failure has been told in
	 * one line on stderr (base/log.h). */
	int (*fn)(struct cli *cli, int argc, char **argv);
	const char *arguments; /* as in a usage line */
	const char *help;      /* one line */
};

/* getopt_long(3) for a verb's own options and those that every verb takes: -D, -s and -h. Those are
 * dealt with here; SHORTS and LONGS (ended by a zero element, may be NULL) name the verb's. Returns
 * what getopt_long does; CLI_OPTION_USAGE: bad usage, it has been told, return CLI_USAGE;
 * CLI_OPTION_HELP: help has been printed, return CLI_DONE. */
#define CLI_OPTION_USAGE '?'
#define CLI_OPTION_HELP 'h'
int cli_getopt(struct cli *cli, int argc, char **argv, const char *shorts,
	       const struct option *longs);
/* For the value C of an option that cli_getopt itself has dealt with: what to return. */
int cli_getopt_status(int c);
/* One line on stderr about a use that is wrong; CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Flushes stdout. CLI_DONE, or CLI_FAILED when not all could be written. */
int cli_end_output(void);

int cli_convert(struct cli *cli, int argc, char **argv);
int cli_folded(struct cli *cli, int argc, char **argv);
int cli_list(struct cli *cli, int argc, char **argv);
int cli_merge(struct cli *cli, int argc, char **argv);
int cli_record(struct cli *cli, int argc, char **argv);
int cli_reload(struct cli *cli, int argc, char **argv);
int cli_rotate(struct cli *cli, int argc, char **argv);
int cli_status(struct cli *cli, int argc, char **argv);
int cli_symbolize(struct cli *cli, int argc, char **argv);
int cli_threads(struct cli *cli, int argc, char **argv);
int cli_top(struct cli *cli, int argc, char **argv);
int cli_tree(struct cli *cli, int argc, char **argv);
int cli_vacuum(struct cli *cli, int argc, char **argv);

#endif
