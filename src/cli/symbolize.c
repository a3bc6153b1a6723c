/* pprofctl symbolize */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/select.h"
#include "replay/replay.h"
#include "replay/stored.h"

static void tell(void *ctx, const char *object, const char *why)
{
	log_warnx("%s: %s: %s", (const char *)ctx, object, why);
}

/* Each object that a profile names is an open file or two. */
static void allow_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int symbolize_file(char *in, const char *out, const struct stored_options *o)
{
	struct profile *p;
	int err;

	if (select_open(in, false, &p))
		return CLI_FAILED;
	allow_files();
	err = stored_symbolize(&p, o, tell, in);
	if (err)
		log_warnx("%s: %s", o->kallsyms,
			  err == -EACCES ? "hides its addresses, or may not be read" : strerror(-err));
	else
		err = out ? output_profile(out, p) : output_in_place(in, p);
	profile_free(p);
	return err ? CLI_FAILED : CLI_DONE;
}

int cli_symbolize(struct cli *cli, int argc, char **argv)
{
	enum { OPTION_DEBUG_PATH = 256, OPTION_KALLSYMS, OPTION_LINES };
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "debug-path", required_argument, NULL, OPTION_DEBUG_PATH },
		{ "kallsyms", required_argument, NULL, OPTION_KALLSYMS },
		{ "lines", no_argument, NULL, OPTION_LINES },
		{ 0 },
	};
	struct stored_options options = { 0 };
	struct search *search = &options.search;
	const char *out = NULL;
	int o;

	while ((o = cli_getopt(cli, argc, argv, "o:", longs)) != -1) {
		switch (o) {
		case 'o':
			out = optarg;
			break;
		case OPTION_DEBUG_PATH:
			if (search->nr_paths == SEARCH_PATHS_MAX - 1)
				return cli_usage(cli, "--debug-path: at most %d", SEARCH_PATHS_MAX - 1);
			search->paths[search->nr_paths++] = optarg;
			break;
		case OPTION_KALLSYMS:
			options.kallsyms = optarg;
			break;
		case OPTION_LINES:
			options.lines = true;
			break;
		default:
			return cli_getopt_status(o);
		}
	}
	search->paths[search->nr_paths++] = REPLAY_DEBUG_PATH;
	if (optind != argc - 1)
		return cli_usage(cli, "give one profile, or - for standard input");
	if (!out && !strcmp(argv[optind], "-"))
		return cli_usage(cli, "-o FILE says where to write what comes from standard input");
	return symbolize_file(argv[optind], out, &options);
}
