/* pprofctl top */
#include "cli/live.h"
#include "cli/show.h"

#define ROWS 20

int cli_top(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		SELECT_OPTIONS, SHOW_BY_OPTION, SHOW_TYPE_OPTION,
		{ "cum", no_argument, NULL, SHOW_CUM },
		{ "live", no_argument, NULL, SHOW_LIVE },
		{ 0 },
	};
	struct show s;
	int status;

	show_init(&s);
	s.view.nr = ROWS;
	status = show_options(cli, &s, argc, argv, "n:", longs);
	if (status >= 0)
		return status;
	if (!s.live)
		return show_print(cli, &s, argv + optind, argc - optind, view_top);
	if (optind < argc || s.select.has_since || s.select.has_until)
		return cli_usage(cli, "--live is of now: neither files nor times");
	return live_top(cli, &s);
}
