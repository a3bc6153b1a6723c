/* pprofctl top */
#include "cli/show.h"

#define ROWS 20

int cli_top(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		SELECT_OPTIONS, SHOW_BY_OPTION, SHOW_TYPE_OPTION,
		{ "cum", no_argument, NULL, SHOW_CUM },
		{ 0 },
	};
	struct profile *p = NULL;
	struct show s;
	int c;

	show_init(&s);
	s.view.nr = ROWS;
	while ((c = cli_getopt(cli, argc, argv, "n:", longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (!show_option(cli, &s, c, optarg))
			return CLI_USAGE;
	}
	if (show_read(cli, &s, argv + optind, argc - optind, &p))
		return CLI_FAILED;
	printf("Source: %s\n", s.select.source);
	view_header(p, &s.view, stdout);
	view_top(p, &s.view, stdout);
	profile_free(p);
	return cli_end_output();
}
