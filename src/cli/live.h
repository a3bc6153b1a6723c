/* live: a view of the daemon's running window, drawn again and again. */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli/show.h"

/* Until q or Ctrl-C, or until nobody reads. In a terminal one screen, elsewhere one table after the other. Returns an
 * enum cli_status. */
int live_top(struct cli *cli, struct show *s);

#endif
