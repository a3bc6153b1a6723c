/* attach: the process that may become the user of a Java virtual machine, to ask it for a map of its code. Its parent touches
 * nothing of it: it forks a child for each request (hotspot.h), which it kills at the deadline. */
#ifndef ATTACH_ATTACH_H
#define ATTACH_ATTACH_H

/* main() of `pprofd --attach`: serves CHILD_CHANNEL_FD until it closes. The exit status. */
int attach_main(void);

#endif
