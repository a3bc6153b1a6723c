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
	struct show s;
	int status;

	show_init(&s);
	/* Many programs' stacks begin with one and the same function. */
	s.view.by = VIEW_LABEL;
	s.view.label = "comm";
	s.view.min_fraction = MIN_FRACTION;
	status = show_options(cli, &s, argc, argv, "n:", longs);
	return status >= 0 ? status : show_print(cli, &s, argv + optind, argc - optind, view_tree);
}
