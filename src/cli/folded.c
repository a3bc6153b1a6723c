/* pprofctl folded */
#include "cli/show.h"

int cli_folded(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = { SELECT_OPTIONS, SHOW_TYPE_OPTION, { 0 } };
	struct profile *p = NULL;
	struct show s;
	int status, type;

	show_init(&s);
	status = show_options(cli, &s, argc, argv, "", longs);
	if (status >= 0)
		return status;
	if (show_read(cli, &s, argv + optind, argc - optind, &p))
		return CLI_FAILED;
	/* Readers take the number for a count: some make so many samples of it. */
	type = view_type(p, "samples");
	if (!s.type && type >= 0)
		s.view.type = (unsigned)type;
	view_folded(p, &s.view, stdout);
	profile_free(p);
	return cli_end_output();
}
