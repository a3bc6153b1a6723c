/* pprofctl tree */
#include "cli/show.h"

#define MIN_FRACTION 0.005

int cli_tree(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		SELECT_OPTIONS, SHOW_BY_OPTION, SHOW_TYPE_OPTION,
		{ "min", required_argument, NULL, SHOW_MIN },
		{ 0 },
	};
	struct profile *p = NULL;
	struct show s;
	int c;

	show_init(&s);
	/* Many programs' stacks begin with one and the same function. */
	s.view.by = VIEW_LABEL;
	s.view.label = "comm";
	s.view.min_fraction = MIN_FRACTION;
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
	view_tree(p, &s.view, stdout);
	profile_free(p);
	return cli_end_output();
}
