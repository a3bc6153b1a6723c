/* pprofctl top */
#include "cli/live.h"
#include "cli/show.h"

#define ROWS 20

int cli_top(struct cli *cli, int argc, char **argv)
{
	enum { OPTION_LIVE = 512 };
	static const struct option longs[] = {
		SELECT_OPTIONS, SHOW_BY_OPTION, SHOW_TYPE_OPTION,
		{ "cum", no_argument, NULL, SHOW_CUM },
		{ "live", no_argument, NULL, OPTION_LIVE },
		{ 0 },
	};
	struct profile *p = NULL;
	struct show s;
	bool live = false;
	int c;

	show_init(&s);
	s.view.nr = ROWS;
	while ((c = cli_getopt(cli, argc, argv, "n:", longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (c == OPTION_LIVE)
			live = true;
		else if (!show_option(cli, &s, c, optarg))
			return CLI_USAGE;
	}
	if (live && (optind < argc || s.select.has_since || s.select.has_until))
		return cli_usage(cli, "--live is of now: neither files nor times");
	if (live)
		return live_top(cli, &s);
	if (show_read(cli, &s, argv + optind, argc - optind, &p))
		return CLI_FAILED;
	printf("Source: %s\n", s.select.source);
	view_header(p, &s.view, stdout);
	view_top(p, &s.view, stdout);
	profile_free(p);
	return cli_end_output();
}
