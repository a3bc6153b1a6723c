/* opener: the process that may look into any process's files, and may hang. Its parent opens
 * nothing itself: it forks a child that serves requests (serve.h); a child that overruns the
 * deadline is left behind and another forked. */
#ifndef OPENER_OPENER_H
#define OPENER_OPENER_H

/* main() of `pprofd --opener`: serves CHILD_CHANNEL_FD until it closes. The exit status. */
int opener_main(void);

#endif
